"""Which rows of a mapping name other objects, and of which resource type these are.

A row whose target attribute has several references (a link attribute: a group's members) stands beside the mapping: its
values are in no object, and may be many. One whose target attribute has a single reference (a manager) stays in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ecmahost_core.configuration.model import ConnectorConfiguration, ObjectType, Profile
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType, SchemaAttribute, SchemaType
from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.schemas import Attribute, Schema
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.schema_mapping import MappedPath
from ecmahost_core.sync.mapping.selection import Refuse

GROUPS: Final = "groups"
"""Of a user: which groups have it as a member. Made by the host, and never written."""


def is_link(attribute: SchemaAttribute) -> bool:
    """Returns whether an attribute is a link attribute: any number of references."""
    return attribute.type is AttributeType.REFERENCE and attribute.multi_valued


def links_among(rows: Iterable[MappedPath], object_type: ObjectType, refuse: Refuse) -> tuple[MappedPath, ...]:
    """Returns the rows of link attributes; tells ``refuse`` what cannot be."""
    links = tuple(row for row in rows if is_link(row.target))
    identifying = {*object_type.anchor, *(query.name for query in object_type.query_attributes)}
    seen: set[str] = set()
    for row in links:
        name = row.target.name
        if row.target.operation is AttributeOperation.EXPORT_ONLY:
            refuse("schema_mapping", row.text, name, "an attribute that can be read: what differs is sent, not all")
        if name in identifying:
            refuse("schema_mapping", row.text, name, "an attribute that identifies nobody: several references do not")
        if name in seen:
            refuse("schema_mapping", row.text, name, "an attribute that no other path has")
        seen.add(name)
    return links


def scopes_of(
    configuration: ConnectorConfiguration,
    object_type: ObjectType,
    target: SchemaType,
    rows: Sequence[MappedPath],
    refuse: Refuse,
) -> tuple[tuple[str, str], ...]:
    """Returns, for each reference attribute that names objects of one resource type, that type.

    It is told by the attribute (``references``), or by the path (``members[type eq "Group"]``).
    """
    selected = {row.target.name: str(row.selector[1]) for row in rows if is_link(row.target) and row.selector}
    paths = {row.target.name: row.text for row in rows}
    found = []
    for attribute in target.attributes:
        if attribute.type is not AttributeType.REFERENCE:
            continue
        name, named = attribute.name, attribute.references
        scope = configuration.named_type(named or selected.get(name, ""))
        if scope is not None:
            found.append((name, scope))
            if selected.get(name, scope).lower() != scope.lower():
                expected = f"another type, or none: {name!r} names resources of type {scope}"
                refuse("schema_mapping", paths[name], "", expected)
        if named and scope is None:
            known = [one.target for one in configuration.object_types.values()]
            override = object_type.attributes.get(name)
            if override is not None and override.references:
                refuse("object_types", f"attributes.{name}.references", named, "a configured object type", known)
            elif name in paths:
                refuse("schema_mapping", paths[name], name, f"[object_types] with {named!r}, whose objects it names")
    return tuple(found)


def holds(row: MappedPath, scopes: Mapping[str, str], resource_type: str) -> bool:
    """Returns whether a row of a link attribute can name objects of a resource type."""
    return scopes.get(row.target.name, resource_type) == resource_type and (
        row.selector is None or str(row.selector[1]).lower() == resource_type.lower()
    )


def with_named_types(
    resource_type: ResourceType, rows: Iterable[MappedPath], scopes: Mapping[str, str], kinds: Sequence[str]
) -> ResourceType:
    """Returns a resource type whose references say which resource types they name (RFC 7643 section 7).

    Args:
        resource_type: with the mapped attributes only.
        rows: of the mapping.
        scopes: by target attribute, as ``scopes_of`` has them.
        kinds: the resource types that the connector has.
    """
    named: dict[tuple[str | None, str], set[str]] = {}
    for row in rows:
        if row.target.type is AttributeType.REFERENCE:
            own = named.setdefault((row.path.urn, row.path.name), set())
            own |= {kind for kind in kinds if holds(row, scopes, kind)}

    def told(urn: str | None, schema: Schema) -> Schema:
        attributes = (
            _naming(one, sorted(named.get((urn, one.name), ()), key=kinds.index)) for one in schema.attributes
        )
        return replace(schema, attributes=tuple(attributes))

    extensions = tuple(told(one.id, one) for one in resource_type.extensions)
    return replace(resource_type, schema=told(None, resource_type.schema), extensions=extensions)


def _naming(attribute: Attribute, kinds: Sequence[str]) -> Attribute:
    """An attribute that names resources of these types, beside those that its schema in the RFC says."""
    if not kinds:
        return attribute
    subs = []
    for sub in attribute.sub_attributes:
        if sub.name == "$ref":
            subs.append(replace(sub, reference_types=tuple(dict.fromkeys((*sub.reference_types, *kinds)))))
        elif sub.name == "type":
            subs.append(replace(sub, canonical_values=tuple(dict.fromkeys((*sub.canonical_values, *kinds)))))
        else:
            subs.append(sub)
    return replace(attribute, sub_attributes=tuple(subs))


def with_groups(bound: dict[str, TypeBinding]) -> None:
    """Gives users the attribute ``groups`` where the connector has groups that can name them."""
    users, groups = bound.get("User"), bound.get("Group")
    if users is None or groups is None or users.profile is Profile.ECMA:
        return
    scopes = dict(groups.space_type.scopes)
    names = tuple(row.target.name for row in groups.links if holds(row, scopes, "User"))
    attribute = USER.attribute(GROUPS)
    core = users.resource_type.schema
    if not names or attribute is None or core.attribute(GROUPS) is not None:
        return
    schema = replace(core, attributes=(*core.attributes, attribute))
    bound["User"] = replace(
        users,
        resource_type=replace(users.resource_type, schema=schema),
        member_of=names,
        groups_path=AttributePath(None, attribute, GROUPS),
    )
