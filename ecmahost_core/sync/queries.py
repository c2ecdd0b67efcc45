"""Answering GET: from the space, and for a match that finds nothing, from the target.

A filter chooses the cheapest way to its candidates (an id, the index, a scan in the store); whatever the way, it is
then applied to each candidate as a SCIM resource, so that no answer depends on how the target compares.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.csentry import change_from_json
from ecmahost_core.ecma.schema import SchemaAttribute
from ecmahost_core.ecma.values import Value, Values, text_of
from ecmahost_core.scim.errors import ScimError, of_type, unavailable
from ecmahost_core.scim.evaluate import matches
from ecmahost_core.scim.filter import equalities, parse_filter
from ecmahost_core.scim.nodes import And, AttributePath, Comparison, Filter, Not, Or
from ecmahost_core.space.journal import LockKey, Operation
from ecmahost_core.space.objects import ObjectState, SpaceObject
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.deprovisioning import ACTIVE
from ecmahost_core.sync.endpoint import IMPORTING, Call, Endpoint
from ecmahost_core.sync.presentation import stored_resource_of
from ecmahost_core.sync.questions import Question, one_text, question_of, row_of_equality, same_type
from ecmahost_core.sync.target_reads import read_by_value
from ecmahost_core.sync.values import normal, normal_text, to_target

WAIT_FOR_CREATION_SECONDS = 15.0
BEING_CREATED = "Somebody with this value is being created and the outcome is not known yet."


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

    target: SchemaAttribute
    value: Value
    normal_text: str
    indexed: bool

    @property
    def attribute(self) -> str:
        """The attribute's name."""
        return self.target.name

    @property
    def text(self) -> str:
        """The value as the index has it."""
        return text_of(self.value)

    def among(self, values: Values) -> bool:
        """Whether the value is one of these, in whatever form."""
        return any(normal_text(value, self.target) == self.normal_text for value in values)


def search(
    endpoint: Endpoint, binding: TypeBinding, filter_text: str | None, start: int, count: int, call: Call
) -> Found:
    """Returns the live objects that match, from number ``start`` (the first is 1), ``count`` at most.

    Raises ScimError: 400 for a filter that does not parse or takes longer than the request has, 503 when "none" cannot
    be said with certainty.
    """
    endpoint.require_visible()
    if not filter_text:
        total = endpoint.store.count(binding.space_type)
        return Found(total, endpoint.store.page(binding.space_type, start - 1, count) if count else [])
    node = question_of(binding, parse_filter(filter_text, binding.resource_type))
    if any(_never_holds(binding, comparison) for comparison in equalities(node.filter)):
        return Found(0, [])
    key, object_id = _access(binding, node.filter)
    verified = False
    if object_id is not None:
        one = endpoint.store.get(binding.space_type, object_id)
        matched = [one] if one and one.state is ObjectState.LIVE and _matches(binding, node, one) else []
    elif key is not None and key.indexed:
        matched = _match(endpoint, binding, node, key, call)
        verified = endpoint.freshness is not Freshness.CACHE
    else:
        found = _scanned(endpoint, binding, node, key, (start, count), call)
        if not found.total:
            _require_brought(endpoint, binding, node.filter)
        return found
    if not matched and not verified:
        _require_brought(endpoint, binding, node.filter)
    return Found(len(matched), matched[start - 1 : start - 1 + count])


def _require_brought(endpoint: Endpoint, binding: TypeBinding, node: Filter) -> None:
    """Raises ScimError 503 where "none" may only mean that an attribute was selected lately and is not imported yet."""
    incomplete = endpoint.incomplete(binding.object_type.resource_type)
    if not incomplete:
        return
    asked = {(path.urn, path.name) for path in _paths(node)}
    if any((row.path.urn, row.path.name) in asked and row.target.name in incomplete for row in binding.mapping.rows):
        raise unavailable(IMPORTING, 10)


def _paths(node: Filter) -> Iterator[AttributePath]:
    """Every path that a filter looks at, whether it must hold or not."""
    if isinstance(node, And | Or):
        for operand in node.operands:
            yield from _paths(operand)
    elif isinstance(node, Not):
        yield from _paths(node.operand)
    else:
        yield node.path


def _never_holds(binding: TypeBinding, comparison: Comparison) -> bool:
    """Whether nobody can have the value, because the attribute is not mapped: then nobody need be looked at."""
    path = comparison.path
    if path.urn is None and path.name in ("id", "meta", "schemas", ACTIVE):
        return False
    dn = None if binding.dn_row is None else binding.dn_row.path
    return not binding.mapping.knows(path) and (dn is None or (dn.urn, dn.name) != (path.urn, path.name))


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
    """What a comparison asks of the target; None where equal SCIM values may have different texts there."""
    if comparison.value is None or isinstance(comparison.value, float):
        return None
    row = row_of_equality(binding, comparison)
    if row is None or not same_type(row):
        return None
    try:
        value = normal(to_target(comparison.value, row.target, row.text), row.target)
    except ScimError:
        return None
    indexed = row.target.name in binding.space_type.indexed and one_text(row.target)
    return _Key(row.target, value, normal_text(value, row.target), indexed)


