"""PUT: the whole resource anew (RFC 7644 section 3.5.1)."""

from collections.abc import Mapping
from typing import Any

from ecmahost_core.scim.errors import mutability
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.schemas import Attribute


def replaced(before: Mapping[str, Any], body: Mapping[str, Any], resource_type: ResourceType) -> dict[str, Any]:
    """Returns the resource after a PUT.

    What the body leaves out is cleared, except what the client cannot set (``id``, ``meta``, read-only attributes), what
    never changes once set (immutable attributes), and ``active``: a client that does not mention it has not asked to
    disable anybody.

    Args:
        before: the resource as it is, canonical.
        body: what was sent, canonical and without read-only attributes.
        resource_type: of both.

    Raises:
        ScimError: 400 ``mutability`` when an immutable attribute would change.
    """
    after = _merged(before, body, resource_type.schema.attributes)
    for extension in resource_type.extensions:
        part = _merged(before.get(extension.id, {}), body.get(extension.id, {}), extension.attributes)
        if part:
            after[extension.id] = part
    for name in ("id", "meta"):
        if name in before:
            after[name] = before[name]
    if "externalId" in body:
        after["externalId"] = body["externalId"]
    return after


def _merged(before: Mapping[str, Any], body: Mapping[str, Any], attributes: tuple[Attribute, ...]) -> dict[str, Any]:
    after = {}
    for attribute in attributes:
        name = attribute.name
        value = body.get(name)
        if attribute.mutability == "immutable" and name in before:
            if value is not None and value != before[name]:
                raise mutability(f"{name} is immutable; leave it as it is or out.")
            value = before[name]
        elif attribute.mutability == "readOnly" or (name == "active" and value is None):
            value = before.get(name)
        if value is not None:
            after[name] = value
    return after
