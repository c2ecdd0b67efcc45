"""The verbs that change objects, with everything that must change in the same transaction.

Objects, counters and tombstones are touched here and nowhere else; what follows from an object is in ``derived``. All
of them run inside a transaction of the caller, who has decided that the change is to be made.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from ecmahost_core.space.objects import ObjectState
from ecmahost_core.space.sql import departures, derived, digests, links, listing, references
from ecmahost_core.space.sql.database import Transaction
from ecmahost_core.space.sql.rows import Encoded, StoredRow, carried_over, compact
from ecmahost_core.space.sql.type_row import TypeRow


def insert(
    transaction: Transaction,
    row: TypeRow,
    news: Sequence[tuple[Encoded, str]],
    *,
    state: ObjectState = ObjectState.LIVE,
    kept: Mapping[str, Any] | None = None,
    room: links.Room | None = None,
    unsure: bool = False,
) -> list[int]:
    """Stores new objects under the given ids, in this order; returns their keys. Anchors, DNs and ids are free.

    ``room`` and ``unsure`` are as in ``links.plan``; without ``room`` they are what the host has written.
    """
    if not news:
        return []
    connection = transaction.connection
    # The keys are given out here, so that all rows go in at once.
    first_key = transaction.next_key(len(news))
    first_seq = transaction.next_seq(len(news))
    keys = list(range(first_key, first_key + len(news)))
    kept_text, now, number = compact(kept or {}), transaction.now, int(state)
    planned = links.plan(row, [new for new, _ in news], room, unsure=unsure)
    connection.executemany(
        "INSERT INTO object (key, type, state, id, change_seq, digest, created, modified, anchor_key, dn_key, anchor,"
        " dn, kept, attributes, written_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                key, row.id, number, identifier, seq, digest, now, now, new.anchor_key, new.dn_key, new.anchor.decode(),
                new.source.dn, kept_text, new.attributes.decode(), 0 if room is not None else seq,
            )
            for key, seq, (new, identifier), (digest, _) in zip(keys, count(first_seq), news, planned, strict=False)
        ],
    )  # fmt: skip
    if row.indexed:
        derived.insert_values(transaction, row, keys, news)
    if row.references or row.links:
        derived.insert_references(
            transaction,
            row,
            [
                (key, first_seq + key - first_key, new, linked)
                for key, (new, _), (_, linked) in zip(keys, news, planned, strict=True)
            ],
            room,
        )
    if connection.execute("SELECT 1 FROM tombstone WHERE type = ? LIMIT 1", (row.id,)).fetchall():
        connection.executemany(
            "DELETE FROM tombstone WHERE type = ? AND anchor_key = ?", [(row.id, new.anchor_key) for new, _ in news]
        )
    references.resolve(
        transaction,
        row,
        ((key, new.anchor_key, new.dn_key) for key, (new, _) in zip(keys, news, strict=True)),
    )
    if state == ObjectState.LIVE:
        _count(transaction, row, live=len(news), shifts=0)
        listing.more(connection, row.id, keys)
    return keys


def replace(
    transaction: Transaction,
    row: TypeRow,
    old: StoredRow,
    new: Encoded,
    *,
    state: ObjectState,
    kept: Mapping[str, Any] | None = None,
    room: links.Room | None = None,
) -> int:
    """Makes an object what it is now; ``kept`` None leaves what the host keeps. Returns its new change number.

    ``room`` is for the links that a reading brings. None for a write: all are written now, and what the next reading
    was to look at again stays so, for what the host has not changed it knows from an earlier one.

    An attribute that no reading tells of stays as it was where ``new`` leaves it out.

    An anchor that changes leaves a tombstone under the old name: an import that read the old name must not bring it
    back as an object of its own.
    """
    connection = transaction.connection
    new = carried_over(new, old, row.export_only)
    seq = transaction.next_seq()
    digest = derived.change_links(transaction, row, old, new, seq, room)
    connection.execute(
        "UPDATE object SET state = ?, change_seq = ?, digest = ?, modified = ?, anchor_key = ?, dn_key = ?, anchor = ?,"
        " dn = ?, kept = ?, attributes = ?, written_seq = coalesce(?, written_seq) WHERE key = ?",
        (
            int(state), seq, digest, transaction.now, new.anchor_key, new.dn_key, new.anchor.decode(),
            new.source.dn, old.kept if kept is None else compact(kept), new.attributes.decode(),
            None if room is not None else seq, old.key,
        ),
    )  # fmt: skip
    if row.indexed or row.references:
        unsure = derived.change_values(transaction, row, old, new, room)
        if unsure:
            digest = digests.without(digest, row.links)
            connection.execute("UPDATE object SET digest = ? WHERE key = ?", (digest, old.key))
    if new.anchor_key != old.anchor_key:
        _bury(transaction, row, [old.anchor_key], seq)
        connection.execute("DELETE FROM tombstone WHERE type = ? AND anchor_key = ?", (row.id, new.anchor_key))
    if (new.anchor_key, new.dn_key) != (old.anchor_key, old.dn_key):
        derived.doubt(transaction, old.key, new)
        references.resolve(transaction, row, [(old.key, new.anchor_key, new.dn_key)])
    _count_state(transaction, row, old, int(state))
    return seq


def set_state(transaction: Transaction, row: TypeRow, old: StoredRow, state: ObjectState) -> int:
    """Changes nothing but whether an object exists for SCIM clients; returns its new change number."""
    seq = transaction.next_seq()
    transaction.connection.execute(
        "UPDATE object SET state = ?, change_seq = ?, modified = ? WHERE key = ?",
        (int(state), seq, transaction.now, old.key),
    )
    _count_state(transaction, row, old, int(state))
    return seq


def release_dn(transaction: Transaction, old: StoredRow) -> int:
    """Takes the DN from an object, because another one has it in the target now; returns its new change number.

    The digest goes too, so that the next import that meets the object writes it anew.
    """
    seq = transaction.next_seq()
    transaction.connection.execute(
        "UPDATE object SET dn = NULL, dn_key = NULL, digest = ?, change_seq = ?, modified = ? WHERE key = ?",
        (digests.without(old.digest), seq, transaction.now, old.key),
    )
    return seq


def remove(
    transaction: Transaction, row: TypeRow, olds: Sequence[StoredRow], *, bury: bool = True, dropping: bool = False
) -> departures.Touched:
    """Removes objects and leaves their tombstones; without ``bury`` when another object goes on under the anchor.

    At most ``rows.BATCH``; ``dropping`` as in ``departures.give_up``. Call ``departures.finish`` after the transaction.
    Returns who has another version because of that.
    """
    if not olds:
        return {}
    connection = transaction.connection
    derived.remove_values(transaction, row, olds)
    connection.executemany("DELETE FROM object WHERE key = ?", [(old.key,) for old in olds])
    touched = departures.give_up(transaction, row.connector, [old.key for old in olds], dropping=dropping)
    if bury:
        seq = transaction.next_seq(len(olds))
        _bury(transaction, row, [old.anchor_key for old in olds], seq)
    live = [old.key for old in olds if old.state == ObjectState.LIVE]
    if live:
        _count(transaction, row, live=-len(live), shifts=1)
        listing.fewer(connection, row.id, live)
    return touched


def bury(transaction: Transaction, row: TypeRow, anchor_key: str) -> None:
    """Leaves a tombstone of an object that was in the target for a moment and never here."""
    _bury(transaction, row, [anchor_key], transaction.next_seq())


def _bury(transaction: Transaction, row: TypeRow, anchor_keys: Sequence[str], first_seq: int) -> None:
    transaction.connection.executemany(
        "INSERT INTO tombstone VALUES (?, ?, ?)"
        " ON CONFLICT (type, anchor_key) DO UPDATE SET change_seq = excluded.change_seq",
        [(row.id, anchor_key, first_seq + place) for place, anchor_key in enumerate(anchor_keys)],
    )


def _count_state(transaction: Transaction, row: TypeRow, old: StoredRow, after: int) -> None:
    if old.state == after:
        return
    live = after == ObjectState.LIVE
    _count(transaction, row, live=1 if live else -1, shifts=1)
    (listing.more if live else listing.fewer)(transaction.connection, row.id, [old.key])


def _count(transaction: Transaction, row: TypeRow, *, live: int, shifts: int) -> None:
    transaction.connection.execute(
        "UPDATE space_type SET live = live + ?, shifts = shifts + ? WHERE id = ?", (live, shifts, row.id)
    )
