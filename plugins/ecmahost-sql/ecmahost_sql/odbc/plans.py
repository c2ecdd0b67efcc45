"""What the planner of a database says that a statement would do."""

from collections.abc import Callable

from ecmahost_sql.database import Row
from ecmahost_sql.errors import OUTAGES, DatabaseFailure, FailureKind
from ecmahost_sql.odbc.drivers import Driver

Query = Callable[[str, Row], list[Row]]


def is_planned(query: Query, driver: Driver, sql: str, parameters: Row, words: tuple[str, ...]) -> bool:
    """Returns whether the plan of a statement has one of these words; False where the database shows no plans.

    ``query`` runs a reading statement; DatabaseFailure as it raises it.
    """
    if not driver.explain:
        return False
    before, after = driver.plain_plan
    lost = False
    if before:
        query(before, ())
    try:
        plan = query(driver.explain + sql, parameters)
    except DatabaseFailure as failure:
        lost = failure.kind in OUTAGES
        if failure.kind is FailureKind.INVALID_VALUE:  # "" is no value of this column
            return False
        raise
    finally:
        if after and not lost:
            query(after, ())
    cells = [str(cell) for row in plan for cell in row]
    # PostgreSQL prints a line for each step, MariaDB a table whose cells are words or end in them.
    return any(cell == word or (" " in word and word in cell) for cell in cells for word in words)
