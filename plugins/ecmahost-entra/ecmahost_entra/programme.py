"""The steps of a life, in their order, and for which connectors each of them makes sense."""

from collections.abc import Callable
from dataclasses import dataclass

from ecmahost_core.ecma.deprovisioning import FlowAction
from ecmahost_entra import changes, colleague_steps, group_steps, member_steps, refusals, steps
from ecmahost_entra.apps import App
from ecmahost_entra.life import Life
from ecmahost_entra.plan import Plan
from ecmahost_entra.step import StepUnderWay


@dataclass(frozen=True, slots=True)
class Step:
    """One step as planned.

    Attributes:
        name: as printed.
        group: the part of the life.
        run: does it.
        essential: when the host refuses it, the steps after it make no sense.
        guard: when anything is wrong with it, nothing may be written after it.
        needs_person: makes no sense before the person was created.
        misses: what else it needs and is not there; empty when it can be tried.
        applies: whether it is part of a connector's rehearsal at all.
    """

    name: str
    group: str
    run: Callable[[Life, StepUnderWay], None]
    essential: bool = False
    guard: bool = False
    needs_person: bool = True
    misses: Callable[[Life], str] = lambda _life: ""
    applies: Callable[[Plan], bool] = lambda _plan: True


def _requires(plan: Plan) -> bool:
    return any(mapped.required for mapped in plan.attributes)


def _removes(plan: Plan) -> bool:
    return any(mapped.removable for mapped in plan.attributes)


def _disabling_keeps(plan: Plan) -> bool:
    return plan.disable.action is not FlowAction.DELETE


def _no_group(life: Life) -> str:
    return "" if life.group is not None and life.group.ids else "the group was not created"


def _no_colleague(life: Life) -> str:
    return "" if life.colleague is not None and life.colleague.ids else "the second person was not created"


def _no_members(life: Life) -> str:
    return _no_group(life) or _no_colleague(life)


def _not_free(life: Life) -> str:
    return "" if life.group is not None and life.group.free else "nobody knows whether the group's name is free"


def _plays_groups(plan: Plan) -> bool:
    return plan.groups is not None


def _has_members(plan: Plan) -> bool:
    return plan.has_members


def _has_manager(plan: Plan) -> bool:
    return plan.manager is not None


def _has_colleague(plan: Plan) -> bool:
    return plan.has_members or plan.manager is not None


PARTS = ("connect", "match", "create", "change", "groups", "disable", "delete")
"""Of a life; ``groups`` only where a connector has some."""

STEPS = (
    Step("test connection", "connect", steps.test_connection, essential=True, needs_person=False),
    Step("test PLACEHOLDER", "connect", steps.test_placeholder, needs_person=False),
    Step("schemas", "connect", steps.schemas, needs_person=False),
    Step("match nobody", "match", steps.match_none, guard=True, needs_person=False),
    Step("incomplete", "create", refusals.incomplete, needs_person=False, applies=_requires),
    Step(
        "only PLACEHOLDER",
        "create",
        refusals.placeholder,
        needs_person=False,
        applies=lambda plan: plan.app is App.ECMA,
    ),
    Step("create", "create", steps.create, needs_person=False),
    Step("match again", "match", steps.match_one),
    Step("get", "create", steps.get),
    Step("password", "change", steps.set_password, applies=lambda plan: plan.password is not None),
    Step("change", "change", changes.change),
    Step("same change again", "change", changes.change_again),
    Step("replace each", "change", changes.replace_each),
    Step("remove each", "change", changes.remove_each, applies=_removes),
    Step("add each", "change", changes.add_each, applies=_removes),
    Step("duplicate", "create", refusals.duplicate),
    Step("second person", "create", colleague_steps.create, applies=_has_colleague),
    Step("manager", "change", colleague_steps.set_manager, misses=_no_colleague, applies=_has_manager),
    Step("no manager", "change", colleague_steps.clear_manager, misses=_no_colleague, applies=_has_manager),
    Step("match no group", "groups", group_steps.match_none, applies=_plays_groups),
    Step("create group", "groups", group_steps.create, misses=_not_free, applies=_plays_groups),
    Step("match group", "groups", group_steps.match_one, misses=_no_group, applies=_plays_groups),
    Step("unknown member", "groups", member_steps.unknown, misses=_no_group, applies=_has_members),
    Step("add members", "groups", member_steps.add, misses=_no_members, applies=_has_members),
    Step("same members again", "groups", member_steps.add_again, misses=_no_members, applies=_has_members),
    Step("is member", "groups", member_steps.asked, misses=_no_members, applies=_has_members),
    Step("groups of person", "groups", member_steps.shown, misses=_no_members, applies=_has_members),
    Step(
        "disabled member",
        "groups",
        member_steps.disabled,
        misses=_no_members,
        applies=lambda plan: plan.has_members and _disabling_keeps(plan),
    ),
    Step(
        "rename group",
        "groups",
        group_steps.rename,
        misses=_no_group,
        applies=lambda plan: plan.groups is not None and plan.groups.renames,
    ),
    Step("replace members", "groups", member_steps.replace, misses=_no_members, applies=_has_members),
    Step("remove member", "groups", member_steps.remove, misses=_no_members, applies=_has_members),
    Step("delete member", "groups", member_steps.delete_member, misses=_no_members, applies=_has_members),
    Step("delete group", "groups", group_steps.delete, misses=_no_group, applies=_plays_groups),
    Step("match deleted group", "groups", group_steps.match_gone, misses=_no_group, applies=_plays_groups),
    Step("disable", "disable", steps.disable),
    Step("match disabled", "disable", steps.match_disabled),
    Step("get disabled", "disable", steps.get_disabled),
    Step("restore", "disable", steps.restore),
    Step(
        "delete second person",
        "delete",
        colleague_steps.delete,
        misses=_no_colleague,
        applies=lambda plan: _has_manager(plan) and not plan.has_members,
    ),
    Step("soft delete", "delete", steps.soft_delete, applies=_disabling_keeps),
    Step("delete", "delete", steps.delete, essential=True),
    Step("delete again", "delete", steps.delete_again),
    Step("get deleted", "delete", steps.get_gone),
    Step("match deleted", "delete", steps.match_gone),
    Step(
        "create after delete",
        "delete",
        steps.create_after_delete,
        applies=lambda plan: plan.delete.action is FlowAction.DELETE,
    ),
)


def steps_of(plan: Plan) -> tuple[Step, ...]:
    """Returns the steps that make sense for a connector, in their order."""
    return tuple(step for step in STEPS if step.applies(plan))
