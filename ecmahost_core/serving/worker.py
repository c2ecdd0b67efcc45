"""A web worker: gunicorn's gthread, made to survive slow clients.

gunicorn gives each accepted connection a thread and lets it wait there for ever, and closes a refused connection in its
accept loop, waiting for the client. Here a connection gets a thread with its first byte, every wait for a client has a
deadline, and the accept loop never waits. `tests/serving/test_gunicorn_internals.py` fails when an upgrade of gunicorn
moves what this rests on.
"""

import errno
import os
import selectors
import signal
import ssl
import time
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]  # gunicorn has no type information
from gunicorn.http import errors  # type: ignore[import-untyped]  # gunicorn has no type information
from gunicorn.workers.gthread import (  # type: ignore[import-untyped]  # gunicorn has no type information
    STOP_KEEPALIVE_LINGER,
    ThreadWorker,
)
from structlog.contextvars import clear_contextvars

from ecmahost_core.serving.body import CLOSE_CONNECTION, END_AT_STOP
from ecmahost_core.serving.connection import Connection, PatientReader, deliver
from ecmahost_core.serving.log import failure
from ecmahost_core.serving.reload import Reloads

log = structlog.get_logger()

SERVER = "ecmahost"
CHILD_SIGNALS = frozenset(
    {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}
)
"""Blocked while a child is forked, and unblocked in it once it has handlers of its own: none is lost."""

Refusal = Callable[[HTTPStatus], tuple[str, bytes]]
"""Gives the media type and the body of the answer to a request that cannot be served."""


def plain_refusal(status: HTTPStatus) -> tuple[str, bytes]:
    """Returns the status in words."""
    return "text/plain", f"{status.phrase}\n".encode("ascii")


