"""Reading what has changed since a watermark: the rows whose watermark column is as great, or greater."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from ecmahost_core import CSEntryChange, ImportPage, ObjectModificationType, RunStep, WatermarkExpired
from ecmahost_sql import statements
from ecmahost_sql.catalog import Column
from ecmahost_sql.database import Row, SqlValue
from ecmahost_sql.errors import DatabaseFailure, FailureKind, as_connector_errors
from ecmahost_sql.parameters import Deltas
from ecmahost_sql.rows import Selection, ambiguous_entries, entry_of
from ecmahost_sql.session import Session
from ecmahost_sql.value_reads import pages_of, with_values
from ecmahost_sql.watermarks import NotGrowing, Watermark, beyond, clock_of, earlier, printed, understood

CLOCK = "SELECT CAST(CURRENT_TIMESTAMP AS CHAR(40))"


def watermark_column(session: Session, selection: Selection) -> Column | None:
    """Returns the column that grows with every change of a row; None where the table has none of that name."""
    return None if session.deltas is None else selection.table.column(session.deltas.column)


def taken(session: Session, step: RunStep) -> str:
    """Returns the watermark of a step's types as of now; empty where deltas are not read by a watermark.

    A type whose table lacks the column, or keeps nothing in it that grows, has none.
    """
    deltas = session.deltas
    if deltas is None:
        return ""
    marks = {}
    clock = _clock(session)
    for schema_type in step.types:
        selection = session.selection(schema_type)
        column = watermark_column(session, selection)
        if column is None:
            continue
        value = _greatest(session, selection, column)
        limit = beyond(value, clock)
        if limit is not None:
            value = _greatest(session, selection, column, limit)
        try:
            if value is not None:
                earlier(value, deltas.overlap)
        except NotGrowing:
            continue
        marks[schema_type.name] = Watermark(column.name, value, clock, time.time())
    return printed(marks)


def read_changes(session: Session, step: RunStep, watermark: str) -> Iterator[ImportPage]:
    """Yields the rows that have changed; see the hook ``delta_import``."""
    with as_connector_errors():
        deltas = session.deltas
        if deltas is None:
            raise WatermarkExpired("deltas are not read by a watermark any more")
        before = _understood(watermark)
        after = taken(session, step)
        for schema_type in step.types:
            selection = session.selection(schema_type)
            column = _require_valid(session, selection, before.get(schema_type.name), deltas)
            since = before[schema_type.name].value
            start = None if since is None else earlier(since, deltas.overlap)
            yield from _pages(session, selection, column, start, step.page_size)
        session.require_database()
        yield ImportPage((), after)


def _understood(watermark: str) -> dict[str, Watermark]:
    try:
        return understood(watermark)
    except ValueError:
        raise WatermarkExpired("the watermark was made by another version") from None


def _require_valid(session: Session, selection: Selection, mark: Watermark | None, deltas: Deltas) -> Column:
    """Returns the watermark column; WatermarkExpired where the watermark says nothing about it any more."""
    column = watermark_column(session, selection)
    if mark is None or column is None or mark.column != column.name:
        raise WatermarkExpired(f"table {selection.table.name}: the watermark is of another column than {deltas.column}")
    if mark.overtaken(_clock(session), deltas.overlap):
        raise WatermarkExpired(
            "the database's clock was set back, so changes may bear an older time than the last ones"
        )
    return column


def _clock(session: Session) -> datetime | None:
    """Returns the database's own time; None where it does not tell that as others do."""
    try:
        return clock_of(session.database.query(CLOCK)[0][0])
    except DatabaseFailure as failed:
        if failed.kind is FailureKind.OTHER:
            return None
        raise


def _greatest(session: Session, selection: Selection, column: Column, limit: SqlValue = None) -> SqlValue:
    rows = session.database.query(*statements.greatest(session.database, selection.table, column, limit))
    return rows[0][0] if rows else None


def _pages(
    session: Session, selection: Selection, column: Column, start: SqlValue, page_size: int
) -> Iterator[ImportPage]:
    """Yields pages in the order of the column and the anchor; a row that changes meanwhile comes again, at the end."""
    database, width = session.database, len(selection.columns)
    after: Row | None = None
    while True:
        session.require_database()
        sql, parameters = statements.changed_page(database, selection, column, start, after, page_size + 1)
        rows = database.query(sql, parameters)
        if not rows and after is None and start is not None:
            # At least the row that the watermark was taken from was to be found again.
            raise WatermarkExpired(
                f"table {selection.table.name}: the rows that had changed last are gone; they were deleted, or the "
                "database was restored"
            )
        complete = len(rows) <= page_size
        entries = [_entry(session, selection, row) for row in rows[:page_size]]
        yield from pages_of(_with_values(session, selection, entries), page_size)
        if complete:
            return
        if rows[page_size - 1][width:] == after:
            # A number that is printed with fewer digits than it has is greater than itself; this would never end.
            raise DatabaseFailure(
                FailureKind.OTHER,
                f"table {selection.table.name}: the database does not find {column.name} again by the value that it "
                "gives; choose another watermark_column",
            )
        after = rows[page_size - 1][width:]


def _entry(session: Session, selection: Selection, row: Row) -> CSEntryChange:
    """Returns a row as what has happened to its object."""
    entry = entry_of(selection, row)
    if not entry.anchor:
        return entry
    if selection.marked(row):
        return CSEntryChange(entry.object_type, ObjectModificationType.DELETE, anchor=entry.anchor)
    if entry.failure is None and not selection.distinct:
        width = len(selection.columns) + 1
        place = statements.place_of(session.database, selection.key_expressions, row[width:])
        sql = statements.select(session.database, selection.expressions, selection.table, place, 2)
        others = [one for one in session.database.query(sql, place.parameters) if not selection.marked(one)]
        if len(others) > 1:
            return next(ambiguous_entries(selection, others, "at least 2"))
    return replace(entry, modification_type=ObjectModificationType.REPLACE)


def _with_values(session: Session, selection: Selection, entries: list[CSEntryChange]) -> Iterator[CSEntryChange]:
    """Yields entries with what tables of values keep of them; those that are gone or cannot be read have none."""
    if not selection.several:
        yield from entries
        return
    whole = [one for one in entries if one.modification_type is ObjectModificationType.REPLACE]
    yield from (one for one in entries if one.modification_type is not ObjectModificationType.REPLACE)
    yield from with_values(session.database, selection, selection.several, whole)
