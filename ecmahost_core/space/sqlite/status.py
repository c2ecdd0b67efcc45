"""What the space knows about a connector as a whole."""

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import orjson

from ecmahost_core.space.history import ConnectorStatus, HeldRemovals, ImportCounts
from ecmahost_core.space.sqlite.connection import Database, Transaction
from ecmahost_core.space.sqlite.incarnation import is_alive
from ecmahost_core.space.sqlite.rows import compact, microseconds, moment
from ecmahost_core.space.sqlite.type_row import type_row

MISSING_FOR = timedelta(days=1)
"""How long an object that was found missing counts where no import ever starts the count anew."""


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
    held_links: int
    lost: str


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
        " last_failure = '', missing = 0, held_count = :held, held_live = :live, held_links = :links, lost = :lost,"
        " held_since ="
        " CASE WHEN :since IS NULL THEN NULL ELSE min(coalesce(held_since, :since), :since) END WHERE id = :connector",
        {
            "now": transaction.now,
            "counts": compact(counts_of(counts)),
            "held": held.count if held else None,
            "live": held.live if held else None,
            "links": held.links if held else 0,
            "lost": compact(held.lost if held else ()),
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
    added = connection.execute(
        "INSERT OR IGNORE INTO missing VALUES (?, ?, ?)", (type_id, object_id, transaction.now)
    ).rowcount
    connection.execute("UPDATE connector SET missing = missing + ? WHERE id = ?", (added, connector))
    rows = connection.execute("SELECT missing FROM connector WHERE id = ?", (connector,)).fetchall()
    count: int = rows[0][0]
    return count


def forget_missing(transaction: Transaction, connector: int) -> None:
    """Forgets what was found missing longer than ``MISSING_FOR`` ago, for a connector that never imports.

    Otherwise the next import starts the count anew. Without one, people who are deleted by hand in the target over the
    years would add up to a mass deletion.
    """
    connection = transaction.connection
    types = "type IN (SELECT id FROM space_type WHERE connector = :connector)"
    values = {"connector": connector, "limit": transaction.now - MISSING_FOR // timedelta(microseconds=1)}
    connection.execute(
        f"DELETE FROM missing WHERE {types} AND noted < :limit"  # noqa: S608  # our own text, no values
        " AND (SELECT last_import FROM connector WHERE id = :connector) IS NULL",
        values,
    )
    connection.execute(
        f"UPDATE connector SET missing = (SELECT count(*) FROM missing WHERE {types})"  # noqa: S608  # as above
        " WHERE id = :connector",
        values,
    )


def _held(row: _ConnectorRow) -> HeldRemovals | None:
    if row.held_count is None or row.held_live is None or row.held_since is None:
        return None
    return HeldRemovals(
        count=row.held_count,
        live=row.held_live,
        since=moment(row.held_since),
        links=row.held_links,
        lost=tuple(orjson.loads(row.lost)),
    )
