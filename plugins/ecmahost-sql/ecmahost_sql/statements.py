"""The text of every statement. Values are parameters, always; names are quoted by the driver, always."""

from collections.abc import Sequence

from ecmahost_sql.catalog import Column, Table
from ecmahost_sql.database import Database, Place, Row, SqlValue
from ecmahost_sql.rows import Selection


def place_of(database: Database, expressions: Sequence[str], values: Row) -> Place:
    """Returns where the rows are in which the expressions have these values; NULL finds the rows without a value."""
    conditions = [
        expression + (" IS NULL" if value is None else f" = {database.placeholder(value)}")
        for expression, value in zip(expressions, values, strict=True)
    ]
    return Place(" AND ".join(conditions), tuple(value for value in values if value is not None))


def select(database: Database, expressions: str, table: Table, place: Place, limit: int) -> str:
    """Returns a SELECT of at most ``limit`` rows; its parameters are the place's."""
    sql = f"SELECT {expressions} FROM {table.source} WHERE {place.condition}"  # noqa: S608 -- names are quoted
    return database.limited(sql, limit)


def count(table: Table, place: Place) -> str:
    """Returns a SELECT of how many rows there are; its parameters are the place's."""
    return f"SELECT count(*) FROM {table.source} WHERE {place.condition}"  # noqa: S608 -- names are quoted


def repeated(table: Table, expressions: Sequence[str]) -> str:
    """Returns a SELECT of how many values, or combinations of them, belong to more than one row; NULL is no value."""
    columns, present = ", ".join(expressions), " AND ".join(f"{one} IS NOT NULL" for one in expressions)
    return (
        f"SELECT count(*) FROM (SELECT count(*) AS rows_of_one FROM {table.source} WHERE {present}"  # noqa: S608 -- names are quoted
        f" GROUP BY {columns} HAVING count(*) > 1) repeated"
    )


def without_key(database: Database, key: Sequence[Column]) -> Place:
    """Returns where the rows are in which a column of the anchor is NULL."""
    return Place(" OR ".join(f"{database.quote(column.name)} IS NULL" for column in key), ())


def ordered(database: Database, selection: Selection, after: Row | None, limit: int) -> tuple[str, Row]:
    """Returns the rows that follow a key in the order of the anchor, at most ``limit``, with the parameters.

    ``after`` is a key as ``page`` read it, None for the start. The columns' own collations decide order and equality
    alike, because neither the order nor the comparison names one. Rows in which a column of the key is NULL are left
    out: NULL has no place in an order.
    """
    columns = ", ".join(database.quote(column.name) for column in selection.columns)
    return _following(database, selection, columns, selection.key_expressions, after, limit)


def distinct_page(database: Database, selection: Selection, after: Row | None, limit: int) -> tuple[str, Row]:
    """Returns the SELECT that reads the rows that ``ordered`` finds, for a key that the database keeps distinct.

    Behind the selection's expressions come the key's values, to go on from.
    """
    columns = f"{selection.expressions}, {', '.join(selection.bookmarks)}"
    # With the table's name: without, it would be that of a column of the result, whose text orders differently.
    order = [f"page.{name}" for name in selection.key_expressions]
    return _following(database, selection, columns, order, after, limit)


def _following(
    database: Database, selection: Selection, columns: str, order: Sequence[str], after: Row | None, limit: int
) -> tuple[str, Row]:
    key = selection.key_expressions
    conditions = [f"{name} IS NOT NULL" for name in key]
    parameters: Row = ()
    if after is not None:
        beyond = _beyond(database, key, after)
        conditions.append(beyond.condition)
        parameters = beyond.parameters
    sql = (
        f"SELECT {columns} FROM {selection.table.source} page"  # noqa: S608 -- names are quoted
        f" WHERE {' AND '.join(conditions)} ORDER BY {', '.join(order)}"
    )
    return database.limited(sql, limit), parameters


