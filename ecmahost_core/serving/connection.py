"""A client's connection, and how long a thread may wait for its client."""

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]  # gunicorn has no type information
from gunicorn.workers.gthread import TConn  # type: ignore[import-untyped]  # gunicorn has no type information

LINGER_SECONDS = 2.0
LINGER_BYTES = 16 * 1024 * 1024


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no type information
    """One accepted connection.

    While a thread waits for the client, ``deadline`` (monotonic seconds) says until when; the accept loop shuts the
    socket down after that, which wakes the thread. None: nobody waits for the client.
    """

    deadline: float | None = None
    ends_at_stop = False
    """Whether the answer that is being sent may be cut when the host stops."""
    _closed = False

    def expect_client_within(self, seconds: float) -> None:
        """Called by the serving thread before it waits for the client."""
        self.deadline = time.monotonic() + seconds

    def expect_nothing(self) -> None:
        """Called by the serving thread when the client has done its part."""
        self.deadline = None

    def end_at_stop(self) -> None:
        """Called by the serving thread for an answer that nobody waits for at a stop."""
        self.ends_at_stop = True

    def shut_down(self) -> None:
        """Ends the connection under the thread that waits on it. Called by the accept loop; never raises."""
        # SSLSocket.shutdown would drop the TLS state while the other thread is using it, and that thread would then
        # read ciphertext as if it were a request.
        with suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
            self.deadline, self.ends_at_stop = None, False

    def close(self, *, graceful: bool = False) -> None:
        """Closes the socket, once. ``graceful`` waits for the client to read the answer first (RFC 9112 section 9.6).

        gunicorn's own raises for a socket that is closed already, and its accept loop then counts the connection
        twice.
        """
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):
            if graceful:
                self._say_goodbye()
                util.close_graceful(self.sock, timeout=LINGER_SECONDS, max_drain=LINGER_BYTES)
        util.close(self.sock)

    def _say_goodbye(self) -> None:
        """Sends TLS's close_notify, which tells a client that its answer is whole (RFC 8446 section 6.1)."""
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.settimeout(0)  # send, but do not wait for the client's own
            with suppress(OSError, ValueError):
                self.sock.unwrap()


class PatientReader:
    """Stands before gunicorn's reader of a request body; the time that it waits for the client is bounded."""

    def __init__(self, reader: Any, connection: Connection, seconds: float) -> None:
        # The reader is gunicorn's LengthReader or ChunkedReader, neither of which has type information.
        self._reader = reader
        self._left = seconds
        self.connection = connection

    def read(self, size: int) -> bytes:
        """gunicorn: called by the body for up to ``size`` bytes, empty at its end."""
        started = time.monotonic()
        self.connection.expect_client_within(self._left)
        try:
            data: bytes = self._reader.read(size)
        finally:
            self.connection.expect_nothing()
            self._left -= time.monotonic() - started
        return data


def deliver(parts: Iterable[bytes], connection: Connection, seconds: float) -> Iterator[bytes]:
    """Yields an application's answer to the server; the client must take all of it within ``seconds``.

    The deadline runs only while a part is being sent, not while the application makes the next one. It is left running
    after the last part, for what the server adds to it; whoever sent the answer ends it with ``expect_nothing``.
    """
    left = seconds
    try:
        for part in parts:
            started = time.monotonic()
            connection.expect_client_within(left)
            yield part
            connection.expect_nothing()
            left -= time.monotonic() - started
        connection.expect_client_within(left)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
