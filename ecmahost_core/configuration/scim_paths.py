"""The ``[schema_mapping]`` tables: SCIM attribute paths, checked as far as the file alone allows.

Whether a path can be kept by the target attribute that it is mapped to is for whoever knows the target's schema.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from marshmallow import ValidationError

from ecmahost_core.configuration.fields import NAME, Reader
from ecmahost_core.configuration.mistakes import Mistake, describe, refusal
from ecmahost_core.scim.core_group import GROUP
from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.enterprise_user import ENTERPRISE_USER
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.path import parse_path
from ecmahost_core.scim.resource_types import ResourceType

_EXAMPLES = MappingProxyType({"User": 'userName = "LoginName"', "Group": 'displayName = "GroupName"'})

RESOURCE_TYPES: Final[Mapping[str, ResourceType]] = MappingProxyType(
    {
        "User": ResourceType("User", "/Users", USER, (ENTERPRISE_USER,)),
        "Group": ResourceType("Group", "/Groups", GROUP),
    }
)
"""The resource types that a connector can have, with the schemas that are known without a target."""


def mapping_of(resource_type: ResourceType) -> Reader[dict[str, str]]:
    """Returns the reader of the mapping of a resource type."""
    return partial(read_mapping, resource_type)


def read_mapping(resource_type: ResourceType, value: Any) -> dict[str, str]:
    """Returns the mapping of one resource type: SCIM path to target attribute, in the order of the file.

    Raises ValidationError.
    """
    if not isinstance(value, Mapping):
        raise refusal(describe(value), "a table")
    if not value:
        raise refusal("an empty table", f"at least one line such as {_EXAMPLES[resource_type.name]}")
    wrong: dict[str | int, Any] = {}
    seen: set[str] = set()
    for path, target in value.items():
        mistakes = _mistakes(path, target, resource_type)
        # Attribute names and URNs are compared without regard to case (RFC 7643 section 2.1).
        if path.casefold() in seen:
            mistakes.append(Mistake("a path that is mapped already, in another spelling", "each path once"))
        seen.add(path.casefold())
        if mistakes:
            wrong[path] = mistakes
    if wrong:
        raise ValidationError(wrong)
    return dict(value)


def _mistakes(path: str, target: Any, resource_type: ResourceType) -> list[Mistake]:
    found = []
    if isinstance(target, Mapping):
        found.append(Mistake("a table", f"{NAME}; put the SCIM path in quotes when it has a dot"))
    elif not isinstance(target, str) or not target or "\0" in target:
        found.append(Mistake(describe(target), f"{NAME}: the target attribute"))
    expected = path_mistake(path, resource_type)
    if expected:
        found.append(Mistake("a key that is no SCIM path", expected))
    return found


def path_mistake(path: str, resource_type: ResourceType) -> str:
    """Returns what a SCIM path should look like instead, or an empty text when it is grammatical.

    What follows the last colon of a URN may be any name: the target chooses it.
    """
    urn, _, name = path.rpartition(":")
    if urn.lower().startswith("urn:") and resource_type.split_urn(path) is None:
        return "" if name.strip() and name.isprintable() else "an attribute name after the last colon"
    try:
        parse_path(path, resource_type)
    except ScimError as error:
        return f"a SCIM path: {error.detail.rstrip('.')}"
    return ""
