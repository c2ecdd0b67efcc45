"""The ``[schema_mapping]`` tables: SCIM attribute paths, checked as far as the file alone allows.

Whether a path can be kept by the target attribute that it is mapped to is for whoever knows the target's schema.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from marshmallow import ValidationError

from ecmahost_core.configuration.fields import NAME, Reader
from ecmahost_core.configuration.mistakes import Mistake, describe, refusal
from ecmahost_core.scim.core_group import GROUP
from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.custom_types import custom_path
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


Mistaken = Callable[[str], str]
"""Says what a SCIM path should look like instead; empty when it is grammatical."""


def mapping_of(resource_type: ResourceType) -> Reader[dict[str, str]]:
    """Returns the reader of the mapping of a resource type."""
    mistaken = partial(path_mistake, resource_type=resource_type)
    return partial(read_mapping, mistaken, _EXAMPLES[resource_type.name])


def custom_mapping_of(urn: str) -> Reader[dict[str, str]]:
    """Returns the reader of the mapping of a resource type of the administrator's own, by the URN of its schema.

    Its attributes are what the mapping names, so that only their form is looked at here.
    """

    def read(value: Any) -> dict[str, str]:
        mapping = read_mapping(partial(_custom_mistake, urn=urn), 'name = "Name"', value)
        paths = {text: path for text in mapping if (path := custom_path(text, urn)) is not None}
        whole = {path.name.casefold() for path in paths.values() if not path.sub and not path.filtered}
        wrong: dict[str | int, Any] = {
            text: [Mistake(f"a part of {path.name}, which is mapped as a whole", "the one or the other")]
            for text, path in paths.items()
            if (path.sub or path.filtered) and path.name.casefold() in whole
        }
        if wrong:
            raise ValidationError(wrong)
        return mapping

    return read


def read_mapping(mistaken: Mistaken, example: str, value: Any) -> dict[str, str]:
    """Returns the mapping of one resource type: SCIM path to target attribute, in the order of the file.

    Raises ValidationError.
    """
    if not isinstance(value, Mapping):
        raise refusal(describe(value), "a table")
    if not value:
        raise refusal("an empty table", f"at least one line such as {example}")
    wrong: dict[str | int, Any] = {}
    seen: set[str] = set()
    for path, target in value.items():
        mistakes = _mistakes(path, target, mistaken)
        # Attribute names and URNs are compared without regard to case (RFC 7643 section 2.1).
        if path.casefold() in seen:
            mistakes.append(Mistake("a path that is mapped already, in another spelling", "each path once"))
        seen.add(path.casefold())
        if mistakes:
            wrong[path] = mistakes
    if wrong:
        raise ValidationError(wrong)
    return dict(value)


def _mistakes(path: str, target: Any, mistaken: Mistaken) -> list[Mistake]:
    found = []
    if isinstance(target, Mapping):
        found.append(Mistake("a table", f"{NAME}; put the SCIM path in quotes when it has a dot"))
    elif not isinstance(target, str) or not target or "\0" in target:
        found.append(Mistake(describe(target), f"{NAME}: the target attribute"))
    expected = mistaken(path)
    if expected:
        found.append(Mistake("a key that is no SCIM path", expected))
    return found


def path_mistake(path: str, resource_type: ResourceType) -> str:
    """Returns what a SCIM path should look like instead, or an empty text when it is grammatical.

    What follows the last colon of a URN may be any name: the target chooses it.
    """
    urn, _, name = path.rpartition(":")
    if urn.lower().startswith("urn:") and resource_type.split_urn(path) is None:
        return _own_name_mistake(name)
    try:
        parse_path(path, resource_type)
    except ScimError as error:
        return f"a SCIM path: {error.detail.rstrip('.')}"
    return ""


def _custom_mistake(path: str, urn: str) -> str:
    own, _, name = path.rpartition(":")
    if own.lower().startswith("urn:") and own.lower() != urn.lower():
        return _own_name_mistake(name)
    fits = custom_path(path, urn) is not None
    return "" if fits else 'a SCIM path: name, name.part, name[type eq "..."] for references, or a URN, a colon, a name'


def _own_name_mistake(name: str) -> str:
    return "" if name.strip() and name.isprintable() else "an attribute name after the last colon"
