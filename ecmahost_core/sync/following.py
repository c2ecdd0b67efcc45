"""Paging by key: what comes behind an object in the order of the space, whatever comes or goes meanwhile."""

from dataclasses import dataclass

from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.queries import search


@dataclass(frozen=True, slots=True)
class Following:
    """A page of objects.

    Attributes:
        objects: in the order of their keys.
        last: the key behind which the next page begins; None where there is none.
    """

    objects: list[SpaceObject]
    last: int | None


def following(
    endpoint: Endpoint, binding: TypeBinding, filter_text: str | None, key: int, count: int, call: Call
) -> Following:
    """Returns the first ``count`` (at least 1) objects behind ``key`` that match; raises what ``search`` raises."""
    total = search(endpoint, binding, filter_text, 1, 0, call).total
    matched = search(endpoint, binding, filter_text, 1, total, call).objects
    behind = sorted((one for one in matched if one.key > key), key=lambda one: one.key)[: count + 1]
    return Following(behind[:count], behind[count - 1].key if len(behind) > count else None)
