"""What was read from the target against what the space has: who wins, object by object.

The one rule, for imports and for single objects that were read: a reading loses to everything that is newer than the
moment at which it began, that is to an object or tombstone with a higher change number, and to a write under way.
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import orjson

from ecmahost_core.space.objects import LinkChange, ObjectState, SpaceType
from ecmahost_core.space.sql import changes, derived, digests
from ecmahost_core.space.sql.database import Transaction
from ecmahost_core.space.sql.departures import Touched
from ecmahost_core.space.sql.ids import random_ids
from ecmahost_core.space.sql.known import none_between
from ecmahost_core.space.sql.links import Owing, Room
from ecmahost_core.space.sql.locks import held_keys, is_held
from ecmahost_core.space.sql.noting import Noting
from ecmahost_core.space.sql.put_off import Unlinking
from ecmahost_core.space.sql.rows import STORED_COLUMNS, Encoded, StoredRow, carried_over, select_in
from ecmahost_core.space.sql.type_row import SPACE_REPLACED, TypeRow, type_row
from ecmahost_core.space.store import SpaceReplaced

OWN = 100_000
"""Of how many objects a reading remembers that it has changed them itself: some 10 MB."""


class SeenKeys:
    """A set of object keys, one bit each: a million objects cost 125 kB."""

    def __init__(self) -> None:
        """Has seen nothing."""
        self._bits = bytearray()

    def add_all(self, keys: Iterable[int]) -> None:
        """Adds keys."""
        bits = self._bits
        for key in keys:
            place = key >> 3
            if place >= len(bits):
                bits.extend(bytes(place + 4096 - len(bits)))
            bits[place] |= 1 << (key & 7)

    def __contains__(self, key: int) -> bool:
        place = key >> 3
        return place < len(self._bits) and bool(self._bits[place] >> (key & 7) & 1)

    def without(self, keys: Iterable[int]) -> list[int]:
        """Returns those keys that were not seen, in their order."""
        bits, length = self._bits, len(self._bits) << 3
        return [key for key in keys if key >= length or not bits[key >> 3] >> (key & 7) & 1]


@dataclass(slots=True)
class Reading:
    """One reading of the target, as far as it has come.

    Attributes:
        space_type: of what is read.
        began_seq: the change number that was the newest before the reading began.
        seen: what it has met, of all batches; complete only for batches that were committed.
        own: change numbers that this reading itself gave to objects which it may still meet, or the names of. Of what
            it has changed only the first ``OWN``: of the others it cannot tell, and leaves that to the next.
        buried: those that it gave to tombstones, by folded anchor: a name that it has freed may be somebody's next.
        noting: notes what somebody else has changed; None where nothing is kept of the past.
        unlinking: holds back the links that are not in the target any more; None where they are removed at once.
    """

    space_type: SpaceType
    began_seq: int
    seen: SeenKeys = field(default_factory=SeenKeys)
    own: dict[int, int] = field(default_factory=dict)
    buried: dict[str, int] = field(default_factory=dict)
    noting: Noting | None = None
    unlinking: Unlinking | None = None

    def loses_to(self, old: StoredRow) -> bool:
        """Returns whether the space's object is newer than this reading."""
        return self._is_newer(old.key, old.change_seq)

    def note(self, touched: Touched) -> None:
        """Takes new change numbers for its own that objects got by its own removals, unless others made them newer.

        Otherwise a group that the target has no more would outlive the members that went with it.
        """
        self.own.update({key: now for key, (before, now) in touched.items() if not self._is_newer(key, before)})

    def _is_newer(self, key: int, change_seq: int) -> bool:
        return change_seq > self.began_seq and self.own.get(key) != change_seq


