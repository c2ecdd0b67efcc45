"""What a rehearsal of a connector's groups has to know: they are played beside a person, as the apps with groups do."""

from collections.abc import Collection
from dataclasses import replace

from ecmahost_core.configuration.model import ConnectorConfiguration, Deprovisioning, ObjectType
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType, Schema
from ecmahost_entra.apps import GROUP, App
from ecmahost_entra.mapped import MappedAttribute, mapped_attribute, why_not_sent
from ecmahost_entra.names import mapped_names, mistake
from ecmahost_entra.plan import Plan, matching_of, read_step, type_of


def with_groups(
    plan: Plan, configuration: ConnectorConfiguration, schema: Schema, without: Collection[str] = ()
) -> Plan:
    """Returns the plan of a person with that of a group beside it, where connector and application have groups.

    What is not played is told among ``not_sent``. Raises ConfigurationError when the configuration of groups and the
    target do not fit together.

    Args:
        plan: of the person.
        configuration: of the connector.
        schema: what its target offers.
        without: SCIM paths or target attributes that are not sent although they could be.
    """
    object_type = configuration.object_types.get(GROUP)
    if object_type is None:
        return plan
    if plan.app is App.ECMA:
        told = ("Groups", f"the {plan.app.label} knows users only, so groups are not rehearsed")
        return replace(plan, not_sent=(*plan.not_sent, told))
    groups = _make(plan, configuration, object_type, schema, without)
    told_of_groups = tuple((f"Groups: {path}", reason) for path, reason in groups.not_sent)
    return replace(plan, groups=groups, not_sent=plan.not_sent + told_of_groups)


def _make(
    plan: Plan,
    configuration: ConnectorConfiguration,
    object_type: ObjectType,
    schema: Schema,
    without: Collection[str],
) -> Plan:
    mapping = configuration.schema_mapping.get(GROUP)
    if not mapping:
        raise mistake(configuration, "schema_mapping", GROUP, "", "names for groups, such as displayName and members")
    schema_type = type_of(configuration, schema, object_type)
    flows = configuration.deprovisioning.get(GROUP, Deprovisioning())
    names = mapped_names(configuration, mapping, GROUP)
    attributes: list[MappedAttribute] = []
    not_sent: list[tuple[str, str]] = []
    members: MappedAttribute | None = None
    for name in names:
        mapped = mapped_attribute(configuration, object_type, schema_type, name)
        reason = why_not_sent(mapped, object_type, flows, without)
        if members is None and _names_people(mapped) and not {name.path.text, name.attribute}.intersection(without):
            members = mapped
        elif reason:
            not_sent.append((name.path.text, reason))
        else:
            attributes.append(mapped)
    found = _matching(configuration, object_type, attributes)
    # Entra takes two groups of one name for a mistake, whether the target minds or not.
    matching = replace(found, unique=True, fixed=True)
    sent = tuple(matching if each is found else each for each in attributes)
    read = [each.attribute for each in (*sent, *([members] if members else []))]
    anchored = found.attribute.name in object_type.anchor and object_type.anchor_immutable
    return Plan(
        connector=plan.connector,
        app=plan.app,
        step=read_step(object_type, schema_type, read, flows),
        attributes=sent,
        offered=tuple(name.path for name in names),
        not_sent=tuple(not_sent),
        matching=matching,
        disable=flows.disable,
        delete=flows.delete,
        active_attribute="",
        resource=GROUP,
        members=members,
        renames=found.attribute.type is AttributeType.STRING and found.attribute.format is None and not anchored,
    )


def _names_people(mapped: MappedAttribute) -> bool:
    path = mapped.path
    people = path.selector is None or str(path.selector[1]).casefold() == "user"
    named = path.attribute.casefold() == "members" and not path.sub and people
    return named and mapped.names_others and mapped.attribute.multi_valued


def _matching(
    configuration: ConnectorConfiguration, object_type: ObjectType, attributes: list[MappedAttribute]
) -> MappedAttribute:
    """Groups are matched by displayName; where that is not mapped, by what the connector is asked for."""
    for mapped in attributes:
        named = mapped.path.text.casefold() == "displayname"
        if named and mapped.attribute.operation is not AttributeOperation.EXPORT_ONLY:
            return mapped
    return matching_of(configuration, object_type, attributes)
