"""Connections to the file: a few readers that threads share one after the other, and one writer per process.

Every read and write of the store goes through ``Database.read`` and ``Database.write``: they alone begin and end
transactions and turn what SQLite raises into StoreUnavailable.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ecmahost_core.configuration.model import Durability
from ecmahost_core.space.sql.database import WAIT_SECONDS
from ecmahost_core.space.sql.readers import Readers
from ecmahost_core.space.sqlite import damage, schema
from ecmahost_core.space.sqlite.checkpoints import Checkpoints
from ecmahost_core.space.sqlite.failures import KEEPS_CONNECTION, PASSING, name_of, reason_of, unavailable
from ecmahost_core.space.store import StoreUnavailable

READERS = 8
"""Reading is short and CPU-bound: more connections than this only cost memory."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0003, 0.003


@dataclass(frozen=True, slots=True)
class Transaction:
    """A write transaction that is open; see ``sql.database.Transaction``.

    Attributes:
        connection: the process's one writer.
        now: the transaction's time, in microseconds since 1970 in UTC.
    """

    connection: sqlite3.Connection
    now: int

    def next_seq(self, count: int = 1) -> int:
        """Takes ``count`` change numbers from the store's one counter; returns the first of them."""
        ((last,),) = self.connection.execute("SELECT change_seq FROM store").fetchall()
        self.connection.execute("UPDATE store SET change_seq = ?", (last + count,))
        first: int = last + 1
        return first

    def newest_key(self) -> int:
        """See ``sql.database.Transaction``."""
        used = self.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'object'").fetchall()
        newest: int = used[0][0] if used else 0
        return newest

    def next_key(self, count: int) -> int:  # noqa: ARG002 - SQLite notes the highest key itself, as rows are inserted
        """See ``sql.database.Transaction``."""
        return self.newest_key() + 1

    def insert(self, statement: str, values: Sequence[Any], column: str) -> int:  # noqa: ARG002 - it is the row's number
        """See ``sql.database.Transaction``."""
        number = self.connection.execute(statement, values).lastrowid
        if number is None:
            raise AssertionError("an INSERT that succeeds has a row number")
        return number

    def require_incarnation(self) -> None:
        """See ``sql.database.Transaction``: a lock of the operating system is not lost while the process lives."""


