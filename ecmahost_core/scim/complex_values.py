"""Changing the sub-attributes of one complex value (RFC 7644 section 3.5.2). No argument is changed."""

from collections.abc import Mapping
from typing import Any

from ecmahost_core.scim import errors
from ecmahost_core.scim.schemas import Attribute
from ecmahost_core.scim.values import canonical_value, sub_value


def merged(
    attribute: Attribute, present: Mapping[str, Any] | None, value: Any, owner: str, ignored: list[str]
) -> dict[str, Any] | None:
    """``present`` with the sub-attributes that ``value`` gives, less those that it gives as null.

    Sub-attributes that ``value`` does not name stay as they are, and absent where they were absent. Read-only ones
    in ``value`` are passed over when the attribute itself can be written. Returns None when nothing is left.
    """
    converted = canonical_value(attribute, value, owner, ignored)
    if isinstance(converted, list):
        if len(converted) > 1:
            raise errors.invalid_value(f"{owner}{attribute.name} wants one object here, but several were sent.")
        converted = converted[0] if converted else None  # of values that are kept apart, an empty list stays one
    given: dict[str, Any] = converted or {}
    result = dict(present or {})
    for name in _nulls(attribute, value):
        result = without(attribute, result, name)
    if "value" in given and given["value"] != result.get("value"):
        result = without(attribute, result, "value")
    for name, item in given.items():
        if attribute.mutability == "readOnly" or name not in _read_only(attribute):
            result[name] = item
    return result or None


def with_sub(
    attribute: Attribute, present: Mapping[str, Any] | None, sub: Attribute, value: Any, owner: str, ignored: list[str]
) -> dict[str, Any]:
    """``present`` with one sub-attribute set to ``value``, which is not null.

    Raises:
        ScimError: 400 ``invalidValue``, or ``mutability`` when the sub-attribute is immutable and has another value.
    """
    converted = sub_value(sub, value, f"{owner}{attribute.name}.", ignored)
    before: Mapping[str, Any] = present or {}
    if converted is None or before.get(sub.name) == converted:
        return dict(before)
    if sub.mutability == "immutable" and sub.name in before:
        raise errors.mutability(f"{owner}{attribute.name}.{sub.name} cannot be changed once it is set.")
    kept = without(attribute, before, "value") if sub.name == "value" else dict(before)
    return kept | {sub.name: converted}


def without(attribute: Attribute, present: Mapping[str, Any], name: str) -> dict[str, Any]:
    """``present`` less one sub-attribute.

    With ``value`` go the URL and the read-only sub-attributes, because they describe what ``value`` refers to: the
    name of the old manager must not stand beside the id of the new one.
    """
    gone = {name, "$ref", *_read_only(attribute)} if name == "value" else {name}
    return {key: item for key, item in present.items() if key not in gone}


def _read_only(attribute: Attribute) -> set[str]:
    return {sub.name for sub in attribute.sub_attributes if sub.mutability == "readOnly"}


def _nulls(attribute: Attribute, value: Any) -> list[str]:
    element = value[0] if isinstance(value, list) and value else value
    if not isinstance(element, Mapping):
        return []
    subs = (attribute.sub(key) for key, item in element.items() if item is None or item == [])
    return [sub.name for sub in subs if sub is not None and sub.mutability != "readOnly"]
