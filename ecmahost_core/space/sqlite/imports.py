"""An import: compares what the target holds with the space, writes what differs, and removes what was not met.

It holds no transaction while the target is read, reads the space in batches, and writes at most ``BATCH`` rows at a
time with a pause behind, so that the writers of other processes get their turn.
"""

import time
from collections.abc import Mapping, Sequence

from ecmahost_core.ecma.values import anchor_text
from ecmahost_core.space.history import EventRecord, HeldRemovals, ImportCounts
from ecmahost_core.space.objects import SpaceType, TargetObject
from ecmahost_core.space.sqlite import removals, status, unlinking
from ecmahost_core.space.sqlite.arbitration import Reading, SeenKeys, apply
from ecmahost_core.space.sqlite.connection import Database
from ecmahost_core.space.sqlite.digests import same
from ecmahost_core.space.sqlite.events import write_event
from ecmahost_core.space.sqlite.known import Digests
from ecmahost_core.space.sqlite.links import portions
from ecmahost_core.space.sqlite.past import Noting
from ecmahost_core.space.sqlite.rows import Encoded, encode
from ecmahost_core.space.sqlite.settling import settle
from ecmahost_core.space.sqlite.spaces import note_content
from ecmahost_core.space.sqlite.tombstones import purge
from ecmahost_core.space.sqlite.types import PAUSE, Types, require_space
from ecmahost_core.space.sqlite.unlinking import Unlinking
from ecmahost_core.text import fold


