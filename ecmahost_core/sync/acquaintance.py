"""Whether a target holds the people whom a space knows: a few are looked for, so that nobody confirms blindly."""

import random
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from ecmahost_core.connectors.connector import Connector
from ecmahost_core.ecma.run_profiles import ObjectQuery, RunStep
from ecmahost_core.ecma.values import Anchor, anchor_text
from ecmahost_core.space.store import Store
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.text import fold

LOOKED_FOR = 20
"""How many objects of a space are looked for in a target that can be asked for single ones."""
LOOKED_AT = 1000
"""How many objects of a target that cannot are looked up in the space."""


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What a comparison of a few objects came to.

    Attributes:
        compared: how many were; 0 where the space or the target is empty, or the connector cannot read.
        found: how many of them the other side has, by the anchor.
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
    if connector.capabilities.full_object_import:
        known = _some_of(store, binding)
        return Acquaintance(len(known), sum(_is_there(connector, binding, anchor) for anchor in known))
    if not connector.capabilities.full_import or not store.count(binding.space_type):
        return Acquaintance(0, 0)
    step = RunStep((binding.target,), min(LOOKED_AT, connector.capabilities.page_size_maximum))
    with closing(connector.full_import(step)) as pages:
        anchors = (entry.anchor for page in pages for entry in page.entries if entry.anchor)
        there = list(islice(anchors, LOOKED_AT))
    return Acquaintance(len(there), sum(store.by_anchor(binding.space_type, anchor) is not None for anchor in there))


def _some_of(store: Store, binding: TypeBinding) -> Sequence[Anchor]:
    """The anchors of a few live objects from anywhere in the list."""
    live = store.count(binding.space_type)
    places = random.sample(range(live), min(live, LOOKED_FOR))  # chooses whom to look for, protects nothing
    return [one.anchor for place in sorted(places) for one in store.page(binding.space_type, place, 1)]


def _is_there(connector: Connector, binding: TypeBinding, anchor: Anchor) -> bool:
    if len(anchor) != len(binding.target.anchor):
        return False
    attributes = tuple((name, (value,)) for name, value in zip(binding.target.anchor, anchor, strict=True))
    found = connector.read(binding.export_step, ObjectQuery(binding.target.name, attributes))
    return any(entry.anchor and fold(anchor_text(entry.anchor)) == fold(anchor_text(anchor)) for entry in found)
