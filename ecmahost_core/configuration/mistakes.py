"""How a mistake in a configuration file is told: what was found, what was expected, and the nearest valid name.

``found`` never shows a value that could be a secret. Only what a reader itself asked for is echoed: the name of a
choice, a number, a boolean. Any other text is described by its length.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from marshmallow import ValidationError

from ecmahost_core.errors import ConfigurationProblem

_ECHO_LENGTH = 40
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCHEMA = "_schema"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake at one place.

    Attributes:
        found: what stands there, or empty when something is missing; never a secret.
        expected: what should stand there.
    """

    found: str
    expected: str


def refusal(found: str, expected: str) -> ValidationError:
    """Returns the exception that a reader raises for one mistake."""
    return ValidationError([Mistake(found, expected)])


def describe(value: object) -> str:
    """Returns what kind of value this is, with numbers and booleans themselves; never a text's content."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        # Python refuses to print numbers of many thousand digits.
        return f"the number {value}" if value.bit_length() <= 64 else "a number of more than 64 bits"
    if isinstance(value, float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"a text of {len(value)} characters" if value else "an empty text"
    kinds: tuple[tuple[type, str], ...] = (
        (datetime, "a date with a time"),
        (date, "a date"),
        (time, "a time"),
        (list, "a list"),
        (Mapping, "a table"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "something else")


def echo(text: str) -> str:
    """Returns a text in quotes, shortened, with control characters made visible."""
    short = text if len(text) <= _ECHO_LENGTH else text[:_ECHO_LENGTH] + "..."
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else ascii(c)[1:-1] for c in short) + '"'


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Returns the candidate that ``name`` was probably meant to be, or None. Case does not count."""
    folded = {candidate.casefold(): candidate for candidate in candidates}
    close = difflib.get_close_matches(name[:64].casefold(), folded, n=1)
    return folded[close[0]] if close else None


def choice_of(name: str, candidates: Sequence[str]) -> str:
    """Returns ``expected`` for a name that is none of the candidates: the nearest one, or all of them."""
    near = nearest(name, candidates)
    if near is not None:
        return echo(near)
    return "one of " + ", ".join(map(echo, candidates)) if candidates else "nothing here"


def unknown_key(key: str, known: Sequence[str]) -> Mistake:
    """Returns the mistake of a key that the table does not have. Its value is not looked at."""
    near = nearest(key, known)
    if near is not None:
        return Mistake("an unknown key", f"the key {near}")
    return Mistake("an unknown key", f"only the keys {', '.join(known)}" if known else "an empty table")


def unknown_keys(table: Mapping[str, Any], known: Sequence[str]) -> dict[str | int, Any]:
    """Returns the messages for every key of ``table`` that is not known, in the order of the file."""
    return {key: [unknown_key(key, known)] for key in table if key not in known}


def problems_of(file: str, table: str, error: ValidationError) -> Iterator[ConfigurationProblem]:
    """Yields one problem for each mistake in an error that was raised about ``table``."""
    for path, mistake in _flatten(error.messages, ()):
        yield ConfigurationProblem(file, table, dotted(path), mistake.found, mistake.expected)


def dotted(path: Sequence[str | int]) -> str:
    """Returns a path of keys and list positions as TOML would write it: ``attributes."Job Title".type``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            name = part if _BARE_KEY.fullmatch(part) and len(part) <= _ECHO_LENGTH else echo(part)
            text += f".{name}" if text else name
    return text


def _flatten(messages: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Mistake]]:
    if isinstance(messages, Mistake):
        yield path, messages
    elif isinstance(messages, Mapping):
        for key, inner in messages.items():
            # marshmallow's name for "the table as a whole".
            yield from _flatten(inner, path if key == _SCHEMA else (*path, key))
    elif isinstance(messages, list):
        for inner in messages:
            yield from _flatten(inner, path)
    else:
        yield path, Mistake("", "another value")
