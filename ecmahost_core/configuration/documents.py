"""Reads one TOML file. Whatever is in the file, the outcome is a document or a problem."""

import re
import tomllib
from pathlib import Path
from typing import Any

from ecmahost_core.configuration.files import CONFIGURATION_LIMIT, Unreadable, read_bounded
from ecmahost_core.errors import ConfigurationProblem

Document = dict[str, Any]

_PLACE = re.compile(r"(?P<what>.*) \(at (?P<where>[^()]*)\)", re.DOTALL)
# The time that tomllib takes grows steeply with the parts of a dotted key: one long line could stop a host.
_MOST_DOTS = 32
_QUOTED_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|$)|\'[^\']*+(?:\'|$)|#.*')
UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def read_document(path: Path) -> Document | ConfigurationProblem:
    """Returns the content of a TOML file, or what is wrong with the file.

    A byte order mark and Windows line ends are tolerated.
    """
    try:
        return parse_document(path, read_bounded(path, CONFIGURATION_LIMIT))
    except Unreadable as error:
        return _problem(path, "", f"a readable TOML file, but {error}")


def parse_document(path: Path, content: bytes) -> Document | ConfigurationProblem:
    """Returns what the bytes of the file ``path`` say, or what is wrong with them."""
    if content.startswith(_UTF16_BOMS):
        return _problem(path, "UTF-16", "UTF-8; save the file in that encoding")
    try:
        text = content.removeprefix(UTF8_BOM).decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _problem(path, f"a byte at line {line} that is not UTF-8", "UTF-8; save the file in that encoding")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return _problem(path, f"a NUL character at line {line}", "a text file")
    for number, one in enumerate(text.split("\n"), 1):
        if one.count(".") > _MOST_DOTS and _QUOTED_OR_COMMENT.sub("", one).count(".") > _MOST_DOTS:
            return _problem(path, f"more than {_MOST_DOTS} dots outside quotes at line {number}", "keys of a few parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        return _problem(path, "lists or tables nested too deeply", "a TOML file of at most a few levels")
    except tomllib.TOMLDecodeError as error:
        return _syntax_problem(path, str(error))
    except (ValueError, OverflowError):
        # A number of many thousand digits, a date that no calendar has: the message may quote it, so it is not shown.
        return _problem(path, "a number or a date that is too large", "a TOML file")


def _syntax_problem(path: Path, message: str) -> ConfigurationProblem:
    """The messages of tomllib quote a single character or the name of a key, never a value."""
    parts = _PLACE.fullmatch(message)
    what, where = (parts["what"], parts["where"]) if parts else (message, "an unknown place")
    shown = "".join(c if c.isprintable() else "?" for c in what[:200])
    return _problem(path, f"a TOML syntax error at {where}", f"valid TOML: {shown}")


def _problem(path: Path, found: str, expected: str) -> ConfigurationProblem:
    return ConfigurationProblem(str(path), "", "", found, expected)
