"""Values for attributes whose schema says more than their type: numbers, dates, GUIDs."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from ecmahost_core.ecma.schema import SchemaAttribute, ValueFormat


def formatted(attribute: SchemaAttribute, number: int, *, unique: bool) -> tuple[str, str] | None:
    """Returns two texts of the format that an attribute has; None where it is text like any other.

    Args:
        attribute: of the target, of type String.
        number: different for each person.
        unique: whether no two people may have the same value.
    """
    match attribute.format:
        case ValueFormat.DECIMAL:
            return _decimals(attribute, number if unique else 1)
        case ValueFormat.DATE:
            return "2024-02-29", "2031-12-31"
        case ValueFormat.TIMESTAMP:
            return "2024-02-29T08:30:00Z", "2031-12-31T23:59:59Z"
        case ValueFormat.TIME:
            return "08:30:00", "23:59:59"
        case ValueFormat.GUID:
            return str(uuid.uuid4()), str(uuid.uuid4())
        case _:
            return None


def integers(attribute: SchemaAttribute, number: int) -> tuple[str, str]:
    """Returns a number and its successor, within what the attribute takes."""
    least = attribute.minimum if attribute.minimum is not None else 0
    greatest = attribute.maximum if attribute.maximum is not None else 2**63 - 1
    if not least <= number < greatest:
        number = least + number % max(1, greatest - least)
    return str(number), str(min(number + 1, greatest))


def same_meaning(found: str, wanted: str, format_: ValueFormat | None) -> bool:
    """Whether two texts mean the same number, instant, time or GUID; of other text blanks at the end do not count.

    Args:
        found: as the target holds it.
        wanted: as it was sent.
        format_: of the attribute.
    """
    read = _READERS.get(format_) if format_ is not None else None
    if read is None:
        return found.rstrip() == wanted.rstrip()  # CHAR columns pad
    try:
        return bool(read(found) == read(wanted))
    except (ValueError, ArithmeticError):
        return found == wanted


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_READERS: Mapping[ValueFormat, Callable[[str], Any]] = MappingProxyType(
    {
        ValueFormat.DECIMAL: Decimal,
        ValueFormat.DATE: date.fromisoformat,
        ValueFormat.TIMESTAMP: _instant,
        ValueFormat.TIME: time.fromisoformat,
        ValueFormat.GUID: uuid.UUID,
    }
)


def _decimals(attribute: SchemaAttribute, number: int) -> tuple[str, str]:
    """A half where there is room behind the point, and as many digits before it as there are."""
    scale = attribute.scale if attribute.scale is not None else 1
    digits = (attribute.precision or scale + 1) - scale
    whole = number % 10 ** min(digits, 9) if digits > 0 else 0
    other = (whole + 1) % 10 ** min(digits, 9) if digits > 0 else 0
    if scale <= 0:
        return str(whole), str(other)
    return f"{whole}.5", f"{other}.5" if digits > 0 else "0.4"
