"""The row of one object: found by its anchor, locked, and read back."""

from ecmahost_core import Anchor, CSEntryChange, MAExportError
from ecmahost_sql.changes import identified
from ecmahost_sql.database import Place, Row
from ecmahost_sql.errors import DatabaseFailure, FailureKind, Refused
from ecmahost_sql.rows import Selection, entry_of
from ecmahost_sql.session import Session
from ecmahost_sql.statements import place_of, select

TWO = 2
"""Enough rows to know that an anchor is ambiguous."""


def the_row(session: Session, selection: Selection, change: CSEntryChange) -> tuple[Place, Row]:
    """Returns the one row with the change's anchor and where it is; Refused when there is none or more than one."""
    anchor = identified(selection, change)
    by_anchor = place_of(session.database, selection.key_expressions, anchor)
    try:
        rows = rows_at(session, selection, by_anchor, lock=True)
    except DatabaseFailure as failure:
        if failure.kind is not FailureKind.INVALID_VALUE:
            raise
        rows = []
    names = ", ".join(selection.key_names)
    if not rows:
        raise Refused(
            MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT,
            f"table {selection.table.name} has no object with this anchor ({names})",
        )
    if len(rows) == TWO:
        raise Refused(
            MAExportError.AMBIGUOUS_UPDATE,
            f"table {selection.table.name} has more than one object with this anchor ({names}); nothing was changed",
        )
    if not selection.table.locator:
        return by_anchor, rows[0]
    return Place(f"{selection.table.locator} = ?", rows[0][-1:]), rows[0]


def rows_at(session: Session, selection: Selection, place: Place, *, lock: bool = False) -> list[Row]:
    """Reads at most two rows: the selection's values, the key and, where there is one, the locator."""
    database, table = session.database, selection.table
    extra = [table.locator] if table.locator else []
    expressions = ", ".join([selection.expressions, *selection.bookmarks, *extra])
    sql = select(database, expressions, table, place, TWO)
    if lock and not table.view:
        sql = database.locked(sql)
    return database.query(sql, place.parameters)


def anchor_of(selection: Selection, row: Row) -> Anchor:
    """Returns the anchor of a row that ``rows_at`` read; Refused where it has none that can be read."""
    anchor = entry_of(selection, row).anchor
    if not anchor:
        names = selection.key_names
        raise Refused(
            MAExportError.MISSING_PROVISIONING_ATTRIBUTE,
            f"table {selection.table.name}: the object would have no readable anchor ({', '.join(names)})",
            names[0],
        )
    return anchor


def key_of(selection: Selection, row: Row) -> Row:
    """Returns the key of a row that ``rows_at`` read."""
    start = len(selection.columns)
    return row[start : start + len(selection.key)]


def duplicate(selection: Selection) -> Refused:
    """Returns the refusal of a second row with the same anchor."""
    names = selection.key_names
    return Refused(
        MAExportError.DUPLICATE_ANCHOR,
        f"table {selection.table.name} already has an object with this anchor ({', '.join(names)})",
        names[0] if len(names) == 1 else "",
    )
