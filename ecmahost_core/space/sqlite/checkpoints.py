"""Keeping the log (WAL) small under readers that never pause.

SQLite moves the log's pages into the file by itself, but begins the log anew only in a moment in which nobody reads
from it, and with many readers there is none: the log would grow for ever. A writer therefore asks for that moment once
the log is long. It waits a little for those who read, while newcomers read the file alone.
"""

import sqlite3
import time
from pathlib import Path

LONG = 96 * 1024 * 1024
"""Bytes: three times as long as what SQLite moves by itself at the latest."""
LOOK_AFTER = 64
"""Commits between two looks at the log's length."""
WAIT_MILLISECONDS = 500
"""How long other writers may be kept waiting for it."""
AGAIN_SECONDS = 5.0
"""After it was in vain: somebody reads for long, a backup for example."""


class Checkpoints:
    """Of one process. Used by its writer alone."""

    def __init__(self, path: Path) -> None:
        """Keeps the log of this file small."""
        self._log = path.with_name(f"{path.name}-wal")
        self._commits = 0
        self._not_before = 0.0

    def after_commit(self, connection: sqlite3.Connection) -> None:
        """Called by the writer after each commit, with no transaction open. Never raises: the commit stands."""
        self._commits += 1
        if self._commits % LOOK_AFTER or time.monotonic() < self._not_before or self._length() < LONG:
            return
        try:
            busy = _begin_anew(connection)
        except sqlite3.Error:
            busy = True
        if busy:
            self._not_before = time.monotonic() + AGAIN_SECONDS

    def _length(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0


def _begin_anew(connection: sqlite3.Connection) -> bool:
    """Returns whether somebody reads from the log for too long."""
    # What can be moved beside other writers is, first: the rest is then quick.
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout = {WAIT_MILLISECONDS}")
    try:
        ((busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute("PRAGMA busy_timeout = 0")
    return bool(busy)
