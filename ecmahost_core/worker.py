"""The worker process: imports, recovery and schedules, one pair of threads for each connector.

A target that hangs blocks its own connector's threads only. The process is nicer than the web workers: an import of a
million objects must not slow down a single match.
"""

import os
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import structlog

from ecmahost_core.configuration.certificates.reminders import remind
from ecmahost_core.host import Host
from ecmahost_core.logs import origin
from ecmahost_core.space.history import ImportCounts
from ecmahost_core.space.store import ImportRunning, StoreUnavailable
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.imports import ImportFailed, full_import
from ecmahost_core.sync.matched_index import follow_matches
from ecmahost_core.sync.quarantine_watch import QuarantineWatch
from ecmahost_core.sync.recovery import Recovery

log = structlog.get_logger()

NICENESS = 5
TICK_SECONDS = 0.5
RETRY_SECONDS = (5.0, 15.0, 60.0, 300.0)
LONGEST_RECOVERY_PAUSE = 15.0
LOOK_SECONDS = 30.0
PRUNE_SECONDS = 3600.0
EVENT_RETENTION_DAYS = 90
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
                works[name] = _Work(endpoint)
                works[name].start()
        if time.monotonic() >= next_prune:
            next_prune = time.monotonic() + PRUNE_SECONDS
            _guarded("prune", lambda: host.store.prune(EVENT_RETENTION_DAYS))
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

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
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
        recovery = Recovery(self.endpoint)
        pause, next_attempt = TICK_SECONDS, 0.0
        while not self.stop.wait(TICK_SECONDS):
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
        """Imports at once, because the target may have changed while no host ran, and then on schedule."""
        failures = 0
        while not self.stop.is_set():
            if _imported(self.endpoint, self.stop):
                failures = 0
                self._rest(self._until_next())
            else:
                self.stop.wait(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1

    def _rest(self, seconds: float | None) -> None:
        """Waits for the next import: for less where an attribute was selected that another process did not import."""
        until = float("inf") if seconds is None else time.monotonic() + seconds
        while time.monotonic() < until:
            if self.stop.wait(min(LOOK_SECONDS, until - time.monotonic())) or _incomplete(self.endpoint):
                return

    def _until_next(self) -> float | None:
        """Seconds until the next import, up to a tenth later than configured so that connectors spread; None: never."""
        every = self.endpoint.configuration.properties.autosync
        if every is None:
            return None
        return every.total_seconds() * random.uniform(1.0, 1.1)  # noqa: S311 - spreads load, protects nothing


class ImportStopped(Exception):
    """The endpoint has been replaced or the process ends: its import is of no use any more."""


def _imported(endpoint: Endpoint, stop: threading.Event) -> bool:
    """Imports once; False when it is to be tried again soon."""

    def go_on(_counts: ImportCounts) -> None:
        if stop.is_set():
            raise ImportStopped

    try:
        full_import(endpoint, progress=go_on)
    except ImportRunning as error:
        # It may fail, and it may be of an older configuration: this process still needs one that completes.
        log.info("import_runs_elsewhere", connector=endpoint.name, detail=str(error))
        return False
    except ImportStopped:
        log.info("import_stopped", connector=endpoint.name)
    except ImportFailed:
        return False
    except StoreUnavailable as error:
        log.error("import_without_store", connector=endpoint.name, detail=str(error))
        return False
    except Exception as error:  # noqa: BLE001 - one connector's trouble must not end the thread that would retry it
        log.error("import_broke", connector=endpoint.name, error=type(error).__name__, where=origin(error))
        return False
    return True


def _incomplete(endpoint: Endpoint) -> bool:
    try:
        return bool(endpoint.agreement.standing().incomplete)
    except StoreUnavailable:
        return False


def _guarded(what: str, step: Callable[[], object], connector: str = "") -> None:
    try:
        step()
    except StoreUnavailable as error:
        log.error("worker_without_store", what=what, connector=connector, detail=str(error))
    except Exception as error:  # noqa: BLE001 - the worker goes on with everything else
        log.error("worker_step_broke", what=what, connector=connector, error=type(error).__name__, where=origin(error))
