"""How the rows of a table are read as objects of a run step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat

from ecmahost_core import (
    AttributeOperation,
    AttributeType,
    CSEntryChange,
    ImportFailure,
    MAImportError,
    ObjectModificationType,
    SchemaType,
    Values,
    whole_objects,
)
from ecmahost_sql.catalog import ATTRIBUTE_TYPES, Column, Table
from ecmahost_sql.database import Database, Row
from ecmahost_sql.errors import DatabaseFailure, FailureKind
from ecmahost_sql.value_tables import ValueColumn
from ecmahost_sql.values import Reader, UnreadableValue, read_column, reader

_FALSE = frozenset({"", "0", "0.0", "f", "false", "n", "no"})


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read of a table for one object type of a step.

    Attributes:
        schema_type: the object type as the step has it, as far as its attributes are columns of the table.
        table: as the database has it now.
        columns: what is read, in the order of the select list, anchor included.
        expressions: the select list; a row begins with one value for each column.
        readers: the attributes' names and how their values are read, in the same order.
        key: the anchor's columns, in the anchor's order.
        key_expressions: what to compare and to order by, for each of them.
        bookmarks: what to select for each of them, so that it can be compared with the expression again.
        distinct: the database keeps the key's columns distinct, by the same comparison that orders them.
        several: the attributes of the step whose values are in tables of their own; ``schema_type`` lacks them.
        mark: the place in a row of the column that says that it counts as deleted; None where there is none.
    """

    schema_type: SchemaType
    table: Table
    columns: tuple[Column, ...]
    expressions: str
    readers: tuple[tuple[str, Reader], ...]
    key: tuple[Column, ...]
    key_expressions: tuple[str, ...]
    bookmarks: tuple[str, ...]
    distinct: bool
    several: tuple[ValueColumn, ...] = ()
    mark: int | None = None

    def marked(self, row: Row) -> bool:
        """Returns whether a row counts as deleted: its mark has a value that is not false, such as 1 or a date."""
        if self.mark is None:
            return False
        value = row[self.mark]
        if isinstance(value, str):
            return value.strip().casefold() not in _FALSE
        return bool(value.strip(b"\0")) if isinstance(value, bytes) else bool(value)

    def attribute_type(self, column: Column) -> AttributeType:
        """Returns the type that the step gives to a column, or else the one that the catalog gives."""
        return type_of(self.schema_type, column)

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of the anchor's columns."""
        return tuple(column.name for column in self.key)


def select_attributes(
    database: Database, table: Table, whole: SchemaType, several: Sequence[ValueColumn] = (), mark: str = ""
) -> Selection:
    """Returns how to read the step's attributes; DatabaseFailure NOT_IN_CATALOG names a column that is not there.

    An attribute that can only be exported is not read, unless it is part of the anchor. ``several`` are those that are
    no columns of the table. ``mark`` names the column that says that a row counts as deleted, where the table has it.
    """
    elsewhere = {one.attribute.name for one in several}
    schema_type = replace(whole, attributes=tuple(one for one in whole.attributes if one.name not in elsewhere))
    read = [
        (require_column(table, attribute.name), reader(attribute.type))
        for attribute in schema_type.attributes
        if attribute.operation is not AttributeOperation.EXPORT_ONLY or attribute.name in schema_type.anchor
    ]
    named = {column.name for column, _ in read}
    for name in schema_type.anchor:
        if name not in named:
            column = require_column(table, name)
            read.append((column, reader(ATTRIBUTE_TYPES[column.kind])))
    key = tuple(require_column(table, name) for name in schema_type.anchor)
    columns = [column for column, _ in read]
    marking = table.column(mark) if mark else None
    if marking is not None and marking not in columns:
        columns.append(marking)
    compared = tuple(comparable(database, column, type_of(schema_type, column)) for column in key)
    return Selection(
        schema_type,
        table,
        tuple(columns),
        ", ".join(database.read_expression(column) for column in columns),
        tuple((column.name, read_value) for column, read_value in read),
        key,
        compared,
        tuple(database.bookmark(column, expression) for column, expression in zip(key, compared, strict=True)),
        distinct=any(names <= set(schema_type.anchor) for names in table.distinct)
        and compared == tuple(database.quote(column.name) for column in key),
        several=tuple(several),
        mark=None if marking is None else columns.index(marking),
    )


