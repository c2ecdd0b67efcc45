"""Reading single objects with a deadline: a target that hangs holds its own connector's threads, and no request."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

import structlog

from ecmahost_core.connectors.crew import REST_SECONDS, Crew, Job
from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.run_profiles import ObjectQuery, RunStep
from ecmahost_core.errors import DeadlineExceeded, TargetBusy

THREADS: Final = 8
"""How many reads of one connector run at once; a connector author can rely on no more than 8 read sessions."""
WAITING: Final = 64
"""How many reads may wait for a thread."""

T = TypeVar("T")


class Reader(Protocol):
    """What the lane needs of a connector."""

    @property
    def name(self) -> str: ...
    def read(self, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]: ...
    def retire_idle_sessions(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Call(Generic[T]):
    function: Callable[[], T]
    done: threading.Event = field(default_factory=threading.Event)
    answers: list[T] = field(default_factory=list)
    error: BaseException | None = None
    abandoned: bool = False


class ReadLane:
    """The reads of one connector in one process."""

    def __init__(
        self,
        connector: Reader,
        *,
        threads: int = THREADS,
        waiting: int = WAITING,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        """Starts no thread before the first read.

        Args:
            connector: whose ``read`` is called, in the lane's threads only.
            threads: how many reads run at once.
            waiting: how many may wait for a thread.
            rest_seconds: how long a thread waits for work before it ends.
        """
        self._connector = connector
        self._limit = waiting
        self._waiting: dict[_Call[object], None] = {}
        self._closed = False
        self._crew = Crew(
            connector.name, threads, self._take, on_rest=connector.retire_idle_sessions, rest_seconds=rest_seconds
        )

    def read(self, step: RunStep, query: ObjectQuery, timeout: float) -> Sequence[CSEntryChange]:
        """Returns what ``Connector.read`` returns; raises what it raises.

        Raises DeadlineExceeded when the target has not answered after ``timeout`` seconds, and TargetBusy when too
        many reads wait already or the lane is closed.
        """
        return self.call(partial(self._connector.read, step, query), timeout)

    def call(self, function: Callable[[], T], timeout: float) -> T:
        """Runs any call to this connector's target in the lane; as :meth:`read`. A late answer is dropped."""
        call = _Call(function)
        deadline = time.monotonic() + timeout
        with self._crew.lock:
            self._refuse_in_vain()
            self._waiting[call] = None  # type: ignore[index] # the lane does not look at the answer's type
            if not self._crew.call():
                self._forget(call)
                raise TargetBusy(f"connector {self._connector.name!r}: no thread can be started; try again later")
        if not call.done.wait(max(0.0, deadline - time.monotonic())):
            with self._crew.lock:
                self._forget(call)
                call.abandoned = not call.done.is_set()
            if call.abandoned:
                message = f"connector {self._connector.name!r}: the target did not answer within {timeout:.3g} s"
                raise DeadlineExceeded(message)
        if call.error is not None:
            raise call.error
        return call.answers[0]
