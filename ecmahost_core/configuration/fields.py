"""Readers of single values, and the marshmallow field that uses them.

A reader takes what TOML gave and returns what the model wants, or raises ``ValidationError`` with a :class:`Mistake`.
TOML is typed, so nothing is converted: ``"5"`` is not a number and ``1`` is not a boolean.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from marshmallow import Schema, ValidationError, missing
from marshmallow.fields import Field

from ecmahost_core.configuration.mistakes import choice_of, describe, echo, refusal, unknown_key
from ecmahost_core.ecma.values import INT64_MAX, INT64_MIN, Value

T = TypeVar("T")
Reader: TypeAlias = Callable[[Any], T]

NAME = "a text that is not empty"
_UNKNOWN = "unknown"
_NO_TABLE = "type"


class Entry(Field[Any]):
    """One key of a table.

    Args:
        reader: what reads the value.
        expected: what is missing when a required key is.
        default: what a key that is not there means; without one the result has no such key either.
        name: the key in the result, when it differs from the one in the file.
    """

    def __init__(
        self,
        reader: Reader[Any],
        expected: str = "",
        *,
        required: bool = False,
        default: Any = missing,
        name: str | None = None,
    ) -> None:
        super().__init__(required=required, load_default=default, attribute=name)
        self.reader = reader
        self._expected = expected

    def make_error(self, key: str, **_kwargs: object) -> ValidationError:
        """Called by marshmallow for the error of a missing key."""
        return refusal("", self._expected or f"a value ({key})")

    def _deserialize(
        self,
        value: Any,
        attr: str | None,  # noqa: ARG002  # marshmallow's signature
        data: Mapping[str, Any] | None,  # noqa: ARG002  # marshmallow's signature
        **_kwargs: Any,
    ) -> Any:
        return self.reader(value)


class Tab(Schema):
    """A table of a configuration file. Unknown keys are mistakes, told with the nearest key that there is."""

    error_messages = {"unknown": _UNKNOWN, "type": _NO_TABLE}  # noqa: RUF012  # marshmallow declares it so

    def handle_error(self, error: ValidationError, data: Any, **_kwargs: Any) -> None:
        """Called by marshmallow: puts this table's keys into the messages about keys that it does not have."""
        messages: dict[Any, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]  # marshmallow's own
        if not isinstance(data, Mapping):
            error.messages = {"_schema": refusal(describe(data), "a table").messages}
            return
        known = list(self.fields)
        told = {key: inner for key, inner in messages.items() if inner != [_UNKNOWN]}
        # marshmallow finds unknown keys in the order of a set, which differs from run to run.
        told |= {key: [unknown_key(key, known)] for key in data if messages.get(key) == [_UNKNOWN]}
        error.messages = told


@dataclass(frozen=True, slots=True)
class table:  # noqa: N801  # a reader, used like the functions beside it
    """The reader of a table with fixed keys."""

    tab: type[Tab]

    def __call__(self, value: Any) -> dict[str, Any]:
        """Returns the table as the tab loads it; raises ValidationError."""
        loaded: dict[str, Any] = self.tab().load(value)
        return loaded


@dataclass(frozen=True, slots=True)
class named(Generic[T]):  # noqa: N801  # a reader, used like the functions beside it
    """The reader of a table whose keys are names, such as those of attributes."""

    reader: Reader[T]

    def __call__(self, value: Any) -> dict[str, T]:
        """Returns what the reader makes of every value; raises ValidationError."""
        if not isinstance(value, Mapping):
            raise refusal(describe(value), "a table")
        return dict(zip(value, _collect(list(value.items()), self.reader), strict=True))


def list_of(reader: Reader[T], *, most: int | None = None) -> Reader[tuple[T, ...]]:
    """Returns the reader of a list, of at most ``most`` elements."""

    def read(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise refusal(describe(value), "a list")
        elements = tuple(_collect(list(enumerate(value)), reader))
        if most is not None and len(value) > most:
            raise refusal(f"a list of {len(value)}", f"a list of at most {most}")
        return elements

    return read


def name(value: Any) -> str:
    """A text that names something in the target: not empty, no NUL."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise refusal(describe(value), NAME)
    return value


def text(value: Any) -> str:
    """Any text, also an empty one."""
    if not isinstance(value, str) or "\0" in value:
        raise refusal(describe(value), "a text")
    return value


def matching(pattern: re.Pattern[str], expected: str) -> Reader[str]:
    """Returns the reader of a text that matches as a whole. The text is not echoed."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise refusal(describe(value), expected)
        return value

    return read


def flag(value: Any) -> bool:
    """``true`` or ``false``."""
    if not isinstance(value, bool):
        raise refusal(describe(value), "true or false")
    return value


def whole_number(least: int, most: int) -> Reader[int]:
    """Returns the reader of an integer within the limits, both included."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise refusal(describe(value), f"a whole number from {least} to {most}")
        return value

    return read


def number(least: float, most: float) -> Reader[float]:
    """Returns the reader of a number, with or without a fraction, within the limits, both included."""

    def read(value: Any) -> float:
        good = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
        if not good or math.isnan(value):
            raise refusal(describe(value), f"a number from {least:g} to {most:g}")
        return float(value)

    return read


def choice(values: Mapping[str, T]) -> Reader[T]:
    """Returns the reader of one of the names in ``values``, which says what each means."""

    def read(value: Any) -> T:
        if not isinstance(value, str):
            raise refusal(describe(value), "one of " + ", ".join(map(echo, values)))
        if value not in values:
            raise refusal(echo(value), choice_of(value, tuple(values)))
        return values[value]

    return read


def target_value(value: Any) -> Value:
    """A value that can be written to the target: a text, a 64-bit integer, a boolean or a date-time with a zone."""
    if isinstance(value, bool | str) or (isinstance(value, int) and INT64_MIN <= value <= INT64_MAX):
        return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    raise refusal(
        describe(value), "a text, a whole number, true, false, or a date and time with a zone (2026-12-31T00:00:00Z)"
    )


def moment(value: Any) -> datetime:
    """A date-time with a zone."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise refusal(describe(value), "a date and time with a zone, unquoted, such as 2026-12-31T00:00:00Z")
    return value


def _collect(items: Sequence[tuple[str | int, Any]], reader: Reader[T]) -> list[T]:
    """Reads every item, and raises one error about all that are wrong."""
    values: list[T] = []
    wrong: dict[str | int, Any] = {}
    for key, value in items:
        try:
            values.append(reader(value))
        except ValidationError as error:
            wrong[key] = error.messages
    if wrong:
        raise ValidationError(wrong)
    return values
