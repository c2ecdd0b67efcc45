"""The journal: what is about to be written to the target, and the keys that the write owns until its outcome is known.

An entry and its keys are written in one transaction before anything is sent, and removed in the one that stores the
outcome. Whatever a process leaves behind when it dies is found again by the entries that it still owns.
"""

import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

import orjson

from ecmahost_core.space.objects import (
    ANCHOR,
    DN,
    ID,
    EntryState,
    EventRecord,
    JournalEntry,
    LockKey,
    Operation,
    SpaceType,
    WriteIntent,
)
from ecmahost_core.space.sqlite.connection import Database, Transaction
from ecmahost_core.space.sqlite.events import write_event
from ecmahost_core.space.sqlite.incarnation import Incarnation
from ecmahost_core.space.sqlite.rows import compact, microseconds, moment, select_in
from ecmahost_core.space.sqlite.types import Types, is_indexed, type_row
from ecmahost_core.space.store import DuplicateValue, KeysTaken, ObjectChanged
from ecmahost_core.text import fold

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.05
_ENTRY = (
    "SELECT j.number, c.name, t.resource_type, j.operation, j.change, j.lock_keys, j.object_id, j.reserved_id, j.kept,"
    " j.unlink, j.request_id, j.state, j.incarnation, j.opened"
    " FROM journal j JOIN space_type t ON t.id = j.type JOIN connector c ON c.id = t.connector"
)


class Journal:
    """Opens and closes entries, and lets threads wait for the keys of others."""

    def __init__(self, database: Database, types: Types, incarnation: Incarnation | None) -> None:
        """Works on one process's database; ``incarnation`` is None for a store that only reads."""
        self._database = database
        self._types = types
        self._incarnation = incarnation
        self._released = threading.Condition()
        self._releases = 0

    def open_entry(self, intent: WriteIntent) -> JournalEntry:
        """Takes the keys and writes the entry; see ``Store.open_entry``."""
        type_id = self._types.require(intent.space_type)
        owner = self._incarnation
        if owner is not None:
            owner.renew()
        with self._database.write() as transaction:
            texts = list(dict.fromkeys(key.text() for key in intent.keys))
            _require_free(transaction, type_id, intent, texts)
            _require_unchanged(transaction, type_id, intent)
            _require_unique(transaction, type_id, intent)
            return _write_entry(transaction, type_id, intent, texts, owner.id if owner else "")

    def abandon(self, entry: JournalEntry, event: EventRecord) -> None:
        """Closes an entry that changed nothing in the target; nothing happens when it is closed already."""
        with self._database.write() as transaction:
            place = close_entry(transaction, entry)
            if place is not None:
                write_event(transaction, place, event, entry.object_id or "")
        self.announce()

    def mark_uncertain(self, entry: JournalEntry) -> None:
        """Says that the outcome is unknown."""
        with self._database.write() as transaction:
            transaction.connection.execute(
                "UPDATE journal SET state = ? WHERE number = ?", (EntryState.UNCERTAIN.value, entry.number)
            )

    def holder(self, space_type: SpaceType, key: LockKey) -> JournalEntry | None:
        """Returns the entry that owns a key."""
        type_id = self._types.find(space_type)
        if type_id is None:
            return None
        with self._database.read() as connection:
            rows = connection.execute(
                f"{_ENTRY} JOIN journal_lock l ON l.entry = j.number WHERE l.type = ? AND l.lock_key = ?",
                (type_id, key.text()),
            ).fetchall()
        return entry_from_row(rows[0]) if rows else None

    def entries(self, connector: str | None) -> list[JournalEntry]:
        """Returns the open entries, oldest first."""
        where, values = ("", ()) if connector is None else (" WHERE c.name = ?", (connector,))
        with self._database.read() as connection:
            rows = connection.execute(f"{_ENTRY}{where} ORDER BY j.number", values).fetchall()
        return [entry_from_row(row) for row in rows]

    def wait_for_release(self, space_type: SpaceType, keys: Sequence[LockKey], timeout: float) -> bool:
        """Waits until the keys are free: at once when this process releases them, by looking when another one does."""
        type_id = self._types.find(space_type)
        texts = [key.text() for key in keys]
        if type_id is None or not texts:
            return True
        deadline = time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while True:
            seen = self._releases
            if not self._any_held(type_id, texts):
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._released:
                self._released.wait_for(lambda: self._releases != seen, min(pause, left))  # noqa: B023  # called at once
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def announce(self) -> None:
        """Wakes the threads of this process that wait for keys; called after the commit that released some."""
        with self._released:
            self._releases += 1
            self._released.notify_all()

    def _any_held(self, type_id: int, texts: Sequence[str]) -> bool:
        with self._database.read() as connection:
            return bool(_owned(connection, type_id, texts))


def close_entry(transaction: Transaction, entry: JournalEntry) -> int | None:
    """Removes an entry and its keys; returns its connector's number, None when it had been closed before."""
    connection = transaction.connection
    rows = connection.execute(
        "SELECT j.type, t.connector FROM journal j JOIN space_type t ON t.id = j.type WHERE j.number = ?",
        (entry.number,),
    ).fetchall()
    if not rows:
        return None
    ((type_id, connector),) = rows
    connection.execute("DELETE FROM journal WHERE number = ?", (entry.number,))
    connection.executemany(
        "DELETE FROM journal_lock WHERE type = ? AND lock_key = ? AND entry = ?",
        [(type_id, text, entry.number) for text in entry.keys],
    )
    number: int = connector
    return number


def entry_from_row(row: Sequence[Any]) -> JournalEntry:
    """Returns the entry of a row of the journal."""
    (number, connector, resource_type, operation, change, keys, object_id, reserved_id, kept, unlink, request_id, state,
     incarnation, opened) = row  # fmt: skip
    return JournalEntry(
        number=number,
        connector=connector,
        resource_type=resource_type,
        operation=Operation(operation),
        change=orjson.loads(change),
        keys=tuple(orjson.loads(keys)),
        object_id=object_id,
        reserved_id=reserved_id,
        kept=orjson.loads(kept),
        unlink=bool(unlink),
        request_id=request_id,
        state=EntryState(state),
        incarnation=incarnation,
        opened=moment(opened),
    )
