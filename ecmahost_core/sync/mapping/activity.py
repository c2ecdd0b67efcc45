"""SCIM's ``active``: what it is of an object, and what a request wants it to be."""

from collections.abc import Mapping
from typing import Any

from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.departures import has_left
from ecmahost_core.sync.mapping.values import to_scim

ACTIVE = "active"


def is_active(binding: TypeBinding, entry: SpaceObject) -> bool:
    """Returns SCIM ``active`` of an object: what the target holds, or what the host keeps where it has no place for it.

    An object nobody ever said anything about is active; somebody who left and of whom the target says so still is not.
    """
    if has_left(binding, entry):
        return False
    if binding.active_attribute:
        values = entry.attributes.get(binding.active_attribute, ())
        return True if not values else to_scim(values[0], "boolean") is True
    return bool(entry.kept.get(ACTIVE, True))


def wanted_active(resource: Mapping[str, Any]) -> bool | None:
    """Returns the boolean that a canonical resource gives for ``active``, None when it says nothing."""
    value = resource.get(ACTIVE)
    return value if isinstance(value, bool) else None
