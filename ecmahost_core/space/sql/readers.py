"""The reading connections of a process, which its threads share one after the other.

Every request takes one, so the usual way takes no lock: a list's ``pop`` and ``append`` are single steps of the
interpreter. A lock is taken only where a connection has to be made, or waited for.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from ecmahost_core.space.store import StoreUnavailable


class Reader(Protocol):
    """What is lent."""

    @property
    def in_transaction(self) -> bool:
        """Whether somebody has begun a transaction on it."""

    def execute(self, statement: str, /) -> object:
        """Runs a statement."""

    def close(self) -> None:
        """Closes it."""


R = TypeVar("R", bound=Reader)


class Readers(Generic[R]):
    """At most ``most`` connections; the one that was used last goes first, because its cache is the warmest."""

    def __init__(self, connect: Callable[[], R], most: int, errors: type[Exception]) -> None:
        """Makes connections with ``connect`` when they are needed; ``errors`` are what closing one may raise."""
        self._errors = errors
        self._connect = connect
        self._most = most
        self._idle: list[R] = []
        self._changed = threading.Condition()
        self._made = 0
        self._waiting = 0
        self._closed = False

    def take(self, seconds: float) -> R:
        """Returns a connection for the caller alone.

        Raises what ``connect`` does when one cannot be made, StoreUnavailable when none becomes free within this time.
        """
        try:
            return self._idle.pop()
        except IndexError:
            pass
        idle = self._next(time.monotonic() + seconds)
        if idle is not None:
            return idle
        try:
            return self._connect()
        except BaseException:
            self._forgotten()
            raise

    def give_back(self, connection: R, *, sound: bool) -> None:
        """Takes a connection back; closes it after an error, and ends a transaction that was left open."""
        if not sound or not self._is_at_rest(connection):
            connection.close()
            self._forgotten()
            return
        self._idle.append(connection)
        # Whoever waits has said so before looking at the list a last time, and the list is longer already.
        if self._waiting:
            with self._changed:
                self._changed.notify()
        if self._closed:
            self.close()

    def close(self) -> None:
        """Closes what nobody uses; the others close when they come back."""
        self._closed = True
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return
            with suppress(self._errors):
                connection.close()

    def _is_at_rest(self, connection: R) -> bool:
        """Ends a transaction that was left open; False where the connection has broken meanwhile."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except self._errors:
            return False
        return True

    def _next(self, until: float) -> R | None:
        """Waits for a connection that comes back; None where the caller is to make one."""
        with self._changed:
            self._waiting += 1
            try:
                while True:
                    with suppress(IndexError):  # somebody without the lock may have been faster
                        return self._idle.pop()
                    if self._made < self._most:
                        self._made += 1
                        return None
                    if not self._changed.wait(until - time.monotonic()):
                        raise StoreUnavailable("the connector space is overloaded: no reader became free in time")
            finally:
                self._waiting -= 1

    def _forgotten(self) -> None:
        with self._changed:
            self._made -= 1
            self._changed.notify()
