"""What callers see of an error of SQLite: its name and a way out, never a statement or a value."""

import sqlite3
from pathlib import Path

import structlog

from ecmahost_core.space.sqlite import damage
from ecmahost_core.space.store import StoreUnavailable

_REASONS = {
    "SQLITE_FULL": "the disk is full: make room, nothing was written",
    "SQLITE_BUSY": "another process has kept it locked for too long: try again",
    "SQLITE_READONLY": "the file may not be written: check its owner and the file system",
    "SQLITE_CANTOPEN": "the file cannot be opened: check its path, its owner and its directory",
    "SQLITE_NOTADB": "the file is not a SQLite database: a host that runs, or starts, sets it aside and begins another",
    "SQLITE_CORRUPT": "the file is damaged: a host that runs, or starts, sets it aside and begins another",
    "SQLITE_IOERR": "the disk reports an error",
}
PASSING = ("SQLITE_BUSY", "SQLITE_CONSTRAINT")
"""Names that say nothing of the disk."""
KEEPS_CONNECTION = ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_CONSTRAINT")
"""Names after which the connection is as good as before."""

_log = structlog.get_logger()


def unavailable(error: sqlite3.Error, path: Path) -> StoreUnavailable:
    """Returns what callers see of an error of SQLite: its name and a way out, never a statement or a value."""
    name = name_of(error)
    if damage.is_damage(error):
        damage.mark(path)
    _log.error("store_unavailable", code=name)
    return StoreUnavailable(f"the connector space {path} cannot be used: {reason_of(name)} ({name})")


def reason_of(name: str) -> str:
    """Returns what the name of an error means, and the way out."""
    return next((reason for prefix, reason in _REASONS.items() if name.startswith(prefix)), "SQLite refused")


def name_of(error: sqlite3.Error) -> str:
    """Returns SQLite's name of an error, as exactly as this Python knows it."""
    return str(getattr(error, "sqlite_errorname", None) or type(error).__name__)
