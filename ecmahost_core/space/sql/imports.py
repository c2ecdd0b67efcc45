"""An import: compares what the target holds with the space, writes what differs, and removes what was not met.

It holds no transaction while the target is read, reads the space in batches, and writes at most ``BATCH`` rows at a
time with a pause behind, so that the writers of other processes get their turn. A connector's first import, of which
everything is new, writes ``FIRST_BATCH`` at a time.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ecmahost_core.ecma.values import Anchor, anchor_text
from ecmahost_core.space.history import EventRecord, HeldRemovals, ImportCounts
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import LinkChange, SpaceType, TargetObject
from ecmahost_core.space.sql import deltas, departures, removals, status, unlinking
from ecmahost_core.space.sql.arbitration import Applied, Reading, SeenKeys, apply
from ecmahost_core.space.sql.database import Database, Transaction
from ecmahost_core.space.sql.digests import same
from ecmahost_core.space.sql.encoding import digests_of, encode_plain
from ecmahost_core.space.sql.events import write_event
from ecmahost_core.space.sql.known import Digests
from ecmahost_core.space.sql.links import portions
from ecmahost_core.space.sql.noting import Noting
from ecmahost_core.space.sql.put_off import Unlinking
from ecmahost_core.space.sql.rows import Encoded, encode
from ecmahost_core.space.sql.settling import settle
from ecmahost_core.space.sql.spaces import note_content
from ecmahost_core.space.sql.tombstones import purge
from ecmahost_core.space.sql.types import PAUSE, Types, require_space
from ecmahost_core.space.store import StoreUnavailable

LOST = 1000
"""How many objects that were passed over are remembered."""

FIRST_BATCH = 2000
"""How many new objects one transaction of a first import writes at most; some 50 milliseconds.

