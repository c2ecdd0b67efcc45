"""The writing half of the store: journaled writes, objects that were read singly, and what the dead leave behind."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import JournalEntry, LockKey, Operation, PasswordStage, WriteIntent
from ecmahost_core.space.objects import ObjectState, SpaceObject, SpaceType, TargetObject
from ecmahost_core.space.sql import (
    arbitration,
    changes,
    completion,
    departures,
    journal,
    noting,
    opening,
    orphans,
    status,
)
from ecmahost_core.space.sql.database import Database, Incarnation, Processes
from ecmahost_core.space.sql.links import portions
from ecmahost_core.space.sql.readings import Readings
from ecmahost_core.space.sql.rows import encode, stored_row
from ecmahost_core.space.sql.settling import settle
from ecmahost_core.space.sql.type_row import type_row
from ecmahost_core.space.sql.types import Types
from ecmahost_core.space.sql.waiting import Releases
from ecmahost_core.space.store import StoreUnavailable


class Writings(Readings):
    """Keeps the writing half of the contract of ``space.store.Store``."""

    def __init__(
        self,
        database: Database,
        types: Types,
        processes: Processes,
        incarnation: Incarnation | None,
        *,
        keeps_past: bool,
    ) -> None:
        """Writes to this database as this process; None where it was opened for reading."""
        super().__init__(database, types)
        self.keeps_past = keeps_past
        self._database = database
        self._types = types
        self._processes = processes
        self._incarnation = incarnation
        self._releases = Releases(database)

    def open_entry(self, intent: WriteIntent) -> JournalEntry:
        """See ``Store.open_entry``."""
        incarnation = self._require_incarnation()
        incarnation.renew()
        type_id = self._types.require(intent.space_type)
        return self._open_entry(type_id, intent, incarnation.id)

    def complete(
        self,
        entry: JournalEntry,
        outcome: TargetObject | None,
        event: EventRecord,
        *,
        began_seq: int | None = None,
    ) -> SpaceObject | None:
        """See ``Store.complete``."""
        if entry.operation is Operation.ADD:
            # A link that is left of somebody else with this name would be taken for one of the new object.
            departures.finish(self._database)
        keeps_past = self.keeps_past
        found = completion.complete(self._database, entry, outcome, event, keeps_past=keeps_past, began_seq=began_seq)
        self._releases.announce()
        with suppress(StoreUnavailable):  # the entry is closed, and the rest is for ``prune`` as well
            departures.finish(self._database)
        return found

    def abandon(self, entry: JournalEntry, event: EventRecord) -> None:
        """See ``Store.abandon``."""
        completion.abandon(self._database, entry, event, keeps_past=self.keeps_past)
        self._releases.announce()

    def advance(self, entry: JournalEntry, stage: PasswordStage, change: Mapping[str, Any]) -> JournalEntry:
        """See ``Store.advance``."""
        return journal.advance(self._database, entry, stage, change)

    def mark_uncertain(self, entry: JournalEntry) -> None:
        """See ``Store.mark_uncertain``."""
        journal.mark_uncertain(self._database, entry)

    def holder(self, space_type: SpaceType, key: LockKey) -> JournalEntry | None:
        """See ``Store.holder``."""
        type_id = self._types.find(space_type)
        return None if type_id is None else journal.entry_of_key(self._database, type_id, key)

    def wait_for_release(self, space_type: SpaceType, keys: Sequence[LockKey], timeout: float) -> bool:
        """See ``Store.wait_for_release``."""
        type_id = self._types.find(space_type)
        return type_id is None or self._releases.wait(type_id, [key.text() for key in keys], timeout)

    def adopt(self, space_type: SpaceType, objects: Sequence[TargetObject], began_seq: int) -> int:
        """See ``Store.adopt``. Raises ValueError or TypeError for an object that cannot be stored."""
        type_id = self._types.require(space_type)
        notes = noting.Noting(space_type, "read") if self.keeps_past else None
        reading = arbitration.Reading(space_type, began_seq, noting=notes)
        lost = 0
        for portion in portions(objects, space_type.links):
            encoded = [encode(target, space_type.export_only, space_type.links) for target in portion]
            with self._database.write() as transaction:
                applied = arbitration.apply(transaction, type_id, reading, encoded)
            reading.seen.add_all(applied.seen)
            reading.own.update(applied.own)
            lost += applied.passed_over
            for owing in applied.owing:
                settle(self._database, type_id, owing, notes)
        return lost

    def relink(self, space_type: SpaceType, object_id: str) -> SpaceObject | None:
        """See ``Store.relink``."""
        type_id = self._types.require(space_type)
        with self._database.write() as transaction:
            found = stored_row(transaction.connection, type_id, "id", object_id)
            if found is not None and found.state == ObjectState.UNLINKED:
                row = type_row(transaction.connection, type_id)
                changes.set_state(transaction, row, found, ObjectState.LIVE)
        return self.get(space_type, object_id)

    def note_missing(self, space_type: SpaceType, object_id: str) -> int:
        """See ``Store.note_missing``. The same object counts once."""
        type_id = self._types.require(space_type)
        with self._database.write() as transaction:
            return status.note_missing(transaction, type_id, object_id)

    # The journal of the dead

    def entries(self, connector: str | None = None) -> list[JournalEntry]:
        """See ``Store.entries``."""
        with self._database.read() as connection:
            return journal.all_entries(connection, connector)

    def is_alive(self, incarnation: str) -> bool:
        """See ``Store.is_alive``."""
        return self._processes.is_alive(incarnation)

    def leads(self) -> bool:
        """See ``Store.leads``."""
        return self._require_incarnation().leads()

    def claim_orphans(self, connector: str) -> list[JournalEntry]:
        """See ``Store.claim_orphans``."""
        incarnation = self._require_incarnation()
        incarnation.renew()
        claimed = orphans.claim(self._database, self._processes, incarnation.id, connector)
        orphans.sweep(self._database, self._processes)
        return claimed

    def _open_entry(self, type_id: int, intent: WriteIntent, incarnation: str) -> JournalEntry:
        with self._database.write() as transaction:
            return opening.open_entry(transaction, type_id, intent, incarnation)

    def _require_incarnation(self) -> Incarnation:
        if self._incarnation is None:
            raise StoreUnavailable("the connector space is closed, or was opened for reading only")
        return self._incarnation
