"""Answering GET: from the space, and for a match that finds nothing, from the target.

A filter chooses the cheapest access to its candidates (an id, the index, a scan in the store); whatever the access, the
filter is then applied to each candidate as a SCIM resource, so that no answer depends on how the target compares.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.csentry import change_from_json
from ecmahost_core.scim.errors import of_type, unavailable
from ecmahost_core.scim.evaluate import matches
from ecmahost_core.scim.filter import parse_filter
from ecmahost_core.scim.nodes import Filter
from ecmahost_core.scim.sorting import Sort, sort_key
from ecmahost_core.space.journal import LockKey, Operation
from ecmahost_core.space.objects import ObjectState, SpaceObject
from ecmahost_core.sync.access import NOBODY, AnyOf, ByDn, ById, ByValue, Everybody, Key, Single, access_to
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.endpoint import IMPORTING, Call, Endpoint
from ecmahost_core.sync.questions import in_targets_terms, paths
from ecmahost_core.sync.target_reads import read_by_value
from ecmahost_core.sync.views import View, view_of

WAIT_FOR_CREATION_SECONDS = 15.0
BEING_CREATED = "Somebody with this value is being created and the outcome is not known yet."
BATCH = 100
"""How many objects are looked at between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of an answer.

    Attributes:
        total: how many objects match in all.
        objects: those of the page.
    """

    total: int
    objects: list[SpaceObject]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is wanted of whom, and by when; ``filter`` is in the target's terms, None for everybody."""

    endpoint: Endpoint
    binding: TypeBinding
    filter: Filter | None
    sort: Sort | None
    view: View
    call: Call


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
    looked_at = [*(paths(node) if node is not None else ()), *((sort.path,) if sort is not None else ())]
    view = view_of(binding, looked_at, base_url, endpoint.store.epoch)
    asked = _Asked(endpoint, binding, node, sort, view, call)
    if isinstance(access, Everybody):
        matched, certain = _scanned(asked, access.key), False
    else:
        parts = access.parts if isinstance(access, AnyOf) else (access,)
        matched = _in_order([_looked_up(asked, part) for part in parts])
        certain = all(_asks_target(endpoint, part) for part in parts)
    found = _page(asked, matched, start, count)
    if not found.total and not certain and node is not None:
        _require_brought(endpoint, binding, node)
    return found


def _require_brought(endpoint: Endpoint, binding: TypeBinding, node: Filter) -> None:
    """Raises ScimError 503 where "none" may only mean that an attribute was selected lately and is not imported yet."""
    incomplete = endpoint.incomplete(binding.object_type.resource_type)
    if not incomplete:
        return
    asked = {(path.urn, path.name) for path in paths(node)}
    if any((row.path.urn, row.path.name) in asked and row.target.name in incomplete for row in binding.mapping.rows):
        raise unavailable(IMPORTING, 10)


# From those who match to a page of them


def _page(asked: _Asked, matched: Iterable[SpaceObject], start: int, count: int) -> Found:
    if asked.sort is not None:
        return _sorted_page(asked, asked.sort, matched, start, count)
    total = 0
    page: list[SpaceObject] = []
    for total, one in enumerate(matched, 1):
        if start <= total < start + count:
            page.append(one)
    return Found(total, page)


def _sorted_page(asked: _Asked, sort: Sort, matched: Iterable[SpaceObject], start: int, count: int) -> Found:
    """Keeps the places and ids of those up to the end of the page, whoever else matches."""
    total = 0

    def places() -> Iterator[tuple[object, int, str]]:
        nonlocal total
        for batch in _batches(matched):
            for one, resource in zip(batch, asked.view.resources(batch), strict=True):
                total += 1
                # Of equal values the older object comes first in both orders.
                yield sort_key(sort, resource), -one.key if sort.descending else one.key, one.id

    first = heapq.nlargest if sort.descending else heapq.nsmallest
    wanted = start - 1 + count if count else 0
    best = first(max(wanted, 1), places())[start - 1 : wanted]
    by_id = asked.endpoint.store.by_ids(asked.binding.space_type, [place[2] for place in best])
    return Found(total, [by_id[place[2]] for place in best if place[2] in by_id])


def _batches(entries: Iterable[SpaceObject]) -> Iterator[list[SpaceObject]]:
    rest = iter(entries)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _matching(asked: _Asked, candidates: Iterable[SpaceObject]) -> Iterator[SpaceObject]:
    """Yields those whom the filter keeps; raises ScimError ``tooMany`` when time is up."""
    for batch in _batches(_in_time(asked, candidates)):
        if asked.filter is None:
            yield from batch
            continue
        for one, resource in zip(batch, asked.view.resources(batch), strict=True):
            if matches(asked.filter, resource, asked.binding.resource_type):
                yield one


def _in_time(asked: _Asked, candidates: Iterable[SpaceObject]) -> Iterator[SpaceObject]:
    for one in candidates:
        if not asked.call.remaining():
            raise of_type("tooMany", "The filter takes too long; let it compare a query attribute with eq.")
        yield one


