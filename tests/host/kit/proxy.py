"""A TCP proxy on loopback that does what networks do: delays, hangs, resets, loses bytes, half-opens."""

import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: a close sends RST, and what was not sent is thrown away."""
_CHUNK = 65536


class Fault(Enum):
    """What happens to bytes that arrive from now on."""

    NONE = auto()
    DRIP = auto()
    """Every byte comes, a few at a time."""
    HANG = auto()
    """Nothing is passed on, in neither direction; what was connected stays connected."""
    MUTE = auto()
    """Requests reach the server, its answers reach nobody."""
    CUT = auto()
    """Of the next answer a few bytes are passed on, then as MUTE."""
    RESET = auto()
    """The next answer, and every connection afterwards, ends with a reset."""
    LOSE = auto()
    """Every answer lacks some bytes in its middle."""
    REFUSE = auto()
    """Connections are reset at once, old and new ones."""
    HALF_OPEN = auto()
    """The server's side is closed, and the client is not told; new connections are as with HANG."""


@dataclass(eq=False)
class _Pair:
    client: socket.socket
    server: socket.socket
    cut: bool = False


@dataclass
class FaultProxy:
    """Listens on ``port`` and passes everything on to ``target`` as ``fault`` says, which may be changed at any time.

    Attributes:
        connections: how many were accepted.
    """

    target: int
    fault: Fault = Fault.NONE
    connections: int = 0
    _pairs: list[_Pair] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _closed: bool = False

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def set(self, fault: Fault) -> None:
        """Changes what happens from now on."""
        self.fault = fault
        if fault is Fault.REFUSE:
            self._reset_all()
        if fault is Fault.HALF_OPEN:
            for pair in list(self._pairs):
                with suppress(OSError):
                    pair.server.shutdown(socket.SHUT_RDWR)

    def heal(self) -> None:
        """Ends the fault; connections that it has harmed end with a reset, as when a router comes back."""
        self._reset_all()
        self.fault = Fault.NONE

    def close(self) -> None:
        """Ends everything."""
        self._closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._reset_all()
        for thread in self._threads:
            thread.join(10)

    def _start(self, *call: object) -> None:
        function, *arguments = call
        thread = threading.Thread(target=function, args=arguments, daemon=True)  # type: ignore[arg-type]  # one of ours
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.fault is Fault.REFUSE:
                _reset(client)
                continue
            pair = _Pair(client, socket.create_connection(("127.0.0.1", self.target)))
            for end in (pair.client, pair.server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs.append(pair)
            self._start(self._pump, pair, client, pair.server, False)
            self._start(self._pump, pair, pair.server, client, True)

    def _pump(self, pair: _Pair, source: socket.socket, sink: socket.socket, answer: bool) -> None:
        while True:
            try:
                data = source.recv(_CHUNK)
            except OSError:
                data = b""
            if self.fault is Fault.HALF_OPEN and answer and not data:
                return
            if not data:
                for end in (pair.client, pair.server):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                return
            with suppress(OSError):
                self._pass_on(pair, data, sink, answer=answer)

    def _pass_on(self, pair: _Pair, data: bytes, sink: socket.socket, *, answer: bool) -> None:
        fault = self.fault
        if fault in (Fault.HANG, Fault.HALF_OPEN) or (fault is Fault.MUTE and answer):
            return
        if fault is Fault.CUT and answer:
            if not pair.cut:
                pair.cut = True
                sink.sendall(data[:3])
        elif fault is Fault.RESET and answer:
            _reset(pair.client)
            _reset(pair.server)
        elif fault is Fault.LOSE and answer:
            sink.sendall(data[: len(data) // 3] + data[len(data) // 2 :])
        elif fault is Fault.DRIP:
            for start in range(0, len(data), 256):
                sink.sendall(data[start : start + 256])
                time.sleep(0.001)
        else:
            sink.sendall(data)

    def _reset_all(self) -> None:
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _reset(pair.client)
            _reset(pair.server)


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.shutdown(socket.SHUT_RD)  # wakes whoever reads from it
    end.close()
