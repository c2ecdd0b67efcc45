"""The export queue: one per connector and process. What waits goes to the target together, and nobody waits for ever.

A single change goes at once. While the target is busy with it, later changes gather, and the next free thread sends
them in one ``export``. A change whose request ran out of time is cancelled while it still waits; one that was sent is
completed by the queue's thread whenever the target answers, long after the request was answered.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from ecmahost_core.connectors.connector import Connector
from ecmahost_core.connectors.crew import REST_SECONDS, Crew, Job
from ecmahost_core.connectors.failures import nothing_was_sent, translated
from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.results import CSEntryChangeResult
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.values import Anchor
from ecmahost_core.errors import BrokenContract, ConnectorError, TargetBusy
from ecmahost_core.logs import origin

BACKLOG: Final = 1000
"""How many changes may wait while the target answers."""
STALLED_BACKLOG: Final = 64
"""How many may wait while it does not: each holds a thread of the web server that other connectors need."""
STALLED_SECONDS: Final = 5.0
"""A target has stalled when every call that it may be sent at once has been under way for so long."""


@dataclass(frozen=True, slots=True)
class ExportOutcome:
    """How a submitted change ended; exactly one of ``result`` and ``failure`` is there.

    Attributes:
        result: what the target said about this change, an error of its own included.
        failure: why the whole call failed.
        sent: False when the change has certainly not reached the target. True with a failure means that nobody knows:
            the object has to be read back.
    """

    result: CSEntryChangeResult | None
    failure: ConnectorError | BrokenContract | None
    sent: bool


OnOutcome = Callable[[ExportOutcome], None]

_ObjectName = tuple[str, Anchor]


class Ticket:
    """What the submitter of a change holds."""

    def __init__(self, withdraw: Callable[["Ticket"], bool]) -> None:
        """Made by the queue."""
        self._withdraw = withdraw
        self._done = threading.Event()

    def wait(self, timeout: float) -> bool:
        """Waits at most ``timeout`` seconds; True when the change ended and its ``on_outcome`` has returned."""
        return self._done.wait(max(0.0, timeout))

    def cancel(self) -> bool:
        """Takes the change back if it still waits: True means that it was never sent and that no outcome follows.

        False means that it was sent, or has ended; ``on_outcome`` is then called, or was.
        """
        return self._withdraw(self)

    def finish(self) -> None:
        """Called by the queue when ``on_outcome`` has returned."""
        self._done.set()


@dataclass(frozen=True, slots=True)
class _Submitted:
    ticket: Ticket
    step: RunStep
    change: CSEntryChange
    on_outcome: OnOutcome
    context: Context

    @property
    def object_name(self) -> _ObjectName | None:
        """Whose changes keep their order; None for a new object whose anchor the target makes."""
        return (self.change.object_type, self.change.anchor) if self.change.anchor else None


class ExportQueue:
    """Sends the changes of one connector, in order for each object, at most ``concurrent_sessions`` calls at once."""

    def __init__(
        self,
        connector: Connector,
        *,
        backlog: int = BACKLOG,
        rest_seconds: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts no thread before the first change.

        Args:
            connector: whose ``export`` is called, in the queue's threads only.
            backlog: how many changes may wait while the target answers.
            rest_seconds: how long a thread waits for work before it ends.
            clock: seconds, monotonic; tells when a target has stalled.
        """
        self._connector = connector
        self._clock = clock
        limits = connector.capabilities
        self._calls_at_once = limits.concurrent_sessions
        self._batch_size = max(1, min(connector.configuration.export_page_size, limits.export_page_size_maximum))
        self._backlog = backlog
        self._crew = Crew(
            connector.name,
            self._calls_at_once,
            self._take,
            on_rest=connector.retire_idle_sessions,
            rest_seconds=rest_seconds,
        )
        self._quiet = threading.Condition(self._crew.lock)
        self._waiting: dict[Ticket, _Submitted] = {}
        self._busy: set[_ObjectName] = set()
        self._running: dict[Ticket, float] = {}  # the first ticket of each batch under way, and since when
        self._closed = False

    def submit(self, step: RunStep, change: CSEntryChange, on_outcome: OnOutcome) -> Ticket:
        """Puts a change into the queue and returns at once.

        Args:
            step: of the change's object type; only changes with equal steps share a call.
            change: with an identifier that no other change of the queue has.
            on_outcome: called once, in a thread of the queue, when the change ends, however late; never for a change
                that was cancelled. It sees the context variables of this call, so that what it logs bears the
                request's id. What it raises is logged.

        Raises TargetBusy, and nothing was sent, when too many changes wait or the queue is closed.
        """
        self._crew.require_own_process()
        ticket, context = Ticket(self._withdraw), copy_context()
        with self._crew.lock:
            if self._closed:
                raise TargetBusy(f"connector {self._connector.name!r} is being closed or reloaded; try again later")
            if len(self._waiting) >= self._room():
                waiting = f"{len(self._waiting)} changes wait for the target already"
                raise TargetBusy(f"connector {self._connector.name!r}: {waiting}; try again later")
            self._waiting[ticket] = _Submitted(ticket, step, change, on_outcome, context)
            if not self._crew.call():
                del self._waiting[ticket]
                raise TargetBusy(f"connector {self._connector.name!r}: no thread can be started; try again later")
        return ticket

    def close(self, drain_seconds: float) -> None:
        """Takes no more changes, and waits at most so long until the others have ended.

        What still waits then ends as never sent. What the target has still not answered goes on in its thread for as
        long as the process lives.
        """
        deadline = time.monotonic() + drain_seconds
        with self._crew.lock:
            self._closed = True
            self._quiet.wait_for(lambda: not self._waiting and not self._running, max(0.0, deadline - time.monotonic()))
            left = list(self._waiting.values())
            self._waiting.clear()
            self._crew.end()
        failure = TargetBusy(f"connector {self._connector.name!r} was closed before this change was sent")
        for submitted in left:
            self._deliver(submitted, ExportOutcome(None, failure, sent=False))

    def _room(self) -> int:
        """Returns how many changes may wait now; called with the lock."""
        since = self._clock() - STALLED_SECONDS
        stalled = sum(started <= since for started in self._running.values())
        return self._backlog if stalled < self._calls_at_once else min(self._backlog, STALLED_BACKLOG)

    def _withdraw(self, ticket: Ticket) -> bool:
        with self._crew.lock:
            withdrawn = self._waiting.pop(ticket, None) is not None
            if withdrawn:
                self._quiet.notify_all()
            return withdrawn

    def _take(self) -> Job | None:
        """Takes the next batch off the queue; called with the lock.

        No batch holds two changes of one object, and none a change of an object that another batch is busy with.
        """
        batch: list[_Submitted] = []
        held = set(self._busy)
        for submitted in self._waiting.values():
            name = submitted.object_name
            free = name not in held
            if name is not None:
                held.add(name)
            if free and (not batch or submitted.step == batch[0].step):
                batch.append(submitted)
                if len(batch) == self._batch_size:
                    break
        if not batch:
            return None
        for submitted in batch:
            del self._waiting[submitted.ticket]
        self._busy |= _object_names(batch)
        self._running[batch[0].ticket] = self._clock()
        return partial(self._send, batch)

    def _send(self, batch: list[_Submitted]) -> None:
        try:
            for submitted, outcome in zip(batch, self._export(batch), strict=True):
                self._deliver(submitted, outcome)
        finally:
            with self._crew.lock:
                self._busy -= _object_names(batch)
                del self._running[batch[0].ticket]
                if self._waiting:
                    self._crew.call()  # what waited for one of these objects may go now
                self._quiet.notify_all()

    def _export(self, batch: list[_Submitted]) -> list[ExportOutcome]:
        try:
            results = self._connector.export(batch[0].step, [submitted.change for submitted in batch])
            outcomes = [ExportOutcome(result, None, sent=True) for result in results]
        except BaseException as error:  # noqa: BLE001 - whatever it was, every submitter is owed an outcome
            failure = translated(error, self._connector.name, "export")
            outcomes = [ExportOutcome(None, failure, sent=not nothing_was_sent(failure))] * len(batch)
            log = structlog.get_logger()
            log.warning("export_failed", changes=len(batch), error=type(failure).__name__, reason=str(failure))
        return outcomes

    def _deliver(self, submitted: _Submitted, outcome: ExportOutcome) -> None:
        try:
            submitted.context.run(submitted.on_outcome, outcome)
        except BaseException as error:  # noqa: BLE001 - one submitter's trouble is not the others'
            where = origin(error)
            structlog.get_logger().error("outcome_not_handled", error=type(error).__name__, at=where)
        finally:
            submitted.ticket.finish()


def _object_names(batch: Sequence[_Submitted]) -> set[_ObjectName]:
    return {submitted.object_name for submitted in batch if submitted.object_name is not None}
