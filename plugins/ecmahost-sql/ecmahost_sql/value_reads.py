"""Reading the values that are in tables of their own, for objects that have been read.

A statement reads the values of many objects, or of one: as many together as fit in a few megabytes, because a group can
have a hundred thousand members, and some drivers keep whole results.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from ecmahost_core import Anchor, CSEntryChange, Value, Values
from ecmahost_sql import value_statements
from ecmahost_sql.database import Database, Row, SqlValue
from ecmahost_sql.rows import Selection, failure
from ecmahost_sql.value_tables import ValueColumn
from ecmahost_sql.values import InvalidValue, Reader, UnreadableValue, bind_for_query, reader

OWNERS_AT_ONCE = 400
VALUES_AT_ONCE = 20_000


def with_values(
    database: Database, selection: Selection, kept: Sequence[ValueColumn], entries: Iterable[CSEntryChange]
) -> Iterator[CSEntryChange]:
    """Yields the entries in their order, each with these attributes; an entry that could not be read stays as it is."""
    if not kept:
        yield from entries
        return
    remaining = iter(entries)
    while some := [_named(selection, entry) for entry in islice(remaining, OWNERS_AT_ONCE)]:
        owners = {entry.anchor: _key(selection, entry) for entry in some if entry.failure is None}
        for part in _portions(database, selection, kept, owners):
            found = [_read(database, selection, one, [owners[anchor] for anchor in part]) for one in kept]
            while some:
                if some[0].failure is None and some[0].anchor not in part:
                    break
                yield _completed(selection, kept, some.pop(0), found)
        yield from some


def _named(selection: Selection, entry: CSEntryChange) -> CSEntryChange:
    """Returns an entry, as a failure where nothing can be looked for by its anchor: by one with a NUL in it."""
    if entry.failure is not None:
        return entry
    try:
        _key(selection, entry)
    except InvalidValue as problem:
        what = f"the values of the object cannot be looked for: column {selection.key[0].name} {problem}"
        return replace(entry, failure=failure(selection.table, [what]))
    return entry


def _key(selection: Selection, entry: CSEntryChange) -> SqlValue:
    column = selection.key[0]
    return bind_for_query(column, selection.attribute_type(column), entry.anchor[0])


def _portions(
    database: Database, selection: Selection, kept: Sequence[ValueColumn], owners: Mapping[Anchor, SqlValue]
) -> Iterator[list[Anchor]]:
    """Yields all the owners in their order, together those whose values can be read at once."""
    if len(owners) <= 1:
        yield list(owners)
        return
    sizes = dict.fromkeys(owners, 0)
    for one in kept:
        sql, parameters = value_statements.counts(database, selection, one, tuple(owners.values()))
        for anchor, rows in _by_owner(selection, database.query(sql, parameters)).items():
            if anchor in sizes:
                sizes[anchor] += sum(number for number in rows if isinstance(number, int))
    portion: list[Anchor] = []
    size = 0
    for anchor, number in sizes.items():
        if portion and size + number > VALUES_AT_ONCE:
            yield portion
            portion, size = [], 0
        portion.append(anchor)
        size += number
    yield portion


def _read(
    database: Database, selection: Selection, one: ValueColumn, owners: Sequence[SqlValue]
) -> Mapping[Anchor, Sequence[SqlValue]]:
    if not owners:
        return {}
    return _by_owner(selection, database.query(*value_statements.values(database, selection, one, tuple(owners))))


def _by_owner(selection: Selection, rows: Sequence[Row]) -> Mapping[Anchor, Sequence[SqlValue]]:
    """Returns the second column's values by the anchor that the first column is."""
    found: dict[SqlValue, list[SqlValue]] = {}
    for key, value in rows:
        found.setdefault(key, []).append(value)
    read = _key_reader(selection)
    return {read(key): values for key, values in found.items()}


def _key_reader(selection: Selection) -> Reader:
    name = selection.key[0].name
    return next(read for other, read in selection.readers if other == name)


def _completed(
    selection: Selection,
    kept: Sequence[ValueColumn],
    entry: CSEntryChange,
    found: Sequence[Mapping[Anchor, Sequence[SqlValue]]],
) -> CSEntryChange:
    if entry.failure is not None:
        return entry
    more: dict[str, Values] = {}
    try:
        for one, values in zip(kept, found, strict=True):
            more[one.attribute.name] = typed(one, values.get(entry.anchor, ()))
    except UnreadableValue as problem:
        what = f"column {one.column.name} of table {one.table.name}, which keeps {one.attribute.name}, {problem}"
        return replace(entry, failure=failure(selection.table, [what]))
    return replace(entry, attributes={**entry.attributes, **more})


def typed(one: ValueColumn, stored: Sequence[SqlValue]) -> Values:
    """Returns stored values as the attribute has them, each once, in an order that does not depend on the database's.

    An empty text is none, as it is to clients. Raises UnreadableValue.
    """
    read = reader(one.attribute.type)
    found: dict[Value, None] = {}
    for value in stored:
        found |= dict.fromkeys(one for one in read(value) if one != "")
    values = tuple(found) if one.is_link else tuple(sorted(found, key=str))
    return values if one.attribute.multi_valued else values[:1]
