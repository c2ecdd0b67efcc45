"""The store on a server: one object over the database, the incarnations of all hosts, and ``space.sql``."""

import threading
import time
from contextlib import suppress
from pathlib import Path

import structlog

from ecmahost_core.secret import Secret
from ecmahost_core.space.journal import JournalEntry, WriteIntent
from ecmahost_core.space.past import DAYS
from ecmahost_core.space.postgresql import schema, succession
from ecmahost_core.space.postgresql.database import Database
from ecmahost_core.space.postgresql.failures import CommitUnknown, Interrupted
from ecmahost_core.space.postgresql.incarnation import PostgresqlIncarnation, ServerLocks
from ecmahost_core.space.sql import opening
from ecmahost_core.space.sql.store import SqlStore
from ecmahost_core.space.store import StoreUnavailable

_PAUSE = 0.5

_log = structlog.get_logger()


class PostgresqlStore(SqlStore):
    """The connector space in one schema of a PostgreSQL database."""

    def __init__(self, location: Secret, name: str, runtime: Path, *, writing: bool, history_days: int = DAYS) -> None:
        """See ``open_store``."""
        database = Database(location, name, writing=writing)
        try:
            schema.prepare(database)
            note = succession.catch_up(database, runtime) if writing else None
        except BaseException:
            database.close()
            raise
        begin = (lambda _: PostgresqlIncarnation(database, runtime, note)) if note else None
        super().__init__(database, ServerLocks(database, runtime), begin, history_days=history_days)

    def _open_entry(self, type_id: int, intent: WriteIntent, incarnation: str) -> JournalEntry:
        """Writes an entry, once more where the server went away before; one that may be there is taken back."""
        entry = None
        for last in (False, True):
            try:
                with self._database.write() as transaction:
                    entry = opening.open_entry(transaction, type_id, intent, incarnation)
            except CommitUnknown:
                if entry is not None:
                    threading.Thread(target=self._take_back, args=(type_id, entry), daemon=True).start()
                raise
            except Interrupted:
                if last:
                    raise
            else:
                return entry
        raise AssertionError("the second attempt returns or raises")

    def _take_back(self, type_id: int, entry: JournalEntry) -> None:
        """Removes an entry of which nothing was sent, if it is there. Should the process end first, recovery does."""
        while True:
            with suppress(StoreUnavailable):
                with self._database.write() as transaction:
                    opening.take_back(transaction, type_id, entry)
                _log.info("entry_taken_back", connector=entry.connector, entry=entry.number)
                return
            if self._incarnation is None:
                return
            time.sleep(_PAUSE)


def open_store(
    location: Secret, name: str, runtime: Path, *, writing: bool, history_days: int = DAYS
) -> PostgresqlStore:
    """Opens the connector space; with ``writing``, makes the schema where there is none.

    Called after the last fork. Raises StoreUnavailable.

    Args:
        location: a connection string of PostgreSQL (a URL or keywords), with its password.
        name: the schema that holds the tables.
        runtime: a directory on this machine for lock files; all processes of a host name the same one.
        writing: whether this process writes, and so gets an incarnation.
        history_days: for how long it is kept who changed what of whom; 0 for not at all.
    """
    return PostgresqlStore(location, name, runtime, writing=writing, history_days=history_days)
