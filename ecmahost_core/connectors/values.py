"""Whether attribute values that a plugin returns are values of the contract: quick for a page, exact for an object."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import Final

from ecmahost_core.ecma.values import INT64_MAX, INT64_MIN, Reference

UNREMARKABLE: Final[frozenset[type]] = frozenset({str, bool, bytes})
"""Types of which every instance is a value; the others have instances that are not (a date-time without a zone)."""

_TUPLES: Final[frozenset[type]] = frozenset({tuple})


def all_unremarkable(many: Iterable[Mapping[str, object]]) -> bool:
    """Returns True when all attributes of these objects are surely valid; False when each has to be looked at.

    Runs for every page of an import, so it asks for types only, in C.
    """
    rows = [each.values() for each in many]
    if not _TUPLES.issuperset(map(type, chain.from_iterable(rows))):
        return False
    # Every item is a tuple, as the line above found; mypy knows them as objects.
    values: Iterable[Iterable[object]] = chain.from_iterable(rows)  # type: ignore[assignment]
    return UNREMARKABLE.issuperset(map(type, chain.from_iterable(values)))


def attributes_mistake(attributes: object) -> str:
    """Returns what is wrong with an object's attributes, without quoting a value; empty when nothing is."""
    if not isinstance(attributes, Mapping):
        return f"attributes are a mapping, found {type(attributes).__name__}"
    for name, values in attributes.items():
        if not isinstance(name, str):
            return f"an attribute's name is a string, found {type(name).__name__}"
        mistake = values_mistake(values)
        if mistake:
            return f"attribute {name!r}: {mistake}"
    return ""


def values_mistake(values: object) -> str:
    """Returns what is wrong with a tuple of values, without quoting one; empty when nothing is."""
    if not isinstance(values, tuple):
        return f"values come in a tuple, found {type(values).__name__}"
    return next(filter(None, map(value_mistake, values)), "")


def value_mistake(value: object) -> str:
    """Returns what is wrong with one value, without quoting it; empty when nothing is."""
    if isinstance(value, bool | str | bytes):
        return ""
    if isinstance(value, int):
        return "" if INT64_MIN <= value <= INT64_MAX else "an integer has at most 64 bits; a larger number is a string"
    if isinstance(value, datetime):
        return "" if value.utcoffset() is not None else "a date-time has a zone, found one without"
    if isinstance(value, Reference):
        return "" if isinstance(value.value, str) and value.value else "a reference holds a non-empty string"
    return f"a value is str, int, bool, bytes, datetime or Reference, found {type(value).__name__}"
