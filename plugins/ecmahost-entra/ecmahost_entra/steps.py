"""The steps of a person's life: what Entra sends, and what must be true afterwards, in the answer and in the target.

Each function takes the life and the step under way, says what is expected, exchanges, and notes what is wrong. Each may
raise NoAnswer. What is right depends on the configured deprovisioning flows, so the expectations do as well.
"""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ecmahost_core.ecma.deprovisioning import FlowAction
from ecmahost_core.ecma.values import text_of
from ecmahost_entra import judge, shapes
from ecmahost_entra.apps import App
from ecmahost_entra.discovery import schema_documents
from ecmahost_entra.judge import Fault
from ecmahost_entra.life import Life, version
from ecmahost_entra.paths import ECMA_USER
from ecmahost_entra.person import new_password
from ecmahost_entra.step import StepUnderWay
from ecmahost_entra.wire import Request

PLACEHOLDER = "PLACEHOLDER"
"""The attribute on which the portal's template matches until an administrator maps another."""


def test_connection(life: Life, step: StepUnderWay) -> None:
    """Asks for somebody who cannot exist; Entra does so at the start of every cycle."""
    step.expected = "200 and an empty list"
    request = shapes.query(life.plan.app, life.dialect, life.plan.matching.path.text, str(uuid.uuid4()))
    step.add(judge.no_match(life.exchange(step, request)))


def test_placeholder(life: Life, step: StepUnderWay) -> None:
    """The same on an attribute that nobody mapped."""
    step.expected = "200 and an empty list, although the attribute is not mapped"
    paths = [PLACEHOLDER, f"{ECMA_USER}:{PLACEHOLDER}"] if life.plan.app is App.ECMA else [PLACEHOLDER]
    for path in paths:
        request = shapes.query(life.plan.app, life.dialect, path, str(uuid.uuid4()))
        step.add(judge.no_match(life.exchange(step, request)))


def schemas(life: Life, step: StepUnderWay) -> None:
    """Asks which attributes there are, as the portal does for on-premises apps, and the validator for every other."""
    step.expected = "200 and schemas, identified and without nulls, in which every attribute that is sent is writable"
    answer = life.exchange(step, shapes.schemas(life.dialect))
    paths = [mapped.path for mapped in life.plan.attributes]
    step.add(schema_documents(answer, life.plan.app, paths, life.plan.password))


def match_none(life: Life, step: StepUnderWay) -> None:
    """Asks for the person before it exists, host and target: whoever is there already must never be cleaned up."""
    step.expected = "200 and an empty list: nobody of that name yet"
    step.add(judge.no_match(life.exchange(step, _match(life))))
    life.expect_nobody(step)


def create(life: Life, step: StepUnderWay) -> None:
    """Creates the person, who must then be in the target."""
    step.expected = "201, an id, Location, meta, and what was sent"
    send_create(life, step)


def send_create(life: Life, step: StepUnderWay) -> None:
    """Sends a create, judges its answer and looks into the target."""
    life.may_exist = life.in_doubt = True  # before it is sent: from now on somebody may have to be removed
    answer = life.exchange(step, life.create_request(life.sent()))
    life.in_doubt = answer.status >= 500
    step.add(judge.status(answer, 201))
    if answer.status != 201:
        return
    body, faults = judge.resource(answer)
    step.add(faults)
    if isinstance(body.get("id"), str) and body["id"]:
        life.ids.insert(0, body["id"])
        step.add(judge.location(answer, body["id"]))
    life.active = True
    step.add(judge.meta(body) + judge.echoed(body, life.values()) + judge.active(body, wanted=True))
    life.expect_in_target(step, active=True)


def match_one(life: Life, step: StepUnderWay) -> None:
    """Asks for the person by the matching attribute."""
    step.expected = "200 and exactly the person just created"
    _match_one(life, step)


def _match_one(life: Life, step: StepUnderWay) -> None:
    body, faults = judge.one_match(life.exchange(step, _match(life)), life.id)
    step.add(faults)
    if body is not None:
        step.add(as_sent(life, body) + judge.active(body, wanted=life.active))


def get(life: Life, step: StepUnderWay) -> None:
    """Reads the person by id."""
    step.expected = "200 and what was sent"
    read(life, step)


def read(life: Life, step: StepUnderWay) -> tuple[Any, ...]:
    """Reads the person by id, judges it, and returns what tells that it was written (``version``)."""
    answer = life.exchange(step, shapes.get(life.dialect, life.id))
    step.add(judge.status(answer, 200))
    if answer.status == 200:
        body, more = judge.resource(answer, life.id)
        step.add(more + as_sent(life, body) + judge.active(body, wanted=life.active))
    return version(answer)


def as_sent(life: Life, body: Mapping[str, Any]) -> list[Fault]:
    """Judges that everything that was sent, and nothing that was taken away, comes back."""
    return judge.echoed(body, life.values()) + judge.cleared(body, life.cleared())


