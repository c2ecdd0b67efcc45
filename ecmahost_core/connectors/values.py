"""Whether attribute values that a plugin returns are values of the contract (``ecma/values.py``).

The functions return what is wrong, without quoting a value, and an empty string when nothing is.
"""

from collections.abc import Mapping
from datetime import datetime

from ecmahost_core.ecma.values import INT64_MAX, INT64_MIN, Reference


def is_a(value: object, *kinds: type) -> bool:
    """Returns whether a value is an instance: a type checker believes a plugin's annotations, the host does not."""
    return isinstance(value, kinds)


def attributes_mistake(attributes: object) -> str:
    """Looks at the attributes of an object: names, tuples, values."""
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
    """Looks at the values of one attribute, or at an anchor."""
    if not isinstance(values, tuple):
        return f"values come in a tuple, found {type(values).__name__}"
    return next(filter(None, map(value_mistake, values)), "")


def value_mistake(value: object) -> str:
    """Looks at one value."""
    if isinstance(value, str):
        return "" if value.isascii() or _is_unicode(value) else "a string holds characters, found lone surrogates"
    if isinstance(value, bool | bytes):
        return ""
    if isinstance(value, int):
        return "" if INT64_MIN <= value <= INT64_MAX else "an integer has at most 64 bits; a larger number is a string"
    if isinstance(value, datetime):
        return "" if value.utcoffset() is not None else "a date-time has a zone, found one without"
    if isinstance(value, Reference):
        return "" if value.value and is_a(value.value, str) else "a reference holds a non-empty string"
    return f"a value is str, int, bool, bytes, datetime or Reference, found {type(value).__name__}"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
