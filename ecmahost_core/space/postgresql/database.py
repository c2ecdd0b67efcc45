"""The server as one process uses it: a few readers that threads share one after the other, and one writer.

SQLite's rule holds: of all processes at the store, one writes at a time. Each write transaction begins with an advisory
lock of the store's, and each of its statements sees what was committed before (READ COMMITTED); what it has looked at
cannot change until it ends. Reads wait for nobody: a statement sees one moment, and so does all between ``BEGIN`` and
``COMMIT`` (REPEATABLE READ).
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from hashlib import blake2b
from typing import Any, TypeVar

import psycopg
from psycopg import pq

from ecmahost_core.secret import Secret
from ecmahost_core.space.postgresql.failures import CommitUnknown, Interrupted, is_lost, unavailable
from ecmahost_core.space.postgresql.session import ReadingSession, Session, Statements, connect
from ecmahost_core.space.postgresql.silence import Watched
from ecmahost_core.space.sql.database import WAIT_SECONDS, Connection
from ecmahost_core.space.sql.readers import Readers
from ecmahost_core.space.store import StoreUnavailable

READERS = 8
PATIENCE = 10.0
"""How long a server that has gone is waited for: a restart takes less, a failover often."""
_PAUSE = 0.2

T = TypeVar("T")

# One message to the server and back. Its clock counts, so that all hosts have the same.
_BEGIN = """BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({lock});
SELECT {now}, txid_current(), s.change_seq, p.newest_key, p.version, {fence} FROM store s, postgresql p"""
_NOW = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
_END = "UPDATE store SET change_seq = {seq}; UPDATE postgresql SET newest_key = {key}; COMMIT"
_ALONE = "pg_try_advisory_xact_lock_shared({lock})"


class Transaction:
    """A write transaction that is open; see ``sql.database.Transaction``. The counters are written back at its end."""

    now: int
    number: int
    version: int
    seq: int
    _key: int
    _lost: bool

    def __init__(self, connection: Session, row: Sequence[Any]) -> None:
        """Begins with what ``_BEGIN`` selects."""
        self.connection = connection
        self.now, self.number, self.seq, self._key, self.version, self._lost = row
        self._before = (self.seq, self._key)

    def next_seq(self, count: int = 1) -> int:
        """See ``sql.database.Transaction``."""
        first = self.seq + 1
        self.seq += count
        return first

    def newest_key(self) -> int:
        """See ``sql.database.Transaction``."""
        return self._key

    def next_key(self, count: int) -> int:
        """See ``sql.database.Transaction``."""
        first = self._key + 1
        self._key += count
        return first

    def insert(self, statement: str, values: Sequence[Any], column: str) -> int:
        """See ``sql.database.Transaction``."""
        number: int = self.connection.execute(f"{statement} RETURNING {column}", values).fetchall()[0][0]
        return number

    def require_incarnation(self) -> None:
        """See ``sql.database.Transaction``: the server has just said whether it knows us to live."""
        if self._lost:
            raise StoreUnavailable("this process was cut off from the connector space: try again in a moment")

    def last_words(self) -> bytes:
        """Returns what ends the transaction, in one message to the server."""
        if (self.seq, self._key) == self._before:
            return b"COMMIT"
        return _END.format(seq=self.seq, key=self._key).encode()


class Database:
    """The store's schema in a database, as opened by one process, after its last fork."""

    def __init__(self, location: Secret, schema: str, *, writing: bool) -> None:
        """Connects to nothing yet. ``newest`` is the highest change number that was committed here."""
        self.schema = schema
        self.writing = writing
        self.version = 0
        self.newest = 0
        self._location = location
        self._process = os.getpid()
        self._closed = False
        self._statements: Statements = {}
        self._readers = Readers(
            lambda: ReadingSession(lambda: self.connect(reading=True), self._statements), READERS, psycopg.Error
        )
        self._writer: Session | None = None
        self._writer_lock = threading.Lock()
        self._fence = "false"
        self._away_since: float | None = None

    def lock_key(self, purpose: str) -> int:
        """Returns the number of an advisory lock of this store's; those of a database are shared by all its users."""
        digest = blake2b(f"ecmahost {self.schema}\0{purpose}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

    def fence(self, incarnation: int) -> None:
        """Has every write transaction begin with a look whether this lock is held, as it is while we are alive."""
        self._fence = _ALONE.format(lock=incarnation)

    def connect(self, *, reading: bool) -> Watched:
        """Returns a connection of its own; raises psycopg.Error."""
        return connect(self._location, self.schema, reading=reading)

    def session(self) -> Session:
        """Returns a connection of its own that writes, outside any transaction; raises psycopg.Error."""
        return Session(self.connect(reading=False), self._statements)

    def patiently(self, step: Callable[[], T], failed: Callable[[], object] = lambda: None) -> T:
        """Does a step again until there is a server; ``failed`` is called after each time that there was none.

        A server that has been away for ``PATIENCE`` seconds is tried once more and no longer waited for.
        """
        while True:
            began = time.monotonic()
            try:
                found = step()
            except psycopg.Error as error:
                failed()
                self._away_since = self._away_since or began
                if not is_lost(error) or time.monotonic() > self._away_since + PATIENCE:
                    raise unavailable(error) from error
            else:
                self._away_since = None
                return found
            time.sleep(_PAUSE)

    def read(self) -> AbstractContextManager[Session]:
        """Lends a reading connection. Each statement sees the newest commit; ``BEGIN`` makes several see the same."""
        self._check()
        return _Lending(self, self._readers)

    def now(self, connection: Connection) -> int:
        """See ``sql.database.Database``: all hosts have the server's clock."""
        now: int = connection.execute(f"SELECT {_NOW}").fetchall()[0][0]
        return now

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Runs the block as one transaction, alone: committed when it ends, undone when it raises.

        Raises Interrupted when it was certainly not committed because the server went away, CommitUnknown when nobody
        knows whether it was.
        """
        self._check()
        if not self.writing:
            raise StoreUnavailable("the connector space was opened for reading only")
        if not self._writer_lock.acquire(timeout=WAIT_SECONDS):
            raise StoreUnavailable("the connector space is overloaded: the writer did not become free in time")
        try:
            self._check()
            transaction = self._begin()
            try:
                yield transaction
            except psycopg.Error as error:
                self._discard()
                raise unavailable(error, Interrupted if is_lost(error) else StoreUnavailable) from error
            except BaseException:
                self._undo()
                raise
            self._commit(transaction)
            self.newest = max(self.newest, transaction.seq)
        finally:
            self._writer_lock.release()

    def close(self) -> None:
        """Closes all connections, once the running write has ended; those still lent close when they come back."""
        if self._closed or self._process != os.getpid():
            return
        with self._writer_lock:
            self._closed = True
            self._readers.close()
            self._discard()

    def _check(self) -> None:
        if self._closed:
            raise StoreUnavailable("the connector space has been closed")
        if self._process != os.getpid():
            raise StoreUnavailable("the connector space was opened before a fork: open it again in the new process")

    def _begin(self) -> Transaction:
        """Begins, if need be on a new connection, as soon as there is a server; nothing has been done until then."""
        words = _BEGIN.format(now=_NOW, lock=self.lock_key("writer"), fence=self._fence).encode()

        def begin() -> Transaction:
            if self._writer is None or not self._writer.is_sound:
                self._discard()
                self._writer = self.session()
            cursor = self._writer.raw.execute(words)
            while cursor.nextset():
                pass
            return Transaction(self._writer, cursor.fetchall()[0])

        transaction = self.patiently(begin, self._discard)
        if transaction.version != self.version:
            self._undo()
            raise StoreUnavailable("the connector space belongs to a newer version of ecmahost now: upgrade this one")
        return transaction

    def _commit(self, transaction: Transaction) -> None:
        try:
            cursor = transaction.connection.raw.execute(transaction.last_words())
            while cursor.nextset():
                pass
        except psycopg.Error as error:
            self._discard()
            if not is_lost(error):
                raise unavailable(error) from error
            self._look_again(transaction.number, error)
            return
        if cursor.statusmessage != "COMMIT":
            raise StoreUnavailable("PostgreSQL has undone a transaction: see its log")

    def _look_again(self, number: int, error: psycopg.Error) -> None:
        """Asks the server what became of a transaction; returns when it was committed, and raises otherwise."""
        until = time.monotonic() + PATIENCE

        def ask() -> str | None:
            with self.connect(reading=True) as connection:
                found: str | None = connection.execute("SELECT txid_status(%s)", (number,)).fetchall()[0][0]
                return found

        status = None
        with suppress(StoreUnavailable, psycopg.Error):
            while (status := self.patiently(ask)) == "in progress" and time.monotonic() < until:
                time.sleep(_PAUSE)
        if status == "aborted":
            raise unavailable(error, Interrupted) from error
        if status != "committed":
            raise unavailable(error, CommitUnknown) from error

    def _undo(self) -> None:
        writer = self._writer
        if writer is None:
            return
        with suppress(psycopg.Error):
            if writer.raw.info.transaction_status != pq.TransactionStatus.IDLE:
                writer.raw.execute("ROLLBACK")
        if writer.raw.closed:
            self._writer = None

    def _discard(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


class _Lending:
    """One use of a reading connection."""

    __slots__ = ("_connection", "_database", "_readers")

    def __init__(self, database: Database, readers: Readers[ReadingSession]) -> None:
        self._database = database
        self._readers = readers

    def __enter__(self) -> Session:
        connection = self._database.patiently(lambda: self._readers.take(WAIT_SECONDS))
        if not connection.is_sound:
            try:
                self._database.patiently(connection.renew)
            except BaseException:
                self._readers.give_back(connection, sound=False)
                raise
        self._connection = connection
        return connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        self._readers.give_back(self._connection, sound=kind is None)
        if isinstance(error, psycopg.Error):
            raise unavailable(error) from error
