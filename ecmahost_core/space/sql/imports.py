"""An import: what the target holds is compared with the space, or what a delta tells applied; what was not met goes.

How its pages are compared is in ``comparing``, what a delta tells in ``deltas``, and what they share in ``progress``.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ecmahost_core.ecma.values import Anchor, anchor_text
from ecmahost_core.space.history import EventRecord, HeldRemovals
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import LinkChange, SpaceType, TargetObject
from ecmahost_core.space.sql import deltas, departures, removals, status, unlinking
from ecmahost_core.space.sql.arbitration import SeenKeys, apply
from ecmahost_core.space.sql.comparing import Comparison
from ecmahost_core.space.sql.database import Database
from ecmahost_core.space.sql.events import write_event
from ecmahost_core.space.sql.links import portions
from ecmahost_core.space.sql.progress import Progress
from ecmahost_core.space.sql.rows import encode
from ecmahost_core.space.sql.settling import settle
from ecmahost_core.space.sql.spaces import note_content
from ecmahost_core.space.sql.tombstones import purge
from ecmahost_core.space.sql.types import PAUSE, Types, require_space


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
        actor: str,
    ) -> None:
        """Goes on with the row ``number`` that was written for it."""
        self._progress = Progress(
            database, types, number=number, began_seq=began_seq, first=first, keeps_past=keeps_past
        )
        self.first = first
        self.counts = self._progress.counts
        self.number = number
        self._comparison = Comparison(self._progress)
        self._database = database
        self._types = types
        self._connector = connector
        self._actor = actor
        self._began = time.monotonic()
        self._ended = False

    @property
    def puts_off_links(self) -> bool:
        """See ``ImportRun.puts_off_links``."""
        return self._progress.puts_off_links

    @puts_off_links.setter
    def puts_off_links(self, wanted: bool) -> None:
        self._progress.puts_off_links = wanted

    def passed_over(self, space_type: SpaceType) -> Sequence[Anchor]:
        """See ``ImportRun.passed_over``."""
        return self._progress.passed_over(space_type)

    def read_anew(self, space_type: SpaceType) -> None:
        """See ``ImportRun.read_anew``."""
        self._progress.read_anew(space_type)

    def compare(self, space_type: SpaceType, objects: Sequence[TargetObject]) -> None:
        """See ``ImportRun.compare``."""
        self._require_running()
        self._comparison.compare(space_type, objects)

    def missing(self, space_type: SpaceType) -> tuple[int, int]:
        """See ``ImportRun.missing``."""
        self._require_running()
        self._comparison.finish()
        type_id = self._types.require(space_type)
        return removals.count(self._database, type_id, self._progress.reading(space_type))

    def remove_missing(self, space_type: SpaceType) -> None:
        """See ``ImportRun.remove_missing``. Unlinked objects that the target has no more go with the live ones."""
        self._require_running()
        self._comparison.finish()
        type_id = self._types.require(space_type)
        for removed, passed_over in removals.remove(
            self._database, type_id, self._progress.reading(space_type), self._progress.require_row
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
            reading = replace(self._progress.reading(space_type), seen=SeenKeys())
            different = self._comparison.encoded(type_id, space_type, part)
            alike = self._comparison.alike(type_id, space_type, {new.anchor_key: new for new in different})
            unchanged = set(alike.values())
            self.counts.unchanged += len(unchanged)
            different = [new for new in different if new.anchor_key not in unchanged]
            if different:
                with self._database.write() as transaction:
                    self._progress.require_row(transaction)
                    applied = deltas.apply(transaction, type_id, reading, different)
                self._progress.note(type_id, reading, applied)
                lost += [new.source for new in applied.lost]
        return lost

    def adopt(self, space_type: SpaceType, objects: Sequence[TargetObject], began_seq: int) -> int:
        """See ``ImportRun.adopt``. Raises ValueError or TypeError for an object that cannot be stored."""
        self._require_running()
        type_id = self._types.require(space_type)
        reading = replace(self._progress.reading(space_type), began_seq=began_seq, seen=SeenKeys(), own={})
        lost = 0
        for part in portions(objects, space_type.links):
            encoded = [encode(target, space_type.export_only, space_type.links) for target in part]
            with self._database.write() as transaction:
                self._progress.require_row(transaction)
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
        reading = self._progress.reading(space_type)
        with self._database.write() as transaction:
            self._progress.require_row(transaction)
            applied = deltas.move(transaction, type_id, reading, key_of(anchor_text(before)), new)
        self._progress.note(type_id, reading, applied)
        departures.finish(self._database)
        return not applied.passed_over

    def remove(self, space_type: SpaceType, keys: Sequence[int]) -> int:
        """See ``ImportRun.remove``."""
        self._require_running()
        type_id = self._types.require(space_type)
        kept = 0
        for removed, passed_over in removals.remove_keys(
            self._database, type_id, self._progress.reading(space_type), keys, self._progress.require_row
        ):
            self.counts.removed += removed
            kept += passed_over
            time.sleep(PAUSE)
        self.counts.passed_over += kept
        return kept

    def keep_links(self, space_type: SpaceType, key: int, changes: Mapping[str, LinkChange]) -> None:
        """See ``ImportRun.keep_links``."""
        put_off = self._progress.unlinkings.get(space_type.resource_type)
        if put_off is not None:
            put_off.keep(key, changes)

    def missing_links(self, space_type: SpaceType, told: int = 0) -> tuple[int, int]:
        """See ``ImportRun.missing_links``."""
        self._require_running()
        self._comparison.finish()
        put_off = self._progress.unlinkings.get(space_type.resource_type)
        missing = told + (put_off.count if put_off is not None else 0)
        return missing, unlinking.count_links(self._database, self._types.require(space_type)) if missing else 0

    def remove_links(self, space_type: SpaceType) -> int:
        """See ``ImportRun.remove_links``."""
        self._require_running()
        self._comparison.finish()
        put_off = self._progress.unlinkings.pop(space_type.resource_type, None)
        if put_off is None:
            return 0
        removed, reading = 0, self._progress.reading(space_type)
        type_id = self._types.require(space_type)
        for count in unlinking.carry_out(self._database, type_id, put_off, reading, self._progress.require_row):
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
        self._comparison.finish()
        with self._database.write() as transaction:
            self._progress.require_row(transaction)
            require_space(transaction.connection, self._connector)
            if content is not None:
                note_content(transaction.connection, self._connector, content)
            if watermarks is not None:
                began_seq = self._progress.began_seq
                status.note_watermarks(transaction.connection, self._connector, watermarks, began_seq)
            completed = status.delta_completed if delta else status.import_completed
            completed(transaction, self._connector, self.counts, held)
            transaction.connection.execute("DELETE FROM import WHERE number = ?", (self.number,))
            write_event(transaction, self._connector, self._event("held" if held else "ok", delta=delta))
        self._ended = True
        # Tombstones of this run's own time stay one run longer: a single object's reading may still be under way.
        purge(self._database, self._connector, newest=self._progress.began_seq)

    def fail(self, reason: str) -> None:
        """See ``ImportRun.fail``; a run that has ended already, also by being taken over, stays as it is."""
        if self._ended:
            return
        with self._database.write() as transaction:
            if transaction.connection.execute("DELETE FROM import WHERE number = ?", (self.number,)).rowcount:
                status.import_failed(transaction.connection, self._connector, reason)
                write_event(transaction, self._connector, self._event("failed", error="ImportFailed"))
        self._ended = True

    def _event(self, outcome: str, error: str = "", *, delta: bool = False) -> EventRecord:
        not_noted = self._progress.not_noted
        more = ({"delta": True} if delta else {}) | ({"changes_not_noted": not_noted} if not_noted else {})
        return EventRecord(
            kind="import",
            outcome=outcome,
            actor=self._actor,
            error=error,
            milliseconds=int((time.monotonic() - self._began) * 1000),
            detail={**status.counts_of(self.counts), **more},
        )

    def _require_running(self) -> None:
        if self._ended:
            raise RuntimeError("this import has ended: begin another one")
