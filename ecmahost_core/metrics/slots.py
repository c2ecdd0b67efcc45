"""Which process counts where: a file of a fixed size for each, held by a lock of the operating system.

A process takes the first file of its role that nobody holds. When it dies, the one that is started in its place takes
the same file and goes on counting in it: there are never more files than there were processes at the same time, no
count is lost or falls, and no clock or pid decides whether somebody is still there. ``clear`` begins anew when a host
starts, as Prometheus expects of counters.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path

import structlog

from ecmahost_core.metrics.cells import SIZE

DIRECTORY = "metrics"
"""Below the host's directory for locks."""
_MOST = 128
"""Files of one role."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Slot:
    """The memory in which one process counts.

    Attributes:
        memory: mapped; of ``SIZE`` bytes.
        inherited: whether another process has counted in it before, since the host was started.
        descriptor: of the locked file; None where the memory is this process's own.
    """

    memory: mmap
    inherited: bool = False
    descriptor: int | None = None

    def release(self) -> None:
        """Lets the next process of the role have the file. The memory is closed by whoever counts in it."""
        if self.descriptor is not None:
            os.close(self.descriptor)


def private_slot() -> Slot:
    """Returns memory that no other process sees."""
    return Slot(mmap(-1, SIZE))


def take_slot(directory: Path, role: str) -> Slot:
    """Returns the first free slot of a role (``web``, ``worker``, ``command``). To be called after the last fork.

    Where a file cannot be had (a full disk, a home that cannot be written), the process counts for itself: that must
    not keep it from its work.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(_MOST):
            slot = _held(directory / f"{role}-{number}")
            if slot is not None:
                return slot
        reason = "too many processes"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    log.warning("metrics_not_shared", role=role, reason=reason)
    return private_slot()


def clear(directory: Path) -> None:
    """Removes the files of an earlier host; whoever still holds one goes on counting for nobody."""
    with suppress(OSError):
        for file in directory.iterdir():
            file.unlink(missing_ok=True)


def read_slots(directory: Path) -> Iterator[bytes]:
    """Yields what each process has counted, the dead ones too."""
    try:
        files = sorted(directory.iterdir())
    except OSError:
        return
    for file in files:
        with suppress(OSError):
            yield file.read_bytes()


def _held(file: Path) -> Slot | None:
    """Locks a file; None where another process has it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        inherited = os.fstat(descriptor).st_size == SIZE
        if not inherited:
            # All blocks now: on a disk that fills up later, writing into a hole of the file would end the process.
            os.posix_fallocate(descriptor, 0, SIZE)
            os.ftruncate(descriptor, SIZE)
        return Slot(mmap(descriptor, SIZE), inherited, descriptor)
    except BaseException:
        with suppress(OSError):
            os.close(descriptor)
        raise
