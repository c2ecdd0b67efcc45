"""Completing a journal entry: what the target now holds becomes what the space holds, in the closing transaction."""

from dataclasses import replace
from typing import NamedTuple

from ecmahost_core.ecma.csentry import change_from_json
from ecmahost_core.ecma.values import Anchor, anchor_text
from ecmahost_core.space.history import NOTHING_SENT, EventRecord
from ecmahost_core.space.journal import JournalEntry, Operation, PasswordStage
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import (
    ObjectState,
    SpaceObject,
    SpaceType,
    TargetObject,
)
from ecmahost_core.space.sql import changes, leaving, noting
from ecmahost_core.space.sql.database import Database, Transaction
from ecmahost_core.space.sql.events import write_event
from ecmahost_core.space.sql.journal import close_entry
from ecmahost_core.space.sql.rows import OBJECT_COLUMNS, Encoded, StoredRow, encode, object_from_row, stored_row
from ecmahost_core.space.sql.type_row import TypeRow, type_row
from ecmahost_core.space.store import ReadingOvertaken

_DID_NOT_GO = frozenset({"not_applied", "refused"})
"""Outcomes of a disable or delete after which the object is stored, and whoever it is has not gone."""


def complete(
    database: Database,
    entry: JournalEntry,
    outcome: TargetObject | None,
    event: EventRecord,
    *,
    keeps_past: bool = True,
    began_seq: int | None = None,
) -> SpaceObject | None:
    """See ``Store.complete``. Raises ValueError or TypeError for an outcome that cannot be stored, changing nothing."""
    new = None if outcome is None else encode(outcome)
    with database.write() as transaction:
        rows = transaction.connection.execute(
            "SELECT type, instance, newest_key, asked FROM journal WHERE number = ?", (entry.number,)
        ).fetchall()
        if not rows:
            return _what_is_there(transaction, entry, new)
        ((type_id, instance, newest_key, asked),) = rows
        row = type_row(transaction.connection, type_id)
        if outcome is not None and (row.export_only or row.links):
            new = encode(outcome, row.export_only, row.links)
        if began_seq is not None and new is not None and new.links:
            _require_current(transaction, row, entry, began_seq)
        before = stored_row(transaction.connection, type_id, "id", entry.object_id) if keeps_past else None
        key = _store(transaction, row, _Opened(entry, instance, newest_key), new)
        close_entry(transaction, type_id, entry)
        found = _object(transaction, key)
        leaving.settle(transaction, entry, went=event.outcome not in _DID_NOT_GO)
        if keeps_past:
            known = event if found is None or event.object_id else replace(event, object_id=found.id)
            noting.note_write(transaction, row, entry, known, noting.Was(before, new), asked)
        write_event(transaction, row.connector, event, found.id if found else entry.object_id or "")
        return found


def abandon(database: Database, entry: JournalEntry, event: EventRecord, *, keeps_past: bool = True) -> None:
    """See ``Store.abandon``; nothing happens when the entry is closed already."""
    with database.write() as transaction:
        rows = transaction.connection.execute(
            "SELECT t.id, t.connector, j.asked FROM journal j JOIN space_type t ON t.id = j.type WHERE j.number = ?",
            (entry.number,),
        ).fetchall()
        for type_id, connector, asked in rows:
            close_entry(transaction, type_id, entry)
            write_event(transaction, connector, event, entry.object_id or "")
            leaving.settle(transaction, entry, went=False)
            if keeps_past and event.error != NOTHING_SENT:
                row = type_row(transaction.connection, type_id)
                noting.note_write(transaction, row, entry, event, noting.Was(None, None), asked)


def _require_current(transaction: Transaction, row: TypeRow, entry: JournalEntry, began_seq: int) -> None:
    """Raises ReadingOvertaken when links that a reading brought, which began at this number, may name others by now.

    Who is removed or renamed leaves a tombstone under the old name, and changes the groups of which that is known.
    """
    connection = transaction.connection
    gone = connection.execute(
        "SELECT 1 FROM connector c WHERE c.id = ? AND (c.purged_seq > ? OR EXISTS (SELECT 1 FROM space_type t"
        " JOIN tombstone b ON b.type = t.id WHERE t.connector = c.id AND b.change_seq > ?))",
        (row.connector, began_seq, began_seq),
    ).fetchall()
    present = stored_row(connection, row.id, "id", entry.object_id)
    if gone or (present is not None and present.change_seq > began_seq):
        raise ReadingOvertaken


class _Opened(NamedTuple):
    """An entry with what the journal noted for its completion.

    Attributes:
        entry: the entry.
        instance: what ids derive from; empty where they are random.
        newest_key: of all objects when the entry was opened.
    """

    entry: JournalEntry
    instance: str
    newest_key: int


