"""Where values stand in the file, at 8 bytes a row.

The file is remembered in segments of some 64 KB, cut between records. An entry packs 28 bits of a value's hash, 20 of
a segment's number and 16 of the record's offset within the segment, so a segment can move without its entries. The
hash only proposes: what is found is read from the file and compared. It is Python's own, keyed at random for each
process, so that nobody can choose values that collide.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

SEGMENT_SIZE = 1 << 16
SEGMENTS = 1 << 20
HASH_MASK = (1 << 28) - 1


@dataclass(frozen=True, slots=True)
class Segment:
    """Some whole records in a row.

    Attributes:
        number: never changes.
        start: the offset of its first byte in the current version.
        size: in bytes.
        digest: of its bytes.
        first: the hash of its first record's bytes, by which it is recognised after it has moved.
    """

    number: int
    start: int
    size: int
    digest: bytes
    first: int


def location(segment_number: int, offset: int) -> int:
    """Returns the lower part of an entry: a segment and the offset of a record that begins in it."""
    return segment_number << 16 | offset


def entry(key: object, place: int) -> int:
    """Returns the entry of a value at a location."""
    return (hash(key) & HASH_MASK) << 36 | place


class Postings:
    """The entries of one set of columns: a large sorted array, and what came since in a small dictionary."""

    __slots__ = ("_recent", "_recent_size", "_sorted")

    def __init__(self) -> None:
        """Begins empty."""
        self._sorted: array[int] = array("Q")
        self._recent: dict[int, list[int]] = {}
        self._recent_size = 0

    def add(self, entries: list[int], segments: Mapping[int, Segment]) -> None:
        """Takes new entries; now and then merges all, and drops those of segments that are gone."""
        if self._recent_size + len(entries) <= max(10_000, len(self._sorted) // 4):
            for each in entries:
                self._recent.setdefault(each >> 36, []).append(each)
            self._recent_size += len(entries)
            return
        entries.extend(each for each in self._all() if (each >> 16) % SEGMENTS in segments)
        entries.sort()
        self._sorted = array("Q", entries)
        self._recent = {}
        self._recent_size = 0

    def find(self, key: object, segments: Mapping[int, Segment]) -> list[int]:
        """Returns the offsets in the file at which this value may stand, in order."""
        hashed = hash(key) & HASH_MASK
        found = list(self._recent.get(hashed, ()))
        position = bisect_left(self._sorted, hashed << 36)
        while position < len(self._sorted) and self._sorted[position] >> 36 == hashed:
            found.append(self._sorted[position])
            position += 1
        return _offsets(found, segments)

    def shared(self, segments: Mapping[int, Segment]) -> Iterator[list[int]]:
        """Yields the offsets, at least two and in order, of rows whose values may be the same."""
        ordered = sorted(self._all()) if self._recent else self._sorted
        for _hashed, group in groupby(ordered, lambda each: each >> 36):
            entries = list(group)
            if len(entries) > 1 and len(offsets := _offsets(entries, segments)) > 1:
                yield offsets

    def _all(self) -> Iterable[int]:
        yield from self._sorted
        for entries in self._recent.values():
            yield from entries


def _offsets(entries: Iterable[int], segments: Mapping[int, Segment]) -> list[int]:
    """Returns where entries stand now, each once; those of segments that are gone are left out."""
    found = set()
    for each in entries:
        segment = segments.get((each >> 16) % SEGMENTS)
        if segment is not None:
            found.add(segment.start + each % SEGMENT_SIZE)
    return sorted(found)
