"""Whether the file is damaged: seen at the start, within half a second, or wherever SQLite comes upon it later.

Small files stand beside it. Whoever comes upon damage leaves a mark: the process that starts the others then looks
at the whole file, and sets it aside (``mending``). A file that is locked, or that may not be read, is not damaged. And
whoever uses the file notes it, so that a file without the log that its users left when they died is known for what it
is: an older state. That is noted in turn, before anybody opens it, until it was dealt with.
"""

import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
LOOK_SECONDS = 0.5
"""How long a start may be kept by looking at the file."""
_STEPS = 20_000
"""SQLite's own steps between two looks at the clock: some milliseconds."""
_WAIT_SECONDS = 5.0


def is_damage(error: sqlite3.Error) -> bool:
    """Returns whether an error means that the file itself is broken."""
    return (getattr(error, "sqlite_errorname", None) or "").startswith(DAMAGE)


def mark(path: Path) -> None:
    """Leaves the mark; a disk that takes none has told its trouble already."""
    with suppress(OSError):
        _mark_of(path).touch(mode=0o600)


def is_marked(path: Path) -> bool:
    """Returns whether somebody has come upon damage."""
    return _mark_of(path).exists()


def unmark(path: Path) -> None:
    """Takes the mark away: the file was looked at, or is not there any more."""
    with suppress(OSError):
        _mark_of(path).unlink(missing_ok=True)


def trouble_of(path: Path, seconds: float = LOOK_SECONDS) -> str:
    """Returns what is wrong with the file, empty where nothing is known to be; looks for ``seconds`` at most.

    With an infinite time everything is looked at, the indexes against their tables too. Also empty where the file
    cannot be opened or is locked: that is not its fault.
    """
    try:
        location = f"file:{quote(str(path.absolute()))}?mode=rw"
        with closing(sqlite3.connect(location, uri=True, timeout=_WAIT_SECONDS)) as connection:
            return _trouble(connection, seconds)
    except sqlite3.Error as error:
        return str(getattr(error, "sqlite_errorname", "")) if is_damage(error) else ""
    finally:
        note_closed(path)


def note_open(path: Path) -> None:
    """Notes that a process uses the file; called before it does."""
    with suppress(OSError):
        _note_of(path).touch(mode=0o600)


def note_closed(path: Path) -> None:
    """Takes that note back where the last one to close the file has left no log; called after it is closed."""
    if not _log_of(path).exists():
        with suppress(OSError):
            _note_of(path).unlink(missing_ok=True)


def is_lost(path: Path) -> bool:
    """Returns whether somebody has used the file and it is not there any more."""
    return _note_of(path).exists() and not path.exists()


def log_is_lost(path: Path) -> bool:
    """Returns whether the file was left in use by those who died, and the log that they left is not there any more."""
    return path.exists() and _note_of(path).exists() and not _log_of(path).exists()


def note_older(path: Path) -> None:
    """Notes that the file is an older state; called before anybody opens it, because then its log is there again."""
    with suppress(OSError):
        _older_of(path).touch(mode=0o600)


def is_older(path: Path) -> bool:
    """Returns whether that was noted."""
    return path.exists() and _older_of(path).exists()


def forget_older(path: Path) -> None:
    """Takes that note back: the file goes on as a newer one, or is another one."""
    with suppress(OSError):
        _older_of(path).unlink(missing_ok=True)


def _trouble(connection: sqlite3.Connection, seconds: float) -> str:
    until = time.monotonic() + seconds
    thorough = seconds == float("inf")
    if not thorough:
        connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    check = "integrity_check" if thorough else "quick_check"
    found = connection.execute(f"PRAGMA {check}(1)").fetchone()
    return "" if found is None or found[0] == "ok" else "integrity check failed"


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _note_of(path: Path) -> Path:
    return path.with_suffix(".open")


def _mark_of(path: Path) -> Path:
    return path.with_suffix(".damaged")


def _older_of(path: Path) -> Path:
    return path.with_suffix(".older")
