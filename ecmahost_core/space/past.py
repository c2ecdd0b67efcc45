"""What is kept of the past of single objects: who changed what, from which value to which. Values are personal data.

A row is written in the transaction that closes a write, or that applies what a reading of the target found; so nothing
is told that did not happen. How much one row holds is bounded here, and what is kept of nobody is left out here.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ecmahost_core.ecma.values import Attributes, Value, text_of
from ecmahost_core.space.objects import LinkChange

DAYS: Final = 30
"""For how many days the past is kept unless the configuration says something else."""
LISTED: Final = 20
"""How many values of one attribute a row lists; of more, their number is told."""
LONGEST: Final = 500
"""How many characters of a text a row keeps."""
NOT_KEPT: Final = "(not kept)"
"""Stands for values that are kept of nobody."""

_SOUNDS_SECRET = re.compile(r"passw|pwd|secret|hash", re.IGNORECASE)

Changes = Mapping[str, Mapping[str, Any]]
"""By attribute: ``old`` and ``new``, lists of values; of links ``added`` and ``removed``. As JSON."""


@dataclass(frozen=True, slots=True)
class PastEntry:
    """One thing that happened to one object.

    Attributes:
        seq: ascending.
        time: when it was noted, in UTC.
        resource_type: ``User``.
        kind: ``create``, ``update``, ``delete``, ``recover``, ``settle`` for what the host wrote; ``import`` and
            ``read`` for what it found in the target.
        outcome: of a write that of its event; of what was found ``added``, ``changed`` or ``removed``.
        object_id: the SCIM id; of an addition that came to nothing the one that it would have got.
        anchor: the object's, for people.
        request_id, actor, error, milliseconds: as in the event; empty and 0 for what was found.
        told: what the client was told of a failure.
        asked: what the client asked for, in JSON; empty where nobody did.
        changes: what the space holds since.
    """

    seq: int
    time: datetime
    resource_type: str
    kind: str
    outcome: str
    object_id: str
    anchor: str
    request_id: str = ""
    actor: str = ""
    error: str = ""
    told: str = ""
    milliseconds: int = 0
    asked: Mapping[str, Any] = field(default_factory=dict)
    changes: Changes = field(default_factory=dict)


def sounds_secret(name: str) -> bool:
    """Returns whether an attribute's values are kept of nobody, going by its name, the target's or the client's."""
    return _SOUNDS_SECRET.search(name) is not None


def shown(value: Value) -> str | int | bool:
    """Returns a value as a row keeps it; of binary ones only their length."""
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    return value if isinstance(value, int) else shortened(text_of(value))


def shortened(text: str) -> str:
    """Returns a text, or its beginning."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def listed(values: Iterable[Any], count: int) -> list[Any]:
    """Returns the first of ``count`` values, and behind them how many more there are."""
    found = [value for _, value in zip(range(LISTED), values, strict=False)]
    return found if count <= LISTED else [*found, f"(and {count - LISTED:,} more)"]


def differences(
    before: Attributes | None, after: Attributes | None, *, written: bool, unkept: Collection[str] = ()
) -> dict[str, Any]:
    """Returns what differs; None stands for no object.

    An attribute that is missing has no value where the host has ``written`` it. Otherwise it was not read, and differs
    never. ``unkept`` are attributes whose values are kept of nobody, beside those whose own name says so.
    """
    old, new = before or {}, after or {}
    both = (("old", old), ("new", new))
    names = old.keys() | new.keys() if written or before is None or after is None else old.keys() & new.keys()
    return {
        name: {key: _values(each.get(name, ()), hidden=name in unkept or sounds_secret(name)) for key, each in both}
        for name in sorted(names)
        if old.get(name, ()) != new.get(name, ())
    }


def link_differences(parts: Mapping[str, LinkChange]) -> dict[str, Any]:
    """Returns what changed about link attributes."""
    return {
        name: {key: links_listed(values) for key, values in (("added", one.added), ("removed", one.removed)) if values}
        for name, one in parts.items()
        if one.added or one.removed
    }


def links_listed(values: Sequence[str]) -> list[str]:
    """Returns links as a row keeps them."""
    return [shortened(value) for value in listed(values, len(values))]


def _values(values: Sequence[Value], *, hidden: bool) -> list[Any]:
    if values and hidden:
        return [NOT_KEPT]
    return listed(map(shown, values), len(values))
