"""A few daemon threads for one connector, started when there is work and gone after a while without.

A driver call that blocks cannot be cancelled. What it blocks is one of these threads, of its own connector, and not
the process: daemon threads do not keep it from ending.
"""

import os
import threading
from collections.abc import Callable
from typing import Final

import structlog

from ecmahost_core.logs import origin

REST_SECONDS: Final = 65.0
"""How long a thread waits for work: longer than a session may be idle, so that the last thread ends the last one."""

Job = Callable[[], None]


class Crew:
    """Up to ``size`` threads that do whatever ``take`` hands them.

    ``take`` and :meth:`call` run under ``lock``, which the owner shares: what waits is the owner's.
    """

    def __init__(
        self,
        connector: str,
        size: int,
        take: Callable[[], Job | None],
        *,
        on_rest: Callable[[], None] = lambda: None,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        """Starts no thread yet.

        Args:
            connector: the connector's name, for logs and thread names.
            size: how many threads there may be; at least 1.
            take: returns the next job, None when there is nothing to do. Called with the lock; must be quick.
            on_rest: called without the lock by a thread that ends because there was nothing to do.
            rest_seconds: how long a thread waits for work before it ends.
        """
        self.lock = threading.Lock()
        self._connector = connector
        self._size = size
        self._take = take
        self._on_rest = on_rest
        self._rest_seconds = rest_seconds
        self._threads = 0
        self._resting: list[threading.Event] = []
        self._ending = False
        self._pid = os.getpid()

    def require_own_process(self) -> None:
        """Raises RuntimeError in a forked child: threads do not cross a fork, and a lock may be held there for ever.

        The owner calls it before it takes the lock to add work.
        """
        if self._pid != os.getpid():
            raise RuntimeError("this process was forked after its connector was built; build it after the fork")

    def call(self) -> bool:
        """Sees to it that somebody looks for work; the owner calls it with the lock whenever work came.

        Wakes a thread that rests, or starts one where there may be more. Returns False only when no thread exists and
        none can be started.
        """
        if self._resting:
            self._resting.pop().set()
            return True
        if self._threads < self._size:
            return self._start() or self._threads > 0
        return True

    def end(self) -> None:
        """Lets the threads end as soon as there is nothing to do; the owner calls it with the lock."""
        self._ending = True
        while self._resting:
            self._resting.pop().set()

    def _start(self) -> bool:
        thread = threading.Thread(target=self._work, name=f"connector {self._connector}", daemon=True)
        self._threads += 1
        try:
            thread.start()
        except RuntimeError:  # no more threads on this machine
            self._threads -= 1
            return False
        return True

    def _work(self) -> None:
        structlog.contextvars.bind_contextvars(connector=self._connector)
        while (job := self._next()) is not None:
            self._attempt(job)
            del job  # a thread at rest keeps nothing alive
        self._attempt(self._on_rest)

    def _next(self) -> Job | None:
        """Returns the next job, after a rest where there is none; None when the thread is to end."""
        while True:
            summons = threading.Event()
            with self.lock:
                job = self._take()
                if job is not None:
                    return job
                if self._ending:
                    self._threads -= 1
                    return None
                self._resting.append(summons)
            summons.wait(self._rest_seconds)
            with self.lock:
                if summons in self._resting:  # nobody called
                    self._resting.remove(summons)
                    self._threads -= 1
                    return None

    def _attempt(self, job: Job) -> None:
        """Does a job. Jobs handle their own errors; a thread survives those that do not."""
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - the thread must live on, whatever it was
            structlog.get_logger().error("connector_thread_failed", error=type(error).__name__, at=origin(error))
