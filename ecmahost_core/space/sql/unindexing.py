"""Giving up the index of an attribute that clients matched on (``matched``): a batch at a time, by whoever needs it.

First the type's row says that nobody maintains the attribute any more, and its note that it goes; then its rows go, in
short transactions; with the last of them the note. Whoever wants the attribute in the index again meanwhile does what
is left first: rows that nobody has maintained for a while say what is not true any more.
"""

from collections.abc import Collection, Iterable

import orjson

from ecmahost_core.space.sql.database import Connection, Transaction
from ecmahost_core.space.sql.rows import BATCH
from ecmahost_core.space.sql.type_row import Building, building_of

_GOING = "SELECT attribute FROM matched WHERE type = ? AND dropping = 1 ORDER BY attribute LIMIT 1"
_ENTRIES = "SELECT value_key, object FROM value_index WHERE type = ? AND attribute = ? LIMIT ?"
_FORGET = "DELETE FROM value_index WHERE type = ? AND attribute = ? AND value_key = ? AND object = ?"


def begin(transaction: Transaction, type_id: int, attribute: str) -> None:
    """From here on nobody maintains a noted attribute, and nobody takes it for indexed; not noted, it stays."""
    connection = transaction.connection
    if not connection.execute(
        "UPDATE matched SET dropping = 1 WHERE type = ? AND attribute = ?", (type_id, attribute)
    ).rowcount:
        return
    for indexed, text in connection.execute(
        "SELECT indexed, building FROM space_type WHERE id = ?", (type_id,)
    ).fetchall():
        staying = [name for name in orjson.loads(indexed) if name != attribute]
        before = building_of(text)
        building = Building(
            tuple(name for name in before.indexed if name != attribute), before.references, before.after
        )
        connection.execute(
            "UPDATE space_type SET indexed = ?, building = ? WHERE id = ?",
            (orjson.dumps(staying).decode(), _text(building), type_id),
        )


def advance(transaction: Transaction, type_id: int) -> bool:
    """Removes the next rows of an index that goes, and the note with the last; returns whether anything was going."""
    connection = transaction.connection
    for (attribute,) in connection.execute(_GOING, (type_id,)).fetchall():
        rows = connection.execute(_ENTRIES, (type_id, attribute, BATCH)).fetchall()
        connection.executemany(_FORGET, [(type_id, attribute, value_key, key) for value_key, key in rows])
        if len(rows) < BATCH:
            connection.execute("DELETE FROM matched WHERE type = ? AND attribute = ?", (type_id, attribute))
        return True
    return False


def keep(connection: Connection, type_id: int, indexed: Collection[str]) -> None:
    """Says that a configuration has these attributes: nobody who knows an older one gives their index up any more.

    One that goes already goes first, and is made anew.
    """
    rows = connection.execute("SELECT attribute FROM matched WHERE type = ? AND dropping = 0", (type_id,)).fetchall()
    for (attribute,) in rows:
        if attribute in indexed:
            connection.execute("DELETE FROM matched WHERE type = ? AND attribute = ?", (type_id, attribute))


def staying(connection: Connection, type_id: int, matched: Iterable[str]) -> list[str]:
    """Returns those of these attributes that are noted, and do not go: what a process knows may be a second old."""
    rows = connection.execute("SELECT attribute FROM matched WHERE type = ? AND dropping = 0", (type_id,)).fetchall()
    noted = {attribute for (attribute,) in rows}
    return [name for name in matched if name in noted]


def _text(building: Building) -> str:
    if not building.indexed and not building.references:
        return ""
    data = {"indexed": building.indexed, "references": building.references, "after": building.after}
    return orjson.dumps(data).decode()
