"""Links that a delta tells to be gone, put off to its end: until then nobody knows how many they are.

What a later entry brings back is not removed. The store puts off by itself what is missing from whole sets of links.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ecmahost_core.ecma.values import Anchor
from ecmahost_core.space.import_run import MOST_LINKS, ImportRun
from ecmahost_core.space.objects import LinkChange, TargetObject
from ecmahost_core.space.store import Store
from ecmahost_core.sync.importing.pending import key_of
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.target_reads import readable
from ecmahost_core.text import fold


@dataclass(slots=True)
class _Owner:
    """One object's: by attribute the values by how they fold."""

    anchor: Anchor
    gone: dict[str, dict[str, str]] = field(default_factory=dict)


class Unlinked:
    """The links of one type that one delta has put off.

    Attributes:
        count: how many they are. Beyond ``MOST_LINKS`` the brake holds them all: it is not known any more which.
    """

    def __init__(self) -> None:
        """Has put nothing off."""
        self.count = 0
        self._owners: dict[str, _Owner] = {}

    def put_off(self, target: TargetObject) -> TargetObject:
        """Returns what may be written of an object at once, and remembers the rest."""
        key = key_of(target.anchor)
        owner = self._owners.get(key) or _Owner(target.anchor)
        for name in target.attributes.keys() & owner.gone.keys():  # a whole set: it says by itself what is gone
            self.count -= len(owner.gone.pop(name))
        now = {
            name: change if name in target.attributes else self._added(owner, name, change)
            for name, change in target.link_changes.items()
        }
        owner.gone = {name: gone for name, gone in owner.gone.items() if gone}
        self._owners[key] = owner
        if not owner.gone:
            del self._owners[key]
        if self.count > MOST_LINKS:
            self._owners.clear()
        return target._replace(link_changes={name: one for name, one in now.items() if one.added or one.removed})

    def come_back(self, anchor: Anchor, changes: Mapping[str, LinkChange]) -> None:
        """Says that links were told of again, which the space has all the time."""
        owner = self._owners.get(key_of(anchor))
        if owner is None:
            return
        for name, change in changes.items():
            gone = owner.gone.get(name, {})
            for value in change.added:
                self.count -= gone.pop(fold(value), None) is not None

    def rename(self, before: Anchor, after: Anchor) -> None:
        """Says that an object has another anchor now, and that whatever had that one is gone."""
        owner = self._owners.pop(key_of(before), None)
        self.forget(after)
        if owner is not None:
            self._owners[key_of(after)] = _Owner(after, owner.gone)

    def forget(self, anchor: Anchor) -> None:
        """Says that an object's links need not be looked at any more: it is gone, or was read by itself."""
        owner = self._owners.pop(key_of(anchor), None)
        if owner is not None:
            self.count -= sum(map(len, owner.gone.values()))

    def carry_out(self, store: Store, run: ImportRun, binding: TypeBinding) -> int:
        """Removes what was put off; returns of how many objects not, because something newer won."""
        kept = 0
        for owner in self._owners.values():
            known = store.by_anchor(binding.space_type, owner.anchor)
            if known is None:
                continue
            changes = {name: LinkChange(removed=tuple(gone.values())) for name, gone in owner.gone.items()}
            attributes = readable(binding, known.attributes)
            if run.apply(binding.space_type, [TargetObject(known.anchor, known.dn, attributes, changes)]):
                kept += 1
            else:
                run.counts.links_removed += sum(map(len, owner.gone.values()))
        return kept

    def _added(self, owner: _Owner, name: str, change: LinkChange) -> LinkChange:
        """Returns what a change adds, and puts off what it removes."""
        gone = owner.gone.setdefault(name, {})
        before = len(gone)
        gone.update((fold(value), value) for value in change.removed)
        for value in change.added:
            gone.pop(fold(value), None)
        self.count += len(gone) - before
        # A name that goes and comes in one is somebody else's now: nothing is lost by it.
        again = {*map(fold, change.added)}
        return LinkChange(change.added, tuple(value for value in change.removed if fold(value) in again))
