"""What a rehearsal of one connector has to know, derived once from its configuration and the target's schema."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from ecmahost_core.configuration.model import ConnectorConfiguration, Deprovisioning, ObjectType
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow, FlowAction
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType, Schema, SchemaAttribute, SchemaType
from ecmahost_entra.apps import USER, App, WrongChoice, choose_app
from ecmahost_entra.kinds import UNIQUE_KINDS, kind_of
from ecmahost_entra.names import EXPORT_PASSWORD, Name, mapped_names, mistake, selected_names
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


@dataclass(frozen=True, slots=True)
class Plan:
    """One connector's rehearsal.

    Attributes:
        connector: its name.
        app: which application is played.
        step: how the target is read: every attribute that a rehearsal looks at, and the configured anchor.
        attributes: what Entra sends, in the order of the mapping; never empty; without ``active``.
        offered: the SCIM paths that the connector knows, those that are not sent included.
        not_sent: SCIM paths that are mapped but not sent, each with the reason.
        matching: the attribute that Entra matches on: the first query attribute that is sent, otherwise userName or the
            anchor.
        disable, delete: the configured flows.
        active_attribute: the target attribute that holds ``active``; empty where the target has no place for it.
        password: where the connector takes passwords; None where it does not.
    """

    connector: str
    app: App
    step: RunStep
    attributes: tuple[MappedAttribute, ...]
    offered: tuple[ScimPath, ...]
    not_sent: tuple[tuple[str, str], ...]
    matching: MappedAttribute
    disable: DeprovisioningFlow
    delete: DeprovisioningFlow
    active_attribute: str
    password: ScimPath | None = None

    @property
    def type(self) -> SchemaType:
        """The target's object type as it is read."""
        return self.step.types[0]


def make_plan(
    configuration: ConnectorConfiguration, schema: Schema, app: App | None = None, without: Collection[str] = ()
) -> Plan:
    """Returns the plan of one connector's rehearsal.

    Raises ConfigurationError when the configuration and the target do not fit together, WrongChoice when the
    application does not fit the connector's profile or ``without`` names nothing.

    Args:
        configuration: of the connector.
        schema: what its target offers.
        app: which application is played; None for the one that fits.
        without: SCIM paths or target attributes that are not sent although they could be.
    """
    object_type = configuration.object_types.get(USER)
    if object_type is None:
        raise mistake(configuration, "object_types", USER, "", "users: only they can be rehearsed")
    chosen = choose_app(configuration, app)
    schema_type = schema.type(object_type.target)
    if schema_type is None:
        offered = ", ".join(sorted(each.name for each in schema.types)) or "nothing"
        expected = f"an object type of the target, which offers {offered}"
        raise mistake(configuration, f"object_types.{USER}", "target", repr(object_type.target), expected)
    flows = configuration.deprovisioning.get(USER, Deprovisioning())
    mapping = configuration.schema_mapping.get(USER)
    not_sent: list[tuple[str, str]] = []
    if mapping:
        names = mapped_names(configuration, mapping)
    else:
        names, not_sent = selected_names(configuration, object_type, schema_type)
    _refuse_unknown(configuration, names, without)
    active = next((name.attribute for name in names if _is_active(name.path)), "")
    password = None if schema_type.attribute(EXPORT_PASSWORD) else _path_of(EXPORT_PASSWORD, names)
    attributes: list[MappedAttribute] = []
    for name in names:
        if _is_active(name.path) or name.path is password:
            continue
        mapped = _mapped(configuration, object_type, schema_type, name)
        reason = _why_not_sent(mapped, object_type, flows, without)
        if reason:
            not_sent.append((name.path.text, reason))
        else:
            attributes.append(mapped)
    return Plan(
        connector=configuration.name,
        app=chosen,
        step=_step(object_type, schema_type, [each.attribute for each in attributes], flows, active),
        attributes=tuple(attributes),
        offered=tuple(name.path for name in names),
        not_sent=tuple(not_sent),
        matching=_matching(configuration, object_type, attributes),
        disable=flows.disable,
        delete=flows.delete,
        active_attribute=flows.disable.attribute if flows.disable.action is FlowAction.SET else active,
        password=password,
    )


