"""Importing: all rows as a stream, or the rows that have a value."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from ecmahost_core import (
    Anchor,
    CSEntryChange,
    ImportPage,
    ObjectQuery,
    ObjectTypeNotSupported,
    RunStep,
    SchemaType,
    TargetBusy,
    UnexpectedData,
    Values,
)
from ecmahost_csv.columns import Binding, Column, Key, entry
from ecmahost_csv.memberships import AllMembers, MembershipColumns, members_of, membership_columns
from ecmahost_csv.records import Record
from ecmahost_csv.seals import sealed
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
    with opened.target() as target, _memberships(opened, schema_type) as listed:
        seals = [sealed(read) for read in (target, *(() if listed is None else listed[:1]))]
        binding = opened.binding(target, schema_type)
        members = AllMembers(*listed) if listed is not None else None
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
                found = _with_members(found, members.of)
                weight += len(found.attributes.get(MEMBERS, ()))
            page.append(found)
            if len(page) >= page_size or weight >= VALUES_OF_A_PAGE:
                yield ImportPage(tuple(page))
                page, weight = [], 0
        for seal in seals:
            if seal.broken:
                raise UnexpectedData(f"{seal.target.path}: changed while being read; rename a new file over it instead")
        if page:
            yield ImportPage(tuple(page))


def _with_members(found: CSEntryChange, members_of: Callable[[Anchor], Values]) -> CSEntryChange:
    """Returns a group with its members; one that could not be read stays as it is."""
    if found.failure is not None:
        return found
    return replace(found, attributes={**found.attributes, MEMBERS: members_of(found.anchor)})


@contextmanager
def _memberships(opened: CsvSession, schema_type: SchemaType) -> Iterator[tuple[Target, MembershipColumns] | None]:
    """Opens the memberships file where a step asks for members; yields None where it does not."""
    listed, groups = opened.memberships, opened.settings.groups
    asked = opened.groups is None and schema_type.attribute(MEMBERS) is not None
    if listed is None or groups is None or not asked:
        yield None
        return
    with listed.target() as target:
        yield target, membership_columns(target, groups)


def full_object_import(opened: CsvSession, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
    """Returns the rows that a query asks for, at most ``query.limit``, as ``full_import`` would yield them.

    A CSV has no equality of its own: case and trailing blanks do not matter, and typed cells are compared by value.
    Raises TargetBusy when somebody keeps writing into the file.
    """
    part, schema_type = opened.of(query.object_type), step.type(query.object_type)
    for _attempt in range(ATTEMPTS):
        with part.target() as target, _memberships(part, schema_type) as listed:
            binding = part.binding(target, schema_type)
            columns, key = _wanted(binding, query)
            found = [] if key is None else _found(part, target, binding, columns, key, query.limit)
            if listed is not None and part.memberships is not None:
                members = partial(members_of, part.memberships.index, *listed)
                found = [_with_members(one, members) for one in found]
            if target.unchanged() and (listed is None or listed[0].unchanged()):
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
