"""The steps of a person's life: what Entra sends, and what must be true afterwards, in the answer and in the target.

Each function takes the life and the step under way, says what is expected, exchanges, and notes what is wrong. Each may
raise NoAnswer. What is right depends on the configured deprovisioning flows, so the expectations do as well.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from ecmahost_core.ecma.deprovisioning import FlowAction
from ecmahost_core.ecma.values import text_of
from ecmahost_entra import causes, judge, shapes
from ecmahost_entra.judge import Fault
from ecmahost_entra.life import Life, StepUnderWay, reading, unchanged, version
from ecmahost_entra.wire import Request

PLACEHOLDER = "PLACEHOLDER"
"""The attribute on which the portal's template matches until an administrator maps another."""


def test_connection(life: Life, step: StepUnderWay) -> None:
    """Asks for somebody who cannot exist; Entra does so at the start of every cycle."""
    step.expected = "200 and an empty list"
    request = shapes.query(life.dialect, life.plan.matching.path.text, str(uuid.uuid4()))
    step.faults += judge.no_match(life.exchange(step, request))


def test_placeholder(life: Life, step: StepUnderWay) -> None:
    """The same on an attribute that nobody mapped."""
    step.expected = "200 and an empty list, although the attribute is not mapped"
    step.faults += judge.no_match(life.exchange(step, shapes.query(life.dialect, PLACEHOLDER, str(uuid.uuid4()))))


def schemas(life: Life, step: StepUnderWay) -> None:
    """Asks which attributes there are, as the portal does."""
    step.expected = "200 and schemas that name every mapped attribute"
    answer = life.exchange(step, shapes.schemas(life.dialect))
    step.faults += judge.schema_documents(answer, [mapped.path for mapped in life.plan.attributes])


def match_none(life: Life, step: StepUnderWay) -> None:
    """Asks for the person before it exists."""
    step.expected = "200 and an empty list: nobody of that name yet"
    step.faults += judge.no_match(life.exchange(step, _match(life)))


def create(life: Life, step: StepUnderWay) -> None:
    """Creates the person, who must then be in the target."""
    step.expected = "201, an id, Location, meta, and what was sent"
    _create(life, step)


def _create(life: Life, step: StepUnderWay) -> None:
    life.may_exist = life.in_doubt = True  # before it is sent: from now on somebody may have to be removed
    answer = life.exchange(step, shapes.create(life.dialect, life.sent()))
    life.in_doubt = answer.status >= 500
    step.faults += judge.status(answer, 201)
    if answer.status != 201:
        return
    body, faults = judge.resource(answer)
    step.faults += faults
    if isinstance(body.get("id"), str) and body["id"]:
        life.ids.insert(0, body["id"])
        step.faults += judge.location(answer, body["id"])
    life.active = True
    step.faults += judge.meta(body) + judge.echoed(body, life.values()) + judge.active(body, wanted=True)
    life.expect_in_target(step, active=True)


def match_one(life: Life, step: StepUnderWay) -> None:
    """Asks for the person by the matching attribute."""
    step.expected = "200 and exactly the person just created"
    _match_one(life, step)


def _match_one(life: Life, step: StepUnderWay) -> None:
    body, faults = judge.one_match(life.exchange(step, _match(life)), life.id)
    step.faults += faults
    if body is not None:
        step.faults += judge.echoed(body, life.values()) + judge.active(body, wanted=life.active)


def get(life: Life, step: StepUnderWay) -> None:
    """Reads the person by id."""
    step.expected = "200 and what was sent"
    _get(life, step)


def _get(life: Life, step: StepUnderWay) -> Mapping[str, Any]:
    answer = life.exchange(step, shapes.get(life.dialect, life.id))
    faults = judge.status(answer, 200)
    step.faults += faults
    if answer.status != 200:
        return {}
    body, more = judge.resource(answer, life.id)
    step.faults += more + judge.echoed(body, life.values()) + judge.active(body, wanted=life.active)
    return body


def change(life: Life, step: StepUnderWay) -> None:
    """Changes several attributes at once."""
    step.expected = "200 with the person or 204; then GET and the target show the new values"
    answer = life.exchange(step, _change_request(life))
    step.faults += judge.status(answer, 200, 204)
    if answer.status not in (200, 204):
        return
    life.changed = True
    if answer.body:
        body, faults = judge.resource(answer, life.id)
        step.faults += faults + judge.echoed(body, life.values())
    _get(life, step)
    life.expect_in_target(step, active=life.active)


def change_again(life: Life, step: StepUnderWay) -> None:
    """Sends the same change once more; nothing may be written."""
    step.expected = "200 or 204, and nothing written: same meta.version, meta.lastModified and object"
    before, files, entry = version(_get(life, step)), life.target.files(), life.entry
    answer = life.exchange(step, _change_request(life))
    step.faults += judge.status(answer, 200, 204)
    after = version(_get(life, step))
    for name, old, new in zip(("meta.version", "meta.lastModified"), before, after, strict=True):
        if old != new:
            step.faults.append(Fault(f"{name} {old}, as before", f"{new}", causes.REWRITTEN))
    with reading(step):
        found = life.look()
        differing = unchanged(entry, found[0]) if entry is not None and found else ["the object"]
        if differing:
            step.faults.append(Fault("the same object in the target", f"{', '.join(differing)} changed"))
        elif life.target.files() != files:
            step.faults.append(Fault("an untouched file", "the file was written again", causes.REWRITTEN))
        else:
            step.seen.append("the file was not touched" if files else "the object is as it was")


