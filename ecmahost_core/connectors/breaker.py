"""The circuit breaker of one connector in one process: a target that is down is not asked again by everybody.

Closed, calls go through. After some failures in a row it opens: calls end at once, and say when to come again. After a
pause one call is let through to see whether the target is back; while that fails, the pause grows. Any answer of the
target closes it.

Each process finds out for itself. A shared state would cost every call a look at something shared, to save the other
processes a few calls.
"""

import math
import random
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import structlog

from ecmahost_core.errors import (
    AccessDenied,
    DeadlineExceeded,
    ObjectTypeNotSupported,
    ServerDown,
    UnexpectedData,
)

OPENS_AT: Final = 12
"""What the failures in a row have to weigh."""
REFUSED: Final = 1
"""A target that says at once that it cannot be reached costs nobody much."""
TIMED_OUT: Final = 4
"""One that does not answer has cost a request all of its time, and a thread."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
_GROWTH: Final = 2.0
_JITTER: Final = (0.75, 1.25)
"""Processes, and hosts, that lost the same target do not all come back to it in one moment."""

_ANSWERS: Final = (AccessDenied, ObjectTypeNotSupported, UnexpectedData)
"""Anything else says nothing: a busy target is there, and a password that was refused is not shown again."""


class BreakerState(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"
    """One call is under way that tells whether the target is back."""


class TargetAway(ServerDown):
    """The breaker is open: the target was down a moment ago and has not been asked. Nothing was sent.

    Attributes:
        retry_after: whole seconds after which the target may be asked again; at least 1.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        """Keeps the message and the seconds."""
        super().__init__(message, nothing_sent=True)
        self.retry_after = retry_after


class Permit:
    """One call that was let through. Whoever got it says how the call ended; the last word counts."""

    __slots__ = ("_breaker", "_told", "probe")

    def __init__(self, breaker: "Breaker", *, probe: bool) -> None:
        """Made by the breaker."""
        self._breaker = breaker
        self._told = False
        self.probe = probe

    def answered(self) -> None:
        """The target has answered, whatever it said, and however late."""
        self._breaker.close()

    def timed_out(self) -> None:
        """Nobody waits for the answer any more. It may still come."""
        self._failed(TIMED_OUT)

    def ended(self, error: BaseException | None) -> None:
        """The call has returned (None) or raised."""
        if error is None or isinstance(error, _ANSWERS):
            self.answered()
        elif isinstance(error, DeadlineExceeded):
            self.timed_out()
        elif isinstance(error, ServerDown):
            self._failed(REFUSED)
        else:
            self.given_up()

    def given_up(self) -> None:
        """The call was not made, or says nothing about the target."""
        self._told = True
        self._breaker.forget(self)

    def _failed(self, weight: int) -> None:
        if not self._told:
            self._told = True
            self._breaker.count(self, weight)


class Breaker:
    """The breaker of one connector. All methods may be called by any thread and never wait."""

    def __init__(
        self,
        connector: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
        on_change: Callable[[bool], None] | None = None,
    ) -> None:
        """Begins closed.

        Args:
            connector: the connector's name, for messages and logs.
            clock: seconds, monotonic.
            jitter: returns a number between two.
            on_change: told True when it opens and False when it closes, by turns.
        """
        self._connector = connector
        self._clock = clock
        self._jitter = jitter
        self._on_change = on_change
        self._lock = threading.Lock()
        self._weight = 0
        self._open = False
        self._pause = FIRST_PAUSE
        self._again_at = 0.0
        self._probe: Permit | None = None

    @property
    def state(self) -> BreakerState:
        """What a call would meet now."""
        with self._lock:
            if not self._open:
                return BreakerState.CLOSED
            return BreakerState.OPEN if self._probe is None else BreakerState.HALF_OPEN

    def require(self) -> None:
        """Raises TargetAway where a call would be refused, for whoever has work to do before it; takes nothing."""
        if self._open:
            with self._lock:
                self._refuse_in_vain()

    def admit(self, *, always: bool = False) -> Permit:
        """Lets a call through, or raises TargetAway.

        ``always``: the call ends what an earlier one has begun, and goes through in any case.
        """
        if not self._open:  # the usual way takes no lock: a call that slips through does no harm
            return Permit(self, probe=False)
        with self._lock:
            if always or not self._open:
                return Permit(self, probe=False)
            self._refuse_in_vain()
            self._probe = Permit(self, probe=True)
            return self._probe

    def close(self) -> None:
        """The target has answered."""
        if not self._weight and not self._open:
            return
        with self._lock:
            was_open, self._open = self._open, False
            self._weight, self._pause, self._probe = 0, FIRST_PAUSE, None
            if was_open:
                self._tell()
        if was_open:
            structlog.get_logger().info("target_is_back", connector=self._connector)

    def count(self, permit: Permit, weight: int) -> None:
        """A call has failed because the target was not there. Called by the permit, once."""
        with self._lock:
            self._weight += weight
            opens = not self._open and self._weight >= OPENS_AT
            if opens or permit is self._probe:
                self._open, self._probe = True, None
                pause, self._pause = self._pause, min(self._pause * _GROWTH, LONGEST_PAUSE)
                self._again_at = self._clock() + pause * self._jitter(*_JITTER)
            if opens:
                self._tell()
        if opens:
            structlog.get_logger().error("target_is_away", connector=self._connector)

    def end(self) -> None:
        """The connector is closed: whatever late calls say, nobody is told of it any more."""
        with self._lock:
            if self._open:
                self._open = False
                self._tell()
            self._on_change = None

    def forget(self, permit: Permit) -> None:
        """A call has ended without telling anything. Called by the permit."""
        with self._lock:
            if permit is self._probe:
                self._probe = None

    def _tell(self) -> None:
        """Called with the lock, so that the order is that of the changes."""
        if self._on_change is not None:
            self._on_change(self._open)

    def _refuse_in_vain(self) -> None:
        """Raises TargetAway unless the next call may be the probe; called with the lock."""
        left = self._again_at - self._clock()
        if not self._open or (left <= 0 and self._probe is None):
            return
        seconds = max(1, math.ceil(left if self._probe is None else self._pause))
        raise TargetAway(f"the target was down a moment ago and is asked again in {seconds} s", seconds)
