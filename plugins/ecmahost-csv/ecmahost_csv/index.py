"""Finding rows by value without holding them, in a file that we and others change.

When the file has another version, segments that are still the same are recognised by their digests, wherever they have
moved, and only what lies between them is parsed: a row appended to 300,000, or a few cells changed among them, costs
reading the file once (some 20 ms) instead of parsing it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ecmahost_core import TargetBusy, UnexpectedData
from ecmahost_csv.columns import Column, Key, keys_function, keys_of
from ecmahost_csv.layout import Layout
from ecmahost_csv.postings import SEGMENT_SIZE, SEGMENTS, Postings, Segment, entry, location
from ecmahost_csv.records import Record, Unreadable
from ecmahost_csv.target import Target, Version

SMALL_SEGMENT = 1 << 13
"""Smaller segments beside a change are parsed again with it, so that single additions do not pile up."""
ATTEMPTS = 3

Columns = tuple[Column, ...]


class Index:
    """What a session knows about the file. Used by one thread at a time, like the session."""

    def __init__(self) -> None:
        """Knows nothing yet."""
        self._postings: dict[Columns, Postings] = {}
        self._segments: dict[int, Segment] = {}
        self._next_number = 0
        self._layout: Layout | None = None
        self._version: Version | None = None
        self._target: Target | None = None

    def find(self, target: Target, columns: Columns, key: Key) -> Iterator[Record]:
        """Yields the rows of an open version that these columns together identify by ``key``, in the file's order.

        Raises UnexpectedData when the file cannot be read as records, TargetBusy while somebody writes into it.
        """
        self.prepare(target, columns)
        for offset in self._postings[columns].find(key, self._segments):
            record = target.record(offset)
            if key in keys_of(columns, record.cells):
                yield record

    def find_all(self, target: Target, columns: Columns, key: Key) -> list[Record]:
        """Returns what ``find`` yields; quicker where there are many rows side by side."""
        self.prepare(target, columns)
        offsets = self._postings[columns].find(key, self._segments)
        return [record for record in target.records_at(offsets) if key in keys_of(columns, record.cells)]

    def repeats(self, target: Target, columns: Columns) -> dict[int, int]:
        """Returns, for each row whose key an earlier row has, its offset and that of the first such row."""
        self.prepare(target, columns)
        found: dict[int, int] = {}
        for offsets in self._postings[columns].shared(self._segments):
            first: dict[Key, int] = {}
            for offset in offsets:
                for key in keys_of(columns, target.record(offset).cells):
                    if first.setdefault(key, offset) != offset:
                        found[offset] = first[key]
        return found

    def prepare(self, target: Target, *wanted: Columns) -> None:
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
            self._follow_or_tell(target, before.size)
            if target.now().same_content(before):
                # Noted only when nobody can write without its showing; otherwise the digests are compared again.
                self._version = before if before.settled else None
                self._target = target
                return
        raise TargetBusy(f"{target.path}: another program keeps writing into it; try again")

    def _forget(self, columns: Iterable[Columns], layout: Layout) -> None:
        self._postings = {each: Postings() for each in columns}
        self._segments, self._next_number = {}, 0
        self._layout, self._version = layout, None

    def _follow_or_tell(self, target: Target, size: int) -> None:
        try:
            self._follow(target, size)
        except Unreadable:
            for _record in target.records():
                """Raises again, with the line's number counted from the file's beginning."""
            raise

    def _follow(self, target: Target, size: int) -> None:
        """Takes over the segments that are the same in this version, and cuts new ones between them."""
        known = list(self._segments.values())
        numbers = {each.first: number for number, each in enumerate(known) if each.size >= SMALL_SEGMENT}
        cut = _Cut(target, size, self._next_number, self._postings)
        position, following = target.layout.body, 0
        while position < size:
            if following < len(known) and _is_at(target, known[following], position, size):
                cut.placed.append(replace(known[following], start=position))
                position += known[following].size
                following += 1
                continue
            while cut.placed and cut.placed[-1].size < SMALL_SEGMENT and cut.placed[-1].number < self._next_number:
                position = cut.placed.pop().start
            position, following = cut.between(position, known, numbers, following)
        self._next_number = cut.next_number
        self._segments = {each.number: each for each in cut.placed}
        for columns, entries in cut.entries.items():
            self._postings[columns].add(entries, self._segments)


class _Cut:
    """The segments of a new version, as far as it has been followed, and the entries of those that are new."""

    def __init__(self, target: Target, size: int, next_number: int, columns: Iterable[Columns]) -> None:
        self.placed: list[Segment] = []
        self.entries: dict[Columns, list[int]] = {each: [] for each in columns}
        self.next_number = next_number
        self._target = target
        self._size = size

    def between(self, position: int, known: list[Segment], numbers: dict[int, int], following: int) -> tuple[int, int]:
        """Parses from ``position`` until a known segment is met again, at or after ``following``, or to the end.

        Returns where that segment begins now and its place among the known; the end and their count without one.
        """
        pairs = [(keys_function(columns), entries) for columns, entries in self.entries.items()]
        begun = position
        pending: list[bytes] = []
        for record in self._target.records(position):
            if record.offset >= self._size:
                break
            again = numbers.get(hash(record.raw), -1)
            if again >= following and _is_at(self._target, known[again], record.offset, self._size):
                self._close(begun, pending)
                return record.offset, again
            if record.offset - begun >= SEGMENT_SIZE:
                self._close(begun, pending)
                begun, pending = record.offset, []
            pending.append(record.raw)
            place = location(self.next_number, record.offset - begun)
            for keys, entries in pairs:
                entries.extend([entry(key, place) for key in keys(record.cells)])
        self._close(begun, pending)
        return self._size, len(known)

    def _close(self, start: int, pending: list[bytes]) -> None:
        """Makes a segment of records. Its digest is of the very bytes that were parsed: a write between shows later."""
        if not pending:
            return
        data = b"".join(pending)
        self.placed.append(Segment(self.next_number, start, len(data), _digest(data), hash(pending[0])))
        self.next_number += 1
        if self.next_number >= SEGMENTS:
            raise UnexpectedData(f"{self._target.path}: too large for a CSV connector; use a database")


def _is_at(target: Target, segment: Segment, position: int, size: int) -> bool:
    """Whether a segment's bytes stand here, and its last record ends where it ended."""
    if position + segment.size > size:
        return False
    data = target.raw(position, segment.size)
    closed = position + segment.size == size or data.endswith(target.layout.line_feed)
    return closed and _digest(data) == segment.digest


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
