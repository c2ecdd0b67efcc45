"""The SCIM resource type of a connector: of the whole schema just what its mapping can keep.

``/Schemas`` shows it, and requests are read by it: an attribute that is not mapped is unknown here, so it is ignored
when it comes in and matches nothing in a filter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from ecmahost_core.configuration.model import ObjectType
from ecmahost_core.ecma.schema import AttributeOperation, SchemaAttribute, SchemaType
from ecmahost_core.scim import schemas
from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.enterprise_user import ENTERPRISE_USER
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.path import parse_path
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.schemas import Attribute, Schema
from ecmahost_core.sync.schema_mapping import MappedPath, selector_of
from ecmahost_core.sync.values import scim_type_of

_ENDPOINTS = {"User": "/Users"}
_CORE = {"User": USER}
_EXTENSIONS = {"User": (ENTERPRISE_USER,)}


def full_resource_type(name: str, mapped: Mapping[str, str], target: SchemaType) -> ResourceType:
    """Returns the resource type that the configured paths are resolved against.

    The core schema, the known extensions, and an extension for every other URN that a path names: there the attribute
    is what follows the URN's last colon, and its type is the target attribute's.
    """
    known = {schema.id.lower() for schema in (_CORE[name], *_EXTENSIONS[name])}
    custom: dict[str, list[Attribute]] = {}
    for text, target_name in mapped.items():
        urn, _, attribute_name = text.rpartition(":")
        attribute = target.attribute(target_name)
        if not urn.lower().startswith("urn:") or any(text.lower().startswith(f"{one}:") for one in known):
            continue
        if attribute is None:
            continue
        scim_type = cast(schemas.AttributeType, scim_type_of(attribute))
        custom.setdefault(urn, []).append(
            Attribute(attribute_name, type=scim_type, multi_valued=attribute.multi_valued, case_exact=False)
        )
    extensions = tuple(
        Schema(urn, urn.rpartition(":")[2], "Attributes of the target.", tuple(found)) for urn, found in custom.items()
    )
    return ResourceType(name, _ENDPOINTS[name], _CORE[name], (*_EXTENSIONS[name], *extensions))


def mapped_paths(text: str, target: SchemaAttribute, full: ResourceType) -> MappedPath | str:
    """Returns the row for one configured path, or what is wrong with the path as ``expected`` text."""
    try:
        path = parse_path(text, full)
        selector = selector_of(path)
    except (ScimError, ValueError) as error:
        return f"a SCIM attribute path: {error}"
    attribute = path.target
    if attribute is None or path.attribute is None:
        return f"a SCIM attribute of {full.name}, or a URN of your own for what SCIM has no name for"
    if path.attribute.name in ("id", "meta", "schemas"):
        return "an attribute that clients may set; the host itself makes id, meta and schemas"
    complex_ = path.attribute.type == "complex"
    value = path.attribute.sub("value") if complex_ and path.sub_attribute is None else attribute
    if value is None:
        return f"one of its sub-attributes, such as {text}.{path.attribute.sub_attributes[0].name}"
    if selector is None and path.sub_attribute is not None and path.attribute.multi_valued:
        return f'which of the values is meant, such as {path.attribute.name}[type eq "work"].{attribute.name}'
    return MappedPath(text, path, selector, target, value.type)


def trimmed_resource_type(
    name: str, rows: Iterable[MappedPath], object_type: ObjectType, target: SchemaType
) -> ResourceType:
    """Returns the resource type with the mapped attributes only, characteristics as the target makes them.

    ``active`` is always part of a User, because disabling is.
    """
    rows = tuple(rows)
    unique = {query.name for query in object_type.query_attributes if query.unique}
    described = {row.text: _characteristics(row, object_type, target, unique) for row in rows}

    def attributes_of(urn: str | None, schema: Schema) -> tuple[Attribute, ...]:
        kept = []
        for attribute in schema.attributes:
            own = [row for row in rows if row.path.urn == urn and row.path.name == attribute.name]
            if own:
                kept.append(_trimmed(attribute, own, described))
            elif urn is None and name == "User" and attribute.name == "active":
                kept.append(attribute)
        return tuple(kept)

    core = replace(_CORE[name], attributes=attributes_of(None, _CORE[name]))
    mapped = {row.text: row.target.name for row in rows}
    extensions = []
    for schema in full_resource_type(name, mapped, target).extensions:
        attributes = attributes_of(schema.id, schema)
        if attributes:
            extensions.append(replace(schema, attributes=attributes))
    return ResourceType(name, _ENDPOINTS[name], core, tuple(extensions))


def _trimmed(attribute: Attribute, rows: list[MappedPath], described: Mapping[str, Attribute]) -> Attribute:
    if attribute.type != "complex":
        return described[rows[0].text]
    names: dict[str, Attribute | None] = {}
    for row in rows:
        if row.selector is not None:
            names.setdefault(row.selector[0], attribute.sub(row.selector[0]))
        sub = row.path.sub_attribute or attribute.sub("value")
        if sub is not None:
            names[sub.name] = described[row.text] if len(rows) == 1 or row.selector is None else sub
    subs = tuple(names.get(sub.name) or sub for sub in attribute.sub_attributes if sub.name in names)
    return replace(attribute, sub_attributes=subs, required=False)


def _characteristics(row: MappedPath, object_type: ObjectType, target: SchemaType, unique: set[str]) -> Attribute:
    """The SCIM attribute of a row with mutability, required and uniqueness as the target has them.

    What SCIM itself requires (``userName``) stays required whatever the target says: a user who loses it is not found
    by a match any more, and would be created a second time.
    """
    attribute = row.path.target
    if attribute is None:
        raise ValueError(f"{row.text} is not resolved")
    if attribute.type == "complex":
        attribute = attribute.sub("value") or attribute
    anchor = row.target.name in object_type.anchor
    read_only = row.target.operation is AttributeOperation.IMPORT_ONLY
    immutable = anchor and object_type.anchor_immutable
    return replace(
        attribute,
        mutability="readOnly" if read_only else "immutable" if immutable else "readWrite",
        required=attribute.required
        or (not row.target.generated and (row.target.required or target.anchor == (row.target.name,))),
        uniqueness="server" if row.target.name in unique or target.anchor == (row.target.name,) else "none",
    )
