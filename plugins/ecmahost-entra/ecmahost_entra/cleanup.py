"""Leaving nobody behind: removing a rehearsed person or group, however its life was cut short."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.deprovisioning import FlowAction
from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_core.text import fold
from ecmahost_entra import shapes
from ecmahost_entra.apps import USER
from ecmahost_entra.judge import listed
from ecmahost_entra.life import Life
from ecmahost_entra.paths import get
from ecmahost_entra.target import describe
from ecmahost_entra.wire import Answer, NoAnswer, Request

_LOOKS = 4
_ROUNDS = 5


class Left(StrEnum):
    """What became of the person."""

    NOBODY = "nobody"
    """Nothing was created, or everything is gone again."""
    KEPT = "kept"
    """The person stays because the caller asked for it."""
    BY_FLOW = "by flow"
    """The configured flows do not delete, so the person stays in the target."""
    STRANDED = "stranded"
    """The person should be gone and is not, or nobody can tell."""


@dataclass(frozen=True, slots=True)
class Cleanup:
    """How the cleaning up ended.

    Attributes:
        left: what became of the person.
        message: one sentence for the administrator; empty for NOBODY.
    """

    left: Left
    message: str = ""


def keep(life: Life) -> Cleanup:
    """Leaves the person where it is and says where."""
    if not life.may_exist:
        return Cleanup(Left.NOBODY)
    where = describe(life.entry) if life.entry is not None else "not seen in the target"
    ids = ", ".join(life.ids) or "unknown"
    return Cleanup(Left.KEPT, f"{_who(life)} is kept: SCIM id {ids}, {where}")


def clean_up(life: Life) -> Cleanup:
    """Removes the person through SCIM and looks into the target whether it is gone.

    Never raises NoAnswer, ConnectorError or BrokenContract: what could not be done is said in the result.
    """
    if not life.may_exist:
        return Cleanup(Left.NOBODY)
    life.client.close()  # an answer may have been given up half-way
    trouble = ""
    try:
        _remove(life)
    except NoAnswer as error:
        trouble = str(error)
    try:
        remaining = _remaining(life)
    except (ConnectorError, BrokenContract) as error:
        message = f"{_who(life)} may be left in the target, which cannot be read: {error}; remove it by hand"
        return Cleanup(Left.STRANDED, message)
    return _verdict(life, remaining, trouble)


def together(cleanups: Sequence[Cleanup]) -> Cleanup:
    """Returns the worst of several ends, with what there is to say of each."""
    worst = max((each.left for each in cleanups), key=list(Left).index)
    return Cleanup(worst, "; ".join(each.message for each in cleanups if each.message))


def interrupted(life: Life) -> Cleanup:
    """Says what is known when even the cleaning up was interrupted."""
    where = f", {describe(life.entry)}" if life.entry is not None else ""
    return Cleanup(Left.STRANDED, f"{_who(life)}{where} may be left in the target: remove it by hand")


def _verdict(life: Life, remaining: list[CSEntryChange], trouble: str) -> Cleanup:
    if not remaining and not trouble:
        life.may_exist = False
        return Cleanup(Left.NOBODY)
    if not remaining:
        message = f"the target no longer holds {_who(life)}, but the host could not be asked: {trouble}"
        return Cleanup(Left.STRANDED, message)
    where = " and ".join(describe(entry) for entry in remaining)
    if FlowAction.DELETE not in (life.plan.delete.action, life.plan.disable.action):
        message = (
            f"{_who(life)} stays in the target ({where}): neither flow of this connector deletes; remove it by hand"
        )
        return Cleanup(Left.BY_FLOW, message)
    why = f" ({trouble})" if trouble else ""
    return Cleanup(Left.STRANDED, f"{_who(life)} is left in the target ({where}){why}: remove it by hand")


def _remove(life: Life) -> None:
    """Deletes by every known id, then by whatever a match still finds."""
    for resource_id in life.ids:
        _remove_one(life, resource_id)
    for _ in range(_ROUNDS):
        found = _found(life)
        if not found:
            return
        for resource_id in found:
            _remove_one(life, resource_id)
        if FlowAction.DELETE not in (life.plan.delete.action, life.plan.disable.action):
            return  # the match would find it again, for ever


def _remove_one(life: Life, resource_id: str) -> None:
    if life.plan.delete.action is not FlowAction.DELETE and life.plan.disable.action is FlowAction.DELETE:
        _send(life, shapes.set_active(life.dialect, resource_id, active=False))
    _send(life, shapes.delete(life.dialect, resource_id, life.plan.resource))


def _is_ours(life: Life, resource: Mapping[str, Any]) -> bool:
    """Whether a resource really is the person: a host that ignores filters must not make us delete everybody."""
    found = get(resource, life.plan.matching.path)
    return isinstance(found, str | int) and fold(str(found)) in map(fold, life.names)


def _found(life: Life) -> list[str]:
    """Returns the ids that a match finds; asks again for a while when a create may still be on its way."""
    looks = _LOOKS if life.in_doubt else 1
    for look in range(looks):
        if look:
            life.pause(1.0)
        for name in life.names:
            plan = life.plan
            request = shapes.query(plan.app, life.dialect, plan.matching.path.text, name, plan.resource)
            resources, _ = listed(_send(life, request))
            if resources:
                life.in_doubt = False
                return [each["id"] for each in resources if isinstance(each.get("id"), str) and _is_ours(life, each)]
    return []


def _remaining(life: Life) -> list[CSEntryChange]:
    """Returns what the target still holds under any of the names."""
    attribute = life.plan.matching.attribute.name
    return [entry for name in life.names for entry in life.target.find(attribute, name)]


def _send(life: Life, request: Request) -> Answer:
    return life.client.send(request)


def _who(life: Life) -> str:
    named = f"{life.plan.matching.path.text} {life.person.match!r}"
    return named if life.plan.resource == USER else f"the group {named}"
