"""What an administrator should know about the memberships file: rows that mean nothing, or nothing more."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress

from ecmahost_core import ConnectorError, Finding, RunStep, Severity, anchor_text, fold
from ecmahost_csv.memberships import MembershipColumns, membership_columns
from ecmahost_csv.parameters import Groups
from ecmahost_csv.records import Record
from ecmahost_csv.session import CsvSession
from ecmahost_csv.target import Target


def of_memberships(opened: CsvSession, listed: CsvSession, groups: Groups, step: RunStep) -> Iterator[Finding]:
    """Yields the findings of one reading of the whole file; raises ConnectorError where it cannot be read."""
    names = [groups.object_type, opened.settings.object_type]
    known = [_anchors(opened, step, name) for name in names]
    with listed.target() as target:
        columns = membership_columns(target, groups)
        counts: Counter[str] = Counter()
        first: dict[str, int] = {}
        seen: set[tuple[str, str]] = set()
        for record in target.records():
            kind = _kind(target, columns, record, seen, known)
            if kind:
                counts[kind] += 1
                first.setdefault(kind, record.line)
    path = str(listed.path)
    for kind, severity, message, remedy in _KINDS:
        if counts[kind]:
            yield Finding(severity, path, f"{message}: {counts[kind]}, the first on line {first[kind]}", remedy)


def _anchors(opened: CsvSession, step: RunStep, name: str) -> Collection[str] | None:
    """Returns what the objects of a type are called; None where the step has no such type, or it cannot be read."""
    schema_type = next((one for one in step.types if one.name == name), None)
    if schema_type is None:
        return None
    part = opened.of(name)
    found: set[str] = set()
    with suppress(ConnectorError), part.target() as target:
        binding = part.binding(target, schema_type)
        for record in target.records():
            if binding.has_anchor(record.cells):
                with suppress(ValueError):
                    found.add(fold(anchor_text(binding.anchor_of(record.cells))))
        return found
    return None


def _kind(
    target: Target,
    columns: MembershipColumns,
    record: Record,
    seen: set[tuple[str, str]],
    known: list[Collection[str] | None],
) -> str:
    if record.problem or len(record.cells) > len(target.layout.names):
        return "unparsable"
    key = columns.key_of(record.cells)
    if not record.cells or key is None:
        return "incomplete" if record.cells else ""
    if key in seen:
        return "repeated"
    seen.add(key)
    groups, people = known
    if groups is not None and key[0] not in groups:
        return "no group"
    return "nobody" if people is not None and key[1] not in people else ""


_KINDS = (
    ("unparsable", Severity.WARNING, "rows that cannot be parsed", "quote cells that contain the delimiter or a quote"),
    ("incomplete", Severity.WARNING, "rows without a group or a member", "complete or remove them"),
    ("no group", Severity.WARNING, "rows of a group that is not in the groups file",
     "remove them: who makes a group of that name outside of the host would give it these members"),
    ("nobody", Severity.WARNING, "rows with a member who is not in the file of people",
     "remove them: the next one who gets that name would be in these groups"),
    ("repeated", Severity.INFO, "rows that an earlier one has said already, which are read once", "remove them"),
)  # fmt: skip
