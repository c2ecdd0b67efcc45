"""What the space knows about a connector as a whole."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

import orjson

from ecmahost_core.space.objects import ConnectorStatus, HeldRemovals, ImportCounts
from ecmahost_core.space.sqlite.connection import Database, Transaction
from ecmahost_core.space.sqlite.incarnation import is_alive
from ecmahost_core.space.sqlite.rows import compact, microseconds, moment
from ecmahost_core.space.sqlite.types import type_row


class _ConnectorRow(NamedTuple):
    id: int
    first_import_done: int
    last_import: int | None
    last_import_counts: str
    last_failure: str
    held_count: int | None
    held_live: int | None
    held_since: int | None
    missing: int


_COLUMNS = ", ".join(_ConnectorRow._fields)


def read_status(database: Database, locks: Path, connector: str) -> ConnectorStatus:
    """See ``Store.status``."""
    with database.read() as connection:
        rows = connection.execute(f"SELECT {_COLUMNS} FROM connector WHERE name = ?", (connector,)).fetchall()  # noqa: S608  # names
        if not rows:
            return ConnectorStatus()
        row = _ConnectorRow._make(rows[0])
        importers = connection.execute("SELECT incarnation FROM import WHERE connector = ?", (row.id,)).fetchall()
    return ConnectorStatus(
        first_import_done=bool(row.first_import_done),
        last_import=None if row.last_import is None else moment(row.last_import),
        last_import_counts=orjson.loads(row.last_import_counts),
        last_failure=row.last_failure,
        importing=any(is_alive(locks, incarnation) for (incarnation,) in importers),
        held=_held(row),
        missing=row.missing,
    )


def counts_of(counts: ImportCounts) -> dict[str, int]:
    """Returns the counts of an import by their names."""
    return {name: getattr(counts, name) for name in ImportCounts.__slots__}


def import_completed(transaction: Transaction, connector: int, counts: ImportCounts, held: HeldRemovals | None) -> None:
    """Notes that an import ended normally. An alarm that was raised before keeps its beginning."""
    connection = transaction.connection
    connection.execute(
        "UPDATE connector SET first_import_done = 1, last_import = :now, last_import_counts = :counts,"
        " last_failure = '', missing = 0, held_count = :held, held_live = :live, held_since ="
        " CASE WHEN :since IS NULL THEN NULL ELSE min(coalesce(held_since, :since), :since) END WHERE id = :connector",
        {
            "now": transaction.now,
            "counts": compact(counts_of(counts)),
            "held": held.count if held else None,
            "live": held.live if held else None,
            "since": microseconds(held.since) if held else None,
            "connector": connector,
        },
    )
    connection.execute(
        "DELETE FROM missing WHERE type IN (SELECT id FROM space_type WHERE connector = ?)", (connector,)
    )


def import_failed(connection: sqlite3.Connection, connector: int, reason: str) -> None:
    """Notes why the newest import has no result."""
    connection.execute("UPDATE connector SET last_failure = ? WHERE id = ?", (reason, connector))


def note_missing(transaction: Transaction, type_id: int, object_id: str) -> int:
    """Counts an object that the target turned out not to have, once; returns how many since the last import."""
    connection = transaction.connection
    connector = type_row(connection, type_id).connector
    added = connection.execute("INSERT OR IGNORE INTO missing VALUES (?, ?)", (type_id, object_id)).rowcount
    connection.execute("UPDATE connector SET missing = missing + ? WHERE id = ?", (added, connector))
    rows = connection.execute("SELECT missing FROM connector WHERE id = ?", (connector,)).fetchall()
    count: int = rows[0][0]
    return count


def _held(row: _ConnectorRow) -> HeldRemovals | None:
    if row.held_count is None or row.held_live is None or row.held_since is None:
        return None
    return HeldRemovals(count=row.held_count, live=row.held_live, since=moment(row.held_since))
