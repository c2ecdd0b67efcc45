"""What a rehearsal of one connector has to know, derived once from its configuration and the target's schema."""

from dataclasses import dataclass, replace

from ecmahost_core.configuration.model import ConnectorConfiguration, Deprovisioning, ObjectType
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow, FlowAction
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType, Schema, SchemaAttribute, SchemaType
from ecmahost_core.errors import ConfigurationError, ConfigurationProblem
from ecmahost_entra.paths import ScimPath, parse_path

USER = "User"
_NOT_EXPORTED_BY_ENTRA = (AttributeType.BINARY, AttributeType.REFERENCE)
_UNIQUE_BY_NATURE = ("username", "externalid", "emails", "employeenumber")


@dataclass(frozen=True, slots=True)
class MappedAttribute:
    """One line of the schema mapping with what the target says about the attribute.

    Attributes:
        path: the SCIM side.
        attribute: the target side, the administrator's overrides applied.
        unique: two people must not have the same value.
        fixed: a change would give the person another name, so a rehearsal leaves it alone: anchor and query attributes.
    """

    path: ScimPath
    attribute: SchemaAttribute
    unique: bool
    fixed: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """One connector's rehearsal.

    Attributes:
        connector: its name.
        step: how the target is read: every attribute that a rehearsal looks at, and the configured anchor.
        attributes: what Entra sends, in the order of the mapping; never empty; without ``active``.
        not_sent: SCIM paths that are mapped but not sent, each with the reason.
        matching: the attribute that Entra matches on: the first mapped query attribute, otherwise userName.
        disable, delete: the configured flows.
        active_attribute: the target attribute that holds ``active``; empty where the target has no place for it.
    """

    connector: str
    step: RunStep
    attributes: tuple[MappedAttribute, ...]
    not_sent: tuple[tuple[str, str], ...]
    matching: MappedAttribute
    disable: DeprovisioningFlow
    delete: DeprovisioningFlow
    active_attribute: str

    @property
    def type(self) -> SchemaType:
        """The target's object type as it is read."""
        return self.step.types[0]

    @property
    def anchor_mapped(self) -> bool:
        """Whether Entra itself supplies the anchor."""
        sent = {mapped.attribute.name for mapped in self.attributes}
        return all(name in sent for name in self.type.anchor)


def make_plan(configuration: ConnectorConfiguration, schema: Schema) -> Plan:
    """Returns the plan; ConfigurationError when the mapping and the target do not fit together."""
    object_type = configuration.object_types.get(USER)
    mapping = configuration.schema_mapping.get(USER)
    if object_type is None or not mapping:
        raise _mistake(configuration, "schema_mapping", USER, "", "a mapping of users: only users can be rehearsed")
    schema_type = schema.type(object_type.target)
    if schema_type is None:
        offered = ", ".join(sorted(each.name for each in schema.types)) or "nothing"
        expected = f"an object type of the target, which offers {offered}"
        raise _mistake(configuration, f"object_types.{USER}", "target", repr(object_type.target), expected)
    attributes: list[MappedAttribute] = []
    not_sent: list[tuple[str, str]] = []
    for text, name in mapping.items():
        mapped = _mapped(configuration, object_type, schema_type, text, name)
        if mapped.path.attribute.casefold() == "active" and not mapped.path.urn:
            continue
        reason = _why_not_sent(mapped, object_type)
        if reason:
            not_sent.append((text, reason))
        else:
            attributes.append(mapped)
    flows = configuration.deprovisioning.get(USER, Deprovisioning())
    return Plan(
        connector=configuration.name,
        step=_step(object_type, schema_type, [each.attribute for each in attributes], flows, mapping.get("active")),
        attributes=tuple(attributes),
        not_sent=tuple(not_sent),
        matching=_matching(configuration, object_type, attributes),
        disable=flows.disable,
        delete=flows.delete,
        active_attribute=flows.disable.attribute
        if flows.disable.action is FlowAction.SET
        else mapping.get("active", ""),
    )


def _mapped(
    configuration: ConnectorConfiguration, object_type: ObjectType, schema_type: SchemaType, text: str, name: str
) -> MappedAttribute:
    try:
        path = parse_path(text)
    except ValueError as error:
        raise _mistake(configuration, f"schema_mapping.{USER}", text, "", str(error)) from None
    attribute = _effective(object_type, schema_type, name)
    if attribute is None:
        expected = f"an attribute of {schema_type.name!r}: {', '.join(each.name for each in schema_type.attributes)}"
        raise _mistake(configuration, f"schema_mapping.{USER}", text, repr(name), expected)
    fixed = name in object_type.anchor or any(name == each.name for each in object_type.query_attributes)
    unique = fixed or attribute.unique or path.attribute.casefold() in _UNIQUE_BY_NATURE
    return MappedAttribute(path, attribute, unique, fixed)


def _effective(object_type: ObjectType, schema_type: SchemaType, name: str) -> SchemaAttribute | None:
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


def _why_not_sent(mapped: MappedAttribute, object_type: ObjectType) -> str:
    attribute = mapped.attribute
    if attribute.type in _NOT_EXPORTED_BY_ENTRA:
        return f"Entra does not export values of type {attribute.type.value} to a connector host"
    if attribute.operation is AttributeOperation.IMPORT_ONLY:
        return "the target only lets it be read"
    if attribute.generated and attribute.name in object_type.anchor:
        return "the target makes it"
    return ""


def _matching(
    configuration: ConnectorConfiguration, object_type: ObjectType, attributes: list[MappedAttribute]
) -> MappedAttribute:
    readable = [each for each in attributes if each.attribute.operation is not AttributeOperation.EXPORT_ONLY]
    for query_attribute in object_type.query_attributes:
        for mapped in readable:
            if mapped.attribute.name == query_attribute.name:
                return mapped
    for mapped in readable:
        if mapped.path.text.casefold() == "username":
            return mapped
    expected = "a query attribute that is mapped and that Entra can send, such as the one behind userName"
    raise _mistake(configuration, f"object_types.{USER}", "query_attributes", "", expected)


def _step(
    object_type: ObjectType,
    schema_type: SchemaType,
    mapped: list[SchemaAttribute],
    flows: Deprovisioning,
    active: str | None,
) -> RunStep:
    """Selects what the rehearsal looks at, in the target's order; what can only be written is not read."""
    wanted = {*object_type.anchor, *(each.name for each in mapped), active or ""}
    wanted |= {flow.attribute for flow in (flows.disable, flows.delete)}
    selected = []
    for each in schema_type.attributes:
        effective = _effective(object_type, schema_type, each.name)
        if effective and each.name in wanted and effective.operation is not AttributeOperation.EXPORT_ONLY:
            selected.append(effective)
    return RunStep((SchemaType(schema_type.name, tuple(selected), object_type.anchor),), page_size=1000)


def _mistake(
    configuration: ConnectorConfiguration, table: str, key: str, found: str, expected: str
) -> ConfigurationError:
    return ConfigurationError((ConfigurationProblem(str(configuration.file), table, key, found, expected),))
