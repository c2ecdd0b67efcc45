"""The host's own implementations of optional hooks, registered behind every plugin and used where it has none."""

from collections.abc import Sequence

from ecmahost_core.ecma.capabilities import Capabilities
from ecmahost_core.ecma.csentry import (
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    ObjectModificationType,
    new_identifier,
)
from ecmahost_core.ecma.deprovisioning import DeprovisioningContext, DeprovisioningEvent, DeprovisioningFlow, FlowAction
from ecmahost_core.ecma.values import Value
from ecmahost_core.hookspecs import hookimpl


@hookimpl(trylast=True)
def capabilities() -> Capabilities:
    """What the host assumes of a plugin that says nothing; the facade declines what it does not implement."""
    return Capabilities()


@hookimpl(trylast=True)
def deprovision(
    entry: CSEntryChange, flow: DeprovisioningFlow, context: DeprovisioningContext
) -> Sequence[CSEntryChange]:
    """NONE leaves the target alone, SET updates one attribute, DELETE deletes; what was deleted is not restored."""
    if flow.action is FlowAction.SET:
        change = _attribute_change(flow.attribute, _value(flow, context))
        return (_change(entry, ObjectModificationType.UPDATE, (change,)),)
    if flow.action is FlowAction.DELETE and context.event is not DeprovisioningEvent.RESTORE:
        return (_change(entry, ObjectModificationType.DELETE),)
    return ()


def _value(flow: DeprovisioningFlow, context: DeprovisioningContext) -> Value | None:
    """Returns what SET writes: SCIM's ``active`` in the disable flow, the configured value in the delete flow."""
    if context.event is DeprovisioningEvent.DELETE:
        return flow.value
    return context.event is DeprovisioningEvent.RESTORE


def _attribute_change(name: str, value: Value | None) -> AttributeChange:
    if value is None:
        return AttributeChange(name, AttributeModificationType.DELETE)
    return AttributeChange(name, AttributeModificationType.REPLACE, added=(value,))


def _change(
    entry: CSEntryChange, kind: ObjectModificationType, changes: tuple[AttributeChange, ...] = ()
) -> CSEntryChange:
    return CSEntryChange(
        entry.object_type,
        kind,
        anchor=entry.anchor,
        dn=entry.dn,
        attribute_changes=changes,
        identifier=new_identifier(),
    )
