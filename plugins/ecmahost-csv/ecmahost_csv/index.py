"""Finding rows by value without holding them: per set of columns a sorted array of 8 bytes a row.

The file is remembered in segments of some 64 KB, cut between records, each with its digest. When the file changes, by
us or by anybody, equal segments at its beginning and its end are recognised and kept, and only what lies between is
parsed again: a row appended to 300,000 costs reading the file once (some 20 ms), not parsing it.

An entry of the array packs 28 bits of hash, 20 of segment number and 16 of offset within the segment. The hash only
proposes: what is found is read from the file and compared. It is Python's own, keyed at random for each process, so
that nobody can choose values that collide.
"""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import groupby

from ecmahost_core import TargetBusy, UnexpectedData
from ecmahost_csv.columns import Column, Key, keys_function, keys_of
from ecmahost_csv.layout import Layout
from ecmahost_csv.records import Record, Unreadable
from ecmahost_csv.target import Target, Version

SEGMENT_SIZE = 1 << 16
SMALL_SEGMENT = 1 << 13
"""Smaller segments beside a change are parsed again with it, so that single additions do not pile up."""
SEGMENTS = 1 << 20
HASH_MASK = (1 << 28) - 1
ATTEMPTS = 3


class Segment:
    """Some records in a row. Its number never changes; its place in the file may."""

    __slots__ = ("digest", "number", "size", "start")

    def __init__(self, number: int, start: int, size: int, digest: bytes) -> None:
        self.number = number
        self.start = start
        self.size = size
        self.digest = digest


