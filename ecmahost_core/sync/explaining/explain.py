"""Tells what a SCIM request would do, without doing it: nothing is written, in the target, the space or the journal.

A write is planned by the code that carries it out (``steps``, ``changes``), and what the connector would send is the
connector's to tell. Reading is allowed; what cannot be looked up is said.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ecmahost_core.ecma.values import Anchor, anchor_text
from ecmahost_core.scim.entra import unwrapped
from ecmahost_core.scim.errors import ScimError, not_found
from ecmahost_core.scim.filter_text import path_text
from ecmahost_core.scim.messages import parse_patch, parse_query, parse_search
from ecmahost_core.scim.operations import Change, Operation, changes
from ecmahost_core.scim.patch import with_sealed_values
from ecmahost_core.scim.put import replaced
from ecmahost_core.scim.resource import projection
from ecmahost_core.scim.values import canonical_value
from ecmahost_core.space.journal import ID, LockKey
from ecmahost_core.space.objects import ObjectState, SpaceObject
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.explaining.explained_queries import explain_query
from ecmahost_core.sync.explaining.explained_steps import explained_step
from ecmahost_core.sync.explaining.explained_words import flow_text, kept_text, own_part, why_not
from ecmahost_core.sync.explaining.explanation import Explanation, Foreseen
from ecmahost_core.sync.explaining.obstacles import look_into_target, note_holders, refuse_taken
from ecmahost_core.sync.explaining.scim_request import ScimRequest
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.reading.presentation import ANSWERED_WITHOUT_BODY, editable
from ecmahost_core.sync.writing.additions import plan_of_creation
from ecmahost_core.sync.writing.changes import anchor_after, changed_by, exportable, keys_of_update
from ecmahost_core.sync.writing.link_changes import with_links
from ecmahost_core.sync.writing.provisioning import require_whole
from ecmahost_core.sync.writing.steps import Plan, plan_of_change, plan_of_removal
from ecmahost_core.sync.writing.wanted import Wanted, wanted_by_body, wanted_by_patch

SEARCH = ".search"
"""In the place of an id: a query by POST (RFC 7644 section 3.4.3)."""

Transform = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def explain(endpoint: Endpoint, asked: ScimRequest, call: Call) -> Explanation:
    """Returns what a request would do; an error that it would get is the explanation's answer.

    Raises StoreUnavailable where the host's own store cannot be read.
    """
    told = Explanation(asked.method, asked.path)
    if asked.part_of:
        told.notes.append(f"This is {asked.part_of}. What the operations before it would leave is not known to it.")
    try:
        if asked.problem is not None:
            raise asked.problem
        binding = _binding(endpoint, asked, call)
        told.resource_type = binding.object_type.resource_type
        _require_visible(endpoint, told)
        _explain(endpoint, binding, asked, told, call)
    except ScimError as error:
        told.refuse(error)
    if told.steps and told.answer.status >= 400:
        told.nothing_because.append("The request is refused, as the answer says; what is told above is not written.")
    return told


def _binding(endpoint: Endpoint, asked: ScimRequest, call: Call) -> TypeBinding:
    bindings = endpoint.bindings_for_scim(call.remaining())
    for binding in bindings.values():
        if binding.resource_type.endpoint.lower() == asked.endpoint:
            return binding
    there = ", ".join(binding.resource_type.endpoint for binding in bindings.values())
    raise not_found(f"Connector {endpoint.name} has no resources there; explained are requests to: {there}.")


def _require_visible(endpoint: Endpoint, told: Explanation) -> None:
    """Until the first import has ended every request is refused; what it would do otherwise is told all the same."""
    try:
        endpoint.require_visible()
    except ScimError as error:
        told.refuse(error)
        told.notes.append("The first import of this connector has not ended: the host knows nobody, or not everybody.")


def _explain(endpoint: Endpoint, binding: TypeBinding, asked: ScimRequest, told: Explanation, call: Call) -> None:
    query = parse_query(asked.query, default_count=1, max_count=1)
    projection(binding.resource_type, query.attributes, query.excluded_attributes)
    match asked.method, bool(asked.object_id):
        case "GET", False:
            explain_query(endpoint, binding, query, told)
        case "POST", True if asked.object_id.lower() == SEARCH:
            explain_query(endpoint, binding, parse_search(asked.body, default_count=1, max_count=1), told)
        case "GET", True:
            _existing(endpoint, binding, asked.object_id, told)
            told.query.append("The object is answered from what the host knows of it; the target is not asked.")
        case "POST", False:
            _creation(endpoint, binding, asked, told, call)
        case "PUT", True:
            _replacement(endpoint, binding, asked, told, call)
        case "PATCH", True:
            _patch(endpoint, binding, asked, told, call)
        case "DELETE", True:
            _removal(endpoint, binding, asked, told, call)
        case _:
            raise ScimError(405, f"{asked.method} is not for {'one resource' if asked.object_id else 'all resources'}.")


def _creation(endpoint: Endpoint, binding: TypeBinding, asked: ScimRequest, told: Explanation, call: Call) -> None:
    wanted = wanted_by_body(binding, asked.body, strict=_strict(endpoint), new=True)
    told.operations.append(wanted.resource)
    planned = plan_of_creation(endpoint, binding, _noted(wanted, told))
    change = planned.change
    told.object = _place(change.anchor, change.dn, "it would be new")
    told.host_keeps = kept_text(planned.kept, {})
    refuse_taken(endpoint, binding, planned.unique, change.anchor, "", told)
    note_holders(endpoint, binding, planned.keys, told)
    if told.answer.status < 400:
        look_into_target(endpoint, binding, change, told, call, certainly=planned.password is not None)
    told.steps.append(explained_step(endpoint, binding, change, None, planned.password, told, call))
    if told.answer.status < 400:
        told.answer = Foreseen(201)


def _replacement(endpoint: Endpoint, binding: TypeBinding, asked: ScimRequest, told: Explanation, call: Call) -> None:
    body = _noted(wanted_by_body(binding, asked.body, strict=_strict(endpoint)), told)
    told.operations.append(body)

    def transform(resource: Mapping[str, Any]) -> Mapping[str, Any]:
        return replaced(resource, body, binding.resource_type)

    _change(endpoint, binding, asked, transform, told, call)
    if not told.steps and not told.nothing_because:
        told.nothing_because.append("Every value that is sent means what the target holds already.")


def _patch(endpoint: Endpoint, binding: TypeBinding, asked: ScimRequest, told: Explanation, call: Call) -> None:
    operations = with_sealed_values(parse_patch(asked.body), binding.resource_type)
    wanted = _normalised(operations, binding, told)

    def transform(resource: Mapping[str, Any]) -> Mapping[str, Any]:
        return _noted(wanted_by_patch(binding, resource, operations, strict=_strict(endpoint)), told)

    before, after = _change(endpoint, binding, asked, transform, told, call)
    projected = any(name in asked.query for name in ("attributes", "excludedAttributes"))
    if told.answer.status < 400 and binding.resource_type.name in ANSWERED_WITHOUT_BODY and not projected:
        told.answer = Foreseen(204)
    if not told.steps and not told.nothing_because:
        told.nothing_because += [why_not(binding, one, before, after) for one in wanted]
        told.nothing_because += [f"{name} is not mapped, and ignored." for name in told.ignored]
        if not told.nothing_because:
            told.nothing_because.append("The request has no operations.")


def _removal(endpoint: Endpoint, binding: TypeBinding, asked: ScimRequest, told: Explanation, call: Call) -> None:
    before = _existing(endpoint, binding, asked.object_id, told)
    require_whole(endpoint, binding)
    plan = plan_of_removal(endpoint, binding, before)
    _steps(endpoint, binding, before, plan, told, call)
    if told.answer.status < 400:
        told.answer = Foreseen(204)


def _change(
    endpoint: Endpoint, binding: TypeBinding, asked: ScimRequest, transform: Transform, told: Explanation, call: Call
) -> tuple[SpaceObject, Mapping[str, Any]]:
    before = _existing(endpoint, binding, asked.object_id, told)
    require_whole(endpoint, binding)
    resource = editable(endpoint, binding, before)
    after = transform(resource)
    plan = plan_of_change(endpoint, binding, before, resource, after)
    _steps(endpoint, binding, before, plan, told, call)
    return before, after


def _steps(
    endpoint: Endpoint, binding: TypeBinding, before: SpaceObject, plan: Plan, told: Explanation, call: Call
) -> None:
    """Tells the steps of a plan, each as if those before it had not been done."""
    if plan.event is not None:
        told.flow = flow_text(binding, plan.event)
    if plan.steps:
        told.host_keeps = kept_text(plan.kept, before.kept)
    for step in plan.steps:
        if step.change is None:
            told.nothing_because.append(own_part(step, told.host_keeps))
            continue
        change = exportable(binding, endpoint.connector.capabilities.export_type, before, step.change)
        keys, unique = keys_of_update(binding, before, changed_by(change, before.attributes), change.new_dn)
        change = with_links(endpoint, binding, before, change, step.links)
        refuse_taken(endpoint, binding, unique, anchor_after(binding, change), before.id, told)
        note_holders(endpoint, binding, keys, told)
        told.steps.append(explained_step(endpoint, binding, change, before, step.password, told, call))
        if step.unlink:
            told.notes.append(
                "The target keeps the object; SCIM clients do not see it any more, until a match finds it."
            )


def _strict(endpoint: Endpoint) -> bool:
    return endpoint.configuration.properties.strict


def _noted(wanted: Wanted, told: Explanation) -> Mapping[str, Any]:
    """What a request wants; what of it is passed over is told."""
    told.ignored = wanted.ignored
    if wanted.without_room:
        told.notes.append(
            f"The target has no room for a value of: {', '.join(wanted.without_room)}; it is passed over."
        )
    return wanted.resource


def _normalised(operations: tuple[Operation, ...], binding: TypeBinding, told: Explanation) -> list[Change]:
    """Tells PATCH operations as they are understood: one attribute each, in the schema's spelling."""
    found: list[Change] = []
    ignored: list[str] = []
    for operation in operations:
        for change in changes(operation, binding.resource_type, ignored):
            found.append(change)
            entry = {"op": change.op, "path": path_text(change.path)}
            told.operations.append({**entry, "value": _meant(change)} if change.has_value else entry)
    return found


