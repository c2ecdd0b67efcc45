"""Values on their way into and out of a database.

Nothing is changed silently on the way in: a value that a column would keep differently from how it was sent ("007" in a
column of numbers) is refused. Dates are text, as the column holds them, unless a configuration calls the attribute a
DateTime: then what is stored is read as ISO 8601, and UTC where it names no zone.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time
from typing import TypeAlias

from ecmahost_core import AttributeType, Reference, Value, Values
from ecmahost_sql.catalog import Column, Kind, Moment
from ecmahost_sql.database import SqlValue, UndecodableText

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
SIGNIFICANT_DIGITS = 15
"""What a double keeps of any decimal number."""

_WHOLE = re.compile(r"0|-?[1-9][0-9]*")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_LIKE_A_NUMBER = re.compile(r"[ \t-\r]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t-\r]*")
_TRUTH = {"true": True, "false": False, "1": True, "0": False}
_TRUTH_READ = {**_TRUTH, "t": True, "f": False, "yes": True, "no": False, "y": True, "n": False}


class InvalidValue(ValueError):
    """A value cannot be kept by a column; the message says what the column takes, and never the value."""


class UnreadableValue(ValueError):
    """A stored value does not fit the attribute's type; the message says what was found, and never the value."""


def bind(column: Column, attribute_type: AttributeType, value: Value) -> SqlValue:
    """Returns what to store in ``column`` for ``value``; raises InvalidValue where it would not be kept as it is."""
    bound = bind_for_query(column, attribute_type, value)
    if isinstance(bound, str) and column.kind is Kind.TEXT:
        if column.max_length is not None and len(bound) > column.max_length:
            raise InvalidValue(f"takes at most {column.max_length} characters, {len(bound)} were sent")
        if column.numeric and _LIKE_A_NUMBER.fullmatch(bound) and not _survives_as_number(bound):
            raise InvalidValue("would turn this text into another number: declare the column as TEXT")
    if column.kind is Kind.DECIMAL:
        _check_precision(column, str(bound))
    if isinstance(bound, int) and not -(2 ** (column.bits - 1)) <= bound < 2 ** (column.bits - 1):
        raise InvalidValue(f"takes whole numbers of {column.bits} bits")
    if isinstance(bound, int) and bound < 0 and column.unsigned:
        raise InvalidValue("takes whole numbers from 0")
    return bound


def any_value(column: Column) -> SqlValue:
    """Returns something that the column can be compared with, to ask what a comparison costs."""
    if column.kind is Kind.BINARY:
        return b""
    if column.kind in {Kind.INTEGER, Kind.BOOLEAN}:
        return 0
    if column.kind is Kind.DECIMAL:
        return "0"
    return "" if column.moment is Moment.NONE else "2000-01-01"


def bind_for_query(column: Column, attribute_type: AttributeType, value: Value) -> SqlValue:
    """Returns what to compare ``column`` with; raises InvalidValue where no row can have this value."""
    plain = value.value if isinstance(value, Reference) else value
    if column.kind is Kind.TEXT:
        return _moment(column.moment, _well_formed(_text(column, attribute_type, plain)))
    if column.kind is Kind.BOOLEAN:
        return int(_truth(plain))
    if column.kind is Kind.INTEGER:
        return int(_truth(plain)) if attribute_type is AttributeType.BOOLEAN else _whole(plain)
    if column.kind is Kind.DECIMAL:
        return _decimal(plain)
    if attribute_type is not AttributeType.BINARY and isinstance(plain, str):
        return _well_formed(plain)
    if isinstance(plain, bytes):
        return plain
    raise InvalidValue("takes bytes")


_Plain: TypeAlias = str | int | bool | bytes | datetime


def _text(column: Column, attribute_type: AttributeType, value: _Plain) -> str:
    if attribute_type is AttributeType.BOOLEAN:
        # A column like CHAR(1) has no room for a word.
        short = column.max_length is not None and column.max_length < len(str(False))
        return str(int(_truth(value))) if short else str(_truth(value))
    if attribute_type is AttributeType.INTEGER:
        return str(_whole(value))
    if attribute_type is AttributeType.DATE_TIME or isinstance(value, datetime):
        return _date_time(value)
    if isinstance(value, bytes):
        raise InvalidValue("takes text, bytes were sent")
    return str(value)


def _well_formed(text: str) -> str:
    if "\0" in text:
        raise InvalidValue("takes no text with a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValue("takes no text with half of a surrogate pair") from None
    return text


def _truth(value: _Plain) -> bool:
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.lower() in _TRUTH:
        return _TRUTH[value.lower()]
    raise InvalidValue("takes True or False")


def _whole(value: _Plain) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value) and len(value) <= len(str(INT64_MIN)):
        value = int(value)
    if isinstance(value, int) and INT64_MIN <= value <= INT64_MAX:
        return int(value)
    raise InvalidValue("takes whole numbers of 64 bits, in digits without leading zeros")


def _decimal(value: _Plain) -> SqlValue:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return _whole(value)
    raise InvalidValue("takes numbers such as 12.5, without leading zeros")


