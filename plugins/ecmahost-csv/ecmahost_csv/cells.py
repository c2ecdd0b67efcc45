"""One cell: between its text and typed values, in the spelling that the file already uses.

A CSV knows only text; a type other than String comes from the configuration.
"""

import base64
import re
from datetime import UTC, datetime, time

from ecmahost_core import AttributeType, Reference, Value, fold

Truths = tuple[str, str]
"""How true and false are spelled, true first."""

TRUTHS = (
    ("True", "False"), ("true", "false"), ("TRUE", "FALSE"), ("1", "0"),
    ("yes", "no"), ("Yes", "No"), ("YES", "NO"), ("y", "n"), ("Y", "N"), ("t", "f"), ("T", "F"),
)  # fmt: skip
"""The spellings of true and false, in the order of preference."""

INT64_DIGITS = 19


def read(cell: str, kind: AttributeType, truths: Truths | None = None) -> Value:
    """Returns the value of a cell that is not empty; ValueError, without the cell's text, when it is none.

    Args:
        cell: its text.
        kind: the column's type.
        truths: how the file spells true and false, where somebody has said so.
    """
    if kind is AttributeType.STRING:
        return cell
    if kind is AttributeType.REFERENCE:
        return Reference(cell)
    text = cell.strip()
    if kind is AttributeType.BOOLEAN:
        return _truth(text, truths)
    if kind is AttributeType.INTEGER:
        return _integer(text)
    if kind is AttributeType.DATE_TIME:
        return _moment(text)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError("not base64") from error


def write(value: Value, kind: AttributeType, sample: str = "", truths: Truths | None = None) -> str:
    """Returns the text of a value in a column of this type; ValueError when the value does not fit the type.

    Args:
        value: what to write; text is taken for every type when it reads as one.
        kind: the column's type.
        sample: another cell of the column, which says how truth and time are spelled there; empty when there is none.
        truths: how the file spells true and false, where somebody has said so.
    """
    if kind in {AttributeType.STRING, AttributeType.REFERENCE}:
        return _plain(value)
    typed = read(value, kind, truths) if isinstance(value, str) else value
    if kind is AttributeType.BOOLEAN and isinstance(typed, bool):
        return (truths or _truth_spelling(sample))[0 if typed else 1]
    if kind is AttributeType.INTEGER and isinstance(typed, int) and not isinstance(typed, bool):
        return str(typed)
    if kind is AttributeType.DATE_TIME and isinstance(typed, datetime):
        return _moment_text(typed, sample.strip())
    if kind is AttributeType.BINARY and isinstance(typed, bytes):
        return base64.b64encode(typed).decode()
    raise ValueError(f"not a {kind.value}")


def key(cell: str, kind: AttributeType, truths: Truths | None = None) -> str:
    """Returns what is equal for two cells that mean the same; empty when the cell has no value. Never raises."""
    if kind is AttributeType.STRING:
        return fold(cell)
    try:
        value = read(cell, kind, truths)
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return fold(cell)
    return fold(_plain(value))


def _plain(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Reference):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def _truth(text: str, truths: Truths | None) -> bool:
    for true, false in (truths, *TRUTHS) if truths else TRUTHS:
        if text.casefold() in {true.casefold(), false.casefold()}:
            return text.casefold() == true.casefold()
    raise ValueError("neither true nor false")


def _truth_spelling(sample: str) -> tuple[str, str]:
    text = sample.strip()
    exact = (pair for pair in TRUTHS if text in pair)
    alike = (pair for pair in TRUTHS if text.casefold() in {pair[0].casefold(), pair[1].casefold()})
    return next(exact, None) or next(alike, None) or TRUTHS[0]


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text) or len(text.lstrip("+-0")) > INT64_DIGITS:
        raise ValueError("not an integer of 64 bits")
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError("not an integer of 64 bits")
    return number


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("not a date or time as in ISO 8601") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment_text(moment: datetime, sample: str) -> str:
    """Writes a time as the column does: a date alone, without a zone (UTC is meant), with Z, or with its offset."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        bare = aware.astimezone(UTC).replace(tzinfo=None)
    except OverflowError as error:
        raise ValueError("a time beyond the calendar") from error
    try:
        known = datetime.fromisoformat(sample)
    except ValueError:
        return aware.isoformat()
    if not re.search(r"[T ]", sample):
        return bare.date().isoformat() if bare.time() == time.min else bare.isoformat()
    separator = " " if " " in sample else "T"
    if known.tzinfo is None:
        return bare.isoformat(separator)
    return bare.isoformat(separator) + "Z" if sample.endswith("Z") else aware.isoformat(separator)
