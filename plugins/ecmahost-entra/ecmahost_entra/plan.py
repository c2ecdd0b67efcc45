"""What a rehearsal of one connector has to know, derived once from its configuration and the target's schema."""

from collections.abc import Collection
from dataclasses import dataclass

from ecmahost_core.configuration.model import ConnectorConfiguration, Deprovisioning, ObjectType
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow, FlowAction
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.schema import AttributeOperation, Schema, SchemaAttribute, SchemaType
from ecmahost_entra.apps import GROUP, USER, App, WrongChoice, choose_app
from ecmahost_entra.mapped import MappedAttribute, both_flows, effective, mapped_attribute, why_not_sent
from ecmahost_entra.names import EXPORT_PASSWORD, Name, mapped_names, mistake, selected_names
from ecmahost_entra.paths import ScimPath


@dataclass(frozen=True, slots=True)
class Plan:
    """One connector's rehearsal: of a person, or of a group beside it.

    Attributes:
        connector: its name.
        app: which application is played.
        step: how the target is read: every attribute that a rehearsal looks at, and the configured anchor.
        attributes: what Entra sends, in the order of the mapping; never empty; without ``active``.
        offered: the SCIM paths that the connector knows, those that are not sent included.
        not_sent: SCIM paths that are mapped but not sent, each with the reason.
        matching: the attribute that Entra matches on: the first query attribute that is sent, otherwise userName or the
            anchor; displayName of a group.
        disable, delete: the configured flows.
        active_attribute: the target attribute that holds ``active``; empty where the target has no place for it.
        password: where the connector takes passwords; None where it does not.
        resource: the SCIM resource type, ``User`` or ``Group``.
        manager: what names a person's manager; None where nothing does.
        groups: how a group is rehearsed beside a person; None where the application or the connector knows none.
        members: of a group: what names its members; None where they are not mapped.
        renames: of a group: whether the value of the matching attribute may become another.
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
    resource: str = USER
    manager: MappedAttribute | None = None
    groups: "Plan | None" = None
    members: MappedAttribute | None = None
    renames: bool = False

    @property
    def type(self) -> SchemaType:
        """The target's object type as it is read."""
        return self.step.types[0]

    @property
    def has_members(self) -> bool:
        """Whether groups are rehearsed with members."""
        return self.groups is not None and self.groups.members is not None


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
        raise mistake(configuration, "object_types", USER, "", "users: without them nothing can be rehearsed")
    chosen = choose_app(configuration, app)
    schema_type = type_of(configuration, schema, object_type)
    flows = configuration.deprovisioning.get(USER, Deprovisioning())
    mapping = configuration.schema_mapping.get(USER)
    not_sent: list[tuple[str, str]] = []
    if mapping:
        names = mapped_names(configuration, mapping)
    else:
        names, not_sent = selected_names(configuration, object_type, schema_type)
    group_names = mapped_names(configuration, configuration.schema_mapping.get(GROUP, {}), GROUP)
    _refuse_unknown(configuration, [*names, *group_names], without)
    active = next((name.attribute for name in names if _is_active(name.path)), "")
    password = None if schema_type.attribute(EXPORT_PASSWORD) else _path_of(EXPORT_PASSWORD, names)
    attributes: list[MappedAttribute] = []
    manager: MappedAttribute | None = None
    for name in names:
        if _is_active(name.path) or name.path is password:
            continue
        mapped = mapped_attribute(configuration, object_type, schema_type, name)
        reason = why_not_sent(mapped, object_type, flows, without)
        if manager is None and chosen is not App.ECMA and _is_manager(mapped, without):
            manager = mapped
        elif reason:
            not_sent.append((name.path.text, reason))
        else:
            attributes.append(mapped)
    read = [each.attribute for each in (*attributes, *([manager] if manager else []))]
    return Plan(
        connector=configuration.name,
        app=chosen,
        step=read_step(object_type, schema_type, read, flows, active),
        attributes=tuple(attributes),
        offered=tuple(name.path for name in names),
        not_sent=tuple(not_sent),
        matching=matching_of(configuration, object_type, attributes),
        disable=flows.disable,
        delete=flows.delete,
        active_attribute=flows.disable.attribute if flows.disable.action is FlowAction.SET else active,
        password=password,
        manager=manager,
    )


def type_of(configuration: ConnectorConfiguration, schema: Schema, object_type: ObjectType) -> SchemaType:
    """Returns the target's object type of a resource type; ConfigurationError when the target has none."""
    found = schema.type(object_type.target)
    if found is None:
        offered = ", ".join(sorted(each.name for each in schema.types)) or "nothing"
        expected = f"an object type of the target, which offers {offered}"
        table = f"object_types.{object_type.resource_type}"
        raise mistake(configuration, table, "target", repr(object_type.target), expected)
    return found


def _is_active(path: ScimPath) -> bool:
    return not path.urn and path.attribute.casefold() == "active"


def _is_manager(mapped: MappedAttribute, without: Collection[str]) -> bool:
    path = mapped.path
    left_out = path.text in without or mapped.attribute.name in without
    named = path.attribute.casefold() == "manager" and path.sub.casefold() in ("", "value")
    return named and mapped.names_others and not mapped.attribute.multi_valued and not left_out


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


def matching_of(
    configuration: ConnectorConfiguration, object_type: ObjectType, attributes: list[MappedAttribute]
) -> MappedAttribute:
    """Returns what a match asks for; ConfigurationError where nothing that is sent can be read."""
    readable = [each for each in attributes if each.attribute.operation is not AttributeOperation.EXPORT_ONLY]
    for query_attribute in object_type.query_attributes:
        for mapped in readable:
            if mapped.attribute.name == query_attribute.name:
                return mapped
    for mapped in readable:
        if mapped.path.text.casefold() == "username" or mapped.attribute.name in object_type.anchor:
            return mapped
    expected = "a query attribute that Entra can send, such as the one that holds the login name"
    raise mistake(configuration, f"object_types.{object_type.resource_type}", "query_attributes", "", expected)


def read_step(
    object_type: ObjectType,
    schema_type: SchemaType,
    mapped: list[SchemaAttribute],
    flows: Deprovisioning,
    active: str = "",
) -> RunStep:
    """Selects what the rehearsal looks at, in the target's order; what can only be written is not read."""
    wanted = {*object_type.anchor, *(each.name for each in mapped), active}
    wanted |= {flow.attribute for flow in both_flows(flows)}
    selected = []
    for each in schema_type.attributes:
        found = effective(object_type, schema_type, each.name)
        if found and each.name in wanted and found.operation is not AttributeOperation.EXPORT_ONLY:
            selected.append(found)
    return RunStep((SchemaType(schema_type.name, tuple(selected), object_type.anchor),), page_size=1000)
