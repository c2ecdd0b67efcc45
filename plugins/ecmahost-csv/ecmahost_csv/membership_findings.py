"""What an administrator should know about the memberships file: rows that mean nothing, or nothing more."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from ecmahost_core import ConnectorError, Finding, RunStep, Severity, anchor_text, fold
from ecmahost_csv.memberships import MembershipColumns, membership_columns
from ecmahost_csv.parameters import Groups
from ecmahost_csv.records import Record
from ecmahost_csv.session import CsvSession
from ecmahost_csv.target import Target


def of_memberships(opened: CsvSession, listed: CsvSession, groups: Groups, step: RunStep) -> Iterator[Finding]:
    """Yields the findings of two readings of the whole file; raises ConnectorError where it cannot be read."""
    with listed.target() as target:
        columns = membership_columns(target, groups)
        pairs = {key for record in target.records() if (key := columns.key_of(record.cells)) is not None}
        strangers = _strangers(opened, step, groups.object_type, {pair[0] for pair in pairs})
        nobodies = _strangers(opened, step, opened.settings.object_type, {pair[1] for pair in pairs})
        counts: Counter[str] = Counter()
        first: dict[str, int] = {}
        for record in target.records():
            kind = _broken(target, columns, record)
            key = columns.key_of(record.cells)
            if not kind and key is not None:
                kind = "repeated" if key not in pairs else "no group" if key[0] in strangers else ""
                kind = kind or ("nobody" if key[1] in nobodies else "")
                pairs.discard(key)
            if kind:
                counts[kind] += 1
                first.setdefault(kind, record.line)
    path = str(listed.path)
    for kind, severity, message, remedy in _KINDS:
        if counts[kind]:
            yield Finding(severity, path, f"{message}: {counts[kind]}, the first on line {first[kind]}", remedy)


def _strangers(opened: CsvSession, step: RunStep, name: str, keys: set[str]) -> set[str]:
    """Returns which of these texts are the anchor of no object of a type; none where its file cannot be read.

    Where the step does not say which columns the anchor is, any cell may be one; a list of texts may be one of several.
    """
    part = opened.of(name)
    schema_type = next((one for one in step.types if one.name == name), None)
    left = {key for key in keys if schema_type is not None or not key.startswith("[")}
    with suppress(ConnectorError), part.target() as target:
        binding = part.binding(target, schema_type) if schema_type is not None else None
        for record in target.records():
            if binding is None:
                left.difference_update(map(fold, record.cells))
            elif binding.has_anchor(record.cells):
                with suppress(ValueError):
                    left.discard(fold(anchor_text(binding.anchor_of(record.cells))))
        return left
    return set()


def _broken(target: Target, columns: MembershipColumns, record: Record) -> str:
    if record.problem or len(record.cells) > len(target.layout.names):
        return "unparsable"
    return "incomplete" if record.cells and columns.key_of(record.cells) is None else ""


_KINDS = (
    ("unparsable", Severity.WARNING, "rows that cannot be parsed", "quote cells that contain the delimiter or a quote"),
    ("incomplete", Severity.WARNING, "rows without a group or a member", "complete or remove them"),
    ("no group", Severity.WARNING, "rows of a group that is not in the groups file",
     "remove them: who makes a group of that name outside of the host would give it these members"),
    ("nobody", Severity.WARNING, "rows with a member who is not in the file of people",
     "remove them: the next one who gets that name would be in these groups"),
    ("repeated", Severity.INFO, "rows that an earlier one has said already, which are read once", "remove them"),
)  # fmt: skip
