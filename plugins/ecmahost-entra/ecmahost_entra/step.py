"""One step of a life: what happens while it is under way, and how it ended."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ecmahost_entra.judge import Fault
from ecmahost_entra.wire import Answer, Request


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

    def add(self, faults: Iterable[Fault]) -> None:
        """Notes faults, with the request after which they were found."""
        at = ""
        if self.exchanges:
            request = self.exchanges[-1].request
            at = f"{request.method} {request.target}"
        self.faults += [replace(fault, at=fault.at or at) for fault in faults]

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
