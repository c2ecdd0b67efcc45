"""The verbs that change objects, with everything that must change in the same transaction.

Index, references, counters and tombstones are touched here and nowhere else. All of them run inside a transaction of
the caller, who has decided that the change is to be made.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import orjson

from ecmahost_core.ecma.values import attributes_from_json, text_of
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import ObjectState
from ecmahost_core.space.sql import departures, digests, links, listing, references
from ecmahost_core.space.sql.database import Transaction
from ecmahost_core.space.sql.rows import Encoded, StoredRow, carried_over, compact, value_keys
from ecmahost_core.space.sql.type_row import TypeRow

_DOUBTED = 10_000
_INSERT_VALUE = "INSERT OR IGNORE INTO value_index VALUES (?, ?, ?, ?)"


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

    ``room`` and ``unsure`` are as in ``links.plan``.
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
        " dn, kept, attributes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                key, row.id, number, identifier, seq, digest, now, now, new.anchor_key, new.dn_key, new.anchor.decode(),
                new.source.dn, kept_text, new.attributes.decode(),
            )
            for key, seq, (new, identifier), (digest, _) in zip(keys, count(first_seq), news, planned, strict=False)
        ],
    )  # fmt: skip
    if row.indexed:
        connection.executemany(
            "INSERT INTO value_index (type, attribute, value_key, object) VALUES (?, ?, ?, ?)",
            [
                (row.id, name, text, key)
                for key, (new, _) in zip(keys, news, strict=True)
                for name in row.indexed
                for text in {key_of(text_of(value)) for value in new.source.attributes.get(name, ())}
            ],
        )
    if row.references or row.links:
        _insert_references(
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
    digest = _change_links(transaction, row, old, new, seq, room)
    connection.execute(
        "UPDATE object SET state = ?, change_seq = ?, digest = ?, modified = ?, anchor_key = ?, dn_key = ?, anchor = ?,"
        " dn = ?, kept = ?, attributes = ? WHERE key = ?",
        (
            int(state), seq, digest, transaction.now, new.anchor_key, new.dn_key, new.anchor.decode(),
            new.source.dn, old.kept if kept is None else compact(kept), new.attributes.decode(), old.key,
        ),
    )  # fmt: skip
    if row.indexed or row.references:
        unsure = _change_values(transaction, row, old, new, room)
        if unsure:
            digest = digests.without(digest, row.links)
            connection.execute("UPDATE object SET digest = ? WHERE key = ?", (digest, old.key))
    if new.anchor_key != old.anchor_key:
        _bury(transaction, row, [old.anchor_key], seq)
        connection.execute("DELETE FROM tombstone WHERE type = ? AND anchor_key = ?", (row.id, new.anchor_key))
    if (new.anchor_key, new.dn_key) != (old.anchor_key, old.dn_key):
        _doubt(transaction, old.key, new)
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
    connection.executemany(
        "DELETE FROM value_index WHERE type = ? AND attribute = ? AND value_key = ? AND object = ?",
        [
            (row.id, *entry, old.key)
            for old in olds
            for entry in value_keys(attributes_from_json(old.attributes), row.indexed)
        ],
    )
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


def _insert_references(
    transaction: Transaction,
    row: TypeRow,
    news: Sequence[tuple[int, int, Encoded, references.Wanted | None]],
    room: links.Room | None,
) -> None:
    """Writes the references and links of new objects: key, change number, stored form, and the links or None."""
    wanted = []
    for key, change_seq, new, linked in news:
        wanted.append((key, {**references.of(new.source.attributes, row.references), **(linked or {})}))
        if linked is None and room is not None:
            room.owing.append(links.Owing(key, change_seq, new, room.began_seq))
    references.insert(transaction, row, wanted)


def _change_links(
    transaction: Transaction, row: TypeRow, old: StoredRow, new: Encoded, seq: int, room: links.Room | None
) -> bytes:
    """Makes the links of an object what they are now; returns its digest."""
    if room is not None and not row.links:
        return new.digest
    rest, *before = digests.parts(old.digest, row.links)
    after = [new.digest if room is not None else digests.kept(rest, new.digest)]
    owed = False
    for name, part in zip(row.links, before, strict=True):
        changed = links.update(transaction, row, (old.key, seq), name, new, part, room)
        owed = owed or changed is None
        after.append(digests.UNKNOWN if changed is None else changed)
    if owed and room is not None:
        room.owing.append(links.Owing(old.key, seq, new, room.began_seq))
    return b"".join(after)


def _doubt(transaction: Transaction, key: int, new: Encoded) -> None:
    """Has the next import look at the references to an object that gets another name.

    They go on naming it. Whether the target has changed them too is not known: if it has not, they name nobody there,
    or one day somebody else. Of an object that very many name, only some are looked at: the transaction must end.
    """
    rows = transaction.connection.execute(
        "SELECT r.attribute, o.key, o.digest, t.links FROM reference r JOIN object o ON o.key = r.owner"
        " JOIN space_type t ON t.id = o.type WHERE r.target = ? AND r.value_key <> ? AND r.value_key IS NOT ? LIMIT ?",
        (key, new.anchor_key, new.dn_key, _DOUBTED),
    ).fetchall()
    before = {owner: digest for _, owner, digest, _ in rows}
    after = dict(before)
    for attribute, owner, _, names in rows:
        after[owner] = digests.without(after[owner], orjson.loads(names), attribute)
    transaction.connection.executemany(
        "UPDATE object SET digest = ? WHERE key = ?",
        [(digest, owner) for owner, digest in after.items() if digest != before[owner]],
    )


def _change_values(
    transaction: Transaction, row: TypeRow, old: StoredRow, new: Encoded, room: links.Room | None
) -> bool:
    """Returns whether the next reading is to look at the references again."""
    connection = transaction.connection
    attributes_before = attributes_from_json(old.attributes)
    before, after = (value_keys(each, row.indexed) for each in (attributes_before, new.source.attributes))
    if before != after:
        connection.executemany(
            "DELETE FROM value_index WHERE type = ? AND attribute = ? AND value_key = ? AND object = ?",
            [(row.id, *entry, old.key) for entry in before - after],
        )
        connection.executemany(_INSERT_VALUE, [(row.id, *entry, old.key) for entry in after - before])
    if row.references:
        references.change(
            transaction,
            row,
            old.key,
            references.of(attributes_before, row.references),
            references.of(new.source.attributes, row.references),
        )
    if room is None:
        return False
    unsure = False
    for name in row.references:
        told, untold = references.stale(connection, old.key, name, room.began_seq)
        references.aim(transaction, row.connector, row.scopes.get(name), [(old.key, name, one) for one in told])
        unsure = unsure or bool(untold)
    return unsure


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
