"""Which column a refused value was meant for, where the database does not say so.

PostgreSQL says "numeric field overflow" and no more. It tries every value of a statement before it looks for rows, so
each is offered again to its column of no row.
"""

from collections.abc import Mapping

from ecmahost_sql.catalog import Table
from ecmahost_sql.database import Database, Place, SqlValue
from ecmahost_sql.errors import DatabaseFailure, FailureKind
from ecmahost_sql.statements import update

_NOWHERE = Place("1 = 0", ())


def culprit(
    database: Database, table: Table, tried: Mapping[str, SqlValue], failure: DatabaseFailure
) -> DatabaseFailure:
    """Returns the failure of a change that was undone, with the column that it is about if that can be found out.

    Called with no transaction open; leaves nothing behind.
    """
    if failure.kind is not FailureKind.INVALID_VALUE or failure.column or table.view:
        return failure
    for name, value in tried.items():
        found = _offered(database, table, name, value)
        if found is None:
            continue
        if found.kind is not FailureKind.INVALID_VALUE:
            return failure
        detail = f"a value does not fit the type or the length of column {name}"
        return DatabaseFailure(FailureKind.INVALID_VALUE, detail, name)
    return failure


def _offered(database: Database, table: Table, name: str, value: SqlValue) -> DatabaseFailure | None:
    """Returns what the database has against one value, None when it takes it."""
    try:
        database.begin()
    except DatabaseFailure as lost:
        return lost
    try:
        database.execute(update(database, table, [name], _NOWHERE), (value,), table)
    except DatabaseFailure as refused:
        return refused
    finally:
        database.rollback()
    return None
