"""An incarnation: one process's life, proved by a lock of the operating system.

Whoever holds the lock of ``<runtime>/incarnations/<uuid>.lock`` is alive; the kernel gives it up when the process ends,
however it ends. There is no clock to be wrong and no process id to be used again.

The lock is a ``flock``: it belongs to the open file, not to the process, so a forked child would keep it alive after
its parent's death. The descriptor is therefore closed in every child (closing a copy does not release the lock; an
explicit unlock would) and on exec.
"""

import fcntl
import os
import threading
import uuid
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ecmahost_core.space.sql.database import Transaction
from ecmahost_core.space.store import StoreUnavailable


class Incarnation:
    """This process's lock, held from the constructor to ``close``."""

    def __init__(self, runtime: Path) -> None:
        """Takes a new lock below ``runtime``, which is made when it is missing; raises StoreUnavailable."""
        self.id = str(uuid.uuid4())
        self._locks = lock_directory(runtime)
        self._renewing = threading.Lock()
        self._descriptor = -1
        self._inode = -1
        self.process = self._process = os.getpid()
        self._take()
        this = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _forget(this))

    def renew(self) -> None:
        """Takes the lock again where somebody has emptied the directory: asked before anything new is owned."""
        if self._in_place():
            return
        with self._renewing:
            if not self._in_place():
                self._take()

    def leads(self) -> bool:
        """See ``Store.leads``: of one host, there is one worker process."""
        return True

    def close(self, *, remove: bool) -> None:
        """Ends the incarnation. ``remove`` says that it owns nothing, so that nobody will ask about it again."""
        if self._process != os.getpid() or self._descriptor < 0:
            return
        if remove:
            _path(self._locks, self.id).unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def leave(self) -> None:
        """Gives up the descriptor in a forked child; the parent's lock stays the parent's."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _in_place(self) -> bool:
        try:
            return _path(self._locks, self.id).stat().st_ino == self._inode
        except OSError:
            return False

    def _take(self) -> None:
        path = _path(self._locks, self.id)
        try:
            self._locks.mkdir(mode=0o700, parents=True, exist_ok=True)
            while True:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Somebody who cleans up may have removed the file between the two calls.
                with suppress(FileNotFoundError):
                    inode = path.stat().st_ino
                    if inode == os.fstat(descriptor).st_ino:
                        break
                os.close(descriptor)
        except OSError as error:
            raise StoreUnavailable(f"the lock file {path} cannot be taken: {error.strerror}") from error
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._inode = descriptor, inode


class LockFiles:
    """The incarnations of one host's processes; see ``sql.database.Processes``."""

    def __init__(self, runtime: Path) -> None:
        """Looks below ``runtime``."""
        self._locks = lock_directory(runtime)

    def is_alive(self, incarnation: str) -> bool:
        """See ``Processes.is_alive``."""
        return is_alive(self._locks, incarnation)

    def are_well(self, incarnations: Sequence[str]) -> bool:
        """See ``Processes.are_well``."""
        return all(is_alive(self._locks, incarnation) for incarnation in incarnations)

    def is_gone(self, transaction: Transaction, incarnation: str) -> bool:  # noqa: ARG002 - the file knows
        """See ``Processes.is_gone``."""
        return not is_alive(self._locks, incarnation)

    def forget(self, incarnation: str) -> None:
        """See ``Processes.forget``."""
        remove_lock(self._locks, incarnation)

    def strays(self, known: frozenset[str]) -> list[str]:
        """See ``Processes.strays``."""
        return strays(self._locks, known)


def lock_directory(runtime: Path) -> Path:
    """Returns the directory of the lock files."""
    return runtime / "incarnations"


def is_alive(locks: Path, incarnation: str) -> bool:
    """Returns whether the process of this incarnation lives; raises StoreUnavailable when that cannot be found out.

    Asks for a *shared* lock, so that two who ask at once do not take each other for the owner.
    """
    try:
        descriptor = os.open(_path(locks, incarnation), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        # Saying "dead" would let two processes recover the same write.
        raise StoreUnavailable(
            f"whether process {incarnation} lives cannot be found out: {error.strerror} at its lock file;"
            " use the account that the host runs under"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def remove_lock(locks: Path, incarnation: str) -> None:
    """Removes the lock file of a dead incarnation; does nothing when it lives after all.

    The file goes while its lock is held: a process that is just taking it sees that, and makes a new one.
    """
    path = _path(locks, incarnation)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)


def strays(locks: Path, known: frozenset[str]) -> list[str]:
    """Returns the dead incarnations that left a lock file but no row: killed before they had written it."""
    names = [path.stem for path in locks.glob("*.lock")] if locks.is_dir() else []
    return [name for name in names if name not in known and not is_alive(locks, name)]


def _path(locks: Path, incarnation: str) -> Path:
    return locks / f"{incarnation}.lock"


def _forget(incarnation: "weakref.ref[Incarnation]") -> None:
    living = incarnation()
    if living is not None:
        living.leave()
