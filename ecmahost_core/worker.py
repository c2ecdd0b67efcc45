"""The worker process: imports, recovery and schedules, one pair of threads for each connector.

A target that hangs blocks its own connector's threads only. The process is nicer than the web workers: an import of a
million objects must not slow down a single match.
"""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from ecmahost_core.configuration.certificates.reminders import remind
from ecmahost_core.host import Host
from ecmahost_core.logs import origin
from ecmahost_core.space.history import ImportCounts
from ecmahost_core.space.store import ImportRunning, StoreUnavailable
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.examining.quarantine_watch import QuarantineWatch
from ecmahost_core.sync.importing.imports import ImportFailed, delta_import, full_import
from ecmahost_core.sync.importing.mishaps import Mishaps
from ecmahost_core.sync.importing.timetable import Due, Timetable
from ecmahost_core.sync.reading.matched_index import follow_matches
from ecmahost_core.sync.writing.recovery import Recovery

log = structlog.get_logger()

NICENESS = 5
TICK_SECONDS = 0.5
RETRY_SECONDS = (5.0, 15.0, 60.0, 300.0)
LONGEST_RECOVERY_PAUSE = 15.0
PRUNE_SECONDS = 3600.0
STEADY_SECONDS = 3600.0
"""How long the clock must have gone steadily before anything is removed for being old."""
REMINDER_SECONDS = 86_400.0
QUARANTINE_SECONDS = 60.0
INDEX_SECONDS = 2.0


def run_worker(host: Host, stop: threading.Event) -> None:
    """Works until ``stop`` is set; notices connectors that a reload brings or takes away."""
    os.nice(NICENESS)
    works: dict[str, _Work] = {}
    next_prune = next_reminder = next_quarantine = time.monotonic()
    quarantine = QuarantineWatch()
    while not stop.is_set():
        endpoints = host.endpoints
        for name, work in list(works.items()):
            if endpoints.get(name) is not work.endpoint or work.outdated:
                work.stop.set()
                del works[name]
        for name, endpoint in endpoints.items():
            if name not in works:
                works[name] = _Work(endpoint, host.configuration.runtime / "mishaps")
                works[name].start()
        steady = host.clock.steady_seconds() >= STEADY_SECONDS
        if time.monotonic() >= next_prune:
            next_prune = time.monotonic() + PRUNE_SECONDS
            days = host.configuration.event_days if steady else None
            _guarded("prune", partial(host.store.prune, days))
        if time.monotonic() >= next_reminder:
            next_reminder = time.monotonic() + REMINDER_SECONDS
            _guarded("certificate", lambda: _remind(host))
        if time.monotonic() >= next_quarantine:
            next_quarantine = time.monotonic() + QUARANTINE_SECONDS
            _guarded("quarantine", lambda: quarantine.look(host.meter.totals().writes))
        stop.wait(TICK_SECONDS)
    for work in works.values():
        work.stop.set()


def _remind(host: Host) -> None:
    remind(host.configuration.certificate, host.configuration.key, datetime.now(UTC))


