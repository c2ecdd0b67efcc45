"""Further attributes in the index of a type that holds objects already: a batch at a time, by whoever needs them.

From the first transaction on every write maintains the new attributes. What was there before is indexed in the order of
keys, in short transactions that writers of other objects pass between; the key that has been reached is in the type's
row. Processes that arrive at the same time share the work, and after a kill the next one goes on where it stopped.
"""

from collections.abc import Iterable

import orjson

from ecmahost_core.ecma.values import attributes_from_json
from ecmahost_core.space.sql import references
from ecmahost_core.space.sql.database import Connection, Transaction
from ecmahost_core.space.sql.rows import BATCH, value_keys
from ecmahost_core.space.sql.type_row import Building, building_of, type_row

# Two short ranges of the listing's index, merged: over both states SQLite would sort the whole type for each batch.
_NEXT = """SELECT key, attributes FROM object WHERE key IN (
    SELECT key FROM
        (SELECT key FROM object WHERE type = :type AND state = 0 AND key > :after ORDER BY key LIMIT :count) AS live
    UNION ALL SELECT key FROM
        (SELECT key FROM object WHERE type = :type AND state = 1 AND key > :after ORDER BY key LIMIT :count) AS unlinked
) ORDER BY key LIMIT :count"""


def require(
    transaction: Transaction, type_id: int, indexed: Iterable[str], reference_attributes: Iterable[str]
) -> bool:
    """Sees to it that these attributes are maintained from now on; returns whether ``advance`` is needed for them."""
    ((done, done_references, text),) = transaction.connection.execute(
        "SELECT indexed, reference_attributes, building FROM space_type WHERE id = ?", (type_id,)
    ).fetchall()
    before = building_of(text)
    needed = [name for name in indexed if name not in orjson.loads(done)]
    needed_references = [name for name in reference_attributes if name not in orjson.loads(done_references)]
    new = [name for name in needed if name not in before.indexed]
    new_references = [name for name in needed_references if name not in before.references]
    if new or new_references:
        both = Building((*before.indexed, *new), (*before.references, *new_references))
        _note(transaction.connection, type_id, both)
    return bool(needed or needed_references)


def leave_out(connection: Connection, type_id: int, links: Iterable[str]) -> None:
    """Takes what has become a link attribute from what is still to be indexed: it is in no object's attributes."""
    ((text,),) = connection.execute("SELECT building FROM space_type WHERE id = ?", (type_id,)).fetchall()
    before = building_of(text)
    staying = tuple(name for name in before.references if name not in links)
    if staying != before.references:
        _note(connection, type_id, Building(before.indexed, staying, before.after))


def advance(transaction: Transaction, type_id: int) -> bool:
    """Indexes the next batch; returns whether something is left, and notes that the index is complete when not."""
    connection = transaction.connection
    rows = connection.execute("SELECT building FROM space_type WHERE id = ?", (type_id,)).fetchall()
    if not rows or not rows[0][0]:
        return False
    building = building_of(rows[0][0])
    batch = connection.execute(_NEXT, {"type": type_id, "after": building.after, "count": BATCH}).fetchall()
    loaded = [(key, attributes_from_json(attributes)) for key, attributes in batch]
    connection.executemany(
        "INSERT OR IGNORE INTO value_index VALUES (?, ?, ?, ?)",
        [(type_id, *entry, key) for key, attributes in loaded for entry in value_keys(attributes, building.indexed)],
    )
    if building.references:
        wanted = ((key, references.of(attributes, building.references)) for key, attributes in loaded)
        references.insert(transaction, type_row(connection, type_id), wanted)
    if len(batch) == BATCH:
        _note(connection, type_id, Building(building.indexed, building.references, batch[-1][0]))
        return True
    _complete(connection, type_id, building)
    return False


def _complete(connection: Connection, type_id: int, building: Building) -> None:
    ((indexed, reference_attributes),) = connection.execute(
        "SELECT indexed, reference_attributes FROM space_type WHERE id = ?", (type_id,)
    ).fetchall()
    connection.execute(
        "UPDATE space_type SET indexed = ?, reference_attributes = ?, building = '' WHERE id = ?",
        (
            orjson.dumps([*orjson.loads(indexed), *building.indexed]).decode(),
            orjson.dumps([*orjson.loads(reference_attributes), *building.references]).decode(),
            type_id,
        ),
    )


def _note(connection: Connection, type_id: int, building: Building) -> None:
    data = {"indexed": building.indexed, "references": building.references, "after": building.after}
    connection.execute("UPDATE space_type SET building = ? WHERE id = ?", (orjson.dumps(data).decode(), type_id))
