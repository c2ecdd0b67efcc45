"""A space that goes on from an older state: a backup that was put back, a file whose log was lost.

The target has moved on since. Nothing that was said before is held against the clients (a new epoch), nothing is shown
that may be out of date (until an import is complete), and what was being written then is looked at in the target.
"""

import uuid
from pathlib import Path

from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import EntryState
from ecmahost_core.space.sql.events import write_event
from ecmahost_core.space.sqlite.connection import Database


def begin_anew(path: Path, reason: str) -> None:
    """Makes an older state one that can be served; migrates it first. Raises StoreUnavailable.

    Connectors without an import go on with what the file says: there is nothing to read it anew from.

    Args:
        path: of the store's file, which no process has open.
        reason: for the connectors' history.
    """
    database = Database(path, writing=True)
    try:
        with database.write() as transaction:
            connection = transaction.connection
            connection.execute("UPDATE store SET epoch = ?", (str(uuid.uuid4()),))
            connection.execute(
                "UPDATE connector SET first_import_done = 0, watermark = '{}', import_request = NULL, released = NULL,"
                " held_count = NULL, held_live = NULL, held_since = NULL, held_links = 0, lost = '[]'"
            )
            connection.execute("UPDATE journal SET state = ?, incarnation = ''", (EntryState.UNCERTAIN.value,))
            connection.execute("DELETE FROM import")
            connection.execute("DELETE FROM incarnation")
            spaces = connection.execute("SELECT id FROM connector WHERE retired IS NULL").fetchall()
            for (space,) in spaces:
                write_event(transaction, space, EventRecord("restore", "ok", actor="host", detail={"reason": reason}))
    finally:
        database.close()
