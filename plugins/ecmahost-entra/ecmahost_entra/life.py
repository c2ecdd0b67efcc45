"""One person's life at a connector: its state, the step that is under way, and how a step ended.

The steps themselves are in ``steps``, their order in ``rehearsal``.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_entra import causes
from ecmahost_entra.client import ScimClient
from ecmahost_entra.judge import Fault
from ecmahost_entra.paths import ScimPath, ScimValue
from ecmahost_entra.person import Person, Trait
from ecmahost_entra.plan import Plan
from ecmahost_entra.shapes import Dialect
from ecmahost_entra.target import Target, describe, differences
from ecmahost_entra.wire import Answer, NoAnswer, Request

_ATTEMPTS = 5
_LONGEST_PAUSE = 15.0


class Outcome(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer; None when there was none."""

    request: Request
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step went.

    Attributes:
        name: ``create``, ``change-again``, ...
        group: the part of the life that it belongs to, for summaries.
        outcome: passed, failed or skipped.
        expected: one sentence.
        exchanges: in order; empty when skipped.
        seen: what was seen in the target itself; empty where the step is not about the target.
        faults: empty unless failed.
    """

    name: str
    group: str
    outcome: Outcome
    expected: str
    exchanges: tuple[Exchange, ...] = ()
    seen: str = ""
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class StepUnderWay:
    """Collects what happens in one step."""

    name: str
    group: str
    expected: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def refused(self) -> bool:
        """Whether the last answer was an error where none was expected."""
        answer = self.exchanges[-1].answer if self.exchanges else None
        return bool(self.faults) and answer is not None and answer.status >= 400

    def result(self) -> StepResult:
        """Returns how it ended."""
        return StepResult(
            name=self.name,
            group=self.group,
            outcome=Outcome.FAILED if self.faults else Outcome.PASSED,
            expected=self.expected,
            exchanges=tuple(self.exchanges),
            seen="; ".join(self.seen),
            faults=tuple(self.faults),
        )


@dataclass(slots=True)
class Life:
    """One person at one connector, in one dialect.

    Attributes:
        pause: how to wait before a request is repeated, in seconds.
        ids: SCIM ids of everybody that this life has created and not yet seen removed.
        entry: the person as last seen in the target; None before the create and after a removal.
        may_exist: True from the moment in which a create is sent until the person is seen to be gone.
        in_doubt: whether a create was sent whose outcome is not known: the person may still appear.
        changed: whether the change has been made.
        active: what ``active`` should be.
    """

    client: ScimClient
    dialect: Dialect
    plan: Plan
    person: Person
    target: Target
    pause: Callable[[float], None] = time.sleep
    ids: list[str] = field(default_factory=list)
    entry: CSEntryChange | None = None
    may_exist: bool = False
    in_doubt: bool = False
    changed: bool = False
    active: bool = True

    @property
    def id(self) -> str:
        """The person's id; IndexError before the create."""
        return self.ids[0]

    def values(self) -> list[tuple[ScimPath, ScimValue]]:
        """What Entra has sent so far, as it should come back."""
        return [(trait.path, value) for trait, value in self._current() if self._readable(trait)]

    def sent(self) -> list[tuple[ScimPath, ScimValue]]:
        """What a create sends now."""
        return [(trait.path, value) for trait, value in self._current()]

    def wanted_in_target(self) -> dict[str, ScimValue]:
        """What the target should hold for the values sent so far, by target attribute; without ``active``."""
        return {trait.mapped.attribute.name: value for trait, value in self._current()}

    def _current(self) -> Iterator[tuple[Trait, ScimValue]]:
        for trait in self.person.traits:
            value = trait.after if self.changed else trait.before
            if value is not None:
                yield trait, value

    def _readable(self, trait: Trait) -> bool:
        return self.plan.type.attribute(trait.mapped.attribute.name) is not None

    def exchange(self, step: StepUnderWay, request: Request) -> Answer:
        """Sends a request and notes it; waits and repeats while the host is importing. Raises NoAnswer."""
        for _ in range(_ATTEMPTS):
            answer = self._send(step, request)
            seconds = _importing_for(answer)
            if seconds is None:
                break
            self.pause(seconds)
        return answer

    def _send(self, step: StepUnderWay, request: Request) -> Answer:
        try:
            answer = self.client.send(request)
        except NoAnswer:
            step.exchanges.append(Exchange(request, None))
            raise
        step.exchanges.append(Exchange(request, answer))
        return answer

    def look(self) -> list[CSEntryChange]:
        """Reads the person from the target: by anchor once that is known, otherwise by the matching attribute."""
        if self.entry is not None and self.entry.anchor:
            found = self.target.at(self.entry.anchor)
            return [] if found is None else [found]
        return self.target.find(self.plan.matching.attribute.name, self.person.match)

    def expect_in_target(
        self, step: StepUnderWay, *, active: bool | None = None, wanted: Mapping[str, ScimValue] | None = None
    ) -> None:
        """Looks for exactly one object with what was sent; notes what was seen and keeps the object.

        Args:
            step: takes what was seen and the faults.
            active: only looked at where the target has a place for it; None leaves it alone.
            wanted: what to look for instead of what was sent, by target attribute.
        """
        values = dict(self.wanted_in_target() if wanted is None else wanted)
        if active is not None and self.plan.active_attribute:
            values[self.plan.active_attribute] = active
        with reading(step):
            found = self.look()
            if len(found) != 1:
                expected = "one object in the target"
                step.faults.append(Fault(expected, f"{len(found) or 'none'} there", causes.NOT_IN_TARGET))
                return
            self._compare(step, found[0], values)
            self.entry = found[0]

    def _compare(self, step: StepUnderWay, entry: CSEntryChange, wanted: Mapping[str, ScimValue]) -> None:
        wrong = differences(self.plan, entry, wanted)
        step.faults += [Fault("the target to hold what was sent", each, causes.NOT_IN_TARGET) for each in wrong]
        if not wrong:
            step.seen.append(f"{describe(entry)}: {', '.join(wanted)} as sent")

    def expect_gone(self, step: StepUnderWay) -> None:
        """Looks for nobody in the target."""
        with reading(step):
            found = self.look()
            if found:
                step.faults.append(Fault("no object in the target", describe(found[0]), causes.NOT_IN_TARGET))
            else:
                step.seen.append("the object is gone")
                self.entry = None


