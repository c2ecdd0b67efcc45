"""The sentences of an explanation that say what a plan means, and why nothing is done."""

from collections.abc import Mapping
from typing import Any

from ecmahost_core.ecma.deprovisioning import DeprovisioningEvent, FlowAction
from ecmahost_core.ecma.values import text_of
from ecmahost_core.scim.filter_text import path_text
from ecmahost_core.scim.operations import Change
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.explaining.explanation import shown
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.sent import SENT
from ecmahost_core.sync.reading.presentation import resource_of
from ecmahost_core.sync.writing.deprovisioning import flow_of
from ecmahost_core.sync.writing.steps import Step


def flow_text(binding: TypeBinding, event: DeprovisioningEvent) -> str:
    """Returns what the deprovisioning flow for an event does."""
    flow = flow_of(binding, event)
    name = event.value.lower()
    if flow.action is FlowAction.SET:
        value = "" if flow.value is None else f" to {shown(flow.value)}"
        return f"{name}: set {flow.attribute}{value}"
    return f"{name}: {flow.action.value}"


def kept_text(kept: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns in words what the host would keep itself that it does not keep now."""
    names = []
    for name, value in kept.items():
        if name == SENT:
            now = before.get(SENT, {})
            names += [f"{path}, as it was sent" for path, data in value.items() if now.get(path) != data]
        elif before.get(name) != value:
            names.append(f"{name} = {value}" if isinstance(value, bool) else name)
    return tuple(names)


def own_part(step: Step, keeps: tuple[str, ...]) -> str:
    """Says what a step does that sends nothing."""
    if step.unlink:
        return "The delete flow leaves the target alone; the host hides the object from SCIM clients."
    return f"Only what the host itself keeps would change: {', '.join(keeps) or 'what was sent in another form'}."


def why_not(binding: TypeBinding, change: Change, before: SpaceObject, after: Mapping[str, Any]) -> str:
    """Says why a PATCH operation comes to nothing."""
    path = path_text(change.path)
    rows = list(binding.mapping.rows_of(change.path))
    if any((row.path.urn, row.path.name) == (change.path.urn, change.path.name) for row in binding.links):
        return f"{path}: whoever is to be added is there already, and whoever is to be removed is not."
    if not rows:
        if change.path.urn is None and change.path.name == "active" and binding.can_be_disabled:
            return f"active is {str(resource_of(binding, before)['active']).lower()} already."
        return f"{path} is set by the host or the target alone."
    told = []
    for row in rows:
        values = before.attributes.get(row.target.name, ())
        held = " and ".join(map(shown, values)) or "no value"
        if row not in list(binding.mapping.writable):
            told.append(f"{row.text} is only read from the target")
        elif [text_of(value) for value in values] == [str(one) for one in row.read(after)]:
            told.append(f"{row.text}: {row.target.name} has {held} already")
        else:
            told.append(f"{row.text}: {row.target.name} has {held}, which means the same")
    return "; ".join(told) + "."
