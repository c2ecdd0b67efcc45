"""What a delta import tells of one object type, brought into the space.

What it tells loses to whatever is newer in the space, as with every reading. But it is told once: what was passed over
is read from the target singly, or else the old watermark stays and the next delta is told again.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace

import structlog

from ecmahost_core.ecma.csentry import (
    CSEntryChange,
    ImportPage,
    ObjectModificationType,
)
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.values import Anchor
from ecmahost_core.space.import_run import ImportRun
from ecmahost_core.space.objects import SpaceObject, TargetObject
from ecmahost_core.space.store import SpaceReplaced
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.importing.doubts import Doubts, Since, Unresolved
from ecmahost_core.sync.importing.pending import Pending, changed, key_of, same, still_missing
from ecmahost_core.sync.importing.single_reads import Fate
from ecmahost_core.sync.importing.unlinked import Unlinked
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.dn import dn_of
from ecmahost_core.sync.target_reads import readable
from ecmahost_core.sync.writing.changes import anchor_after, anchor_of

log = structlog.get_logger()

TOGETHER = 5_000
"""How many objects are put together before they are written: what one entry says and a later one takes back is then
never seen by a reader."""


@dataclass(slots=True)
class Delta:
    """What one type's delta came to.

    Attributes:
        watermark: the last that the connector gave; empty where it gave none.
        removals: by folded anchor, the key of each object that is gone from the target.
        unlinked: the links that are gone; none where the run does not put them off.
        unsettled: whether something was passed over and could not be read, so that it has to be told again.
    """

    watermark: str = ""
    removals: dict[str, int] = field(default_factory=dict)
    unlinked: Unlinked = field(default_factory=Unlinked)
    unsettled: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Which delta is asked for.

    Attributes:
        binding: of the type.
        step: the run step.
        watermark: which the last run kept.
        since: when that was: what is newer, the host has written since.
    """

    binding: TypeBinding
    step: RunStep
    watermark: str
    since: Since


def bring(endpoint: Endpoint, run: ImportRun, asked: Asked, page_read: Callable[[ImportPage], None]) -> Delta:
    """Brings in what has changed since a watermark, but for what is gone; returns what is left to do.

    ``page_read`` is called after every page. Raises Unresolved, WatermarkExpired and other ConnectorErrors,
    BrokenContract, SpaceReplaced and StoreUnavailable.
    """
    bringing = _Bringing(endpoint, run, asked)
    with closing(endpoint.connector.delta_import(asked.step, asked.watermark)) as pages:
        for page in pages:
            if endpoint.agreement.require().space != asked.binding.space_type.space:
                raise SpaceReplaced(f"the space of connector {endpoint.name} was reset meanwhile")
            for entry in page.entries:
                run.counts.seen += 1
                if entry.failure is None:
                    bringing.take(entry)
            bringing.delta.watermark = page.watermark or bringing.delta.watermark
            page_read(page)
    bringing.flush()
    bringing.settle()
    return bringing.delta


