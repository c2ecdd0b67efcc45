"""A copy of the store's file, taken while others use it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from ecmahost_core.space.sqlite.damage import trouble_of
from ecmahost_core.space.sqlite.failures import unavailable
from ecmahost_core.space.store import StoreUnavailable


def copy(path: Path, target: Path) -> None:
    """Writes a whole and consistent copy of ``path``, log included, to ``target``, for its owner alone.

    It is of one moment: writers go on meanwhile. Raises StoreUnavailable where the file cannot be read or is damaged,
    OSError where the copy cannot be written.
    """
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=15)) as source,
            closing(sqlite3.connect(target)) as into,
        ):
            source.backup(into)
            into.execute("PRAGMA journal_mode = DELETE").fetchall()
    except sqlite3.Error as error:
        raise unavailable(error, path) from error
    if trouble_of(target, float("inf")):
        raise StoreUnavailable(f"the connector space {path} is damaged: restart the host, which sets it aside")
