"""What a file says about itself: byte order mark, line ending, column names."""

import codecs
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from ecmahost_csv.dialect import BOMS, Dialect
from ecmahost_csv.records import Record, Unreadable, records


@dataclass(frozen=True, slots=True)
class Layout:
    """How one version of a file is laid out.

    Attributes:
        dialect: as configured.
        codec: the encoding with its byte order settled.
        newline: the line ending of the header, used for new records.
        names: the column names, in the file's order.
        body: the offset of the first byte after the header.
        body_line: the number of the line that begins there.
    """

    dialect: Dialect
    codec: str
    newline: str
    names: tuple[str, ...]
    body: int
    body_line: int

    def encoded(self, cells: Sequence[str]) -> bytes:
        """Returns one record without its line ending; UnicodeEncodeError when the encoding lacks a character."""
        return self.dialect.row(cells).encode(self.codec)

    def obstacle(self, text: str) -> str:
        """Returns what keeps a text from standing in the file as it is, as the object of a sentence; empty: nothing."""
        try:
            same = text.encode(self.codec).decode(self.codec) == text
        except UnicodeError:
            same = False
        if not same:
            return f"a character that the file's encoding {self.codec} lacks"
        return "a NUL character" if "\0" in text else ""

    @property
    def line_feed(self) -> bytes:
        """The bytes of a line feed."""
        return "\n".encode(self.codec)

    def terminator(self, raw: bytes) -> bytes:
        """Returns the line ending at the end of a record's bytes; empty at the end of a file that lacks the last."""
        for newline in ("\r\n", "\n"):
            ending = newline.encode(self.codec)
            if raw.endswith(ending):
                return ending
        return b""


def read_layout(file: BinaryIO, dialect: Dialect) -> Layout:
    """Returns the layout of an open file.

    Raises Unreadable for a file without a header, with a column that has no name or two that have the same, with
    a byte order mark that contradicts the encoding, and for what cannot be read as text.
    """
    codec, start = _byte_order(os.pread(file.fileno(), 4, 0), dialect.encoding)
    header = next((record for record in records(file, dialect, codec, start) if record.cells or record.problem), None)
    if header is None:
        raise Unreadable("the file is empty; its first line must name the columns")
    if header.problem:
        raise Unreadable(f"line {header.line}: the header cannot be read: {header.problem}")
    _check_names(header)
    text = header.raw.decode(codec)
    # A quoted column name may span lines, so the header is not always one.
    body_line = header.line + text.count("\n")
    return Layout(dialect, codec, "\r\n" if text.endswith("\r\n") else "\n", tuple(header.cells), header.end, body_line)


def _byte_order(head: bytes, encoding: str) -> tuple[str, int]:
    """Returns the codec and the length of the byte order mark; UTF-16 without one is little endian, as on Windows."""
    for codec, mark in BOMS.items():
        if head.startswith(mark) and (encoding.startswith("utf")):
            if codec != encoding and not (encoding == "utf-16" and codec != "utf-8"):
                raise Unreadable(f"the file begins with the byte order mark of {codec}, not {encoding}; set encoding")
            return codec, len(mark)
    if head.startswith(codecs.BOM_UTF8):
        raise Unreadable(f"the file begins with the byte order mark of utf-8, but encoding is {encoding}")
    return ("utf-16-le" if encoding == "utf-16" else encoding), 0


def _check_names(header: Record) -> None:
    unnamed = [str(number) for number, name in enumerate(header.cells, 1) if not name.strip()]
    if unnamed:
        raise Unreadable(f"line {header.line}: column {', '.join(unnamed)} has no name; name it or remove it")
    twice = [repr(name) for name, count in Counter(header.cells).items() if count > 1]
    if twice:
        raise Unreadable(f"line {header.line}: column {', '.join(twice)} is named twice; rename one")
