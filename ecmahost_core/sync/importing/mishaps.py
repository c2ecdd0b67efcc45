"""What a process was doing for a connector when it died: a driver that ends its process must not do so for ever.

One process imports and recovers for all connectors. What it begins is noted in a file, and the note is taken away when
that ends, however it ends. So the process that takes its place knows what was going on. One death says little; from
the second in a row on, the same is tried again after pauses that grow, and the other connectors get on meanwhile. Who
was at something when another one's driver ended the process is suspected, too: so no two begin at the same moment, and
who goes first the one time goes last the next time.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ldexp
from pathlib import Path

from ecmahost_core.sync.importing.schedules import share_of

FIRST_PAUSE = 5.0
LONGEST_PAUSE = 600.0
"""Seconds; a connector waits up to twice as long."""


class Mishaps:
    """The deaths in a row of processes that were at one thing for one connector. Used by one thread."""

    def __init__(self, path: Path, name: str) -> None:
        """Keeps where it is noted, in a folder that need not exist, and the connector's name."""
        self._path = path
        self._share = share_of(name)

    def pause(self) -> float:
        """Returns how many seconds to wait before the next attempt."""
        deaths = self._deaths()
        if deaths < 2:
            return 0.0
        turn = self._share if deaths % 2 else 1 - self._share
        return min(ldexp(FIRST_PAUSE, min(deaths - 2, 20)), LONGEST_PAUSE) * (1 + turn)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Notes an attempt for the length of a ``with``. A disk that takes no note stops nobody."""
        deaths = self._deaths()
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(str(deaths + 1), encoding="ascii")
        try:
            yield
        finally:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _deaths(self) -> int:
        try:
            return int(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0
