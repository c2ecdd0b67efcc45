"""A file that is damaged or gone: set aside, and another one begun, which the imports fill from the targets.

Done by the process that starts the others, while none of them runs. Nothing is removed but what was set aside three
times before: it may be all that is left of somebody's history.

Whoever is killed in the middle is followed by the next one: the other file is whole, with all that could be read of the
journal, before the damaged one is touched, and from then on takes its place whatever happens.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from ecmahost_core.space.sqlite import damage
from ecmahost_core.space.sqlite.connection import Database
from ecmahost_core.space.sqlite.salvage import OpenEntry, put_back, salvaged
from ecmahost_core.space.sqlite.succession import begin_anew
from ecmahost_core.space.store import StoreUnavailable

KEPT = 3
"""How many files that were set aside stay: a disk that breaks every file must not be filled by them."""
NAMED = 50
"""How many open entries of a damaged file the log names."""
_BESIDE = ("-wal", "-shm", "-journal", "")  # the file itself last: killed in between, what is left is found damaged
_INFIX = ".corrupt-"
_ANEW = "the host reads every target anew"
_REMEDY = f"{_ANEW}; look at the disk"
_CUT_SHORT = "a start that was cut short has found it damaged"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Watch:
    """The file as the processes opened it.

    Attributes:
        path: of the file.
        identity: device and inode; None where there was no file yet.
    """

    path: Path
    identity: tuple[int, int] | None

    def is_over(self) -> bool:
        """Returns whether the processes must begin anew: damage was found, or the file is gone or another one.

        Costs two looks at the directory; called every second.
        """
        return damage.is_marked(self.path) or _identity(self.path) != self.identity


def mend(path: Path) -> Watch:
    """Sees to it that there is a file which can be used, and returns what is to be watched of it.

    Does nothing to a file that cannot be opened, is locked, or belongs to another program or version: whoever opens it
    says so. Raises StoreUnavailable where no file can be made.

    Args:
        path: of the store's file. No other process of the host has it open.
    """
    if _next(path).exists():
        aside = _install(path) or next(reversed(set_aside_files(path)), None)
        log.error("store_set_aside", file=str(path), reason=_CUT_SHORT, kept_as=str(aside), remedy=_REMEDY)
    lost = damage.is_lost(path)
    if damage.log_is_lost(path):
        damage.note_older(path)
    # Where somebody has come upon damage, nobody hurries.
    patience = float("inf") if damage.is_marked(path) else damage.LOOK_SECONDS
    trouble = damage.trouble_of(path, patience) if path.exists() else ""
    if trouble:
        _replace(path, trouble)
    elif not path.exists():
        if lost:
            log.error("store_lost", file=str(path), remedy=_ANEW)
        _set_aside(path)  # a log without its file belongs to nothing
        _make(path)
    elif damage.is_older(path):
        log.error("store_log_lost", file=str(path), remedy=_ANEW)
        begin_anew(path, "its log is gone")
    damage.forget_older(path)
    damage.unmark(path)
    return Watch(path, _identity(path))


def tidy(path: Path) -> None:
    """Moves the log into a file that nobody uses, so that a copy of it alone is whole. Raises StoreUnavailable."""
    if path.exists() and not damage.is_marked(path):
        _make(path)


def set_aside_files(path: Path) -> Sequence[Path]:
    """Returns the files that were set aside, the newest last."""
    return sorted(one for one in path.parent.glob(f"{path.name}{_INFIX}*") if not one.name.endswith(_BESIDE[:-1]))


def _replace(path: Path, trouble: str) -> None:
    found = salvaged(path)
    _make_next(path, found.entries)
    aside = _install(path)
    log.error(
        "store_set_aside",
        file=str(path),
        reason=trouble,
        kept_as=str(aside),
        open_entries=len(found.entries),
        unreadable=found.incomplete,
        remedy=_REMEDY,
    )
    _name(found.entries)


def _make_next(path: Path, entries: Sequence[OpenEntry]) -> None:
    """Makes the file that comes after a damaged one, which is left alone."""
    making = _beside(path, ".making")
    try:
        for suffix in _BESIDE:
            _beside(making, suffix).unlink(missing_ok=True)
        with closing(Database(making, writing=True)) as database:
            if entries:
                with database.write() as transaction:
                    put_back(transaction, entries)
        making.replace(_next(path))
    except OSError as error:
        raise StoreUnavailable(f"the file after the damaged {path} cannot be made: {error.strerror}") from error


def _install(path: Path) -> Path | None:
    """Sets aside what is there, and gives its place to the next file; returns as ``_set_aside``."""
    aside = _set_aside(path)
    try:
        _next(path).replace(path)
    except OSError as error:
        raise StoreUnavailable(f"the file after the damaged {path} cannot be put there: {error.strerror}") from error
    damage.note_closed(path)  # what was noted of the other one
    return aside


def _name(entries: Sequence[OpenEntry]) -> None:
    for entry in entries[:NAMED]:
        log.error(
            "journal_entry_salvaged",
            connector=entry.connector,
            operation=entry.row["operation"],
            object=entry.row["object_id"] or entry.row["reserved_id"],
            request_id=entry.row["request_id"],
        )


def _make(path: Path) -> None:
    Database(path, writing=True).close()


def _set_aside(path: Path) -> Path | None:
    """Gives the file and what belongs to it another name; returns the new one, None where there was no file."""
    aside = path.with_name(f"{path.name}{_INFIX}{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")
    there = path.exists()
    try:
        for suffix in _BESIDE:
            if _beside(path, suffix).exists():
                _beside(path, suffix).replace(_beside(aside, suffix))
    except OSError as error:
        raise StoreUnavailable(f"the damaged {path} cannot be set aside: {error.strerror}") from error
    others = [one for one in set_aside_files(path) if one != aside]
    for old in others[: -(KEPT - 1)]:
        log.warning("store_copy_removed", file=str(old))
        for suffix in _BESIDE:
            _beside(old, suffix).unlink(missing_ok=True)
    return aside if there else None


def _next(path: Path) -> Path:
    return _beside(path, ".next")


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
