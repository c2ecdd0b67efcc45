"""What the space knows about a connector as a whole."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

import orjson

from ecmahost_core.space.history import ConnectorStatus, HeldRemovals, ImportCounts
from ecmahost_core.space.sql import requests
from ecmahost_core.space.sql.database import NO_LIMIT, Connection, Database, Processes, Transaction
from ecmahost_core.space.sql.rows import compact, microseconds, moment
from ecmahost_core.space.sql.type_row import type_row

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
    last_full: int | None
    watermark: str
    watermark_seq: int
    watermark_began: int
    import_request: str | None
    held_links: int
    lost: str


_COLUMNS = ", ".join(_ConnectorRow._fields)


def read_status(database: Database, processes: Processes, connector: str) -> ConnectorStatus:
    """See ``Store.status``."""
    with database.read() as connection:
        rows = connection.execute(f"SELECT {_COLUMNS} FROM connector WHERE name = ?", (connector,)).fetchall()  # noqa: S608  # names
        if not rows:
            return ConnectorStatus()
        row = _ConnectorRow._make(rows[0])
        importers = connection.execute(
            "SELECT i.incarnation, p.process FROM import i LEFT JOIN incarnation p ON p.id = i.incarnation"
            " WHERE i.connector = ?",
            (row.id,),
        ).fetchall()
    importing = [process or 0 for incarnation, process in importers if processes.is_alive(incarnation)]
    return ConnectorStatus(
        first_import_done=bool(row.first_import_done),
        last_import=None if row.last_import is None else moment(row.last_import),
        last_import_counts=orjson.loads(row.last_import_counts),
        last_failure=row.last_failure,
        last_full=None if row.last_full is None else moment(row.last_full),
        importing=bool(importing),
        importer=importing[0] if importing else 0,
        held=_held(row),
        missing=row.missing,
        watermarks=orjson.loads(row.watermark),
        watermark_seq=row.watermark_seq,
        watermark_began=row.watermark_began,
        request=requests.merged(row.import_request),
    )


def counts_of(counts: ImportCounts) -> dict[str, int]:
    """Returns the counts of an import by their names."""
    return {name: getattr(counts, name) for name in ImportCounts.__slots__}


def import_completed(transaction: Transaction, connector: int, counts: ImportCounts, held: HeldRemovals | None) -> None:
    """Notes that an import ended normally. An alarm that was raised before keeps its beginning."""
    connection = transaction.connection
    since = None
    if held is not None:
        ((before,),) = connection.execute("SELECT held_since FROM connector WHERE id = ?", (connector,)).fetchall()
        since = min(microseconds(held.since), before or NO_LIMIT)
    connection.execute(
        "UPDATE connector SET first_import_done = 1, last_import = :now, last_full = :now,"
        " last_import_counts = :counts, last_failure = '', missing = 0, held_count = :held, held_live = :live,"
        " held_links = :links, lost = :lost, held_since = :since"
        " WHERE id = :connector",
        {
            "now": transaction.now,
            "counts": compact(counts_of(counts)),
            "held": held.count if held else None,
            "live": held.live if held else None,
            "links": held.links if held else 0,
            "lost": compact(held.lost if held else ()),
            "since": since,
            "connector": connector,
        },
    )
    connection.execute(
        "DELETE FROM missing WHERE type IN (SELECT id FROM space_type WHERE connector = ?)", (connector,)
    )


def delta_completed(transaction: Transaction, connector: int, counts: ImportCounts, held: HeldRemovals | None) -> None:
    """Notes that a delta import ended normally. What an import that read everything has found missing stays held."""
    connection = transaction.connection
    connection.execute(
        "UPDATE connector SET last_import = ?, last_import_counts = ?, last_failure = '' WHERE id = ?",
        (transaction.now, compact(counts_of(counts)), connector),
    )
    ((count, live, since, links),) = connection.execute(
        "SELECT held_count, held_live, held_since, held_links FROM connector WHERE id = ?", (connector,)
    ).fetchall()
    found = held or HeldRemovals(0, 0, moment(transaction.now))
    # What the schema has lost is known to each import, as it reads the schema.
    count, live = (found.count, found.live) if found.count else (count or 0, live or found.live)
    links, lost = found.links or links, found.lost
    rings = bool(count or links or lost)
    connection.execute(
        "UPDATE connector SET held_count = ?, held_live = ?, held_since = ?, held_links = ?, lost = ? WHERE id = ?",
        (
            count if rings else None, live if rings else None, (since or microseconds(found.since)) if rings else None,
            links, compact(lost), connector,
        ),
    )  # fmt: skip


def note_watermarks(connection: Connection, connector: int, watermarks: Mapping[str, str], began_seq: int) -> None:
    """Notes from where each resource type's next delta import goes on, and when the run that says so had begun."""
    connection.execute(
        "UPDATE connector SET watermark = ?, watermark_began = ?, watermark_seq = (SELECT change_seq FROM store)"
        " WHERE id = ?",
        (compact({name: text for name, text in watermarks.items() if text}), began_seq, connector),
    )


def import_failed(connection: Connection, connector: int, reason: str) -> None:
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
