"""The steps that change a person: all at once, the same again, and each attribute by itself.

Each function takes the life and the step under way, as in ``steps``, and may raise NoAnswer.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_entra import causes, judge, shapes
from ecmahost_entra.judge import Fault
from ecmahost_entra.life import Life, reading, unchanged
from ecmahost_entra.paths import ScimPath, ScimValue
from ecmahost_entra.person import Trait
from ecmahost_entra.step import StepUnderWay
from ecmahost_entra.steps import as_sent, read
from ecmahost_entra.target import FileState
from ecmahost_entra.wire import Request

_MOST_REQUESTS = 12
"""Of a step that takes attributes one by one; with more attributes some share a request."""


def change(life: Life, step: StepUnderWay) -> None:
    """Changes several attributes at once."""
    step.expected = "200 with the person or 204; then GET and the target show the new values"
    traits = [trait for trait in life.person.traits if trait.changes]
    _send(life, step, _change_request(life), {trait: trait.after for trait in traits})
    read(life, step)
    life.expect_in_target(step, active=life.active)


def change_again(life: Life, step: StepUnderWay) -> None:
    """Sends the same change once more; nothing may be written."""
    step.expected = "200 or 204, and nothing written: same meta.version, meta.lastModified, ETag and object"
    before, files, entry = read(life, step), life.target.files(), life.entry
    answer = life.exchange(step, _change_request(life))
    step.add(judge.status(answer, 200, 204))
    after = read(life, step)
    expect_unwritten(life, step, entry, files, (before, after))


def expect_unwritten(
    life: Life,
    step: StepUnderWay,
    entry: CSEntryChange | None,
    files: Sequence[FileState],
    versions: tuple[tuple[Any, ...], tuple[Any, ...]],
) -> None:
    """Judges that nothing was written, neither in the host nor in the target.

    Args:
        life: of the person, or of the group.
        step: takes what was seen and the faults.
        entry: as it was in the target before.
        files: as they were before.
        versions: what tells that the resource was written (``version``), before and after.
    """
    for name, old, new in zip(("meta.version", "meta.lastModified", "the ETag"), *versions, strict=True):
        if old != new:
            step.add([Fault(f"{name} {old}, as before", f"{new}", causes.REWRITTEN)])
    with reading(step):
        found = life.look()
        differing = unchanged(entry, found[0]) if entry is not None and found else ["the object"]
        if differing:
            step.add([Fault("the same object in the target", f"{', '.join(differing)} changed")])
        elif life.target.files() != files:
            step.add([Fault("an untouched file", "the file was written again", causes.REWRITTEN)])
        else:
            step.seen.append("the file was not touched" if life.target.keeps_files() else "the object is as it was")


def replace_each(life: Life, step: StepUnderWay) -> None:
    """Gives each attribute that was changed its first value back, one PATCH each."""
    step.expected = "200 or 204 for each attribute by itself; then GET and the target show its first value"
    _each(
        life,
        step,
        {trait: trait.before for trait in _single(life) if trait.changes and trait.before is not None},
        lambda values: shapes.change(life.dialect, life.id, values, []),
    )


def remove_each(life: Life, step: StepUnderWay) -> None:
    """Takes each attribute away that the person can be without."""
    step.expected = "200 or 204 for each attribute by itself; then neither GET nor the target has a value"
    held = {
        trait: life.held[trait.name] for trait in _single(life) if trait.mapped.removable and trait.name in life.held
    }
    _each(life, step, dict.fromkeys(held), lambda values: shapes.remove(life.dialect, life.id, values), held)


def add_each(life: Life, step: StepUnderWay) -> None:
    """Adds each attribute again that was taken away."""
    step.expected = "200 or 204 for each attribute by itself; then GET and the target show its second value"
    _each(
        life,
        step,
        {trait: trait.after for trait in _single(life) if trait.name in life.gone},
        lambda values: shapes.change(life.dialect, life.id, [], values),
    )


def portions(traits: Sequence[Trait]) -> list[Sequence[Trait]]:
    """Returns the attributes one by one, or in so few portions that the requests do not become too many."""
    share = -(-len(traits) // _MOST_REQUESTS) or 1
    return [traits[start : start + share] for start in range(0, len(traits), share)]


def _single(life: Life) -> Iterator[Trait]:
    """Of two paths that lead to one attribute of the target only the first."""
    seen = set()
    for trait in life.person.traits:
        if trait.name not in seen:
            seen.add(trait.name)
            yield trait


def _each(
    life: Life,
    step: StepUnderWay,
    wanted: dict[Trait, ScimValue | None],
    request_of: Callable[[Sequence[tuple[ScimPath, ScimValue]]], Request],
    sent: dict[Trait, ScimValue] | None = None,
) -> None:
    """Sends a request for each attribute, and looks at everything afterwards.

    Args:
        life: whose attributes.
        step: takes the exchanges and the faults.
        wanted: what each attribute should hold afterwards; None for nothing.
        request_of: makes the request for some attributes with what is sent for them.
        sent: what is sent, where it is not what is wanted.
    """
    for some in portions(list(wanted)):
        values = [(trait.path, life.written(trait, (sent or wanted)[trait] or "")) for trait in some]
        _send(life, step, request_of(values), {trait: wanted[trait] for trait in some})
    read(life, step)
    life.expect_in_target(step, active=life.active)


def _send(life: Life, step: StepUnderWay, request: Request, wanted: dict[Trait, ScimValue | None]) -> None:
    """Sends a change, notes what it must have done when it was accepted, and judges a body that comes with it."""
    answer = life.exchange(step, request)
    step.add(judge.status(answer, 200, 204))
    if answer.status not in (200, 204):
        return
    for trait, value in wanted.items():
        life.holds(trait, value)
    if answer.body:
        body, faults = judge.resource(answer, life.id)
        step.add(faults + as_sent(life, body))


def _change_request(life: Life) -> Request:
    traits = [trait for trait in life.person.traits if trait.changes]
    replaced = [(trait.path, life.written(trait, trait.after)) for trait in traits if trait.before is not None]
    added = [(trait.path, life.written(trait, trait.after)) for trait in traits if trait.before is None]
    return shapes.change(life.dialect, life.id, replaced, added)
