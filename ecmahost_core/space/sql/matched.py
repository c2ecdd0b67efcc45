"""Attributes that clients match on although no configuration says so: noted, so that the worker puts them in the index.

A note is a row. The index itself is the type's like that of any other attribute (``indexing``), except that it is given
up again when the mapping has the attribute no more: first the type's row says so, then the rows of the index go in
short transactions, then the note. Whoever is killed in between is followed by the next one.
"""

import time

import orjson

from ecmahost_core.space.fingerprint import MatchedIndex
from ecmahost_core.space.sql.database import Connection, Database, Transaction
from ecmahost_core.space.sql.rows import BATCH
from ecmahost_core.space.sql.type_row import Building, building_of
from ecmahost_core.space.sql.types import PAUSE, require_current

MOST = 16
"""Noted attributes of a type: a client chooses them, and each index takes room."""

_NOTE = (
    "INSERT INTO matched (type, attribute, dropping) SELECT ?, ?, 0"
    " WHERE (SELECT count(*) FROM matched WHERE type = ?) < ? ON CONFLICT DO NOTHING"
)
_NOTED = (
    "SELECT t.resource_type, m.attribute, m.dropping, t.indexed FROM matched m JOIN space_type t ON t.id = m.type"
    " WHERE t.connector = ?"
)
_ENTRIES = "SELECT value_key, object FROM value_index WHERE type = ? AND attribute = ? LIMIT ?"
_FORGET = "DELETE FROM value_index WHERE type = ? AND attribute = ? AND value_key = ? AND object = ?"


def note(database: Database, type_id: int, attribute: str) -> None:
    """See ``Store.note_matched``."""
    with database.write() as transaction:
        require_current(transaction.connection, type_id)
        transaction.connection.execute(_NOTE, (type_id, attribute, type_id, MOST))


def noted(connection: Connection, connector: int) -> dict[str, MatchedIndex]:
    """Returns what is noted of a space, see ``Standing.matched``."""
    return {
        f"{resource_type}.{attribute}": _state(attribute in orjson.loads(indexed), bool(dropping))
        for resource_type, attribute, dropping, indexed in connection.execute(_NOTED, (connector,)).fetchall()
    }


def _state(indexed: bool, dropping: bool) -> MatchedIndex:  # noqa: FBT001 - two columns of one row
    if dropping:
        return MatchedIndex.GOING
    return MatchedIndex.READY if indexed else MatchedIndex.WANTED


def forget(database: Database, type_id: int, attribute: str, *, keep_index: bool) -> None:
    """See ``Store.forget_matched``."""
    with database.write() as transaction:
        if not keep_index:
            _take_out(transaction, type_id, attribute)
    left = not keep_index
    while left:
        with database.write() as transaction:
            left = _drop_batch(transaction.connection, type_id, attribute)
        time.sleep(PAUSE)
    with database.write() as transaction:
        transaction.connection.execute("DELETE FROM matched WHERE type = ? AND attribute = ?", (type_id, attribute))


def _take_out(transaction: Transaction, type_id: int, attribute: str) -> None:
    """From here on nobody maintains the attribute, and nobody takes it for indexed."""
    connection = transaction.connection
    connection.execute("UPDATE matched SET dropping = 1 WHERE type = ? AND attribute = ?", (type_id, attribute))
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


def _text(building: Building) -> str:
    if not building.indexed and not building.references:
        return ""
    data = {"indexed": building.indexed, "references": building.references, "after": building.after}
    return orjson.dumps(data).decode()


def _drop_batch(connection: Connection, type_id: int, attribute: str) -> bool:
    """Removes the next rows of the index; returns whether some are left."""
    rows = connection.execute(_ENTRIES, (type_id, attribute, BATCH)).fetchall()
    connection.executemany(_FORGET, [(type_id, attribute, value_key, key) for value_key, key in rows])
    return len(rows) == BATCH
