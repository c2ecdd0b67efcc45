"""When imports are due: at intervals, or at times of day in the time zone of the machine.

Each connector is late by a share of its own, which follows from its name: a hundred connectors with the same schedule
do not begin at once, and the same connector begins at the same moment every day.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

from ecmahost_core.configuration.model import RunProfile

MOST_LATE: Final = 60.0
"""Seconds that an import at a time of day begins late at most."""
SHARE_LATE: Final = 0.1
"""The share of an interval that an import begins late at most."""
_DAY: Final = timedelta(days=1)


class Schedule:
    """When one run profile of one connector is due next. Used by one thread."""

    def __init__(
        self,
        name: str,
        profile: RunProfile,
        last: datetime | None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Goes on from the last run.

        Args:
            name: the connector's.
            profile: with ``every`` or ``at``; with neither, nothing is ever due.
            last: when the last run completed, maybe in another process; None for never, and then one is due at once.
            monotonic: seconds; intervals are measured with it, so no change of the clock makes one longer.
            now: the time of day, in UTC.
        """
        self._every, self._at = profile.every, profile.at
        self._late = share_of(name)
        self._monotonic, self._now = monotonic, now
        self._next: float | None = None
        self._last = datetime.min.replace(tzinfo=UTC)
        if last is not None and self._every is not None:
            gone = max(0.0, (now() - last).total_seconds())
            self._next = monotonic() + max(0.0, self._interval() - gone)
        elif self._every is not None:
            self._next = monotonic()
        if last is not None:
            self._last = last

    def due(self) -> bool:
        """Returns whether a run is to begin now."""
        if self._every is not None:
            return self._next is not None and self._monotonic() >= self._next
        if not self._at:
            return False
        now = self._now()
        # A clock that was ahead and was put right must not keep everything waiting until it is there again.
        if self._last > now + _DAY:
            self._last = now
        late = timedelta(seconds=MOST_LATE * self._late)
        return any(self._last < one and one + late <= now for one in self._latest(now))

    def done(self) -> None:
        """Says that a run has completed now, which makes up for every time that has passed."""
        if self._every is not None:
            self._next = self._monotonic() + self._interval()
        self._last = max(self._last, self._now())

    def _interval(self) -> float:
        every = self._every.total_seconds() if self._every is not None else 0.0
        return every * (1 + SHARE_LATE * self._late)

    def _latest(self, now: datetime) -> list[datetime]:
        """Returns the moments of yesterday and today, each once.

        A time of day that a change of the clocks leaves out comes an hour later, one that comes twice counts once.
        """
        today = now.astimezone().date()
        return [_moment(datetime.combine(day, at)) for day in (today - _DAY, today) for at in self._at]


def _moment(local: datetime) -> datetime:
    """Returns the moment of a local time; ``local`` has no zone, so it is taken for the machine's."""
    moment = local.astimezone(UTC)
    if moment.astimezone().replace(tzinfo=None) == local:
        return moment
    return local.replace(fold=1).astimezone(UTC)


def share_of(name: str) -> float:
    """Returns a number from 0 to 1 that follows from a connector's name."""
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big") / 0xFFFFFFFF
