"""Attributes that clients match on although no configuration says so: noted, so that the worker puts them in the index.

A note is a row. The index itself is the type's like that of any other attribute (``indexing``), except that it is given
up again when the mapping has the attribute no more (``unindexing``), and the note with it. Whoever is killed in between
is followed by the next one.
"""

import time

import orjson

from ecmahost_core.space.fingerprint import MatchedIndex
from ecmahost_core.space.sql import unindexing
from ecmahost_core.space.sql.database import Connection, Database
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
    if keep_index:
        with database.write() as transaction:
            transaction.connection.execute(
                "DELETE FROM matched WHERE type = ? AND attribute = ? AND dropping = 0", (type_id, attribute)
            )
        return
    with database.write() as transaction:
        unindexing.begin(transaction, type_id, attribute)
    left = True
    while left:
        with database.write() as transaction:
            left = unindexing.advance(transaction, type_id)
        time.sleep(PAUSE)
