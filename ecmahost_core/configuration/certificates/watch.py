"""Notices that files have been replaced, and that nobody is writing them any more."""

import time
from pathlib import Path

SETTLED_SECONDS = 1.0
"""A file that was written in place, piece by piece, is complete when it has been left alone for so long."""

FileIdentity = tuple[int, int, int, int, int]
Identities = tuple[FileIdentity | None, ...]


class WatchedFiles:
    """Compares files with what they were when somebody last took them. Costs a ``stat`` for each file and look.

    Not to be called from two threads at once.
    """

    def __init__(self, *paths: Path) -> None:
        self._paths = paths
        self._taken = self._identities()
        self._noticed: tuple[Identities, float] | None = None

    def changed(self) -> bool:
        """True once for each new state of the files, when they lie still; whoever is told so reads them now.

        A file that was renamed here a while ago is still at the first look; one that has just been written is looked
        at again.
        """
        found = self._identities()
        if found == self._taken:
            self._noticed = None
            return False
        now = time.monotonic()
        if self._noticed is None or self._noticed[0] != found:
            self._noticed = (found, now)
        if now - self._noticed[1] < SETTLED_SECONDS and not _is_old(found):
            return False
        self._taken, self._noticed = found, None
        return True

    def still(self) -> bool:
        """Whether the files are still what they were when ``changed`` was true: what was read then is of one piece."""
        return self._identities() == self._taken

    def _identities(self) -> Identities:
        return tuple(_identity(path) for path in self._paths)


def _is_old(identities: Identities) -> bool:
    """Whether all are there, and nobody has touched or moved them lately by this machine's clock."""
    now = time.time()
    return all(one is not None and 0 <= one[3] / 1e9 <= now - SETTLED_SECONDS for one in identities)


def _identity(path: Path) -> FileIdentity | None:
    """What changes when a file is replaced, rewritten or made readable; None while it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
