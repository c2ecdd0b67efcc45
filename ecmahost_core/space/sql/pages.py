"""Pages of the list of live objects, and bookmarks: where in the order of keys a page began or ended.

A client that pages asks for the index at which its last page ended. The bookmark turns that index into a key, so that
the last page of a million costs what the first one does. A bookmark is right as long as the list has only grown at its
end, which the type's ``shifts`` tells. The way to any other index is short by what is counted (``listing``).
"""

import threading

from ecmahost_core.space.objects import SpaceObject, SpaceType
from ecmahost_core.space.sql import listing
from ecmahost_core.space.sql.database import Connection, Database
from ecmahost_core.space.sql.rows import OBJECT_COLUMNS, object_from_row
from ecmahost_core.space.sql.types import Types

BOOKMARKS = 256
"""How many places a process remembers of each type: far more than clients that page at the same time."""


class Bookmarks:
    """The places of one type: index in the list, to the key after which it begins. Oldest ones are forgotten first."""

    def __init__(self) -> None:
        """Knows only the beginning of the list."""
        self._lock = threading.Lock()
        self._shifts = -1
        self._keys: dict[int, int] = {}

    def key_of(self, shifts: int, start: int) -> int | None:
        """Returns the key after which ``start`` begins, where that is remembered."""
        with self._lock:
            return self._keys.get(start) if shifts == self._shifts else None

    def put(self, shifts: int, index: int, key: int) -> None:
        """Remembers that ``index`` begins after ``key``, unless a newer list is known already."""
        with self._lock:
            if shifts < self._shifts:
                return
            if shifts > self._shifts:
                self._shifts = shifts
                self._keys.clear()
            self._keys.pop(index, None)
            self._keys[index] = key
            if len(self._keys) > BOOKMARKS:
                del self._keys[next(iter(self._keys))]


class Pages:
    """The list of live objects, page by page."""

    def __init__(self, database: Database, types: Types) -> None:
        """Reads from this database."""
        self._database = database
        self._types = types
        self._lock = threading.Lock()
        self._bookmarks: dict[int, Bookmarks] = {}

    def page(self, space_type: SpaceType, start: int, count: int) -> list[SpaceObject]:
        """See ``Store.page``."""
        type_id = self._types.find(space_type)
        if type_id is None or count <= 0:
            return []
        start = max(start, 0)
        bookmarks = self._of(type_id)
        with self._database.read() as connection:
            connection.execute("BEGIN")  # the bookmark's number and the rows must be of one moment
            shifts, live = _counters(connection, type_id)
            if start >= live:
                connection.execute("COMMIT")
                return []
            key = bookmarks.key_of(shifts, start)
            if key is None:
                index, key = listing.stretch_of(connection, type_id, start)
                if index < start:
                    key = _key_before(connection, type_id, key, start - index)
            rows = connection.execute(
                f"SELECT {OBJECT_COLUMNS} FROM object"  # noqa: S608  # names, no values
                " WHERE type = ? AND state = 0 AND key > ? ORDER BY key LIMIT ?",
                (type_id, key, count),
            ).fetchall()
            connection.execute("COMMIT")
        bookmarks.put(shifts, start, key)
        if rows:
            bookmarks.put(shifts, start + len(rows), rows[-1][0])
        return [object_from_row(row) for row in rows]

    def count(self, space_type: SpaceType) -> int:
        """See ``Store.count``."""
        type_id = self._types.find(space_type)
        if type_id is None:
            return 0
        with self._database.read() as connection:
            return _counters(connection, type_id)[1]

    def _of(self, type_id: int) -> Bookmarks:
        with self._lock:
            return self._bookmarks.setdefault(type_id, Bookmarks())


def _counters(connection: Connection, type_id: int) -> tuple[int, int]:
    ((shifts, live),) = connection.execute("SELECT shifts, live FROM space_type WHERE id = ?", (type_id,)).fetchall()
    return shifts, live


def _key_before(connection: Connection, type_id: int, key: int, places: int) -> int:
    """Returns the key of the live object that is ``places`` further than ``key``; walks along the index only."""
    rows = connection.execute(
        "SELECT key FROM object WHERE type = ? AND state = 0 AND key > ? ORDER BY key LIMIT 1 OFFSET ?",
        (type_id, key, places - 1),
    ).fetchall()
    found: int = rows[0][0] if rows else key
    return found