def _is_active(path: ScimPath) -> bool:
    return not path.urn and path.attribute.casefold() == "active"


def _path_of(attribute: str, names: list[Name]) -> ScimPath | None:
    return next((name.path for name in names if name.attribute == attribute), None)


def _refuse_unknown(configuration: ConnectorConfiguration, names: list[Name], without: Collection[str]) -> None:
    known = {each for name in names for each in (name.path.text, name.attribute)}
    if unknown := sorted(set(without) - known):
        offered = ", ".join(name.attribute for name in names)
        raise WrongChoice(
            f"the connector {configuration.name} offers no {' and no '.join(map(repr, unknown))} to leave out; "
            f"it offers: {offered}"
        )


def _mapped(
    configuration: ConnectorConfiguration, object_type: ObjectType, schema_type: SchemaType, name: Name
) -> MappedAttribute:
    attribute = _effective(object_type, schema_type, name.attribute)
    if attribute is None:
        expected = f"an attribute of {schema_type.name!r}: {', '.join(each.name for each in schema_type.attributes)}"
        raise mistake(configuration, f"schema_mapping.{USER}", name.path.text, repr(name.attribute), expected)
    fixed = attribute.name in object_type.anchor or any(
        attribute.name == each.name for each in object_type.query_attributes
    )
    unique = fixed or attribute.unique or kind_of(name.path) in UNIQUE_KINDS
    required = (attribute.required and not attribute.generated) or name.path.text.casefold() == "username"
    return MappedAttribute(name.path, attribute, unique, fixed, required or attribute.name in object_type.anchor)


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


def _why_not_sent(
    mapped: MappedAttribute, object_type: ObjectType, flows: Deprovisioning, without: Collection[str]
) -> str:
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
            any(flow.action is FlowAction.SET and flow.attribute == attribute.name for flow in _both(flows)),
            "a deprovisioning flow writes it",
        ),
        (
            mapped.path.urn == ECMA_USER and attribute.multi_valued,
            "it holds several values, and Entra sends one: single_value = true makes it an ordinary attribute",
        ),
    )
    return next((reason for applies, reason in reasons if applies), "")


def _both(flows: Deprovisioning) -> tuple[DeprovisioningFlow, DeprovisioningFlow]:
    return flows.disable, flows.delete


def _matching(
    configuration: ConnectorConfiguration, object_type: ObjectType, attributes: list[MappedAttribute]
) -> MappedAttribute:
    readable = [each for each in attributes if each.attribute.operation is not AttributeOperation.EXPORT_ONLY]
    for query_attribute in object_type.query_attributes:
        for mapped in readable:
            if mapped.attribute.name == query_attribute.name:
                return mapped
    for mapped in readable:
        if mapped.path.text.casefold() == "username" or mapped.attribute.name in object_type.anchor:
            return mapped
    expected = "a query attribute that Entra can send, such as the one that holds the login name"
    raise mistake(configuration, f"object_types.{USER}", "query_attributes", "", expected)


def _step(
    object_type: ObjectType,
    schema_type: SchemaType,
    mapped: list[SchemaAttribute],
    flows: Deprovisioning,
    active: str,
) -> RunStep:
    """Selects what the rehearsal looks at, in the target's order; what can only be written is not read."""
    wanted = {*object_type.anchor, *(each.name for each in mapped), active}
    wanted |= {flow.attribute for flow in _both(flows)}
    selected = []
    for each in schema_type.attributes:
        effective = _effective(object_type, schema_type, each.name)
        if effective and each.name in wanted and effective.operation is not AttributeOperation.EXPORT_ONLY:
            selected.append(effective)
    return RunStep((SchemaType(schema_type.name, tuple(selected), object_type.anchor),), page_size=1000)
