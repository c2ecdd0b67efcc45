"""The rows of the journal: what is about to be written to the target, until its outcome is known.

An entry and its keys are written in one transaction before anything is sent (``opening``), and removed in the one that
stores the outcome (``completion``). Whatever a process leaves behind when it dies is found again by the entries that it
still owns (``orphans``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from ecmahost_core.space.journal import (
    EntryState,
    JournalEntry,
    LockKey,
    Operation,
    PasswordStage,
)
from ecmahost_core.space.sql.database import Connection, Database, Transaction
from ecmahost_core.space.sql.rows import compact, moment

_ENTRY = (
    "SELECT j.number, c.name, t.resource_type, j.operation, j.change, j.lock_keys, j.object_id, j.reserved_id, j.kept,"
    " j.unlink, j.request_id, j.state, j.incarnation, j.opened, j.password"
    " FROM journal j JOIN space_type t ON t.id = j.type JOIN connector c ON c.id = t.connector"
)


def entry_of_key(database: Database, type_id: int, key: LockKey) -> JournalEntry | None:
    """Returns the entry that owns a key, None when nobody does."""
    with database.read() as connection:
        rows = connection.execute(
            f"{_ENTRY} JOIN journal_lock l ON l.entry = j.number WHERE l.type = ? AND l.lock_key = ?",
            (type_id, key.text()),
        ).fetchall()
    return _entry(rows[0]) if rows else None


def all_entries(connection: Connection, connector: str | None) -> list[JournalEntry]:
    """Returns the open entries of one connector, or of all, oldest first."""
    if connector is None:
        rows = connection.execute(f"{_ENTRY} ORDER BY j.number").fetchall()
    else:
        rows = connection.execute(f"{_ENTRY} WHERE c.name = ? ORDER BY j.number", (connector,)).fetchall()
    return [_entry(row) for row in rows]


def mark_uncertain(database: Database, entry: JournalEntry) -> None:
    """Says that the outcome of an entry is unknown; nothing happens when it is closed already."""
    with database.write() as transaction:
        transaction.connection.execute(
            "UPDATE journal SET state = ? WHERE number = ?", (EntryState.UNCERTAIN.value, entry.number)
        )


def advance(database: Database, entry: JournalEntry, stage: PasswordStage, change: Mapping[str, Any]) -> JournalEntry:
    """See ``Store.advance``; nothing is written when the entry is closed already."""
    with database.write() as transaction:
        transaction.connection.execute(
            "UPDATE journal SET password = ?, change = ? WHERE number = ?", (int(stage), compact(change), entry.number)
        )
    return replace(entry, password=stage, change=change)


def close_entry(transaction: Transaction, type_id: int, entry: JournalEntry) -> None:
    """Removes an open entry and its keys."""
    connection = transaction.connection
    connection.execute("DELETE FROM journal WHERE number = ?", (entry.number,))
    connection.executemany(
        "DELETE FROM journal_lock WHERE type = ? AND lock_key = ?", [(type_id, text) for text in entry.keys]
    )


def _entry(row: Sequence[Any]) -> JournalEntry:
    (number, connector, resource_type, operation, change, keys, object_id, reserved_id, kept, unlink, request_id, state,
     incarnation, opened, password) = row  # fmt: skip
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
        password=PasswordStage(password),
    )
