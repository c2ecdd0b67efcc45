"""One open version of the file: opening it, telling versions apart, reading one record."""

import errno
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ecmahost_core import AccessDenied, ServerDown, TargetBusy, UnexpectedData
from ecmahost_csv.dialect import Dialect
from ecmahost_csv.layout import Layout, read_layout
from ecmahost_csv.records import Record, Unreadable, records

SETTLED_NS = 2_000_000_000
"""After this long, another write to a file has certainly another time: the coarsest file systems count in 2 seconds."""

COPY_SIZE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Version:
    """Tells one content of a file from the next, as far as the file system can.

    Attributes:
        device: of the file system.
        inode: another one after a replacement by rename.
        size: in bytes.
        mtime_ns: when the content last changed.
        ctime_ns: when anything last changed; no program can set it back.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> "Version":
        """Returns the version that ``stat`` shows."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def same_content(self, later: "Version") -> bool:
        """Whether a later look at the same open file shows no write; a changed owner or link count is none."""
        return (self.size, self.mtime_ns) == (later.size, later.mtime_ns)

    @property
    def settled(self) -> bool:
        """Whether a write from now on would show: within one tick of its clock a file system cannot tell two apart.

        A time that is still to come, because somebody has set the clock back, is not that of such a write either.
        """
        now = time.time_ns()
        return all(abs(now - each) > SETTLED_NS for each in (self.mtime_ns, self.ctime_ns))


@dataclass(frozen=True, slots=True)
class Target:
    """An open version of the file. Whatever is renamed over its name, this one stays readable until it is closed.

    Attributes:
        path: as configured.
        file: open for reading.
        layout: what the header says.
        version: when it was opened.
        status: what ``stat`` said then.
    """

    path: Path
    file: BinaryIO
    layout: Layout
    version: Version
    status: os.stat_result

    def records(self, start: int | None = None) -> Iterator[Record]:
        """Yields the records after the header, or from ``start`` on (then line numbers count from there)."""
        if start is None:
            return records(self.file, self.layout.dialect, self.layout.codec, self.layout.body, self.layout.body_line)
        return records(self.file, self.layout.dialect, self.layout.codec, start)

    def record(self, offset: int) -> Record:
        """Returns the record that begins at this byte; its line number is not known (see ``line_of``).

        Raises TargetBusy when the file ends before it: somebody has cut it.
        """
        record = next(self.records(offset), None)
        if record is None:
            raise TargetBusy(f"{self.path}: another program is writing into it; try again")
        return record

    def records_at(self, offsets: Iterable[int]) -> Iterator[Record]:
        """Yields the records that begin at these bytes, in this order; those that follow each other in one go.

        Nothing else may be read of this version until it is exhausted. Raises as ``record`` does.
        """
        following = -1
        reading: Iterator[Record] = iter(())
        for offset in offsets:
            if offset != following:
                reading = self.records(offset)
            record = next(reading, None)
            if record is None:
                raise TargetBusy(f"{self.path}: another program is writing into it; try again")
            following = record.end
            yield record

    def raw(self, offset: int, size: int) -> bytes:
        """Returns these bytes; fewer at the end of the file."""
        return os.pread(self.file.fileno(), size, offset)

    def line_of(self, offset: int) -> int:
        """Returns the number of the line that begins at this byte; reads everything before it."""
        return 1 + self.lines_between(0, offset)

    def lines_between(self, start: int, end: int) -> int:
        """Returns how many line feeds there are from one byte to another."""
        unit = len(self.layout.line_feed)
        lines, position = 0, start
        while position < end:
            part = self.raw(position, min(COPY_SIZE, end - position))
            if not part:
                break
            lines += part.count(b"\n") if unit == 1 else part.decode(self.layout.codec, "replace").count("\n")
            position += len(part)
        return lines

    def now(self) -> Version:
        """Returns the version of the open file at this moment."""
        return Version.of(os.fstat(self.file.fileno()))

    def unchanged(self) -> bool:
        """Whether nobody has written into this version since it was opened."""
        return self.version.same_content(self.now())


def look(path: Path) -> None:
    """Raises as ``open_target`` does when the file cannot be opened; what it contains is not looked at."""
    with told(path):
        os.close(regular(str(path), os.O_RDONLY | os.O_CLOEXEC))


@contextmanager
def open_target(path: Path, dialect: Dialect) -> Iterator[Target]:
    """Opens the file's current version for the length of a ``with``.

    Raises ServerDown when it is not there or cannot be read now, AccessDenied without the right to read it,
    UnexpectedData when it is no regular file or its header is unusable. Errors of the file system inside the ``with``
    are told in the same words.
    """
    with told(path), open(path, "rb", opener=regular) as file:
        status = os.fstat(file.fileno())
        yield Target(path, file, read_layout(file, dialect), Version.of(status), status)


def regular(path: str, flags: int) -> int:
    """Opens a regular file and nothing else. Not blocking: a named pipe would wait for its writer for ever."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise AccessDenied(f"{path}: is not a regular file; name the CSV file itself")


@contextmanager
def told(path: Path, remedy: str = "grant the host's account access") -> Iterator[None]:
    """Turns errors of the file system inside the ``with`` into the contract's, and names the file in ours.

    Args:
        path: what they are about.
        remedy: what to do about a missing right.
    """
    try:
        yield
    except Unreadable as error:
        raise UnexpectedData(f"{path}: {error}") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ServerDown(f"{path}: is not there; restore it or correct the parameter file") from error
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)
        if error.errno in {errno.EACCES, errno.EPERM, errno.EISDIR, errno.EROFS, errno.ELOOP}:
            raise AccessDenied(f"{path}: {reason}; {remedy}") from error
        raise ServerDown(f"{path}: {reason}; see to the file system, then try again") from error
