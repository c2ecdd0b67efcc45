"""Creating, changing and deleting: SCIM writes as journaled exports.

Every write takes the keys it needs (the object's id, its anchor, its values that must be unique), writes the journal,
exports, and completes. Two writes that need the same key follow one another; the second looks at the world anew.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ecmahost_core.ecma.capabilities import MAExportType
from ecmahost_core.ecma.csentry import change_to_json
from ecmahost_core.ecma.deprovisioning import DeprovisioningEvent
from ecmahost_core.ecma.passwords import PasswordSupport
from ecmahost_core.scim.errors import ScimError, not_found, unavailable
from ecmahost_core.space.journal import (
    ID,
    EntryState,
    JournalEntry,
    LockKey,
    Operation,
    PasswordStage,
    WriteIntent,
)
from ecmahost_core.space.objects import ObjectState, SpaceObject, TargetObject
from ecmahost_core.space.store import DuplicateValue, KeysTaken, ObjectChanged, TooManyLeaving
from ecmahost_core.sync.endpoint import IMPORTING, Call, Endpoint
from ecmahost_core.sync.mapping.activity import ACTIVE
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.reading.presentation import editable
from ecmahost_core.sync.references import unknown_ids
from ecmahost_core.sync.writing.additions import plan_of_creation
from ecmahost_core.sync.writing.changes import changed_by, exportable, keys_of_update, update
from ecmahost_core.sync.writing.creation import Creation
from ecmahost_core.sync.writing.duplicates import duplicate, refuse_if_in_target
from ecmahost_core.sync.writing.exports import Delivery
from ecmahost_core.sync.writing.leaving import held_back, most_leaving
from ecmahost_core.sync.writing.link_changes import Added, with_links
from ecmahost_core.sync.writing.lost_members import lost_members
from ecmahost_core.sync.writing.steps import Plan, Step, half_done, plan_of_change, plan_of_removal
from ecmahost_core.sync.writing.turns import OVERTAKEN, Turn

WAIT_FOR_OUTCOME_SECONDS = 10.0

Transform = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From the resource as it is to the resource as the client wants it; raises ScimError when that cannot be."""

Condition = Callable[[SpaceObject], None]
"""Looks at the very object that a write is computed from; raises ScimError when it is not the one that was meant."""


def create(endpoint: Endpoint, binding: TypeBinding, resource: Mapping[str, Any], call: Call) -> SpaceObject:
    """Creates an object from a canonical resource and returns it.

    Raises ScimError: 400 for values that the target does not take, 409 when somebody has the anchor or a unique value
    already, in the space or in the target itself, 503 when the outcome is not known.
    """
    planned = plan_of_creation(endpoint, binding, resource)
    change, password = planned.change, planned.password
    intent = WriteIntent(
        space_type=binding.space_type,
        operation=Operation.ADD,
        change=change_to_json(change),
        keys=planned.keys,
        unique=planned.unique,
        kept=planned.kept,
        request_id=call.request_id,
        asked=call.asked,
    )
    endpoint.require_target()
    entry = _open(endpoint, binding, intent, call)
    if entry is None:
        raise unavailable("Another request is creating the same object and has not ended yet.", 5)
    follows = password if binding.password_support is PasswordSupport.SEPARATE else None
    delivery = Delivery(endpoint, binding, entry, None, call)
    if follows is not None:
        delivery = Creation(endpoint, binding, entry, call, follows)
    try:
        refuse_if_in_target(endpoint, binding, change, delivery, call, certainly=follows is not None)
    except BaseException as error:
        # Nothing was sent, whatever it was: an entry that stayed open would keep its keys until the process ends.
        delivery.withdraw(type(error).__name__)
        raise
    try:
        created = delivery.send(change, password if follows is None else None)
    except ScimError as error:
        gone = lost_members(endpoint, binding, planned.added, call).gone if error.status < 500 else ()
        names = dict.fromkeys(row.path.name for row in binding.links if row.target.name in planned.added)
        raise (unknown_ids(" or ".join(names), gone) if gone else error) from None
    if created is None:
        raise not_found("The object was deleted while it was being created.")
    return _without_lost(endpoint, binding, created, planned.added, call)


def change(
    endpoint: Endpoint,
    binding: TypeBinding,
    object_id: str,
    transform: Transform,
    call: Call,
    condition: Condition | None = None,
) -> SpaceObject:
    """Changes an object by PATCH or PUT and returns it as it is afterwards; nothing to change means no write.

    ``condition`` and ``transform`` may be called more than once, when others change the object meanwhile. A change that
    disables where the disable flow is "delete" returns the object as it was, not active: it is gone. Raises ScimError.
    """
    require_whole(endpoint, binding)
    for overtaken in itertools.count():
        before = existing(endpoint, binding, object_id, call)
        turn = Turn(endpoint, binding, before, call) if overtaken >= OVERTAKEN else None
        added: Added = {}
        try:
            if turn is not None:
                before = existing(endpoint, binding, object_id, call)
            if condition is not None:
                condition(before)
            resource = editable(endpoint, binding, before)
            plan = plan_of_change(endpoint, binding, before, resource, transform(resource))
            added = plan.added
            result = _carry_out(endpoint, binding, before, plan, call, turn)
        except (ObjectChanged, KeysTaken):
            _require_time(call)
            continue
        except ScimError as error:
            if error.status >= 500 or not lost_members(endpoint, binding, added, call).corrections:
                raise
            _require_time(call)  # refused because of members who are not there as they were: that tells who
            continue
        finally:
            if turn is not None:
                turn.give_up()
        if result is not None:
            return _without_lost(endpoint, binding, result, plan.added, call)
        if plan.event is DeprovisioningEvent.DISABLE:
            return replace(before, kept={**before.kept, ACTIVE: False})
        raise not_found(f"{binding.object_type.resource_type} {object_id} was deleted meanwhile.")
    raise AssertionError("it is tried until the request's time is over")


