"""References that the configuration says something else of than when they were written.

What an attribute names is another type now, or a reference has become a link attribute, or a link attribute is none any
more. The rows are taken in the order of owners, in short transactions that writers pass between; how far they have come
is in the type's row, so that processes share the work and the next one goes on after a kill.
"""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from ecmahost_core.ecma.values import Attributes, attributes_from_json
from ecmahost_core.space.sql import links, references
from ecmahost_core.space.sql.database import Connection, Transaction
from ecmahost_core.space.sql.rows import BATCH
from ecmahost_core.space.sql.type_row import TypeRow, type_row

# Two short ranges of the listing's index, merged: over both states SQLite would sort the whole type for each batch.
_NEXT = """SELECT key, attributes FROM object WHERE key IN (
    SELECT key FROM
        (SELECT key FROM object WHERE type = :type AND state = 0 AND key >= :from ORDER BY key LIMIT :count) AS live
    UNION ALL SELECT key FROM
        (SELECT key FROM object WHERE type = :type AND state = 1 AND key >= :from ORDER BY key LIMIT :count) AS unlinked
) ORDER BY key LIMIT :count"""
_VALUES = (
    "SELECT value_key FROM reference WHERE owner = ? AND attribute = ? AND value_key {} ? ORDER BY value_key LIMIT ?"
)
_ROW = "owner = ? AND attribute = ? AND value_key = ?"


class _Place(NamedTuple):
    """The last row that was done, or (with an empty attribute) the owner at which to begin."""

    owner: int = 0
    attribute: str = ""
    value_key: str = ""


def require(transaction: Transaction, type_id: int, attributes: Sequence[str]) -> bool:
    """Has ``advance`` look at all rows of these attributes; returns whether it has anything to do."""
    connection = transaction.connection
    ((text,),) = connection.execute("SELECT rescoping FROM space_type WHERE id = ?", (type_id,)).fetchall()
    before = orjson.loads(text)["attributes"] if text else []
    if attributes:
        _note(connection, type_id, list(dict.fromkeys((*before, *attributes))), _Place())
    return bool(before or attributes)


def advance(transaction: Transaction, type_id: int) -> bool:
    """Looks at the next rows; returns whether some are left."""
    connection = transaction.connection
    found = connection.execute("SELECT rescoping FROM space_type WHERE id = ?", (type_id,)).fetchall()
    if not found or not found[0][0]:
        return False
    data = orjson.loads(found[0][0])
    names, place = data["attributes"], _Place(*data["place"])
    row = type_row(connection, type_id)
    objects = connection.execute(_NEXT, {"type": type_id, "from": place.owner, "count": BATCH}).fetchall()
    left = links.ROWS
    for key, attributes in objects:
        for name in _left(names, place, key):
            last = _rescope(transaction, row, attributes_from_json(attributes), _begin(place, key, name), left)
            if last.left <= 0:
                _note(connection, type_id, names, last.place)
                return True
            left = last.left
    if len(objects) < BATCH:
        connection.execute("UPDATE space_type SET rescoping = '' WHERE id = ?", (type_id,))
        return False
    _note(connection, type_id, names, _Place(objects[-1][0] + 1))
    return True


class _Reached(NamedTuple):
    """How far an attribute of one owner was done, and how many rows more may be."""

    place: _Place
    left: int


def _left(names: Sequence[str], place: _Place, owner: int) -> Sequence[str]:
    return names[names.index(place.attribute) :] if owner == place.owner and place.attribute else names


def _begin(place: _Place, owner: int, name: str) -> tuple[_Place, bool]:
    """Returns where an attribute of an owner begins, and whether that row itself is done."""
    here = (place.owner, place.attribute) == (owner, name)
    return (place, True) if here else (_Place(owner, name), False)


def _rescope(
    transaction: Transaction, row: TypeRow, attributes: Attributes, begin: tuple[_Place, bool], most: int
) -> _Reached:
    """Does at most ``most`` rows of one attribute of an owner."""
    connection = transaction.connection
    (owner, name, first), done = begin
    values = [
        value for (value,) in connection.execute(_VALUES.format(">" if done else ">="), (owner, name, first, most))
    ]
    follow = {key for _, key in references.of(attributes, (name,))} if name in row.references else frozenset()
    staying = [value for value in values if name in row.links or value in follow]
    scope = row.scopes.get(name)
    connection.executemany(
        f"UPDATE reference SET scope = ? WHERE {_ROW}",  # noqa: S608  # names, no values
        [(scope, owner, name, value) for value in staying],
    )
    references.aim(transaction, row.connector, scope, [(owner, name, value) for value in staying])
    connection.executemany(
        f"DELETE FROM reference WHERE {_ROW}",  # noqa: S608  # names, no values
        [(owner, name, value) for value in sorted(set(values) - set(staying))],
    )
    return _Reached(_Place(owner, name, values[-1] if values else first), most - len(values))


def _note(connection: Connection, type_id: int, names: Sequence[str], place: _Place) -> None:
    text = orjson.dumps({"attributes": names, "place": tuple(place)}).decode()
    connection.execute("UPDATE space_type SET rescoping = ? WHERE id = ?", (text, type_id))
