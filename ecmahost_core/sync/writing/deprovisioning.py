"""What SCIM's ``active`` and DELETE mean for one connector: planned here, carried out by ``provisioning``."""

from collections.abc import Sequence
from dataclasses import replace

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.deprovisioning import (
    DeprovisioningContext,
    DeprovisioningEvent,
    DeprovisioningFlow,
)
from ecmahost_core.ecma.values import Values
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.values import to_target
from ecmahost_core.sync.writing.changes import whole_object


def plan(
    endpoint: Endpoint, binding: TypeBinding, entry: SpaceObject, event: DeprovisioningEvent
) -> Sequence[CSEntryChange]:
    """Returns the changes with which the connector carries out an event; empty when the target is left alone.

    Raises ConnectorError or BrokenContract like every call of a connector.
    """
    flow = flow_of(binding, event)
    whole = whole_object(binding, entry.anchor, entry.dn, entry.attributes)
    planned = endpoint.connector.deprovision(whole, flow, DeprovisioningContext(event))
    return [
        replace(
            one,
            attribute_changes=tuple(
                replace(part, added=fitted(binding, part.name, part.added)) for part in one.attribute_changes
            ),
        )
        for one in planned
    ]


def fitted(binding: TypeBinding, name: str, values: Values) -> Values:
    """Returns booleans in the type of the target attribute: ``True`` and ``False`` as texts or 1 and 0 elsewhere.

    Raises ScimError 400 for an attribute that can hold neither.
    """
    attribute = binding.target.attribute(name)
    if attribute is None:
        return values
    path = binding.mapping.path_of(name)
    return tuple(to_target(value, attribute, path) if isinstance(value, bool) else value for value in values)


def flow_of(binding: TypeBinding, event: DeprovisioningEvent) -> DeprovisioningFlow:
    """Returns the configured flow for an event; a restore is the disable flow the other way round."""
    return binding.flows.delete if event is DeprovisioningEvent.DELETE else binding.flows.disable
