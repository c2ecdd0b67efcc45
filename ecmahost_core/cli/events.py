"""A connector's events as they come, from whichever store the host has: a damaged file is replaced by another one."""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from ecmahost_core.cli.output import configured
from ecmahost_core.configuration.home import Home
from ecmahost_core.configuration.load import load_host
from ecmahost_core.host import Host, open_host
from ecmahost_core.space.history import StoredEvent
from ecmahost_core.space.store import StoreUnavailable

LOOK_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 60.0
"""How long a store that cannot be read is waited for, while it is followed: a damaged one is replaced within that."""
_BATCH: Final = 500
_LAST: Final = 20


class Events:
    """The events of one connector. Opens the store for reading, and anew where the file is another one; to be closed.

    Raises ConfigurationError, UnknownConnector and StoreUnavailable.
    """

    def __init__(self, home: Home, name: str) -> None:
        """Opens the store."""
        self._home, self._name = home, name
        configuration = load_host(home)
        self._path = None if configuration.server is not None else configuration.store
        self._file = _identity(self._path)  # before it is opened, so that a replacement in between is noticed
        self._host: Host = open_host(home, writing=False)
        self._last: StoredEvent | None = None
        self._shown_until: datetime | None = None
        try:
            configured(self._host, name)
        except BaseException:
            self._host.close()
            raise

    def close(self) -> None:
        """Closes the store."""
        self._host.close()

    def newest(self) -> Iterator[StoredEvent]:
        """Yields the last events that there are, the oldest first."""
        for event in reversed(self._host.store.events(self._name, _LAST)):
            self._last = event
            yield event

    def next(self) -> Iterator[StoredEvent]:
        """Yields what comes behind the last one that was yielded; from the beginning where none was."""
        while True:
            found = self._host.store.events_after(self._name, self._last.seq if self._last else 0, _BATCH)
            for event in found:
                self._last = event
                if self._shown_until is None or event.time > self._shown_until:
                    self._shown_until = None
                    yield event
            if len(found) < _BATCH:
                return

    def follow(self) -> Iterator[StoredEvent]:
        """Yields what comes, for ever. A store that cannot be read for a while is waited for."""
        until: float | None = None
        while True:
            try:
                self._look_for_another_file()
                yield from self.next()
                until = None
            except StoreUnavailable:
                now = time.monotonic()
                until = until or now + PATIENCE_SECONDS
                if now > until:
                    raise
            time.sleep(LOOK_SECONDS)

    def _look_for_another_file(self) -> None:
        found = _identity(self._path)
        if found is None or found == self._file:
            return
        host = open_host(self._home, writing=False)
        self._host.close()
        self._host, self._file = host, found
        # It counts anew; a backup that was put back begins with what was shown already.
        if self._last is not None:
            self._shown_until, self._last = self._last.time, None


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Returns what tells a file from another one that takes its place; None where there is none."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
