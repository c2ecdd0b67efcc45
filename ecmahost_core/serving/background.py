"""The one child that does not face the network: it runs the host's background work (imports, recovery, schedules)."""

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import NoReturn

import structlog

from ecmahost_core.serving.log import failure
from ecmahost_core.serving.reload import Reloads

log = structlog.get_logger()

LONGEST_PAUSE = 60.0
SETTLED_AFTER = 60.0

Task = Callable[[threading.Event], None]
"""Background work: called once in its process, returns soon after the event is set."""


class BackgroundChild:
    """The arbiter's view of the child: starts it, starts it again when it dies, stops it.

    All methods are called by the arbiter's main loop. Between two starts there is a pause that doubles from one second
    to a minute, and is short again after the child has lived for a minute.
    """

    def __init__(self, task: Task, on_reload: Callable[[], None], orphan_seconds: float) -> None:
        self._task = task
        self._on_reload = on_reload
        self._orphan_seconds = orphan_seconds
        self._pid = 0
        self._started = 0.0
        self._pause = 1.0
        self._start_at = 0.0
        self._stopping = False

    def ensure(self, prepare: Callable[[], None]) -> None:
        """Starts the child if it is not there and its pause is over.

        ``prepare`` runs first in the child: it closes what the child must not keep open. The caller has blocked the
        signals that the child handles. Raises OSError when the system cannot fork.
        """
        now = time.monotonic()
        if self._pid or self._stopping or now < self._start_at:
            return
        arbiter = os.getpid()
        pid = os.fork()
        if pid == 0:
            prepare()
            run_child(self._task, self._on_reload, arbiter, self._orphan_seconds)
        self._pid = pid
        self._started = now
        log.info("background_started", pid=pid)

    def reap(self) -> None:
        """Notices the child's death. To be called before anything waits for children in general."""
        if not self._pid:
            return
        try:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
        except ChildProcessError:
            pid, status = self._pid, 0  # somebody else has waited for it
        if pid:
            self._gone(status)

    def _gone(self, status: int) -> None:
        pid, self._pid = self._pid, 0
        code = os.waitstatus_to_exitcode(status)  # negative: the signal
        if self._stopping:
            log.info("background_stopped", pid=pid, exit_code=code)
            return
        now = time.monotonic()
        if now - self._started >= SETTLED_AFTER:
            self._pause = 1.0
        self._start_at = now + self._pause
        log.warning("background_ended", pid=pid, exit_code=code, restart_in_seconds=self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the child, if there is one."""
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def stop(self) -> None:
        """Tells the child to stop, and does not start it again."""
        self._stopping = True
        self.send(signal.SIGTERM)

    def replace(self, until: float) -> None:
        """Ends the child, at ``until`` (monotonic) at the latest; ``ensure`` then starts another one at once."""
        self.stop()
        self.wait(until)
        self._stopping, self._start_at = False, 0.0

    def wait(self, until: float) -> None:
        """Waits for the child after ``stop``; kills it at ``until`` (monotonic)."""
        self.reap()
        while self._pid and time.monotonic() < until:
            time.sleep(0.05)
            self.reap()
        if self._pid:
            log.warning("background_killed", pid=self._pid)
            self.send(signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._pid = 0


class _Notice(Enum):
    STOP = auto()
    DONE = auto()
    FAILED = auto()


def run_child(task: Task, on_reload: Callable[[], None], arbiter: int, orphan_seconds: float) -> NoReturn:
    """Runs ``task`` in this process, just forked by ``arbiter`` (its pid), and exits the process.

    The task gets a thread of its own. The main thread watches: were the task to hang in a driver, signals would still
    be handled, and a child whose arbiter has been killed still ends, ``orphan_seconds`` later at most.
    """
    notices: queue.SimpleQueue[_Notice] = queue.SimpleQueue()
    stop = threading.Event()
    reloads = Reloads(on_reload)
    _handle_signals(lambda: notices.put(_Notice.STOP), reloads.request)
    reloads.start()
    threading.Thread(target=_run_task, args=(task, stop, notices), name="background", daemon=True).start()
    leave(_watch(notices, stop, arbiter, orphan_seconds))


def _run_task(task: Task, stop: threading.Event, notices: "queue.SimpleQueue[_Notice]") -> None:
    try:
        task(stop)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the arbiter starts the child again
        log.error("background_failed", **failure(error))
        notices.put(_Notice.FAILED)
    else:
        notices.put(_Notice.DONE)


def _watch(notices: "queue.SimpleQueue[_Notice]", stop: threading.Event, arbiter: int, orphan_seconds: float) -> int:
    """Returns the exit code, once the task has ended or an orphan's time is over."""
    give_up = float("inf")
    while time.monotonic() < give_up:
        if os.getppid() != arbiter and give_up == float("inf"):
            log.warning("background_orphaned", arbiter=arbiter)
            stop.set()
            give_up = time.monotonic() + orphan_seconds
        with suppress(queue.Empty):
            match notices.get(timeout=0.5):
                case _Notice.STOP:
                    stop.set()
                case _Notice.DONE:
                    return 0
                case _Notice.FAILED:
                    return 1
    return 1


def _handle_signals(stop: Callable[[], None], reload: Callable[[], None]) -> None:
    # Handlers only put something into a reentrant queue: Event.set in a handler could deadlock with itself.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop())
    signal.signal(signal.SIGQUIT, lambda _signal, _frame: stop())
    signal.signal(signal.SIGHUP, lambda _signal, _frame: reload())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # Ctrl-C and the like reach the whole process group; the arbiter alone decides what they mean.
    for ignored in (signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU, signal.SIGWINCH):
        signal.signal(ignored, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def leave(code: int) -> NoReturn:
    """Ends a child process without the exit handlers and ``finally`` blocks that it has inherited from its parent.

    Threads that still work are not waited for.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
