"""The process that holds the listening socket and keeps the others alive: web workers and the background child."""

import queue
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol
from wsgiref.types import WSGIApplication

import structlog
from gunicorn import arbiter  # type: ignore[import-untyped]  # gunicorn has no type information
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # gunicorn has no type information
from gunicorn.errors import HaltServer  # type: ignore[import-untyped]  # gunicorn has no type information

from ecmahost_core.serving.background import BackgroundChild, Task, leave
from ecmahost_core.serving.log import ServerLog, failure
from ecmahost_core.serving.settings import ServingSettings, gunicorn_options
from ecmahost_core.serving.tls import CertificateError, TlsContexts
from ecmahost_core.serving.worker import CHILD_SIGNALS, Refusal, WebWorker, plain_refusal

log = structlog.get_logger()

Ready = Callable[[str, int], None]

REPLACING_SECONDS = 10.0
"""How long what is in flight may take where all children are replaced at once."""

HURRY_SECONDS = 2.0
"""How long web workers have to end when a second signal says that what is in flight does not count."""
LAST_WORD_SECONDS = 1.0
"""What they have beyond the time of what is in flight, to say what they abandon."""

ORPHAN_SECONDS = 5.0
"""How long background work may go on once its arbiter is gone: a new host may be starting already."""


class Shared(Protocol):
    """What all children use together, and cannot use any more at some time: they are all replaced then."""

    def is_over(self) -> bool:
        """Whether that time has come; quick, and called once a second. Never raises."""

    def prepare(self) -> None:
        """Called when no child is there, before the next ones are made. Where it raises, it is called again."""


def serve(
    settings: ServingSettings,
    load_application: Callable[[], WSGIApplication],
    *,
    background: Task | None = None,
    shared: Shared | None = None,
    before_reload: Callable[[], None] | None = None,
    on_reload: Callable[[], None] | None = None,
    on_ready: Ready | None = None,
    refusal: Refusal = plain_refusal,
) -> int:
    """Serves until told to stop by SIGTERM or SIGINT; returns the exit code, 0 for an orderly stop.

    To be called once, in the main thread of a process that has no other thread. It installs signal handlers and forks.

    ``load_application`` is called in each web worker after the fork: stores, sockets and threads must not cross one.
    If it raises, the host stops and the code is 1. ``background`` is called in one process of its own; it is given an
    event and must return soon after that is set; when it returns earlier or dies, it is started again. ``shared`` is
    what all children use; the caller has prepared it. After SIGHUP
    ``before_reload`` is called in this process, and must be quick; then ``on_reload`` in each of the others, in a
    thread of its own. ``on_ready`` is called in this process with the address and port that are bound; connections are
    accepted from then on. ``refusal`` makes the answer to what is no HTTP request.

    Both kinds of child end without running exit handlers, and whatever their threads are doing.
    """
    try:
        contexts = TlsContexts(settings.certificate, settings.key) if settings.certificate and settings.key else None
    except CertificateError as error:
        log.error("certificate_unusable", message=str(error))
        return 1
    _allow_open_files(settings.connections)
    application = HostApplication(settings, load_application, on_reload or _nothing, contexts, refusal)
    child = None
    if background is not None:
        child = BackgroundChild(background, application.on_reload, min(ORPHAN_SECONDS, settings.graceful_seconds))
    try:
        HostArbiter(application, child, shared, before_reload or _nothing, on_ready).run()
    except SystemExit as end:
        return 1 if end.code else 0
    except OSError as error:
        log.error("host_failed", **failure(error))
    return 1


class HostApplication(BaseApplication):  # type: ignore[misc]  # gunicorn has no type information
    """What gunicorn asks for its configuration and for the application. Web workers find it as ``self.app``."""

    def __init__(
        self,
        settings: ServingSettings,
        load_application: Callable[[], WSGIApplication],
        on_reload: Callable[[], None],
        contexts: TlsContexts | None,
        refusal: Refusal,
    ) -> None:
        self.settings = settings
        self.refusal = refusal
        self.on_reload = on_reload
        self._load_application = load_application
        self._contexts = contexts
        super().__init__()

    def load_config(self) -> None:
        """gunicorn: called once, by the constructor."""
        for name, value in gunicorn_options(self.settings).items():
            self.cfg.set(name, value)
        self.cfg.set("worker_class", WebWorker)
        self.cfg.set("logger_class", ServerLog)
        contexts = self._contexts
        if contexts is not None:
            self.cfg.set("ssl_context", lambda _config, _default: contexts.current())

    def load(self) -> WSGIApplication:
        """gunicorn: called once in each web worker, after the fork."""
        return self._load_application()

    def refresh_certificate(self) -> None:
        """Called by the arbiter: web workers that it forks from now on begin with the newest certificate."""
        if self._contexts is not None:
            self._contexts.refresh()


