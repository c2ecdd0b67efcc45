"""Creating, changing and deleting: SCIM writes as journaled exports.

Every write takes the keys it needs (the object's id, its anchor, its values that must be unique), writes the journal,
exports, and completes. Two writes that need the same key follow one another; the second looks at the world anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.csentry import CSEntryChange, ObjectModificationType, change_to_json
from ecmahost_core.ecma.deprovisioning import DeprovisioningEvent
from ecmahost_core.ecma.values import Values
from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_core.scim.errors import ScimError, not_found, unavailable, uniqueness
from ecmahost_core.space.objects import (
    ID,
    EntryState,
    JournalEntry,
    LockKey,
    ObjectState,
    Operation,
    SpaceObject,
    TargetObject,
    WriteIntent,
)
from ecmahost_core.space.store import DuplicateValue, KeysTaken, ObjectChanged
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.changes import addition, keys_of, keys_of_update, unique_among, update
from ecmahost_core.sync.deprovisioning import ACTIVE, deletes, fitted, is_active, plan, wanted_active
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.exports import Delivery
from ecmahost_core.sync.presentation import resource_of
from ecmahost_core.sync.target_reads import read_by_value

WAIT_FOR_OUTCOME_SECONDS = 10.0

Transform = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From the resource as it is to the resource as the client wants it; raises ScimError when that cannot be."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a write.

    Attributes:
        operation: for the journal.
        change: what is sent; None when only the host's own part changes.
        changed: the attributes that differ, for the keys.
        unlink: the object leaves SCIM's sight with this step while the target keeps it.
    """

    operation: Operation
    change: CSEntryChange | None
    changed: Mapping[str, Values]
    unlink: bool = False


def create(endpoint: Endpoint, binding: TypeBinding, resource: Mapping[str, Any], call: Call) -> SpaceObject:
    """Creates an object from a canonical resource and returns it.

    Raises ScimError: 400 for values that the target does not take, 409 when somebody has the anchor or a unique value
    already, in the space or in the target itself, 503 when the outcome is not known.
    """
    attributes = binding.mapping.attributes_of(resource)
    active = wanted_active(resource)
    kept: dict[str, Any] = {}
    if active is not None and binding.active_attribute:
        attributes[binding.active_attribute] = fitted(binding, binding.active_attribute, (active,))
    elif active is False:
        kept[ACTIVE] = False
    change = addition(binding, attributes)
    keys = keys_of(binding, change.anchor, change.dn, attributes)
    if not keys:
        names = ", ".join(binding.mapping.path_of(name) for name in (*binding.query_attributes, *binding.target.anchor))
        raise ScimError(400, f"Nothing in the request identifies the object; send one of: {names}.", "invalidValue")
    intent = WriteIntent(
        space_type=binding.space_type,
        operation=Operation.ADD,
        change=change_to_json(change),
        keys=keys,
        unique=unique_among(binding, keys),
        kept=kept,
        request_id=call.request_id,
    )
    entry = _open(endpoint, binding, intent, call)
    if entry is None:
        raise unavailable("Another request is creating the same object and has not ended yet.", 5)
    delivery = Delivery(endpoint, binding, entry, None, call)
    _refuse_if_in_target(endpoint, binding, attributes, delivery, call)
    created = delivery.send(change)
    if created is None:
        raise not_found("The object was deleted while it was being created.")
    return created


def change(endpoint: Endpoint, binding: TypeBinding, object_id: str, transform: Transform, call: Call) -> SpaceObject:
    """Changes an object by PATCH or PUT and returns it as it is afterwards; nothing to change means no write.

    ``transform`` may be called more than once, when others change the object meanwhile. A change that disables where
    the disable flow is "delete" returns the object as it was, not active: it is gone. Raises ScimError.
    """
    while True:
        before = existing(endpoint, binding, object_id, call)
        resource = resource_of(binding, before)
        after = transform(resource)
        steps, kept, event = _steps(endpoint, binding, before, resource, after)
        try:
            result = _carry_out(endpoint, binding, before, steps, kept, call)
        except (ObjectChanged, KeysTaken):
            if call.remaining() <= 0:
                raise unavailable("The object is being changed by other requests all the time.", 5) from None
            continue
        if result is not None:
            return result
        if event is DeprovisioningEvent.DISABLE:
            return replace(before, kept={**before.kept, ACTIVE: False})
        raise not_found(f"{binding.object_type.resource_type} {object_id} was deleted meanwhile.")


