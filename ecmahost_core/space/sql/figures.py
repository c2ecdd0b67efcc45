"""What is counted of a connector's space, for whoever watches it: a few rows, however many objects there are."""

from ecmahost_core.space.history import Figures
from ecmahost_core.space.sql.database import Database

_LIVE = (
    "SELECT t.resource_type, t.live FROM space_type t JOIN connector c ON c.id = t.connector WHERE c.name = ?"
    " ORDER BY t.resource_type"
)
_OPEN = (
    "SELECT count(*) FROM journal WHERE type IN"
    " (SELECT t.id FROM space_type t JOIN connector c ON c.id = t.connector WHERE c.name = ?)"
)


def figures(database: Database, connector: str) -> Figures:
    """See ``Store.figures``."""
    with database.read() as connection:
        live = connection.execute(_LIVE, (connector,)).fetchall()
        ((entries,),) = connection.execute(_OPEN, (connector,)).fetchall()
    return Figures(dict(live), entries)
