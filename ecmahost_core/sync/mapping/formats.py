"""Texts that mean something: numbers, dates, times, GUIDs, padded text. Which forms they may have, and which are equal.

What a text is follows from the target attribute alone (``SchemaAttribute.format``), never from what it looks like:
where it has no format, ``007`` and ``7`` are two texts.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime, time
from decimal import Decimal

from ecmahost_core.ecma.schema import AttributeType, SchemaAttribute, ValueFormat
from ecmahost_core.text import composed

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST = 50
"""Characters of a date and time, with more digits of a second than any target keeps."""
_BLANK_BEFORE_ZONE = re.compile(r" (?=[+-][0-9]{2}:?[0-9]{2}\Z)")
_GUID = re.compile(r"\{([0-9a-f-]+)\}|\(([0-9a-f-]+)\)|([0-9a-f-]+)")
_GROUPS = re.compile(r"([0-9a-f]{8})(-?)([0-9a-f]{4})\2([0-9a-f]{4})\2([0-9a-f]{4})\2([0-9a-f]{12})")


class Misfit(ValueError):
    """A text has no form that the format knows; ``str(error)`` says what is expected, and never the text."""


def fitted(text: str, attribute: SchemaAttribute) -> str:
    """Returns a text that was sent in the form in which it is exported; raises Misfit where it has none."""
    match attribute.format:
        case ValueFormat.DECIMAL:
            return _decimal(text, attribute)
        case ValueFormat.DATE:
            return _date(text)
        case ValueFormat.TIMESTAMP:
            return _written(in_precision(moment_of(text), attribute.scale).astimezone(UTC))
        case ValueFormat.TIME:
            return _time(text, attribute.scale)
        case ValueFormat.GUID:
            return _guid(text)
        case ValueFormat.PADDED:
            return text.rstrip(" ")
        case None:
            return text


def normal(text: str, attribute: SchemaAttribute) -> str:
    """Returns what is equal for texts that mean the same to an attribute, stored or sent; raises nothing.

    A text without the attribute's format stands for itself. Canonical forms of Unicode are equal everywhere: a target
    may compose what it stores.
    """
    if attribute.format is not None:
        with suppress(Misfit):
            text = _number(text) if attribute.format is ValueFormat.DECIMAL else fitted(text, attribute)
    return text if text.isascii() else composed(text)


def rank(text: str, attribute: SchemaAttribute) -> Decimal | datetime | None:
    """Returns where a text stands in the order of what the attribute's texts mean; raises nothing.

    None where the order is that of the texts, and for what has no place in another one.
    """
    with suppress(Misfit):
        if attribute.format is ValueFormat.DECIMAL or attribute.type is AttributeType.INTEGER:
            return Decimal(_plain(text.rstrip()))
        if attribute.format is ValueFormat.TIMESTAMP:
            return moment_of(text.rstrip())
    return None


def moment_of(text: str) -> datetime:
    """Returns the instant of a date and time in ISO 8601, UTC where it names no zone; raises Misfit.

    Some databases put a blank before the zone.
    """
    try:
        moment = datetime.fromisoformat(_BLANK_BEFORE_ZONE.sub("", _short(text)))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the last hour of the year 9999 may be none in UTC
        raise Misfit("a date-time such as 2026-01-31T08:00:00Z") from None
    return moment


def in_precision(moment: datetime, scale: int | None) -> datetime:
    """Returns an instant with as many digits behind the second as ``scale`` says, the others left out, not rounded.

    Left out before the target sees them, because one would round them and another one not.
    """
    return moment.replace(microsecond=_cut(moment.microsecond, scale))


def _short(text: str) -> str:
    """Python takes any character between date and time, and any number of digits; raises ValueError."""
    if len(text) > _LONGEST or not text.isascii():
        raise ValueError("no date and no time")
    return text


def _cut(microsecond: int, scale: int | None) -> int:
    step = 10 ** (6 - min(scale, 6)) if scale is not None else 1
    return microsecond // step * step


def _written(moment: datetime) -> str:
    return moment.isoformat().removesuffix("+00:00") + "Z"


def _date(text: str) -> str:
    expected = "a date such as 2026-01-31, without a time of day"
    try:
        moment = moment_of(text).astimezone(UTC)
    except Misfit:
        raise Misfit(expected) from None
    if moment.time() != time.min:
        raise Misfit(expected)
    return moment.date().isoformat()


def _time(text: str, scale: int | None) -> str:
    try:
        found = time.fromisoformat(_short(text)) if ":" in text else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise Misfit("a time of day such as 08:00:00, without a zone")
    return found.replace(microsecond=_cut(found.microsecond, scale)).isoformat()


def _guid(text: str) -> str:
    inner = _GUID.fullmatch(text.lower()) if len(text) <= 40 else None
    groups = _GROUPS.fullmatch(next(filter(None, inner.groups()), "")) if inner else None
    if groups is None:
        raise Misfit("a GUID such as 6f9619ff-8b86-d011-b42d-00cf4fc964ff")
    return "-".join(groups.group(1, 3, 4, 5, 6))


def _plain(text: str) -> str:
    """A number in digits, without a plus, leading zeros or an exponent; raises Misfit."""
    if not _NUMBER.fullmatch(text):
        raise Misfit("a number such as 12.5")
    return f"{Decimal(text):f}"


def _number(text: str) -> str:
    """A number under which equal numbers are equal; raises Misfit."""
    plain = _plain(text)
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain == "-0" else plain


def _decimal(text: str, attribute: SchemaAttribute) -> str:
    """A number of which no digit would be lost, with no more digits behind the point than are kept; raises Misfit."""
    number = _number(text)
    before, _, behind = number.removeprefix("-").partition(".")
    digits, scale = attribute.precision, attribute.scale
    if scale is not None and len(behind) > scale:
        raise Misfit(f"a number with at most {scale} digits behind the point" if scale else "a whole number")
    if digits is not None and scale is None and len((before + behind).strip("0")) > digits:
        raise Misfit(f"a number with at most {digits} digits")
    if digits is not None and scale is not None and len(before.lstrip("0")) > max(digits - scale, 0):
        raise Misfit(f"a number with at most {max(digits - scale, 0)} digits before the point")
    return number if scale is not None else _plain(text)
