"""A space that goes on from an older state: a backup that was put back, a log or a server that lost the newest of it.

The target has moved on since. Nothing that was said before is held against the clients (a new epoch), nothing is shown
that may be out of date (until an import is complete), and what was being written then is looked at in the target.
"""

import uuid

from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import EntryState
from ecmahost_core.space.sql.database import Transaction
from ecmahost_core.space.sql.events import write_event


def begin_anew(transaction: Transaction, reason: str) -> None:
    """Makes an older state one that can be served.

    Connectors without an import go on with what the space says: there is nothing to read it anew from.

    Args:
        transaction: in which this is done.
        reason: for the connectors' history.
    """
    connection = transaction.connection
    connection.execute("UPDATE store SET epoch = ?", (str(uuid.uuid4()),))
    connection.execute(
        "UPDATE connector SET first_import_done = 0, watermark = '{}', import_request = NULL, released = NULL,"
        " held_count = NULL, held_live = NULL, held_since = NULL, held_links = 0, lost = '[]'"
    )
    connection.execute("UPDATE journal SET state = ?, incarnation = ''", (EntryState.UNCERTAIN.value,))
    connection.execute("DELETE FROM import")
    spaces = connection.execute("SELECT id FROM connector WHERE retired IS NULL").fetchall()
    for (space,) in spaces:
        write_event(transaction, space, EventRecord("restore", "ok", actor="host", detail={"reason": reason}))
