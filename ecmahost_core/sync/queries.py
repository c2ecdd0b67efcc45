"""Answering GET: from the space, and for a match that finds nothing, from the target.

A filter chooses the cheapest way to its candidates (an id, the index, a scan in the store); whatever the way, it is
then applied to each candidate as a SCIM resource, so that no answer depends on how the target compares.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.values import text_of
from ecmahost_core.scim.errors import ScimError, unavailable
from ecmahost_core.scim.evaluate import matches
from ecmahost_core.scim.filter import equalities, parse_filter
from ecmahost_core.scim.nodes import Comparison, Filter
from ecmahost_core.space.objects import LockKey, ObjectState, SpaceObject
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.presentation import resource_of
from ecmahost_core.sync.target_reads import read_by_value
from ecmahost_core.sync.values import to_target
from ecmahost_core.text import fold

WAIT_FOR_CREATION_SECONDS = 15.0


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
class _Key:
    """What a comparison of the filter means in the target: one attribute must have one value."""

    attribute: str
    value: str
    indexed: bool


def search(
    endpoint: Endpoint, binding: TypeBinding, filter_text: str | None, start: int, count: int, call: Call
) -> Found:
    """Returns the live objects that match, from number ``start`` (the first is 1), ``count`` at most.

    Raises ScimError: 400 for a filter that does not parse, 503 when "none" cannot be said with certainty.
    """
    endpoint.require_visible()
    if not filter_text:
        total = endpoint.store.count(binding.space_type)
        return Found(total, endpoint.store.page(binding.space_type, start - 1, count) if count else [])
    node = parse_filter(filter_text, binding.resource_type)
    key, object_id = _access(binding, node)
    if object_id is not None:
        one = endpoint.store.get(binding.space_type, object_id)
        matched = [one] if one and one.state is ObjectState.LIVE and _matches(binding, node, one) else []
    elif key is not None and key.indexed:
        matched = _match(endpoint, binding, node, key, call)
    else:
        return _scanned(endpoint, binding, node, key, start, count)
    return Found(len(matched), matched[start - 1 : start - 1 + count])


def _access(binding: TypeBinding, node: Filter) -> tuple[_Key | None, str | None]:
    """Chooses among the comparisons that must hold: an id, an indexed attribute, or any mapped attribute."""
    best: _Key | None = None
    for comparison in equalities(node):
        path = comparison.path
        if path.urn is None and path.name == "id" and isinstance(comparison.value, str):
            return None, comparison.value
        key = _key(binding, comparison)
        if key is not None and (best is None or (key.indexed and not best.indexed)):
            best = key
    return best, None


def _key(binding: TypeBinding, comparison: Comparison) -> _Key | None:
    if comparison.value is None or isinstance(comparison.value, float):
        return None
    rows = list(binding.mapping.rows_of(comparison.path))
    if len(rows) != 1:
        return None
    try:
        value = text_of(to_target(comparison.value, rows[0].target, rows[0].text))
    except ScimError:
        return None
    name = rows[0].target.name
    return _Key(name, value, indexed=name in binding.space_type.indexed)


def _match(endpoint: Endpoint, binding: TypeBinding, node: Filter, key: _Key, call: Call) -> list[SpaceObject]:
    """A match query on a query attribute: index, then an open creation, then the target."""
    if endpoint.freshness is Freshness.LIVE:
        return _ask_target(endpoint, binding, node, key, call, space_counts=False)
    matched = _from_index(endpoint, binding, node, key)
    if matched:
        return matched
    lock = LockKey(key.attribute, key.value)
    if endpoint.store.holder(binding.space_type, lock) is not None:
        if not endpoint.store.wait_for_release(
            binding.space_type, [lock], min(call.remaining(), WAIT_FOR_CREATION_SECONDS)
        ):
            raise unavailable("Somebody with this value is being created and the outcome is not known yet.", 10)
        matched = _from_index(endpoint, binding, node, key)
    if matched or endpoint.freshness is Freshness.CACHE:
        return matched
    return _ask_target(endpoint, binding, node, key, call, space_counts=True)


def _from_index(endpoint: Endpoint, binding: TypeBinding, node: Filter, key: _Key) -> list[SpaceObject]:
    """What the index gives and the filter keeps; somebody who was unlinked and is matched is live again."""
    matched = []
    for one in endpoint.store.find(binding.space_type, key.attribute, key.value):
        if not _matches(binding, node, one):
            continue
        if one.state is ObjectState.LIVE:
            matched.append(one)
        else:
            again = endpoint.store.relink(binding.space_type, one.id)
            matched += [again] if again else []
    return matched


def _ask_target(
    endpoint: Endpoint, binding: TypeBinding, node: Filter, key: _Key, call: Call, *, space_counts: bool
) -> list[SpaceObject]:
    """Asks the target for the one object and takes over what it says; "none" is only ever its own word."""
    attribute = binding.target.attribute(key.attribute)
    if attribute is None:
        return []
    value = to_target(key.value, attribute, binding.mapping.path_of(key.attribute))
    began = endpoint.store.change_seq()
    found = read_by_value(endpoint, binding, key.attribute, (value,), call)
    if found:
        endpoint.store.adopt(binding.space_type, found, began, relink=True)
    elif not space_counts:
        return []
    return _from_index(endpoint, binding, node, key)


def _scanned(endpoint: Endpoint, binding: TypeBinding, node: Filter, key: _Key | None, start: int, count: int) -> Found:
    total = 0
    page: list[SpaceObject] = []
    for one in _candidates(endpoint, binding, key):
        if not _matches(binding, node, one):
            continue
        total += 1
        if start <= total < start + count:
            page.append(one)
    return Found(total, page)


def _candidates(endpoint: Endpoint, binding: TypeBinding, key: _Key | None) -> Iterator[SpaceObject]:
    """All live objects, those at once left out that cannot match a comparison with a mapped attribute."""
    wanted = fold(key.value) if key else ""
    for one in endpoint.store.scan(binding.space_type):
        if one.state is not ObjectState.LIVE:
            continue
        if key and all(fold(text_of(value)) != wanted for value in one.attributes.get(key.attribute, ())):
            continue
        yield one


def _matches(binding: TypeBinding, node: Filter, one: SpaceObject) -> bool:
    return matches(node, resource_of(binding, one), binding.resource_type)
