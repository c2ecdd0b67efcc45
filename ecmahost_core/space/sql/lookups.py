"""Reading objects: by id, by anchor, by an indexed value, and all of them."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from ecmahost_core.ecma.values import Anchor, anchor_text, text_of
from ecmahost_core.space.journal import ID, LockKey
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import ObjectName, SpaceObject, SpaceType
from ecmahost_core.space.sql.database import NO_LIMIT, Database
from ecmahost_core.space.sql.rows import BATCH, OBJECT_COLUMNS, object_from_row, select_in, storable, stored_anchor
from ecmahost_core.space.sql.types import Types, is_indexed

_OBJECT_BY = f"SELECT {OBJECT_COLUMNS} FROM object WHERE type = ? AND "  # noqa: S608  # names, no values
_LIVE_BY_ID = _OBJECT_BY + "state = 0 AND id {in}"
_LIVE_NAMES = "SELECT key, id, anchor, dn FROM object WHERE type = ? AND state = 0 AND id {in}"
_LIVE_AFTER = _OBJECT_BY + "state = 0 AND key > ? ORDER BY key LIMIT ?"
_FREE = (
    f"SELECT {OBJECT_COLUMNS} FROM object WHERE type = :type AND id = :id"  # noqa: S608  # names, no values
    " AND NOT EXISTS (SELECT 1 FROM journal_lock WHERE type = :type AND lock_key = :lock)"
)
_BY_VALUE = (
    f"SELECT {OBJECT_COLUMNS} FROM object WHERE key IN"  # noqa: S608  # names, no values
    " (SELECT object FROM value_index WHERE type = ? AND attribute = ? AND value_key = ? AND object > ?"
    " ORDER BY object LIMIT ?) ORDER BY key"
)
# Two short ranges of the listing's index, merged: one range over both states would have to be sorted as a whole.
_NEXT = (
    f"SELECT {OBJECT_COLUMNS} FROM object WHERE key IN ("  # noqa: S608  # names, no values
    "SELECT key FROM"
    " (SELECT key FROM object WHERE type = :type AND state = 0 AND key > :last ORDER BY key LIMIT :count) AS live"
    " UNION ALL SELECT key FROM"
    " (SELECT key FROM object WHERE type = :type AND state = 1 AND key > :last ORDER BY key LIMIT :count) AS unlinked"
    ") ORDER BY key LIMIT :count"
)


class Lookups:
    """The readings that need no memory of earlier ones."""

    def __init__(self, database: Database, types: Types) -> None:
        """Reads from this database."""
        self._database = database
        self._types = types

    def get(self, space_type: SpaceType, object_id: str) -> SpaceObject | None:
        """See ``Store.get``."""
        return self._one(space_type, "id = ?", object_id)

    def free(self, space_type: SpaceType, object_id: str) -> SpaceObject | None:
        """See ``Store.free``. One statement: every one of them is a chance for other threads to come in between."""
        type_id = self._types.find(space_type)
        if type_id is None or not storable(object_id):
            return None
        with self._database.read() as connection:
            rows = connection.execute(
                _FREE, {"type": type_id, "id": object_id, "lock": LockKey(ID, object_id).text()}
            ).fetchall()
        return object_from_row(rows[0]) if rows else None

    def by_anchor(self, space_type: SpaceType, anchor: Anchor) -> SpaceObject | None:
        """See ``Store.by_anchor``."""
        return self._one(space_type, "anchor_key = ?", key_of(anchor_text(anchor)))

    def by_dn(self, space_type: SpaceType, dn: str) -> SpaceObject | None:
        """See ``Store.by_dn``."""
        return self._one(space_type, "dn_key = ?", key_of(dn))

    def find(
        self, space_type: SpaceType, attribute: str, value: str, after: int = 0, count: int = -1
    ) -> list[SpaceObject]:
        """See ``Store.find``. Raises ValueError for an attribute that the type does not index."""
        type_id = self._types.find(space_type)
        wanted = key_of(value)
        if type_id is None or not storable(wanted):
            return []
        limit = count if count >= 0 else NO_LIMIT
        # A process that writes has completed the index of what its configuration names.
        complete = self._database.writing and attribute in space_type.indexed
        with self._database.read() as connection:
            if not complete:
                connection.execute("BEGIN")  # the rows, and what is said of the index, must be of one moment
            rows = connection.execute(_BY_VALUE, (type_id, attribute, wanted, after, limit)).fetchall()
            indexed = complete or is_indexed(connection, type_id, attribute)
        if indexed:
            return [object_from_row(row) for row in rows]
        if attribute not in space_type.indexed and attribute not in space_type.matched:
            raise ValueError(f"{attribute} is not an indexed attribute of {space_type.resource_type}")
        # In a process that may not write, and so could not complete the index, and where the index is being given up.
        found = (
            one
            for one in self.scan(space_type, after)
            if any(key_of(text_of(each)) == wanted for each in one.attributes.get(attribute, ()))
        )
        return list(islice(found, None if count < 0 else count))

    def by_ids(self, space_type: SpaceType, ids: Sequence[str]) -> dict[str, SpaceObject]:
        """See ``Store.by_ids``."""
        return {found.id: found for found in map(object_from_row, self._rows(space_type, _LIVE_BY_ID, ids))}

    def names(self, space_type: SpaceType, ids: Sequence[str]) -> dict[str, ObjectName]:
        """See ``Store.names``."""
        return {
            identifier: ObjectName(key, identifier, stored_anchor(anchor), dn)
            for key, identifier, anchor, dn in self._rows(space_type, _LIVE_NAMES, ids)
        }

    def _rows(self, space_type: SpaceType, statement: str, ids: Sequence[str]) -> list[Any]:
        type_id = self._types.find(space_type)
        if type_id is None:
            return []
        wanted = [identifier for identifier in dict.fromkeys(ids) if storable(identifier)]
        with self._database.read() as connection:
            return list(select_in(connection, statement, (type_id,), wanted))

    def after(self, space_type: SpaceType, key: int, count: int) -> list[SpaceObject]:
        """See ``Store.after``."""
        type_id = self._types.find(space_type)
        if type_id is None or count <= 0:
            return []
        with self._database.read() as connection:
            rows = connection.execute(_LIVE_AFTER, (type_id, key, count)).fetchall()
        return [object_from_row(row) for row in rows]

    def scan(self, space_type: SpaceType, after: int = 0) -> Iterator[SpaceObject]:
        """See ``Store.scan``."""
        type_id = self._types.find(space_type)
        last = after
        while type_id is not None:
            with self._database.read() as connection:
                rows = connection.execute(_NEXT, {"type": type_id, "last": last, "count": BATCH}).fetchall()
            yield from map(object_from_row, rows)
            if len(rows) < BATCH:
                return
            last = rows[-1][0]

    def _one(self, space_type: SpaceType, condition: str, value: str) -> SpaceObject | None:
        type_id = self._types.find(space_type)
        if type_id is None or not storable(value):
            return None
        with self._database.read() as connection:
            rows = connection.execute(_OBJECT_BY + condition, (type_id, value)).fetchall()
        return object_from_row(rows[0]) if rows else None
