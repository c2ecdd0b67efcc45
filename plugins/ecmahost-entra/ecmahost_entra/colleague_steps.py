"""The steps with a second person, who joins a group together with the first, and is the first one's manager.

Each function takes the first person's life and the step under way, as in ``steps``, and may raise NoAnswer.
"""

from typing import Any

from ecmahost_entra import causes, group_shapes, judge, steps
from ecmahost_entra.apps import USER
from ecmahost_entra.changes import expect_unwritten
from ecmahost_entra.judge import Fault
from ecmahost_entra.life import Life, reading
from ecmahost_entra.mapped import MappedAttribute
from ecmahost_entra.memberships import colleague_of, names_in_target
from ecmahost_entra.paths import ScimPath, get
from ecmahost_entra.step import StepUnderWay
from ecmahost_entra.wire import Answer


def create(life: Life, step: StepUnderWay) -> None:
    """Creates the second person, unless somebody has that name already."""
    colleague = colleague_of(life)
    steps.match_none(colleague, step)
    step.expected = "an empty list, then 201, an id, Location, meta, and what was sent"
    if not step.faults:
        steps.send_create(colleague, step)


def delete(life: Life, step: StepUnderWay) -> None:
    """Deletes the second person, who is in no group."""
    steps.delete(colleague_of(life), step)


def set_manager(life: Life, step: StepUnderWay) -> None:
    """Makes the second person the first one's manager, twice: nothing may be written the second time."""
    step.expected = "200 or 204; GET and the target show the manager; nothing is written when it is sent again"
    manager, colleague = _manager_of(life), colleague_of(life)
    request = group_shapes.set_manager(life.dialect, life.id, manager.path, colleague.id)
    step.add(judge.status(life.exchange(step, request), 200, 204))
    before = _read(life, step, colleague.id)
    _expect_in_target(life, step, colleague)
    path = group_shapes.short(manager.path)
    for wanted, finds in ((colleague.id, True), (life.id, False)):
        question = group_shapes.has(life.plan.app, life.dialect, USER, life.id, path, wanted)
        answer = life.exchange(step, question)
        step.add(judge.one_match(answer, life.id)[1] if finds else judge.no_match(answer))
    files, entry = life.target.files(), life.entry
    step.add(judge.status(life.exchange(step, request), 200, 204))
    expect_unwritten(life, step, entry, files, (before, _read(life, step, colleague.id)))


def clear_manager(life: Life, step: StepUnderWay) -> None:
    """Takes the manager away again."""
    step.expected = "200 or 204; neither GET nor the target has a manager"
    request = group_shapes.clear_manager(life.dialect, life.id, _manager_of(life).path)
    step.add(judge.status(life.exchange(step, request), 200, 204))
    _read(life, step, None)
    _expect_in_target(life, step, None)


def _manager_of(life: Life) -> MappedAttribute:
    if life.plan.manager is None:
        raise ValueError("no manager is mapped")
    return life.plan.manager


def _read(life: Life, step: StepUnderWay, wanted: str | None) -> tuple[Any, ...]:
    """Reads the person, judges the manager that is shown, and returns what tells that it was written."""
    found = steps.read(life, step)
    answer = step.exchanges[-1].answer
    if answer is not None and answer.status == 200:
        step.add(_shows(answer, _manager_of(life).path, wanted))
    return found


def _shows(answer: Answer, path: ScimPath, wanted: str | None) -> list[Fault]:
    body = answer.json()
    found = get(body, path) if isinstance(body, dict) else None
    value = found.get("value") if isinstance(found, dict) else found
    if value == wanted:
        return []
    return [Fault(f"{path.text} {wanted or 'to be absent'}", repr(value), causes.ECHO)]


def _expect_in_target(life: Life, step: StepUnderWay, wanted: Life | None) -> None:
    """Looks for the manager, or for none, in the person's object; notes the object."""
    name = _manager_of(life).attribute.name
    life.expect_in_target(step, active=life.active)
    with reading(step):
        values = life.entry.attributes.get(name, ()) if life.entry is not None else ()
        if wanted is None and values:
            step.add([Fault(f"no {name} in the target", "a value", causes.NOT_IN_TARGET)])
        elif wanted is not None and not names_in_target(values, wanted.entry):
            step.add([Fault(f"{name} in the target to name {wanted.person.match}", "not so", causes.NOT_IN_TARGET)])
        else:
            step.seen.append(f"{name}: {wanted.person.match if wanted else 'nobody'}")
