"""The steps of a group's life beside a person's: what Entra sends about the group itself.

Its members are in ``member_steps``.

Each function takes the person's life and the step under way, as in ``steps``, and may raise NoAnswer.
"""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ecmahost_core.ecma.deprovisioning import FlowAction
from ecmahost_entra import group_shapes, judge, shapes, steps
from ecmahost_entra.apps import GROUP
from ecmahost_entra.judge import Fault
from ecmahost_entra.life import Life, version
from ecmahost_entra.memberships import expect_members, expect_members_in_target, group_of
from ecmahost_entra.paths import CORE_GROUP
from ecmahost_entra.step import StepUnderWay
from ecmahost_entra.wire import Request


def match_none(life: Life, step: StepUnderWay) -> None:
    """Asks for the group before it exists, host and target: a group that is there already is left alone."""
    step.expected = "200 and an empty list: no group of that name yet"
    group = group_of(life)
    for name in group.names:
        step.add(judge.no_match(life.exchange(step, _match(group, name))))
    group.free = group.expect_nobody(step) and not step.faults


def create(life: Life, step: StepUnderWay) -> None:
    """Creates the group without members, as Entra does; it must then be in the target."""
    step.expected = "201, an id, Location, meta, what was sent, and no members"
    group = group_of(life)
    group.may_exist = group.in_doubt = True
    answer = life.exchange(step, group_shapes.create(life.dialect, group.sent(), str(uuid.uuid4())))
    group.in_doubt = answer.status >= 500
    step.add(judge.status(answer, 201))
    if answer.status != 201:
        return
    body, faults = judge.resource(answer, urn=CORE_GROUP)
    step.add(faults)
    if isinstance(body.get("id"), str) and body["id"]:
        group.ids.insert(0, body["id"])
        step.add(judge.location(answer, body["id"], GROUP))
    step.add(judge.meta(body, GROUP) + judge.echoed(body, group.values()) + judge.names(body, "members", ()))
    group.expect_in_target(step)
    expect_members_in_target(life, step, ())


def match_one(life: Life, step: StepUnderWay) -> None:
    """Asks for the group by its name, without its members."""
    step.expected = "200 and exactly the group just created, without members"
    expect_match(life, step)


def expect_match(life: Life, step: StepUnderWay) -> None:
    """Asks for the group by its name; notes what is wrong with the answer."""
    group = group_of(life)
    body, faults = judge.one_match(life.exchange(step, _match(group, group.person.match)), group.id)
    step.add(faults)
    if body is not None:
        step.add(_without_members(body) + judge.echoed(body, group.values()))


def read(life: Life, step: StepUnderWay) -> tuple[Any, ...]:
    """Reads the group without its members, judges it, and returns what tells that it was written (``version``)."""
    group = group_of(life)
    answer = life.exchange(step, group_shapes.get(life.dialect, group.id, members=False))
    step.add(judge.status(answer, 200))
    if answer.status == 200:
        body, faults = judge.resource(answer, group.id, CORE_GROUP)
        step.add(faults + _without_members(body) + judge.echoed(body, group.values()))
    return version(answer)


def rename(life: Life, step: StepUnderWay) -> None:
    """Gives the group another name, under which alone it is found from now on; who is in it stays."""
    step.expected = (
        "204 or 200; GET, a match and the target show the new name and the same members; the old name is free"
    )
    group = group_of(life)
    matching, old = group.plan.matching, group.person.match
    new = group.names[-1]
    answer = life.exchange(step, group_shapes.rename(life.dialect, group.id, matching.path, new))
    step.add(judge.status(answer, 200, 204))
    if answer.status not in (200, 204):
        return
    group.person = replace(group.person, match=new)
    group.held[matching.attribute.name] = new
    group.entry = None  # where the name is the anchor, that has become another, too
    read(life, step)
    expect_match(life, step)
    step.add(judge.no_match(life.exchange(step, _match(group, old))))
    group.expect_in_target(step)
    if life.colleague is not None and life.colleague.ids:
        expect_members(life, step, [life, life.colleague])


def delete(life: Life, step: StepUnderWay) -> None:
    """Deletes the group; who was in it stays."""
    group = group_of(life)
    steps.delete(group, step)
    step.expected += "; whoever was a member stays"
    if group.plan.delete.action is FlowAction.DELETE:
        answer = life.exchange(step, group_shapes.get(life.dialect, group.id, members=False))
        step.add(judge.error_body(answer, 404))
    life.expect_in_target(step, active=life.active)


def match_gone(life: Life, step: StepUnderWay) -> None:
    """Asks for the deleted group. Where the target still has it, a match finds it again, and that is right."""
    group = group_of(life)
    answer = life.exchange(step, _match(group, group.person.match))
    if group.plan.delete.action is FlowAction.DELETE:
        step.expected = "200 and an empty list"
        step.add(judge.no_match(answer))
        return
    step.expected = "200 and the group, found again: the delete flow leaves it in the target"
    _, faults = judge.one_match(answer, None)
    step.add(faults)


def _match(group: Life, name: str) -> Request:
    return shapes.query(group.plan.app, group.dialect, group.plan.matching.path.text, name, GROUP)


def _without_members(body: Mapping[str, Any]) -> list[Fault]:
    if "members" not in body:
        return []
    cause = "Entra leaves them out because a group may have hundreds of thousands: they must not even be read"
    return [Fault("no members, because excludedAttributes=members was asked for", "members", cause)]
