"""The store in a file: one object over the file, the lock files beside it, and the verbs of ``space.sql``."""

from pathlib import Path

from ecmahost_core.space.sql.store import SqlStore
from ecmahost_core.space.sqlite.connection import Database
from ecmahost_core.space.sqlite.incarnation import Incarnation, LockFiles


class SqliteStore(SqlStore):
    """The connector space in one SQLite file."""

    def __init__(self, path: Path, runtime: Path, *, writing: bool) -> None:
        """See ``open_store``."""
        database = Database(path, writing=writing)
        super().__init__(database, LockFiles(runtime), (lambda _: Incarnation(runtime)) if writing else None)


def open_store(path: Path, runtime: Path, *, writing: bool) -> SqliteStore:
    """Opens the connector space; with ``writing``, makes the file where there is none.

    Called after the last fork. Raises StoreUnavailable.

    Args:
        path: the file, readable by its owner alone.
        runtime: a directory on the same machine for lock files; all processes of a host name the same one.
        writing: whether this process writes, and so gets an incarnation.
    """
    return SqliteStore(path, runtime, writing=writing)