class Database:
    """The file, opened by one process. Opened after a fork: a child that inherits it is refused, not corrupted.

    Attributes:
        trouble: why the newest transaction that had something to write could not; empty when it could.
        failed_at: when that was, on ``time.monotonic``'s clock.
    """

    def __init__(self, path: Path, *, writing: bool, durability: Durability = Durability.KILL) -> None:
        """Opens the file, and makes and migrates it when it is opened for writing; raises StoreUnavailable."""
        self.path = path
        self.writing = writing
        self.trouble, self.failed_at = "", 0.0
        self._synchronous = {Durability.KILL: "NORMAL", Durability.POWER: "FULL"}[durability]
        self._checkpoints = Checkpoints(path)
        self._process = os.getpid()
        self._closed = self._migrated = False
        self._readers = Readers(lambda: self._connect("ro"), READERS, sqlite3.Error)
        self._writer: sqlite3.Connection | None = None
        self._writer_lock = threading.Lock()
        try:
            if writing:
                self._prepare_file()
                damage.note_open(path)
                with self.write() as transaction:
                    schema.migrate(transaction.connection)
                self._migrated = True
            else:
                with self.read() as connection:
                    schema.require_current(connection)
        except BaseException:
            self.close()
            raise

    def read(self) -> AbstractContextManager[sqlite3.Connection]:
        """Lends a reading connection. Each statement sees the newest commit; ``BEGIN`` makes several see the same."""
        self._check()
        return _Lending(self.path, self._readers)

    def now(self, connection: object) -> int:  # noqa: ARG002 - a file has no clock of its own
        """See ``sql.database.Database``."""
        return time.time_ns() // 1000

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Runs the block as one immediate transaction: committed when it ends, undone when it raises."""
        self._check()
        if not self.writing:
            raise StoreUnavailable("the connector space was opened for reading only")
        if not self._writer_lock.acquire(timeout=WAIT_SECONDS):
            raise StoreUnavailable("the connector space is overloaded: the writer did not become free in time")
        try:
            self._check()
            connection = self._writer = self._writer or self._connect("rw")
            _begin(connection)
            if self._migrated:
                schema.require_own(connection)
            before = connection.total_changes
            yield Transaction(connection, self.now(connection))
            connection.execute("COMMIT")
            if self.trouble and connection.total_changes != before:
                self.trouble = ""
            self._checkpoints.after_commit(connection)
        except sqlite3.Error as error:
            name = name_of(error)
            self._end_failed_write(discard=not name.startswith(KEEPS_CONNECTION))
            if not name.startswith(PASSING):
                self.trouble, self.failed_at = reason_of(name), time.monotonic()
            raise unavailable(error, self.path) from error
        except BaseException:
            self._end_failed_write(discard=False)
            raise
        finally:
            self._writer_lock.release()

    def close(self) -> None:
        """Closes all connections, once the running write has ended; those still lent close when they come back."""
        if self._process != os.getpid():
            return
        with self._writer_lock:
            self._closed = True
            self._readers.close()
            if self._writer is not None:
                with suppress(sqlite3.Error):
                    self._writer.close()
            self._writer = None
        if self.writing:
            damage.note_closed(self.path)

    def _check(self) -> None:
        if self._closed:
            raise StoreUnavailable("the connector space has been closed")
        if self._process != os.getpid():
            raise StoreUnavailable("the connector space was opened before a fork: open it again in the new process")

    def _prepare_file(self) -> None:
        """Makes the file readable by its owner alone before SQLite sees it; the -wal and -shm files take its mode."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if os.fstat(descriptor).st_mode & 0o077:
                    os.fchmod(descriptor, 0o600)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreUnavailable(f"the connector space {self.path} cannot be opened: {error.strerror}") from error

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self.path.absolute()))}?mode={mode}",
            uri=True,
            timeout=WAIT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            if mode == "rw":
                _become_writer(connection, self._synchronous)
            else:
                connection.execute("PRAGMA query_only = 1")
                connection.execute("PRAGMA cache_size = -8192")
        except BaseException:
            connection.close()
            raise
        return connection

    def _end_failed_write(self, *, discard: bool) -> None:
        connection = self._writer
        if connection is None:
            return
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        if discard or connection.in_transaction:
            self._writer = None
            with suppress(sqlite3.Error):
                connection.close()


class _Lending:
    """One use of a reading connection."""

    __slots__ = ("_connection", "_path", "_readers")

    def __init__(self, path: Path, readers: Readers[sqlite3.Connection]) -> None:
        self._path = path
        self._readers = readers

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection = self._readers.take(WAIT_SECONDS)
        except sqlite3.Error as error:
            raise unavailable(error, self._path) from error
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        self._readers.give_back(self._connection, sound=kind is None)
        if isinstance(error, sqlite3.Error):
            raise unavailable(error, self._path) from error


def _become_writer(connection: sqlite3.Connection, synchronous: str) -> None:
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute("PRAGMA wal_autocheckpoint = 8192")
    # Two processes that make the file at the same time may both switch it to WAL, and SQLite does not wait for that.
    _patiently(connection, "PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA busy_timeout = 0")  # _begin waits, in steps finer than SQLite's


def _begin(connection: sqlite3.Connection) -> None:
    _patiently(connection, "BEGIN IMMEDIATE")


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Runs a statement as soon as no other process holds the lock.

    SQLite's own waiting grows to 100 ms a step and would miss the millisecond that an import leaves between two of its
    transactions, for seconds on end.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    pause = _FIRST_PAUSE
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if not name_of(error).startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(pause)
        pause = min(pause * 1.1, _LONGEST_PAUSE)
