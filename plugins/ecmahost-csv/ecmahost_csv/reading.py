"""Importing: all rows as a stream, or the rows that have a value."""

from collections.abc import Iterator, Sequence

from ecmahost_core import (
    CSEntryChange,
    ImportPage,
    ObjectQuery,
    ObjectTypeNotSupported,
    RunStep,
    TargetBusy,
    UnexpectedData,
)
from ecmahost_csv.columns import Binding, Column, Key, entry
from ecmahost_csv.records import Record
from ecmahost_csv.session import CsvSession
from ecmahost_csv.target import Target

ATTEMPTS = 3


def full_import(opened: CsvSession, step: RunStep) -> Iterator[ImportPage]:
    """Yields every row of the version that is current at the first page.

    Two passes: the first finds anchors that occur twice and what makes the file unreadable, before anything is
    yielded. Blank lines are passed over. Raises UnexpectedData at the end, instead of ending, when somebody wrote into
    the file meanwhile: the rows may be of two versions.
    """
    with opened.target() as target:
        binding = opened.binding(target, step)
        repeats = opened.index.repeats(target, binding.anchor)
        lines: dict[int, int] = dict.fromkeys(repeats.values(), 0)
        page: list[CSEntryChange] = []
        for record in target.records():
            if not record.cells and not record.problem:
                continue
            if record.offset in lines:
                lines[record.offset] = record.line
            page.append(entry(binding, record, lines.get(repeats.get(record.offset, -1))))
            if len(page) >= step.page_size:
                yield ImportPage(tuple(page))
                page = []
        if not target.unchanged():
            raise UnexpectedData(f"{target.path}: changed while being read; rename a new file over it instead")
        if page:
            yield ImportPage(tuple(page))


def full_object_import(opened: CsvSession, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
    """Returns the rows that a query asks for, at most ``query.limit``, as ``full_import`` would yield them.

    A CSV has no equality of its own: case and trailing blanks do not matter, and typed cells are compared by value.
    Raises TargetBusy when somebody keeps writing into the file.
    """
    for _attempt in range(ATTEMPTS):
        with opened.target() as target:
            binding = opened.binding(target, step)
            if query.object_type != binding.object_type:
                raise ObjectTypeNotSupported(f"the file holds {binding.object_type!r}, not {query.object_type!r}")
            columns, key = _wanted(binding, query)
            found = [] if key is None else _found(opened, target, binding, columns, key, query.limit)
            if target.unchanged():
                return found
    raise TargetBusy(f"{opened.settings.path}: another program keeps writing into it; try again")


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