def _check_precision(column: Column, number: str) -> None:
    if column.exact:
        behind = len(number.partition(".")[2].rstrip("0"))
        if column.scale is not None and behind > column.scale:
            raise InvalidValue(f"keeps {column.scale} digits behind the point, {behind} were sent")
        before = len(number.lstrip("-").partition(".")[0].lstrip("0"))
        room = None if column.precision is None or column.scale is None else max(column.precision - column.scale, 0)
        if room is not None and before > room:
            raise InvalidValue(f"keeps {room} digits before the point, {before} were sent")
        return
    kept = column.precision or SIGNIFICANT_DIGITS
    digits = len(number.lstrip("-0.").replace(".", ""))
    if digits <= kept:
        return
    exact = not column.approximate and _WHOLE.fullmatch(number) and len(number) < len(str(INT64_MAX))
    if not exact:
        raise InvalidValue(f"keeps {kept} digits of a number, {digits} were sent")


def _survives_as_number(text: str) -> bool:
    if _WHOLE.fullmatch(text):
        return len(text) < len(str(INT64_MAX))
    return "." in text and f"{float(text):.{SIGNIFICANT_DIGITS}g}" == text


def _date_time(value: _Plain) -> str:
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.replace(tzinfo=None).isoformat(sep=" ") + "Z"
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise InvalidValue("takes a date and time in ISO 8601") from None
        return value
    raise InvalidValue("takes a date and time in ISO 8601")


def _moment(kept: Moment, text: str) -> str:
    """Returns a date and time without its zone, in UTC, for a column that would overlook or refuse the zone.

    A text that is no date and time stays as it is: the database judges it.
    """
    if kept is Moment.NONE:
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    if kept is Moment.WITHOUT_ZONE:
        return moment.isoformat(sep=" ")
    if moment.time() != time.min:
        raise InvalidValue("takes a date without a time of day")
    return moment.date().isoformat()


Reader: TypeAlias = Callable[[SqlValue], Values]
"""Turns a stored value that is not NULL into an attribute's values; raises UnreadableValue."""


def reader(attribute_type: AttributeType) -> Reader:
    """Returns how stored values of an attribute of this type are read."""
    return _READERS[attribute_type]


def read_column(read: Reader, column: Sequence[SqlValue]) -> list[Values]:
    """Returns what ``read`` makes of each value of a column, an empty tuple of NULL; raises UnreadableValue."""
    kinds = set(map(type, column))
    if kinds == {_UNCHANGED.get(read)}:
        return list(zip(column))  # type: ignore[arg-type] # they are what the reader returns
    if read is _read_boolean and kinds == {int} and set(column) <= {0, 1}:
        return [_BITS[value] for value in column]  # type: ignore[index] # they are integers
    return [() if value is None else read(value) for value in column]


def _read_string(value: SqlValue) -> Values:
    if type(value) is str:
        return (value,)
    if isinstance(value, bytes):
        raise UnreadableValue(_found(value, "text"))
    return (str(value),)


def _read_integer(value: SqlValue) -> Values:
    if isinstance(value, int):
        return (value,)
    if isinstance(value, str):
        try:
            return (_whole(value),)
        except InvalidValue:
            pass
    raise UnreadableValue(_found(value, "a whole number"))


def _read_boolean(value: SqlValue) -> Values:
    if isinstance(value, int) and value in (0, 1):
        return (bool(value),)
    if isinstance(value, str) and value.lower() in _TRUTH_READ:
        return (_TRUTH_READ[value.lower()],)
    raise UnreadableValue(_found(value, "true or false"))


def _read_binary(value: SqlValue) -> Values:
    if isinstance(value, bytes) and not isinstance(value, UndecodableText):
        return (value,)
    raise UnreadableValue(_found(value, "bytes"))


def _read_reference(value: SqlValue) -> Values:
    (text,) = _read_string(value)
    return (Reference(str(text)),) if text else ()


def _read_date_time(value: SqlValue) -> Values:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
            return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC),)
        except (ValueError, OverflowError):
            pass
    raise UnreadableValue(_found(value, "a date and time in ISO 8601"))


def _found(value: SqlValue, expected: str) -> str:
    if isinstance(value, UndecodableText):
        found = "bytes that are no text in the database's encoding"
    elif isinstance(value, bytes):
        found = "bytes"
    else:
        found = "other text" if isinstance(value, str) else "another number"
    return f"holds {found} where {expected} was expected"


_UNCHANGED: dict[Reader, type] = {_read_string: str, _read_integer: int}
_BITS: tuple[Values, Values] = ((False,), (True,))

_READERS: dict[AttributeType, Reader] = {
    AttributeType.STRING: _read_string,
    AttributeType.INTEGER: _read_integer,
    AttributeType.BOOLEAN: _read_boolean,
    AttributeType.BINARY: _read_binary,
    AttributeType.REFERENCE: _read_reference,
    AttributeType.DATE_TIME: _read_date_time,
}