def remove(
    endpoint: Endpoint, binding: TypeBinding, object_id: str, call: Call, condition: Condition | None = None
) -> None:
    """Deletes an object as the delete flow says; raises ScimError 404 when there is none."""
    require_whole(endpoint, binding)
    while True:
        before = existing(endpoint, binding, object_id, call)
        if condition is not None:
            condition(before)
        plan = plan_of_removal(endpoint, binding, before)
        try:
            _carry_out(endpoint, binding, before, plan, call)
        except (ObjectChanged, KeysTaken):
            _require_time(call)
            continue
        return


def existing(endpoint: Endpoint, binding: TypeBinding, object_id: str, call: Call) -> SpaceObject:
    """Returns a live object; ScimError 404 when there is none, 503 while a write to it has an unknown outcome."""
    free = endpoint.store.free(binding.space_type, object_id)
    if free is not None and free.state is ObjectState.LIVE:
        return free
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


def _require_time(call: Call) -> None:
    if call.remaining() <= 0:
        raise unavailable("The object is being changed by other requests all the time.", 5)


def _without_lost(
    endpoint: Endpoint, binding: TypeBinding, current: SpaceObject, added: Added, call: Call
) -> SpaceObject:
    """Takes members out again who were deleted while they were added; returns the object as it is afterwards."""
    links = lost_members(endpoint, binding, added, call).corrections
    after: SpaceObject | None = current
    while links and after is not None:
        alone = update(binding, endpoint.connector.capabilities.export_type, after, {})
        plan = Plan((Step(Operation.UPDATE, alone, links=links),), after.kept)
        try:
            after = _carry_out(endpoint, binding, after, plan, call)
        except (ObjectChanged, KeysTaken):
            _require_time(call)
            after = existing(endpoint, binding, current.id, call)
        else:
            break
    return after or current


def require_whole(endpoint: Endpoint, binding: TypeBinding) -> None:
    """Raises ScimError 503 where a change sends whole objects, of which the host does not know every attribute yet."""
    whole = endpoint.connector.capabilities.export_type is MAExportType.OBJECT_REPLACE
    if whole and endpoint.incomplete(binding.object_type.resource_type):
        raise unavailable(IMPORTING, 10)


def _outcome_unknown(endpoint: Endpoint, entry: JournalEntry) -> bool:
    """Whether nobody is at an open entry who would complete it: its call failed, or its process died."""
    return entry.state is EntryState.UNCERTAIN or not endpoint.store.is_alive(entry.incarnation)


def _carry_out(
    endpoint: Endpoint, binding: TypeBinding, before: SpaceObject, plan: Plan, call: Call, turn: Turn | None = None
) -> SpaceObject | None:
    """Does the steps one after the other and returns the object afterwards, None when it is gone.

    Raises ObjectChanged or KeysTaken when a step has to be computed anew. What the host keeps changes with the last
    step: a write that is cut short is then planned again, and not taken for done.
    """
    current: SpaceObject | None = before
    for number, step in enumerate(plan.steps):
        if current is None:
            break
        change = None
        if step.change is not None:
            change = exportable(binding, endpoint.connector.capabilities.export_type, current, step.change)
        changed = changed_by(change, current.attributes) if change else {}
        keys, unique = keys_of_update(binding, current, changed, change.new_dn if change else None)
        if change is not None and binding.space_type.links:
            change = with_links(endpoint, binding, current, change, step.links)
        intent = WriteIntent(
            space_type=binding.space_type,
            operation=step.operation,
            change=change_to_json(change) if change else {},
            keys=keys,
            unique=unique,
            object_id=current.id,
            kept=plan.kept if step is plan.steps[-1] else current.kept,
            expected_seq=current.change_seq,
            unlink=step.unlink,
            request_id=call.request_id,
            password=PasswordStage.SENT if step.password is not None else PasswordStage.NONE,
            asked=call.asked,
            leaving=most_leaving(endpoint) if plan.leaves and number == 0 else 0,
        )
        if change is not None:
            endpoint.require_target()
        entry = (turn.take(intent) if turn is not None else None) or _open(endpoint, binding, intent, call)
        if entry is None:
            raise KeysTaken
        delivery = Delivery(endpoint, binding, entry, current, call)
        if change is not None:
            try:
                current = delivery.send(change, step.password)
            except ScimError as error:
                raise half_done(plan.steps[:number], step, error) from None
            continue
        current = delivery.keep(TargetObject(current.anchor, current.dn, current.attributes))
        if delivery.error is not None:
            raise delivery.error
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
            raise duplicate(binding, error.key.kind) from None
        except TooManyLeaving as error:
            raise held_back(endpoint, error) from None
