"""A server that says nothing, and does not end the connection either: waiting for it has an end on this side.

A process that stands still (SIGSTOP, a frozen virtual machine, a disk that hangs) keeps its connections, and its kernel
acknowledges whatever is sent: no timeout of the server's comes to its turn, and TCP notices nothing.
"""

import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

T = TypeVar("T")


class Unanswered(psycopg.OperationalError):
    """The server has said nothing for too long. The connection is closed: an answer that comes now is nobody's."""


class Watched(psycopg.Connection[Any]):
    """A connection on which nothing is waited for without an end.

    Attributes:
        silence: for how many seconds the server may be silent while something is waited for; None for ever. It is
            silence that counts and not the time altogether: thousands of rows may take longer to send.
    """

    silence: float | None = None

    def wait(self, gen: PQGen[T], *arguments: Any, **more: Any) -> T:
        """See ``psycopg.Connection``, which does all its waiting here; raises Unanswered."""
        return super().wait(self._attended(gen), *arguments, **more)

    def _attended(self, steps: PQGen[T]) -> PQGen[T]:
        """Goes through the steps of a protocol; psycopg comes back every 100 ms where the server is not ready."""
        try:
            wanted = next(steps)
            since = time.monotonic()
            while True:
                ready = yield wanted
                if ready:
                    since = time.monotonic()
                elif self.silence is not None and time.monotonic() > since + self.silence:
                    self.close()
                    raise Unanswered("the server gave no answer")
                wanted = steps.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result
