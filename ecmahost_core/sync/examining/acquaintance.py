"""Whether a target holds the people whom a space knows: a few are looked for, so that nobody confirms blindly."""

import random
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from ecmahost_core.connectors.connector import Connector
from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.run_profiles import ObjectQuery, RunStep
from ecmahost_core.ecma.values import Values, anchor_text, text_of
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.space.store import Store
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.text import fold

LOOKED_FOR = 20
"""How many objects of a space are looked for in a target that can be asked for single ones."""
LOOKED_AT = 1000
"""How many objects of a target that cannot are looked up in the space."""


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What a comparison of a few objects came to.

    Attributes:
        compared: how many were; 0 where the space is empty or the connector cannot read.
        found: how many of them the other side has.
    """

    compared: int
    found: int

    @property
    def strangers(self) -> bool:
        """Whether these are most likely not the same people."""
        return self.found * 2 < self.compared


def acquaintance(connector: Connector, binding: TypeBinding, store: Store) -> Acquaintance:
    """Compares; reads from the target. Raises ConnectorError or BrokenContract as the connector does.

    Args:
        connector: to the target that may hold the objects.
        binding: of one resource type, by the connector's new configuration, to the space (``in_space``).
        store: which holds the space.
    """
    live = store.count(binding.space_type)
    if connector.capabilities.full_object_import:
        places = sorted(random.sample(range(live), min(live, LOOKED_FOR)))  # whom to look for; protects nothing
        known = [one for place in places for one in store.page(binding.space_type, place, 1)]
        return Acquaintance(len(known), sum(_is_there(connector, binding, one) for one in known))
    if not connector.capabilities.full_import or not live:
        return Acquaintance(0, 0)
    step = RunStep((binding.target,), min(LOOKED_AT, connector.capabilities.page_size_maximum))
    with closing(connector.full_import(step)) as pages:
        readable = (entry for page in pages for entry in page.entries if entry.anchor and entry.failure is None)
        there = list(islice(readable, LOOKED_AT))
    if not there:
        return Acquaintance(min(live, LOOKED_AT), 0)
    return Acquaintance(len(there), sum(_is_known(store, binding, entry) for entry in there))


def _is_there(connector: Connector, binding: TypeBinding, known: SpaceObject) -> bool:
    if len(known.anchor) != len(binding.target.anchor):
        return False
    attributes = tuple((name, (value,)) for name, value in zip(binding.target.anchor, known.anchor, strict=True))
    found = connector.read(binding.export_step, ObjectQuery(binding.target.name, attributes))
    return any(entry.anchor and _same(binding, known, entry) for entry in found)


def _is_known(store: Store, binding: TypeBinding, entry: CSEntryChange) -> bool:
    known = store.by_anchor(binding.space_type, entry.anchor)
    return known is not None and _same(binding, known, entry)


def _same(binding: TypeBinding, known: SpaceObject, entry: CSEntryChange) -> bool:
    """Whether two objects are most likely one: the anchor, and half of what both sides tell beside it.

    An anchor alone says little where the target numbers its rows: everywhere there is somebody with the number 1.
    """
    if fold(anchor_text(entry.anchor)) != fold(anchor_text(known.anchor)):
        return False
    names = [
        name
        for name, values in known.attributes.items()
        if values and name in entry.attributes and name not in binding.target.anchor
    ]
    equal = sum(_folded(known.attributes[name]) == _folded(entry.attributes[name]) for name in names)
    return equal * 2 >= len(names)


def _folded(values: Values) -> set[str]:
    return {fold(text_of(value)) for value in values}
