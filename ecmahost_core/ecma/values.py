"""Attribute values and their lossless JSON form.

A value is a string, a 64-bit integer, a boolean, bytes, a date-time with a zone, or a reference to another object
(ECMA2: AttributeType). Decimals, floats and anything else a target knows cross the contract as strings, written as the
target writes them, so that nothing is rounded on the way.

Attributes of an object are a mapping from name to a tuple of values, also where the attribute is single-valued. A name
that is missing means "not read"; a name with an empty tuple means "read, and it has no value".
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, TypeAlias

import orjson

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class Reference:
    """A pointer to another object of the same target (ECMA2: AttributeType.Reference).

    Attributes:
        value: what the target stores: the other object's anchor as text, or its DN. Never empty.
    """

    value: str


Value: TypeAlias = str | int | bool | bytes | datetime | Reference
Values: TypeAlias = tuple[Value, ...]
Attributes: TypeAlias = Mapping[str, Values]
Anchor: TypeAlias = Values
"""The values of the anchor attributes, in the order in which the schema names them; empty when not known yet."""


def text_of(value: Value) -> str:
    """Returns the text of a value, as it stands in an anchor key, an index or a SCIM string.

    Booleans are ``True`` and ``False`` (as Entra writes them), bytes are lower-case hexadecimal, date-times ISO 8601.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Reference):
        return value.value
    return str(value)


def anchor_text(anchor: Anchor) -> str:
    """Returns the text that identifies an anchor within its object type: the value's own text when there is one.

    Several values become a JSON array of their texts, so that no separator can be forged. Raises ValueError for an
    empty anchor.
    """
    if not anchor:
        raise ValueError("an anchor has at least one value")
    if len(anchor) == 1:
        return text_of(anchor[0])
    return orjson.dumps([text_of(value) for value in anchor]).decode()


def value_to_json(value: Value) -> Any:
    """Returns the JSON form of one value: strings, integers and booleans as they are, the others as one-key objects."""
    if isinstance(value, str | int):
        return value
    return _tagged(value)


def value_from_json(data: Any) -> Value:
    """Returns the value whose JSON form is ``data``; ValueError for anything that ``value_to_json`` does not make."""
    if isinstance(data, str | int):
        return data
    if isinstance(data, dict) and len(data) == 1:
        ((tag, content),) = data.items()
        if tag == "bytes" and isinstance(content, str):
            return base64.b64decode(content, validate=True)
        if tag == "datetime" and isinstance(content, str):
            return datetime.fromisoformat(content)
        if tag == "reference" and isinstance(content, str):
            return Reference(content)
    raise ValueError(f"not the JSON form of a value: {type(data).__name__}")


def attributes_to_json(attributes: Attributes) -> bytes:
    """Returns attributes as canonical JSON (names sorted), equal for equal attributes, fit for a digest.

    Raises TypeError for a value that is none of the contract's types, for an integer beyond 64 bits, and for half of a
    surrogate pair.
    """
    # orjson knows more than the contract does: None, floats, lists and unsigned integers would slip through.
    if not _TEXTS_AND_BOOLEANS.issuperset(map(type, chain.from_iterable(attributes.values()))):
        for value in chain.from_iterable(attributes.values()):
            if type(value) is not str and not _is_value(value):
                raise TypeError(f"{type(value).__name__} is not a value of the contract")
    return orjson.dumps(
        attributes if type(attributes) is dict else dict(attributes), default=_tagged, option=_CANONICAL
    )


def unchecked_json(attributes: dict[str, Values]) -> bytes:
    """Returns what :func:`attributes_to_json` does, of values that nobody has looked at.

    Raises TypeError for what has no JSON at all, and for half of a surrogate pair.
    """
    return orjson.dumps(attributes, default=_tagged, option=_CANONICAL)


def values_to_json(values: Values) -> bytes:
    """Returns the JSON of a list of values, an anchor for example; raises what :func:`attributes_to_json` raises."""
    for value in values:
        if type(value) is not str and not _is_value(value):
            raise TypeError(f"{type(value).__name__} is not a value of the contract")
    return orjson.dumps(values, default=_tagged, option=_CANONICAL)


def attributes_from_json(data: bytes | str) -> dict[str, Values]:
    """Returns the attributes whose JSON form is ``data``: the inverse of :func:`attributes_to_json`."""
    loaded: dict[str, list[Any]] = orjson.loads(data)
    braces = data.count(b"{") if isinstance(data, bytes) else data.count("{")
    if braces == 1:  # the outermost, as almost always: no value is an object
        return {name: tuple(values) for name, values in loaded.items()}
    return {name: tuple(map(_restore, values)) for name, values in loaded.items()}


_TEXTS_AND_BOOLEANS = frozenset({str, bool})
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def _is_value(value: object) -> bool:
    if isinstance(value, int):
        return INT64_MIN <= value <= INT64_MAX
    return isinstance(value, str | bytes | datetime | Reference)


def _restore(data: Any) -> Value:
    return value_from_json(data) if isinstance(data, dict) else data


def _tagged(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, Reference):
        return {"reference": value.value}
    raise TypeError(f"{type(value).__name__} is not a value of the contract")
