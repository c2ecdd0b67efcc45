"""Sessions: connections to the target that are entered once, used by one thread at a time, and used again.

A session ends after any exception, after a pause, at an age, and when the pool is closed. Nobody waits long for its
end: a driver that hangs while it closes must not hang those who have their answer already.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from ecmahost_core.errors import TargetBusy
from ecmahost_core.logs import origin

IDLE_SECONDS: Final = 60.0
AGE_SECONDS: Final = 600.0
PAUSE_SECONDS: Final = 1.0
"""After a pause of this length a session is asked whether it is alive."""
EXIT_PATIENCE: Final = 2.0
EXITS_AT_ONCE: Final = 8
"""How many sessions may hang in their exit before no more are opened."""
WAIT_SECONDS: Final = 30.0
"""How long a caller waits for a session where their number is limited."""


@dataclass(slots=True, eq=False)
class _Entered:
    """A session that was entered, with the times (of the pool's clock) of its opening and of its last use."""

    manager: AbstractContextManager[object]
    session: object
    opened: float
    used: float


@dataclass(slots=True, eq=False)
class _Shelf:
    """What a pool holds in one process. A forked child starts with a shelf of its own.

    Attributes:
        idle: sessions that nobody uses, the latest used last.
        lent: sessions in use. A child that was forked meanwhile keeps them here, and so never ends them by forgetting.
        used: how many sessions are in use, being opened, or being waited for while they end.
        ending: how many are in their exit.
    """

    changed: threading.Condition = field(default_factory=threading.Condition)
    idle: list[_Entered] = field(default_factory=list)
    lent: set[_Entered] = field(default_factory=set)
    used: int = 0
    ending: int = 0
    closed: bool = False


class SessionPool:
    """The sessions of one connector for one purpose."""

    def __init__(
        self,
        label: str,
        enter: Callable[[], tuple[AbstractContextManager[object], object]],
        alive: Callable[[object], bool],
        *,
        limit: int | None = None,
        reuse: bool = True,
        patience: float = EXIT_PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens nothing yet.

        Args:
            label: the connector's name and the purpose, for messages and logs.
            enter: opens and enters a session and returns the manager and what it yielded; raises for the caller.
            alive: whether an idle session can be used again; never raises.
            limit: how many sessions may be open at once; None for as many as are asked for.
            reuse: False to end every session after its use: an import has one of its own.
            patience: seconds that a caller waits for the exit of the session that it used.
            clock: seconds, monotonic.
        """
        self._label = label
        self._enter = enter
        self._alive = alive
        self._limit = limit
        self._reuse = reuse
        self._patience = patience
        self._clock = clock
        # By process. A child never touches the parent's entry: its lock may be held for ever, and ending or even
        # forgetting a session (a generator's ``finally``) would talk on the parent's connection.
        self._shelves: dict[int, _Shelf] = {}

    @contextmanager
    def session(self) -> Iterator[object]:
        """Lends a session; it is taken back afterwards, or ended when the block raised.

        Raises what opening raises, and TargetBusy when the pool is closed, when no session became free in time, or
        when too many hang in their exit.
        """
        pid = os.getpid()
        shelf = self._shelf(pid)
        entered = self._take(shelf)
        shelf.lent.add(entered)
        error: BaseException | None = None
        try:
            yield entered.session
        except BaseException as raised:
            error = raised
            raise
        finally:
            # A block that forked comes here in the child as well, where the session is not ours.
            if os.getpid() == pid:
                shelf.lent.discard(entered)
                self._give_back(shelf, entered, error)
            error = None

    def retire_idle(self) -> None:
        """Ends the sessions that were idle for too long; called when a thread has had nothing to do for a while."""
        shelf = self._shelf(os.getpid())
        with shelf.changed:
            expired = self._expired(shelf)
        self._end_all(shelf, expired)

    def close(self) -> None:
        """Ends the idle sessions, and those in use when they are given back; afterwards nothing is lent."""
        shelf = self._shelf(os.getpid())
        with shelf.changed:
            shelf.closed = True
            idle, shelf.idle = shelf.idle, []
            shelf.ending += len(idle)
            shelf.changed.notify_all()
        patience = time.monotonic() + self._patience
        for ended in [self._end(shelf, entered, None) for entered in idle]:
            ended.wait(max(0.0, patience - time.monotonic()))

    def _shelf(self, pid: int) -> _Shelf:
        shelf = self._shelves.get(pid)
        return shelf if shelf is not None else self._shelves.setdefault(pid, _Shelf())

    def _take(self, shelf: _Shelf) -> _Entered:
        while True:
            with shelf.changed:
                self._wait_for_room(shelf)
                expired = self._expired(shelf)
                entered = shelf.idle.pop() if shelf.idle else None
                shelf.used += 1
            self._end_all(shelf, expired)
            if entered is None:
                return self._open(shelf)
            if self._clock() - entered.used <= PAUSE_SECONDS or self._alive(entered.session):
                return entered
            self._put_away(shelf, entered, None)

    def _wait_for_room(self, shelf: _Shelf) -> None:
        """Returns when a session may be taken; called with the shelf's lock."""

        def ready() -> bool:
            return shelf.closed or self._limit is None or shelf.used < self._limit

        if not shelf.changed.wait_for(ready, WAIT_SECONDS):
            raise TargetBusy(f"connector {self._label}: all {self._limit} sessions are in use; try again later")
        if shelf.closed:
            raise TargetBusy(f"connector {self._label}: it is being closed or reloaded; try again later")
        if shelf.ending >= EXITS_AT_ONCE:
            message = f"connector {self._label}: {shelf.ending} sessions do not end; look at the target"
            raise TargetBusy(message)

    def _open(self, shelf: _Shelf) -> _Entered:
        """Opens a session for which ``used`` counts already."""
        try:
            manager, session = self._enter()
        except BaseException:
            self._free_room(shelf)
            raise
        now = self._clock()
        return _Entered(manager, session, now, now)

    def _give_back(self, shelf: _Shelf, entered: _Entered, error: BaseException | None) -> None:
        entered.used = self._clock()
        aged = entered.used - entered.opened >= AGE_SECONDS
        with shelf.changed:
            if error is None and self._reuse and not aged and not shelf.closed:
                shelf.idle.append(entered)
                shelf.used -= 1
                shelf.changed.notify()
                return
        self._put_away(shelf, entered, error)

    def _put_away(self, shelf: _Shelf, entered: _Entered, error: BaseException | None) -> None:
        """Ends a session that was in use. Its room is free when it has ended, or when patience has."""
        with shelf.changed:
            shelf.ending += 1
        try:
            self._end(shelf, entered, error).wait(self._patience)
        finally:
            self._free_room(shelf)

    def _free_room(self, shelf: _Shelf) -> None:
        with shelf.changed:
            shelf.used -= 1
            shelf.changed.notify()

    def _expired(self, shelf: _Shelf) -> list[_Entered]:
        """Takes the sessions that are too old off the shelf and returns them; called with its lock."""
        now = self._clock()
        expired = [each for each in shelf.idle if now - each.used >= IDLE_SECONDS or now - each.opened >= AGE_SECONDS]
        shelf.idle = [each for each in shelf.idle if each not in expired]
        shelf.ending += len(expired)
        return expired

    def _end_all(self, shelf: _Shelf, sessions: list[_Entered]) -> None:
        for entered in sessions:
            self._end(shelf, entered, None)

    def _end(self, shelf: _Shelf, entered: _Entered, error: BaseException | None) -> threading.Event:
        """Exits a session in a thread of its own and returns what is set when it is done; ``ending`` counts already.

        The exit is told the exception that ended the session, as ``with`` does: a session that commits in an orderly
        exit must not do so after an error. A reader that stops early is orderly.
        """
        ended = threading.Event()
        reason = None if isinstance(error, GeneratorExit) else error

        def exit_session() -> None:
            try:
                entered.manager.__exit__(
                    type(reason) if reason is not None else None,
                    reason,
                    reason.__traceback__ if reason is not None else None,
                )
            except BaseException as raised:  # noqa: BLE001 - whatever a plugin raises here, the answer stands
                if raised is not reason:
                    self._log_failed_exit(raised)
            finally:
                with shelf.changed:
                    shelf.ending -= 1
                ended.set()

        try:
            threading.Thread(target=exit_session, name=f"{self._label} exit", daemon=True).start()
        except RuntimeError:  # no more threads on this machine
            exit_session()
        return ended

    def _log_failed_exit(self, raised: BaseException) -> None:
        where = origin(raised)
        structlog.get_logger().warning("session_exit_failed", pool=self._label, error=type(raised).__name__, at=where)