def comparable(database: Database, column: Column, attribute_type: AttributeType) -> str:
    """Returns the expression by which a column's values are the same when the host would say so.

    The number 7 and the text "7" are one value to the host, and must not become two objects where a column keeps both.
    """
    if column.untyped and attribute_type is not AttributeType.BINARY:
        return database.as_text(column)
    return database.quote(column.name)


def type_of(schema_type: SchemaType, column: Column) -> AttributeType:
    """Returns the type that the step gives to a column, or else the one that the catalog gives."""
    attribute = schema_type.attribute(column.name)
    return attribute.type if attribute is not None else ATTRIBUTE_TYPES[column.kind]


def require_column(table: Table, name: str) -> Column:
    """Returns the column of exactly this name; DatabaseFailure names the nearest spelling when there is none."""
    column = table.column(name)
    if column is not None:
        return column
    near = next((column.name for column in table.columns if column.name.casefold() == name.casefold()), "")
    hint = f"; it is spelled {near}" if near else ""
    raise DatabaseFailure(FailureKind.NOT_IN_CATALOG, f"table {table.name} has no column {name}{hint}", name)


def entry_of(selection: Selection, row: Row) -> CSEntryChange:
    """Returns one row as an imported object; a row that cannot be read becomes one with ``failure``."""
    attributes: dict[str, Values] = {}
    problems: list[str] = []
    for (name, read), value in zip(selection.readers, row, strict=False):
        try:
            attributes[name] = () if value is None else read(value)
        except UnreadableValue as problem:
            problems.append(f"column {name} {problem}")
    anchor = tuple(value for name in selection.schema_type.anchor for value in attributes.get(name, ()))
    if len(anchor) != len(selection.key) or "" in anchor:
        anchor = ()
        if all(name in attributes for name in selection.schema_type.anchor):
            problems.append(f"the anchor ({', '.join(selection.schema_type.anchor)}) has no value")
    return CSEntryChange(
        selection.schema_type.name,
        ObjectModificationType.ADD,
        anchor=anchor,
        attributes=attributes,
        failure=failure(selection.table, problems) if problems else None,
    )


def entries_of(selection: Selection, rows: Sequence[Row]) -> list[CSEntryChange]:
    """Returns what ``entry_of`` does for each row; column by column, because few need a look at each value."""
    if not rows:
        return []
    names = tuple(name for name, _ in selection.readers)
    try:
        cells = [
            read_column(read, column)
            for (_, read), column in zip(selection.readers, zip(*rows, strict=True), strict=False)
        ]
    except UnreadableValue:
        return [entry_of(selection, row) for row in rows]
    key = [cells[names.index(name)] for name in selection.schema_type.anchor]
    if any(() in column or ("",) in column for column in key):
        return [entry_of(selection, row) for row in rows]
    anchors = key[0] if len(key) == 1 else [tuple(chain.from_iterable(parts)) for parts in zip(*key, strict=True)]
    attributes = list(map(dict, map(zip, repeat(names), zip(*cells, strict=True))))
    return whole_objects(selection.schema_type.name, anchors, attributes)


def ambiguous_entries(selection: Selection, rows: Sequence[Row], count: str) -> Iterator[CSEntryChange]:
    """Yields what stands for several rows with the same anchor, of which none is *the* object.

    One failure for each spelling of the anchor (a column may not tell "Bob" from "BOB"), so that the host finds the
    object under the spelling that it knows.
    """
    names = ", ".join(selection.schema_type.anchor)
    for anchor in dict.fromkeys(entry_of(selection, row).anchor for row in rows):
        yield CSEntryChange(
            selection.schema_type.name,
            ObjectModificationType.ADD,
            anchor=anchor,
            failure=failure(selection.table, [f"{count} rows have the same anchor ({names})"]),
        )


def failure(table: Table, problems: Sequence[str]) -> ImportFailure:
    """Returns why a row of this table cannot be read."""
    return ImportFailure(MAImportError.INVALID_ATTRIBUTE_VALUE, f"table {table.name}: {'; '.join(problems)}")