_REFUSALS: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (errors.InvalidResponseHeader, HTTPStatus.INTERNAL_SERVER_ERROR),
    (errors.InvalidResponseHeaderName, HTTPStatus.INTERNAL_SERVER_ERROR),
    (errors.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (errors.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (errors.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED),
    (errors.UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED),
    (errors.InvalidHTTPVersion, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED),
    (errors.ParseException, HTTPStatus.BAD_REQUEST),
)


class WebWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no type information
    """One web worker process. ``self.app`` is the arbiter's ``HostApplication``."""

    alive: bool

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self._settings = self.app.settings
        self._reloads = Reloads(self.app.on_reload)
        self._served: set[Connection] = set()

    # --- the process

    def init_process(self) -> None:
        """gunicorn: the whole life of the worker, after the fork."""
        try:
            super().init_process()
        except Exception as error:  # noqa: BLE001 - the process ends here in any case; gunicorn would print a traceback
            log.error("web_worker_failed", **failure(error))
            raise SystemExit(1 if self.booted else Arbiter.WORKER_BOOT_ERROR) from None

    def init_signals(self) -> None:
        """gunicorn: called after the fork."""
        super().init_signals()
        # Ctrl-C reaches the whole process group; the arbiter alone decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, lambda _signal, _frame: self._reloads.request())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, CHILD_SIGNALS)

    def load_wsgi(self) -> None:
        """gunicorn: called after the fork. A failure ends the host, with its message in the log."""
        try:
            application = self.app.wsgi()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the host must not try for ever
            log.error("application_not_loaded", **failure(error))
            raise SystemExit(Arbiter.APP_LOAD_ERROR) from None
        self.wsgi = partial(self._answer, application)
        self._reloads.start()
        log.info("web_worker_ready", pid=os.getpid())

    def run(self) -> None:
        """gunicorn: serves until told to stop, or until the parent is gone."""
        super().run()
        if self._served:
            log.warning("requests_abandoned", count=len(self._served))

    def handle_exit(self, sig: int, frame: object) -> None:  # noqa: ARG002 - gunicorn's signature
        """gunicorn: SIGTERM."""
        if self.alive:
            self.alive = False
            self.method_queue.defer(self._refuse_new)

    def is_parent_alive(self) -> bool:
        """gunicorn: asked once a second."""
        if super().is_parent_alive():
            return True
        self.alive = False
        self._refuse_new()
        return False

    def _refuse_new(self) -> None:
        """Closes the listeners now, so that a client is refused by the kernel instead of waiting for nobody."""
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        linger = time.monotonic() + STOP_KEEPALIVE_LINGER
        for connection in self.pending_conns:
            connection.timeout = min(connection.timeout, linger)

    def _cut_what_may_be_cut(self) -> None:
        """Ends the answers that a stop does not wait for, wherever their threads wait."""
        cut = [connection for connection in tuple(self._served) if connection.ends_at_stop]
        for connection in cut:
            connection.shut_down()
        if cut:
            log.info("long_answers_cut", count=len(cut))

    # --- the accept loop

    def accept(self, listener: Any) -> None:
        """gunicorn: a listener is readable. The connection waits in the poller until its first byte is there."""
        if not self._accepting:  # closed by an earlier event of the same round
            return
        try:
            client, address = listener.accept()
        except OSError as error:
            self._accept_failed(error)
            return
        connection = Connection(self.cfg, client, address, listener.getsockname())
        connection.timeout = time.monotonic() + self._settings.header_seconds
        self.nr_conns += 1
        self.pending_conns.append(connection)
        readable = partial(self.on_pending_socket_readable, connection)
        self.poller.register(connection.sock, selectors.EVENT_READ, readable)

    def _accept_failed(self, error: OSError) -> None:
        if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
            log.warning("accept_failed", reason=error.strerror, connections=self.nr_conns)
            time.sleep(0.1)  # the listener stays readable: without a pause this loop would take all of a processor
        elif error.errno not in {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED, errno.EPROTO}:
            raise error

    def murder_pending(self) -> None:
        """gunicorn: called in each round, at least once a second. Ends what has kept a thread waiting for too long."""
        super().murder_pending()
        now = time.monotonic()
        overdue = [c for c in tuple(self._served) if c.deadline is not None and c.deadline < now]
        for connection in overdue:
            connection.shut_down()
        if overdue:
            log.info("slow_clients_disconnected", count=len(overdue))
        if not self.alive:
            self._cut_what_may_be_cut()

    # --- one request, in a thread

    def handle(self, conn: Connection) -> bool:
        """gunicorn: serves the next request of a connection. Returns whether the connection may carry another."""
        clear_contextvars()  # what is said of a request that cannot be read must not carry another one's id
        conn.expect_client_within(self._settings.header_seconds)
        self._served.add(conn)
        try:
            reusable = bool(super().handle(conn))
            if reusable:
                _keep_decrypted(conn)
        except (OSError, SystemExit) as error:  # SystemExit: from an application; it must not stop the worker
            log.warning("connection_failed", **failure(error))
            reusable = False
        finally:
            conn.expect_nothing()
            conn.ends_at_stop = False
            self._served.discard(conn)
        if not reusable:
            conn.close(graceful=True)
        return reusable

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """gunicorn: the head of a request has been read."""
        conn.expect_nothing()
        req.body.reader = PatientReader(req.body.reader, conn, self._settings.body_seconds)
        try:
            return bool(super().handle_request(req, conn))
        finally:
            conn.expect_nothing()

    def _answer(
        self, application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        connection = environ["wsgi.input"].reader.connection
        response: Any = start_response.__self__  # type: ignore[attr-defined]  # gunicorn passes a method of its Response
        response.version = SERVER
        environ["SERVER_SOFTWARE"] = SERVER
        environ[CLOSE_CONNECTION] = response.force_close
        environ[END_AT_STOP] = connection.end_at_stop
        return deliver(application(environ, start_response), connection, self._settings.response_seconds)

    def handle_error(self, req: object, client: Any, addr: object, exc: Exception) -> None:  # noqa: ARG002 - gunicorn's
        """gunicorn: a request cannot be served. Answers with a status and its name, nothing of what was sent."""
        if isinstance(exc, ssl.SSLError):
            log.info("tls_refused", reason=exc.reason, client=_host(addr))
            return
        status = next((status for kind, status in _REFUSALS if isinstance(exc, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request_failed", **failure(exc))
        else:
            log.info("request_refused", status=int(status), error=type(exc).__name__, client=_host(addr))
        media_type, body = self.app.refusal(status)
        head = (
            f"HTTP/1.1 {int(status)} {status.phrase}\r\nServer: {SERVER}\r\nConnection: close\r\n"
            f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            client.settimeout(0)  # a client that does not read must not keep this thread
            client.sendall(head.encode("ascii") + body)
        except OSError:
            log.debug("refusal_not_sent", client=_host(addr))


def _keep_decrypted(conn: Connection) -> None:
    """Hands the parser what TLS has decrypted already: a pipelined request there does not make the socket readable."""
    if isinstance(conn.sock, ssl.SSLSocket) and conn.sock.pending():
        conn.parser.unreader.buf.seek(0, os.SEEK_END)
        conn.parser.unreader.buf.write(conn.sock.recv(conn.sock.pending()))


def _host(address: object) -> str:
    """The client's address; empty for a unix socket."""
    return str(address[0]) if isinstance(address, tuple) and address else ""
