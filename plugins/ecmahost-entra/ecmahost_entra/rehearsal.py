"""A rehearsal: the steps in their order, in one or both dialects, with the cleaning up that always follows."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from ecmahost_core.ecma.deprovisioning import FlowAction
from ecmahost_entra import causes, changes, refusals, steps
from ecmahost_entra.apps import App
from ecmahost_entra.cleanup import Cleanup, Left, clean_up, interrupted, keep
from ecmahost_entra.client import ScimClient
from ecmahost_entra.judge import Fault
from ecmahost_entra.life import Life
from ecmahost_entra.person import ANY_CHARACTERS, make_person
from ecmahost_entra.plan import Plan
from ecmahost_entra.sample import Sample
from ecmahost_entra.shapes import Dialect
from ecmahost_entra.step import Outcome, StepResult, StepUnderWay
from ecmahost_entra.target import Target
from ecmahost_entra.wire import NoAnswer


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
        applies: whether it is part of a connector's rehearsal at all.
    """

    name: str
    group: str
    run: Callable[[Life, StepUnderWay], None]
    essential: bool = False
    guard: bool = False
    needs_person: bool = True
    applies: Callable[[Plan], bool] = lambda _plan: True


def _requires(plan: Plan) -> bool:
    return any(mapped.required for mapped in plan.attributes)


def _removes(plan: Plan) -> bool:
    return any(mapped.removable for mapped in plan.attributes)


def _disabling_keeps(plan: Plan) -> bool:
    return plan.disable.action is not FlowAction.DELETE


GROUPS = ("connect", "match", "create", "change", "disable", "delete")

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
    Step("disable", "disable", steps.disable),
    Step("match disabled", "disable", steps.match_disabled),
    Step("get disabled", "disable", steps.get_disabled),
    Step("restore", "disable", steps.restore),
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


@dataclass(frozen=True, slots=True)
class LifeReport:
    """How one life went.

    Attributes:
        dialect: in which PATCH dialect.
        person: the value of the matching attribute.
        planned: how many steps it should have had, by part of the life.
        steps: those of ``steps_of`` in their order, or those up to an interruption.
        cleanup: what became of the person.
        interrupted: whether somebody stopped it.
    """

    dialect: Dialect
    person: str
    planned: Mapping[str, int]
    steps: tuple[StepResult, ...]
    cleanup: Cleanup
    interrupted: bool = False

    @property
    def passed(self) -> bool:
        """Whether every step passed and nobody was left who should be gone."""
        green = all(step.outcome is Outcome.PASSED for step in self.steps)
        return green and not self.interrupted and self.cleanup.left is not Left.STRANDED


@dataclass(frozen=True, slots=True)
class RehearsalReport:
    """How the rehearsal of one connector went.

    Attributes:
        connector: its name.
        app: which application was played.
        url: its tenant URL, without a flag.
        lives: one for each dialect, in order; fewer when interrupted.
        not_sent: mapped SCIM paths that Entra does not send, each with the reason.
        connections: how many connections were opened; one is what keep-alive gives.
    """

    connector: str
    app: App
    url: str
    lives: tuple[LifeReport, ...]
    not_sent: tuple[tuple[str, str], ...]
    connections: int

    @property
    def passed(self) -> bool:
        """Whether every life passed."""
        return bool(self.lives) and all(life.passed for life in self.lives)

    @property
    def interrupted(self) -> bool:
        """Whether somebody stopped it."""
        return any(life.interrupted for life in self.lives)


class Listener(Protocol):
    """Is told what happens, while it happens."""

    def begin(self, plan: Plan, url: str, dialect: Dialect, person: str) -> None:
        """A life begins."""

    def step(self, plan: Plan, result: StepResult) -> None:
        """A step has ended."""

    def end(self, report: LifeReport) -> None:
        """A life has ended, cleaned up."""


class Silent:
    """A listener that says nothing."""

    def begin(self, plan: Plan, url: str, dialect: Dialect, person: str) -> None:
        """Says nothing."""

    def step(self, plan: Plan, result: StepResult) -> None:
        """Says nothing."""

    def end(self, report: LifeReport) -> None:
        """Says nothing."""


def rehearse_connector(
    plan: Plan,
    target: Target,
    client: ScimClient,
    dialects: Sequence[Dialect],
    listener: Listener,
    *,
    kept: bool = False,
    characters: str = ANY_CHARACTERS,
    sample: Sample | None = None,
) -> RehearsalReport:
    """Runs a life in each dialect, each with a person of its own, over one connection.

    Args:
        plan: of the connector.
        target: where the effects are looked for.
        client: speaks to the host; the caller closes it.
        dialects: in which order.
        listener: is told of every step.
        kept: leaves the people where they are, and does not delete them.
        characters: the codec whose characters the people's values keep to.
        sample: what the target's objects have in common; None where nothing is known of them.
    """
    lives: list[LifeReport] = []
    for dialect in dialects:
        life = Life(client, dialect, plan, make_person(plan, characters=characters, sample=sample), target)
        listener.begin(plan, client.address.url, dialect, life.person.match)
        report = rehearse_life(life, partial(listener.step, plan), kept=kept)
        listener.end(report)
        lives.append(report)
        if report.interrupted:
            break
    return RehearsalReport(plan.connector, plan.app, client.address.url, tuple(lives), plan.not_sent, client.opened)


def rehearse_life(life: Life, on_step: Callable[[StepResult], None], *, kept: bool = False) -> LifeReport:
    """Runs one life and cleans up after it, also when interrupted (KeyboardInterrupt) or when a step breaks.

    Args:
        life: fresh.
        on_step: told of each step as it ends.
        kept: ends before the delete and leaves the person where it is.
    """
    results: list[StepResult] = []
    stopped = False
    try:
        for result in _steps(life, kept=kept):
            results.append(result)
            on_step(result)
    except KeyboardInterrupt:
        stopped = True
    except BaseException:
        # A mistake of ours, or a pipe that nobody reads any more, must not leave the person behind either.
        _report_lost(_after(life, kept=False))
        raise
    cleanup = _after(life, kept=kept and not stopped)
    planned = Counter(step.group for step in steps_of(life.plan))
    return LifeReport(life.dialect, life.person.match, planned, tuple(results), cleanup, stopped)


def _steps(life: Life, *, kept: bool) -> Iterator[StepResult]:
    blocked = ""
    for planned in steps_of(life.plan):
        if kept and planned.group == "delete":
            return
        reason = blocked or ("the person was not created" if planned.needs_person and not life.ids else "")
        if reason:
            yield StepResult(planned.name, planned.group, Outcome.SKIPPED, f"not tried: {reason}")
            continue
        step = StepUnderWay(planned.name, planned.group)
        try:
            planned.run(life, step)
        except NoAnswer as error:
            step.add([Fault("an answer", str(error), causes.of_silence(error))])
            blocked = f"there was no answer to {planned.name!r}"
        if planned.essential and step.refused() and not blocked:
            blocked = f"{planned.name!r} was refused"
        if planned.guard and step.faults and not blocked:
            blocked = f"{planned.name!r} failed, and nobody may be harmed"
        yield step.result()


def _after(life: Life, *, kept: bool) -> Cleanup:
    try:
        return keep(life) if kept else clean_up(life)
    except KeyboardInterrupt:
        return interrupted(life)


def _report_lost(cleanup: Cleanup) -> None:
    if cleanup.left is not Left.NOBODY:
        structlog.get_logger().error("rehearsal_person_left", message=cleanup.message)
