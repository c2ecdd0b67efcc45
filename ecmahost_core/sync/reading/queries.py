"""Answering GET: from the space, and for a match that finds nothing, from the target.

A filter chooses the cheapest access to its candidates (an id, the index, a scan in the store); whatever the access, the
filter is then applied to each candidate as a SCIM resource, so that no answer depends on how the target compares.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ecmahost_core.scim.errors import unavailable
from ecmahost_core.scim.filter import parse_filter
from ecmahost_core.scim.nodes import Filter, paths_in
from ecmahost_core.scim.sorting import Sort, sort_key
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.endpoint import IMPORTING, Call, Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.reading.access import NOBODY, Everybody, access_to
from ecmahost_core.sync.reading.matching import Asked, batches, matched_by
from ecmahost_core.sync.reading.questions import in_targets_terms
from ecmahost_core.sync.reading.views import view_of


@dataclass(frozen=True, slots=True)
class Found:
    """A page of an answer.

    Attributes:
        total: how many objects match in all.
        objects: those of the page.
    """

    total: int
    objects: list[SpaceObject]


def search(
    endpoint: Endpoint,
    binding: TypeBinding,
    filter_text: str | None,
    start: int,
    count: int,
    call: Call,
    *,
    sort: Sort | None = None,
    base_url: str = "",
) -> Found:
    """Returns the live objects that match, from number ``start`` (the first is 1), ``count`` at most.

    They are in the order of their creation in the space, or in that of ``sort`` and then of their creation: the same in
    every process. ``base_url`` is what clients see ``meta.location`` begin with.

    Raises ScimError: 400 for a filter that does not parse, ``tooMany`` for one that takes longer than the request has,
    503 when "none" cannot be said with certainty.
    """
    endpoint.require_visible()
    if not filter_text and sort is None:
        total = endpoint.store.count(binding.space_type)
        return Found(total, endpoint.store.page(binding.space_type, start - 1, count) if count else [])
    node = in_targets_terms(binding, parse_filter(filter_text, binding.resource_type)) if filter_text else None
    access = Everybody() if node is None else access_to(binding, node)
    if access == NOBODY:
        return Found(0, [])
    view = view_of(endpoint, binding, node, sort, base_url)
    asked = Asked(endpoint, binding, node, view, call)
    matched, certain = matched_by(asked, access)
    found = _page(matched, start, count) if sort is None else _sorted_page(asked, sort, matched, start, count)
    if not found.total and not certain and node is not None:
        _require_brought(endpoint, binding, node)
    return found


def following(
    endpoint: Endpoint,
    binding: TypeBinding,
    filter_text: str | None,
    after: int,
    count: int,
    call: Call,
    *,
    base_url: str = "",
) -> list[SpaceObject]:
    """Returns the first ``count`` live objects behind the key ``after`` that match, in the order of keys.

    Costs what lies between them, wherever that is, and does not count the others. Raises what ``search`` raises.
    """
    endpoint.require_visible()
    if not filter_text:
        return endpoint.store.after(binding.space_type, after, count)
    node = in_targets_terms(binding, parse_filter(filter_text, binding.resource_type))
    access = access_to(binding, node)
    if access == NOBODY:
        return []
    view = view_of(endpoint, binding, node, None, base_url)
    matched, certain = matched_by(Asked(endpoint, binding, node, view, call, after), access)
    found = list(islice((one for one in matched if one.key > after), count))
    if not found and not after and not certain:
        _require_brought(endpoint, binding, node)
    return found


def _require_brought(endpoint: Endpoint, binding: TypeBinding, node: Filter) -> None:
    """Raises ScimError 503 where "none" may only mean that an attribute was selected lately and is not imported yet."""
    asked = {(path.urn, path.name) for path in paths_in(node)}
    rows = (*binding.mapping.rows, *binding.links)
    names = {row.target.name for row in rows if (row.path.urn, row.path.name) in asked}
    missing = names & endpoint.incomplete(binding.object_type.resource_type)
    if binding.groups_path is not None and (None, binding.groups_path.name) in asked:
        missing |= endpoint.incomplete("Group") & set(binding.member_of)
    if missing:
        raise unavailable(IMPORTING, 10)


def _page(matched: Iterable[SpaceObject], start: int, count: int) -> Found:
    total = 0
    page: list[SpaceObject] = []
    for total, one in enumerate(matched, 1):
        if start <= total < start + count:
            page.append(one)
    return Found(total, page)


def _sorted_page(asked: Asked, sort: Sort, matched: Iterable[SpaceObject], start: int, count: int) -> Found:
    """Keeps the places and ids of those up to the end of the page, whoever else matches."""
    total = 0

    def places() -> Iterator[tuple[object, int, str]]:
        nonlocal total
        for batch in batches(asked, matched):
            for one, resource in zip(batch, asked.view.resources(batch), strict=True):
                total += 1
                # Of equal values the older object comes first in both orders.
                yield sort_key(sort, resource), -one.key if sort.descending else one.key, one.id

    first = heapq.nlargest if sort.descending else heapq.nsmallest
    wanted = start - 1 + count if count else 0
    best = first(max(wanted, 1), places())[start - 1 : wanted]
    by_id = asked.endpoint.store.by_ids(asked.binding.space_type, [place[2] for place in best])
    return Found(total, [by_id[place[2]] for place in best if place[2] in by_id])
