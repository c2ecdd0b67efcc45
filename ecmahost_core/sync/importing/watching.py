"""Noticing that a target has changed, where its connector can tell (hook ``change_stamp``)."""

from collections.abc import Callable

import structlog

from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_core.sync.endpoint import Endpoint

log = structlog.get_logger()

RESTLESS_SECONDS = 60.0
"""How long to wait at most for a target that changes at every look to come to rest."""
BREATHER = 4.0
"""A target that changes all the time is imported for a fifth of the time at most."""


class Watch:
    """What is known of one target's changes. Used by one thread."""

    def __init__(self, endpoint: Endpoint, monotonic: Callable[[], float]) -> None:
        """Knows nothing before the first import."""
        self._endpoint, self._monotonic = endpoint, monotonic
        self._imported: str | None = None
        self._before = ""
        self._began = self._rests_until = float("-inf")
        self._seen = ""
        self._restless_since: float | None = None
        self._trouble = ""

    def begins(self) -> None:
        """An import begins: what is there now is the least that it reads."""
        self._before, self._began = self._stamp(), self._monotonic()

    def done(self) -> None:
        """The import has completed."""
        now = self._monotonic()
        self._imported = self._before
        self._rests_until = now + BREATHER * (now - self._began)
        self._restless_since = None

    def unchanged(self) -> bool:
        """Returns whether the target is certainly as the last import found it."""
        return bool(self._imported) and self._stamp() == self._imported

    def changed(self) -> bool:
        """Returns whether the target has changed since the last import, and lies still; asked at every look.

        Whoever writes it may not have finished: two looks must see the same, but for one that never comes to rest.
        """
        stamp, now = self._stamp(), self._monotonic()
        if not stamp or self._imported is None or stamp == self._imported:
            self._seen, self._restless_since = stamp, None
            return False
        still = stamp == self._seen
        self._seen = stamp
        if self._restless_since is None:
            self._restless_since = now
        return now >= self._rests_until and (still or now - self._restless_since >= RESTLESS_SECONDS)

    def _stamp(self) -> str:
        try:
            stamp = self._endpoint.connector.change_stamp()
        except (ConnectorError, BrokenContract) as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                log.warning("target_cannot_be_watched", connector=self._endpoint.name, detail=self._trouble)
            return ""
        self._trouble = ""
        return stamp