def _meant(change: Change) -> Any:
    """Returns the value of a PATCH operation as the schema has it (``"False"`` is false); as sent where that fails."""
    attribute = change.path.target or change.attribute
    if change.op == "remove" or (attribute is change.attribute and attribute.multi_valued):
        return change.value
    try:
        return canonical_value(attribute, unwrapped(change.value), change.owner, [])
    except ScimError:
        return change.value


def _existing(endpoint: Endpoint, binding: TypeBinding, object_id: str, told: Explanation) -> SpaceObject:
    """Returns the object that a path names; like ``provisioning.existing``, but waits for nobody."""
    note_holders(endpoint, binding, (LockKey(ID, object_id),), told)
    found = endpoint.store.get(binding.space_type, object_id)
    if found is None or found.state is not ObjectState.LIVE:
        if found is not None:
            told.notes.append("Somebody of this id was deleted through SCIM; the target keeps the object.")
        raise not_found(f"There is no {binding.object_type.resource_type} with this id.")
    told.object = {"id": found.id, **_place(found.anchor, found.dn, "by its id, in what the host knows")}
    return found


def _place(anchor: Anchor, dn: str | None, found: str) -> dict[str, str]:
    shown_anchor = anchor_text(anchor) if anchor else "the target makes it"
    return {"anchor": shown_anchor, **({"dn": dn} if dn is not None else {}), "found": found}
