"""Binds one SCIM resource type to one object type of the target: configuration and target schema brought together.

Everything that a request needs is worked out here once: the SCIM resource type with just what is mapped, the mapping,
the run step, the shape of the objects in the space.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches

from ecmahost_core.configuration.model import ConnectorConfiguration, Deprovisioning, ObjectType
from ecmahost_core.ecma.deprovisioning import FlowAction
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType, Schema, SchemaAttribute, SchemaType
from ecmahost_core.ecma.values import text_of
from ecmahost_core.errors import ConfigurationError, ConfigurationProblem
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.sync.resource_schema import full_resource_type, mapped_paths, trimmed_resource_type
from ecmahost_core.sync.schema_mapping import MappedPath, SchemaMapping
from ecmahost_core.sync.values import to_target

DEFAULT_PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class TypeBinding:
    """One resource type of one connector, ready for requests.

    Attributes:
        object_type: as configured.
        target: the target's object type with the configured anchor and the selected attributes only.
        resource_type: the SCIM resource type with the mapped attributes only.
        mapping: between the two.
        space_type: how the space keeps its objects.
        flows: what disabling and deleting mean.
        active_attribute: the target attribute that holds SCIM ``active``; empty where the host keeps it itself.
        export_step: the run step of exports and single reads.
    """

    object_type: ObjectType
    target: SchemaType
    resource_type: ResourceType
    mapping: SchemaMapping
    space_type: SpaceType
    flows: Deprovisioning
    active_attribute: str
    export_step: RunStep

    @property
    def active_mapped(self) -> bool:
        """Whether ``active`` is an attribute of the schema mapping like any other, not a matter of the disable flow."""
        return any(row.path.urn is None and row.path.name == "active" for row in self.mapping.rows)

    @property
    def query_attributes(self) -> tuple[str, ...]:
        """The names of the query attributes, in the order of the configuration."""
        return tuple(query.name for query in self.object_type.query_attributes)


def bind(configuration: ConnectorConfiguration, schema: Schema) -> dict[str, TypeBinding]:
    """Binds every configured resource type; raises ConfigurationError with every mismatch at once.

    Args:
        configuration: of one connector; valid in itself.
        schema: what the target offers.
    """
    problems: list[ConfigurationProblem] = []
    bound = {}
    for name, object_type in configuration.object_types.items():
        found = _Binder(configuration, object_type, schema, problems).bind()
        if found is not None:
            bound[name] = found
    if problems:
        raise ConfigurationError(tuple(problems))
    return bound


class _Binder:
    """Collects the mismatches of one object type while binding it."""

    def __init__(
        self,
        configuration: ConnectorConfiguration,
        object_type: ObjectType,
        schema: Schema,
        problems: list[ConfigurationProblem],
    ) -> None:
        self.configuration = configuration
        self.object_type = object_type
        self.schema = schema
        self.problems = problems
        self.flows = configuration.deprovisioning.get(object_type.resource_type, Deprovisioning())
        self.mapped = configuration.schema_mapping.get(object_type.resource_type, {})

    def bind(self) -> TypeBinding | None:
        name = self.object_type.resource_type
        offered = self.schema.type(self.object_type.target)
        if offered is None:
            names = [schema_type.name for schema_type in self.schema.types]
            self._problem("object_types", "target", self.object_type.target, "an object type of the target", names)
            return None
        before = len(self.problems)
        target = self._selected(offered)
        rows = self._rows(target)
        active = self._active_attribute(target, rows)
        self._fit_delete_flow(target)
        if len(self.problems) > before:
            return None
        return TypeBinding(
            object_type=self.object_type,
            target=target,
            resource_type=trimmed_resource_type(name, rows, self.object_type, target),
            mapping=SchemaMapping(rows),
            space_type=SpaceType(
                connector=self.configuration.name,
                resource_type=name,
                instance=self.configuration.properties.instance,
                anchor_immutable=self.object_type.anchor_immutable,
                indexed=tuple(query.name for query in self.object_type.query_attributes),
                references=tuple(
                    attribute.name for attribute in target.attributes if attribute.type is AttributeType.REFERENCE
                ),
            ),
            flows=self.flows,
            active_attribute=active,
            export_step=RunStep(
                types=(target,),
                page_size=self.configuration.export_page_size,
                query_attributes=tuple(query.name for query in self.object_type.query_attributes),
            ),
        )

    def _selected(self, offered: SchemaType) -> SchemaType:
        """The target's type with what the configuration uses: anchor, query, mapped, flow and listed attributes."""
        used: dict[str, tuple[str, str]] = {}
        for name in self.object_type.anchor:
            used.setdefault(name, ("object_types", "anchor"))
        for query in self.object_type.query_attributes:
            used.setdefault(query.name, ("object_types", "query_attributes"))
        for scim, target in self.mapped.items():
            used.setdefault(target, ("schema_mapping", scim))
        for key, flow in (("disable", self.flows.disable), ("delete", self.flows.delete)):
            if flow.action is FlowAction.SET:
                used.setdefault(flow.attribute, ("deprovisioning", key))
        for name in self.object_type.attributes:
            used.setdefault(name, ("object_types", "attributes"))
        known = [attribute.name for attribute in offered.attributes]
        for name, (table, key) in used.items():
            if name not in known:
                self._problem(table, key, name, f"an attribute of {offered.name!r} in the target", known)
        if offered.anchor_locked and self.object_type.anchor != offered.anchor:
            self._problem(
                "object_types", "anchor", ", ".join(self.object_type.anchor), f"{', '.join(offered.anchor)}, no other"
            )
        chosen = tuple(self._overridden(attribute) for attribute in offered.attributes if attribute.name in used)
        return SchemaType(offered.name, chosen, self.object_type.anchor, offered.anchor_locked)

    def _overridden(self, attribute: SchemaAttribute) -> SchemaAttribute:
        override = self.object_type.attributes.get(attribute.name)
        if override is None:
            return attribute
        return replace(
            attribute,
            type=override.type or attribute.type,
            operation=override.direction or attribute.operation,
            multi_valued=attribute.multi_valued and not override.single_value,
        )

    def _rows(self, target: SchemaType) -> tuple[MappedPath, ...]:
        full = full_resource_type(self.object_type.resource_type, self.mapped, target)
        rows = []
        for text, name in self.mapped.items():
            attribute = target.attribute(name)
            if attribute is None:
                continue
            row = mapped_paths(text, attribute, full)
            if isinstance(row, str):
                self._problem("schema_mapping", text, "", row)
            else:
                rows.append(row)
        return tuple(rows)

    def _active_attribute(self, target: SchemaType, rows: Iterable[MappedPath]) -> str:
        mapped = next((row.target.name for row in rows if row.path.urn is None and row.path.name == "active"), "")
        disable = self.flows.disable
        if mapped and disable.action is not FlowAction.NONE:
            expected = 'either active in the schema mapping or a disable flow, not both; say disable = "none"'
            self._problem("deprovisioning", "disable", disable.action.value, expected)
        if disable.action is not FlowAction.SET:
            return mapped
        attribute = target.attribute(disable.attribute)
        if attribute is not None and attribute.operation is AttributeOperation.IMPORT_ONLY:
            self._problem("deprovisioning", "disable", disable.attribute, "an attribute that can be written")
        return disable.attribute

    def _fit_delete_flow(self, target: SchemaType) -> None:
        """Brings the value that marks somebody as deleted to the type of its attribute."""
        flow = self.flows.delete
        attribute = target.attribute(flow.attribute) if flow.action is FlowAction.SET else None
        if attribute is None or flow.value is None:
            return
        if attribute.operation is AttributeOperation.IMPORT_ONLY:
            self._problem("deprovisioning", "delete", flow.attribute, "an attribute that can be written")
        data = text_of(flow.value) if isinstance(flow.value, datetime) else flow.value
        try:
            value = to_target(data, attribute, "delete")
        except ScimError as error:
            expected = f"a value that fits: {error.detail.partition(': ')[2].rstrip('.')}"
            self._problem("deprovisioning", "delete", text_of(flow.value), expected)
        else:
            self.flows = replace(self.flows, delete=replace(flow, value=value))

    def _problem(self, table: str, key: str, found: str, expected: str, names: Sequence[str] = ()) -> None:
        near = get_close_matches(found, names, n=1, cutoff=0.5) if found else []
        hint = f"; the nearest is {near[0]!r}" if near else f"; there are: {', '.join(names[:20])}" if names else ""
        self.problems.append(
            ConfigurationProblem(
                file=str(self.configuration.file),
                table=f"{table}.{self.object_type.resource_type}",
                key=key,
                found=repr(found) if found else "",
                expected=expected + hint,
            )
        )
