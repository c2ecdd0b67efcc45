"""What a driver gives for the cells of a row, as text, numbers and bytes."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from types import NoneType
from typing import Any

from ecmahost_sql.database import Row, SqlValue

_PLAIN = frozenset({str, int, float, bytes, NoneType})


def plain_rows(rows: Sequence[Sequence[Any]]) -> list[Row]:
    """Returns rows of a cursor as tuples of nothing but text, numbers, bytes and None."""
    tuples = list(map(tuple, rows))
    # Almost all pages have no other cells: one look at the types of all of them is enough.
    if _PLAIN.issuperset(map(type, chain.from_iterable(tuples))):
        return tuples
    return [tuple(map(_plain, row)) for row in tuples]


def _plain(value: object) -> SqlValue:
    """Returns what the driver gave as text, a number or bytes."""
    if value is None or isinstance(value, str | bytes):
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else f"{value:f}"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    return str(value)