def _match(endpoint: Endpoint, binding: TypeBinding, node: Question, key: _Key, call: Call) -> list[SpaceObject]:
    """A match query on a query attribute: index, then an open creation, then the target."""
    live = endpoint.freshness is Freshness.LIVE
    matched = [] if live else _from_index(endpoint, binding, node, key)
    if matched:
        return matched
    lock = LockKey(key.attribute, key.text)
    if endpoint.store.holder(binding.space_type, lock) is not None:
        patience = min(call.remaining(), WAIT_FOR_CREATION_SECONDS)
        if not endpoint.store.wait_for_release(binding.space_type, [lock], patience):
            raise unavailable(BEING_CREATED, 10)
    # Again, whoever held the key: a creation may have ended between the two looks.
    matched = [] if live else _from_index(endpoint, binding, node, key)
    if matched or endpoint.freshness is Freshness.CACHE:
        return matched
    return _ask_target(endpoint, binding, node, key, call, space_counts=not live)


def _from_index(endpoint: Endpoint, binding: TypeBinding, node: Question, key: _Key) -> list[SpaceObject]:
    """What the index gives and the filter keeps; somebody who was unlinked and is matched is live again."""
    matched = []
    for one in endpoint.store.find(binding.space_type, key.attribute, key.text):
        if not _matches(binding, node, one):
            continue
        if one.state is ObjectState.LIVE:
            matched.append(one)
        else:
            again = endpoint.store.relink(binding.space_type, one.id)
            matched += [again] if again else []
    return matched


def _ask_target(
    endpoint: Endpoint, binding: TypeBinding, node: Question, key: _Key, call: Call, *, space_counts: bool
) -> list[SpaceObject]:
    """Asks the target for the one object and takes over what it says; "none" is only ever its own word."""
    began = endpoint.store.change_seq()
    found = read_by_value(endpoint, binding, key.attribute, (key.value,), call)
    if found:
        endpoint.store.adopt(binding.space_type, found, began)
    elif not space_counts:
        return []
    matched = _from_index(endpoint, binding, node, key)
    if not matched and found and not endpoint.store.find(binding.space_type, key.attribute, key.text):
        # A write under way, or one that has just ended, has kept the space from learning of what the target has.
        raise unavailable("Somebody with this value is being changed or was just deleted; ask again.", 5)
    return matched


def _scanned(
    endpoint: Endpoint, binding: TypeBinding, node: Question, key: _Key | None, window: tuple[int, int], call: Call
) -> Found:
    """Looks at everybody; ``window`` is the first number wanted and how many. ScimError ``tooMany`` when time is up."""
    start, count = window
    # Looked at first: a creation that ends while the scan runs may be behind it.
    being_created = key is not None and _is_being_created(endpoint, binding, key)
    total = 0
    page: list[SpaceObject] = []
    for one in _candidates(endpoint, binding, key):
        if not call.remaining():
            raise of_type("tooMany", "The filter takes too long; let it compare a query attribute with eq.")
        if not _matches(binding, node, one):
            continue
        total += 1
        if start <= total < start + count:
            page.append(one)
    if being_created and not total:
        raise unavailable(BEING_CREATED, 5)
    return Found(total, page)


def _is_being_created(endpoint: Endpoint, binding: TypeBinding, key: _Key) -> bool:
    """Whether an open creation has this value; only query attributes have locks that would tell."""
    creations = (
        change_from_json(entry.change).attributes.get(key.attribute, ())
        for entry in endpoint.store.entries(endpoint.name)
        if entry.operation is Operation.ADD and entry.resource_type == binding.object_type.resource_type
    )
    return any(map(key.among, creations))


def _candidates(endpoint: Endpoint, binding: TypeBinding, key: _Key | None) -> Iterator[SpaceObject]:
    """All live objects, those at once left out that cannot match a comparison with a mapped attribute."""
    for one in endpoint.store.scan(binding.space_type):
        if one.state is not ObjectState.LIVE:
            continue
        if key and not key.among(one.attributes.get(key.attribute, ())):
            continue
        yield one


def _matches(binding: TypeBinding, node: Question, one: SpaceObject) -> bool:
    return matches(node.filter, stored_resource_of(binding, one, node.compared), binding.resource_type)
