"""The connector's history: one row for each thing that happened, without values, removed after the retention time."""

from collections.abc import Sequence
from typing import Any

import orjson

from ecmahost_core.space.history import EventRecord, StoredEvent
from ecmahost_core.space.sql.database import Database, Transaction
from ecmahost_core.space.sql.rows import compact, moment
from ecmahost_core.space.sql.types import connector_id

# The connector's space, and those that were reset and are not cleared away yet.
_SPACES = (
    "WITH RECURSIVE spaces(id) AS (SELECT id FROM connector WHERE name = ?"
    " UNION SELECT c.id FROM connector c JOIN spaces s ON c.successor = s.id) SELECT id FROM spaces"
)
_SELECT = (
    "SELECT seq, time, kind, outcome, object_id, request_id, actor, error, milliseconds, detail FROM event"
    " WHERE connector = ?"
)
_NEWEST = f"{_SELECT} ORDER BY seq DESC LIMIT ?"
_NEXT = f"{_SELECT} AND seq > ? ORDER BY seq LIMIT ?"


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
    return [_stored(connector, row) for row in sorted(found, reverse=True)[:limit]]


def following(database: Database, connector: str, seq: int, limit: int) -> list[StoredEvent]:
    """Returns the first events of a connector behind a number, oldest first; those of spaces that were reset, too."""
    with database.read() as connection:
        spaces = connection.execute(_SPACES, (connector,)).fetchall()
        found = [row for (space,) in spaces for row in connection.execute(_NEXT, (space, seq, limit)).fetchall()]
    return [_stored(connector, row) for row in sorted(found)[:limit]]


def _stored(connector: str, row: Sequence[Any]) -> StoredEvent:
    seq, stamp, kind, outcome, object_id, request_id, actor, error, milliseconds, detail = row
    record = EventRecord(kind, outcome, object_id, request_id, actor, error, milliseconds, orjson.loads(detail))
    return StoredEvent(seq, moment(stamp), connector, record)
