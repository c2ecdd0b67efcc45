"""A door controller that keeps its badges in an SQLite file: as short as a connector can be and keep its promises."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from ecmahost_core import (
    Capabilities,
    ConfigParameterDefinition,
    ConfigParameterType,
    CSEntryChange,
    CSEntryChangeResult,
    ExportError,
    ImportPage,
    MAExportError,
    MAExportType,
    ObjectModificationType,
    Parameters,
    RunStep,
    Schema,
    SchemaAttribute,
    SchemaType,
    ServerDown,
    hookimpl,
)

COLUMNS = ("Holder", "Door", "Note")
BADGE = SchemaType("Badge", tuple(map(SchemaAttribute, COLUMNS)), anchor=("Holder",))
MISSING = ExportError(MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT, "the controller has no such badge")
TAKEN = ExportError(MAExportError.DUPLICATE_ANCHOR, "the holder has a badge already", attribute="Holder")


@hookimpl
def connectivity_parameters() -> Sequence[ConfigParameterDefinition]:
    """What an administrator fills in."""
    return (ConfigParameterDefinition("file", "Controller file", ConfigParameterType.FILE, required=True),)


@hookimpl
def capabilities() -> Capabilities:
    """A change arrives as the whole badge."""
    return Capabilities(export_type=MAExportType.OBJECT_REPLACE, full_object_import=False)


@hookimpl
@contextmanager
def open_session(parameters: Parameters) -> Iterator[sqlite3.Connection]:
    """A connection, for any thread; without an isolation level each statement is durable at its end."""
    with _failures(), closing(sqlite3.connect(str(parameters["file"]), check_same_thread=False)) as database:
        database.isolation_level = None
        database.execute("CREATE TABLE IF NOT EXISTS badge (Holder TEXT PRIMARY KEY NOT NULL, Door TEXT, Note TEXT)")
        yield database


@hookimpl
def schema() -> Schema:
    """One object type."""
    return Schema((BADGE,))


@hookimpl
def full_import(session: sqlite3.Connection, step: RunStep) -> Iterator[ImportPage]:
    """Every badge, a page at a time."""
    sql, after = "SELECT Holder, Door, Note FROM badge WHERE Holder > ? ORDER BY Holder LIMIT ?", ""
    with _failures():
        while rows := session.execute(sql, (after, step.page_size)).fetchall():
            yield ImportPage(tuple(map(_entry, rows)))
            after = rows[-1][0]


@hookimpl
def export(session: sqlite3.Connection, changes: Sequence[CSEntryChange]) -> Sequence[CSEntryChangeResult]:
    """Adds, replaces and deletes badges, each in a statement of its own."""
    with _failures():
        return [_applied(session, change) for change in changes]


def _entry(row: tuple[str | None, ...]) -> CSEntryChange:
    values = {name: () if cell is None else (cell,) for name, cell in zip(COLUMNS, row, strict=True)}
    return CSEntryChange(BADGE.name, ObjectModificationType.ADD, anchor=values["Holder"], attributes=values)


def _applied(session: sqlite3.Connection, change: CSEntryChange) -> CSEntryChangeResult:
    holder, door, note = (next(iter(change.attributes.get(name, ())), None) for name in COLUMNS)
    if change.modification_type is ObjectModificationType.DELETE:
        done = session.execute("DELETE FROM badge WHERE Holder = ?", change.anchor)
        return CSEntryChangeResult(change.identifier, None if done.rowcount else MISSING, change.anchor)
    try:
        if change.modification_type is ObjectModificationType.ADD:
            done = session.execute("INSERT INTO badge VALUES (?, ?, ?)", (holder, door, note))
        else:
            sql = "UPDATE badge SET Holder = ?, Door = ?, Note = ? WHERE Holder = ?"
            done = session.execute(sql, (holder, door, note, *change.anchor))
    except sqlite3.IntegrityError:
        return CSEntryChangeResult(change.identifier, TAKEN)
    return CSEntryChangeResult(change.identifier, None if done.rowcount else MISSING, (str(holder),))


@contextmanager
def _failures() -> Iterator[None]:
    """What SQLite cannot do now is a failure of the whole call, which the host looks up and tries again."""
    try:
        yield
    except sqlite3.Error as error:
        raise ServerDown(f"the controller's file cannot be used: {error}") from None
