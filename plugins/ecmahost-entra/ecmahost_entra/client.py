"""The transport: one keep-alive HTTPS connection that looks on the wire as Entra's provisioning service does.

No User-Agent, no Accept, no Accept-Encoding; redirects are not followed (a bearer token goes to one address only), and
nothing is retried but a GET on a kept connection that the server had closed. The standard library's ``http.client``
suits that better than a library with habits of its own.
"""

import contextlib
import http.client
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import orjson

from ecmahost_entra.wire import Address, Answer, NoAnswer, NoAnswerKind, Request

CONTENT_TYPE = "application/scim+json; charset=utf-8"
PATIENCE = 60.0
"""Seconds that Entra waits for an answer."""
LONGEST_ANSWER = 16 * 1024 * 1024


def trust_certificate(certificate: str) -> ssl.SSLContext:
    """Returns a context that trusts exactly this PEM file: the host's own certificate, or an authority.

    The host's certificate need not be self-signed: with PARTIAL_CHAIN a leaf is an anchor too. Raises OSError
    (ssl.SSLError is one) when the file cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cafile=certificate)
    return context


def trust_system(certificate: str) -> ssl.SSLContext:
    """Returns a context that trusts this PEM file and what the operating system trusts. Raises OSError."""
    context = trust_certificate(certificate)
    context.load_default_certs()
    return context


class ScimClient:
    """One keep-alive connection to one connector of a host. Used by one thread.

    Args:
        address: the tenant URL.
        token: gives the bearer token, printable ASCII, for each request: one that expires is made anew in time.
        trust: which certificates are accepted; the host's name is always verified.
        patience: seconds for one whole exchange.
    """

    def __init__(
        self, address: Address, token: Callable[[], str], trust: ssl.SSLContext, patience: float = PATIENCE
    ) -> None:
        self.address = address
        self.opened = 0
        self._token = token
        self._trust = trust
        self._patience = patience
        self._connection: http.client.HTTPSConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; the next request opens another. An answer still under way is given up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def send(self, request: Request) -> Answer:
        """Sends one request and returns the whole answer. Raises NoAnswer; the connection is then closed."""
        kept = self._connection is not None and not _closed_by_server(self._connection)
        try:
            return self._exchange(request, reuse=kept)
        except NoAnswer as error:
            if not (kept and request.method == "GET" and error.kind is NoAnswerKind.CLOSED):
                raise
        # The server may close an idle connection in the very moment in which we use it; a GET may be sent again.
        return self._exchange(request, reuse=False)

    def _exchange(self, request: Request, *, reuse: bool) -> Answer:
        started = time.monotonic()
        complete = False
        try:
            connection = self._open(reuse=reuse)
            with _deadline(connection, self._patience):
                self._write(connection, request)
                answer = _read(connection.getresponse(), started)
            complete = True
            return answer
        except (OSError, http.client.HTTPException) as error:
            late = time.monotonic() - started >= self._patience
            raise _no_answer(error, late=late, patience=self._patience) from error
        finally:
            if not complete:  # also when interrupted: what is left of this answer must not meet the next request
                self.close()

    def _open(self, *, reuse: bool) -> http.client.HTTPSConnection:
        if reuse and self._connection is not None:
            return self._connection
        self.close()
        self._connection = http.client.HTTPSConnection(
            self.address.host, self.address.port, timeout=self._patience, context=self._trust
        )
        self._connection.connect()
        self.opened += 1
        return self._connection

    def _write(self, connection: http.client.HTTPSConnection, request: Request) -> None:
        connection.putrequest(request.method, self.address.path + request.target, skip_accept_encoding=True)
        connection.putheader("Authorization", f"Bearer {self._token()}")
        body = None
        if request.body is not None:
            body = orjson.dumps(request.body)
            connection.putheader("Content-Type", CONTENT_TYPE)
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)


def _closed_by_server(connection: http.client.HTTPSConnection) -> bool:
    """Whether an idle connection is of no use: between two answers nothing may be readable but its end."""
    if connection.sock is None:
        return True
    readable, _, _ = select.select([connection.sock], [], [], 0)
    return bool(readable)


@contextlib.contextmanager
def _deadline(connection: http.client.HTTPSConnection, seconds: float) -> Iterator[None]:
    """Ends the connection when the time is up: a timeout of the socket alone would let an answer drip for ever."""
    raw: socket.socket = connection.sock
    timer = threading.Timer(seconds, _cut, (raw,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(raw: socket.socket) -> None:
    # The plain socket's shutdown: SSLSocket.shutdown would take the TLS layer away under the reading thread.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(raw, socket.SHUT_RDWR)


def _read(response: http.client.HTTPResponse, started: float) -> Answer:
    body = response.read(LONGEST_ANSWER + 1)
    if len(body) > LONGEST_ANSWER:
        raise NoAnswer(NoAnswerKind.TOO_LONG, f"more than {LONGEST_ANSWER} bytes")
    if response.length:  # read() with a limit does not complain about a body that ends early
        raise http.client.IncompleteRead(body, response.length)
    response.close()
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        headers.setdefault(name.lower(), value)
    return Answer(response.status, headers, body, (time.monotonic() - started) * 1000)


_CERTIFICATE_KINDS = {
    10: NoAnswerKind.TLS_EXPIRED,  # X509_V_ERR_CERT_HAS_EXPIRED
    62: NoAnswerKind.TLS_NAME,  # X509_V_ERR_HOSTNAME_MISMATCH
    64: NoAnswerKind.TLS_NAME,  # X509_V_ERR_IP_ADDRESS_MISMATCH
}


def _no_answer(error: Exception, *, late: bool, patience: float) -> NoAnswer:
    """Names what happened. Only the system's own words are quoted, never what was sent."""
    if late or isinstance(error, TimeoutError):
        return NoAnswer(NoAnswerKind.HANGING, f"{patience:g} s")
    if isinstance(error, ssl.SSLCertVerificationError):
        return NoAnswer(_CERTIFICATE_KINDS.get(error.verify_code, NoAnswerKind.TLS_UNTRUSTED), error.verify_message)
    kinds: tuple[tuple[type[Exception], NoAnswerKind], ...] = (
        (http.client.RemoteDisconnected, NoAnswerKind.CLOSED),
        (ConnectionRefusedError, NoAnswerKind.REFUSED),
        (socket.gaierror, NoAnswerKind.NAME_UNKNOWN),
        (ssl.SSLEOFError, NoAnswerKind.CLOSED),
        (ssl.SSLError, NoAnswerKind.TLS),
        (ConnectionError, NoAnswerKind.CLOSED),
        (http.client.IncompleteRead, NoAnswerKind.CLOSED),
        (http.client.HTTPException, NoAnswerKind.NOT_HTTP),
    )
    for type_, kind in kinds:
        if isinstance(error, type_):
            return NoAnswer(kind, _words(error))
    return NoAnswer(NoAnswerKind.UNREACHABLE, _words(error))


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or ""
    if isinstance(error, http.client.IncompleteRead):
        return f"{len(error.partial)} bytes of the body had come"
    if isinstance(error, OSError):
        return error.strerror or ""
    return type(error).__name__