@contextmanager
def reading(step: StepUnderWay) -> Iterator[None]:
    """Turns a target that cannot be read into a fault of the step."""
    try:
        yield
    except (ConnectorError, BrokenContract) as error:
        step.faults.append(Fault("to see the effect in the target", str(error), causes.UNREADABLE))


def unchanged(before: CSEntryChange, after: CSEntryChange) -> Sequence[str]:
    """Returns the names of the attributes that differ between two readings of an object, ``anchor`` included."""
    names = dict.fromkeys([*before.attributes, *after.attributes])
    changed = [name for name in names if before.attributes.get(name) != after.attributes.get(name)]
    return changed if before.anchor == after.anchor else ["anchor", *changed]


def version(body: Mapping[str, Any]) -> tuple[Any, Any]:
    """Returns what tells that a resource was written: meta.version and meta.lastModified; None where absent."""
    meta = body.get("meta")
    return (meta.get("version"), meta.get("lastModified")) if isinstance(meta, dict) else (None, None)


def _importing_for(answer: Answer) -> float | None:
    """Returns how long to wait before an importing host is asked again; None for every other answer."""
    if answer.status != 503 or causes.IMPORTING not in answer.text():
        return None
    seconds = answer.headers.get("retry-after", "")
    return min(float(seconds), _LONGEST_PAUSE) if re.fullmatch(r"\d{1,9}", seconds) else 1.0
