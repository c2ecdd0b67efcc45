"""What a change or a removal of an object comes to: the steps that have to be done, one after the other.

Nothing is written here; ``provisioning`` carries the steps out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ecmahost_core.ecma.csentry import CSEntryChange, ObjectModificationType
from ecmahost_core.ecma.deprovisioning import DeprovisioningEvent
from ecmahost_core.ecma.passwords import PasswordSupport
from ecmahost_core.ecma.values import Values, value_to_json
from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.secret import Secret
from ecmahost_core.space.journal import Operation
from ecmahost_core.space.objects import LinkChange, SpaceObject
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.mapping.activity import ACTIVE, is_active, wanted_active
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.departures import LEFT, has_left, same, undone, without_departure
from ecmahost_core.sync.mapping.sent import retained, same_json, with_sent
from ecmahost_core.sync.mapping.values import to_scim
from ecmahost_core.sync.references import in_target
from ecmahost_core.sync.writing.changes import applied, changed_by, update
from ecmahost_core.sync.writing.deprovisioning import plan
from ecmahost_core.sync.writing.link_changes import Added, changed_links, planned_links, without_links


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a write.

    Attributes:
        operation: for the journal.
        change: what is sent; None when only the host's own part changes.
        password: that goes with the change, or where the target takes it in a call of its own, instead of it.
        links: what differs in link attributes, sent with the change.
        unlink: the object leaves SCIM's sight with this step while the target keeps it.
    """

    operation: Operation
    change: CSEntryChange | None
    unlink: bool = False
    password: Secret | None = None
    links: Mapping[str, LinkChange] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a write has to do.

    Attributes:
        steps: in this order; empty when there is nothing to do.
        kept: what the host keeps beside the object once all of them are done.
        event: whether it disables or restores; None for any other change.
        added: whom its steps add to link attributes.
        leaves: whether it disables or deletes an object that was active.
    """

    steps: tuple[Step, ...]
    kept: Mapping[str, Any]
    event: DeprovisioningEvent | None = None
    added: Added = field(default_factory=dict)
    leaves: bool = False


def plan_of_change(
    endpoint: Endpoint,
    binding: TypeBinding,
    before: SpaceObject,
    resource: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Plan:
    """Returns how to get an object from one state of its resource to another, as clients see both; raises ScimError.

    A plan of one Update is sent together with the other attributes. Where the object is deleted by being disabled,
    what else was to change about it does not matter any more, nor does a password. The attribute of the disable flow
    may have a name of its own beside ``active``; leaving that out of a PUT asks for nothing, as leaving ``active`` out
    does, so it is never cleared.

    A password that the target takes in a call of its own comes last, so that what failed before it can be sent again
    with it: a target that remembers passwords would refuse one that it has been given already. Only somebody who is
    let in again gets it first.
    """
    links, added = changed_links(endpoint, binding, before, after)
    resource, after = in_target(endpoint, binding, before.attributes, resource, after)
    changed = dict(binding.mapping.changes(before.attributes, resource, after))
    if not binding.active_mapped and changed.get(binding.active_attribute) == ():
        del changed[binding.active_attribute]
    event = _event(binding, before, after)
    kept = with_sent(binding.mapping, before.kept, resource, after)
    if event is not None and not binding.active_attribute:
        kept = {**kept, ACTIVE: event is DeprovisioningEvent.RESTORE}
    # A group has no ``active`` to be set: whoever changes one that was found again wants it back.
    found_again = not binding.can_be_disabled and has_left(binding, before)
    if event is DeprovisioningEvent.RESTORE or found_again:
        changed = {**undone(binding, before), **changed}
        kept = without_departure(kept)
    planned = list(_planned(endpoint, binding, before, event)) if event is not None else []
    password = binding.password_of(after)
    leaves = event is DeprovisioningEvent.DISABLE or _disables(binding, before, changed)
    if any(one.modification_type is ObjectModificationType.DELETE for one in planned):
        changed, password, links, added = {}, None, {}, {}
    elif len(planned) == 1 and planned[0].modification_type is ObjectModificationType.UPDATE and not planned[0].new_dn:
        changed.update(changed_by(planned.pop(), before.attributes))
    export_type = endpoint.connector.capabilities.export_type
    together = password is not None and binding.password_support is PasswordSupport.WITH_EXPORT
    steps = []
    if changed or together or links:
        one = update(binding, export_type, before, changed)
        steps.append(Step(Operation.UPDATE, one, password=password if together else None, links=links))
    steps += [_step(endpoint, binding, before, one) for one in planned]
    if password is not None and not together:
        alone = Step(Operation.UPDATE, update(binding, export_type, before, {}), password=password)
        steps.insert(0 if event is DeprovisioningEvent.RESTORE else len(steps), alone)
    if not steps:
        kept = retained(binding.mapping, kept, before.attributes)
    if not steps and not same_json(kept, before.kept):
        steps = [Step(Operation.UPDATE, None)]
    return Plan(tuple(steps), kept, event, added, leaves)


def plan_of_removal(endpoint: Endpoint, binding: TypeBinding, before: SpaceObject) -> Plan:
    """Returns how the delete flow removes an object; with its last step it is gone for SCIM clients."""
    planned = _planned(endpoint, binding, before, DeprovisioningEvent.DELETE)
    if not planned:
        return Plan((Step(Operation.DELETE, None, unlink=True),), before.kept, DeprovisioningEvent.DELETE, leaves=True)
    last = planned[-1]
    steps = [_step(endpoint, binding, before, one) for one in planned[:-1]]
    stays = last.modification_type is not ObjectModificationType.DELETE
    steps.append(replace(_step(endpoint, binding, before, last), operation=Operation.DELETE, unlink=stays))
    kept = _kept_of_leaving(binding, before, planned) if stays and not binding.active_mapped else before.kept
    return Plan(tuple(steps), kept, DeprovisioningEvent.DELETE, leaves=True)


def _kept_of_leaving(binding: TypeBinding, entry: SpaceObject, changes: Sequence[CSEntryChange]) -> Mapping[str, Any]:
    """Returns what is kept of an object that is removed by these changes and stays in the target."""
    after = dict(entry.attributes)
    touched: dict[str, None] = {}
    for planned in changes:
        change, _ = without_links(binding, planned)
        touched |= dict.fromkeys(changed_by(change, after))
        after.update(applied(change, after))
    record = {
        name: [_to_json(entry.attributes.get(name, ())), _to_json(after.get(name, ()))]
        for name in touched
        if not same(binding, name, entry.attributes.get(name, ()), after.get(name, ()))
    }
    if not record or has_left(binding, entry):
        return entry.kept  # removed a second time: what was there before the first time counts
    return {**entry.kept, LEFT: record}


def _to_json(values: Values) -> list[Any]:
    return [value_to_json(value) for value in values]


def half_done(done: Sequence[Step], failed: Step, error: ScimError) -> ScimError:
    """Returns the error of a step with what has come of the others, as far as that concerns a password."""
    if any(step.password is not None for step in done):
        told = "The password was set, but the rest of the change was not made"
    elif done and failed.password is not None:
        told = "Everything was changed but the password"
    else:
        return error
    return ScimError(error.status, f"{told}: {error.detail}", error.scim_type, error.headers)


def _disables(binding: TypeBinding, before: SpaceObject, changed: Mapping[str, Values]) -> bool:
    """Whether a change disables somebody by the attribute itself, under whatever name that is mapped."""
    values = changed.get(binding.active_attribute, ())
    return bool(values) and to_scim(values[0], "boolean") is False and is_active(binding, before)


def _event(binding: TypeBinding, before: SpaceObject, after: Mapping[str, Any]) -> DeprovisioningEvent | None:
    wanted = wanted_active(after)
    if wanted is None or wanted == is_active(binding, before) or binding.active_mapped:
        return None
    return DeprovisioningEvent.RESTORE if wanted else DeprovisioningEvent.DISABLE


def _planned(
    endpoint: Endpoint, binding: TypeBinding, entry: SpaceObject, event: DeprovisioningEvent
) -> Sequence[CSEntryChange]:
    try:
        return plan(endpoint, binding, entry, event)
    except (ConnectorError, BrokenContract) as error:
        raise endpoint.unavailable(error) from None


def _step(endpoint: Endpoint, binding: TypeBinding, before: SpaceObject, planned: CSEntryChange) -> Step:
    """The step of a change that the connector has planned itself."""
    change, parts = without_links(binding, planned)
    deletes = planned.modification_type is ObjectModificationType.DELETE
    links = planned_links(endpoint.store, binding, before, parts)
    return Step(Operation.DELETE if deletes else Operation.UPDATE, change, links=links)
