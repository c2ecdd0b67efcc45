"""Who matches a filter: from the space, and for a match that finds nothing, from the target."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.csentry import change_from_json
from ecmahost_core.scim.errors import of_type, unavailable
from ecmahost_core.scim.evaluate import matches
from ecmahost_core.scim.nodes import Filter
from ecmahost_core.space.journal import LockKey, Operation
from ecmahost_core.space.objects import ObjectState, SpaceObject
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.reading.access import (
    Access,
    AnyOf,
    ByDn,
    ById,
    ByValue,
    Everybody,
    Key,
    NamedBy,
    Naming,
    Single,
)
from ecmahost_core.sync.reading.questions import one_text
from ecmahost_core.sync.reading.views import View
from ecmahost_core.sync.references import named_by
from ecmahost_core.sync.target_reads import read_by_value

WAIT_FOR_CREATION_SECONDS = 15.0
BEING_CREATED = "Somebody with this value is being created and the outcome is not known yet."
BEING_CHANGED = "Somebody with this value is being changed or was just deleted; ask again."
BATCH = 100
"""How many objects are looked at between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of whom, and by when.

    Attributes:
        endpoint: the connector.
        binding: of the resource type.
        filter: in the target's terms; None for everybody.
        view: of what the filter looks at.
        call: whose time it takes.
        after: the key behind which a scan may begin, because nobody before it is wanted.
    """

    endpoint: Endpoint
    binding: TypeBinding
    filter: Filter | None
    view: View
    call: Call
    after: int = 0


def matched_by(asked: Asked, access: Access) -> tuple[Iterator[SpaceObject], bool]:
    """Returns who matches, in the order of keys, and whether "none" is the target's own word.

    Reading them raises what ``search`` does.
    """
    if isinstance(access, Everybody):
        if access.key is not None and one_text(access.key.target):
            asked.endpoint.note_match(asked.binding, access.key.attribute)
        return _scanned(asked, access.key), False
    parts = access.parts if isinstance(access, AnyOf) else (access,)
    matched = _in_order([_looked_up(asked, part) for part in parts])
    return matched, all(_asks_target(asked.endpoint, part) for part in parts)


def batches(asked: Asked, entries: Iterable[SpaceObject]) -> Iterator[list[SpaceObject]]:
    """Yields the objects a few at a time: one by one where each may bring 50,000 members with it."""
    rest = iter(entries)
    while batch := list(islice(rest, 1 if asked.view.heavy else BATCH)):
        yield batch


def _matching(asked: Asked, candidates: Iterable[SpaceObject]) -> Iterator[SpaceObject]:
    """Yields those whom the filter keeps; raises ScimError ``tooMany`` when time is up."""
    # Who was found by a look-up is told even when all the time went into waiting for the target.
    for batch in batches(asked, _in_time(asked, candidates, free=1)):
        if asked.filter is None:
            yield from batch
            continue
        for one, resource in zip(batch, asked.view.resources(batch), strict=True):
            if matches(asked.filter, resource, asked.binding.resource_type):
                yield one


def _in_time(asked: Asked, candidates: Iterable[SpaceObject], free: int = 0) -> Iterator[SpaceObject]:
    """Yields the candidates while there is time; raises ScimError ``tooMany`` then. The first ones may be ``free``."""
    for number, one in enumerate(candidates):
        if number >= free and not asked.call.remaining():
            raise of_type("tooMany", "The filter takes too long; let it compare a query attribute with eq.")
        yield one


def _in_order(streams: list[Iterator[SpaceObject]]) -> Iterator[SpaceObject]:
    """Merges streams that are in the order of keys; who is in several of them comes once."""
    last = -1
    for one in streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda one: one.key):
        if one.key != last:
            yield one
        last = one.key


def _looked_up(asked: Asked, access: Single) -> Iterator[SpaceObject]:
    store, space_type = asked.endpoint.store, asked.binding.space_type
    match access:
        case ById():
            one = store.get(space_type, access.id)
        case ByDn():
            one = store.by_dn(space_type, access.dn)
        case ByValue():
            yield from _by_learned(asked, access.key) if access.learned else _match(asked, access.key)
            return
        case Naming() | NamedBy():
            yield from _matching(asked, _by_reference(asked, access))
            return
    if one is not None and one.state is ObjectState.LIVE:
        yield from _matching(asked, [one])


def _by_reference(asked: Asked, access: Naming | NamedBy) -> Iterable[SpaceObject]:
    endpoint, binding = asked.endpoint, asked.binding
    store, space_type = endpoint.store, binding.space_type
    if isinstance(access, Naming):
        rows = [row for row in (*binding.links, *binding.references) if row.target.name in access.attributes]
        named = named_by(endpoint, binding, rows, [access.id]).get(access.id)
        return [] if named is None else store.each_owner(space_type, access.attributes, named.entry)
    groups = endpoint.bindings_for_scim()["Group"].space_type
    group = store.by_ids(groups, [access.id]).get(access.id)
    return (
        []
        if group is None
        else _in_order([store.targets(space_type, groups, group, name) for name in binding.member_of])
    )


def _asks_target(endpoint: Endpoint, access: Single) -> bool:
    """Whether what an access does not find is not there, because the target itself has said so."""
    can = isinstance(access, ByValue) and access.key.value is not None and not access.learned
    return can and endpoint.freshness is not Freshness.CACHE


def _match(asked: Asked, key: Key) -> Iterator[SpaceObject]:
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


def _by_learned(asked: Asked, key: Key) -> Iterator[SpaceObject]:
    """What ``_scanned`` gives for a key, by a look-up: what is no query attribute has no lock that would tell."""
    being_created = _is_being_created(asked, key)  # first, as there
    some = False
    for one in _matching(asked, _indexed(asked, key)):
        if one.state is ObjectState.LIVE:
            some = True
            yield one
    if being_created and not some:
        raise unavailable(BEING_CREATED, 5)


def _from_index(asked: Asked, key: Key) -> Iterator[SpaceObject]:
    """What the index gives and the filter keeps; somebody who was unlinked and is matched is live again."""
    for one in _matching(asked, _indexed(asked, key)):
        if one.state is ObjectState.LIVE:
            yield one
        else:
            again = asked.endpoint.store.relink(asked.binding.space_type, one.id)
            if again is not None:
                yield again


def _indexed(asked: Asked, key: Key) -> Iterator[SpaceObject]:
    """Everybody with a value, a batch at a time: there may be very many."""
    last = 0
    while found := asked.endpoint.store.find(asked.binding.space_type, key.attribute, key.text, last, BATCH):
        yield from found
        if len(found) < BATCH:
            return
        last = found[-1].key


def _ask_target(asked: Asked, key: Key, *, space_counts: bool) -> Iterator[SpaceObject]:
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
        raise unavailable(BEING_CHANGED, 5)


def _scanned(asked: Asked, key: Key | None) -> Iterator[SpaceObject]:
    """Looks at everybody, those at once left out who have not the key's value."""
    # Looked at first: a creation that ends while the scan runs may be behind it.
    being_created = key is not None and _is_being_created(asked, key)
    some = False
    for one in _matching(asked, _candidates(asked, key)):
        some = True
        yield one
    if being_created and not some:
        raise unavailable(BEING_CREATED, 5)
    if key is not None and not some:
        yield from _ask_after_scan(asked, key)