class HostArbiter(arbiter.Arbiter):  # type: ignore[misc]  # gunicorn has no type information
    """gunicorn's arbiter, with one more child, and signals that mean what the host's operator expects."""

    LISTENERS: list[Any]

    def __init__(
        self,
        app: HostApplication,
        child: BackgroundChild | None,
        shared: Shared | None,
        before_reload: Callable[[], None],
        on_ready: Ready | None,
    ) -> None:
        super().__init__(app)
        self._before_reload = before_reload
        self.WORKERS: dict[int, Any] = {}  # gunicorn's own is an attribute of the class
        self._child = child
        self._shared = shared
        self._on_ready = on_ready
        self._stopping = False

    def start(self) -> None:
        """gunicorn: binds the address."""
        try:
            super().start()
        except SystemExit:
            log.error(
                "address_unavailable",
                address=self.app.settings.bind,
                message="another process has this address, or this machine does not: stop that one or change the bind",
            )
            raise
        host, port = self.LISTENERS[0].getsockname()[:2]
        log.info("host_listening", host=host, port=port, tls=self.app.settings.tls, pid=self.pid)
        if self._on_ready is not None:
            self._on_ready(host, port)

    # --- children

    def manage_workers(self) -> None:
        """gunicorn: called at least once a second."""
        self.app.refresh_certificate()
        if self._shared is not None and self._shared.is_over() and not self._prepared(self._shared):
            return
        super().manage_workers()
        if self._child is None:
            return
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, CHILD_SIGNALS)
        try:
            self._child.ensure(self._close_inherited)
        except OSError as error:
            log.error("fork_failed", child="background", reason=error.strerror)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def _prepared(self, shared: Shared) -> bool:
        """Ends all children and prepares what the next ones share; False where that has to be tried again.

        Connections are still accepted by the kernel, and answered by the next children.
        """
        if self.WORKERS:
            log.warning("children_replaced")
        until = time.monotonic() + min(REPLACING_SECONDS, self.cfg.graceful_timeout)
        self.kill_workers(signal.SIGTERM)
        if self._child is not None:
            self._child.replace(until)
        while self.WORKERS and time.monotonic() < until:
            self.reap_workers()
            time.sleep(0.05)
        self.kill_workers(signal.SIGKILL)
        while self.WORKERS:
            self.reap_workers()
            time.sleep(0.05)
        try:
            shared.prepare()
        except Exception as error:  # noqa: BLE001 - whatever it is, it may be over in a second
            log.error("children_wait", **failure(error))
            return False
        return True

    def spawn_worker(self) -> Any:
        """gunicorn: forks one web worker."""
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, CHILD_SIGNALS)
        try:
            return super().spawn_worker()
        except SystemExit as end:  # only the child comes here; the frames below belong to its parent
            leave(end.code if isinstance(end.code, int) else 1)
        except OSError as error:
            log.error("fork_failed", child="web_worker", reason=error.strerror)
            return None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def reap_workers(self) -> None:
        """gunicorn: called after SIGCHLD, and while stopping."""
        if self._child is not None:
            self._child.reap()
        try:
            super().reap_workers()
        except HaltServer:
            # A second worker that cannot load either, while the first one's failure is stopping the host already.
            if not self._stopping:
                raise

    def _close_inherited(self) -> None:
        for listener in self.LISTENERS:
            listener.close()
        for worker in self.WORKERS.values():
            worker.tmp.close()

    def _end_workers(self, number: signal.Signals, until: float) -> None:
        """Ends the web workers by ``until`` (monotonic).

        gunicorn's own way goes by the wall clock: one that is set ahead meanwhile would cut off what is in flight.
        """
        self.kill_workers(number)
        while self.WORKERS and time.monotonic() < until:
            with suppress(queue.Empty):
                if self.SIG_QUEUE.get_nowait() in (signal.SIGINT, signal.SIGQUIT):
                    self.kill_workers(signal.SIGQUIT)
                    until = min(until, time.monotonic() + HURRY_SECONDS)
            self.reap_workers()
            time.sleep(0.05)
        self.kill_workers(signal.SIGKILL)
        while self.WORKERS:
            self.reap_workers()
            time.sleep(0.05)

    # --- signals

    def handle_hup(self) -> None:
        """SIGHUP: every child reloads; none is replaced."""
        log.info("reload_requested")
        try:
            self._before_reload()
        except Exception as error:  # noqa: BLE001 - whatever it is, the host goes on with what it has
            log.error("reload_failed", **failure(error))
            return
        self.kill_workers(signal.SIGHUP)
        if self._child is not None:
            self._child.send(signal.SIGHUP)

    def handle_int(self) -> None:
        """SIGINT: as SIGTERM. A second one, while stopping, does not wait for what is in flight."""
        self.handle_term()

    def handle_usr2(self) -> None:
        """SIGUSR2: gunicorn would start a second host beside this one, with a background child of its own."""
        log.warning("signal_ignored", signal="SIGUSR2")

    def stop(self, graceful: bool = True) -> None:  # noqa: FBT001,FBT002 - gunicorn's signature
        """gunicorn: stops all children and waits for them."""
        log.info("host_stopping", graceful=graceful)
        self._stopping = True
        until = time.monotonic() + self.cfg.graceful_timeout
        if self._child is not None:
            self._child.stop()
        for listener in self.LISTENERS:
            listener.close()
        self.LISTENERS = []
        self._end_workers(signal.SIGTERM if graceful else signal.SIGQUIT, until + LAST_WORD_SECONDS)
        super().stop(graceful)
        if self._child is not None:
            self._child.wait(until)
        log.info("host_stopped")


def _allow_open_files(connections: int) -> None:
    """Raises this process's soft limit on open files, often 1024, to what the connections and the stores need."""
    wanted = connections + 1024
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("open_files_limited", limit=allowed, wanted=wanted)


def _nothing() -> None:
    """What a reload does where nothing was given."""
