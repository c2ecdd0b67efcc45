"""Somebody who left and came back: what a removal has set in the target is undone when the person is active again.

A delete flow that sets an attribute leaves the object in the target, and a match makes it live again. The host keeps
what the attribute was. Until somebody says ``active``, the person is shown as inactive, because the target still says
that they left; a client that wants them active then says so, and that is when it is undone. What somebody else has
changed meanwhile stays.
"""

from collections.abc import Mapping
from typing import Any

from ecmahost_core.ecma.values import Values, value_from_json
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.values import same_values

LEFT = "left"
"""Under which it is kept: by attribute, the values before and after the removal."""


def has_left(binding: TypeBinding, entry: SpaceObject) -> bool:
    """Returns whether the target still says of a live object what an earlier removal has set."""
    record = entry.kept.get(LEFT) or {}
    return bool(record) and all(
        same(binding, name, entry.attributes.get(name, ()), _from_json(after)) for name, (_, after) in record.items()
    )


def undone(binding: TypeBinding, entry: SpaceObject) -> dict[str, Values]:
    """Returns the attributes that an earlier removal has set, as they were before; empty where there are none."""
    if not has_left(binding, entry):
        return {}
    return {name: _from_json(before) for name, (before, _) in entry.kept[LEFT].items()}


def without_departure(kept: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns what is kept beside it."""
    return {name: value for name, value in kept.items() if name != LEFT}


def same(binding: TypeBinding, name: str, left: Values, right: Values) -> bool:
    """Returns whether an attribute with the one is as it was with the other."""
    attribute = binding.target.attribute(name)
    return left == right if attribute is None else same_values(left, right, attribute)


def _from_json(data: list[Any]) -> Values:
    return tuple(value_from_json(one) for one in data)
