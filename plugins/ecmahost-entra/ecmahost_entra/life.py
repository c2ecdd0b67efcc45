"""One life at a connector, a person's or a group's: what was sent, what should be there, and looking for it.

The steps themselves are in ``steps``, ``changes`` and ``refusals``, their order in ``programme``.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_entra import causes, judge, shapes
from ecmahost_entra.apps import App, unmapped_values
from ecmahost_entra.client import ScimClient
from ecmahost_entra.judge import Fault
from ecmahost_entra.paths import ScimPath, ScimValue
from ecmahost_entra.person import Person, Trait
from ecmahost_entra.plan import Plan
from ecmahost_entra.shapes import Dialect
from ecmahost_entra.step import Exchange, StepUnderWay
from ecmahost_entra.target import Target, describe, differences
from ecmahost_entra.wire import Answer, NoAnswer, Request

_ATTEMPTS = 5
_HIDDEN = "(hidden)"
_LONGEST_PAUSE = 15.0


@dataclass(slots=True)
class Life:
    """One person at one connector, in one dialect; or the group beside it, for which the same words are used.

    Attributes:
        pause: how to wait before a request is repeated, in seconds.
        ids: SCIM ids of everybody that this life has created and not yet seen removed.
        entry: the person as last seen in the target; None before the create and after a removal.
        may_exist: True from the moment in which a create is sent until the person is seen to be gone.
        in_doubt: whether a create was sent whose outcome is not known: the person may still appear.
        held: what the host should hold, by target attribute, as it was last sent.
        gone: target attributes whose value was taken away.
        active: what ``active`` should be.
        free: whether nobody else of this name was there before.
        names: every value of the matching attribute under which it may be found; the last one is a group's new name.
        colleague: a second person, where this one is to be named together with others; None elsewhere.
        group: the life of a group beside the person's; None where none is played.
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
    held: dict[str, ScimValue] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    active: bool = True
    free: bool = False
    names: list[str] = field(default_factory=list)
    colleague: "Life | None" = None
    group: "Life | None" = None

    def __post_init__(self) -> None:
        self.names.append(self.person.match)
        self.begin()

    def begin(self) -> None:
        """Goes back to what a create sends."""
        self.held = {trait.name: trait.before for trait in self.person.traits if trait.before is not None}
        self.gone = set()
        self.active = True

    @property
    def id(self) -> str:
        """The person's id; IndexError before the create."""
        return self.ids[0]

    def sent(self) -> list[tuple[ScimPath, ScimValue]]:
        """What a create sends now, as it is written in JSON."""
        values = [(trait.path, self.written(trait, value)) for trait, value in self._held()]
        if self.plan.password is not None:
            values.append((self.plan.password, self.person.password))
        return values

    def create_request(self, values: Sequence[tuple[ScimPath, ScimValue]]) -> Request:
        """A create of somebody with these values, and with what the application sends beside what is mapped."""
        app = self.plan.app
        return shapes.create(app, self.dialect, values, unmapped_values(app, self.plan.offered))

    def values(self) -> list[tuple[ScimPath, ScimValue]]:
        """What Entra has sent so far, as it should come back."""
        return [(trait.path, self.written(trait, value)) for trait, value in self._held() if self._readable(trait)]

    def cleared(self) -> list[ScimPath]:
        """What Entra has taken away again, and should not come back."""
        return [trait.path for trait in self.person.traits if trait.name in self.gone and self._readable(trait)]

    def wanted_in_target(self) -> dict[str, ScimValue | None]:
        """What the target should hold for what was sent so far, by target attribute; without ``active``."""
        return {**{trait.name: value for trait, value in self._held()}, **dict.fromkeys(self.gone)}

    def written(self, trait: Trait, value: ScimValue) -> ScimValue:
        """Returns a value as this life writes it: the ECMA app knows types, and shows that in the second dialect."""
        if self.plan.app is App.ECMA and self.dialect is Dialect.AAD_OPTSCIM_062020:
            return shapes.typed(value, trait.mapped.attribute.type)
        return value

    def holds(self, trait: Trait, value: ScimValue | None) -> None:
        """Notes that the host has accepted a value, or that there is none any more."""
        if value is None:
            self.held.pop(trait.name, None)
            self.gone.add(trait.name)
        else:
            self.held[trait.name] = value
            self.gone.discard(trait.name)

    def _held(self) -> Iterator[tuple[Trait, ScimValue]]:
        for trait in self.person.traits:
            value = self.held.get(trait.name)
            if value is not None:
                yield trait, value

    def _readable(self, trait: Trait) -> bool:
        return self.plan.type.attribute(trait.name) is not None

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
            step.exchanges.append(Exchange(self._shown(request), None))
            raise
        shown = replace(answer, body=answer.body.replace(self.person.password.encode(), _HIDDEN.encode()))
        step.exchanges.append(Exchange(self._shown(request), shown))
        if self.plan.password is not None:
            step.add(judge.no_password(answer, self.person.password))
        return answer

    def _shown(self, request: Request) -> Request:
        """A request without the password that it carried."""
        return replace(request, body=_without(request.body, self.person.password))

    def look(self) -> list[CSEntryChange]:
        """Reads the person from the target: by anchor once that is known, otherwise by the matching attribute."""
        if self.entry is not None and self.entry.anchor:
            found = self.target.at(self.entry.anchor)
            return [] if found is None else [found]
        return self.target.find(self.plan.matching.attribute.name, self.person.match)

    def expect_in_target(
        self, step: StepUnderWay, *, active: bool | None = None, wanted: Mapping[str, ScimValue | None] | None = None
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
                step.add([Fault(expected, f"{len(found) or 'none'} there", causes.NOT_IN_TARGET)])
                return
            self._compare(step, found[0], values)
            self.entry = found[0]

    def _compare(self, step: StepUnderWay, entry: CSEntryChange, wanted: Mapping[str, ScimValue | None]) -> None:
        wrong = differences(self.plan, entry, wanted)
        step.add(Fault("the target to hold what was sent", each, causes.NOT_IN_TARGET) for each in wrong)
        if not wrong:
            step.seen.append(f"{describe(entry)}: {', '.join(wanted)} as sent")

    def expect_nobody(self, step: StepUnderWay) -> bool:
        """Looks for anybody with the person's name in the target; returns whether there certainly is none."""
        found: list[CSEntryChange] | None = None
        with reading(step):
            attribute = self.plan.matching.attribute.name
            found = [entry for name in self.names for entry in self.target.find(attribute, name)]
        step.add(Fault("nobody of that name in the target", describe(each), causes.NAMESAKE) for each in found or ())
        return found == []

    def expect_gone(self, step: StepUnderWay) -> None:
        """Looks for nobody in the target."""
        with reading(step):
            found = self.look()
            if found:
                step.add([Fault("no object in the target", describe(found[0]), causes.NOT_IN_TARGET)])
            else:
                step.seen.append("the object is gone")
                self.entry = None


@contextmanager
def reading(step: StepUnderWay) -> Iterator[None]:
    """Turns a target that cannot be read into a fault of the step."""
    try:
        yield
    except (ConnectorError, BrokenContract) as error:
        step.add([Fault("to see the effect in the target", str(error), causes.UNREADABLE)])


def unchanged(before: CSEntryChange, after: CSEntryChange) -> Sequence[str]:
    """Returns the names of the attributes that differ between two readings of an object, ``anchor`` included."""
    names = dict.fromkeys([*before.attributes, *after.attributes])
    changed = [name for name in names if before.attributes.get(name) != after.attributes.get(name)]
    return changed if before.anchor == after.anchor else ["anchor", *changed]


def version(answer: Answer) -> tuple[Any, Any, Any]:
    """Returns what tells that a resource was written: meta.version, meta.lastModified, ETag; None where absent."""
    body = answer.json()
    meta = body.get("meta") if isinstance(body, dict) else None
    found = meta if isinstance(meta, dict) else {}
    return found.get("version"), found.get("lastModified"), answer.headers.get("etag")


def _without(body: Any, password: str) -> Any:
    if body == password:
        return _HIDDEN
    if isinstance(body, Mapping):
        return {name: _without(value, password) for name, value in body.items()}
    return [_without(each, password) for each in body] if isinstance(body, list) else body


def _importing_for(answer: Answer) -> float | None:
    """Returns how long to wait before an importing host is asked again; None for every other answer."""
    if answer.status != 503 or causes.IMPORTING not in answer.text():
        return None
    seconds = answer.headers.get("retry-after", "")
    return min(float(seconds), _LONGEST_PAUSE) if re.fullmatch(r"\d{1,9}", seconds) else 1.0