class _Work:
    """The threads of one connector."""

    def __init__(self, endpoint: Endpoint, mishaps: Path) -> None:
        self.endpoint = endpoint
        name = endpoint.name
        self._mishaps = {what: Mishaps(mishaps / f"{name}.{what}", name) for what in ("import", "recovery")}
        self.stop = threading.Event()
        self._began_with = self._space()

    @property
    def outdated(self) -> bool:
        """Whether the space was reset, or fits the configuration again, so that an import is due at once."""
        now = self._space()
        return now is not None and now != self._began_with

    def _space(self) -> tuple[int, bool] | None:
        """The space that is worked on, and whether the configuration fits it; None while the store cannot tell."""
        try:
            standing = self.endpoint.agreement.standing()
        except StoreUnavailable:
            return None
        return standing.space, not standing.differences

    def start(self) -> None:
        """Starts what runs for the connector; all of it ends with ``stop`` or with the process."""
        threading.Thread(target=self._recover, name=f"recovery {self.endpoint.name}", daemon=True).start()
        threading.Thread(target=self._index, name=f"index {self.endpoint.name}", daemon=True).start()
        if self.endpoint.imports:
            threading.Thread(target=self._import, name=f"import {self.endpoint.name}", daemon=True).start()

    def _recover(self) -> None:
        """Settles new entries at once; what could not be settled is tried again at growing intervals."""
        mishaps = self._mishaps["recovery"]
        recovery = Recovery(self.endpoint, mishaps.attempt)
        pause, next_attempt = TICK_SECONDS, 0.0
        self._rest(mishaps, "recovery")
        while not self.stop.wait(TICK_SECONDS):
            if not _leads(self.endpoint):
                continue
            again = time.monotonic() >= next_attempt
            _guarded("recovery", partial(recovery.round, again=again), self.endpoint.name)
            if not recovery.stuck:
                pause = TICK_SECONDS
            elif again:
                pause = min(pause * 2, LONGEST_RECOVERY_PAUSE)
                next_attempt = time.monotonic() + pause

    def _index(self) -> None:
        """Indexes what clients turn out to match on."""
        while not self.stop.wait(INDEX_SECONDS):
            _guarded("index", partial(follow_matches, self.endpoint), self.endpoint.name)

    def _import(self) -> None:
        """Imports at once, because the target may have changed while no host ran, and then as the timetable says."""
        timetable: Timetable | None = None
        while not self.stop.is_set():
            try:
                if not self.endpoint.store.leads():
                    timetable = None  # whoever takes over begins as one who has just started
                    self.stop.wait(TICK_SECONDS)
                    continue
                timetable = timetable or Timetable(self.endpoint, RETRY_SECONDS)
                due = timetable.due()
                if due is not None:
                    self._rest(self._mishaps["import"], "import")
                    with self._mishaps["import"].attempt():
                        _import(self.endpoint, self.stop, timetable, due)
            except StoreUnavailable as error:
                log.error("import_without_store", connector=self.endpoint.name, detail=str(error))
                self.stop.wait(RETRY_SECONDS[0])
            except Exception as error:  # noqa: BLE001 - a connector without imports for ever would be worse
                name = type(error).__name__
                log.error("timetable_broke", connector=self.endpoint.name, error=name, where=origin(error))
                self.stop.wait(RETRY_SECONDS[-1])
            self.stop.wait(TICK_SECONDS)

    def _rest(self, mishaps: Mishaps, what: str) -> None:
        """Waits before what several processes in a row have died of."""
        seconds = mishaps.pause()
        if seconds:
            log.error("waits_after_deaths", connector=self.endpoint.name, what=what, seconds=seconds)
            self.stop.wait(seconds)


class ImportStopped(Exception):
    """The endpoint has been replaced or the process ends: its import is of no use any more."""


def _import(endpoint: Endpoint, stop: threading.Event, timetable: Timetable, due: Due) -> None:
    """Makes one import and tells the timetable how it ended; raises StoreUnavailable."""

    def go_on(_counts: ImportCounts) -> None:
        if stop.is_set():
            raise ImportStopped

    log.debug("import_begins", connector=endpoint.name, delta=due.delta, why=due.why)
    timetable.begins()
    try:
        if due.delta:
            read_all = delta_import(endpoint, confirm=due.confirm, progress=go_on).read_all
        else:
            full_import(endpoint, confirm=due.confirm, progress=go_on)
            read_all = True
    except ImportRunning as error:
        # It may fail, and it may be of an older configuration: this process still needs one that completes.
        log.info("import_runs_elsewhere", connector=endpoint.name, detail=str(error))
        timetable.failed(due, elsewhere=True)
    except ImportStopped:
        log.info("import_stopped", connector=endpoint.name)
    except ImportFailed:
        timetable.failed(due)
    except StoreUnavailable:
        timetable.failed(due)
        raise
    except Exception as error:  # noqa: BLE001 - one connector's trouble must not end the thread that would retry it
        log.error("import_broke", connector=endpoint.name, error=type(error).__name__, where=origin(error))
        timetable.failed(due)
    else:
        timetable.done(due, read_all=read_all)


def _leads(endpoint: Endpoint) -> bool:
    """Whether this host is the one that imports and recovers, of those that share the store."""
    try:
        return endpoint.store.leads()
    except StoreUnavailable:
        return False


def _guarded(what: str, step: Callable[[], object], connector: str = "") -> None:
    try:
        step()
    except StoreUnavailable as error:
        log.error("worker_without_store", what=what, connector=connector, detail=str(error))
    except Exception as error:  # noqa: BLE001 - the worker goes on with everything else
        log.error("worker_step_broke", what=what, connector=connector, error=type(error).__name__, where=origin(error))
