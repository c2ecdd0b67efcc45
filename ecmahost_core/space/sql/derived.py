"""The rows that follow from an object: its values in the index, its references, its links.

Written with the object, in the transaction that changes it (``changes``), and nowhere else but where a configuration or
a long list of links has the rest come later (``indexing``, ``rescoping``, ``settling``).
"""

from collections.abc import Sequence

import orjson

from ecmahost_core.ecma.values import attributes_from_json, attributes_to_json, text_of
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.sql import digests, links, references
from ecmahost_core.space.sql.database import Transaction
from ecmahost_core.space.sql.rows import Encoded, StoredRow, value_keys
from ecmahost_core.space.sql.type_row import TypeRow

_DOUBTED = 10_000
_INSERT_VALUE = "INSERT OR IGNORE INTO value_index VALUES (?, ?, ?, ?)"


def insert_values(
    transaction: Transaction, row: TypeRow, keys: Sequence[int], news: Sequence[tuple[Encoded, str]]
) -> None:
    """Writes the index of new objects."""
    transaction.connection.executemany(
        "INSERT INTO value_index (type, attribute, value_key, object) VALUES (?, ?, ?, ?)",
        [
            (row.id, name, text, key)
            for key, (new, _) in zip(keys, news, strict=True)
            for name in row.indexed
            for text in {key_of(text_of(value)) for value in new.source.attributes.get(name, ())}
        ],
    )


def remove_values(transaction: Transaction, row: TypeRow, olds: Sequence[StoredRow]) -> None:
    """Removes objects from the index."""
    transaction.connection.executemany(
        "DELETE FROM value_index WHERE type = ? AND attribute = ? AND value_key = ? AND object = ?",
        [
            (row.id, *entry, old.key)
            for old in olds
            for entry in value_keys(attributes_from_json(old.attributes), row.indexed)
        ],
    )


def insert_references(
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


def change_links(
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


def as_before(transaction: Transaction, row: TypeRow, old: StoredRow, new: Encoded, room: links.Room) -> Encoded:
    """Returns an object that was read with those references as they were of which the reading cannot tell.

    The digest stays that of what was read: ``change_values`` finds the same references, and has the next reading look.
    """
    if not row.references:
        return new
    stored = attributes_from_json(old.attributes)
    kept = {}
    for name in row.references:
        before, after = (
            {value_key for _, value_key in references.of(each, (name,))} for each in (stored, new.source.attributes)
        )
        reading = room.began_seq, room.own
        if before and references.is_uncertain(transaction, row, (old.key, name), (before, after), reading):
            kept[name] = stored[name]
    if not kept:
        return new
    attributes = {**new.source.attributes, **kept}
    return new._replace(attributes=attributes_to_json(attributes), source=new.source._replace(attributes=attributes))


def doubt(transaction: Transaction, key: int, new: Encoded) -> None:
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


def change_values(
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
        told, untold = references.stale(connection, old.key, name, room.began_seq, room.own)
        references.aim(transaction, row.connector, row.scopes.get(name), [(old.key, name, one) for one in told])
        unsure = unsure or bool(untold)
    return unsure
