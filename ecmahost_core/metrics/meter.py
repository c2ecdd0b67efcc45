"""The meter of one process: it counts what happens here, and reads what all processes of the host have counted."""

import threading
import time
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ecmahost_core.metrics import quarantine
from ecmahost_core.metrics.cells import SPILL, Cells, Name, rows_of
from ecmahost_core.metrics.families import (
    BREAKERS,
    EXPORTS,
    IMPORT_SECONDS,
    REQUEST_SECONDS,
    REQUESTS,
    RESTARTS,
    Family,
)
from ecmahost_core.metrics.quarantine import Writes
from ecmahost_core.metrics.slots import private_slot, read_slots, take_slot

LOOK_SECONDS = 1.0
"""How long what was read of all processes is good enough for whoever needs no token to ask."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What all processes have counted since the host was started.

    Attributes:
        rows: the numbers of each counter and histogram, by metric and labels.
        writes: of the last hour, by connector.
        spilled: whether something found no room and is missing.
    """

    rows: Mapping[Name, list[float]] = field(default_factory=dict)
    writes: Mapping[str, Writes] = field(default_factory=dict)
    spilled: bool = False


class Meter:
    """Counts for one process. All methods may be called by any thread and do not wait."""

    def __init__(self, directory: Path | None = None, role: str = "command") -> None:
        """Takes a slot, after the last fork.

        Args:
            directory: where the processes of the host count; None to count for this process alone.
            role: ``web``, ``worker`` or ``command``.
        """
        self._directory = directory
        # A command that is killed may have no successor, which would tell for it that nothing of it is open any more.
        self._tells_breakers = directory is None or role != "command"
        self._slot = private_slot() if directory is None else take_slot(directory, role)
        self._cells = Cells(self._slot.memory)
        self._lock = threading.Lock()
        self._closed = False
        self._looked: tuple[float, Mapping[str, Writes]] = (float("-inf"), {})
        self._forget_breakers()
        if self._slot.inherited and role != "command":
            self._count(RESTARTS, (role,))

    def request(self, connector: str, method: str, resource_type: str, status: int, seconds: float) -> None:
        """Counts an answered request; the caller bounds the values."""
        self._count(REQUESTS, (connector, method, resource_type, f"{status // 100}xx"))
        self._observe(REQUEST_SECONDS, (connector, method), seconds)

    def write(self, connector: str, *, failed: bool) -> None:
        """Counts a write of Entra's, for its share of failures."""
        place, step = quarantine.place_of(time.monotonic())
        with self._lock:
            if self._closed:
                return
            start = self._cells.start((quarantine.WRITES, connector), quarantine.WINDOW_LENGTH) + place
            numbers = self._cells.numbers
            if numbers[start] != step:
                numbers[start], numbers[start + 1], numbers[start + 2] = step, 0.0, 0.0
            numbers[start + 1] += 1
            numbers[start + 2] += failed

    def export(self, connector: str, outcome: str, error: str = "") -> None:
        """Counts a change that a connector was handed."""
        self._count(EXPORTS, (connector, outcome, error))

    def imported(self, connector: str, kind: str, outcome: str, seconds: float) -> None:
        """Counts an import that has ended."""
        self._observe(IMPORT_SECONDS, (connector, kind, outcome), seconds)

    def breaker(self, connector: str, *, opened: bool) -> None:
        """Notes that a breaker of this process has opened or closed."""
        with self._lock:
            if self._tells_breakers and not self._closed:
                self._cells.numbers[self._cells.start((BREAKERS, connector), 1)] += 1 if opened else -1

    def totals(self) -> Totals:
        """Returns what all processes have counted. Reads files; not for every request."""
        with self._lock:
            own = None if self._closed or self._slot.descriptor is not None else list(self._cells.rows())
        found = [list(rows_of(data)) for data in read_slots(self._directory)] if self._directory is not None else []
        now = time.monotonic()
        rows: dict[Name, list[float]] = {}
        writes: dict[str, Writes] = {}
        spilled = False
        for name, numbers in (row for process in (*found, *([own] if own else ())) for row in process):
            if name == SPILL:
                spilled = spilled or any(numbers)
            elif name[0] == quarantine.WRITES:
                before, more = writes.get(name[1], Writes()), quarantine.of_window(numbers, now)
                writes[name[1]] = Writes(before.total + more.total, before.failed + more.failed)
            else:
                sums = rows.get(name)
                rows[name] = list(numbers) if sums is None else [a + b for a, b in zip(sums, numbers, strict=True)]
        return Totals(rows, writes, spilled)

    def writes(self) -> Mapping[str, Writes]:
        """Returns the writes of the last hour, by connector, as they were a second ago at most: costs little."""
        now = time.monotonic()
        looked, writes = self._looked
        if now - looked >= LOOK_SECONDS:
            writes = self.totals().writes
            self._looked = now, writes
        return writes

    def close(self) -> None:
        """Lets the next process of the role go on counting where this one ends."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._forget_breakers()
                self._cells.close()
                self._slot.release()

    def _forget_breakers(self) -> None:
        """Where a process ends or begins, none of its breakers is open."""
        for name, _ in tuple(self._cells.rows()):
            if name[0] == BREAKERS:
                self._cells.numbers[self._cells.start(name, 1)] = 0.0

    def _count(self, family: Family, labels: Name) -> None:
        with self._lock:
            if not self._closed:
                self._cells.numbers[self._cells.start((family.name, *labels), family.length)] += 1

    def _observe(self, family: Family, labels: Name, value: float) -> None:
        with self._lock:
            if not self._closed:
                start = self._cells.start((family.name, *labels), family.length)
                self._cells.numbers[start + bisect_left(family.buckets, value)] += 1
                self._cells.numbers[start + family.length - 1] += value
