"""Importing: all rows as a stream, or the rows that have a value."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ecmahost_core import (
    CSEntryChange,
    ImportPage,
    ObjectQuery,
    ObjectTypeNotSupported,
    RunStep,
    SchemaType,
    TargetBusy,
    UnexpectedData,
)
from ecmahost_csv.columns import Binding, Column, Key, entry
from ecmahost_csv.index import Index
from ecmahost_csv.memberships import MembershipColumns, members_of, membership_columns
from ecmahost_csv.records import Record
from ecmahost_csv.session import MEMBERS, CsvSession
from ecmahost_csv.target import Target

ATTEMPTS = 3


VALUES_OF_A_PAGE = 100_000
"""After how many members of its groups a page ends, however few groups they are."""


def full_import(opened: CsvSession, step: RunStep) -> Iterator[ImportPage]:
    """Yields every row of the version that is current when its type begins.

    Two passes: the first finds anchors that occur twice and what makes the file unreadable, before anything is
    yielded. Blank lines are passed over. Raises UnexpectedData at the end, instead of ending, when somebody wrote into
    a file meanwhile: the rows may be of two versions.
    """
    for schema_type in step.types:
        yield from _import(opened.of(schema_type.name), schema_type, step.page_size)


def _import(opened: CsvSession, schema_type: SchemaType, page_size: int) -> Iterator[ImportPage]:
    with opened.target() as target, _members(opened, schema_type) as members:
        binding = opened.binding(target, schema_type)
        repeats = opened.index.repeats(target, binding.anchor)
        lines: dict[int, int] = dict.fromkeys(repeats.values(), 0)
        page: list[CSEntryChange] = []
        weight = 0
        for record in target.records():
            if not record.cells and not record.problem:
                continue
            if record.offset in lines:
                lines[record.offset] = record.line
            found = entry(binding, record, lines.get(repeats.get(record.offset, -1)))
            if members is not None:
                found = members.with_members(found)
                weight += len(found.attributes.get(MEMBERS, ()))
            page.append(found)
            if len(page) >= page_size or weight >= VALUES_OF_A_PAGE:
                yield ImportPage(tuple(page))
                page, weight = [], 0
        for read in (target, members.target if members is not None else target):
            if not read.unchanged():
                raise UnexpectedData(f"{read.path}: changed while being read; rename a new file over it instead")
        if page:
            yield ImportPage(tuple(page))


@dataclass(frozen=True, slots=True)
class _Members:
    """An open memberships file.

    Attributes:
        target: its version.
        columns: where its anchors are.
        index: of the file.
    """

    target: Target
    columns: MembershipColumns
    index: Index

    def with_members(self, found: CSEntryChange) -> CSEntryChange:
        """Returns a group with its members; one that could not be read stays as it is."""
        if found.failure is not None:
            return found
        members = members_of(self.index, self.target, self.columns, found.anchor)
        return replace(found, attributes={**found.attributes, MEMBERS: members})


@contextmanager
def _members(opened: CsvSession, schema_type: SchemaType) -> Iterator[_Members | None]:
    """Opens the memberships file where a step asks for members; yields None where it does not."""
    listed, groups = opened.memberships, opened.settings.groups
    asked = opened.groups is None and schema_type.attribute(MEMBERS) is not None
    if listed is None or groups is None or not asked:
        yield None
        return
    with listed.target() as target:
        yield _Members(target, membership_columns(target, groups), listed.index)


def full_object_import(opened: CsvSession, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
    """Returns the rows that a query asks for, at most ``query.limit``, as ``full_import`` would yield them.

    A CSV has no equality of its own: case and trailing blanks do not matter, and typed cells are compared by value.
    Raises TargetBusy when somebody keeps writing into the file.
    """
    part, schema_type = opened.of(query.object_type), step.type(query.object_type)
    for _attempt in range(ATTEMPTS):
        with part.target() as target, _members(part, schema_type) as members:
            binding = part.binding(target, schema_type)
            columns, key = _wanted(binding, query)
            found = [] if key is None else _found(part, target, binding, columns, key, query.limit)
            if members is not None:
                found = [members.with_members(one) for one in found]
            if target.unchanged() and (members is None or members.target.unchanged()):
                return found
    raise TargetBusy(f"{part.settings.path}: another program keeps writing into it; try again")


def _found(
    opened: CsvSession, target: Target, binding: Binding, columns: tuple[Column, ...], key: Key, limit: int
) -> list[CSEntryChange]:
    opened.index.prepare(target, columns, binding.anchor)
    found: list[CSEntryChange] = []
    for record in opened.index.find(target, columns, key):
        if len(found) >= limit:
            break
        plain = entry(binding, record, _first_line(opened, target, binding, record))
        found.append(plain if plain.failure is None else _with_line(target, binding, opened, record))
    return found


def _with_line(target: Target, binding: Binding, opened: CsvSession, record: Record) -> CSEntryChange:
    """Returns a row that failed, told with the number of its line, which takes a look at all before it."""
    numbered = record._replace(line=target.line_of(record.offset))
    return entry(binding, numbered, _first_line(opened, target, binding, record))


def _first_line(opened: CsvSession, target: Target, binding: Binding, record: Record) -> int | None:
    """Returns the line of an earlier row with the same anchor; None when this is the first."""
    key = binding.anchor_key(record.cells)
    if key is None:
        return None
    first = next(opened.index.find(target, binding.anchor, key), record)
    return None if first.offset == record.offset else target.line_of(first.offset)


def _wanted(binding: Binding, query: ObjectQuery) -> tuple[tuple[Column, ...], Key | None]:
    """Returns the columns that a query names and the key to look for; None when nothing can match."""
    columns: list[Column] = []
    keys: list[str] = []
    for name, values in query.attributes:
        column = binding.columns.get(name)
        if column is None:
            raise ObjectTypeNotSupported(f"the file has no column {name!r}; add it to the header or unselect it")
        try:
            keys.extend(column.key(column.written(value)) for value in values[:1])
        except ValueError:
            return (), None
        columns.append(column)
    if len(keys) != len(columns) or not all(keys):
        return (), None
    return tuple(columns), keys[0] if len(keys) == 1 else tuple(keys)
