"""What an import did not meet, and may therefore remove."""

from collections.abc import Callable, Iterator, Sequence

from ecmahost_core.space.objects import ObjectState
from ecmahost_core.space.sql import changes, departures
from ecmahost_core.space.sql.arbitration import Reading, SeenKeys
from ecmahost_core.space.sql.database import Connection, Database, Transaction
from ecmahost_core.space.sql.locks import held_keys, is_held
from ecmahost_core.space.sql.rows import BATCH, STORED_COLUMNS, StoredRow, select_in
from ecmahost_core.space.sql.type_row import TypeRow, type_row

_LISTED = 10_000
_BY_KEY = f"SELECT {STORED_COLUMNS} FROM object WHERE type = ? AND key {{in}}"  # noqa: S608  # names, no values


def count(database: Database, type_id: int, reading: Reading) -> tuple[int, int]:
    """Returns how many live objects were not met and may be removed, and how many live objects there are."""
    removable = live = 0
    for keys in _listed(database, type_id, ObjectState.LIVE):
        live += len(keys)
        for unseen in _batches(reading.seen, keys):
            with database.read() as connection:
                connection.execute("BEGIN")
                removable += len(_free(connection, type_row(connection, type_id), reading, unseen)[0])
    return removable, live


def remove(
    database: Database, type_id: int, reading: Reading, require: Callable[[Transaction], None]
) -> Iterator[tuple[int, int]]:
    """Removes what was not met, a batch for each item that is taken: how many went, and how many a newer write kept.

    ``require`` is called first in each transaction, and raises when the reading is none any more.
    """
    for state in (ObjectState.LIVE, ObjectState.UNLINKED):
        for keys in _listed(database, type_id, state):
            for unseen in _batches(reading.seen, keys):
                with database.write() as transaction:
                    require(transaction)
                    row = type_row(transaction.connection, type_id)
                    free, kept = _free(transaction.connection, row, reading, unseen)
                    touched = changes.remove(transaction, row, free)
                    if reading.noting is not None:
                        reading.noting.removed(transaction, row, free)
                reading.note(touched)
                reading.note(departures.finish(database))
                yield len(free), kept


def remove_keys(
    database: Database, type_id: int, reading: Reading, keys: Sequence[int], require: Callable[[Transaction], None]
) -> Iterator[tuple[int, int]]:
    """As ``remove``, for the objects with these keys; those that are gone already count for nothing."""
    for start in range(0, len(keys), BATCH):
        with database.write() as transaction:
            require(transaction)
            row = type_row(transaction.connection, type_id)
            free, kept = _free(transaction.connection, row, reading, keys[start : start + BATCH])
            changes.remove(transaction, row, free)
            if reading.noting is not None:
                reading.noting.removed(transaction, row, free)
        departures.finish(database)
        yield len(free), kept


def _listed(database: Database, type_id: int, state: ObjectState) -> Iterator[list[int]]:
    """Yields the keys of all objects in a state, some thousands at a time, each part from a moment of its own."""
    last = 0
    while True:
        with database.read() as connection:
            rows = connection.execute(
                "SELECT key FROM object WHERE type = ? AND state = ? AND key > ? ORDER BY key LIMIT ?",
                (type_id, int(state), last, _LISTED),
            ).fetchall()
        if not rows:
            return
        yield [key for (key,) in rows]
        last = rows[-1][0]


def _batches(seen: SeenKeys, keys: Sequence[int]) -> Iterator[list[int]]:
    unseen = seen.without(keys)
    return (unseen[start : start + BATCH] for start in range(0, len(unseen), BATCH))


def _free(connection: Connection, row: TypeRow, reading: Reading, keys: Sequence[int]) -> tuple[list[StoredRow], int]:
    """Returns those objects that nothing newer protects, and how many are protected."""
    held = held_keys(connection, row.id)
    rows = [StoredRow._make(each) for each in select_in(connection, _BY_KEY, (row.id,), keys)]
    free = [old for old in rows if not reading.loses_to(old) and not is_held(held, row, old=old)]
    return free, len(rows) - len(free)
