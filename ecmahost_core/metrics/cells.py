"""Rows of numbers under names, in memory of a fixed size: one process writes them, any process reads them.

The memory is a file that is mapped, so that a process which is killed has lost nothing that it counted, and counting
costs no call of the system. Layout, in the machine's own order of bytes::

    magic (8 bytes), bytes used (8), rows
    row: bytes of the name (4), numbers (4), the name as JSON, padded to 8, the numbers as doubles

A row is written before it is counted as used. Rows are never moved or removed. How much is used is written as one
number, and the magic once: whoever reads meanwhile, or takes the file of a process that was killed, finds either the
rows of before or one more.
"""

import struct
from collections.abc import Iterator
from mmap import mmap

import orjson

SIZE = 512 * 1024
"""Room for about 4,000 counters, or 1,500 histograms."""

Name = tuple[str, ...]
"""What a row is about: the metric, then the values of its labels."""

SPILL: Name = ("ecmahost_metrics_spill",)
"""Where whatever finds no room is counted."""

_MAGIC = b"ecmacnt1"
_HEAD = struct.Struct("=8sQ")
_ROW = struct.Struct("=II")
_LONGEST = 64
"""Numbers in a row."""


class Cells:
    """The rows of one process. Not safe for threads by itself; the caller has a lock."""

    def __init__(self, memory: mmap) -> None:
        """Goes on with the rows that the memory holds; empties it where it holds anything else."""
        self._memory = memory
        self._starts: dict[Name, int] = {}
        self._words = memoryview(memory).cast("Q")
        self.numbers = memoryview(memory).cast("d")
        magic, used = _HEAD.unpack_from(memory)
        if magic != _MAGIC or not _HEAD.size <= used <= len(memory):
            memory[:] = bytes(len(memory))
            self._words[1] = used = _HEAD.size
            memory[: len(_MAGIC)] = _MAGIC
        self._used: int = used
        for name, start, _ in _rows(memory, used):
            self._starts[name] = start // 8
        self._spill = self.start(SPILL, _LONGEST)

    def start(self, name: Name, length: int) -> int:
        """Returns where in ``numbers`` the row begins; makes it, with zeros, where there is none.

        A name always has the same length. Without room for it everything goes into a row of its own (``SPILL``).
        """
        start = self._starts.get(name)
        if start is not None:
            return start
        text = orjson.dumps(name)
        padded = text.ljust(-(-len(text) // 8) * 8)
        end = self._used + _ROW.size + len(padded) + 8 * length
        if end > len(self._memory):
            return self._spill
        _ROW.pack_into(self._memory, self._used, len(padded), length)
        self._memory[self._used + _ROW.size : end] = padded + bytes(8 * length)
        start = (end - 8 * length) // 8
        self._used = self._words[1] = end
        self._starts[name] = start
        return start

    def rows(self) -> Iterator[tuple[Name, tuple[float, ...]]]:
        """Yields the rows as they are now."""
        return rows_of(self._memory[: self._used])

    def close(self) -> None:
        """Gives the memory back; nothing can be counted any more."""
        self.numbers.release()
        self._words.release()
        self._memory.close()


def rows_of(data: bytes) -> Iterator[tuple[Name, tuple[float, ...]]]:
    """Yields the rows of what a process has written, which may go on writing; nothing for what is no such memory."""
    if len(data) < _HEAD.size:
        return
    magic, used = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        return
    for name, start, length in _rows(data, min(used, len(data))):
        yield name, struct.unpack_from(f"={length}d", data, start)


def _rows(data: bytes | mmap, used: int) -> Iterator[tuple[Name, int, int]]:
    """Yields the name of each row, where its numbers begin, and how many there are; ends at what makes no sense."""
    place = _HEAD.size
    while place + _ROW.size <= used:
        text_length, length = _ROW.unpack_from(data, place)
        start = place + _ROW.size + text_length
        place = start + 8 * length
        if place > used or start % 8:
            return
        try:
            parts = orjson.loads(data[start - text_length : start])
        except orjson.JSONDecodeError:
            return
        yield tuple(parts), start, length
