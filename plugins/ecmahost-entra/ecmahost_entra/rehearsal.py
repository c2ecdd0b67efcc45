"""A rehearsal: the steps in their order, in one or both dialects, with the cleaning up that always follows."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from ecmahost_entra import causes
from ecmahost_entra.apps import App
from ecmahost_entra.cleanup import Cleanup, Left, clean_up, interrupted, keep, together
from ecmahost_entra.client import ScimClient
from ecmahost_entra.judge import Fault
from ecmahost_entra.life import Life
from ecmahost_entra.person import ANY_CHARACTERS, make_person, other_name
from ecmahost_entra.plan import Plan
from ecmahost_entra.programme import Step, steps_of
from ecmahost_entra.sample import Sample
from ecmahost_entra.shapes import Dialect
from ecmahost_entra.step import Outcome, StepResult, StepUnderWay
from ecmahost_entra.target import Target
from ecmahost_entra.wire import NoAnswer


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
        life = make_life(client, dialect, plan, target, characters, sample)
        listener.begin(plan, client.address.url, dialect, life.person.match)
        report = rehearse_life(life, partial(listener.step, plan), kept=kept)
        listener.end(report)
        lives.append(report)
        if report.interrupted:
            break
    return RehearsalReport(plan.connector, plan.app, client.address.url, tuple(lives), plan.not_sent, client.opened)


def make_life(
    client: ScimClient,
    dialect: Dialect,
    plan: Plan,
    target: Target,
    characters: str = ANY_CHARACTERS,
    sample: Sample | None = None,
) -> Life:
    """Returns the life of a new person, with a second person and a group where those are played."""
    life = Life(client, dialect, plan, make_person(plan, characters=characters, sample=sample), target)
    if plan.has_members or plan.manager is not None:
        life.colleague = Life(client, dialect, plan, make_person(plan, characters=characters, sample=sample), target)
    if plan.groups is not None:
        named = make_person(plan.groups, characters=characters)
        life.group = Life(client, dialect, plan.groups, named, target.beside(plan.groups))
        if plan.groups.renames:
            life.group.names.append(other_name(plan.groups, named.match, characters))
    return life


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
        reason = blocked or _missing(life, planned)
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


def _missing(life: Life, planned: Step) -> str:
    """Returns what a step needs and is not there; empty when it can be tried."""
    return "the person was not created" if planned.needs_person and not life.ids else planned.misses(life)


def _after(life: Life, *, kept: bool) -> Cleanup:
    """Removes the group, the second person and the person; only the person may be kept."""
    others = [each for each in (life.group, life.colleague) if each is not None]
    cleanups: list[Cleanup] = []
    try:
        cleanups += [clean_up(each) for each in others]
        cleanups.append(keep(life) if kept else clean_up(life))
    except KeyboardInterrupt:
        cleanups = [interrupted(each) for each in (*others, life) if each.may_exist]
    return together(cleanups or [Cleanup(Left.NOBODY)])


def _report_lost(cleanup: Cleanup) -> None:
    if cleanup.left is not Left.NOBODY:
        structlog.get_logger().error("rehearsal_person_left", message=cleanup.message)
