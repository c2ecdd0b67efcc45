"""One value, in SCIM's JSON and in the target's type: the two conversions, and when two values are the same."""

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from ecmahost_core.ecma.schema import AttributeType, SchemaAttribute, ValueFormat
from ecmahost_core.ecma.values import INT64_MAX, INT64_MIN, Reference, Value, text_of
from ecmahost_core.scim.errors import ScimError, invalid_value
from ecmahost_core.scim.literals import number
from ecmahost_core.sync.mapping import formats
from ecmahost_core.text import fold

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_READ_FROM_TEXT = frozenset({"boolean", "integer", "decimal"})
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})
_LONGEST_WORD = 20
_WORDS = MappingProxyType({"true": 1, "false": 0})
_SCIM_TYPES = {
    AttributeType.STRING: "string",
    AttributeType.INTEGER: "integer",
    AttributeType.BOOLEAN: "boolean",
    AttributeType.BINARY: "binary",
    AttributeType.REFERENCE: "string",
    AttributeType.DATE_TIME: "dateTime",
}


def scim_type_of(attribute: SchemaAttribute) -> str:
    """Returns the SCIM type under which an attribute of a custom extension is announced (RFC 7643 section 2.3)."""
    return _SCIM_TYPES[attribute.type]


def shown_unchanged(scim_type: str) -> bool:
    """Returns whether ``to_scim`` gives every text back as it is for this SCIM type."""
    return scim_type not in _READ_FROM_TEXT


def to_scim(value: Value, scim_type: str) -> Any:
    """Returns the JSON of a target's value for a SCIM attribute of this type.

    A boolean or number that the target holds as text is shown as what it says; where it says neither, as its text.
    Bytes are base64 (RFC 7643 section 2.3.6), date-times are UTC with ``Z``.
    """
    if type(value) is str and scim_type not in _READ_FROM_TEXT:
        return value
    if scim_type == "boolean" and not isinstance(value, bool):
        text = text_of(value).strip().lower()
        return True if text in _TRUE else False if text in _FALSE else text_of(value)
    if scim_type in ("integer", "decimal") and isinstance(value, str):
        found = number(value.strip())
        return value if found is None else found
    if isinstance(value, bool):
        return value if scim_type == "boolean" else text_of(value)
    if isinstance(value, int):
        return value if scim_type in ("integer", "decimal") else str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return _in_utc(value).isoformat().replace("+00:00", "Z")
    return text_of(value)


def to_target(data: Any, attribute: SchemaAttribute, path: str) -> Value:
    """Returns the target's value for SCIM JSON; raises ScimError 400 ``invalidValue`` that names ``path``.

    Args:
        data: a JSON string, number or boolean; never null or empty.
        attribute: of the target.
        path: the SCIM attribute, for the message.
    """
    if isinstance(data, dict | list):
        raise _misfit(path, attribute, "one simple value")
    match attribute.type:
        case AttributeType.INTEGER:
            return _integer(data, attribute, path)
        case AttributeType.BOOLEAN:
            return _boolean(data, attribute, path)
        case AttributeType.BINARY:
            return _binary(data, attribute, path)
        case AttributeType.DATE_TIME:
            return _date_time(data, attribute, path)
        case AttributeType.REFERENCE:
            if data == "":
                raise _misfit(path, attribute, "the name of another object")
            return Reference(_string(data, attribute, path))
        case AttributeType.STRING:
            return _string(data, attribute, path)


def _string(data: Any, attribute: SchemaAttribute, path: str) -> str:
    text = data if isinstance(data, str) else _truth(data, attribute) if isinstance(data, bool) else repr(data)
    if "\x00" in text:
        raise _misfit(path, attribute, "a text without NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _misfit(path, attribute, "valid Unicode text (half a surrogate pair is none)") from None
    if attribute.max_length is not None and len(text) > attribute.max_length:
        raise _misfit(path, attribute, f"at most {attribute.max_length} characters, not {len(text)}")
    try:
        return formats.fitted(text, attribute)
    except formats.Misfit as misfit:
        raise _misfit(path, attribute, str(misfit)) from None


def _truth(data: object, attribute: SchemaAttribute) -> str:
    """A boolean as text: 1 or 0 as a number, and where the target has no room for a word."""
    short = attribute.max_length is not None and attribute.max_length < len(str(False))
    return str(int(data is True)) if short or attribute.format is ValueFormat.DECIMAL else str(data)


def _integer(data: Any, attribute: SchemaAttribute, path: str) -> int:
    """An integer, also as text. A boolean, also as text, becomes 1 or 0: many targets know no other booleans."""
    if isinstance(data, float) and data.is_integer():
        data = int(data)
    if isinstance(data, str):
        data = int(data) if _INTEGER.fullmatch(data) else _WORDS.get(data.lower(), data)
    least = INT64_MIN if attribute.minimum is None else attribute.minimum
    most = INT64_MAX if attribute.maximum is None else attribute.maximum
    if not isinstance(data, int) or not least <= data <= most:
        limited = attribute.minimum is not None or attribute.maximum is not None
        raise _misfit(path, attribute, f"an integer from {least} to {most}" if limited else "an integer of 64 bits")
    return int(data)


def _boolean(data: Any, attribute: SchemaAttribute, path: str) -> bool:
    if isinstance(data, bool):
        return data
    text = text_of(data).strip().lower() if isinstance(data, str | int) else ""
    if text in _TRUE | _FALSE and len(str(data)) <= _LONGEST_WORD:
        return text in _TRUE
    raise _misfit(path, attribute, "true or false")


def _binary(data: Any, attribute: SchemaAttribute, path: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise _misfit(path, attribute, "base64") from None


def _date_time(data: Any, attribute: SchemaAttribute, path: str) -> datetime:
    try:
        return formats.in_precision(formats.moment_of(data if isinstance(data, str) else ""), attribute.scale)
    except formats.Misfit as misfit:
        raise _misfit(path, attribute, str(misfit)) from None


def _misfit(path: str, attribute: SchemaAttribute, expected: str) -> ScimError:
    kind = (attribute.format or attribute.type).value
    return invalid_value(f"{path}: the target attribute {attribute.name!r} ({kind}) takes {expected}.")


def normal(value: Value, attribute: SchemaAttribute) -> Value:
    """Returns what is equal, type included, for values that mean the same to an attribute, stored or to be stored."""
    if isinstance(value, str):
        return formats.normal(value, attribute)
    if isinstance(value, datetime):
        return formats.in_precision(_in_utc(value), attribute.scale)
    if isinstance(value, Reference):
        return Reference(formats.normal(value.value, attribute))
    return value


def normal_text(value: Value, attribute: SchemaAttribute) -> str:
    """Returns the text that is equal for values that a match takes for the same."""
    if type(value) is str and attribute.format is None:  # almost always; the fold composes
        return fold(value)
    return fold(text_of(normal(value, attribute)))


def same_values(left: Sequence[Value], right: Sequence[Value], attribute: SchemaAttribute) -> bool:
    """Returns whether two sets of values mean the same to an attribute, type included, whatever their order."""
    if len(left) != len(right):
        return False
    return sorted(_sortable(value, attribute) for value in left) == sorted(
        _sortable(value, attribute) for value in right
    )


def _sortable(value: Value, attribute: SchemaAttribute) -> tuple[str, str]:
    return type(value).__name__, text_of(normal(value, attribute))


def _in_utc(moment: datetime) -> datetime:
    """The same instant in UTC; as it is where UTC has no such year."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment
