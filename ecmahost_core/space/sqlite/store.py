"""The store in a file: one object over the file, the lock files beside it, and the verbs of ``space.sql``."""

import time
from contextlib import suppress
from pathlib import Path

from ecmahost_core.configuration.model import Durability
from ecmahost_core.space.past import DAYS
from ecmahost_core.space.sql.store import SqlStore
from ecmahost_core.space.sqlite.connection import Database
from ecmahost_core.space.sqlite.incarnation import Incarnation, LockFiles
from ecmahost_core.space.store import StoreUnavailable

TROUBLE_SECONDS = 30.0
"""How long a failed write is told of where no other is tried."""


class SqliteStore(SqlStore):
    """The connector space in one SQLite file."""

    def __init__(
        self,
        path: Path,
        runtime: Path,
        *,
        writing: bool,
        durability: Durability = Durability.KILL,
        history_days: int = DAYS,
    ) -> None:
        """See ``open_store``."""
        self._file = Database(path, writing=writing, durability=durability)
        begin = (lambda _: Incarnation(runtime)) if writing else None
        super().__init__(self._file, LockFiles(runtime), begin, history_days=history_days)

    def trouble(self) -> str:
        """See ``Store.trouble``."""
        if self._file.trouble and time.monotonic() - self._file.failed_at > TROUBLE_SECONDS:
            # Not before: on a disk that is full, so little may still find room.
            with suppress(StoreUnavailable), self._file.write() as transaction:
                # A page is written even where nothing changes.
                transaction.connection.execute("UPDATE store SET change_seq = change_seq")
        return self._file.trouble


def open_store(
    path: Path,
    runtime: Path,
    *,
    writing: bool,
    durability: Durability = Durability.KILL,
    history_days: int = DAYS,
) -> SqliteStore:
    """Opens the connector space; with ``writing``, makes the file where there is none.

    Called after the last fork. Raises StoreUnavailable.

    Args:
        path: the file, readable by its owner alone.
        runtime: a directory on the same machine for lock files; all processes of a host name the same one.
        writing: whether this process writes, and so gets an incarnation.
        durability: what a completed write survives.
        history_days: for how long it is kept who changed what of whom; 0 for not at all.
    """
    return SqliteStore(path, runtime, writing=writing, durability=durability, history_days=history_days)