class Postings:
    """The entries of one set of columns: a large sorted array, and what came since in a small dictionary."""

    __slots__ = ("_recent", "_recent_size", "_sorted")

    def __init__(self) -> None:
        self._sorted: array[int] = array("Q")
        self._recent: dict[int, list[int]] = {}
        self._recent_size = 0

    def add(self, entries: list[int], alive: dict[int, Segment]) -> None:
        """Takes new entries; now and then merges, and drops those of segments that are gone."""
        if self._recent_size + len(entries) <= max(10_000, len(self._sorted) // 4):
            for entry in entries:
                self._recent.setdefault(entry >> 36, []).append(entry)
            self._recent_size += len(entries)
            return
        entries.extend(entry for entry in self._all() if (entry >> 16) % SEGMENTS in alive)
        entries.sort()
        self._sorted = array("Q", entries)
        self._recent = {}
        self._recent_size = 0

    def find(self, hashed: int, alive: dict[int, Segment]) -> list[int]:
        """Returns the offsets in the file that this hash proposes, in the file's order."""
        found = list(self._recent.get(hashed, ()))
        position = bisect_left(self._sorted, hashed << 36)
        while position < len(self._sorted) and self._sorted[position] >> 36 == hashed:
            found.append(self._sorted[position])
            position += 1
        return sorted(offset for entry in found if (offset := _offset(entry, alive)) is not None)

    def shared(self, alive: dict[int, Segment]) -> Iterator[list[int]]:
        """Yields the offsets, at least two and in the file's order, of each hash that several rows have."""
        ordered = sorted(self._all()) if self._recent else self._sorted
        for _hashed, entries in groupby(ordered, lambda entry: entry >> 36):
            group = list(entries)
            if len(group) > 1:
                offsets = {offset for entry in group if (offset := _offset(entry, alive)) is not None}
                if len(offsets) > 1:
                    yield sorted(offsets)

    def _all(self) -> Iterable[int]:
        yield from self._sorted
        for entries in self._recent.values():
            yield from entries


def _offset(entry: int, alive: dict[int, Segment]) -> int | None:
    segment = alive.get((entry >> 16) % SEGMENTS)
    return None if segment is None else segment.start + entry % SEGMENT_SIZE


class Index:
    """What a session knows about the file. Used by one thread at a time, like the session."""

    def __init__(self) -> None:
        self._postings: dict[tuple[Column, ...], Postings] = {}
        self._segments: list[Segment] = []
        self._alive: dict[int, Segment] = {}
        self._next_number = 0
        self._layout: Layout | None = None
        self._version: Version | None = None
        self._target: Target | None = None

    def find(self, target: Target, columns: tuple[Column, ...], key: Key) -> Iterator[Record]:
        """Yields the rows of an open version that these columns together identify by ``key``, in the file's order.

        Raises UnexpectedData when the file cannot be read as records, TargetBusy while somebody writes into it.
        """
        self.prepare(target, columns)
        for offset in self._postings[columns].find(_hashed(key), self._alive):
            record = target.record(offset)
            if key in keys_of(columns, record.cells):
                yield record

    def repeats(self, target: Target, columns: tuple[Column, ...]) -> dict[int, int]:
        """Returns, for each row whose key an earlier row has, its offset and that of the first such row."""
        self.prepare(target, columns)
        found: dict[int, int] = {}
        for offsets in self._postings[columns].shared(self._alive):
            first: dict[Key, int] = {}
            for offset in offsets:
                for key in keys_of(columns, target.record(offset).cells):
                    if first.setdefault(key, offset) != offset:
                        found[offset] = first[key]
        return found

    def prepare(self, target: Target, *wanted: tuple[Column, ...]) -> None:
        """Makes the index that of this version, and these sets of columns part of it, in one pass where it can.

        Raises as ``find`` does.
        """
        known = self._postings if self._layout == target.layout else {}
        if self._target is target and all(columns in known for columns in wanted):
            return
        if any(columns not in known for columns in wanted) or self._next_number > SEGMENTS // 2:
            self._forget(dict.fromkeys((*known, *wanted)), target.layout)
        elif self._version == target.version:
            self._target = target
            return
        self._version = self._target = None
        for _attempt in range(ATTEMPTS):
            before = target.now()
            try:
                self._refresh(target, before.size)
            except Unreadable:
                for _record in target.records():
                    """Raises again, with the line's number counted from the file's beginning."""
                raise
            if target.now().same_content(before):
                # Noted only when nobody can write without its showing; otherwise the digests are compared again.
                self._version = before if before.settled else None
                self._target = target
                return
        raise TargetBusy(f"{target.path}: another program keeps writing into it; try again")

    def _forget(self, columns: Iterable[tuple[Column, ...]], layout: Layout) -> None:
        self._postings = {each: Postings() for each in columns}
        self._segments, self._alive, self._next_number = [], {}, 0
        self._layout, self._version = layout, None

    def _refresh(self, target: Target, size: int) -> None:
        kept = self._segments
        head, start = self._equal_head(target, size)
        if head == len(kept) and start == size:
            return
        shift = size - (kept[-1].start + kept[-1].size) if kept else 0
        tail = self._equal_tail(target, head, start, shift)
        end = kept[tail].start + shift if tail < len(kept) else size
        segments, entries = self._parse(target, start, end)
        if tail < len(kept) and segments and segments[-1].start + segments[-1].size != end:
            # A quote that opens in the changed part reaches into what was equal.
            tail = len(kept)
            segments, entries = self._parse(target, start, size)
        for segment in kept[tail:]:
            segment.start += shift
        self._segments = [*kept[:head], *segments, *kept[tail:]]
        self._alive = {segment.number: segment for segment in self._segments}
        for columns, fresh in entries.items():
            self._postings[columns].add(fresh, self._alive)

    def _equal_head(self, target: Target, size: int) -> tuple[int, int]:
        """Returns how many segments are still where they were, and where the first other byte may be."""
        position, count = target.layout.body, 0
        for segment in self._segments:
            data = target.raw(position, segment.size)
            # A last line without its ending may have been continued.
            closed = position + segment.size == size or data.endswith(target.layout.line_feed)
            if _digest(data) != segment.digest or not closed:
                break
            position, count = position + segment.size, count + 1
        if count < len(self._segments) or position < size:
            while count and self._segments[count - 1].size < SMALL_SEGMENT:
                count -= 1
                position = self._segments[count].start
        return count, position

    def _equal_tail(self, target: Target, head: int, start: int, shift: int) -> int:
        """Returns the number of the first segment from which on all are as before, only moved by ``shift`` bytes."""
        tail = len(self._segments)
        while tail > head:
            segment = self._segments[tail - 1]
            place = segment.start + shift
            if place < start or _digest(target.raw(place, segment.size)) != segment.digest:
                break
            tail -= 1
        while tail < len(self._segments) and self._segments[tail].size < SMALL_SEGMENT:
            tail += 1
        return tail

    def _parse(self, target: Target, start: int, end: int) -> tuple[list[Segment], dict[tuple[Column, ...], list[int]]]:
        """Cuts the records from ``start`` until at least ``end`` into new segments, and makes their entries.

        A digest is made of the very bytes that were parsed, so a write in between shows at the next comparison.
        """
        entries: dict[tuple[Column, ...], list[int]] = {columns: [] for columns in self._postings}
        pairs = [(keys_function(columns), found) for columns, found in entries.items()]
        segments: list[Segment] = []
        pending: list[bytes] = []
        begun = start
        for record in target.records(start) if start < end else ():
            if record.offset >= end:
                break
            if record.offset - begun >= SEGMENT_SIZE:
                segments.append(self._segment(begun, pending))
                pending, begun = [], record.offset
            pending.append(record.raw)
            location = self._next_number << 16 | (record.offset - begun)
            for keys, found in pairs:
                for key in keys(record.cells):
                    found.append((hash(key) & HASH_MASK) << 36 | location)
        if pending:
            segments.append(self._segment(begun, pending))
        return segments, entries

    def _segment(self, start: int, pending: list[bytes]) -> Segment:
        data = b"".join(pending)
        number, self._next_number = self._next_number, self._next_number + 1
        if self._next_number >= SEGMENTS:
            raise UnexpectedData("the file is too large for a CSV connector; use a database")
        return Segment(number, start, len(data), _digest(data))


def _hashed(key: Key) -> int:
    return hash(key) & HASH_MASK


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