def _store(transaction: Transaction, row: TypeRow, opened: _Opened, new: Encoded | None) -> int | None:
    """Makes the space agree with the outcome; returns the object's key, None when there is no object."""
    connection, entry = transaction.connection, opened.entry
    present = stored_row(connection, row.id, "id", entry.object_id)
    if new is None:
        dropping = entry.operation is Operation.DELETE
        changes.remove(transaction, row, [present] if present else [], dropping=dropping)
        if entry.password is PasswordStage.DUE:
            _forget(transaction, row, change_from_json(entry.change).anchor)
        return None
    twin = stored_row(connection, row.id, "anchor_key", new.anchor_key)
    lost = None
    if twin is not None and entry.operation is Operation.ADD and _was_there(twin, opened):
        # The target has lost somebody, of which no import has told yet, and given the anchor to a new object. Whoever
        # knows the old id must not meet the new person under it, and the new one inherits no group unless an import
        # says so.
        changes.remove(transaction, row, [twin], bury=False, dropping=True)
        lost, twin = twin, None
    if present is None:
        # An add whose object an import has met meanwhile, or a change of an object that was removed: that row goes on.
        present, twin = twin, None
    elif twin is not None and twin.key != present.key:
        # A rename whose new name an import has met meanwhile: clients know the id of the old row.
        changes.remove(transaction, row, [twin], bury=False)
    owner = stored_row(connection, row.id, "dn_key", new.dn_key)
    if owner is not None and (present is None or owner.key != present.key):
        changes.release_dn(transaction, owner)
    state = _state(entry, present)
    if present is None:
        identifier = _new_id(transaction, row, opened, new.source.anchor, lost)
        # Of what was changed and not made, nobody knows what else it is linked to.
        unsure = entry.operation is not Operation.ADD
        return changes.insert(transaction, row, [(new, identifier)], state=state, kept=entry.kept, unsure=unsure)[0]
    # A delete says nothing about what is kept; when the object stays after all, that stays as well.
    kept = None if entry.operation is Operation.DELETE and not entry.kept else entry.kept
    changes.replace(transaction, row, present, new, state=state, kept=kept)
    return present.key


def _forget(transaction: Transaction, row: TypeRow, anchor: Anchor) -> None:
    """Keeps an import that has read an object which was then undone from bringing it in.

    What the space has under the anchor already is for the next import to remove.
    """
    anchor_key = key_of(anchor_text(anchor))
    if stored_row(transaction.connection, row.id, "anchor_key", anchor_key) is None:
        changes.bury(transaction, row, anchor_key)


def _was_there(twin: StoredRow, opened: _Opened) -> bool:
    """Whether clients knew an object before the addition with the same anchor began; an unlinked one they do not."""
    return twin.state == ObjectState.LIVE and twin.key <= opened.newest_key


def _state(entry: JournalEntry, present: StoredRow | None) -> ObjectState:
    if entry.operation is Operation.DELETE and entry.unlink:
        return ObjectState.UNLINKED
    if entry.operation is Operation.ADD or present is None:
        return ObjectState.LIVE
    return ObjectState(present.state)


def _new_id(transaction: Transaction, row: TypeRow, opened: _Opened, anchor: Anchor, lost: StoredRow | None) -> str:
    entry, instance = opened.entry, opened.instance
    if entry.object_id is not None:
        return entry.object_id
    derived = SpaceType(entry.connector, entry.resource_type, instance, anchor_immutable=bool(instance)).derived_id(
        anchor
    )
    # An anchor that was declared immutable and passed to somebody else all the same must not give away an id.
    if derived is None or (lost is not None and lost.id == derived):
        return entry.reserved_id
    return derived if stored_row(transaction.connection, row.id, "id", derived) is None else entry.reserved_id


def _what_is_there(transaction: Transaction, entry: JournalEntry, new: Encoded | None) -> SpaceObject | None:
    """Returns the object of an entry that was completed before."""
    connection = transaction.connection
    rows = connection.execute(
        "SELECT t.id FROM space_type t JOIN connector c ON c.id = t.connector WHERE c.name = ? AND t.resource_type = ?",
        (entry.connector, entry.resource_type),
    ).fetchall()
    if not rows:
        return None
    type_id = rows[0][0]
    found = stored_row(connection, type_id, "id", entry.object_id or entry.reserved_id)
    if found is None and new is not None:
        found = stored_row(connection, type_id, "anchor_key", new.anchor_key)
    return _object(transaction, found.key if found else None)


def _object(transaction: Transaction, key: int | None) -> SpaceObject | None:
    if key is None:
        return None
    rows = transaction.connection.execute(
        f"SELECT {OBJECT_COLUMNS} FROM object WHERE key = ?",  # noqa: S608  # names, no values
        (key,),
    ).fetchall()
    return object_from_row(rows[0]) if rows else None
