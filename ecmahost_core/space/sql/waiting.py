"""Waiting for keys that another write owns."""

import threading
import time
from collections.abc import Sequence

from ecmahost_core.space.sql.database import Database
from ecmahost_core.space.sql.opening import held

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.05


class Releases:
    """Wakes this process's threads when one of them releases keys; releases by other processes are found by polling."""

    def __init__(self, database: Database) -> None:
        """Looks at the journal through this database."""
        self._database = database
        self._changed = threading.Condition()
        self._count = 0

    def announce(self) -> None:
        """Wakes those who wait; called after the commit that released keys."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait(self, type_id: int, texts: Sequence[str], timeout: float) -> bool:
        """Waits until none of the keys is owned, at most ``timeout`` seconds; returns whether they are free."""
        deadline = time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while True:
            # Noted before looking, so that a release between the look and the wait is not slept through.
            seen = self._count
            with self._database.read() as connection:
                if not held(connection, type_id, texts):
                    return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._changed:
                if self._count == seen:
                    self._changed.wait(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