class _Bringing:
    """The entries of one delta, one after the other."""

    def __init__(self, endpoint: Endpoint, run: ImportRun, asked: Asked) -> None:
        self.delta = Delta()
        self._endpoint, self._binding, self._run, self._since = endpoint, asked.binding, run, asked.since
        self._store, self._type = endpoint.store, asked.binding.space_type
        self._doubts = Doubts(endpoint, run, asked.binding, asked.since)
        self._pending: dict[str, Pending] = {}

    def take(self, entry: CSEntryChange) -> None:
        """Takes one entry, which was looked at and has no failure."""
        if not entry.anchor:
            named = self._by_dn(entry)
            if named is None:
                return
            entry = named
        if entry.modification_type is ObjectModificationType.DELETE:
            self._gone(entry.anchor)
        elif entry.modification_type is ObjectModificationType.UPDATE:
            self._update(entry)
        else:
            self._whole(entry)
        if len(self._pending) >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Writes what was put together."""
        pending, self._pending = self._pending, {}
        for one in pending.values():
            self._come_back(one)
        objects = [self._ready(one) for one in pending.values() if one.whole or self._differs(one)]
        for lost in self._run.apply(self._type, objects):
            self._doubts.add(lost.anchor)

    def settle(self) -> None:
        """Asks the target for what was passed over, because the space has something newer that may not be all."""
        for anchor, fate in self._doubts.settled():
            self.delta.unlinked.forget(anchor)
            known = self._known(anchor) if fate is Fate.GONE else None
            if known is not None:
                self.delta.removals[key_of(anchor)] = known.key
            elif fate is Fate.TAKEN:
                self.delta.removals.pop(key_of(anchor), None)
            self._run.counts.failed += fate is Fate.UNREADABLE
            # What is in neither may have another name by now, of which the next delta tells.
            self.delta.unsettled |= fate is Fate.UNSETTLED or (fate is Fate.GONE and known is None)

    # One kind of entry each

    def _gone(self, anchor: Anchor) -> None:
        key = key_of(anchor)
        self._pending.pop(key, None)
        self.delta.unlinked.forget(anchor)
        self._doubts.known(anchor)
        known = self._known(anchor)
        if known is None:
            return
        if self._since.is_newer(known) and self._doubts.reads_singly:
            self._doubts.add(anchor)  # it may have been created again, by the host itself
        else:
            self.delta.removals[key] = known.key

    def _whole(self, entry: CSEntryChange) -> None:
        """An object as it is now; under another anchor, where its attributes say so."""
        attributes = dict(readable(self._binding, entry.attributes))
        anchor = entry.anchor
        if entry.modification_type is ObjectModificationType.REPLACE:
            anchor = anchor_of(self._binding, attributes) or anchor
        one = Pending(anchor, self._dn(entry, anchor, None), attributes)
        if key_of(anchor) == key_of(entry.anchor):
            self._put(one)
        else:
            self._move(entry.anchor, one)

    def _update(self, entry: CSEntryChange) -> None:
        anchor = anchor_after(self._binding, entry)
        before = self._base(entry.anchor)
        if before is None and key_of(anchor) != key_of(entry.anchor):
            before = self._base(anchor)  # the space knows of the rename already: the host itself has made it
            if before is not None and self._doubts.missed(entry.anchor):
                self._doubts.add(anchor)
        if before is None:
            found = self._doubts.read(anchor)
            if found is not None:
                self._put(Pending(found.anchor, found.dn, dict(found.attributes)))
            return
        after = changed(self._binding, before, entry, self._dn(entry, anchor, before))
        if key_of(before.anchor) == key_of(anchor):
            self._put(after)
        else:
            self._move(before.anchor, replace(after, anchor=anchor))

    def _move(self, before: Anchor, one: Pending) -> None:
        """Gives an object another anchor. All that was told before it is written first."""
        self.flush()
        old, new = self._known(before), self._known(one.anchor)
        if self._doubts.may_be_others(old, new, told_gone=key_of(one.anchor) in self.delta.removals):
            self._doubts.add(before)
            self._doubts.add(one.anchor)
            return
        self.delta.removals.pop(key_of(before), None)
        self.delta.removals.pop(key_of(one.anchor), None)
        self.delta.unlinked.rename(before, one.anchor)
        self._come_back(one)
        if self._run.move(self._type, before, self._ready(one)):
            return
        if self._known(before) is None:
            self._doubts.add(one.anchor)  # the host itself has made the rename
        else:
            self.delta.unsettled = True  # read by itself, it would be somebody else with another id

    # What there is so far

    def _by_dn(self, entry: CSEntryChange) -> CSEntryChange | None:
        """Returns an entry that names its object by DN with the anchor; None for the removal of what is not known."""
        self.flush()
        known = self._store.by_dn(self._type, entry.dn or "")
        if known is not None:
            return replace(entry, anchor=known.anchor)
        if entry.modification_type is ObjectModificationType.DELETE:
            return None
        if entry.modification_type is ObjectModificationType.REPLACE:
            anchor = anchor_of(self._binding, entry.attributes)
            if anchor:
                return replace(entry, anchor=anchor)
        raise Unresolved("a change was told of an object by a DN that is not known")

    def _base(self, anchor: Anchor) -> Pending | None:
        """Returns an object as far as it is known, to be changed; None where it is not."""
        pending = self._pending.get(key_of(anchor))
        if pending is not None:
            return pending
        known = self._known(anchor)
        if known is None:
            return None
        attributes = dict(readable(self._binding, known.attributes))
        return Pending(known.anchor, known.dn, attributes, known, whole=False)

    def _known(self, anchor: Anchor) -> SpaceObject | None:
        known = self._store.by_anchor(self._type, anchor)
        self._doubts.look_at(known)
        return known

    def _put(self, one: Pending) -> None:
        key = key_of(one.anchor)
        self.delta.removals.pop(key, None)
        self._doubts.known(one.anchor)
        self._pending[key] = one

    def _dn(self, entry: CSEntryChange, anchor: Anchor, before: Pending | None) -> str | None:
        told = entry.new_dn or entry.dn
        return told or dn_of(self._binding, anchor) or (before.dn if before is not None else None)

    def _differs(self, one: Pending) -> bool:
        """Whether changes of a known object are still to be written; those that are in doubt are not.

        The space may have had a newer write since the last import, of which the target's log tells too: the same is
        then there already. Where it is not, the log may be older than the write.
        """
        known = one.known
        if known is None:
            return True
        one.links = still_missing(self._store, self._type, one)
        before = TargetObject(known.anchor, known.dn, readable(self._binding, known.attributes))
        if not one.links and same(before, one.target()):
            self._run.counts.unchanged += 1
            return False
        if self._since.is_newer(known) and self._doubts.reads_singly:
            self._doubts.add(one.anchor)
            return False
        return True

    def _come_back(self, one: Pending) -> None:
        """Links that were put off, and were told of again, stay: the space has them all the time."""
        if one.links and one.known is not None:
            self.delta.unlinked.come_back(one.anchor, one.links)
            self._run.keep_links(self._type, one.known.key, one.links)

    def _ready(self, one: Pending) -> TargetObject:
        """Returns what is written of an object at once."""
        target = one.target()
        return self.delta.unlinked.put_off(target) if self._run.puts_off_links else target
