"""References as rows of their own: ``(owner, attribute, value, target)``, and the scope of the value.

The target is an object of the same connector that the value names. Without a scope it may be of any type, and its DN or
anchor folds like the value; the DN goes first. The scope is a type's number: then it is of that type, and its anchor
goes first, for in a database a person and a group may well have the same anchor. The target is found when it appears,
stays the same through renames, and is given up when the object goes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from ecmahost_core.ecma.values import Attributes, text_of
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.sql.database import Connection, Transaction
from ecmahost_core.space.sql.rows import select_in
from ecmahost_core.space.sql.type_row import TypeRow

Wanted = Mapping[tuple[str, str], str]
"""References of one object: attribute and folded value, to the value as it is written."""

NOTHING: Mapping[int, int] = MappingProxyType({})
_ANYWHERE = "type IN (SELECT id FROM space_type WHERE connector = ?)"
_WITHIN = "type = ?"
_INSERT = """INSERT OR IGNORE INTO reference (owner, attribute, value_key, value, connector, target, scope)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_STALE = """SELECT r.value_key, o.change_seq, o.key FROM reference r JOIN object o ON o.key = r.target
    WHERE r.owner = ? AND r.attribute = ? AND r.value_key <> o.anchor_key AND r.value_key IS NOT o.dn_key"""
_ROW = "owner = ? AND attribute = ? AND value_key = ?"


def of(attributes: Attributes, names: Iterable[str]) -> dict[tuple[str, str], str]:
    """Returns the references that follow from an object: attribute and folded value, to the value as it is written."""
    found = ((name, text_of(value)) for name in names for value in attributes.get(name, ()))
    return {(name, key_of(text)): text for name, text in found}


def named(connection: Connection, connector: int, scope: int | None, value_keys: Sequence[str]) -> dict[str, int]:
    """Returns which objects any number of folded values name: value to key."""
    place, first, columns = (
        (_ANYWHERE, connector, ("dn_key", "anchor_key"))
        if scope is None
        else (_WITHIN, scope, ("anchor_key", "dn_key"))
    )
    found: dict[str, int] = {}
    for column in columns:
        left = [key for key in value_keys if key not in found]
        rows = select_in(
            connection,
            f"SELECT {column}, key FROM object WHERE {place} AND {column} {{in}}",  # noqa: S608  # names, no values
            (first,),
            left,
        )
        # Of two types that have the same anchor the object that was there first is meant: the order of keys.
        found |= dict(sorted(rows, key=lambda row: -row[1]))
    return found


def insert(transaction: Transaction, row: TypeRow, wanted: Iterable[tuple[int, Wanted]]) -> None:
    """Adds references of objects of a type, each by its key, and finds the targets that are there already."""
    connection = transaction.connection
    by_attribute: dict[str, list[tuple[int, str, str]]] = {}
    for owner, references in wanted:
        for (name, value_key), value in references.items():
            by_attribute.setdefault(name, []).append((owner, value_key, value))
    for name, rows in by_attribute.items():
        scope = row.scopes.get(name)
        targets = named(connection, row.connector, scope, list(dict.fromkeys(value_key for _, value_key, _ in rows)))
        connection.executemany(
            _INSERT,
            [
                (owner, name, value_key, value, row.connector, targets.get(value_key), scope)
                for owner, value_key, value in rows
            ],
        )


def change(transaction: Transaction, row: TypeRow, owner: int, before: Wanted, after: Wanted) -> None:
    """Makes the references of an object what they are now, touching only what differs."""
    connection = transaction.connection
    gone = [(owner, *key) for key in before if key not in after]
    if gone:
        connection.executemany(f"DELETE FROM reference WHERE {_ROW}", gone)  # noqa: S608  # names, no values
    respelt = [(value, owner, *key) for key, value in after.items() if before.get(key, value) != value]
    if respelt:
        connection.executemany(f"UPDATE reference SET value = ? WHERE {_ROW}", respelt)  # noqa: S608  # as above
    insert(transaction, row, [(owner, {key: value for key, value in after.items() if key not in before})])


def resolve(transaction: Transaction, row: TypeRow, appeared: Iterable[tuple[int, str, str | None]]) -> None:
    """Points open references at objects that appeared or got a new name: key, folded anchor and folded DN of each."""
    connection = transaction.connection
    # The usual connector has no open references, and a first import would ask for every object.
    if not connection.execute(
        "SELECT 1 FROM reference WHERE connector = ? AND target IS NULL LIMIT 1", (row.connector,)
    ).fetchall():
        return
    connection.executemany(
        "UPDATE reference SET target = ? WHERE connector = ? AND target IS NULL AND value_key IN (?, ?)"
        " AND (scope IS NULL OR scope = ?)",
        [(key, row.connector, anchor_key, dn_key, row.id) for key, anchor_key, dn_key in appeared],
    )


def stale(
    connection: Connection, owner: int, attribute: str, began_seq: int | None, own: Mapping[int, int] = NOTHING
) -> tuple[Sequence[str], Sequence[str]]:
    """Returns the folded values of an attribute that named an object which has another name now.

    Those of which a reading that began at this change number can tell that the target has not followed, and those of
    which it cannot: their object has got its name since, so what was read may be older than that. None is a reading of
    this very moment. ``own`` are the change numbers, by key, that the reading itself has given: they are no newer.
    """
    rows = connection.execute(_STALE, (owner, attribute)).fetchall()
    if began_seq is None:
        return [value_key for value_key, _, _ in rows], ()
    newer = {value_key for value_key, seq, key in rows if seq > began_seq and own.get(key) != seq}
    return [value_key for value_key, _, _ in rows if value_key not in newer], sorted(newer)


def is_uncertain(
    transaction: Transaction,
    row: TypeRow,
    place: tuple[int, str],
    values: tuple[Collection[str], Collection[str]],
    reading: tuple[int, Mapping[int, int]],
) -> bool:
    """Returns whether what was read of an attribute may be the name that somebody had for a while.

    Somebody who is named was renamed before the reading began, and again since. The reading may have met the name
    between the two: nobody is found under that any more, or somebody else who has got it since.

    Args:
        transaction: of the reading.
        row: the owner's type.
        place: owner and attribute.
        values: folded, as stored and as read.
        reading: when it began, and its own numbers, as in ``stale``.
    """
    (owner, attribute), (before, after), (began_seq, own) = place, values, reading
    new = [each for each in after if each not in before]
    if not new:
        return False
    connection = transaction.connection
    rows = connection.execute(_STALE, (owner, attribute)).fetchall()
    renamed = {key for each, seq, key in rows if each not in after and seq > began_seq and own.get(key) != seq}
    if not renamed:
        return False
    found = named(connection, row.connector, row.scopes.get(attribute), new)
    others = list(set(found.values()) - renamed)
    seqs = dict(select_in(connection, "SELECT key, change_seq FROM object WHERE key {in}", (), others))
    return len(found) < len(new) or any(seq > began_seq and own.get(key) != seq for key, seq in seqs.items())


def aim(transaction: Transaction, connector: int, scope: int | None, places: Sequence[tuple[int, str, str]]) -> None:
    """Points references (owner, attribute, folded value) at what their values name now, if anything."""
    if not places:
        return
    connection = transaction.connection
    targets = named(connection, connector, scope, list(dict.fromkeys(value_key for _, _, value_key in places)))
    connection.executemany(
        f"UPDATE reference SET target = ? WHERE {_ROW}",  # noqa: S608  # names, no values
        [(targets.get(place[2]), *place) for place in places],
    )
