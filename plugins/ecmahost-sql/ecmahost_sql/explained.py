"""What an export would run, noted instead of run.

The code of ``exports`` runs over a connection that lets reading through to the database, until the first statement that
writes. From there on nothing is sent any more: what would be read back is made up from what would have been written.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from ecmahost_core import (
    CSEntryChange,
    ExportError,
    ExportExplanation,
    ObjectModificationType,
    RunStep,
    Statement,
    StatementValue,
    Withheld,
)
from ecmahost_sql.catalog import Table
from ecmahost_sql.changes import require_operation
from ecmahost_sql.database import Database, Insertion, Place, Row, SqlValue
from ecmahost_sql.errors import OUTAGES, DatabaseFailure, Refused, connector_error, export_error
from ecmahost_sql.exports import carry_out
from ecmahost_sql.rows import Selection
from ecmahost_sql.session import Session

_HARMLESS: Final = frozenset(
    {"answers", "as_text", "bookmark", "catalog_version", "limited", "placeholder", "quote", "read_expression"}
    | {"row_values", "still_there", "tables"}
)
"""What exports may ask the database itself."""

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
    recorder = Recorder(session.database, selection, change.modification_type, tried, noted)
    try:
        carry_out(session.through(recorder), selection, change, more, tried)
    except Refused as refused:
        # Behind the first write it is about rows that are made up.
        return None if recorder.wrote else refused.error
    return None


class Recorder:
    """A connection that notes every statement, and runs those that come before the first that writes.

    Everything else it leaves to the connection that it stands for: see ``ecmahost_sql.database.Database``.
    """

    def __init__(
        self,
        database: Database,
        selection: Selection,
        operation: ObjectModificationType,
        tried: Mapping[str, SqlValue],
        noted: list[Statement],
    ) -> None:
        """``tried`` is what is about to be written, by column; ``noted`` receives the statements."""
        self._database = database
        self._selection = selection
        self._operation = operation
        self._tried = tried
        self._noted = noted
        self._unlocked: dict[str, str] = {}
        self._read: Row = ()
        self.wrote = False

    def __getattr__(self, name: str) -> Any:
        if name not in _HARMLESS:
            raise AttributeError(f"{name} is not known to write nothing")
        return getattr(self._database, name)

    def locked(self, select: str) -> str:
        """As it is sent by an export; what is run here takes no lock."""
        locked = self._database.locked(select)
        self._unlocked[locked] = select
        return locked

    def query(self, sql: str, parameters: Row = ()) -> list[Row]:
        """Notes the statement; runs it as long as nothing was written."""
        self._note(sql, parameters, writes=False)
        if self.wrote:
            return [] if self._operation is ObjectModificationType.DELETE else [self._written()]
        rows = self._database.query(self._unlocked.get(sql, sql), parameters)
        self._read = rows[0] if rows else ()
        return rows

    def execute(self, sql: str, parameters: Row = (), table: Table | None = None) -> int:  # noqa: ARG002 - the protocol's
        """Notes the statement, which changes one row as far as anybody is told."""
        self._note(sql, parameters, writes=True)
        return 1

    def insertion(self, table: Table, names: Sequence[str], key: Sequence[str]) -> Insertion:
        """As the database would do it."""
        return self._database.insertion(table, names, key)

    def insert(self, table: Table, names: Sequence[str], values: Row, key: Sequence[str]) -> Place | None:
        """Notes the statement; the new row is where the database would say that it is."""
        how = self.insertion(table, names, key)
        self._note(how.sql, values, writes=True)
        given = dict(zip(names, values, strict=True))
        found: Row = tuple(given.get(name, Withheld.MADE_BY_TARGET) for name in how.found_by)
        return Place(how.condition, found) if how.condition else None

    def _note(self, sql: str, parameters: Row, *, writes: bool) -> None:
        self.wrote |= writes
        shown: tuple[StatementValue, ...] = parameters
        self._noted.append(Statement(sql, shown, writes=writes))

    def _written(self) -> Row:
        """A row as it would be read back: what was read before, with what is written in its place."""
        chosen = self._selection
        columns = (*chosen.columns, *chosen.key)
        before = self._read or (Withheld.MADE_BY_TARGET,) * (len(columns) + 1)
        after = tuple(self._tried.get(column.name, old) for column, old in zip(columns, before, strict=False))
        return (*after, *before[len(columns) :])
