"""Reading single objects with a deadline: a target that hangs holds its own connector's threads, and no request."""

import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

import structlog

from ecmahost_core.connectors.breaker import Breaker, Permit
from ecmahost_core.connectors.connector import Connector
from ecmahost_core.connectors.crew import REST_SECONDS, Crew, Job
from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.run_profiles import ObjectQuery, RunStep
from ecmahost_core.errors import DeadlineExceeded, TargetBusy

THREADS: Final = 8
"""How many reads of one connector run at once; a connector author can rely on no more than 8 read sessions."""
WAITING: Final = 64
"""How many reads may wait for a thread."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Call:
    """A call to the target: ``run`` keeps its answer itself."""

    run: Callable[[], None]
    permit: Permit
    done: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None
    abandoned: bool = False


class ReadLane:
    """The reads of one connector in one process."""

    def __init__(
        self,
        connector: Connector,
        *,
        threads: int = THREADS,
        waiting: int = WAITING,
        rest_seconds: float = REST_SECONDS,
        breaker: Breaker | None = None,
    ) -> None:
        """Starts no thread before the first read.

        Args:
            connector: whose ``read`` is called, in the lane's threads only.
            threads: how many reads run at once.
            waiting: how many may wait for a thread.
            rest_seconds: how long a thread waits for work before it ends.
            breaker: the connector's, which others share; None for one of its own.
        """
        self._connector = connector
        self._breaker = breaker or Breaker(connector.name)
        self._limit = waiting
        self._waiting: dict[_Call, None] = {}
        self._closed = False
        self._crew = Crew(
            connector.name, threads, self._take, on_rest=connector.retire_idle_sessions, rest_seconds=rest_seconds
        )

    def read(self, step: RunStep, query: ObjectQuery, timeout: float) -> Sequence[CSEntryChange]:
        """Returns what ``Connector.read`` returns; raises what it raises.

        Raises DeadlineExceeded when the target has not answered after ``timeout`` seconds, TargetAway at once while it
        is taken to be down, and TargetBusy when too many reads wait already or the lane is closed.
        """
        return self.call(partial(self._connector.read, step, query), timeout)

    def call(self, function: Callable[[], T], timeout: float, *, always: bool = False) -> T:
        """Runs any call to this connector's target in the lane; as :meth:`read`. A late answer is dropped.

        The call sees the caller's context variables, so that what it logs bears the request's id. ``always``: also
        while the target is taken to be down, for whoever comes by a schedule.
        """
        self._crew.require_own_process()
        if timeout <= 0:  # which says nothing about the target
            raise DeadlineExceeded(f"connector {self._connector.name!r}: no time was left to ask the target")
        deadline = time.monotonic() + timeout
        answers: list[T] = []
        context = copy_context()
        call = _Call(lambda: answers.append(context.run(function)), self._breaker.admit(always=always))
        try:
            self._enter(call)
        except TargetBusy:
            call.permit.given_up()
            raise
        if not call.done.wait(max(0.0, deadline - time.monotonic())) and self._abandon(call):
            call.permit.timed_out()
            message = f"connector {self._connector.name!r}: the target did not answer within {timeout:.3g} s"
            raise DeadlineExceeded(message)
        if call.error is not None:
            raise call.error
        return answers[0]

    def close(self) -> None:
        """Takes no more reads. Those under way are answered; those that wait end with TargetBusy."""
        with self._crew.lock:
            self._closed = True
            left = list(self._waiting)
            self._waiting.clear()
            self._crew.end()
        for call in left:
            call.permit.given_up()
            call.error = TargetBusy(f"connector {self._connector.name!r} was closed before it was read")
            call.done.set()

    def _enter(self, call: _Call) -> None:
        with self._crew.lock:
            self._refuse_in_vain()
            self._waiting[call] = None
            if not self._crew.call():
                del self._waiting[call]
                raise TargetBusy(f"connector {self._connector.name!r}: no thread can be started; try again later")

    def _refuse_in_vain(self) -> None:
        """Raises TargetBusy where waiting would help nobody; called with the lock."""
        if self._closed:
            raise TargetBusy(f"connector {self._connector.name!r} is being closed or reloaded; try again later")
        if len(self._waiting) >= self._limit:
            message = f"connector {self._connector.name!r}: {len(self._waiting)} reads wait for the target already"
            raise TargetBusy(f"{message}; try again later")

    def _abandon(self, call: _Call) -> bool:
        """Takes a call back at its deadline; False when the answer came in the same moment."""
        with self._crew.lock:
            self._waiting.pop(call, None)
            call.abandoned = not call.done.is_set()
            return call.abandoned

    def _take(self) -> Job | None:
        for call in self._waiting:
            del self._waiting[call]
            return partial(self._answer, call)
        return None

    def _answer(self, call: _Call) -> None:
        try:
            call.run()
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
            call.error = error
        finally:
            call.permit.ended(call.error)
            call.done.set()
        if call.abandoned:
            structlog.get_logger().info("answer_came_too_late", failed=call.error is not None)
