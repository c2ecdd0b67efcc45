"""Which import of a connector is to be made next, and when: for the thread that makes them, one after the other.

One timetable for both kinds, so a full and a delta import of one connector are never made at once, and a full one
counts for both.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from ecmahost_core.configuration.model import RunProfile
from ecmahost_core.space.history import ImportRequest
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.importing.imports import delta_known
from ecmahost_core.sync.importing.schedules import Schedule
from ecmahost_core.sync.importing.watching import Watch

log = structlog.get_logger()

LOOK_SECONDS = 1.0
"""How often the store is asked whether somebody wants an import, and the connector whether the target has changed."""

CONFIRM_SECONDS = 3600.0
"""For how long a request confirms removals: while nobody could make it, the target may have lost something else."""

SELECTION_SECONDS = 30.0
"""How often it is looked whether an attribute is selected that the last import, maybe another process's, left out."""


@dataclass(frozen=True, slots=True)
class Due:
    """An import to be made.

    Attributes:
        why: for the log.
        delta: whether a delta import is enough.
        confirm: remove what is missing even when the brake would hold it.
        request: which asks for it; None where nobody does.
    """

    why: str
    delta: bool
    confirm: bool = False
    request: ImportRequest | None = None


class Timetable:
    """What one connector's imports are to be. Every method may raise StoreUnavailable."""

    def __init__(
        self,
        endpoint: Endpoint,
        retries: Sequence[float],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Begins with an import at once, because the target may have changed while no host ran.

        Args:
            endpoint: of the connector.
            retries: the pauses after failures, in seconds; the last one goes on.
            monotonic: seconds.
            now: the time of day, in UTC.
        """
        self._endpoint, self._retries, self._monotonic, self._now = endpoint, tuple(retries), monotonic, now
        configuration = endpoint.configuration
        status = endpoint.store.status(endpoint.name)
        full = configuration.full_import or RunProfile()
        if full.every is None and not full.at:
            full = replace(full, every=configuration.properties.autosync)
        self._full = Schedule(endpoint.name, full, status.last_full, monotonic=monotonic, now=now)
        delta = configuration.delta_import
        self._delta = Schedule(endpoint.name, delta or RunProfile(), status.last_import, monotonic=monotonic, now=now)
        # Where no schedule ever asks for a full import, a start is the time for one.
        comes = full.every is not None or bool(full.at)
        at_once = Due("start", delta=comes and delta is not None and delta_known(endpoint, status))
        self._again: tuple[float, Due] | None = (monotonic(), at_once)
        self._failures = 0
        self._looked = self._requests_wait = float("-inf")
        self._looked_at_selection = monotonic()
        self._watch = Watch(endpoint, monotonic) if delta is not None else None

    def due(self) -> Due | None:
        """Returns what is to be made now; None for nothing. To be followed by ``done`` or ``failed``."""
        now = self._monotonic()
        look = now - self._looked >= LOOK_SECONDS
        if look:
            self._looked = now
            request = self._endpoint.store.status(self._endpoint.name).request
            if request is not None and now >= self._requests_wait:
                return Due("request", delta=request.delta, confirm=self._confirms(request), request=request)
        if self._again is not None:
            when, what = self._again
            if now < when:
                return None
            return Due("schedule", delta=False) if self._full.due() else what
        if self._full.due():
            return Due("schedule", delta=False)
        if self._delta_due():
            return Due("schedule", delta=True)
        return self._noticed() if look else None

    def _delta_due(self) -> bool:
        """Returns whether it is time for a delta; not where the target is certainly as it was."""
        if not self._delta.due():
            return False
        if self._watch is not None and self._watch.unchanged():
            self._delta.done()
            return False
        return True

    def _noticed(self) -> Due | None:
        """Returns what no schedule says: a change that was noticed, and what the last import left out."""
        if self._watch is not None and self._watch.changed():
            return Due("change", delta=True)
        now = self._monotonic()
        if now - self._looked_at_selection >= SELECTION_SECONDS:
            self._looked_at_selection = now
            if self._endpoint.agreement.standing().incomplete:
                return Due("selection", delta=False)
        return None

    def begins(self) -> None:
        """Says that an import begins, before anything is read."""
        if self._watch is not None:
            self._watch.begins()

    def done(self, made: Due, *, read_all: bool) -> None:
        """Says that an import has completed, and whether it has read everything."""
        self._failures = 0
        if read_all or self._again is None or self._again[1].delta:
            self._again = None
        self._delta.done()
        if read_all:
            self._full.done()
        if self._watch is not None:
            self._watch.done()
        self._settle(made)

    def failed(self, tried: Due, *, elsewhere: bool = False) -> None:
        """Says that an import has failed, which is tried again after a pause; ``elsewhere``: another process is at it.

        Whoever has asked for it is told once; while another process imports, the request waits.
        """
        pause = self._retries[min(self._failures, len(self._retries) - 1)]
        self._failures += 1
        when = self._monotonic() + pause
        if elsewhere and tried.request is not None:
            self._requests_wait = when
            return
        delta = tried.delta and (self._again is None or self._again[1].delta)
        self._again = (when, replace(tried, why="retry", delta=delta, confirm=False, request=None))
        self._settle(tried)

    def _confirms(self, request: ImportRequest) -> bool:
        """Returns whether what is missing may go; not where that was said of how things stood long ago."""
        if request.confirm and abs((self._now() - request.since).total_seconds()) > CONFIRM_SECONDS:
            log.warning("confirmation_too_old", connector=self._endpoint.name, since=request.since.isoformat())
            return False
        return request.confirm

    def _settle(self, what: Due) -> None:
        if what.request is not None:
            self._endpoint.store.settle_request(self._endpoint.name, what.request)