A page of an index that new objects fall into is written once for each transaction, however many fall into it. Derived
ids fall anywhere, so that a first import of half a million in batches of 500 takes a fifth longer.
"""


class SqlImportRun:
    """See ``space.import_run``. Made by ``runs.begin``; useless after ``complete`` or ``fail``."""

    def __init__(
        self,
        database: Database,
        types: Types,
        *,
        number: int,
        connector: int,
        began_seq: int,
        first: bool,
        keeps_past: bool,
    ) -> None:
        """Goes on with the row ``number`` that was written for it."""
        self.first = first
        self.counts = ImportCounts()
        self.number = number
        self._database = database
        self._types = types
        self._connector = connector
        self._began_seq = began_seq
        self._began = time.monotonic()
        self._seen = SeenKeys()
        self._digests = Digests()
        self._all_new = False
        self._held: list[TargetObject] = []
        self._held_type: SpaceType | None = None
        self._own: dict[int, int] = {}
        self._buried: dict[str, int] = {}
        self._anew: dict[str, int] = {}
        self._lost: dict[str, list[Anchor]] = {}
        self._ended = False
        self.puts_off_links = False
        self._keeps_past = keeps_past and not first
        self._notings: dict[str, Noting | None] = {}
        self._unlinkings: dict[str, Unlinking] = {}

    def passed_over(self, space_type: SpaceType) -> Sequence[Anchor]:
        """See ``ImportRun.passed_over``."""
        return self._lost.get(space_type.resource_type, ())

    def read_anew(self, space_type: SpaceType) -> None:
        """See ``ImportRun.read_anew``."""
        with self._database.read() as connection:
            ((seq,),) = connection.execute("SELECT change_seq FROM store").fetchall()
        self._anew[space_type.resource_type] = seq

    def compare(self, space_type: SpaceType, objects: Sequence[TargetObject]) -> None:
        """See ``ImportRun.compare``."""
        self._require_running()
        type_id = self._types.require(space_type)
        self.counts.seen += len(objects)
        if self._held_type != space_type:
            self._compare_held()
            self._held_type = space_type
        self._held += objects
        # In a first import everything is new, which the writing finds out by itself.
        if not (self.first and self._all_new) or space_type.links:
            self._compare_held()
            return
        whole = len(self._held) - len(self._held) % FIRST_BATCH
        ready, self._held = self._held[:whole], self._held[whole:]
        for start in range(0, whole, FIRST_BATCH):
            self._compare(type_id, space_type, ready[start : start + FIRST_BATCH])

    def _compare_held(self) -> None:
        """Compares what a first import has not seen to yet."""
        held, self._held = self._held, []
        if self._held_type is not None:
            type_id = self._types.require(self._held_type)
            for part in portions(held, self._held_type.links):
                self._compare(type_id, self._held_type, part)

    def _compare(self, type_id: int, space_type: SpaceType, part: Sequence[TargetObject]) -> None:
        """Compares one transaction's worth of objects."""
        different = self._encoded(
            type_id, space_type, part if self._all_new else self._unlike(type_id, space_type, part)
        )
        if not self._all_new:
            different = self._different(type_id, space_type, different)
        added = self._write(type_id, self._reading(space_type), different) if different else 0
        self._all_new = 0 < added == len(part)

    def missing(self, space_type: SpaceType) -> tuple[int, int]:
        """See ``ImportRun.missing``."""
        self._require_running()
        self._compare_held()
        type_id = self._types.require(space_type)
        return removals.count(self._database, type_id, self._reading(space_type))

    def remove_missing(self, space_type: SpaceType) -> None:
        """See ``ImportRun.remove_missing``. Unlinked objects that the target has no more go with the live ones."""
        self._require_running()
        self._compare_held()
        type_id = self._types.require(space_type)
        for removed, passed_over in removals.remove(
            self._database, type_id, self._reading(space_type), self._require_row
        ):
            self.counts.removed += removed
            self.counts.passed_over += passed_over
            time.sleep(PAUSE)

    def apply(self, space_type: SpaceType, objects: Sequence[TargetObject]) -> Sequence[TargetObject]:
        """See ``ImportRun.apply``."""
        self._require_running()
        type_id = self._types.require(space_type)
        lost: list[TargetObject] = []
        for part in deltas.parts(objects, space_type.links):
            reading = replace(self._reading(space_type), seen=SeenKeys())
            different = self._encoded(type_id, space_type, part)
            alike = self._alike(type_id, space_type, {new.anchor_key: new for new in different})
            unchanged = set(alike.values())
            self.counts.unchanged += len(unchanged)
            different = [new for new in different if new.anchor_key not in unchanged]
            if different:
                with self._database.write() as transaction:
                    self._require_row(transaction)
                    applied = deltas.apply(transaction, type_id, reading, different)
                self._note(type_id, reading, applied)
                lost += [new.source for new in applied.lost]
        return lost

    def adopt(self, space_type: SpaceType, objects: Sequence[TargetObject], began_seq: int) -> int:
        """See ``ImportRun.adopt``. Raises ValueError or TypeError for an object that cannot be stored."""
        self._require_running()
        type_id = self._types.require(space_type)
        reading = replace(self._reading(space_type), began_seq=began_seq, seen=SeenKeys(), own={})
        lost = 0
        for part in portions(objects, space_type.links):
            encoded = [encode(target, space_type.export_only, space_type.links) for target in part]
            with self._database.write() as transaction:
                self._require_row(transaction)
                applied = apply(transaction, type_id, reading, encoded)
            lost += applied.passed_over
            for owing in applied.owing:
                settle(self._database, type_id, owing, reading.noting, reading.unlinking)
        return lost

    def move(self, space_type: SpaceType, before: Anchor, target: TargetObject) -> bool:
        """See ``ImportRun.move``. Raises ValueError or TypeError for an object that cannot be stored."""
        self._require_running()
        type_id = self._types.require(space_type)
        new = encode(target, space_type.export_only, space_type.links)
        reading = self._reading(space_type)
        with self._database.write() as transaction:
            self._require_row(transaction)
            applied = deltas.move(transaction, type_id, reading, key_of(anchor_text(before)), new)
        self._note(type_id, reading, applied)
        departures.finish(self._database)
        return not applied.passed_over

    def remove(self, space_type: SpaceType, keys: Sequence[int]) -> int:
        """See ``ImportRun.remove``."""
        self._require_running()
        type_id = self._types.require(space_type)
        kept = 0
        for removed, passed_over in removals.remove_keys(
            self._database, type_id, self._reading(space_type), keys, self._require_row
        ):
            self.counts.removed += removed
            kept += passed_over
            time.sleep(PAUSE)
        self.counts.passed_over += kept
        return kept

    def keep_links(self, space_type: SpaceType, key: int, changes: Mapping[str, LinkChange]) -> None:
        """See ``ImportRun.keep_links``."""
        put_off = self._unlinkings.get(space_type.resource_type)
        if put_off is not None:
            put_off.keep(key, changes)

    def missing_links(self, space_type: SpaceType, told: int = 0) -> tuple[int, int]:
        """See ``ImportRun.missing_links``."""
        self._require_running()
        self._compare_held()
        put_off = self._unlinkings.get(space_type.resource_type)
        missing = told + (put_off.count if put_off is not None else 0)
        return missing, unlinking.count_links(self._database, self._types.require(space_type)) if missing else 0

    def remove_links(self, space_type: SpaceType) -> int:
        """See ``ImportRun.remove_links``."""
        self._require_running()
        self._compare_held()
        put_off = self._unlinkings.pop(space_type.resource_type, None)
        if put_off is None:
            return 0
        removed, reading = 0, self._reading(space_type)
        type_id = self._types.require(space_type)
        for count in unlinking.carry_out(self._database, type_id, put_off, reading, self._require_row):
            removed += count
        self.counts.links_removed += removed
        return put_off.count - removed

    def complete(
        self,
        *,
        held: HeldRemovals | None,
        content: Mapping[str, str] | None = None,
        watermarks: Mapping[str, str] | None = None,
        delta: bool = False,
    ) -> None:
        """See ``ImportRun.complete``. Raises SpaceReplaced for a space that was reset meanwhile."""
        self._require_running()
        self._compare_held()
        with self._database.write() as transaction:
            self._require_row(transaction)
            require_space(transaction.connection, self._connector)
            if content is not None:
                note_content(transaction.connection, self._connector, content)
            if watermarks is not None:
                status.note_watermarks(transaction.connection, self._connector, watermarks)
            completed = status.delta_completed if delta else status.import_completed
            completed(transaction, self._connector, self.counts, held)
            transaction.connection.execute("DELETE FROM import WHERE number = ?", (self.number,))
            write_event(transaction, self._connector, self._event("held" if held else "ok", delta=delta))
        self._ended = True
        # Tombstones of this run's own time stay one run longer: a single object's reading may still be under way.
        purge(self._database, self._connector, newest=self._began_seq)

    def fail(self, reason: str) -> None:
        """See ``ImportRun.fail``; a run that has ended already, also by being taken over, stays as it is."""
        if self._ended:
            return
        with self._database.write() as transaction:
            if transaction.connection.execute("DELETE FROM import WHERE number = ?", (self.number,)).rowcount:
                status.import_failed(transaction.connection, self._connector, reason)
                write_event(transaction, self._connector, self._event("failed", error="ImportFailed"))
        self._ended = True

    def _encoded(self, type_id: int, space_type: SpaceType, objects: Sequence[TargetObject]) -> list[Encoded]:
        """Returns the objects as they are stored, without those that cannot be."""
        plain = encode_plain(space_type, objects)
        if plain is not None:
            return plain
        encoded = []
        for target in objects:
            try:
                encoded.append(encode(target, space_type.export_only, space_type.links))
            except (TypeError, ValueError):
                self._spoilt(type_id, target)
        return encoded

    def _unlike(self, type_id: int, space_type: SpaceType, objects: Sequence[TargetObject]) -> Sequence[TargetObject]:
        """Returns the objects without those that are plain and as the space has them, which are noted as seen."""
        digests = digests_of(space_type, objects)
        if not digests:
            return objects
        with self._database.read() as connection:
            rows = self._digests.of(connection, type_id, digests)
        alike = {key: anchor_key for key, anchor_key, digest in rows if digests.get(anchor_key) == digest}
        unchanged = self._seen.without(alike)
        self._seen.add_all(unchanged)
        self.counts.unchanged += len(unchanged)
        if len(unchanged) == len(objects):
            return ()
        passed = {alike[key] for key in unchanged}
        return [one for one, anchor_key in zip(objects, digests, strict=True) if anchor_key not in passed]

    def _different(self, type_id: int, space_type: SpaceType, objects: Sequence[Encoded]) -> list[Encoded]:
        """Returns what is not in the space as it was read; notes the rest as seen."""
        # Of two objects with the same anchor, the second is for the write to judge, after the first.
        first = {new.anchor_key: new for new in reversed(objects)}
        alike = self._alike(type_id, space_type, first)
        unchanged = self._seen.without(alike)
        self._seen.add_all(unchanged)
        self.counts.unchanged += len(unchanged)
        if len(unchanged) == len(objects):
            return []
        passed = {id(first[alike[key]]) for key in unchanged}
        return [new for new in objects if id(new) not in passed]

    def _alike(self, type_id: int, space_type: SpaceType, first: Mapping[str, Encoded]) -> dict[int, str]:
        """Returns those that are in the space as they were read: the key, to the folded anchor."""
        with self._database.read() as connection:
            rows = self._digests.of(connection, type_id, first)
        links = space_type.links
        return {
            key: anchor_key
            for key, anchor_key, digest in rows
            if (new := first.get(anchor_key)) is not None
            and not new.changes
            and (same(digest, links, new.digest, new.sums) if links else digest == new.digest)
        }

    def _spoilt(self, type_id: int, target: TargetObject) -> None:
        """Counts an object that cannot be stored. It is in the target, so what the space has of it is not missing."""
        self.counts.failed += 1
        try:
            anchor_key = key_of(anchor_text(target.anchor))
            with self._database.read() as connection:
                rows = connection.execute(
                    "SELECT key FROM object WHERE type = ? AND anchor_key = ?", (type_id, anchor_key)
                ).fetchall()
        except ValueError:
            return
        self._seen.add_all(key for (key,) in rows)

    def _write(self, type_id: int, reading: Reading, different: Sequence[Encoded]) -> int:
        """Writes what wins, in a transaction of its own; returns how many objects were added."""
        with self._database.write() as transaction:
            self._require_row(transaction)
            applied = apply(transaction, type_id, reading, different)
        self._seen.add_all(applied.seen)
        self._note(type_id, reading, applied)
        lost = self._lost.setdefault(reading.space_type.resource_type, [])
        lost += [new.source.anchor for new in applied.lost[: LOST - len(lost)]]
        return applied.added

    def _note(self, type_id: int, reading: Reading, applied: Applied) -> None:
        """Counts what became of a batch, gives way to others, and brings the links that were too many for it."""
        self._own.update(applied.own)
        counts = self.counts
        counts.added += applied.added
        counts.changed += applied.changed
        counts.unchanged += applied.unchanged
        counts.passed_over += applied.passed_over
        counts.failed += applied.failed
        time.sleep(PAUSE)
        for owing in applied.owing:
            settle(self._database, type_id, owing, reading.noting, reading.unlinking)

    def _reading(self, space_type: SpaceType) -> Reading:
        began = self._anew.get(space_type.resource_type, self._began_seq)
        name = space_type.resource_type
        if name not in self._notings:
            self._notings[name] = self._noting(space_type)
        return Reading(
            space_type,
            began,
            seen=self._seen,
            own=self._own,
            buried=self._buried,
            noting=self._notings[name],
            unlinking=self._unlinkings.setdefault(name, Unlinking()) if self.puts_off_links else None,
        )

    def _noting(self, space_type: SpaceType) -> Noting | None:
        """What notes others' changes: of a type that the space has nothing of yet, all of it would be one."""
        if not self._keeps_past:
            return None
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT 1 FROM object WHERE type = ? LIMIT 1", (self._types.require(space_type),)
            ).fetchall()
        return Noting(space_type, "import") if rows else None

    def _event(self, outcome: str, error: str = "", *, delta: bool = False) -> EventRecord:
        left_out = sum(one.left_out for one in self._notings.values() if one is not None)
        more = ({"delta": True} if delta else {}) | ({"changes_not_noted": left_out} if left_out else {})
        return EventRecord(
            kind="import",
            outcome=outcome,
            actor="worker",
            error=error,
            milliseconds=int((time.monotonic() - self._began) * 1000),
            detail={**status.counts_of(self.counts), **more},
        )

    def _require_row(self, transaction: Transaction) -> None:
        """Raises StoreUnavailable when another process took this one for dead, and imports itself."""
        if not transaction.connection.execute("SELECT 1 FROM import WHERE number = ?", (self.number,)).fetchall():
            raise StoreUnavailable(
                "another process has taken over this import: it was cut off from the store meanwhile"
            )

    def _require_running(self) -> None:
        if self._ended:
            raise RuntimeError("this import has ended: begin another one")
