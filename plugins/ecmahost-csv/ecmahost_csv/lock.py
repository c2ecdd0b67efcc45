"""One writer at a time: an advisory lock on a file beside the data file.

The data file itself cannot carry the lock, because every export puts a new file in its place.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecmahost_core import TargetBusy

LOCK_SECONDS = 10.0
"""How long a writer waits for the others: many rewrites of a large file, and well within the time of one request."""

POLL_SECONDS = 0.01


def lock_path(path: Path) -> Path:
    """Returns the lock file of a data file."""
    return path.with_name(f"{path.name}.lock")


@contextmanager
def write_lock(path: Path, mode: int, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Holds ``<file>.lock`` (flock, exclusive) for the length of the ``with``. It is made when it is not there.

    Other programs that change the file take part with ``flock FILE.lock COMMAND``. The lock dies with its process and
    the lock file stays: removing it would let two writers hold two different ones.

    Args:
        path: of the data file, links resolved.
        mode: permission bits for a new lock file: whoever may read the data may lock it.
        seconds: how long to wait.

    Raises TargetBusy when another writer holds it for that long, OSError when it cannot be made or opened.
    """
    deadline = time.monotonic() + seconds
    while True:
        descriptor = _open(lock_path(path), mode)
        try:
            _wait(descriptor, lock_path(path), deadline)
            if _is_at(descriptor, lock_path(path)):
                yield
                return
        finally:
            os.close(descriptor)


def _open(path: Path, mode: int) -> int:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        return os.open(path, flags | os.O_CREAT, (mode & 0o666) | 0o400)


def _wait(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EAGAIN, errno.EINTR}:
                raise
        else:
            return
        if time.monotonic() >= deadline:
            raise TargetBusy(f"{path}: another program holds this lock; find it with fuser, or try again")
        time.sleep(POLL_SECONDS)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the file that was locked is still the one of that name: somebody may have removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
