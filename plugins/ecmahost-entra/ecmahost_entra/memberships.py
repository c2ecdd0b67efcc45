"""Who is in the group: looking for it in the host's answers and in the target itself."""

from collections.abc import Sequence

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.values import anchor_text, text_of
from ecmahost_core.text import fold
from ecmahost_entra import causes, group_shapes, judge
from ecmahost_entra.judge import Fault
from ecmahost_entra.life import Life, reading
from ecmahost_entra.paths import CORE_GROUP
from ecmahost_entra.step import StepUnderWay
from ecmahost_entra.target import describe

NOBODY = "no members"


def group_of(life: Life) -> Life:
    """Returns the life of the group beside a person's; ValueError where none is played."""
    if life.group is None:
        raise ValueError("no group is rehearsed")
    return life.group


def colleague_of(life: Life) -> Life:
    """Returns the life of the second person; ValueError where there is none."""
    if life.colleague is None:
        raise ValueError("no second person is rehearsed")
    return life.colleague


def expect_members(
    life: Life, step: StepUnderWay, wanted: Sequence[Life], in_target: Sequence[Life] | None = None
) -> None:
    """Looks for exactly these members, in a GET and in the target; notes what was seen.

    Args:
        life: the person's.
        step: takes the exchange, what was seen and the faults.
        wanted: whose lives.
        in_target: whose are in the target's group, where those are not the same.
    """
    group = group_of(life)
    answer = life.exchange(step, group_shapes.get(life.dialect, group.id, members=True))
    step.add(judge.status(answer, 200))
    if answer.status == 200:
        body, faults = judge.resource(answer, group.id, CORE_GROUP)
        step.add(faults + judge.names(body, "members", [each.id for each in wanted]))
    expect_members_in_target(life, step, wanted if in_target is None else in_target)


def expect_members_in_target(life: Life, step: StepUnderWay, wanted: Sequence[Life]) -> None:
    """Looks for exactly these members in the target; nothing where the connector has none."""
    group = group_of(life)
    if group.plan.members is None:
        return
    with reading(step):
        found = group.look()
        if len(found) != 1:
            step.add([Fault("one group in the target", f"{len(found) or 'none'} there", causes.NOT_IN_TARGET)])
            return
        group.entry = found[0]
        _compare(step, found[0], group.plan.members.attribute.name, wanted)


def _compare(step: StepUnderWay, entry: CSEntryChange, attribute: str, wanted: Sequence[Life]) -> None:
    values = entry.attributes.get(attribute)
    if values is None:
        step.add([Fault(f"{attribute} of the group in the target", "it was not read", causes.UNREADABLE)])
        return
    strangers = {fold(text_of(value)): text_of(value) for value in values}
    missing = []
    for each in wanted:
        keys = _keys(each.entry)
        if not keys & strangers.keys():
            missing.append(each.person.match)
        for key in keys:
            strangers.pop(key, None)
    faults = [Fault(f"{name} among {attribute} in the target", "not there", causes.NOT_IN_TARGET) for name in missing]
    faults += [
        Fault(f"nobody else among {attribute} in the target", repr(text), causes.NOT_IN_TARGET)
        for text in strangers.values()
    ]
    step.add(faults)
    if not faults:
        names = ", ".join(each.person.match for each in wanted) or NOBODY
        step.seen.append(f"{describe(entry)}: {names}")


def names_in_target(values: Sequence[object], entry: CSEntryChange | None) -> bool:
    """Whether one of the references in the target is this object: by its anchor or its DN."""
    keys = _keys(entry)
    return any(fold(text_of(value)) in keys for value in values)  # type: ignore[arg-type]


def _keys(entry: CSEntryChange | None) -> set[str]:
    """What the target's references may call an object; nothing for one that was not seen there."""
    if entry is None or not entry.anchor:
        return set()
    return {fold(anchor_text(entry.anchor)), *([fold(entry.dn)] if entry.dn else [])}
