"""The statements that add rows, and how a new row is found afterwards."""

from collections.abc import Sequence
from itertools import chain

from ecmahost_sql.catalog import Column, Table
from ecmahost_sql.database import Database, Insertion, Row
from ecmahost_sql.odbc.drivers import Driver


def insertion(database: Database, driver: Driver, table: Table, names: Sequence[str], key: Sequence[str]) -> Insertion:
    """Returns how one row is added: see ``Database.insertion``.

    The new row is found by what RETURNING gives; without that by the key of the last new row.
    """
    columns, markers = ", ".join(map(database.quote, names)), ", ".join("?" * len(names))
    filled = f"({columns}) VALUES ({markers})" if names else f" {driver.empty_insert}"
    by = [column for column in (table.column(name) for name in table.key or key) if column is not None]
    sql = table.insert + filled
    if driver.returning:
        sql += f" RETURNING {', '.join(map(database.read_expression, by))}"
    elif not _numbers_last(driver, table, names, by):
        return Insertion(sql)
    condition = " AND ".join(f"{database.quote(column.name)} = ?" for column in by)
    return Insertion(sql, driver.returning, tuple(column.name for column in by), condition)


def _numbers_last(driver: Driver, table: Table, names: Sequence[str], key: Sequence[Column]) -> bool:
    """Whether the database can be asked for the key that it has made for the last new row."""
    made = [column for column in key if column.defaulted and column.name not in names]
    return bool(driver.last_key) and len(key) == 1 and len(made) == 1 and not table.view


def insertions(
    database: Database, driver: Driver, table: Table, names: Sequence[str], rows: Sequence[Row]
) -> Sequence[tuple[str, Sequence[Row]]]:
    """Returns the statements that add several rows: see ``Database.insertions``.

    As many rows with one statement as the driver's row says: each statement is a way to the server and back.
    """
    columns, markers = ", ".join(map(database.quote, names)), f"({', '.join('?' * len(names))})"
    statements: list[tuple[str, Sequence[Row]]] = []
    for start in range(0, len(rows), driver.rows_at_once):
        part = rows[start : start + driver.rows_at_once]
        sql = f"{table.insert} ({columns}) VALUES {', '.join([markers] * len(part))}"
        statements.append((sql, [tuple(chain.from_iterable(part))]))
    return statements
