"""How cells become text and bytes: delimiter, quotes, encoding. What the administrator says about a file."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from ecmahost_core import ConnectorError

ENCODINGS = frozenset(
    {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii"}
    | {f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))}
    | {f"cp{page}" for page in (437, 850, 852, 855, 857, 858, 860, 861, 862, 863, 865, 866, 869, 874)}
    | {f"cp{page}" for page in range(1250, 1259)}
    | {"koi8-r", "koi8-u", "mac-roman", "shift_jis", "cp932", "euc_jp", "gbk", "gb18030", "big5", "euc_kr", "cp949"}
)
"""Codecs, as Python names them, in which a line feed is the byte 0x0A and nothing else is (UTF-16: two bytes), and
which keep no state from line to line: what reading by lines and copying records as bytes rest on."""

BOMS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written, as configured.

    Attributes:
        delimiter: one character between two cells.
        quote: one character around a cell; doubled inside it (RFC 4180 section 2).
        quote_all: whether every cell that is written is quoted, or only those that need it. Reading takes both.
        encoding: one of ENCODINGS.
        truths: how true and false are spelled in columns of booleans; None leaves that to each column.
    """

    delimiter: str = ","
    quote: str = '"'
    quote_all: bool = False
    encoding: str = "utf-8"
    truths: tuple[str, str] | None = None

    def row(self, cells: Sequence[str]) -> str:
        """Returns one record without its line ending.

        ``csv.writer`` is not used because Python 3.11 leaves a lone carriage return unquoted, which no reader takes.
        """
        return self.delimiter.join(map(self._cell, cells))

    def _cell(self, text: str) -> str:
        special = (self.quote, self.delimiter, "\r", "\n")
        if self.quote_all or any(character in text for character in special):
            return f"{self.quote}{text.replace(self.quote, self.quote * 2)}{self.quote}"
        return text


def dialect(*, delimiter: str, quote: str, quote_all: bool, encoding: str, truths: str = "") -> Dialect:
    """Returns the dialect that an administrator describes; ConnectorError names the parameter that cannot be used.

    ``tab`` and a backslash with a t are ways to write the tabulator; any spelling of an encoding is taken.
    """
    separator = "\t" if delimiter in {"tab", "\\t"} else delimiter
    for name, character in (("delimiter", separator), ("quote", quote)):
        if len(character) != 1 or character in "\r\n\0\ufeff":
            raise ConnectorError(f"{name}: expected one character other than a line ending, found {len(character)}")
    if separator == quote:
        raise ConnectorError("delimiter and quote are the same character; choose another quote")
    codec = _codec(encoding)
    for name, character in (("delimiter", separator), ("quote", quote)):
        if not _has(codec, character):
            raise ConnectorError(f"{name}: the encoding {codec} lacks this character; choose another one")
    return Dialect(separator, quote, quote_all, codec, _truths(truths) if truths else None)


def _has(codec: str, character: str) -> bool:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _truths(text: str) -> tuple[str, str]:
    words = [word.strip() for word in text.split(",")]
    if len(words) != 2 or not all(words) or words[0].casefold() == words[1].casefold():
        raise ConnectorError(
            "true_and_false: expected two different words with a comma between them, true first, such as ja,nein"
        )
    return words[0], words[1]


def _codec(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        name = ""
    if name == "utf-8-sig":
        return "utf-8"
    if name not in ENCODINGS:
        raise ConnectorError(f"encoding: {encoding[:40]!r} is not supported; use for example utf-8, utf-16 or cp1252")
    return name
