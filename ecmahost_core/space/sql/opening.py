"""Opening a journal entry: all the keys or none, and only when nothing else stands against the write."""

import uuid
from collections.abc import Sequence

from ecmahost_core.space.journal import (
    ANCHOR,
    DN,
    ID,
    EntryState,
    JournalEntry,
    LockKey,
    WriteIntent,
)
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.sql import leaving
from ecmahost_core.space.sql.database import Connection, Transaction
from ecmahost_core.space.sql.rows import compact, moment, select_in
from ecmahost_core.space.sql.types import is_indexed, require_current
from ecmahost_core.space.store import DuplicateValue, KeysTaken, ObjectChanged


def open_entry(transaction: Transaction, type_id: int, intent: WriteIntent, incarnation: str) -> JournalEntry:
    """Writes the entry and its keys for this incarnation, in the caller's transaction, which ends if this raises.

    Raises StoreUnavailable, SpaceReplaced, KeysTaken, ObjectChanged, DuplicateValue, TooManyLeaving. In this order:
    while somebody else is at one of the keys, whether the object has changed and whether a value is taken are not
    decided yet.
    """
    transaction.require_incarnation()
    require_current(transaction.connection, type_id)
    entry = _write_entry(transaction, type_id, intent, incarnation)
    _take_keys(transaction, type_id, entry)
    _require_unchanged(transaction, type_id, intent)
    _require_unique(transaction, type_id, intent)
    if intent.leaving:
        leaving.take(transaction, entry, intent.leaving)
    return entry


def take_back(transaction: Transaction, type_id: int, entry: JournalEntry) -> None:
    """Removes an entry of which nothing was sent; does nothing where it was never written."""
    connection = transaction.connection
    gone = connection.execute(
        "DELETE FROM journal WHERE number = ? AND reserved_id = ?", (entry.number, entry.reserved_id)
    ).rowcount
    if gone:
        connection.executemany(
            "DELETE FROM journal_lock WHERE type = ? AND lock_key = ?", [(type_id, text) for text in entry.keys]
        )
        leaving.settle(transaction, entry, went=False)


def held(connection: Connection, type_id: int, texts: Sequence[str]) -> bool:
    """Returns whether any of these keys is owned."""
    found = select_in(connection, "SELECT 1 FROM journal_lock WHERE type = ? AND lock_key {in}", (type_id,), texts)
    return next(found, None) is not None


def _take_keys(transaction: Transaction, type_id: int, entry: JournalEntry) -> None:
    # No name for the cursor: KeysTaken would keep it, with this frame, and it would be reset by whoever drops the
    # exception, while the next writer is using the same prepared statement.
    taken = transaction.connection.executemany(
        "INSERT OR IGNORE INTO journal_lock (type, lock_key, entry) VALUES (?, ?, ?)",
        [(type_id, text, entry.number) for text in entry.keys],
    ).rowcount
    if entry.keys and taken < len(entry.keys):
        raise KeysTaken("another write of the same object, or of an object with the same name, is under way")


def _require_unchanged(transaction: Transaction, type_id: int, intent: WriteIntent) -> None:
    if intent.object_id is None or intent.expected_seq is None:
        return
    rows = transaction.connection.execute(
        "SELECT change_seq FROM object WHERE type = ? AND id = ?", (type_id, intent.object_id)
    ).fetchall()
    if not rows:
        raise ObjectChanged("the object was removed since it was read")
    if rows[0][0] != intent.expected_seq:
        raise ObjectChanged("the object was changed since it was read")


def _require_unique(transaction: Transaction, type_id: int, intent: WriteIntent) -> None:
    for key in intent.unique:
        other = _owner(transaction.connection, type_id, key, intent.object_id)
        if other is not None:
            raise DuplicateValue(key, other)


def _owner(connection: Connection, type_id: int, key: LockKey, object_id: str | None) -> str | None:
    """Returns the id of another object, live or unlinked, that has this key."""
    if key.kind in (ANCHOR, DN, ID):
        column, value = {
            ANCHOR: ("anchor_key", key_of(key.value)),
            DN: ("dn_key", key_of(key.value)),
            ID: ("id", key.value),
        }[key.kind]
        rows = connection.execute(
            f"SELECT id FROM object WHERE type = ? AND {column} = ? AND id IS NOT ? LIMIT 1",  # noqa: S608  # our names
            (type_id, value, object_id),
        ).fetchall()
    else:
        rows = connection.execute(
            "SELECT o.id FROM value_index v JOIN object o ON o.key = v.object"
            " WHERE v.type = ? AND v.attribute = ? AND v.value_key = ? AND o.id IS NOT ? ORDER BY o.key LIMIT 1",
            (type_id, key.kind, key_of(key.value), object_id),
        ).fetchall()
        if not rows and not is_indexed(connection, type_id, key.kind):
            raise ValueError(f"{key.kind} cannot be unique: it is not an indexed attribute of its type")
    return rows[0][0] if rows else None


def _write_entry(transaction: Transaction, type_id: int, intent: WriteIntent, incarnation: str) -> JournalEntry:
    space_type = intent.space_type
    texts = tuple(dict.fromkeys(key.text() for key in intent.keys))
    reserved_id = str(uuid.uuid4())
    number = transaction.insert(
        "INSERT INTO journal (type, operation, state, incarnation, opened, object_id, reserved_id, instance, unlink,"
        " request_id, lock_keys, kept, change, password, asked, newest_key)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            type_id, intent.operation.value, EntryState.OPEN.value, incarnation, transaction.now, intent.object_id,
            reserved_id, space_type.instance if space_type.anchor_immutable else "", int(intent.unlink),
            intent.request_id, compact(texts), compact(intent.kept), compact(intent.change), int(intent.password),
            compact(intent.asked) if intent.asked else "", transaction.newest_key(),
        ),
        "number",
    )  # fmt: skip
    return JournalEntry(
        number=number,
        connector=space_type.connector,
        resource_type=space_type.resource_type,
        operation=intent.operation,
        change=intent.change,
        keys=texts,
        object_id=intent.object_id,
        reserved_id=reserved_id,
        kept=intent.kept,
        unlink=intent.unlink,
        request_id=intent.request_id,
        state=EntryState.OPEN,
        incarnation=incarnation,
        opened=moment(transaction.now),
        password=intent.password,
    )
