"""A schema that holds an older state than this host has seen: a dump was put back, or a failover lost the newest.

The database cannot tell, for a dump has all that the schema had. So each host keeps beside its locks how far it has
seen the store's change number come, by epoch. A store that is behind that, or is in an epoch that was left for another
one, is older; it begins anew, and so in an epoch that no other host takes for older.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import structlog

from ecmahost_core.space.postgresql.database import Database
from ecmahost_core.space.sql import succession

_NAME = "store.seen"
_EPOCHS = 20
"""How many epochs are remembered."""

_STATE = "SELECT epoch, change_seq FROM store"
_REASON = "the schema held an older state than this host had seen"

log = structlog.get_logger()


class Sightings:
    """How far this host has seen the store come: a lower bound, for it is noted once a second at most."""

    def __init__(self, runtime: Path) -> None:
        """Reads what is kept in a file below ``runtime``; the store is read for a comparison after that."""
        self._file = runtime / _NAME
        self._before = self._read()
        self._noted: tuple[str, int] | None = None

    def are_newer(self, epoch: str, change_seq: int) -> bool:
        """Returns whether this host had seen a newer state than this one."""
        seen = self._before
        return epoch in seen and (change_seq < seen[epoch] or epoch != next(reversed(seen)))

    def note(self, epoch: str, change_seq: int) -> None:
        """Notes what was committed. A file that cannot be written makes no difference to any request."""
        if self._noted == (epoch, change_seq):
            return
        seen = self._read()
        seen[epoch] = max(change_seq, seen.get(epoch, 0))
        new = self._file.with_name(f"{_NAME}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(dict(list(seen.items())[-_EPOCHS:])))
            new.replace(self._file)
        except OSError as error:
            log.warning("store_seen_not_noted", file=str(self._file), reason=error.strerror)
        self._noted = epoch, change_seq

    def _read(self) -> dict[str, int]:
        try:
            found = json.loads(self._file.read_text())
            return {str(epoch): int(seq) for epoch, seq in found.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # nothing was noted yet, or the power went while it was


def catch_up(database: Database, runtime: Path) -> Callable[[], None]:
    """Begins the store anew where it is older than what this host has seen; returns what notes how far it has come.

    Raises StoreUnavailable.

    Args:
        database: whose schema is of this version; opened for writing.
        runtime: the directory of this host's lock files.
    """
    sightings = Sightings(runtime)
    epoch, seq = _state(database)
    if sightings.are_newer(epoch, seq):
        with database.write() as transaction:
            ((found, seq),) = transaction.connection.execute(_STATE).fetchall()
            if sightings.are_newer(found, seq):  # nobody else was faster
                succession.begin_anew(transaction, _REASON)
                log.error("store_put_back", schema=database.schema, remedy="the host reads every target anew")
        epoch, seq = _state(database)
    database.newest = seq
    sightings.note(epoch, seq)
    return lambda: sightings.note(epoch, database.newest)


def _state(database: Database) -> tuple[str, int]:
    with database.read() as connection:
        ((epoch, seq),) = connection.execute(_STATE).fetchall()
    return epoch, seq
