"""Whether the wall clock of this machine goes steadily: it may be set, in either direction, while the host runs.

Nothing that the host promises rests on the wall clock: order is by numbers, deadlines are on the monotonic clock, who
lives is told by locks. What does need the time of day is removing what is old, and that waits for a steady clock.
"""

import threading
import time
from collections.abc import Callable

import structlog

JUMP_SECONDS = 60.0
"""Less is the daily work of a time service."""


class Clock:
    """Compares the wall clock with the monotonic one, whenever somebody asks. May be asked by any thread."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Begins to look now; what the clock did before nobody knows."""
        self._wall = wall
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._since = monotonic()
        self._ahead = wall() - self._since
        self._jumped = False

    def steady_seconds(self) -> float:
        """Returns for how long the clock is known to have gone steadily; logs a jump when it is first noticed."""
        with self._lock:
            now = self._monotonic()
            ahead = self._wall() - now
            jump, self._ahead = ahead - self._ahead, ahead
            jumped = abs(jump) > JUMP_SECONDS
            if jumped:
                self._since, self._jumped = now, True
            seconds = now - self._since
        if jumped:
            structlog.get_logger().error("clock_jumped", seconds=round(jump))
        return seconds

    def has_jumped(self, within: float) -> bool:
        """Returns whether the clock was set in the last ``within`` seconds, as far as this process can know."""
        seconds = self.steady_seconds()
        return self._jumped and seconds < within
