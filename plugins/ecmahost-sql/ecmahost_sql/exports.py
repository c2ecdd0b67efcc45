"""Writing: one transaction for each change, durable before it is reported.

A change that fails is rolled back alone. The row is read back in the same transaction, after all triggers, so that the
result holds what a later import will yield.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ecmahost_core import (
    CSEntryChange,
    CSEntryChangeResult,
    ExportError,
    MAExportError,
    ObjectModificationType,
    RunStep,
    Secret,
    Secrets,
)
from ecmahost_sql.changes import Assignments, added, replaced, require_operation, updated
from ecmahost_sql.culprits import culprit
from ecmahost_sql.database import Place, Row, SqlValue
from ecmahost_sql.errors import OUTAGES, UNCERTAIN, DatabaseFailure, FailureKind, Refused, connector_error, export_error
from ecmahost_sql.naming_rows import forget, rename
from ecmahost_sql.object_row import TWO, anchor_of, duplicate, key_of, rows_at, the_row
from ecmahost_sql.passwords import without
from ecmahost_sql.rows import Selection, entry_of
from ecmahost_sql.session import Session
from ecmahost_sql.statements import delete, place_of, update
from ecmahost_sql.value_failures import located
from ecmahost_sql.value_reads import with_values
from ecmahost_sql.value_writes import ValueChange, ValueFailure, parted, write


@dataclass(frozen=True, slots=True)
class Writing:
    """What a change writes.

    Attributes:
        own: into the object's own table.
        values: into tables of values.
        singly: these one by one.
    """

    own: CSEntryChange
    values: Sequence[ValueChange]
    singly: bool


def apply(
    session: Session, step: RunStep, changes: Sequence[CSEntryChange], secrets: Secrets
) -> Sequence[CSEntryChangeResult]:
    """Applies the changes in order, each with its password; see the hook ``export``.

    Locks are waited for once: after one change found the database locked for the whole command timeout, the others of
    this call try without waiting. A database that is lost before anything was committed is an exception with
    ``nothing_sent``; later, it answers the changes that are left. Lost in the middle of a commit, the outcome of the
    call is unknown.
    """
    results: list[CSEntryChangeResult] = []
    outage: ExportError | None = None
    patient = True
    try:
        for change in changes:
            if outage is not None:
                results.append(CSEntryChangeResult(change.identifier, outage))
                continue
            try:
                results.append(_apply_one(session, step, change, secrets.get(change.identifier)))
            except Refused as refused:
                results.append(CSEntryChangeResult(change.identifier, refused.error))
            except DatabaseFailure as failure:
                if failure.kind in OUTAGES:
                    if all(result.error is not None for result in results):
                        raise connector_error(failure) from None
                    outage = export_error(failure)
                elif failure.kind is FailureKind.BUSY and patient:
                    session.database.give_up_at_once(on_locks=True)
                    patient = False
                results.append(CSEntryChangeResult(change.identifier, export_error(failure)))
    finally:
        if not patient:
            session.database.give_up_at_once(on_locks=False)
    _require_same_database(session, results)
    return results


def _require_same_database(session: Session, results: Sequence[CSEntryChangeResult]) -> None:
    """A file that was replaced meanwhile may have taken our commits with it."""
    if any(result.error is None for result in results) and not session.database.still_there():
        lost = DatabaseFailure(FailureKind.UNAVAILABLE, "the database was replaced or removed during the change")
        raise connector_error(lost, nothing_sent=False)


def _apply_one(session: Session, step: RunStep, change: CSEntryChange, password: Secret | None) -> CSEntryChangeResult:
    """Applies one change in its own transaction; raises Refused or DatabaseFailure when it is rolled back."""
    session.require_database()
    selection = session.selection(step.type(change.object_type))
    require_operation(selection.table, change.modification_type)
    more = session.assigned(selection.table, password) if password is not None else {}
    try:
        return _in_transaction(session, selection, change, more)
    except DatabaseFailure as failure:
        raise without(failure, more.values()) from None


def _in_transaction(
    session: Session, selection: Selection, change: CSEntryChange, more: Assignments
) -> CSEntryChangeResult:
    """Applies one change, and writes ``more`` with it where it writes at all.

    Where several values were added at once and one of them was there already, because somebody else has just added it
    or because the database takes two of them for equal, all is done once more with a look before each.
    """
    own, values = parted(selection, change)
    try:
        return _attempt(session, selection, Writing(own, values, singly=False), more)
    except ValueFailure as failure:
        if failure.kind is not FailureKind.UNIQUE:
            raise located(session, failure, values) from None
    return _attempt(session, selection, Writing(own, values, singly=True), more)


def _attempt(session: Session, selection: Selection, writing: Writing, more: Assignments) -> CSEntryChangeResult:
    database = session.database
    tried: dict[str, SqlValue] = {}
    database.begin()
    try:
        result = carry_out(session, selection, writing, more, tried)
    except ValueFailure:
        database.rollback()
        raise
    except DatabaseFailure as failure:
        database.rollback()
        raise culprit(database, selection.table, tried, failure) from None
    except BaseException:
        database.rollback()
        raise
    try:
        _commit(session)
    except DatabaseFailure as failure:
        raise located(session, failure, writing.values) from None
    return result


def carry_out(
    session: Session, selection: Selection, writing: Writing, more: Assignments, tried: dict[str, SqlValue]
) -> CSEntryChangeResult:
    """Runs the statements of one change, for ``apply`` in a transaction; ``explained`` has them noted instead of run.

    ``tried`` receives what is about to be written into the object's own row.
    """
    match writing.own.modification_type:
        case ObjectModificationType.ADD:
            return _add(session, selection, writing, more, tried)
        case ObjectModificationType.DELETE:
            return _delete(session, selection, writing.own)
        case _:
            return _update(session, selection, writing, more, tried)


def _commit(session: Session) -> None:
    """Commits, or undoes; a commit that broke off leaves the outcome unknown, and raises ServerDown or its like."""
    try:
        session.database.commit()
    except DatabaseFailure as failure:
        if failure.kind in UNCERTAIN:
            raise connector_error(failure, nothing_sent=False) from None
        session.database.rollback()
        raise


def _add(
    session: Session, selection: Selection, writing: Writing, more: Assignments, tried: dict[str, SqlValue]
) -> CSEntryChangeResult:
    """Notes in ``tried`` what it is about to write."""
    database, table, change = session.database, selection.table, writing.own
    assignments = {**added(selection, change), **more}
    tried.update(assignments)
    supplied = _assigned_key(selection, assignments)
    if supplied is not None and rows_at(session, selection, place_of(database, selection.key_expressions, supplied)):
        raise duplicate(selection)
    place = database.insert(table, list(assignments), tuple(assignments.values()), selection.key_names)
    if place is None and supplied is not None:
        place = place_of(database, selection.key_expressions, supplied)
    rows = rows_at(session, selection, place) if place is not None else []
    if not rows:
        raise Refused(
            MAExportError.CONSTRAINT_VIOLATION,
            f"table {table.name} took the new row, but does not show it afterwards: look at its triggers and defaults",
        )
    if place is not None and writing.values:
        write(session, selection, anchor_of(selection, rows[0])[0], writing.values, singly=writing.singly)
        rows = rows_at(session, selection, place) or rows  # a trigger may have changed it
    return _result(session, selection, change, rows[0])


def _update(
    session: Session, selection: Selection, writing: Writing, more: Assignments, tried: dict[str, SqlValue]
) -> CSEntryChangeResult:
    """Notes in ``tried`` what it is about to write."""
    change = writing.own
    place, current = the_row(session, selection, change)
    if change.modification_type is ObjectModificationType.REPLACE:
        assignments = replaced(selection, change, entry_of(selection, current))
    else:
        assignments = updated(selection, change, entry_of(selection, current))
    assignments = {**assignments, **more}
    if not assignments and not writing.values:
        return _result(session, selection, change, current)
    if assignments:
        place, current = _assign(session, selection, current, place, assignments, tried)
    if writing.values:
        write(session, selection, anchor_of(selection, current)[0], writing.values, singly=writing.singly)
    rows = rows_at(session, selection, place)
    # A view, or a trigger that archives, may no longer show the row; the change itself is done.
    return _result(session, selection, change, rows[0]) if rows else CSEntryChangeResult(change.identifier)


def _assign(
    session: Session,
    selection: Selection,
    current: Row,
    place: Place,
    assignments: Assignments,
    tried: dict[str, SqlValue],
) -> tuple[Place, Row]:
    """Changes the row in this place; returns where it is then, and a row with the anchor that it has then."""
    database, table = session.database, selection.table
    tried.update(assignments)
    changed = database.execute(
        update(database, table, list(assignments), place), (*assignments.values(), *place.parameters), table
    )
    if changed == 0:
        raise Refused(MAExportError.CONSTRAINT_VIOLATION, f"a trigger of table {table.name} ignored the change")
    if not table.locator or table.locator_column in assignments:
        key = key_of(selection, current)
        moved = tuple(assignments.get(name, old) for name, old in zip(selection.key_names, key, strict=True))
        place = place_of(database, selection.key_expressions, moved)
    if not session.value_tables or not any(name in assignments for name in selection.key_names):
        return place, current
    rows = rows_at(session, selection, place)
    if rows:
        rename(session, selection, entry_of(selection, current).anchor, entry_of(selection, rows[0]).anchor)
    return place, rows[0] if rows else current


def _delete(session: Session, selection: Selection, change: CSEntryChange) -> CSEntryChangeResult:
    place, current = the_row(session, selection, change)
    forget(session, selection, entry_of(selection, current).anchor)
    session.database.execute(delete(selection.table, place), place.parameters, selection.table)
    if rows_at(session, selection, place):
        raise Refused(
            MAExportError.CONSTRAINT_VIOLATION,
            f"table {selection.table.name} still shows the row after it was deleted: a trigger prevents it",
        )
    return CSEntryChangeResult(change.identifier, anchor=change.anchor)


def _result(session: Session, selection: Selection, change: CSEntryChange, row: Row) -> CSEntryChangeResult:
    """Returns the result of a written row, or Refused when its anchor would not lead to it alone."""
    key = key_of(selection, row)
    if None not in key and not selection.distinct:
        place = place_of(session.database, selection.key_expressions, key)
        if len(rows_at(session, selection, place)) == TWO:
            raise duplicate(selection)
    anchor_of(selection, row)
    entry = entry_of(selection, row)
    # Members may be many, and the host knows which were added and removed.
    kept = [one for one in selection.several if not one.is_link]
    (entry,) = with_values(session.database, selection, kept, [entry])
    attributes = entry.attributes if entry.failure is None else None
    return CSEntryChangeResult(change.identifier, anchor=entry.anchor, attributes=attributes)


def _assigned_key(selection: Selection, assignments: Assignments) -> Row | None:
    """Returns the anchor's values that an Add brings along; None when the database makes one of them."""
    if all(name in assignments for name in selection.key_names):
        return tuple(assignments[name] for name in selection.key_names)
    return None