def remove(endpoint: Endpoint, binding: TypeBinding, object_id: str, call: Call) -> None:
    """Deletes an object as the delete flow says; raises ScimError 404 when there is none."""
    while True:
        before = existing(endpoint, binding, object_id, call)
        planned = _planned(endpoint, binding, before, DeprovisioningEvent.DELETE)
        steps = [
            Step(
                Operation.DELETE if last else _operation(one),
                one,
                _changed_by(one),
                unlink=last and one.modification_type is not ObjectModificationType.DELETE,
            )
            for one, last in ((one, one is planned[-1]) for one in planned)
        ] or [Step(Operation.DELETE, None, {}, unlink=True)]
        try:
            _carry_out(endpoint, binding, before, steps, before.kept, call)
        except (ObjectChanged, KeysTaken):
            if call.remaining() <= 0:
                raise unavailable("The object is being changed by other requests all the time.", 5) from None
            continue
        return


def existing(endpoint: Endpoint, binding: TypeBinding, object_id: str, call: Call) -> SpaceObject:
    """Returns a live object; ScimError 404 when there is none, 503 while a write to it has an unknown outcome."""
    key = LockKey(ID, object_id)
    holder = endpoint.store.holder(binding.space_type, key)
    if holder is not None and _outcome_unknown(endpoint, holder):
        patience = min(call.remaining(), WAIT_FOR_OUTCOME_SECONDS)
        if not endpoint.store.wait_for_release(binding.space_type, [key], patience):
            raise unavailable("The outcome of an earlier write to this object is not known yet.", 10)
    found = endpoint.store.get(binding.space_type, object_id)
    if found is None or found.state is not ObjectState.LIVE:
        raise not_found(f"There is no {binding.object_type.resource_type} with this id.")
    return found


def _outcome_unknown(endpoint: Endpoint, entry: JournalEntry) -> bool:
    """Whether nobody is at an open entry who would complete it: its call failed, or its process died."""
    return entry.state is EntryState.UNCERTAIN or not endpoint.store.is_alive(entry.incarnation)


def _steps(
    endpoint: Endpoint,
    binding: TypeBinding,
    before: SpaceObject,
    resource: Mapping[str, Any],
    after: Mapping[str, Any],
) -> tuple[list[Step], Mapping[str, Any], DeprovisioningEvent | None]:
    """What has to be done to get from one state to the other, and what the host then keeps beside the object."""
    changed = dict(binding.mapping.changes(before.attributes, resource, after))
    kept = before.kept
    event = None
    wanted = wanted_active(after)
    if wanted is not None and wanted != is_active(binding, before) and not binding.active_mapped:
        event = DeprovisioningEvent.RESTORE if wanted else DeprovisioningEvent.DISABLE
        if not binding.active_attribute:
            kept = {**kept, ACTIVE: wanted}
    planned = list(_planned(endpoint, binding, before, event)) if event else []
    if event is DeprovisioningEvent.DISABLE and deletes(binding, event):
        return [Step(_operation(one), one, _changed_by(one)) for one in planned], kept, event
    if len(planned) == 1 and planned[0].modification_type is ObjectModificationType.UPDATE:
        changed.update(_changed_by(planned.pop()))
    steps = []
    if changed:
        export_type = endpoint.connector.capabilities.export_type
        steps.append(Step(Operation.UPDATE, update(binding, export_type, before, changed), changed))
    steps += [Step(_operation(one), one, _changed_by(one)) for one in planned]
    if not steps and kept != before.kept:
        steps.append(Step(Operation.UPDATE, None, {}))
    return steps, kept, event


