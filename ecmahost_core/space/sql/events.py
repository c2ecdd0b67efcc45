"""The connector's history: one row for each thing that happened, without values, removed after the retention time."""

import time
from datetime import timedelta

import orjson

from ecmahost_core.space.history import EventRecord, StoredEvent
from ecmahost_core.space.sql.database import Database, Transaction
from ecmahost_core.space.sql.rows import BATCH, compact, microseconds, moment
from ecmahost_core.space.sql.types import PAUSE, connector_id

_AHEAD = 60_000_000
"""Microseconds by which the clock of another process, or of a moment ago, may be ahead."""

# The connector's space, and those that were reset and are not cleared away yet.
_SPACES = (
    "WITH RECURSIVE spaces(id) AS (SELECT id FROM connector WHERE name = ?"
    " UNION SELECT c.id FROM connector c JOIN spaces s ON c.successor = s.id) SELECT id FROM spaces"
)
_NEWEST = (
    "SELECT seq, time, kind, outcome, object_id, request_id, actor, error, milliseconds, detail FROM event"
    " WHERE connector = ? ORDER BY seq DESC LIMIT ?"
)


def write_event(transaction: Transaction, connector: int, event: EventRecord, object_id: str = "") -> None:
    """Writes an event in the caller's transaction; ``object_id`` is used where the event does not know it."""
    transaction.connection.execute(
        "INSERT INTO event (time, connector, kind, outcome, object_id, request_id, actor, error, milliseconds, detail)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            transaction.now, connector, event.kind, event.outcome, event.object_id or object_id, event.request_id,
            event.actor, event.error, event.milliseconds, compact(event.detail),
        ),
    )  # fmt: skip


def record(database: Database, connector: str, event: EventRecord) -> None:
    """Writes an event on its own."""
    with database.write() as transaction:
        write_event(transaction, connector_id(transaction, connector), event)


def newest(database: Database, connector: str, limit: int) -> list[StoredEvent]:
    """Returns the newest events of a connector, newest first."""
    with database.read() as connection:
        spaces = connection.execute(_SPACES, (connector,)).fetchall()
        # One after the other: the index has the newest of one space, and would have to sort those of several.
        found = [row for (space,) in spaces for row in connection.execute(_NEWEST, (space, limit)).fetchall()]
    rows = sorted(found, reverse=True)[:limit]
    return [
        StoredEvent(
            seq=seq,
            time=moment(time),
            connector=connector,
            record=EventRecord(
                kind=kind,
                outcome=outcome,
                object_id=object_id,
                request_id=request_id,
                actor=actor,
                error=error,
                milliseconds=milliseconds,
                detail=orjson.loads(detail),
            ),
        )
        for seq, time, kind, outcome, object_id, request_id, actor, error, milliseconds, detail in rows
    ]


def remove_old(database: Database, retention_days: int) -> None:
    """Removes events older than this, oldest first and a batch at a time, between which others write.

    What was written while the clock was ahead goes with what is around it: it is neither kept for years because its
    time is still to come, nor does it keep what was written before it.
    """
    with database.read() as connection:
        now = time.time_ns() // 1000
        limit = now - microseconds(moment(0) + timedelta(days=retention_days))
        young = connection.execute(
            "SELECT seq FROM event WHERE time >= ? AND time <= ? ORDER BY seq LIMIT 1", (limit, now + _AHEAD)
        ).fetchall()
        ((last,),) = connection.execute(
            "SELECT max(seq) FROM event WHERE time < ? AND seq < ?", (limit, young[0][0] if young else 2**62)
        ).fetchall()
    left = last is not None
    while left:
        with database.write() as transaction:
            old = transaction.connection.execute(
                "SELECT seq FROM event WHERE seq <= ? ORDER BY seq LIMIT ?", (last, BATCH)
            ).fetchall()
            transaction.connection.executemany("DELETE FROM event WHERE seq = ?", old)
        left = len(old) == BATCH
        time.sleep(PAUSE)
