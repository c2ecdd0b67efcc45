"""How many live objects there are in each stretch of keys, so that any place in the list is found at once.

A stretch is 4,096 keys. The place of number 700,000 in a million is then a sum over some 250 rows and a walk along a
few thousand entries of the index, wherever objects have come and gone meanwhile. Objects get their keys in the order
in which they come, so new ones count in one row.
"""

from collections import Counter
from collections.abc import Iterable

from ecmahost_core.space.sql.database import Connection

STRETCH = 4096

_ADD = (
    "INSERT INTO listing (type, stretch, live) VALUES (?, ?, ?)"
    " ON CONFLICT (type, stretch) DO UPDATE SET live = listing.live + excluded.live"
)
_LESS = "UPDATE listing SET live = live - ? WHERE type = ? AND stretch = ?"
_EMPTY = "DELETE FROM listing WHERE type = ? AND stretch = ? AND live <= 0"


def more(connection: Connection, type_id: int, keys: Iterable[int]) -> None:
    """Counts objects that are live from now on. Called in the transaction that makes them so, as ``fewer``."""
    counts = sorted(Counter(key // STRETCH for key in keys).items())
    connection.executemany(_ADD, [(type_id, stretch, count) for stretch, count in counts])


def fewer(connection: Connection, type_id: int, keys: Iterable[int]) -> None:
    """Counts objects that are live no more."""
    counts = sorted(Counter(key // STRETCH for key in keys).items())
    connection.executemany(_LESS, [(count, type_id, stretch) for stretch, count in counts])
    connection.executemany(_EMPTY, [(type_id, stretch) for stretch, _ in counts])


def stretch_of(connection: Connection, type_id: int, index: int) -> tuple[int, int]:
    """Returns the index at which the stretch with this index begins, and the key behind which it does."""
    before = 0
    for stretch, live in connection.execute(
        "SELECT stretch, live FROM listing WHERE type = ? ORDER BY stretch", (type_id,)
    ).fetchall():
        if before + live > index:
            return before, stretch * STRETCH - 1
        before += live
    return 0, 0
