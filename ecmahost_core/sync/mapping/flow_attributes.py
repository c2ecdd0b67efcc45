"""The target attributes that the deprovisioning flows write: whether they can, and in which form."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ecmahost_core.configuration.model import Deprovisioning
from ecmahost_core.ecma.deprovisioning import FlowAction
from ecmahost_core.ecma.schema import AttributeOperation, SchemaType
from ecmahost_core.ecma.values import text_of
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.sync.mapping.schema_mapping import MappedPath
from ecmahost_core.sync.mapping.selection import Refuse
from ecmahost_core.sync.mapping.values import to_target


def active_attribute(flows: Deprovisioning, target: SchemaType, rows: Iterable[MappedPath], refuse: Refuse) -> str:
    """Returns the target attribute that holds SCIM ``active``, empty where the host keeps it itself.

    ``refuse`` is told where the mapping and the disable flow both want to say it, or where it cannot be written.
    """
    mapped = next((row.target.name for row in rows if row.path.urn is None and row.path.name == "active"), "")
    disable = flows.disable
    if mapped and disable.action is not FlowAction.NONE:
        expected = 'either active in the schema mapping or a disable flow, not both; say disable = "none"'
        refuse("deprovisioning", "disable", disable.action.value, expected)
    if disable.action is not FlowAction.SET:
        return mapped
    attribute = target.attribute(disable.attribute)
    if attribute is not None and attribute.operation is AttributeOperation.IMPORT_ONLY:
        refuse("deprovisioning", "disable", disable.attribute, "an attribute that can be written")
    return disable.attribute


def fitted_flows(flows: Deprovisioning, target: SchemaType, refuse: Refuse) -> Deprovisioning:
    """Returns the flows with the value that marks somebody as deleted in the type of its attribute."""
    flow = flows.delete
    attribute = target.attribute(flow.attribute) if flow.action is FlowAction.SET else None
    if attribute is None or flow.value is None:
        return flows
    if attribute.operation is AttributeOperation.IMPORT_ONLY:
        refuse("deprovisioning", "delete", flow.attribute, "an attribute that can be written")
    data = text_of(flow.value) if isinstance(flow.value, datetime) else flow.value
    try:
        value = to_target(data, attribute, "delete")
    except ScimError as error:
        expected = f"a value that fits: {error.detail.partition(': ')[2].rstrip('.')}"
        refuse("deprovisioning", "delete", text_of(flow.value), expected)
        return flows
    return replace(flows, delete=replace(flow, value=value))
