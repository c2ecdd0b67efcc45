"""Reading a file record by record, each with the bytes it takes, so that untouched records can be copied verbatim."""

import csv
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO, NamedTuple

from ecmahost_core import UnexpectedData
from ecmahost_csv.dialect import Dialect

RECORD_LIMIT = 4 * 1024 * 1024
"""The longest record that is read or written, in bytes: a photo fits, and a forgotten quote cannot eat the memory."""


class Record(NamedTuple):
    """One record of a file. (A NamedTuple: one is made for every row, and it takes half the time of a dataclass.)

    Attributes:
        offset: of its first byte in the file.
        raw: its bytes, line ending included.
        line: the number of the line on which it starts, from 1, as long as the scan began at a known line.
        cells: its cells; empty for a blank line and where ``problem`` says that they cannot be told apart.
        problem: what is wrong with its quoting; empty when nothing is.
    """

    offset: int
    raw: bytes
    line: int
    cells: list[str]
    problem: str

    @property
    def end(self) -> int:
        """The offset of the byte after it."""
        return self.offset + len(self.raw)


class Unreadable(UnexpectedData):
    """A file cannot be read from a certain line on; whoever knows the file's name adds it to the message."""


def allow_long_cells() -> None:
    """Lets ``csv`` read cells up to RECORD_LIMIT, so that our limit speaks first, with the line's number.

    The limit is the csv module's own and one per process: it is only ever raised.
    """
    if csv.field_size_limit() < RECORD_LIMIT:
        csv.field_size_limit(RECORD_LIMIT)


def records(file: BinaryIO, dialect: Dialect, codec: str, start: int = 0, line: int = 1) -> Iterator[Record]:
    """Yields the records from the byte ``start``, which begins a record on line number ``line``, to the end.

    A record whose quoting is wrong, or that has a NUL, is yielded with its ``problem``; the next one begins on the next
    line, as csv has it. Raises Unreadable where nothing that follows can be trusted: bytes that are not text in this
    encoding, a record beyond RECORD_LIMIT, a quote that is never closed.
    """
    file.seek(start)
    pending: list[bytes] = []
    scan = _Scan(line)
    text = _text(_lines(file, codec), codec, pending, scan)
    reader = csv.reader(text, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
    offset = start
    while True:
        problem = ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if scan.ended:
                raise Unreadable(f"line {scan.line}: a quote is opened and never closed; close it") from error
            cells, problem = [], _problem(error)
        if scan.nul:
            cells, problem, scan.nul = [], "a NUL character; is this the file's encoding?", False
        raw = pending[0] if len(pending) == 1 else b"".join(pending)
        yield Record(offset, raw, scan.line, cells, problem)
        offset += len(raw)
        scan.line += len(pending)
        scan.size = 0
        pending.clear()


class _Scan:
    """Where a scan stands: the current record's first line, its bytes so far, any NUL in it; the end of the file."""

    __slots__ = ("ended", "line", "nul", "size")

    def __init__(self, line: int) -> None:
        self.line = line
        self.size = 0
        self.nul = False
        self.ended = False


def _text(lines: Iterator[bytes], codec: str, pending: list[bytes], scan: _Scan) -> Iterator[str]:
    """Decodes line by line and notes in ``pending`` the lines that csv has taken for the record it is reading."""
    for raw in lines:
        pending.append(raw)
        scan.size += len(raw)
        if scan.size >= RECORD_LIMIT:
            limit = RECORD_LIMIT // (1024 * 1024)
            raise Unreadable(f"line {scan.line}: the record is longer than {limit} MiB; is a closing quote missing?")
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError as error:
            line = scan.line + len(pending) - 1
            raise Unreadable(f"line {line}: these bytes are not {codec}; set the file's encoding") from error
        if "\0" in text:
            scan.nul = True
        yield text
    scan.ended = True


def _problem(error: csv.Error) -> str:
    if str(error).startswith("new-line character"):
        return "a carriage return that ends no line; quote that cell, or end lines with LF or CR LF"
    return f"wrong quoting ({error})"


def _lines(file: BinaryIO, codec: str) -> Iterator[bytes]:
    """Yields physical lines with their line feed; one that exceeds RECORD_LIMIT is cut there."""
    if codec == "utf-16-le":
        return iter(partial(_wide_line, file, _ends_little), b"")
    if codec == "utf-16-be":
        return iter(partial(_wide_line, file, _ends_big), b"")
    return iter(partial(file.readline, RECORD_LIMIT), b"")


def _wide_line(file: BinaryIO, ends: Callable[[BinaryIO, bytearray], bool]) -> bytes:
    """Returns the next line of UTF-16: the byte 0x0A also occurs inside other characters."""
    line = bytearray()
    while len(line) < RECORD_LIMIT:
        part = file.readline(RECORD_LIMIT)
        line += part
        if not part or ends(file, line):
            break
    return bytes(line)


def _ends_little(file: BinaryIO, line: bytearray) -> bool:
    """Whether the 0x0A that ``line`` ends with is the low byte of a line feed; takes its high byte too."""
    if len(line) % 2 == 0:
        return False
    high = file.read(1)
    line += high
    return high == b"\0"


def _ends_big(_file: BinaryIO, line: bytearray) -> bool:
    return len(line) % 2 == 0 and line[-2:] == b"\0\n"
