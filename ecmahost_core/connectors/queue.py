"""The export queue: one per connector and process. What waits goes to the target together, and nobody waits for ever.

A single change goes at once. While the target is busy with it, later changes gather, and the next free thread sends
them in one ``export``. A change whose request ran out of time is cancelled while it still waits; one that was sent is
completed by the queue's thread whenever the target answers, long after the request was answered.

A password travels beside its change: with it where the target takes both at once, in a call of its own where it does
not. The queue forgets it when that call has returned, or when its change is taken back.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Final

import structlog

from ecmahost_core.connectors.breaker import Breaker
from ecmahost_core.connectors.connector import Connector
from ecmahost_core.connectors.crew import REST_SECONDS, Crew, Job
from ecmahost_core.connectors.failures import nothing_was_sent, translated
from ecmahost_core.connectors.submissions import ExportOutcome, ObjectName, OnOutcome, Submitted, Ticket
from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.passwords import PasswordOptions
from ecmahost_core.ecma.results import CSEntryChangeResult
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.errors import TargetBusy
from ecmahost_core.logs import origin
from ecmahost_core.secret import Secret

BACKLOG: Final = 1000
"""How many changes may wait while the target answers."""
STALLED_BACKLOG: Final = 64
"""How many may wait while it does not: each holds a thread of the web server that other connectors need."""
STALLED_SECONDS: Final = 5.0
"""A target has stalled when every call that it may be sent at once has been under way for so long."""


class ExportQueue:
    """Sends the changes of one connector, in order for each object, at most ``concurrent_sessions`` calls at once."""

    def __init__(
        self,
        connector: Connector,
        *,
        backlog: int = BACKLOG,
        rest_seconds: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        breaker: Breaker | None = None,
    ) -> None:
        """Starts no thread before the first change.

        Args:
            connector: whose ``export`` is called, in the queue's threads only.
            backlog: how many changes may wait while the target answers.
            rest_seconds: how long a thread waits for work before it ends.
            clock: seconds, monotonic; tells when a target has stalled.
            breaker: the connector's, which others share; None for one of its own.
        """
        self._connector = connector
        self._breaker = breaker or Breaker(connector.name)
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
        self._following: dict[Ticket, Submitted] = {}
        self._waiting: dict[Ticket, Submitted] = {}
        self._busy: set[ObjectName] = set()
        self._running: dict[Ticket, float] = {}  # the first ticket of each batch under way, and since when
        self._closed = False
        self._draining = False

    def submit(
        self,
        step: RunStep,
        change: CSEntryChange,
        on_outcome: OnOutcome,
        *,
        password: Secret | None = None,
        follows: bool = False,
    ) -> Ticket:
        """Puts a change into the queue and returns at once.

        Args:
            step: of the change's object type; only changes with equal steps share a call.
            change: with an identifier that no other change of the queue has.
            on_outcome: called once, in a thread of the queue, when the change ends, however late; never for a change
                that was cancelled. It sees the context variables of this call, so that what it logs bears the
                request's id. What it raises is logged.
            password: that goes with the change.
            follows: the change ends what an earlier one has begun. It goes before those that wait, and is not refused
                because they are many or because the target was down a moment ago.

        Raises TargetBusy when too many changes wait or the queue is closed, and TargetAway while the target is taken to
        be down: nothing was sent.
        """
        return self._enter(Submitted(self._ticket(follows), step, change, on_outcome, password), follows=follows)

    def submit_password(
        self,
        step: RunStep,
        entry: CSEntryChange,
        password: Secret,
        options: PasswordOptions,
        on_outcome: OnOutcome,
        *,
        follows: bool = False,
    ) -> Ticket:
        """The same for the password of an object, which is set in a call of its own; ``entry`` is the object."""
        submitted = Submitted(self._ticket(follows), step, entry, on_outcome, password, options)
        return self._enter(submitted, follows=follows)

    def _ticket(self, follows: bool) -> Ticket:  # noqa: FBT001 - passed on as it came
        return Ticket(self._withdraw, self._breaker.admit(always=follows))

    def _enter(self, submitted: Submitted, *, follows: bool) -> Ticket:
        self._crew.require_own_process()
        try:
            self._line_up(submitted, follows=follows)
        except TargetBusy:
            submitted.ticket.permit.given_up()
            raise
        return submitted.ticket

    def _line_up(self, submitted: Submitted, *, follows: bool) -> None:
        ticket = submitted.ticket
        with self._crew.lock:
            if self._closed and not (follows and self._draining):
                raise TargetBusy(f"connector {self._connector.name!r} is being closed or reloaded; try again later")
            if len(self._waiting) >= self._room() and not follows:
                waiting = f"{len(self._waiting)} changes wait for the target already"
                raise TargetBusy(f"connector {self._connector.name!r}: {waiting}; try again later")
            line = self._following if follows else self._waiting
            line[ticket] = submitted
            if not self._crew.call():
                del line[ticket]
                raise TargetBusy(f"connector {self._connector.name!r}: no thread can be started; try again later")

    def close(self, drain_seconds: float) -> None:
        """Takes no more changes, and waits at most so long until the others have ended.

        What still waits then ends as never sent. What the target has still not answered goes on in its thread for as
        long as the process lives.
        """
        deadline = time.monotonic() + drain_seconds
        with self._crew.lock:
            self._closed = self._draining = True
            self._quiet.wait_for(self._is_quiet, max(0.0, deadline - time.monotonic()))
            self._draining = False
            left = [*self._following.values(), *self._waiting.values()]
            self._following.clear()
            self._waiting.clear()
            self._crew.end()
        failure = TargetBusy(f"connector {self._connector.name!r} was closed before this change was sent")
        for submitted in left:
            submitted.ticket.permit.given_up()
            self._deliver(submitted, ExportOutcome(None, failure, sent=False))

    def _is_quiet(self) -> bool:
        return not (self._following or self._waiting or self._running)

    def _room(self) -> int:
        """Returns how many changes may wait now; called with the lock."""
        since = self._clock() - STALLED_SECONDS
        stalled = sum(started <= since for started in self._running.values())
        return self._backlog if stalled < self._calls_at_once else min(self._backlog, STALLED_BACKLOG)

    def _withdraw(self, ticket: Ticket) -> bool:
        with self._crew.lock:
            withdrawn = (self._following.pop(ticket, None) or self._waiting.pop(ticket, None)) is not None
            if withdrawn:
                ticket.permit.given_up()  # says nothing where its request has told that it waited in vain
                self._quiet.notify_all()
            return withdrawn

    def _take(self) -> Job | None:
        """Takes the next batch off the queue; called with the lock.

        No batch holds two changes of one object, and none a change of an object that another batch is busy with. A
        password that is set in a call of its own is a batch of its own.
        """
        batch: list[Submitted] = []
        held = set(self._busy)
        for submitted in chain(self._following.values(), self._waiting.values()):
            name = submitted.object_name
            free = name not in held
            if name is not None:
                held.add(name)
            if free and (not batch or (submitted.step == batch[0].step and submitted.options is None)):
                batch.append(submitted)
                if len(batch) == self._batch_size or submitted.options is not None:
                    break
        if not batch:
            return None
        for submitted in batch:
            self._following.pop(submitted.ticket, None)
            self._waiting.pop(submitted.ticket, None)
        self._busy |= _object_names(batch)
        self._running[batch[0].ticket] = self._clock()
        return partial(self._send, batch)

    def _send(self, batch: list[Submitted]) -> None:
        try:
            for submitted, outcome in zip(batch, self._export(batch), strict=True):
                self._deliver(submitted, outcome)
        finally:
            with self._crew.lock:
                self._busy -= _object_names(batch)
                del self._running[batch[0].ticket]
                if self._following or self._waiting:
                    self._crew.call()  # what waited for one of these objects may go now
                self._quiet.notify_all()

    def _export(self, batch: list[Submitted]) -> list[ExportOutcome]:
        try:
            outcomes = [ExportOutcome(result, None, sent=True) for result in self._call(batch)]
            batch[0].ticket.permit.answered()
        except BaseException as error:  # noqa: BLE001 - whatever it was, every submitter is owed an outcome
            failure = translated(error, self._connector.name, "export").with_traceback(
                None
            )  # whose frames hold secrets
            outcomes = [ExportOutcome(None, failure, sent=not nothing_was_sent(failure))] * len(batch)
            log = structlog.get_logger()
            log.warning("export_failed", changes=len(batch), error=type(failure).__name__, reason=str(failure))
            permits = sorted((one.ticket.permit for one in batch), key=lambda permit: not permit.probe)
            permits[0].ended(failure)  # it is one failure, however many changes went with the call
            for permit in permits[1:]:
                permit.given_up()
        finally:
            batch[:] = [replace(one, password=None) for one in batch]
        return outcomes

    def _call(self, batch: list[Submitted]) -> Sequence[CSEntryChangeResult]:
        first = batch[0]
        if first.options is not None and first.password is not None:
            return (self._connector.set_password(first.step, first.change, first.password, first.options),)
        secrets = {one.change.identifier: one.password for one in batch if one.password is not None}
        return self._connector.export(first.step, [one.change for one in batch], secrets)

    def _deliver(self, submitted: Submitted, outcome: ExportOutcome) -> None:
        try:
            submitted.context.run(submitted.on_outcome, outcome)
        except BaseException as error:  # noqa: BLE001 - one submitter's trouble is not the others'
            where = origin(error)
            structlog.get_logger().error("outcome_not_handled", error=type(error).__name__, at=where)
        finally:
            submitted.ticket.finish()


def _object_names(batch: Sequence[Submitted]) -> set[ObjectName]:
    return {submitted.object_name for submitted in batch if submitted.object_name is not None}
