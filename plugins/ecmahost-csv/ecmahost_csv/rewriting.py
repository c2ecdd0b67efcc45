"""Putting a new version of the file in the place of the old one, whole or not at all.

Records that no change touches are copied as bytes: their quoting, their unknown columns and even what cannot be parsed
stay as they were.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ecmahost_csv.draft import Row
from ecmahost_csv.target import COPY_SIZE, Target, Version, regular

Piece = bytes | tuple[int, int]
"""A part of a new version: bytes, or the range of the old version to copy (first byte, byte after the last)."""


def temporary_path(path: Path) -> Path:
    """Returns the one temporary file of a data file; whoever finds it while holding the lock may remove it.

    Hidden, and not named ``*.csv``, so that no program that collects such files takes it.
    """
    return path.with_name(f".{path.name}.ecmahost-tmp")


def second_path(path: Path) -> Path:
    """Returns where the version waits that is put in the place of the first new one at the end."""
    return path.with_name(f".{path.name}.ecmahost-tmp2")


def pieces(target: Target, edited: Sequence[Row], added: Sequence[Row]) -> list[Piece]:
    """Returns what the new version consists of.

    Rows keep their own line endings, new ones get the header's. A file that ends without a line ending still does,
    unless nothing but the header is left, whose line ending says how the next rows end.
    """
    layout = target.layout
    newline = layout.newline.encode(layout.codec)
    size = target.version.size
    closed = layout.terminator(target.raw(max(0, size - 4), 4)) != b""
    found: list[Piece] = []
    position = 0
    for row in edited:
        found.append((position, row.place))
        if row.key is not None:
            found.append(layout.encoded(row.cells) + (row.terminator or newline))
        position = row.end
    found.append((position, size))
    if not closed and position < size:
        found.append(newline)
    found.extend(layout.encoded(row.cells) + newline for row in added)
    kept = [piece for piece in found if isinstance(piece, bytes) or piece[0] < piece[1]]
    if not closed and kept[-1] != (0, layout.body):
        kept[-1] = _opened(target, kept[-1])
    return kept


def _opened(target: Target, piece: Piece) -> Piece:
    """Returns the last piece of a version without its final line ending."""
    if isinstance(piece, bytes):
        return piece[: len(piece) - len(target.layout.terminator(piece))]
    start, end = piece
    return start, end - len(target.layout.terminator(target.raw(max(start, end - 4), min(4, end - start))))


def write_temporary(target: Target, path: Path, parts: Iterable[Piece]) -> bytes:
    """Writes a new version beside the file, durably, with its owner, mode and attributes.

    Returns the digest of the whole version that it was made from, as it was read. Raises OSError; the caller removes
    what was begun.
    """
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb", buffering=COPY_SIZE) as new:
        position = 0
        for part in parts:
            if isinstance(part, bytes):
                new.write(part)
                continue
            start, end = part
            _copy(target, position, start, digest.update)
            _copy(target, start, end, digest.update, new)
            position = end
        _copy(target, position, target.version.size, digest.update)
        new.flush()
        _take_over(target, descriptor)
        os.fsync(descriptor)
    return digest.digest()


def is_current(target: Target, path: Path, digest: bytes) -> bool:
    """Returns whether the file is still what a new version was made from; then that can be renamed over it.

    False when another program has written to it or replaced it. A write that comes between this look and the rename,
    some microseconds, is lost; only programs that take the lock exclude that.
    """
    with open(path, "rb", opener=regular) as current:
        if hashlib.file_digest(current, "sha256").digest() != digest:
            return False
    return Version.of(path.stat()) == target.version


def sync_folder(folder: Path) -> None:
    """Makes a rename in this folder durable. Raises OSError when it may not be."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(target: Target, start: int, end: int, update: Callable[[bytes], object], new: BinaryIO | None = None) -> None:
    position = start
    while position < end:
        data = target.raw(position, min(COPY_SIZE, end - position))
        if not data:
            # Somebody has cut the file: the digest will not be that of the file any more.
            return
        update(data)
        if new is not None:
            new.write(data)
        position += len(data)


def _take_over(target: Target, descriptor: int) -> None:
    """Gives the new version the old one's owner, mode and extended attributes (access lists among them).

    Only an administrator may give files away. Where the group cannot be kept, the new group gets no more than
    everybody, so that nobody gains access.
    """
    status = target.status
    mode = stat.S_IMODE(status.st_mode)
    with suppress(OSError):
        os.fchown(descriptor, status.st_uid, -1)
    with suppress(OSError):
        os.fchown(descriptor, -1, status.st_gid)
    if os.fstat(descriptor).st_gid != status.st_gid:
        everybody = mode & stat.S_IRWXO
        os.fchmod(descriptor, (mode & ~stat.S_IRWXG) | (everybody << 3))
        return
    os.fchmod(descriptor, mode)
    for name in os.listxattr(target.file.fileno()):
        with suppress(OSError):
            os.setxattr(descriptor, name, os.getxattr(target.file.fileno(), name))
