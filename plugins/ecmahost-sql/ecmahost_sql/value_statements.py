"""The text of the statements for tables of values. Values are parameters, always; names are quoted, always."""

from collections.abc import Sequence

from ecmahost_sql.catalog import ATTRIBUTE_TYPES, Column, Table
from ecmahost_sql.database import Database, Place, Row, SqlValue
from ecmahost_sql.rows import Selection, comparable
from ecmahost_sql.statements import place_of
from ecmahost_sql.value_tables import ValueColumn

_KEY, _COMPARED = "ecmahost_key", "ecmahost_compared"


def counts(database: Database, selection: Selection, kept: ValueColumn, owners: Row) -> tuple[str, Row]:
    """Returns the SELECT of how many values each of these owners has; one without any is missing.

    The database brings owners and values together, by its own equality, and gives the owner as its own table has it.
    """
    joined = _joined(database, selection, kept, owners)
    return f"SELECT page.{_KEY}, count(*) {joined} GROUP BY page.{_KEY}", owners


def values(database: Database, selection: Selection, kept: ValueColumn, owners: Row) -> tuple[str, Row]:
    """Returns the SELECT of all values of these owners: owner and value."""
    joined = _joined(database, selection, kept, owners)
    return f"SELECT page.{_KEY}, {database.read_expression(kept.column)} {joined}", owners


def _joined(database: Database, selection: Selection, kept: ValueColumn, owners: Row) -> str:
    key = selection.key_expressions[0]
    owner, value = compared(database, kept.owner), database.quote(kept.column.name)
    return (
        f"FROM (SELECT {database.read_expression(selection.key[0])} AS {_KEY}, {key} AS {_COMPARED}"  # noqa: S608 -- names are quoted
        f" FROM {selection.table.source} WHERE {one_of(database, key, owners).condition}) page"
        f" JOIN {kept.table.source} ON {owner} = page.{_COMPARED} WHERE {value} IS NOT NULL"
    )


def compared(database: Database, column: Column) -> str:
    """Returns the expression by which a value table's column is compared with anchors and values."""
    return comparable(database, column, ATTRIBUTE_TYPES[column.kind])


def one_of(database: Database, expression: str, wanted: Sequence[SqlValue]) -> Place:
    """Returns where an expression has one of these values."""
    markers = ", ".join(map(database.placeholder, wanted))
    return Place(f"{expression} IN ({markers})", tuple(wanted))


def of_owner(database: Database, kept: ValueColumn, owner: SqlValue, wanted: Sequence[SqlValue]) -> Place:
    """Returns where the rows are with which this owner has one of these values."""
    mine = place_of(database, [compared(database, kept.owner)], (owner,))
    these = one_of(database, compared(database, kept.column), wanted)
    return Place(f"{mine.condition} AND {these.condition}", mine.parameters + these.parameters)


def present(database: Database, kept: ValueColumn, owner: SqlValue, wanted: Sequence[SqlValue]) -> tuple[str, Row]:
    """Returns the SELECT of those of these values that this owner has."""
    place = of_owner(database, kept, owner, wanted)
    value = database.read_expression(kept.column)
    return f"SELECT {value} FROM {kept.table.source} WHERE {place.condition}", place.parameters  # noqa: S608 -- names are quoted


def known(database: Database, table: Table, key: Column, wanted: Sequence[SqlValue]) -> tuple[str, Row]:
    """Returns the SELECT of those of these keys that a table has."""
    place = one_of(database, compared(database, key), wanted)
    return f"SELECT {database.read_expression(key)} FROM {table.source} WHERE {place.condition}", place.parameters  # noqa: S608 -- names are quoted


def owned(database: Database, kept: ValueColumn, owner: SqlValue) -> tuple[str, Row]:
    """Returns the SELECT of all values of one owner."""
    mine = place_of(database, [compared(database, kept.owner)], (owner,))
    value = database.quote(kept.column.name)
    sql = (
        f"SELECT {database.read_expression(kept.column)} FROM {kept.table.source}"  # noqa: S608 -- names are quoted
        f" WHERE {mine.condition} AND {value} IS NOT NULL"
    )
    return sql, mine.parameters


def of_nobody(database: Database, table: Table, column: Column, holder: Table, keys: Sequence[Column]) -> str:
    """Returns the SELECT of how many rows hold what no object of the holder has in any of these columns."""
    name = database.quote(column.name)
    lacking = [
        f" AND NOT EXISTS (SELECT 1 FROM {holder.source} holder"  # noqa: S608 -- names are quoted
        f" WHERE holder.{database.quote(key.name)} = links.{name})"
        for key in keys
    ]
    return f"SELECT count(*) FROM {table.source} links WHERE links.{name} IS NOT NULL{''.join(lacking)}"  # noqa: S608 -- names are quoted


def rename(database: Database, table: Table, column: Column, place: Place, anchor: SqlValue) -> tuple[str, Row]:
    """Returns the UPDATE that gives the rows of a place another anchor in this column."""
    sql = f"{table.update} SET {database.quote(column.name)} = ? WHERE {place.condition}"
    return sql, (anchor, *place.parameters)
