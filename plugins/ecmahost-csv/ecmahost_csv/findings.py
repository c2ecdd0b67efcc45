"""What an administrator should know about the file: rights, missing columns, rows that cannot be used."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ecmahost_core import ConnectorError, Finding, MAImportError, RunStep, SchemaType, Severity
from ecmahost_csv.columns import Binding, entry
from ecmahost_csv.membership_findings import of_memberships
from ecmahost_csv.session import CsvSession
from ecmahost_csv.target import Target


def check(opened: CsvSession, step: RunStep) -> Sequence[Finding]:
    """Returns the findings of one reading of each whole file; never raises for what the files contain."""
    found: list[Finding] = []
    for schema_type in step.types:
        try:
            found += _of_type(opened.of(schema_type.name), schema_type)
        except ConnectorError as error:
            path = str(opened.path)
            found.append(Finding(Severity.ERROR, path, str(error), "correct this, then check again"))
    listed, groups = opened.memberships, opened.settings.groups
    if listed is not None and groups is not None and any(one.name == groups.object_type for one in step.types):
        found += _rights(listed.path)
        try:
            found += of_memberships(opened, listed, groups, step)
        except ConnectorError as error:
            found.append(Finding(Severity.ERROR, str(listed.path), str(error), "correct this, then check again"))
    return list(dict.fromkeys(found))


def _of_type(part: CsvSession, schema_type: SchemaType) -> list[Finding]:
    found = _rights(part.path)
    try:
        with part.target() as target:
            found += _columns(part, target, schema_type)
            if not found or all(finding.severity is not Severity.ERROR for finding in found):
                found += _rows(part, target, part.binding(target, schema_type))
    except ConnectorError as error:
        found.append(Finding(Severity.ERROR, str(part.path), str(error), "correct this, then check again"))
    return found


def _rights(path: Path) -> list[Finding]:
    found = []
    if not os.access(path.parent, os.W_OK | os.X_OK):
        message = "the folder cannot be written to, so no change can be exported"
        remedy = "let the host's account make files in this folder: each export puts a new file in the place of the old"
        found.append(Finding(Severity.ERROR, str(path.parent), message, remedy))
    try:
        links = path.stat().st_nlink
    except OSError:
        return found
    if links > 1:
        message = f"the file has {links} hard links; an export replaces this one only"
        found.append(Finding(Severity.WARNING, str(path), message, "use a symbolic link instead"))
    return found


def _columns(part: CsvSession, target: Target, schema_type: SchemaType) -> list[Finding]:
    path = str(part.settings.path)
    found = []
    for name in schema_type.anchor:
        if name not in target.layout.names:
            message = f"the anchor column {name!r} is missing"
            remedy = "add it to the header with a value in every row, or choose another anchor"
            found.append(Finding(Severity.ERROR, path, message, remedy))
    for attribute in part.own_attributes(schema_type):
        if attribute.name not in target.layout.names and attribute.name not in schema_type.anchor:
            message = f"the column {attribute.name!r} is missing"
            found.append(Finding(Severity.ERROR, path, message, "add it to the header or unselect the attribute"))
    return found


def _rows(opened: CsvSession, target: Target, binding: Binding) -> list[Finding]:
    repeats = opened.index.repeats(target, binding.anchor)
    counts: Counter[str] = Counter()
    first: dict[str, int] = {}
    for record in target.records():
        if not record.cells and not record.problem:
            continue
        kind = ""
        if record.offset in repeats:
            kind = "repeated"
        elif (failure := entry(binding, record).failure) is not None:
            empty = not record.problem and not binding.has_anchor(record.cells)
            kind = "unparsable" if failure.code is MAImportError.PARSE_ERROR else "anchorless" if empty else "invalid"
        elif len(record.cells) < len(binding.columns):
            kind = "short"
        if kind:
            counts[kind] += 1
            first.setdefault(kind, record.line)
    path = str(opened.settings.path)
    return [
        Finding(severity, path, f"{message}: {counts[kind]}, the first on line {first[kind]}", remedy)
        for kind, severity, message, remedy in _KINDS
        if counts[kind]
    ]


_KINDS = (
    ("repeated", Severity.WARNING, "rows whose anchor an earlier row has", "remove them, or choose a unique anchor"),
    ("anchorless", Severity.WARNING, "rows without an anchor", "give them one or remove them"),
    ("unparsable", Severity.WARNING, "rows that cannot be parsed", "quote cells that contain the delimiter or a quote"),
    ("invalid", Severity.WARNING, "rows with a cell that does not have its type", "correct the cell or the type"),
    ("short", Severity.INFO, "rows with fewer cells than columns, read as empty", "add the missing delimiters"),
)
