"""What ``ecmahost check`` says about the watermark column of a table."""

from collections.abc import Callable, Iterator

from ecmahost_core import Finding, Severity
from ecmahost_sql import statements
from ecmahost_sql.catalog import Kind
from ecmahost_sql.database import Place
from ecmahost_sql.delta_reads import watermark_column
from ecmahost_sql.rows import Selection
from ecmahost_sql.session import Session
from ecmahost_sql.values import any_value
from ecmahost_sql.watermarks import NotGrowing, earlier


def delta_findings(session: Session, selection: Selection, measured: Callable[[str], int | None]) -> Iterator[Finding]:
    """Yields what stands in the way of deltas; ``measured`` runs a counting statement."""
    deltas, table = session.deltas, selection.table
    if deltas is None:
        return
    column = watermark_column(session, selection)
    subject = f"{table.name}.{deltas.column}"
    if column is None:
        message = "there is no such column, so a delta import reads the whole table and compares it"
        yield Finding(Severity.WARNING, subject, message, "Add the column, or correct watermark_column.")
        return
    database, name = session.database, session.database.quote(column.name)
    rows = database.query(*statements.greatest(database, table, column, None))
    if column.kind is Kind.BOOLEAN or (rows and not _grows(rows[0][0])):
        message = (
            "the values are neither numbers nor times as 2026-01-31 12:00:00: a delta import reads the whole table"
        )
        yield Finding(Severity.ERROR, subject, message, "Name a column that grows with every change.")
        return
    greatest = rows[0][0] if rows else any_value(column)
    sql, parameters = statements.changed_page(database, selection, column, greatest, None, 1000)
    # A database may read the rows in the order of another index rather than all of them: then it would have to sort.
    if database.scans(sql, parameters) or database.sorts(*statements.greatest(database, table, column, None)):
        message = "changes are found by this column and it has no index: each delta import reads the whole table"
        yield Finding(Severity.WARNING, subject, message, f"Create an index on {column.name}.")
    without = measured(statements.count(table, Place(f"{name} IS NULL", ()))) if column.nullable else 0
    if without:
        message = f"rows without a value: {without}; no delta import sees their changes, only a full one does"
        yield Finding(Severity.WARNING, subject, message, "Give them a value, and the column NOT NULL.")


def _grows(value: object) -> bool:
    try:
        earlier(value, 0)  # type: ignore[arg-type]  # as a query gives it
    except NotGrowing:
        return False
    return True