@dataclass(slots=True)
class Applied:
    """What became of a batch; ``seen`` are the keys that it met, ``own`` new numbers for ``Reading.own``.

    ``owing`` are objects whose links are to be written after the transaction (``settling``). ``lost`` are those that
    were passed over.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    passed_over: int = 0
    failed: int = 0
    seen: list[int] = field(default_factory=list)
    own: dict[int, int] = field(default_factory=dict)
    owing: list[Owing] = field(default_factory=list)
    lost: list[Encoded] = field(default_factory=list)


class _Verdict(Enum):
    STORE = auto()
    NEWER = auto()
    FAILED = auto()


def apply(transaction: Transaction, type_id: int, reading: Reading, batch: Sequence[Encoded]) -> Applied:
    """Writes what differs and wins; at most ``rows.BATCH`` objects, in the caller's transaction."""
    batch_state = _Batch(transaction, type_row(transaction.connection, type_id), reading, batch)
    if batch_state.is_new():
        batch_state.news = list(batch)
    else:
        for new in batch:
            batch_state.take(new)
    return batch_state.finish()


def kept_beside(reading: Reading, old: StoredRow, new: Encoded) -> Mapping[str, Any]:
    """Returns what the host keeps beside an object that is read as ``new``."""
    return reading.space_type.retained(orjson.loads(old.kept), new.source.attributes)