def set_password(life: Life, step: StepUnderWay) -> None:
    """Gives the person another password, which must not come back either."""
    step.expected = "200 or 204, and no answer ever holds a password"
    if life.plan.password is None:
        raise ValueError("the connector takes no passwords")
    life.person = replace(life.person, password=new_password())
    request = shapes.change(life.dialect, life.id, [(life.plan.password, life.person.password)], [])
    step.add(judge.status(life.exchange(step, request), 200, 204))
    read(life, step)


def disable(life: Life, step: StepUnderWay) -> None:
    """Takes the person out of scope: ``active`` becomes false, in Entra's spelling."""
    flow = life.plan.disable
    step.expected = {
        FlowAction.NONE: "200 or 204; the target is left alone (disable flow: none)",
        FlowAction.SET: f"200 or 204; {flow.attribute} becomes False in the target",
        FlowAction.DELETE: "200 or 204; the object is deleted from the target (disable flow: delete)",
    }[flow.action]
    answer = life.exchange(step, shapes.set_active(life.dialect, life.id, active=False))
    step.add(judge.status(answer, 200, 204))
    if answer.status not in (200, 204):
        return
    life.active = False
    if answer.body:
        body, faults = judge.resource(answer, life.id)
        step.add(faults + judge.active(body, wanted=False))
    if flow.action is FlowAction.DELETE:
        life.expect_gone(step)
    else:
        life.expect_in_target(step, active=False)


def match_disabled(life: Life, step: StepUnderWay) -> None:
    """Asks for the disabled person: still found, unless disabling deletes."""
    if life.plan.disable.action is FlowAction.DELETE:
        step.expected = "200 and an empty list: disabling has deleted the person"
        step.add(judge.no_match(life.exchange(step, _match(life))))
        return
    step.expected = "200 and the person, with active false"
    _match_one(life, step)


def get_disabled(life: Life, step: StepUnderWay) -> None:
    """Reads the disabled person by id."""
    if life.plan.disable.action is FlowAction.DELETE:
        step.expected = "404 with an Error body: disabling has deleted the person"
        step.add(judge.error_body(life.exchange(step, shapes.get(life.dialect, life.id)), 404))
        return
    step.expected = "200 and the person, with active false"
    read(life, step)


def restore(life: Life, step: StepUnderWay) -> None:
    """Brings the person back: ``active`` becomes true; where disabling deletes, Entra creates the person again."""
    if life.plan.disable.action is FlowAction.DELETE:
        step.expected = "201: the person was deleted, so Entra creates it again"
        life.ids.clear()
        life.entry = None
        life.begin()
        send_create(life, step)
        return
    step.expected = "200 or 204; active is true again, in the target as well where it has a place for it"
    answer = life.exchange(step, shapes.set_active(life.dialect, life.id, active=True))
    step.add(judge.status(answer, 200, 204))
    if answer.status not in (200, 204):
        return
    life.active = True
    read(life, step)
    life.expect_in_target(step, active=True)


def soft_delete(life: Life, step: StepUnderWay) -> None:
    """Disables the person once more: a hard delete follows a soft one, thirty days later."""
    disable(life, step)


def delete(life: Life, step: StepUnderWay) -> None:
    """Deletes the person for good."""
    flow = life.plan.delete
    step.expected = {
        FlowAction.NONE: "204; the target is left alone (delete flow: none)",
        FlowAction.SET: f"204; {flow.attribute} receives its value in the target",
        FlowAction.DELETE: "204; the object is gone from the target",
    }[flow.action]
    answer = life.exchange(step, shapes.delete(life.dialect, life.id, life.plan.resource))
    step.add(judge.status(answer, 204))
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
    step.add(judge.error_body(life.exchange(step, shapes.delete(life.dialect, life.id)), 404))


def get_gone(life: Life, step: StepUnderWay) -> None:
    """Reads the deleted person by id."""
    step.expected = "404 with an Error body"
    step.add(judge.error_body(life.exchange(step, shapes.get(life.dialect, life.id)), 404))


def match_gone(life: Life, step: StepUnderWay) -> None:
    """Asks for the deleted person. Where the target still has it, a match finds it again, and that is right."""
    answer = life.exchange(step, _match(life))
    if life.plan.delete.action is FlowAction.DELETE:
        step.expected = "200 and an empty list"
        step.add(judge.no_match(answer))
        return
    step.expected = "200 and the person, found again: the delete flow leaves it in the target"
    _, faults = judge.one_match(answer, None)
    step.add(faults)


def create_after_delete(life: Life, step: StepUnderWay) -> None:
    """Creates the person anew, as Entra does when somebody comes back for whom the delete was final."""
    step.expected = "201, and the person is in the target again; then 204"
    life.ids.clear()
    life.entry = None
    life.begin()
    send_create(life, step)
    if life.ids:
        expected = step.expected
        delete(life, step)
        step.expected = expected


def _match(life: Life) -> Request:
    return shapes.query(life.plan.app, life.dialect, life.plan.matching.path.text, life.person.match)
