"""Putting a new version of the file in the place of the old one, whole or not at all.

Records that no change touches are copied as bytes: their quoting, their unknown columns and even what cannot be parsed
stay as they were.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ecmahost_core import ServerDown
from ecmahost_csv.draft import Row
from ecmahost_csv.target import COPY_SIZE, Target, Version

Piece = bytes | tuple[int, int]
"""A part of a new version: bytes, or the range of the old version to copy (first byte, byte after the last)."""


def temporary_path(path: Path) -> Path:
    """Returns the one temporary file of a data file; whoever finds it while holding the lock may remove it.

    Hidden, and not named ``*.csv``, so that no program that collects such files takes it.
    """
    return path.with_name(f".{path.name}.ecmahost-tmp")


def pieces(target: Target, edited: Sequence[Row], added: Sequence[Row]) -> list[Piece]:
    """Returns what the new version consists of.

    Rows keep their own line endings, new ones get the header's. A file that ends without a line ending still does.
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
    if not closed:
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
