"""PUT: the whole resource anew (RFC 7644 section 3.5.1)."""

from collections.abc import Iterable, Mapping
from typing import Any

from ecmahost_core.scim.errors import invalid_value, mutability
from ecmahost_core.scim.links import Links
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.schemas import Attribute


def replaced(before: Mapping[str, Any], body: Mapping[str, Any], resource_type: ResourceType) -> dict[str, Any]:
    """Returns the resource after a PUT.

    What the body leaves out is cleared, except what the client cannot set (``id``, ``meta``, read-only attributes),
    what it cannot have seen (write-only ones), what never changes once set (immutable ones), and ``active``: a client
    that does not mention it has not asked to disable anybody. The same holds for the sub-attributes of an attribute
    that has one value. Values that were not read (``Links``: a group's members) stay as they are unless the body names
    the attribute: a client that renames a group need not send its 50,000 members, and must not lose them.

    Args:
        before: the resource as it is, canonical.
        body: what was sent, canonical and without read-only attributes.
        resource_type: of both.

    Raises:
        ScimError: 400 ``mutability`` when an immutable attribute would change, ``invalidValue`` when one that is
            required would be cleared.
    """
    core = dict(body)
    active = resource_type.schema.attribute("active")
    if core.get("active") is None and "active" in before and active is not None and active.defaulted:
        core["active"] = before["active"]
    after = _merged(before, core, resource_type.schema.attributes, "")
    for extension in resource_type.extensions:
        part = _merged(
            before.get(extension.id) or {}, body.get(extension.id) or {}, extension.attributes, f"{extension.id}:"
        )
        if part:
            after[extension.id] = part
    for name in ("id", "meta"):
        if name in before:
            after[name] = before[name]
    if body.get("externalId") is not None:
        after["externalId"] = body["externalId"]
    return after


def _merged(
    before: Mapping[str, Any], body: Mapping[str, Any], attributes: Iterable[Attribute], owner: str
) -> dict[str, Any]:
    """The attributes of one schema, or of one complex value; ``owner`` stands before their names in messages."""
    after = {}
    for attribute in attributes:
        value = _value(attribute, before.get(attribute.name), body.get(attribute.name), owner)
        if value is not None:
            after[attribute.name] = value
    return after


def _value(attribute: Attribute, old: Any, new: Any, owner: str) -> Any:
    """The value of one attribute afterwards, None when it has none."""
    name = f"{owner}{attribute.name}"
    if isinstance(old, Links):
        readable = new is None or attribute.mutability == "readOnly"
        return old if readable else old.replaced_by(new, name)
    if attribute.type == "complex" and not attribute.multi_valued and attribute.mutability != "readOnly":
        return _merged(old or {}, new or {}, attribute.sub_attributes, f"{name}.") or None
    if attribute.mutability == "immutable" and old is not None:
        if attribute.as_sent and new is not None:
            return new
        if new is not None and new != old:
            raise mutability(f"{name} is immutable; leave it as it is or out.")
        return old
    if attribute.mutability == "readOnly" or (attribute.mutability == "writeOnly" and new is None):
        return old
    if attribute.required and new is None and old is not None:
        raise invalid_value(f"{name} is required and cannot be left out of a PUT.")
    return new
