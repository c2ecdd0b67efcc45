"""The past of single objects, as the commands read it, and its end: removed by age."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from ecmahost_core.space.keys import key_of
from ecmahost_core.space.past import PastEntry
from ecmahost_core.space.sql import aging
from ecmahost_core.space.sql.database import Database
from ecmahost_core.space.sql.noting import NAME
from ecmahost_core.space.sql.rows import BATCH, microseconds, moment, select_in
from ecmahost_core.space.sql.types import PAUSE

_BY_VALUE = (
    "SELECT o.id FROM value_index v JOIN object o ON o.key = v.object"
    " WHERE v.type = ? AND v.attribute = ? AND v.value_key = ? LIMIT ?"
)
_SELECT = (
    "SELECT seq, time, resource_type, kind, outcome, object_id, anchor, request_id, actor, error, told, milliseconds,"
    " asked, changes FROM history WHERE connector = ?"
)
# Named, and not parameters: so both databases see that the index ``history_found`` has them, in this order.
_NEXT_FOUND = f"{_SELECT} AND kind IN ('import', 'read') AND time >= ? AND seq > ? ORDER BY seq LIMIT ?"


def of_object(database: Database, connector: str, person: str) -> list[PastEntry]:
    """Returns all that is kept of the objects that have, or had, this id, anchor or indexed value, oldest first."""
    name = key_of(person)
    with database.read() as connection:
        known = connection.execute(
            "SELECT object_id FROM history_name WHERE connector = ? AND name_key = ?", (connector, name[:NAME])
        ).fetchall()
        types = connection.execute(
            "SELECT t.id, t.indexed FROM space_type t JOIN connector c ON c.id = t.connector WHERE c.name = ?",
            (connector,),
        ).fetchall()
        for number, indexed in types:
            known += connection.execute(
                "SELECT id FROM object WHERE type = ? AND anchor_key = ?", (number, name)
            ).fetchall()
            for attribute in orjson.loads(indexed):
                known += connection.execute(_BY_VALUE, (number, attribute, name, BATCH)).fetchall()
        if not known:
            # Names of objects whose space was reset are in no other table; anchors are here.
            known = connection.execute(
                "SELECT DISTINCT object_id FROM history WHERE connector = ? AND anchor IN (?, ?) LIMIT ?",
                (connector, person, name, BATCH),
            ).fetchall()
        ids = list(dict.fromkeys([person, *(object_id for (object_id,) in known)]))
        rows = list(select_in(connection, f"{_SELECT} AND object_id {{in}}", (connector,), ids))
    return [_entry(row) for row in sorted(set(rows))]


def found(database: Database, connector: str, since: datetime | None) -> Iterator[PastEntry]:
    """Yields what somebody else has changed, oldest first, a batch at a time."""
    last, earliest = 0, 0 if since is None else microseconds(since)
    while True:
        with database.read() as connection:
            rows = connection.execute(_NEXT_FOUND, (connector, earliest, last, BATCH)).fetchall()
        for row in rows:
            last = row[0]
            yield _entry(row)
        if not rows:
            return


def remove_old(database: Database, days: int) -> None:
    """Removes what is older than this; with 0 days everything."""
    aging.remove_old(database, "history", days)
    left = True
    while left:
        with database.write() as transaction:
            connection = transaction.connection
            limit = transaction.now - timedelta(days=days) // timedelta(microseconds=1)
            names = connection.execute(
                "SELECT connector, name_key, object_id FROM history_name WHERE time < ? LIMIT ?", (limit, BATCH)
            ).fetchall()
            connection.executemany(
                "DELETE FROM history_name WHERE connector = ? AND name_key = ? AND object_id = ?", names
            )
        left = len(names) == BATCH
        time.sleep(PAUSE)


def _entry(row: Sequence[Any]) -> PastEntry:
    (seq, stamp, resource_type, kind, outcome, object_id, anchor, request_id, actor, error, told, milliseconds, asked,
     changes) = row  # fmt: skip
    return PastEntry(
        seq=seq,
        time=moment(stamp),
        resource_type=resource_type,
        kind=kind,
        outcome=outcome,
        object_id=object_id,
        anchor=anchor,
        request_id=request_id,
        actor=actor,
        error=error,
        told=told,
        milliseconds=milliseconds,
        asked=orjson.loads(asked or "{}"),
        changes=orjson.loads(changes),
    )
