"""The steps that must be refused: a second person of the same name, and creates that lack something.

Each function takes the life and the step under way, as in ``steps``, and may raise NoAnswer.
"""

from ecmahost_entra import causes, judge, shapes
from ecmahost_entra.judge import Fault
from ecmahost_entra.life import Life, reading
from ecmahost_entra.paths import ECMA_USER, ScimPath, ScimValue
from ecmahost_entra.step import StepUnderWay
from ecmahost_entra.steps import PLACEHOLDER
from ecmahost_entra.wire import Answer


def incomplete(life: Life, step: StepUnderWay) -> None:
    """Creates the person without an attribute that it must have, one after the other."""
    step.expected = "400 with a detail that names what is missing, and nobody in the target"
    for mapped in [each for each in life.plan.attributes if each.required]:
        values = [(path, value) for path, value in life.sent() if path != mapped.path]
        twins = {each.path for each in life.plan.attributes if each.attribute.name == mapped.attribute.name}
        values = [(path, value) for path, value in values if path not in twins]
        _refused_create(life, step, values, [*(path.text for path in twins), mapped.attribute.name], causes.UNNAMED)
    life.may_exist = not life.expect_nobody(step)


def placeholder(life: Life, step: StepUnderWay) -> None:
    """Creates somebody of whom only the template's PLACEHOLDER is known."""
    step.expected = "400 with a detail that leads to the portal's attribute mapping, and nobody in the target"
    path = ScimPath(f"{ECMA_USER}:{PLACEHOLDER}", ECMA_USER, PLACEHOLDER)
    _refused_create(life, step, [(path, life.person.match)], ["portal"], causes.PORTAL)
    life.may_exist = not life.expect_nobody(step)


def duplicate(life: Life, step: StepUnderWay) -> None:
    """Creates the same person again, which must be refused."""
    step.expected = "409 with scimType uniqueness, and still one object in the target"
    answer = life.exchange(step, life.create_request(life.sent()))
    step.add(judge.error_body(answer, 409, "uniqueness"))
    _note_created(life, answer)
    with reading(step):
        found = life.target.find(life.plan.matching.attribute.name, life.person.match)
        if len(found) == 1:
            step.seen.append("one object")
        else:
            cause = (
                "the matching attribute must be a query attribute: the host then refuses a second one even where the "
                "target has no unique constraint"
            )
            step.add([Fault("one object in the target", f"{len(found)} there", cause)])


def _refused_create(
    life: Life, step: StepUnderWay, values: list[tuple[ScimPath, ScimValue]], named: list[str], cause: str
) -> None:
    life.may_exist = life.in_doubt = True  # until it is answered
    answer = life.exchange(step, life.create_request(values))
    life.in_doubt = answer.status >= 500
    faults = judge.error_body(answer, 400)
    step.add(faults or judge.names_it(answer, named, cause))
    _note_created(life, answer)
    while life.ids:  # whoever was created in spite of it must not be in the way of what follows
        life.exchange(step, shapes.delete(life.dialect, life.ids.pop()))


def _note_created(life: Life, answer: Answer) -> None:
    body = answer.json()
    if answer.status == 201 and isinstance(body, dict) and isinstance(body.get("id"), str):
        life.ids.append(body["id"])