class _Batch:
    """One transaction's worth of a reading: what was looked up for it, and what has been decided so far."""

    def __init__(self, transaction: Transaction, row: TypeRow, reading: Reading, batch: Sequence[Encoded]) -> None:
        connection = transaction.connection
        self.transaction, self.row, self.reading = transaction, row, reading
        self.applied = Applied()
        self.held = held_keys(connection, row.id)
        select = f"SELECT {STORED_COLUMNS} FROM object WHERE type = ? AND"  # noqa: S608  # names, no values
        self.anchors = [new.anchor_key for new in batch]
        self.dns = [new.dn_key for new in batch if new.dn_key is not None]
        self.by_anchor: dict[str, StoredRow] = {}
        if not none_between(connection, row.id, "anchor_key", self.anchors):
            rows = select_in(connection, f"{select} anchor_key {{in}}", (row.id,), self.anchors)
            self.by_anchor = {old.anchor_key: old for old in map(StoredRow._make, rows)}
        self.by_dn: dict[str | None, StoredRow] = {}
        if not none_between(connection, row.id, "dn_key", self.dns):
            rows = select_in(connection, f"{select} dn_key {{in}}", (row.id,), self.dns)
            self.by_dn = {old.dn_key: old for old in map(StoredRow._make, rows)}
        self.buried: dict[str, int] = {}
        if connection.execute("SELECT 1 FROM tombstone WHERE type = ? LIMIT 1", (row.id,)).fetchall():
            select = "SELECT anchor_key, change_seq FROM tombstone WHERE type = ? AND anchor_key {in}"
            self.buried = dict(select_in(connection, select, (row.id,), self.anchors))
        ((self.purged_seq, retired),) = connection.execute(
            "SELECT purged_seq, retired FROM connector WHERE id = ?", (row.connector,)
        ).fetchall()
        if retired is not None:
            raise SpaceReplaced(SPACE_REPLACED)
        self.met: set[int] = set()
        self.taken_anchors: set[str] = set()
        self.taken_dns: set[str] = set()
        self.news: list[Encoded] = []
        self.others: list[tuple[StoredRow, Encoded, Mapping[str, LinkChange]]] = []
        own = ChainMap(self.applied.own, reading.own)
        self.room = Room(reading.began_seq, unlinking=reading.unlinking, own=own)

    def is_new(self) -> bool:
        """Returns whether nothing speaks against any of the objects, so that none need be decided about by itself."""
        return (
            not (self.by_anchor or self.by_dn or self.buried or self.held)
            and self.purged_seq <= self.reading.began_seq
            and len(set(self.anchors)) == len(self.anchors)
            and len(set(self.dns)) == len(self.dns)
        )

    def take(self, new: Encoded) -> None:
        """Decides about one object, and writes it unless it is new: those go in together at the end."""
        old = self.by_anchor.get(new.anchor_key)
        verdict = self._verdict(new, old)
        if old is not None:
            self.met.add(old.key)
        if verdict is _Verdict.FAILED:
            self.applied.failed += 1
            return
        self.taken_anchors.add(new.anchor_key)
        if verdict is _Verdict.NEWER:
            self.applied.passed_over += 1
            self.applied.lost.append(new)
            return
        if new.dn_key is not None:
            self._take_dn(new.dn_key, old)
        if old is None:
            self.news.append(new)
        else:
            self._update(new, old)

    def finish(self) -> Applied:
        """Stores the new objects; returns what became of the batch."""
        ids = self._ids()
        news = list(zip(self.news, ids, strict=True))
        keys = changes.insert(self.transaction, self.row, news, room=self.room)
        if self.reading.noting is not None:
            self.reading.noting.added(self.transaction, self.row, news)
            self.reading.noting.changed(self.transaction, self.row, self.others)
        self.applied.added = len(keys)
        self.applied.owing = self.room.owing
        self.applied.seen = [*self.met, *keys]
        return self.applied

    def _verdict(self, new: Encoded, old: StoredRow | None) -> _Verdict:
        if new.anchor_key in self.taken_anchors or (old is not None and old.key in self.reading.seen):
            return _Verdict.FAILED
        owner = self.by_dn.get(new.dn_key) if new.dn_key is not None else None
        # A DN that an object of this reading has is a broken target's; one of an object that was not met yet has moved.
        if new.dn_key in self.taken_dns or (owner is not None and self._was_met(owner)):
            return _Verdict.FAILED
        if self._is_newer(new, old) or (owner is not None and self._is_newer(None, owner)):
            return _Verdict.NEWER
        return _Verdict.STORE

    def _was_met(self, old: StoredRow) -> bool:
        return old.key in self.met or old.key in self.reading.seen

    def _is_newer(self, new: Encoded | None, old: StoredRow | None) -> bool:
        if old is not None and self.reading.loses_to(old) and self.applied.own.get(old.key) != old.change_seq:
            return True
        if new is not None and old is None:
            # A tombstone that was removed since the reading began could have been this object's.
            newest = self.buried.get(new.anchor_key, 0)
            if newest == self.reading.buried.get(new.anchor_key):
                newest = 0
            newest = max(newest, self.purged_seq)
            if newest > self.reading.began_seq:
                return True
        return is_held(self.held, self.row, new=new, old=old)

    def _take_dn(self, dn_key: str, old: StoredRow | None) -> None:
        self.taken_dns.add(dn_key)
        owner = self.by_dn.pop(dn_key, None)
        if owner is None or (old is not None and owner.key == old.key):
            return
        seq = changes.release_dn(self.transaction, owner)
        self.applied.own[owner.key] = seq
        self.by_anchor[owner.anchor_key] = owner._replace(
            dn_key=None, digest=digests.without(owner.digest), change_seq=seq
        )

    def _update(self, new: Encoded, old: StoredRow) -> None:
        if new.changes or not digests.same(old.digest, self.row.links, new.digest, new.sums):
            new = carried_over(new, old, self.row.export_only)
            kept = None if old.kept == "{}" else kept_beside(self.reading, old, new)
            state = ObjectState(old.state)
            new = derived.as_before(self.transaction, self.row, old, new, self.room)
            seq = changes.replace(self.transaction, self.row, old, new, state=state, kept=kept, room=self.room)
            if len(self.reading.own) < OWN:
                self.applied.own[old.key] = seq
            self.others.append((old, new, self.room.changed.pop(old.key, {})))
            if old.dn_key is not None and old.dn_key != new.dn_key:
                self.by_dn.pop(old.dn_key, None)
            self.applied.changed += 1
        else:
            self.applied.unchanged += 1

    def _ids(self) -> list[str]:
        """Returns an id for each new object: the derived one, or a random one where ids are random or it is taken."""
        derived = self.reading.space_type.derived_ids([new.source.anchor for new in self.news])
        if derived is None:
            return random_ids(len(self.news))
        found = select_in(
            self.transaction.connection, "SELECT id FROM object WHERE type = ? AND id {in}", (self.row.id,), derived
        )
        taken = {identifier for (identifier,) in found}
        if not taken:
            return derived
        return [random_ids(1)[0] if identifier in taken else identifier for identifier in derived]
