"""One line of a schema mapping with what the target says about its attribute, and whether Entra sends it."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from ecmahost_core.configuration.model import ConnectorConfiguration, Deprovisioning, ObjectType
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow, FlowAction
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType, SchemaAttribute, SchemaType
from ecmahost_entra.kinds import UNIQUE_KINDS, kind_of
from ecmahost_entra.names import Name, mistake
from ecmahost_entra.paths import ECMA_USER, ScimPath

_PLURAL = frozenset(
    {"emails", "phonenumbers", "ims", "photos", "addresses", "entitlements", "roles", "x509certificates"}
)
_NOT_EXPORTED_BY_ENTRA = (AttributeType.BINARY, AttributeType.REFERENCE)


@dataclass(frozen=True, slots=True)
class MappedAttribute:
    """One line of the schema mapping with what the target says about the attribute.

    Attributes:
        path: the SCIM side.
        attribute: the target side, the administrator's overrides applied.
        unique: two people must not have the same value.
        fixed: a change would give the person another name, so a rehearsal leaves it alone: anchor and query attributes.
        required: a person cannot be created without it.
    """

    path: ScimPath
    attribute: SchemaAttribute
    unique: bool
    fixed: bool
    required: bool

    @property
    def removable(self) -> bool:
        """Whether the person can be without it. Of a generated value nobody knows: the column may insist on one."""
        return not (self.required or self.fixed or self.attribute.required or self.attribute.generated)

    @property
    def names_others(self) -> bool:
        """Whether its values are other objects, and both sides of the host may write and read them."""
        both = self.attribute.operation is AttributeOperation.IMPORT_EXPORT
        return both and self.attribute.type is AttributeType.REFERENCE


def mapped_attribute(
    configuration: ConnectorConfiguration, object_type: ObjectType, schema_type: SchemaType, name: Name
) -> MappedAttribute:
    """Returns what is known of one line; ConfigurationError when the target has no such attribute."""
    attribute = effective(object_type, schema_type, name.attribute)
    if attribute is None:
        expected = f"an attribute of {schema_type.name!r}: {', '.join(each.name for each in schema_type.attributes)}"
        table = f"schema_mapping.{object_type.resource_type}"
        raise mistake(configuration, table, name.path.text, repr(name.attribute), expected)
    fixed = attribute.name in object_type.anchor or any(
        attribute.name == each.name for each in object_type.query_attributes
    )
    unique = fixed or attribute.unique or kind_of(name.path) in UNIQUE_KINDS
    required = (attribute.required and not attribute.generated) or name.path.text.casefold() == "username"
    return MappedAttribute(name.path, attribute, unique, fixed, required or attribute.name in object_type.anchor)


def effective(object_type: ObjectType, schema_type: SchemaType, name: str) -> SchemaAttribute | None:
    """The target's attribute with the type and direction that the administrator chose instead."""
    attribute = schema_type.attribute(name)
    selected = object_type.attributes.get(name)
    if attribute is None or selected is None:
        return attribute
    return replace(
        attribute,
        type=selected.type or attribute.type,
        operation=selected.direction or attribute.operation,
        multi_valued=attribute.multi_valued and not selected.single_value,
    )


def why_not_sent(
    mapped: MappedAttribute, object_type: ObjectType, flows: Deprovisioning, without: Collection[str]
) -> str:
    """Returns why Entra does not send an attribute; empty when it does."""
    attribute = mapped.attribute
    reasons = (
        (attribute.name in without or mapped.path.text in without, "left out on request"),
        (
            attribute.type in _NOT_EXPORTED_BY_ENTRA,
            f"Entra does not export values of type {attribute.type.value} to a connector host",
        ),
        (mapped.path.sub.casefold() == "primary", "Entra sends it with the first e-mail address alone"),
        (
            not mapped.path.urn and mapped.path.selector is None and mapped.path.attribute.casefold() in _PLURAL,
            'Entra says which of the values it means, as in emails[type eq "work"].value',
        ),
        (attribute.operation is AttributeOperation.IMPORT_ONLY, "the target only lets it be read"),
        (attribute.generated and attribute.name in object_type.anchor, "the target makes it"),
        (
            any(flow.action is FlowAction.SET and flow.attribute == attribute.name for flow in both_flows(flows)),
            "a deprovisioning flow writes it",
        ),
        (
            mapped.path.urn == ECMA_USER and attribute.multi_valued,
            "it holds several values, and Entra sends one: single_value = true makes it an ordinary attribute",
        ),
    )
    return next((reason for applies, reason in reasons if applies), "")


def both_flows(flows: Deprovisioning) -> tuple[DeprovisioningFlow, DeprovisioningFlow]:
    """Returns the disable flow and the delete flow."""
    return flows.disable, flows.delete