def _carry_out(
    endpoint: Endpoint,
    binding: TypeBinding,
    before: SpaceObject,
    steps: Sequence[Step],
    kept: Mapping[str, Any],
    call: Call,
) -> SpaceObject | None:
    """Does the steps one after the other; raises ObjectChanged or KeysTaken when the first has to be computed anew."""
    current: SpaceObject | None = before
    for step in steps:
        if current is None:
            break
        new_dn = step.change.new_dn if step.change else None
        keys, unique = keys_of_update(binding, current, step.changed, new_dn)
        intent = WriteIntent(
            space_type=binding.space_type,
            operation=step.operation,
            change=change_to_json(step.change) if step.change else {},
            keys=keys,
            unique=unique,
            object_id=current.id,
            kept=kept,
            expected_seq=current.change_seq,
            unlink=step.unlink,
            request_id=call.request_id,
        )
        entry = _open(endpoint, binding, intent, call)
        if entry is None:
            raise KeysTaken
        delivery = Delivery(endpoint, binding, entry, current, call)
        if step.change is None:
            current = delivery.keep(TargetObject(current.anchor, current.dn, current.attributes))
            if delivery.error is not None:
                raise delivery.error
        else:
            current = delivery.send(step.change)
    return current


def _open(endpoint: Endpoint, binding: TypeBinding, intent: WriteIntent, call: Call) -> JournalEntry | None:
    """Opens the journal entry, waiting for its keys as long as the request may take; None when that was not enough.

    Raises ObjectChanged when the object has moved on while waiting, ScimError 409 for a value that is somebody else's.
    """
    while True:
        try:
            return endpoint.store.open_entry(intent)
        except KeysTaken:
            if not endpoint.store.wait_for_release(binding.space_type, intent.keys, call.remaining()):
                return None
        except DuplicateValue as error:
            raise _duplicate(binding, error.key.kind) from None


def _refuse_if_in_target(
    endpoint: Endpoint, binding: TypeBinding, attributes: Mapping[str, Values], delivery: Delivery, call: Call
) -> None:
    """Looks for unique values in the target itself, where somebody else may have added them since the last import.

    Done while the keys are owned, so that of two requests only one can come through. What is found belongs into the
    space: the client's next match has to find it.
    """
    if endpoint.freshness is Freshness.CACHE:
        return
    for query in binding.object_type.query_attributes:
        value = attributes.get(query.name, ())
        if not query.unique or not value or binding.target.anchor == (query.name,):
            continue
        began = endpoint.store.change_seq()
        try:
            found = read_by_value(endpoint, binding, query.name, value[:1], call)
        except ScimError:
            delivery.withdraw("TargetUnavailable")
            raise
        if found:
            delivery.withdraw("ExportErrorDuplicateAnchor")
            endpoint.store.adopt(binding.space_type, found, began)
            raise _duplicate(binding, query.name)


def _planned(
    endpoint: Endpoint, binding: TypeBinding, entry: SpaceObject, event: DeprovisioningEvent
) -> Sequence[CSEntryChange]:
    try:
        return plan(endpoint, binding, entry, event)
    except (ConnectorError, BrokenContract) as error:
        raise endpoint.unavailable(error) from None


def _duplicate(binding: TypeBinding, kind: str) -> ScimError:
    name = binding.mapping.path_of(kind) if kind in binding.query_attributes else f"the {kind} in the target"
    return uniqueness(f"Another {binding.object_type.resource_type} has the same {name}.")


def _operation(one: CSEntryChange) -> Operation:
    return Operation.DELETE if one.modification_type is ObjectModificationType.DELETE else Operation.UPDATE


def _changed_by(one: CSEntryChange) -> dict[str, Values]:
    if one.modification_type is ObjectModificationType.REPLACE:
        return dict(one.attributes)
    return {part.name: part.added for part in one.attribute_changes}
