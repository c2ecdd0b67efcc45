"""What is left of a space after a reset: cleared away in small transactions, once nobody can be reading it any more."""

import time
from datetime import timedelta

from ecmahost_core.space.sql import departures, links
from ecmahost_core.space.sql.database import Database, Transaction
from ecmahost_core.space.sql.rows import BATCH, select_in
from ecmahost_core.space.sql.types import PAUSE

GRACE = timedelta(minutes=10)
"""Longer than any request takes, and than a process takes to notice a reset."""

_REFERENCES = "SELECT owner, attribute, value_key FROM reference WHERE owner {in} LIMIT "
_BY_TYPE = (
    ("value_index", ("type", "attribute", "value_key", "object")),
    ("tombstone", ("type", "anchor_key")),
    ("missing", ("type", "object_id")),
    ("matched", ("type", "attribute")),
    ("listing", ("type", "stretch")),
)


def clear(database: Database, *, at_once: bool) -> None:
    """See ``Store.clear_retired``."""
    departures.finish(database)
    while True:
        with database.write() as transaction:
            limit = transaction.now - (0 if at_once else GRACE // timedelta(microseconds=1))
            spaces = transaction.connection.execute(
                "SELECT id, successor FROM connector WHERE retired <= ? ORDER BY id LIMIT 1", (limit,)
            ).fetchall()
            for space, successor in spaces:
                _clear_batch(transaction, space, successor)
        if not spaces:
            return
        time.sleep(PAUSE)


def _clear_batch(transaction: Transaction, space: int, successor: int) -> None:
    """Removes the next few rows of a space; with the last of them, the space itself."""
    connection = transaction.connection
    types = connection.execute("SELECT id FROM space_type WHERE connector = ? ORDER BY id LIMIT 1", (space,)).fetchall()
    for (number,) in types:
        if not (_clear_objects(transaction, number) or any(_clear_rows(transaction, number, *one) for one in _BY_TYPE)):
            connection.execute("DELETE FROM space_type WHERE id = ?", (number,))
    if types:
        return
    # The history goes on under the connector's name.
    moved = connection.execute(
        "UPDATE event SET connector = ? WHERE seq IN (SELECT seq FROM event WHERE connector = ? LIMIT ?)",
        (successor, space, BATCH),
    ).rowcount
    if moved == 0:
        connection.execute("DELETE FROM import WHERE connector = ?", (space,))
        connection.execute("DELETE FROM connector WHERE id = ?", (space,))


def _clear_objects(transaction: Transaction, number: int) -> int:
    connection = transaction.connection
    keys = [key for (key,) in connection.execute("SELECT key FROM object WHERE type = ? LIMIT ?", (number, BATCH))]
    rows = list(select_in(connection, f"{_REFERENCES}{links.ROWS}", (), keys))
    connection.executemany("DELETE FROM reference WHERE owner = ? AND attribute = ? AND value_key = ?", rows)
    if len(rows) == links.ROWS:
        return len(rows)
    connection.executemany("DELETE FROM object WHERE key = ?", [(key,) for key in keys])
    return len(keys)


def _clear_rows(transaction: Transaction, number: int, table: str, key: tuple[str, ...]) -> int:
    connection = transaction.connection
    columns, places = ", ".join(key), " AND ".join(f"{column} = ?" for column in key)
    rows = connection.execute(
        f"SELECT {columns} FROM {table} WHERE type = ? LIMIT ?",  # noqa: S608  # names of our own, no values
        (number, BATCH),
    ).fetchall()
    connection.executemany(f"DELETE FROM {table} WHERE {places}", rows)  # noqa: S608  # as above
    return len(rows)