def duplicate(life: Life, step: StepUnderWay) -> None:
    """Creates the same person again, which must be refused."""
    step.expected = "409 with scimType uniqueness, and still one object in the target"
    answer = life.exchange(step, shapes.create(life.dialect, life.sent()))
    step.faults += judge.error_body(answer, 409, "uniqueness")
    body = answer.json()
    if answer.status == 201 and isinstance(body, dict) and isinstance(body.get("id"), str):
        life.ids.append(body["id"])
    with reading(step):
        found = life.target.find(life.plan.matching.attribute.name, life.person.match)
        if len(found) == 1:
            step.seen.append("one object")
        else:
            cause = (
                "the matching attribute must be a query attribute: the host then refuses a second one even where the "
                "target has no unique constraint"
            )
            step.faults.append(Fault("one object in the target", f"{len(found)} there", cause))


def disable(life: Life, step: StepUnderWay) -> None:
    """Takes the person out of scope: ``active`` becomes false, in Entra's spelling."""
    flow = life.plan.disable
    step.expected = {
        FlowAction.NONE: "200 or 204; the target is left alone (disable flow: none)",
        FlowAction.SET: f"200 or 204; {flow.attribute} becomes False in the target",
        FlowAction.DELETE: "200 or 204; the object is deleted from the target (disable flow: delete)",
    }[flow.action]
    answer = life.exchange(step, shapes.set_active(life.dialect, life.id, active=False))
    step.faults += judge.status(answer, 200, 204)
    if answer.status not in (200, 204):
        return
    life.active = False
    if answer.body:
        body, faults = judge.resource(answer, life.id)
        step.faults += faults + judge.active(body, wanted=False)
    if flow.action is FlowAction.DELETE:
        life.expect_gone(step)
    else:
        life.expect_in_target(step, active=False)


def match_disabled(life: Life, step: StepUnderWay) -> None:
    """Asks for the disabled person: still found, unless disabling deletes."""
    if life.plan.disable.action is FlowAction.DELETE:
        step.expected = "200 and an empty list: disabling has deleted the person"
        step.faults += judge.no_match(life.exchange(step, _match(life)))
        return
    step.expected = "200 and the person, with active false"
    _match_one(life, step)


def get_disabled(life: Life, step: StepUnderWay) -> None:
    """Reads the disabled person by id."""
    if life.plan.disable.action is FlowAction.DELETE:
        step.expected = "404 with an Error body: disabling has deleted the person"
        step.faults += judge.error_body(life.exchange(step, shapes.get(life.dialect, life.id)), 404)
        return
    step.expected = "200 and the person, with active false"
    _get(life, step)


def restore(life: Life, step: StepUnderWay) -> None:
    """Brings the person back: ``active`` becomes true; where disabling deletes, Entra creates the person again."""
    if life.plan.disable.action is FlowAction.DELETE:
        step.expected = "201: the person was deleted, so Entra creates it again"
        life.ids.clear()
        life.entry = None
        _create(life, step)
        return
    step.expected = "200 or 204; active is true again, in the target as well where it has a place for it"
    answer = life.exchange(step, shapes.set_active(life.dialect, life.id, active=True))
    step.faults += judge.status(answer, 200, 204)
    if answer.status not in (200, 204):
        return
    life.active = True
    _get(life, step)
    life.expect_in_target(step, active=True)


def delete(life: Life, step: StepUnderWay) -> None:
    """Deletes the person for good."""
    flow = life.plan.delete
    step.expected = {
        FlowAction.NONE: "204; the target is left alone (delete flow: none)",
        FlowAction.SET: f"204; {flow.attribute} receives its value in the target",
        FlowAction.DELETE: "204; the object is gone from the target",
    }[flow.action]
    answer = life.exchange(step, shapes.delete(life.dialect, life.id))
    step.faults += judge.status(answer, 204)
    if answer.status != 204:
        return
    if flow.action is FlowAction.DELETE:
        life.expect_gone(step)
        life.may_exist = bool(step.faults) or len(life.ids) > 1
        return
    wanted = life.wanted_in_target()
    if flow.action is FlowAction.SET and flow.value is not None:
        wanted[flow.attribute] = flow.value if isinstance(flow.value, bool) else text_of(flow.value)
    life.expect_in_target(step, wanted=wanted)


def delete_again(life: Life, step: StepUnderWay) -> None:
    """Deletes the person a second time."""
    step.expected = "404 with an Error body"
    step.faults += judge.error_body(life.exchange(step, shapes.delete(life.dialect, life.id)), 404)


def get_gone(life: Life, step: StepUnderWay) -> None:
    """Reads the deleted person by id."""
    step.expected = "404 with an Error body"
    step.faults += judge.error_body(life.exchange(step, shapes.get(life.dialect, life.id)), 404)


def match_gone(life: Life, step: StepUnderWay) -> None:
    """Asks for the deleted person. Where the target still has it, a match finds it again, and that is right."""
    answer = life.exchange(step, _match(life))
    if life.plan.delete.action is FlowAction.DELETE:
        step.expected = "200 and an empty list"
        step.faults += judge.no_match(answer)
        return
    step.expected = "200 and the person, found again: the delete flow leaves it in the target"
    _, faults = judge.one_match(answer, None)
    step.faults += faults


def _match(life: Life) -> Request:
    return shapes.query(life.dialect, life.plan.matching.path.text, life.person.match)


def _change_request(life: Life) -> Request:
    traits = [trait for trait in life.person.traits if trait.before != trait.after]
    replaced = [(trait.path, trait.after) for trait in traits if trait.before is not None]
    added = [(trait.path, trait.after) for trait in traits if trait.before is None]
    return shapes.change(life.dialect, life.id, replaced, added)
