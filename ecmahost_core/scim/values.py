"""One value of a request, brought to the form in which the host keeps it.

The form is the schema's: names in its spelling, JSON types that fit, nothing unassigned (RFC 7643 section 2.5: null,
an empty array and an absent attribute are the same). The values themselves are kept as sent, without trimming and
without a change of case.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from ecmahost_core.scim import entra, errors
from ecmahost_core.scim.literals import number
from ecmahost_core.scim.schemas import Attribute
from ecmahost_core.secret import Secret

LONGEST_NAME = 200
_EXACT = 2.0**53


def canonical_value(attribute: Attribute, value: Any, owner: str, ignored: list[str]) -> Any:
    """The value of ``attribute`` in canonical form, or None when it is unassigned.

    An empty list of ``linked`` values stays one.

    Args:
        attribute: what the schema says.
        value: JSON as sent.
        owner: what stands before the attribute's name in messages: empty, ``name.`` or a URN and a colon.
        ignored: receives the names of unknown sub-attributes.

    Raises:
        ScimError: 400 ``invalidValue`` naming the attribute and what it expects. The value is not repeated.
    """
    if value is None or value == []:
        return [] if attribute.linked and value == [] else None
    if attribute.returned == "never":
        return sealed(attribute, value, owner)
    if attribute.multi_valued:
        return _values(attribute, value, owner, ignored)
    if attribute.type == "complex":
        return _complex(attribute, value, owner, ignored)
    return _simple(attribute, value, owner)


def sealed(attribute: Attribute, value: Any, owner: str) -> Secret | None:
    """The value of an attribute that is never shown (a password), or None for null and an empty text.

    It is not changed in any way: what a person types must be what the target was given. Only a string is taken, because
    the text of a number is not for us to choose; and no NUL, where many a target would end the password.

    Raises:
        ScimError: 400 ``invalidValue``.
    """
    if value is None or value == "" or isinstance(value, Secret):
        return value or None
    if not isinstance(value, str):
        raise _wrong(attribute, owner, "a string", value)
    if "\0" in value:
        raise errors.invalid_value(f"{owner}{attribute.name} wants a string without NUL characters.")
    return Secret(lambda: value)


def sub_value(sub: Attribute, item: Any, inner: str, ignored: list[str]) -> Any:
    """``canonical_value`` for a sub-attribute; a senseless ``primary`` is left out and named in ``ignored``."""
    if type(item) is str and sub.type == "string" and not sub.multi_valued:
        return item
    if sub.type == "boolean" and entra.tolerates_nonsense(sub.name) and not _is_boolean(item):
        note_ignored(ignored, inner + sub.name)
        return None
    return canonical_value(sub, item, inner, ignored)


def note_ignored(ignored: list[str], name: str) -> None:
    """Adds the name of an unknown attribute, once, and cut where it is longer than any name would be."""
    name = name[:LONGEST_NAME]
    if name not in ignored[-50:]:
        ignored.append(name)


def _values(attribute: Attribute, value: Any, owner: str, ignored: list[str]) -> list[Any] | None:
    convert: Callable[..., Any] = _complex if attribute.type == "complex" else _single_simple
    found = []
    for element in value if isinstance(value, list) else [value]:
        converted = convert(attribute, element, owner, ignored)
        if converted is not None:
            found.append(converted)
    if attribute.type == "complex" and sum(element.get("primary") is True for element in found) > 1:
        raise errors.invalid_value(f"Only one value of {owner}{attribute.name} can be the primary one.")
    return found or None


def _complex(attribute: Attribute, value: Any, owner: str, ignored: list[str]) -> dict[str, Any] | None:
    if isinstance(value, list) and not attribute.multi_valued:
        if len(value) > 1:
            raise _wrong(attribute, owner, "one object", value)
        value = value[0] if value else None
    if value is None or value == "":
        return None
    if not isinstance(value, Mapping):
        if attribute.sub("value") is None or isinstance(value, list):
            raise _wrong(attribute, owner, "an object", value)
        value = {"value": value}
    inner = f"{owner}{attribute.name}."
    result: dict[str, Any] = {}
    if "$ref" in value and "value" not in value and not attribute.multi_valued and attribute.sub("value") is not None:
        value = {**value, "value": _end_of(value["$ref"])}
    for key, item in value.items():
        sub = attribute.sub(key)
        if sub is None:
            note_ignored(ignored, inner + key)
            continue
        converted = sub_value(sub, item, inner, ignored)
        if converted is not None:
            result[sub.name] = converted
    return result or None


def _end_of(url: Any) -> str | None:
    """The id in the URL of a resource, which may stand alone for it (RFC 7643 section 2.4)."""
    return url.rstrip("/").rpartition("/")[2] or None if isinstance(url, str) else None


def _is_boolean(item: Any) -> bool:
    return item is None or isinstance(item, bool) or (isinstance(item, str) and entra.boolean(item) is not None)


def _single_simple(attribute: Attribute, value: Any, owner: str, _ignored: list[str]) -> Any:
    return None if value is None else _simple(attribute, value, owner)


def _simple(attribute: Attribute, value: Any, owner: str) -> Any:
    kind = attribute.type
    if kind == "string":
        return value if isinstance(value, str) else _json_text(attribute, value, owner)
    if value == "":
        return None  # not a value of these types, so it can only mean that there is none
    if attribute.as_sent and isinstance(value, str | bool | int | float):
        return value
    if kind == "boolean":
        return _boolean(attribute, value, owner)
    if kind in ("integer", "decimal"):
        return _number(attribute, value, owner)
    if not isinstance(value, str):
        raise _wrong(attribute, owner, f"a string ({kind})", value)
    return value


def _json_text(attribute: Attribute, value: Any, owner: str) -> str:
    """The JSON text of a boolean or a number that was sent where a string belongs.

    Not of a number that reading it has rounded: an employee number of 20 digits would be somebody else's.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if (isinstance(value, int) and value.bit_length() <= 64) or (isinstance(value, float) and abs(value) < _EXACT):
        return repr(value)
    raise _wrong(attribute, owner, "a string", value)


def _boolean(attribute: Attribute, value: Any, owner: str) -> bool:
    if isinstance(value, bool):
        return value
    converted = entra.boolean(value) if isinstance(value, str) else None
    if converted is None:
        raise _wrong(attribute, owner, "true or false", value)
    return converted


def _number(attribute: Attribute, value: Any, owner: str) -> int | float:
    converted = number(value) if isinstance(value, str) else value
    if isinstance(converted, float) and attribute.type == "integer" and converted.is_integer():
        converted = int(converted)
    expected = "an integer" if attribute.type == "integer" else "a number"
    if isinstance(converted, bool) or not isinstance(converted, int | float):
        raise _wrong(attribute, owner, expected, value)
    if isinstance(converted, int) and converted.bit_length() > 63:
        raise _wrong(attribute, owner, f"{expected} of 64 bits", value)
    if isinstance(converted, float) and (attribute.type == "integer" or not math.isfinite(converted)):
        raise _wrong(attribute, owner, expected, value)
    return converted


def _wrong(attribute: Attribute, owner: str, expected: str, value: Any) -> errors.ScimError:
    found = f"{_kind(value)} of {len(value)} values" if isinstance(value, list) else _kind(value)
    return errors.invalid_value(f"{owner}{attribute.name} wants {expected}, but {found} was sent.")


def _kind(value: Any) -> str:
    """What JSON calls the value; never the value."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "another string"
    return "an object" if isinstance(value, Mapping) else "an array"
