"""SCIM clients over kept-alive TLS connections, in a process of their own so that they share no interpreter lock.

One process drives all connections from one loop: each carries one request after the other, as Entra's do. The loop
costs a client's share of the machine, which counts against the host as well; compare ratios, not rates.
"""

import json
import multiprocessing
import selectors
import socket
import ssl
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any
from urllib.parse import quote

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Request:
    """A request to one connector; ``path`` begins behind ``/scim``."""

    method: str
    path: str
    body: bytes = b""


def match(user_name: str) -> Request:
    """What Entra asks before it creates a user."""
    return Request("GET", f"/Users?filter={quote(f'userName eq {json.dumps(user_name)}', safe='')}")


@dataclass(frozen=True, slots=True)
class Load:
    """What one client process sends.

    Attributes:
        port: of the host on 127.0.0.1.
        certificate: what the client trusts.
        connector: whose address the requests go to.
        token: the bearer token.
        requests: in this order.
        expected: the status that each answer must have; 0 takes any.
        concurrency: connections, each with one request under way.
        repeat: begin again at the end of the requests; otherwise the load ends there.
        seconds: the longest time that new requests are sent.
    """

    port: int
    certificate: Path
    connector: str
    token: str
    requests: Sequence[Request]
    expected: int = 200
    concurrency: int = 1
    repeat: bool = True
    seconds: float = 3600.0


@dataclass(slots=True)
class Answers:
    """What came of a load. Times are in seconds on ``time.monotonic``'s clock, which all processes share.

    Attributes:
        began: when each answered request was sent.
        took: how long each took.
        bodies: what was answered, where the load does not repeat.
    """

    began: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def between(self, start: float, end: float) -> "Answers":
        """Those of requests that were sent and answered within a span of time."""
        chosen = [(b, t) for b, t in zip(self.began, self.took, strict=True) if start <= b and b + t <= end]
        return Answers([b for b, _ in chosen], [t for _, t in chosen])

    @property
    def rate(self) -> float:
        """Answers a second, from the first request to the last answer."""
        end = max(b + t for b, t in zip(self.began, self.took, strict=True))
        return len(self.took) / (end - self.began[0])

    @property
    def p50(self) -> float:
        """Median latency in milliseconds."""
        return statistics.median(self.took) * 1000

    def percentile(self, percent: float) -> float:
        """Latency in milliseconds below which ``percent`` of the answers came."""
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


class Clients:
    """A client process that is under way."""

    def __init__(self, load: Load) -> None:
        self._stop = _SPAWN.Event()
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_run, args=(load, self._stop, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._receive()  # all connections are there

    def result(self) -> Answers:
        """Waits until the load has ended by itself, and returns its answers."""
        answers = self._receive()
        assert isinstance(answers, Answers)
        self._process.join()
        return answers

    def stop(self) -> Answers:
        """Ends the load after the requests that are under way, and returns its answers."""
        self._stop.set()
        return self.result()

    def kill(self) -> None:
        """Ends the process without waiting for answers."""
        self._process.kill()
        self._process.join()

    def _receive(self) -> object:
        try:
            found = self._pipe.recv()
        except EOFError:
            raise SystemExit("a client process died; its message is above") from None
        if isinstance(found, str):
            raise SystemExit(found)
        return found


def drive(load: Load) -> Answers:
    """Runs a load to its end in a process of its own."""
    return Clients(load).result()


@contextmanager
def under_way(load: Load) -> Iterator[Clients]:
    """Yields clients that send until ``stop``; ends them in any case."""
    clients = Clients(load)
    try:
        yield clients
    finally:
        clients.kill()


def _run(load: Load, stop: Event, pipe: Pipe) -> None:
    """The client process."""
    result: Any
    try:
        with selectors.DefaultSelector() as poller:
            connections = [_Connection(load, poller) for _ in range(load.concurrency)]
            pipe.send(None)
            result = _drive(load, stop, poller, connections)
    except (OSError, _Unexpected) as error:
        result = f"the client gave up: {error!r}"
    pipe.send(result)


class _Unexpected(Exception):
    """An answer that spoils the measurement."""


def _drive(load: Load, stop: Event, poller: selectors.BaseSelector, connections: "list[_Connection]") -> Answers:
    answers = Answers()
    waiting: Iterator[Request] = cycle(load.requests) if load.repeat else iter(load.requests)
    wires = {request: _wire(load, request) for request in set(load.requests)}
    until = time.monotonic() + load.seconds
    busy = 0
    for connection in connections:
        request = next(waiting, None)
        if request is not None:
            connection.send(request, wires[request])
            busy += 1
    while busy:
        for key, _events in poller.select(1.0):
            connection = key.data
            if not connection.receive():
                continue
            connection.note(answers, load.expected, keep=not load.repeat)
            request = next(waiting, None) if time.monotonic() < until and not stop.is_set() else None
            if request is None:
                busy -= 1
            else:
                connection.send(request, wires[request])
    return answers


def _wire(load: Load, request: Request) -> bytes:
    lines = [
        f"{request.method} /ecma2host_{load.connector}/scim{request.path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {load.token}",
        "Accept: application/scim+json",
    ]
    if request.body:
        lines += ["Content-Type: application/scim+json; charset=utf-8", f"Content-Length: {len(request.body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + request.body


class _Connection:
    """One kept-alive connection."""

    def __init__(self, load: Load, poller: selectors.BaseSelector) -> None:
        context = ssl.create_default_context(cafile=load.certificate)
        context.check_hostname = False
        plain = socket.create_connection(("127.0.0.1", load.port), timeout=60)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(plain)
        self._socket.settimeout(0)
        poller.register(self._socket, selectors.EVENT_READ, self)
        self._received = bytearray()
        self._began = 0.0
        self._request = Request("", "")

    def send(self, request: Request, wire: bytes) -> None:
        self._request = request
        self._received.clear()
        self._began = time.monotonic()
        self._socket.sendall(wire)

    def receive(self) -> bool:
        """Takes what has come; returns whether the answer is whole."""
        try:
            while True:
                part = self._socket.recv(65536)
                if not part:
                    raise _Unexpected(f"the host closed the connection in {self._request.method} {self._request.path}")
                self._received += part
        except (ssl.SSLWantReadError, BlockingIOError):
            pass
        head, blank, body = self._received.partition(b"\r\n\r\n")
        return bool(blank) and len(body) >= _content_length(bytes(head))

    def note(self, answers: Answers, expected: int, *, keep: bool) -> None:
        took = time.monotonic() - self._began
        status = int(self._received[9:12])
        if expected and status != expected:
            raise _Unexpected(f"{self._request.method} {self._request.path}: {bytes(self._received[-500:])!r}")
        answers.began.append(self._began)
        answers.took.append(took)
        if keep:
            answers.bodies.append(bytes(self._received.partition(b"\r\n\r\n")[2]))


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    return 0
