"""An incarnation that other hosts can see the end of: a session of the server that holds an advisory lock.

The server gives the lock up when the session ends, and the session ends with the process, or when the server or the way
to it does. A process that is cut off takes the lock again as soon as it can, and owns nothing new until then: every
write that would is told by the server itself (``Database.fence``).

Whether a process of this host lives, the lock file tells that a store in a file has, too, and better: no server can
lose it. About a process of another host only the server is asked. What such a process was at may still be under way
when its session ends, because it was cut off and is not dead; so its entries are left alone for ``GRACE`` longer.
"""

import os
import socket
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psycopg
import structlog

from ecmahost_core.space.postgresql.database import Database
from ecmahost_core.space.postgresql.session import Session
from ecmahost_core.space.sql.database import Transaction
from ecmahost_core.space.sqlite.incarnation import Incarnation as LockFile
from ecmahost_core.space.sqlite.incarnation import LockFiles, lock_directory
from ecmahost_core.space.store import StoreUnavailable

GRACE = 10.0
"""Seconds for which the entries of a lost process of another host are not taken over: it may come back to them."""
PULSE = 1.0
SILENCE = 10.0
"""Seconds for the server to answer what is asked on the session: all of it is answered at once."""
_LOCK = "SELECT pg_try_advisory_lock(%s)"
_FREE = "pg_try_advisory_xact_lock_shared(?)"
_ASK = f"SELECT {_FREE}"

_log = structlog.get_logger()


class PostgresqlIncarnation:
    """This process's life, from the constructor to ``close``; see ``sql.database.Incarnation``."""

    def __init__(self, database: Database, runtime: Path, note: Callable[[], None]) -> None:
        """Takes a lock file below ``runtime`` and the server's lock; raises StoreUnavailable.

        ``note`` is called once a second, and at the end.
        """
        self._database = database
        self._note = note
        self._file = LockFile(runtime)
        self.id = self._file.id
        self.process = f"{os.getpid()} on {socket.gethostname()}"
        self._leader = database.lock_key("leader")
        self._own = database.lock_key(self.id)
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._leads = False
        self._ended = threading.Event()
        try:
            database.patiently(self._take)
        except BaseException:
            self._file.close(remove=True)
            raise
        database.fence(self._own)
        this = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _leave(this))
        self._watcher = threading.Thread(target=_watch, args=(this, self._ended), name="store session", daemon=True)
        self._watcher.start()

    def renew(self) -> None:
        """See ``sql.database.Incarnation``; the transaction itself finds out whether the server's lock is held."""
        self._file.renew()

    def leads(self) -> bool:
        """See ``Store.leads``: whoever gets the leader's lock keeps it as long as the session lives."""
        with self._lock:
            if self._session is None or self._session.raw.closed:
                return False
            if not self._leads:
                with suppress(psycopg.Error):
                    self._leads = self._try(self._session, self._leader)
                if self._leads:
                    _log.info("store_leader", process=self.process)
            return self._leads

    def look(self) -> None:
        """Sees whether the session lives, and begins another one where it does not."""
        self._note()
        with self._lock:
            if self._ended.is_set():
                return
            try:
                if self._session is not None:
                    self._session.raw.execute("SELECT 1")
                    return
            except psycopg.Error:
                _log.warning("store_session_lost", process=self.process)
                self._drop()
            with suppress(psycopg.Error, StoreUnavailable):
                self._take()
                _log.info("store_session_taken", process=self.process)

    def close(self, *, remove: bool) -> None:
        """See ``sql.database.Incarnation``."""
        self._ended.set()
        with self._lock:
            self._drop()
        if self._watcher is not threading.current_thread():
            self._watcher.join()
        self._note()
        self._file.close(remove=remove)

    def leave(self) -> None:
        """Gives up the connection in a forked child, without a word to the server: the session is the parent's."""
        if self._session is not None and not self._session.raw.closed:
            with suppress(OSError, psycopg.Error):
                os.close(self._session.raw.fileno())

    def _take(self) -> None:
        session = self._database.session()
        session.raw.silence = SILENCE
        if not self._try(session, self._own):
            session.close()  # the server has not noticed yet that the session before has gone
            raise StoreUnavailable("the lock of this process is still held")
        self._session = session

    def _drop(self) -> None:
        session, self._session, self._leads = self._session, None, False
        if session is not None:
            session.close()

    @staticmethod
    def _try(session: Session, key: int) -> bool:
        return bool(session.raw.execute(_LOCK, (key,)).fetchall()[0][0])


class ServerLocks:
    """The incarnations of all hosts at a store; see ``sql.database.Processes``."""

    def __init__(self, database: Database, runtime: Path) -> None:
        """Looks below ``runtime`` for those of this host."""
        self._database = database
        self._files = LockFiles(runtime)
        self._directory = lock_directory(runtime)

    def is_alive(self, incarnation: str) -> bool:
        """See ``Processes.is_alive``."""
        if self._is_ours(incarnation):
            return self._files.is_alive(incarnation)
        with self._database.read() as connection:
            free = connection.execute(_ASK, (self._database.lock_key(incarnation),)).fetchall()[0][0]
        return not free

    def are_well(self, incarnations: Sequence[str]) -> bool:
        """See ``Processes.are_well``. Whoever was lost for a moment is ``is_gone``'s to forget."""
        ours = {incarnation for incarnation in incarnations if self._is_ours(incarnation)}
        if not all(self._files.is_alive(incarnation) for incarnation in ours):
            return False
        others = [self._database.lock_key(incarnation) for incarnation in incarnations if incarnation not in ours]
        if not others:
            return True
        with self._database.read() as connection:
            if connection.execute("SELECT 1 FROM lost LIMIT 1").fetchall():
                return False
            ((free,),) = connection.execute(" OR ".join([_ASK] + [_FREE] * (len(others) - 1)), others).fetchall()
        return not free

    def is_gone(self, transaction: Transaction, incarnation: str) -> bool:
        """See ``Processes.is_gone``. When a process was first seen to be lost is noted for all who ask."""
        if self._is_ours(incarnation):
            return not self._files.is_alive(incarnation)
        connection = transaction.connection
        if self.is_alive(incarnation):
            connection.execute("DELETE FROM lost WHERE incarnation = ?", (incarnation,))
            return False
        connection.execute("INSERT OR IGNORE INTO lost VALUES (?, ?)", (incarnation, transaction.now))
        rows = connection.execute("SELECT since FROM lost WHERE incarnation = ?", (incarnation,)).fetchall()
        since: int = rows[0][0]
        return transaction.now - since >= GRACE * 1_000_000

    def forget(self, incarnation: str) -> None:
        """See ``Processes.forget``."""
        self._files.forget(incarnation)
        with self._database.write() as transaction:
            transaction.connection.execute("DELETE FROM lost WHERE incarnation = ?", (incarnation,))

    def strays(self, known: frozenset[str]) -> list[str]:
        """See ``Processes.strays``."""
        return self._files.strays(known)

    def _is_ours(self, incarnation: str) -> bool:
        return (self._directory / f"{incarnation}.lock").exists()


def _watch(incarnation: "weakref.ref[PostgresqlIncarnation]", ended: threading.Event) -> None:
    while not ended.wait(PULSE):
        living = incarnation()
        if living is None:
            return
        living.look()
        del living


def _leave(incarnation: "weakref.ref[PostgresqlIncarnation]") -> None:
    living = incarnation()
    if living is not None:
        living.leave()
