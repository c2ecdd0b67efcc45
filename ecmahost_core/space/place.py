"""Where a host keeps its connector space: a file of its home, or a database that it shares with other hosts."""

from ecmahost_core.configuration.model import HostConfiguration
from ecmahost_core.space import sqlite
from ecmahost_core.space.sql.store import SqlStore
from ecmahost_core.space.store import StoreUnavailable

_PACKAGE = "[store] names a PostgreSQL server, which needs: pip install 'ecmahost-core[postgresql]'"


def open_place(configuration: HostConfiguration, *, writing: bool) -> SqlStore:
    """Opens the connector space of a host; with ``writing``, makes it where there is none.

    Called after the last fork. Raises StoreUnavailable.
    """
    server = configuration.server
    if server is None:
        return sqlite.open_store(
            configuration.store,
            configuration.runtime,
            writing=writing,
            durability=configuration.durability,
            history_days=configuration.history_days,
        )
    try:
        from ecmahost_core.space import postgresql  # psycopg is there only where a host is to use it
    except ImportError:
        raise StoreUnavailable(_PACKAGE) from None
    return postgresql.open_store(
        server.url,
        server.schema,
        configuration.runtime,
        writing=writing,
        history_days=configuration.history_days,
    )


def may_be_there(configuration: HostConfiguration) -> bool:
    """Returns whether there may be something to read; of a database only its opening tells."""
    return configuration.server is not None or configuration.store.exists()
