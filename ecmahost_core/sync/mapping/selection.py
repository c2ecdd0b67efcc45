"""Which attributes of the target's object type a connector keeps: the Object Types and Select Attributes tabs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ecmahost_core.configuration.model import ConnectorConfiguration, Deprovisioning, ObjectType, Profile
from ecmahost_core.ecma.deprovisioning import FlowAction
from ecmahost_core.ecma.passwords import EXPORT_PASSWORD
from ecmahost_core.ecma.schema import AttributeType, SchemaAttribute, SchemaType
from ecmahost_core.scim.entra import DN_ATTRIBUTE
from ecmahost_core.sync.mapping.wire_names import Unnameable, WireNames, wire_names

Place = tuple[str, str]
"""Where the configuration names an attribute: table and key."""

_OVERRIDES: Place = ("object_types", "attributes")


class Refuse(Protocol):
    """Notes a mistake in the configuration."""

    def __call__(self, table: str, key: str, found: str, expected: str, names: Sequence[str] = ()) -> None:
        """Called with the table without its resource type, and the names among which the nearest is told."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is kept of an object type.

    Attributes:
        target: the target's type with the configured anchor and the selected attributes only, in the target's order.
        names: their names on the wire, in the profile ``ecma``; empty in the profile ``scim``.
        left_out: what everything selects, and cannot be named.
    """

    target: SchemaType
    names: Mapping[str, str]
    left_out: tuple[Unnameable, ...]


def selection_of(
    configuration: ConnectorConfiguration, object_type: ObjectType, offered: SchemaType, refuse: Refuse, *, has_dn: bool
) -> Selection:
    """Returns what is selected: anchor, query, mapped, flow and listed attributes.

    In the profile ``ecma`` these are all, unless ``select_attributes`` lists some; there ``attributes`` says what an
    attribute is like, and selects none.

    Args:
        configuration: of the connector.
        object_type: as configured.
        offered: the same as the target has it.
        refuse: called for every mismatch.
        has_dn: whether its objects have a DN, their own or a generated one.
    """
    if offered.anchor_locked and object_type.anchor != offered.anchor:
        refuse("object_types", "anchor", ", ".join(object_type.anchor), f"{', '.join(offered.anchor)}, no other")
    used = _used(configuration, object_type)
    known = [attribute.name for attribute in offered.attributes]
    for name, (table, key) in used.items():
        dn = has_dn and key == "select_attributes" and name == DN_ATTRIBUTE
        password = name == EXPORT_PASSWORD and (key == "select_attributes" or table == "schema_mapping")
        if name not in known and not (dn or password):
            refuse(table, key, name, f"an attribute of {offered.name!r} in the target", known)
    ecma = configuration.profile_of(object_type.resource_type) is Profile.ECMA
    everything = ecma and object_type.select_attributes is None
    kept = {name for name, place in used.items() if not (ecma and place == _OVERRIDES)}
    chosen = [_overridden(object_type, one) for one in offered.attributes if everything or one.name in kept]
    if ecma:
        chosen = _without_links(chosen, used, refuse)
    found = _named(object_type, chosen, used, refuse) if ecma else WireNames({}, (), ())
    if ecma:
        chosen = [one for one in chosen if one.name in found.names]
    target = SchemaType(offered.name, tuple(chosen), object_type.anchor, offered.anchor_locked)
    return Selection(target, found.names, found.left_out)


def passwords_selected(configuration: ConnectorConfiguration, object_type: ObjectType) -> bool:
    """Returns whether clients can send a password, as far as the configuration says.

    In the profile ``ecma`` it is selected like an attribute: by its name, or with everything.
    """
    if configuration.profile_of(object_type.resource_type) is Profile.ECMA:
        return object_type.select_attributes is None or EXPORT_PASSWORD in object_type.select_attributes
    return EXPORT_PASSWORD in configuration.schema_mapping.get(object_type.resource_type, {}).values()


def _used(configuration: ConnectorConfiguration, object_type: ObjectType) -> dict[str, Place]:
    """The attributes that the configuration names, each with the place where it does."""
    flows = configuration.deprovisioning.get(object_type.resource_type, Deprovisioning())
    mapping = configuration.schema_mapping.get(object_type.resource_type, {})
    used: dict[str, Place] = {}
    for name in object_type.anchor:
        used.setdefault(name, ("object_types", "anchor"))
    for query in object_type.query_attributes:
        used.setdefault(query.name, ("object_types", "query_attributes"))
    for scim, target in mapping.items():
        used.setdefault(target, ("schema_mapping", scim))
    for key, flow in (("disable", flows.disable), ("delete", flows.delete)):
        if flow.action is FlowAction.SET:
            used.setdefault(flow.attribute, ("deprovisioning", key))
    for name in object_type.select_attributes or ():
        used.setdefault(name, ("object_types", "select_attributes"))
    for name in object_type.attributes:
        used.setdefault(name, _OVERRIDES)
    return used


def _overridden(object_type: ObjectType, attribute: SchemaAttribute) -> SchemaAttribute:
    override = object_type.attributes.get(attribute.name)
    if override is None:
        return attribute
    if override.type not in (None, attribute.type):
        attribute = _retyped(attribute, override.type)
    return replace(
        attribute,
        operation=override.direction or attribute.operation,
        multi_valued=attribute.multi_valued and not override.single_value,
        references=override.references or attribute.references,
    )


def _retyped(attribute: SchemaAttribute, kind: AttributeType) -> SchemaAttribute:
    """An attribute with a type that is not the target's own, and of what the target said only what still holds."""
    text = kind is AttributeType.REFERENCE
    return replace(
        attribute,
        type=kind,
        format=attribute.format if text else None,
        minimum=None,
        maximum=None,
        precision=attribute.precision if text else None,
        scale=attribute.scale if text or kind is AttributeType.DATE_TIME else None,
    )


def _without_links(
    attributes: Sequence[SchemaAttribute], used: Mapping[str, Place], refuse: Refuse
) -> list[SchemaAttribute]:
    """In the profile ``ecma`` there are no members: Microsoft's app knows no attribute with several references."""
    kept = [one for one in attributes if not (one.type is AttributeType.REFERENCE and one.multi_valued)]
    for one in attributes:
        if one not in kept and one.name in used:
            table, key = used[one.name]
            refuse(table, key, one.name, "a schema mapping, where an attribute has several references")
    return kept


def _named(
    object_type: ObjectType, attributes: Sequence[SchemaAttribute], used: Mapping[str, Place], refuse: Refuse
) -> WireNames:
    aliases = {name: one.alias for name, one in object_type.attributes.items() if one.alias}
    found = wire_names(attributes, used, aliases)
    for one in found.refused:
        table, key = used.get(one.attribute.name, _OVERRIDES)
        refuse(table, key, one.attribute.name, f"an alias, because {one.reason}: {one.line}")
    return found
