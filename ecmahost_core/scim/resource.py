"""A resource as it is sent and as the host keeps it (RFC 7643 sections 2 and 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecmahost_core.scim import errors
from ecmahost_core.scim.common import SCHEMAS
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.projection import Projection, project, projection
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.schemas import Attribute, Schema
from ecmahost_core.scim.values import canonical_value, note_ignored

__all__ = [
    "Canonical",
    "Projection",
    "ResourceType",
    "canonical",
    "missing",
    "project",
    "projection",
    "with_schemas",
    "without_read_only",
]


@dataclass(frozen=True, slots=True)
class Canonical:
    """A resource in canonical form, and the names (as sent) of the attributes that were left out as unknown."""

    resource: dict[str, Any]
    ignored: tuple[str, ...]


def canonical(resource: Any, resource_type: ResourceType) -> Canonical:
    """Brings the body of a request to canonical form; called for every POST and PUT.

    Canonical is: core attributes at the top, those of an extension in an object under its URN, all names in the
    schema's spelling, JSON types as the schema has them, nothing unassigned. Extension attributes may arrive in their
    object, as flat keys (``urn:...:User:department``) or, where the core has no such attribute, without URN; dotted
    keys (``name.givenName``) are understood too. What is said twice counts in that order. ``schemas`` is not looked at
    and left out; see ``with_schemas``. Read-only attributes stay; see ``without_read_only``.

    Raises:
        ScimError: 400 ``invalidSyntax`` when the body is no object, ``invalidValue`` for a value of a wrong type.
    """
    if not isinstance(resource, Mapping):
        raise errors.invalid_syntax("The body of this request has to be a JSON object, the resource.")
    result: dict[str, Any] = {}
    ignored: list[str] = []
    later: list[tuple[int, str, AttributePath, Any]] = []
    for key, value in resource.items():
        path = resource_type.lookup(key)
        if path is not None and path.attribute is SCHEMAS:
            continue
        if path is None or (path.attribute is None and not isinstance(value, Mapping | None)):
            _note_unknown(ignored, key, value)
        elif path.attribute is None:
            later += _of_schema(path.urn, value or {}, resource_type, result, ignored)
        elif path.urn is None and path.name == key:
            _keep(result, key, canonical_value(path.attribute, value, "", ignored))
        else:
            later.append((_rank(key, path), key, path, value))
    later.sort(key=lambda entry: entry[0])
    for _, key, path, value in later:
        _add(result, key, path, value, ignored)
    return Canonical(result, tuple(ignored))


def with_schemas(resource: Mapping[str, Any], resource_type: ResourceType) -> dict[str, Any]:
    """``resource`` with the ``schemas`` that belong to what it has: the core and each extension with a value."""
    extensions = [schema.id for schema in resource_type.extensions if resource.get(schema.id)]
    listed = {"schemas": [resource_type.schema.id, *extensions]}
    return {**listed, **resource, **listed} if "schemas" in resource else {**listed, **resource}


def without_read_only(resource: Mapping[str, Any], resource_type: ResourceType) -> dict[str, Any]:
    """A canonical resource without what a client cannot set (RFC 7644 sections 3.3 and 3.5.1: it is ignored)."""
    result: dict[str, Any] = {}
    for key, value in resource.items():
        schema = resource_type.extension(key)
        if schema is not None:
            _keep(result, key, _writable(value, schema))
            continue
        path = resource_type.lookup(key)
        if path is not None and path.attribute is not None:
            _keep(result, key, _writable_value(path.attribute, value))
    return result


def missing(resource: Mapping[str, Any], resource_type: ResourceType) -> tuple[str, ...]:
    """The paths of required attributes that a canonical resource does not have (RFC 7643 section 2.2).

    Those of an extension are required only where the resource has the extension.
    """
    absent = [attribute.name for attribute in resource_type.schema.attributes if _lacks(resource, attribute)]
    for schema in resource_type.extensions:
        part = resource.get(schema.id)
        if part:
            absent += [f"{schema.id}:{attribute.name}" for attribute in schema.attributes if _lacks(part, attribute)]
    return tuple(absent)


def _rank(key: str, path: AttributePath) -> int:
    """Order in which repeated values count: a name of another spelling, then one that left its URN out."""
    return 0 if path.urn is None or key[:4].lower() == "urn:" else 1


def _of_schema(
    urn: str | None, value: Mapping[str, Any], resource_type: ResourceType, result: dict[str, Any], ignored: list[str]
) -> list[tuple[int, str, AttributePath, Any]]:
    """Takes over an object under a schema's URN; returns what is not spelt as the schema spells it."""
    later: list[tuple[int, str, AttributePath, Any]] = []
    part: dict[str, Any] = {}
    prefix = f"{urn or resource_type.schema.id}:"
    for name, item in value.items():
        path = resource_type.lookup(prefix + name)
        if path is None or path.attribute is None:
            _note_unknown(ignored, prefix + name, item)
        elif path.name == name and path.sub_attribute is None:
            _keep(part, name, canonical_value(path.attribute, item, prefix if urn else "", ignored))
        else:
            later.append((0, prefix + name, path, item))
    if urn is None:
        for name, item in part.items():
            result.setdefault(name, item)
    elif part:
        result[urn] = part | result.get(urn, {})
    return later


def _note_unknown(ignored: list[str], name: str, value: Any) -> None:
    """An unknown attribute without a value is none that was sent (RFC 7643 section 2.5)."""
    if value is not None and value != []:
        note_ignored(ignored, name)


def _add(result: dict[str, Any], key: str, path: AttributePath, value: Any, ignored: list[str]) -> None:
    """Adds what ``path`` names unless it is there already; objects are merged."""
    attribute, sub = path.attribute, path.sub_attribute
    if attribute is None or (sub is not None and attribute.multi_valued):
        note_ignored(ignored, key)
        return
    owner = "" if path.urn is None else f"{path.urn}:"
    if sub is None:
        converted = canonical_value(attribute, value, owner, ignored)
    else:
        inner = canonical_value(sub, value, f"{owner}{attribute.name}.", ignored)
        converted = None if inner is None else {sub.name: inner}
    if converted is None:
        return
    container = result if path.urn is None else result.setdefault(path.urn, {})
    present = container.get(path.name)
    if present is None:
        container[path.name] = converted
    elif isinstance(present, dict):
        container[path.name] = converted | present


def _keep(container: dict[str, Any], name: str, value: Any) -> None:
    if value is not None:
        container[name] = value


def _writable(part: Mapping[str, Any], schema: Schema) -> dict[str, Any] | None:
    result: dict[str, Any] = {}
    for name, value in part.items():
        attribute = schema.attribute(name)
        if attribute is not None:
            _keep(result, name, _writable_value(attribute, value))
    return result or None


def _writable_value(attribute: Attribute, value: Any) -> Any:
    if attribute.mutability == "readOnly":
        return None
    fixed = {sub.name for sub in attribute.sub_attributes if sub.mutability == "readOnly"}
    if not fixed or not value:
        return value
    if isinstance(value, list):
        return [part for element in value if (part := {k: v for k, v in element.items() if k not in fixed})] or None
    return {k: v for k, v in value.items() if k not in fixed} or None


def _lacks(container: Mapping[str, Any], attribute: Attribute) -> bool:
    needed = attribute.required and not attribute.defaulted and attribute.mutability != "readOnly"
    return needed and container.get(attribute.name) in (None, "")
