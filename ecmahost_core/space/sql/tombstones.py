"""Removing tombstones that nobody needs any more.

A tombstone is needed by every reading of the target that began before it. Imports are known by their rows; the reading
of a single object is not, so the newest number among the removed tombstones is kept for each connector, and a reading
that began before it does not bring in anything that the space does not know (``arbitration``).
"""

from ecmahost_core.space.sql.database import Database
from ecmahost_core.space.sql.rows import BATCH


def purge(database: Database, connector: int, *, newest: int | None = None) -> None:
    """Removes a connector's tombstones up to the change number ``newest`` (None: all) that no running import needs."""
    while True:
        with database.write() as transaction:
            connection = transaction.connection
            ((oldest_run,),) = connection.execute(
                "SELECT min(began_seq) FROM import WHERE connector = ?", (connector,)
            ).fetchall()
            limits = [limit for limit in (oldest_run, newest) if limit is not None]
            rows = connection.execute(
                "SELECT type, anchor_key, change_seq FROM tombstone"
                " WHERE type IN (SELECT id FROM space_type WHERE connector = ?) AND change_seq <= ? LIMIT ?",
                (connector, min(limits, default=2**63 - 1), BATCH),
            ).fetchall()
            connection.executemany("DELETE FROM tombstone WHERE type = ? AND anchor_key = ?", [row[:2] for row in rows])
            highest = max((row[2] for row in rows), default=0)
            connection.execute(
                "UPDATE connector SET purged_seq = ? WHERE id = ? AND purged_seq < ?",
                (highest, connector, highest),
            )
        if len(rows) < BATCH:
            return
