"""Files of the home directory: read with limits, replaced as a whole or not at all."""

import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecmahost_core.configuration.home import Home

CONFIGURATION_LIMIT = 256 * 1024
SECRET_LIMIT = 64 * 1024


class Unreadable(Exception):
    """A file cannot be used; the text says why, without anything of its content."""


def read_bounded(path: Path, limit: int) -> bytes:
    """Returns the content of a regular file of at most ``limit`` bytes.

    A FIFO, a device or a socket is refused instead of waited for. Raises Unreadable.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise Unreadable(reason(error)) from None
    try:
        # Before anything else: a directory cannot even be opened as a file object.
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("it is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise Unreadable(reason(error)) from None
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise Unreadable(f"it is larger than {limit // 1024} KiB")
    return content


def reason(error: OSError | ValueError) -> str:
    """Returns why the system refused, in words: ``permission denied``. Never a path or a value."""
    if isinstance(error, OSError) and error.errno is not None:
        if error.errno == errno.ENOENT:
            return "it does not exist"
        return os.strerror(error.errno).lower()
    return "its name is not one that a file can have"


def write_atomically(path: Path, content: bytes, *, mode: int, replace: bool = True) -> bool:
    """Writes a whole file: a temporary file beside it, fsync, rename. Readers see the old content or the new.

    An existing file keeps its mode and, as far as the process may say so, its owner; ``mode`` is for a new one, which
    belongs to the owner of its directory when root makes it. A symbolic link stays, and what it points to is replaced.

    With ``replace`` false an existing file is left alone, also one that appeared a moment ago.

    Returns whether the file was written. Raises OSError.
    """
    target = path.resolve()
    try:
        before = target.stat()
    except FileNotFoundError:
        before = None
    if before is not None and not replace:
        return False
    owner = before or target.parent.stat()
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if os.geteuid() == 0:
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode) if before else mode)
            file.flush()
            os.fsync(file.fileno())
        written = _put(temporary, target, replace=replace)
    except OSError as error:
        # A full disk is told without a name, and the temporary one would help nobody.
        error.filename, error.filename2 = str(path), None
        raise
    finally:
        temporary.unlink(missing_ok=True)
    _sync_directory(target.parent)
    return written


def make_directory(path: Path) -> bool:
    """Makes a directory that only its owner can enter, and its parents; returns False when it is there already.

    Made by root inside somebody's directory it belongs to that somebody. Raises OSError.
    """
    if path.is_dir():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        parent = path.parent.stat()
        os.chown(path, parent.st_uid, parent.st_gid)
    return True


@contextmanager
def editing(home: Home) -> Iterator[None]:
    """Holds the lock under which commands read, change and write files of this home, one at a time."""
    make_directory(home.runtime)
    descriptor = os.open(home.runtime / "configuration.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _put(temporary: Path, target: Path, *, replace: bool) -> bool:
    if replace:
        temporary.replace(target)
        return True
    try:
        # Unlike a rename, a link fails when somebody else was quicker.
        target.hardlink_to(temporary)
    except FileExistsError:
        return False
    return True


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