def _beyond(database: Database, key: Sequence[str], after: Row) -> Place:
    """Returns where the rows are that follow a key in its order."""
    markers = [database.placeholder(value) for value in after]
    if database.row_values or len(key) == 1:
        return Place(f"({', '.join(key)}) > ({', '.join(markers)})", after)
    # The first condition is implied by the others; it is the one for which an index helps.
    conditions, parameters = [f"{key[0]} >= {markers[0]}"], [after[0]]
    steps = []
    for length in range(len(key)):
        same = [f"{name} = {marker}" for name, marker in zip(key[:length], markers, strict=False)]
        steps.append(" AND ".join([*same, f"{key[length]} > {markers[length]}"]))
        parameters += after[: length + 1]
    conditions.append("(" + " OR ".join(f"({step})" for step in steps) + ")")
    return Place(" AND ".join(conditions), tuple(parameters))


def greatest(database: Database, table: Table, column: Column, limit: SqlValue) -> tuple[str, Row]:
    """Returns the SELECT of a column's greatest value, of those up to a limit (None: of all), with the parameters.

    Not with max(), for which not every database uses the index that orders the column.
    """
    name = database.quote(column.name)
    condition = f"{name} IS NOT NULL"
    parameters: Row = ()
    if limit is not None:
        condition, parameters = f"{name} <= {database.placeholder(limit)}", (limit,)
    sql = (
        f"SELECT {database.bookmark(column, name)} FROM {table.source} page"  # noqa: S608 -- names are quoted
        f" WHERE {condition} ORDER BY page.{name} DESC"
    )
    return database.limited(sql, 1), parameters


def changed_page(
    database: Database, selection: Selection, column: Column, start: SqlValue, after: Row | None, limit: int
) -> tuple[str, Row]:
    """Returns the SELECT of rows whose column has at least the value ``start`` (None: any), with the parameters.

    In the order of the column and the anchor. Behind the selection's expressions come the values of both, to go on
    from, as in ``distinct_page``.
    """
    name = database.quote(column.name)
    key = (name, *selection.key_expressions)
    columns = ", ".join((selection.expressions, database.bookmark(column, name), *selection.bookmarks))
    plain = {database.quote(each.name) for each in selection.key}
    order = [f"page.{name}", *(f"page.{one}" if one in plain else one for one in selection.key_expressions)]
    conditions = [f"{each} IS NOT NULL" for each in key]
    parameters: Row = ()
    if start is not None:
        conditions.insert(0, f"{name} >= {database.placeholder(start)}")
        parameters = (start,)
    if after is not None:
        following = _beyond(database, key, after)
        conditions.append(following.condition)
        parameters += following.parameters
    sql = (
        f"SELECT {columns} FROM {selection.table.source} page"  # noqa: S608 -- names are quoted
        f" WHERE {' AND '.join(conditions)} ORDER BY {', '.join(order)}"
    )
    return database.limited(sql, limit), parameters


def page(selection: Selection, rows: str) -> str:
    """Returns the SELECT that reads ``rows`` (see ``ordered``) and numbers the keys from 1, equal keys alike.

    Behind the selection's expressions come the key's values, to go on from, and the number.
    """
    key, bookmarks = ", ".join(selection.key_expressions), ", ".join(selection.bookmarks)
    return (
        f"SELECT {selection.expressions}, {bookmarks}, dense_rank() OVER (ORDER BY {key})"  # noqa: S608 -- quoted
        # By position: a name would be that of a column of the result, whose text orders differently from its value.
        f" FROM ({rows}) page ORDER BY {len(selection.columns) + len(selection.key) + 1}"
    )


def update(database: Database, table: Table, names: Sequence[str], place: Place) -> str:
    """Returns an UPDATE; its parameters are the new values, then the place's."""
    assignments = ", ".join(f"{database.quote(name)} = ?" for name in names)
    return f"{table.update} SET {assignments} WHERE {place.condition}"


def delete(table: Table, place: Place) -> str:
    """Returns a DELETE; its parameters are the place's."""
    return f"DELETE FROM {table.source} WHERE {place.condition}"  # noqa: S608 -- names are quoted