class SqliteImportRun:
    """See ``store.ImportRun``. Made by ``runs.begin``; useless after ``complete`` or ``fail``."""

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
        self._own: dict[int, int] = {}
        self._ended = False
        self.puts_off_links = False
        self._keeps_past = keeps_past and not first
        self._notings: dict[str, Noting | None] = {}
        self._unlinkings: dict[str, Unlinking] = {}

    def compare(self, space_type: SpaceType, objects: Sequence[TargetObject]) -> None:
        """See ``ImportRun.compare``."""
        self._require_running()
        type_id = self._types.require(space_type)
        reading = self._reading(space_type)
        for part in portions(objects, space_type.links):
            different = self._encoded(type_id, space_type, part)
            # In a first import everything is new, which the writing finds out by itself.
            if not self._all_new:
                different = self._different(type_id, space_type, different)
            if different:
                added = self._write(type_id, reading, different)
                self._all_new = added == len(part)
            else:
                self._all_new = False
            self.counts.seen += len(part)

    def missing(self, space_type: SpaceType) -> tuple[int, int]:
        """See ``ImportRun.missing``."""
        self._require_running()
        type_id = self._types.require(space_type)
        return removals.count(self._database, type_id, self._reading(space_type))

    def remove_missing(self, space_type: SpaceType) -> None:
        """See ``ImportRun.remove_missing``. Unlinked objects that the target has no more go with the live ones."""
        self._require_running()
        type_id = self._types.require(space_type)
        for removed, passed_over in removals.remove(self._database, type_id, self._reading(space_type)):
            self.counts.removed += removed
            self.counts.passed_over += passed_over
            time.sleep(PAUSE)

    def missing_links(self, space_type: SpaceType) -> tuple[int, int]:
        """See ``ImportRun.missing_links``."""
        self._require_running()
        missing = (
            self._unlinkings[space_type.resource_type].count if space_type.resource_type in self._unlinkings else 0
        )
        return missing, unlinking.count_links(self._database, self._types.require(space_type)) if missing else 0

    def remove_links(self, space_type: SpaceType) -> None:
        """See ``ImportRun.remove_links``."""
        self._require_running()
        put_off = self._unlinkings.pop(space_type.resource_type, None)
        if put_off is not None:
            noting = self._notings.get(space_type.resource_type)
            for count in put_off.carry_out(self._database, self._types.require(space_type), noting):
                self.counts.links_removed += count

    def complete(self, *, held: HeldRemovals | None, content: Mapping[str, str] | None = None) -> None:
        """See ``ImportRun.complete``. Raises SpaceReplaced for a space that was reset meanwhile."""
        self._require_running()
        with self._database.write() as transaction:
            require_space(transaction.connection, self._connector)
            if content is not None:
                note_content(transaction.connection, self._connector, content)
            status.import_completed(transaction, self._connector, self.counts, held)
            transaction.connection.execute("DELETE FROM import WHERE number = ?", (self.number,))
            write_event(transaction, self._connector, self._event("held" if held else "ok"))
        self._ended = True
        # Tombstones of this run's own time stay one run longer: a single object's reading may still be under way.
        purge(self._database, self._connector, newest=self._began_seq)

    def fail(self, reason: str) -> None:
        """See ``ImportRun.fail``; a run that has ended already stays as it is."""
        if self._ended:
            return
        with self._database.write() as transaction:
            status.import_failed(transaction.connection, self._connector, reason)
            transaction.connection.execute("DELETE FROM import WHERE number = ?", (self.number,))
            write_event(transaction, self._connector, self._event("failed", error="ImportFailed"))
        self._ended = True

    def _encoded(self, type_id: int, space_type: SpaceType, objects: Sequence[TargetObject]) -> list[Encoded]:
        """Returns the objects as they are stored, without those that cannot be."""
        encoded = []
        for target in objects:
            try:
                encoded.append(encode(target, space_type.export_only, space_type.links))
            except (TypeError, ValueError):
                self._spoilt(type_id, target)
        return encoded

    def _different(self, type_id: int, space_type: SpaceType, objects: Sequence[Encoded]) -> list[Encoded]:
        """Returns what is not in the space as it was read; notes the rest as seen."""
        # Of two objects with the same anchor, the second is for the write to judge, after the first.
        first = {new.anchor_key: new for new in reversed(objects)}
        with self._database.read() as connection:
            rows = self._digests.of(connection, type_id, first)
        links = space_type.links
        alike = {
            key: anchor_key
            for key, anchor_key, digest in rows
            if (new := first.get(anchor_key)) is not None
            and (same(digest, links, new.digest, new.sums) if links else digest == new.digest)
        }
        unchanged = self._seen.without(alike)
        self._seen.add_all(unchanged)
        self.counts.unchanged += len(unchanged)
        if len(unchanged) == len(objects):
            return []
        passed = {id(first[alike[key]]) for key in unchanged}
        return [new for new in objects if id(new) not in passed]

    def _spoilt(self, type_id: int, target: TargetObject) -> None:
        """Counts an object that cannot be stored. It is in the target, so what the space has of it is not missing."""
        self.counts.failed += 1
        try:
            anchor_key = fold(anchor_text(target.anchor))
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
            applied = apply(transaction, type_id, reading, different)
        self._seen.add_all(applied.seen)
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
        return applied.added

    def _reading(self, space_type: SpaceType) -> Reading:
        name = space_type.resource_type
        if name not in self._notings:
            self._notings[name] = self._noting(space_type)
        put_off = self._unlinkings.setdefault(name, Unlinking()) if self.puts_off_links else None
        return Reading(
            space_type,
            self._began_seq,
            seen=self._seen,
            own=self._own,
            noting=self._notings[name],
            unlinking=put_off,
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

    def _event(self, outcome: str, error: str = "") -> EventRecord:
        left_out = sum(one.left_out for one in self._notings.values() if one is not None)
        return EventRecord(
            kind="import",
            outcome=outcome,
            actor="worker",
            error=error,
            milliseconds=int((time.monotonic() - self._began) * 1000),
            detail={**status.counts_of(self.counts), **({"changes_not_noted": left_out} if left_out else {})},
        )

    def _require_running(self) -> None:
        if self._ended:
            raise RuntimeError("this import has ended: begin another one")