def _ask_after_scan(asked: Asked, key: Key) -> Iterator[SpaceObject]:
    """A match query on a query attribute whose equal values have several texts, so that no index can tell."""
    endpoint, space_type = asked.endpoint, asked.binding.space_type
    if key.attribute not in space_type.indexed or endpoint.freshness is Freshness.CACHE or key.value is None:
        return
    began = endpoint.store.change_seq()
    found = read_by_value(endpoint, asked.binding, key.attribute, (key.value,), asked.call)
    endpoint.store.adopt(space_type, found, began)
    adopted = [endpoint.store.by_anchor(space_type, one.anchor) for one in found]
    if found and not any(adopted):
        raise unavailable(BEING_CHANGED, 5)
    yield from _matching(asked, [one for one in adopted if one is not None and one.state is ObjectState.LIVE])


def _is_being_created(asked: Asked, key: Key) -> bool:
    """Whether an open creation has this value; only query attributes have locks that would tell."""
    creations = (
        change_from_json(entry.change).attributes.get(key.attribute, ())
        for entry in asked.endpoint.store.entries(asked.endpoint.name)
        if entry.operation is Operation.ADD and entry.resource_type == asked.binding.object_type.resource_type
    )
    return any(map(key.among, creations))


def _candidates(asked: Asked, key: Key | None) -> Iterator[SpaceObject]:
    for one in _in_time(asked, asked.endpoint.store.scan(asked.binding.space_type, asked.after)):
        if one.state is ObjectState.LIVE and (key is None or key.among(one.attributes.get(key.attribute, ()))):
            yield one
