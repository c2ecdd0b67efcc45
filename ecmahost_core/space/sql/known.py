"""What an import asks of the space for each object that it read: whether it is there, and whether it is the same."""

from collections.abc import Collection

from ecmahost_core.space.sql.database import Connection
from ecmahost_core.space.sql.rows import select_in

_LOOK = "SELECT key, anchor_key, digest FROM object WHERE type = ? AND anchor_key "
_RANGE = _LOOK + "BETWEEN ? AND ? LIMIT ?"
_EACH = _LOOK + "{in}"

PATIENCE = 16
"""How many batches are looked up one by one before a range is tried again."""


class Digests:
    """Keys and digests of one reading's objects, by their folded anchors.

    Most targets give their objects in the order of their anchors, so that those of a batch lie side by side in the
    index: reading that stretch costs a third of looking each of them up.
    """

    def __init__(self) -> None:
        """Expects order."""
        self._wait = 0

    def of(self, connection: Connection, type_id: int, anchor_keys: Collection[str]) -> list[tuple[int, str, bytes]]:
        """Returns key, folded anchor and digest of the objects that are there, and of others beside them."""
        if not anchor_keys:
            return []
        if self._wait:
            self._wait -= 1
        else:
            most = 2 * len(anchor_keys)
            rows = connection.execute(_RANGE, (type_id, min(anchor_keys), max(anchor_keys), most)).fetchall()
            if len(rows) < most:
                return rows
            self._wait = PATIENCE
        return list(select_in(connection, _EACH, (type_id,), list(anchor_keys)))


def none_between(connection: Connection, type_id: int, column: str, keys: Collection[str]) -> bool:
    """Returns whether no object has a key from the first to the last of these: what a first import mostly finds.

    ``column`` is ``anchor_key`` or ``dn_key``. False means nothing.
    """
    if not keys:
        return True
    return not connection.execute(
        f"SELECT 1 FROM object WHERE type = ? AND {column} BETWEEN ? AND ? LIMIT 1",  # noqa: S608  # names, no values
        (type_id, min(keys), max(keys)),
    ).fetchall()
