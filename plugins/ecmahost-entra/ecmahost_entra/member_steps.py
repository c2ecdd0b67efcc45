"""The steps in which a group gets and loses members.

Each function takes the person's life and the step under way, as in ``steps``, and may raise NoAnswer. Who joins is the
person and a second one, made up as well.
"""

import uuid
from typing import Any

from ecmahost_core.ecma.deprovisioning import FlowAction
from ecmahost_entra import causes, group_shapes, judge, shapes, steps
from ecmahost_entra.apps import GROUP
from ecmahost_entra.changes import expect_unwritten
from ecmahost_entra.group_steps import read
from ecmahost_entra.life import Life
from ecmahost_entra.memberships import colleague_of, expect_members, group_of
from ecmahost_entra.paths import CORE_USER
from ecmahost_entra.step import StepUnderWay
from ecmahost_entra.wire import Answer, Request


def unknown(life: Life, step: StepUnderWay) -> None:
    """Adds the person together with somebody whom nobody knows; neither may get in."""
    step.expected = "400 with a detail that names the unknown id, and nothing done"
    group, stranger = group_of(life), str(uuid.uuid4())
    before, files, entry = read(life, step), life.target.files(), group.entry
    answer = life.exchange(step, _add(life, [life.id, stranger]))
    faults = judge.error_body(answer, 400)
    step.add(faults or judge.names_it(answer, [stranger], causes.UNNAMED))
    after = read(life, step)
    expect_unwritten(group, step, entry, files, (before, after))
    expect_members(life, step, ())


def add(life: Life, step: StepUnderWay) -> None:
    """Adds both people."""
    step.expected = "204 or 200; GET and the target show both as members"
    colleague = colleague_of(life)
    _accepted(step, life.exchange(step, _add(life, [life.id, colleague.id])))
    expect_members(life, step, [life, colleague])


def add_again(life: Life, step: StepUnderWay) -> None:
    """Sends the same addition once more; nothing may be written."""
    step.expected = "204 or 200, and nothing written: same meta.version, meta.lastModified, ETag and object"
    group = group_of(life)
    before, files, entry = read(life, step), life.target.files(), group.entry
    _accepted(step, life.exchange(step, _add(life, [life.id, colleague_of(life).id])))
    after = read(life, step)
    expect_unwritten(group, step, entry, files, (before, after))


def asked(life: Life, step: StepUnderWay) -> None:
    """Asks whether the person is a member, as Entra does instead of listing members."""
    step.expected = "200: the group for a member, an empty list for anybody else"
    group = group_of(life)
    for who in (life, colleague_of(life)):
        _, faults = judge.one_match(life.exchange(step, _is_member(life, who.id)), group.id)
        step.add(faults)
    step.add(judge.no_match(life.exchange(step, _is_member(life, str(uuid.uuid4())))))


def disabled(life: Life, step: StepUnderWay) -> None:
    """Disables a member and brings it back: Entra does not send memberships again, so they must be kept."""
    colleague = colleague_of(life)
    steps.disable(colleague, step)
    expect_members(life, step, [life, colleague])
    steps.restore(colleague, step)
    step.expected = "200 or 204, twice; the person stays a member, in GET and in the target"
    expect_members(life, step, [life, colleague])


def shown(life: Life, step: StepUnderWay) -> None:
    """Reads the person, whose groups follow from the groups' members."""
    step.expected = "200; groups holds the group, where /Schemas lists groups of a user"
    listed, faults = judge.listed(life.exchange(step, shapes.schemas(life.dialect)))
    step.add(faults)
    answer = life.exchange(step, shapes.get(life.dialect, life.id))
    step.add(judge.status(answer, 200))
    body = answer.json()
    if isinstance(body, dict) and ("groups" in body or _lists_groups(listed)):
        step.add(judge.names(body, "groups", [group_of(life).id]))


def replace(life: Life, step: StepUnderWay) -> None:
    """Replaces the members: by the second person alone, then by both."""
    step.expected = "204 or 200; GET and the target show just whom the replacement names"
    colleague = colleague_of(life)
    for members in ([colleague], [life, colleague]):
        ids = [each.id for each in members]
        request = group_shapes.replace_members(life.plan.app, life.dialect, group_of(life).id, ids)
        _accepted(step, life.exchange(step, request))
        expect_members(life, step, members)


def remove(life: Life, step: StepUnderWay) -> None:
    """Takes one of the two out, twice: whoever is not a member can be taken out as well."""
    step.expected = "204 or 200, twice; GET, the question for members and the target show the other one alone"
    group = group_of(life)
    request = group_shapes.remove_member(life.plan.app, life.dialect, group.id, life.id)
    _accepted(step, life.exchange(step, request))
    expect_members(life, step, [colleague_of(life)])
    step.add(judge.no_match(life.exchange(step, _is_member(life, life.id))))
    before, files, entry = read(life, step), life.target.files(), group.entry
    _accepted(step, life.exchange(step, request))
    expect_unwritten(group, step, entry, files, (before, read(life, step)))


def delete_member(life: Life, step: StepUnderWay) -> None:
    """Deletes the second person, who is still a member."""
    colleague = colleague_of(life)
    steps.delete(colleague, step)
    step.expected += "; the group no longer shows the person"
    gone = life.plan.delete.action is FlowAction.DELETE
    expect_members(life, step, (), () if gone else [colleague])


def _add(life: Life, ids: list[str]) -> Request:
    return group_shapes.add_members(life.plan.app, life.dialect, group_of(life).id, ids)


def _is_member(life: Life, member: str) -> Request:
    return group_shapes.has(life.plan.app, life.dialect, GROUP, group_of(life).id, "members", member)


def _accepted(step: StepUnderWay, answer: Answer) -> None:
    step.add(judge.status(answer, 200, 204))


def _lists_groups(documents: list[dict[str, Any]]) -> bool:
    """Whether the schema of users has the attribute ``groups``."""
    for document in documents:
        attributes = document.get("attributes")
        if document.get("id") == CORE_USER and isinstance(attributes, list):
            return any(isinstance(each, dict) and each.get("name") == "groups" for each in attributes)
    return False