def _in_order(streams: list[Iterator[SpaceObject]]) -> Iterator[SpaceObject]:
    """Merges streams that are in the order of keys; who is in several of them comes once."""
    last = -1
    for one in streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda one: one.key):
        if one.key != last:
            yield one
        last = one.key


# From an access to those who match


def _looked_up(asked: _Asked, access: Single) -> Iterator[SpaceObject]:
    store, space_type = asked.endpoint.store, asked.binding.space_type
    match access:
        case ById():
            one = store.get(space_type, access.id)
        case ByDn():
            one = store.by_dn(space_type, access.dn)
        case ByValue():
            yield from _match(asked, access.key)
            return
    if one is not None and one.state is ObjectState.LIVE:
        yield from _matching(asked, [one])


def _asks_target(endpoint: Endpoint, access: Single) -> bool:
    """Whether what an access does not find is not there, because the target itself has said so."""
    can = isinstance(access, ByValue) and access.key.value is not None
    return can and endpoint.freshness is not Freshness.CACHE


def _match(asked: _Asked, key: Key) -> Iterator[SpaceObject]:
    """A match query on a query attribute: index, then an open creation, then the target."""
    endpoint, space_type = asked.endpoint, asked.binding.space_type
    live = endpoint.freshness is Freshness.LIVE and key.value is not None
    some = False
    for one in () if live else _from_index(asked, key):
        some = True
        yield one
    if some:
        return
    lock = LockKey(key.attribute, key.text)
    if endpoint.store.holder(space_type, lock) is not None:
        patience = min(asked.call.remaining(), WAIT_FOR_CREATION_SECONDS)
        if not endpoint.store.wait_for_release(space_type, [lock], patience):
            raise unavailable(BEING_CREATED, 10)
    # Again, whoever held the key: a creation may have ended between the two looks.
    for one in () if live else _from_index(asked, key):
        some = True
        yield one
    if not some and key.value is not None and endpoint.freshness is not Freshness.CACHE:
        yield from _ask_target(asked, key, space_counts=not live)


def _from_index(asked: _Asked, key: Key) -> Iterator[SpaceObject]:
    """What the index gives and the filter keeps; somebody who was unlinked and is matched is live again."""
    for one in _matching(asked, _indexed(asked, key)):
        if one.state is ObjectState.LIVE:
            yield one
        else:
            again = asked.endpoint.store.relink(asked.binding.space_type, one.id)
            if again is not None:
                yield again


def _indexed(asked: _Asked, key: Key) -> Iterator[SpaceObject]:
    """Everybody with a value, a batch at a time: there may be very many."""
    last = 0
    while found := asked.endpoint.store.find(asked.binding.space_type, key.attribute, key.text, last, BATCH):
        yield from found
        if len(found) < BATCH:
            return
        last = found[-1].key


def _ask_target(asked: _Asked, key: Key, *, space_counts: bool) -> Iterator[SpaceObject]:
    """Asks the target for the one object and takes over what it says; "none" is only ever its own word."""
    if key.value is None:
        return
    endpoint, space_type = asked.endpoint, asked.binding.space_type
    began = endpoint.store.change_seq()
    found = read_by_value(endpoint, asked.binding, key.attribute, (key.value,), asked.call)
    if found:
        endpoint.store.adopt(space_type, found, began)
    elif not space_counts:
        return
    some = False
    for one in _from_index(asked, key):
        some = True
        yield one
    if not some and found and not endpoint.store.find(space_type, key.attribute, key.text, 0, 1):
        # A write under way, or one that has just ended, has kept the space from learning of what the target has.
        raise unavailable("Somebody with this value is being changed or was just deleted; ask again.", 5)


def _scanned(asked: _Asked, key: Key | None) -> Iterator[SpaceObject]:
    """Looks at everybody, those at once left out who have not the key's value."""
    # Looked at first: a creation that ends while the scan runs may be behind it.
    being_created = key is not None and _is_being_created(asked, key)
    some = False
    for one in _matching(asked, _candidates(asked, key)):
        some = True
        yield one
    if being_created and not some:
        raise unavailable(BEING_CREATED, 5)


def _is_being_created(asked: _Asked, key: Key) -> bool:
    """Whether an open creation has this value; only query attributes have locks that would tell."""
    creations = (
        change_from_json(entry.change).attributes.get(key.attribute, ())
        for entry in asked.endpoint.store.entries(asked.endpoint.name)
        if entry.operation is Operation.ADD and entry.resource_type == asked.binding.object_type.resource_type
    )
    return any(map(key.among, creations))


def _candidates(asked: _Asked, key: Key | None) -> Iterator[SpaceObject]:
    for one in _in_time(asked, asked.endpoint.store.scan(asked.binding.space_type)):
        if one.state is ObjectState.LIVE and (key is None or key.among(one.attributes.get(key.attribute, ()))):
            yield one
