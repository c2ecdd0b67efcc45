"""What an export would run, told instead of run: the code of ``exports`` over a connection that only notes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from ecmahost_core import (
    CSEntryChange,
    ExportError,
    ExportExplanation,
    RunStep,
    Statement,
    Withheld,
)
from ecmahost_sql.changes import require_operation
from ecmahost_sql.database import SqlValue
from ecmahost_sql.errors import OUTAGES, DatabaseFailure, Refused, connector_error, export_error
from ecmahost_sql.exports import Writing, carry_out
from ecmahost_sql.recording import Recorder
from ecmahost_sql.rows import Selection
from ecmahost_sql.session import Session
from ecmahost_sql.value_writes import parted

TRANSACTION: Final = "All of it in one transaction, which is committed at the end."


def explained(
    session: Session, step: RunStep, changes: Sequence[CSEntryChange], with_password: Collection[str]
) -> Sequence[ExportExplanation]:
    """See the hook ``explain_export``; a database that cannot be asked is a ConnectorError."""
    return [_explained(session, step, change, password=change.identifier in with_password) for change in changes]


def _explained(session: Session, step: RunStep, change: CSEntryChange, *, password: bool) -> ExportExplanation:
    noted: list[Statement] = []
    try:
        session.require_database()
        selection = session.selection(step.type(change.object_type))
        require_operation(selection.table, change.modification_type)
        more: Mapping[str, SqlValue] = {session.password_place(selection.table): Withheld.SECRET} if password else {}
        error = _noted(session, selection, change, more, noted)
    except Refused as refused:
        error = refused.error
    except DatabaseFailure as failure:
        if failure.kind in OUTAGES:
            raise connector_error(failure) from None
        error = export_error(failure)
    writes = any(statement.writes for statement in noted)
    return ExportExplanation(change.identifier, tuple(noted), error, TRANSACTION if writes else "")


def _noted(
    session: Session, selection: Selection, change: CSEntryChange, more: Mapping[str, SqlValue], noted: list[Statement]
) -> ExportError | None:
    """Notes the statements of one change; returns what the database is known to have against it."""
    tried: dict[str, SqlValue] = {}
    own, values = parted(selection, change)
    recorder = Recorder(session.database, selection, change.modification_type, tried, noted)
    try:
        carry_out(session.through(recorder), selection, Writing(own, values, singly=False), more, tried)
    except Refused as refused:
        # Once the row itself is written, it may be about values of it that are made up.
        return None if recorder.wrote_row else refused.error
    return None
