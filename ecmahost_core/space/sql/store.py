"""The store: one object over the parts of this package, each of which has one noun."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from ecmahost_core.space.fingerprint import Fingerprint, Standing
from ecmahost_core.space.history import ConnectorStatus, EventRecord, Figures, ImportRequest, Leaving, StoredEvent
from ecmahost_core.space.journal import (
    JournalEntry,
    LockKey,
    Operation,
    PasswordStage,
    WriteIntent,
)
from ecmahost_core.space.objects import (
    ObjectState,
    SpaceObject,
    SpaceType,
    TargetObject,
)
from ecmahost_core.space.past import DAYS, PastEntry
from ecmahost_core.space.sql import (
    aging,
    arbitration,
    changes,
    completion,
    departures,
    events,
    figures,
    journal,
    leaving,
    matched,
    noting,
    opening,
    orphans,
    past,
    retired,
    spaces,
    status,
)
from ecmahost_core.space.sql.database import Database, Incarnation, Processes
from ecmahost_core.space.sql.imports import SqlImportRun
from ecmahost_core.space.sql.links import portions
from ecmahost_core.space.sql.readings import Readings
from ecmahost_core.space.sql.rows import encode, stored_row
from ecmahost_core.space.sql.runs import Runs
from ecmahost_core.space.sql.settling import settle
from ecmahost_core.space.sql.type_row import type_row
from ecmahost_core.space.sql.types import Types, connector_id
from ecmahost_core.space.sql.waiting import Releases
from ecmahost_core.space.store import StoreUnavailable


class SqlStore(Readings):
    """The connector space in a database; keeps the contract of ``space.store.Store``. Also a context manager."""

    def __init__(
        self,
        database: Database,
        processes: Processes,
        begin: Callable[[Database], Incarnation] | None,
        *,
        history_days: int = DAYS,
    ) -> None:
        """Takes over a database that is open, and closes it, also when this raises StoreUnavailable.

        Args:
            database: of this version.
            processes: the others.
            begin: begins this process's incarnation; None for a store that is opened for reading.
            history_days: for how long it is kept who changed what of whom; 0 for not at all.
        """
        self.keeps_past = history_days > 0
        self._history_days = history_days
        self._database = database
        self._processes = processes
        self._incarnation: Incarnation | None = None
        try:
            if begin is not None:
                self._incarnation = self._begin(begin)
            with database.read() as connection:
                self.epoch: str = connection.execute("SELECT epoch FROM store").fetchall()[0][0]
        except BaseException:
            self.close()
            raise
        self.incarnation = self._incarnation.id if self._incarnation else ""
        types = self._types = Types(database)
        super().__init__(database, types)
        self._releases = Releases(database)
        self._runs = Runs(database, types, processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """See ``Store.close``."""
        living, self._incarnation = self._incarnation, None
        if living is not None:
            owns_nothing = False
            try:
                owns_nothing = orphans.forget(self._database, living.id)
            except StoreUnavailable:
                pass  # the lock is given up all the same, and the worker clears the row away
            finally:
                living.close(remove=owns_nothing)
        self._database.close()

    # Reading, beside what ``Readings`` answers

    def status(self, connector: str) -> ConnectorStatus:
        """See ``Store.status``."""
        return status.read_status(self._database, self._processes, connector)

    def figures(self, connector: str) -> Figures:
        """See ``Store.figures``."""
        return figures.figures(self._database, connector)

    def change_seq(self) -> int:
        """See ``Store.change_seq``."""
        with self._database.read() as connection:
            seq: int = connection.execute("SELECT change_seq FROM store").fetchall()[0][0]
        return seq

    def trouble(self) -> str:
        """See ``Store.trouble``. Nothing is known of a server: every use says for itself."""
        return ""

    # Writing

    def open_entry(self, intent: WriteIntent) -> JournalEntry:
        """See ``Store.open_entry``."""
        incarnation = self._require_incarnation()
        incarnation.renew()
        type_id = self._types.require(intent.space_type)
        return self._open_entry(type_id, intent, incarnation.id)

    def complete(self, entry: JournalEntry, outcome: TargetObject | None, event: EventRecord) -> SpaceObject | None:
        """See ``Store.complete``."""
        if entry.operation is Operation.ADD:
            # A link that is left of somebody else with this name would be taken for one of the new object.
            departures.finish(self._database)
        found = completion.complete(self._database, entry, outcome, event, keeps_past=self.keeps_past)
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

    # Configuration against space

    def agree(self, connector: str, fingerprint: Fingerprint) -> Standing:
        """See ``Store.agree``."""
        return spaces.agree(self._database, connector, fingerprint)

    def accept(self, connector: str, fingerprint: Fingerprint, event: EventRecord) -> None:
        """See ``Store.accept``."""
        spaces.accept(self._database, connector, fingerprint, event)

    def reset(self, connector: str, fingerprint: Fingerprint | None, event: EventRecord) -> None:
        """See ``Store.reset``."""
        spaces.reset(self._database, connector, fingerprint, event)

    def prepare(self, space_type: SpaceType) -> None:
        """See ``Store.prepare``."""
        self._types.require(space_type, patience=float("inf"))

    def note_matched(self, space_type: SpaceType, attribute: str) -> None:
        """See ``Store.note_matched``."""
        matched.note(self._database, self._types.require(space_type), attribute)

    def forget_matched(self, space_type: SpaceType, attribute: str, *, keep_index: bool = False) -> None:
        """See ``Store.forget_matched``."""
        # An index that was going must be whole again before its note goes.
        type_id = self._types.require(space_type, patience=float("inf") if keep_index else None)
        matched.forget(self._database, type_id, attribute, keep_index=keep_index)

    def objects_held(self, connector: str) -> int:
        """See ``Store.objects_held``."""
        return spaces.objects_held(self._database, connector)

    def clear_retired(self, *, at_once: bool = False) -> None:
        """See ``Store.clear_retired``."""
        retired.clear(self._database, at_once=at_once)

    # Who goes

    def leaving(self, connector: str) -> Leaving:
        """See ``Store.leaving``."""
        return leaving.standing(self._database, connector, time.time_ns() // 1000)

    def release(self, connector: str, event: EventRecord) -> None:
        """See ``Store.release``."""
        leaving.release(self._database, connector, event)

    # The past of single objects

    def past(self, connector: str, person: str) -> list[PastEntry]:
        """See ``Store.past``."""
        return past.of_object(self._database, connector, person)

    def drift(self, connector: str, since: datetime | None = None) -> Iterator[PastEntry]:
        """See ``Store.drift``."""
        return past.found(self._database, connector, since)

    # Imports and events

    def begin_import(self, connector: str, space: int = 0) -> SqlImportRun:
        """See ``Store.begin_import``."""
        return self._runs.begin(connector, self._require_incarnation(), space, keeps_past=self.keeps_past)

    def request_import(self, connector: str, request: ImportRequest) -> None:
        """See ``Store.request_import``."""
        with self._database.write() as transaction:
            status.note_request(transaction, connector_id(transaction, connector), request)

    def settle_request(self, connector: str, request: ImportRequest) -> None:
        """See ``Store.settle_request``."""
        with self._database.write() as transaction:
            status.forget_request(transaction, connector_id(transaction, connector), request)

    def record(self, connector: str, event: EventRecord) -> None:
        """See ``Store.record``."""
        events.record(self._database, connector, event)

    def events(self, connector: str, limit: int) -> list[StoredEvent]:
        """See ``Store.events``."""
        return events.newest(self._database, connector, limit)

    def events_after(self, connector: str, seq: int, limit: int) -> list[StoredEvent]:
        """See ``Store.events_after``."""
        return events.following(self._database, connector, seq, limit)

    def prune(self, retention_days: int | None) -> None:
        """See ``Store.prune``."""
        incarnation = self._require_incarnation()
        if retention_days is not None:
            aging.remove_old(self._database, "event", retention_days)
            leaving.forget_old(self._database)
        if retention_days is not None or not self.keeps_past:
            past.remove_old(self._database, self._history_days)
        self._runs.prune(incarnation.id)
        departures.finish(self._database)
        retired.clear(self._database, at_once=False)
        orphans.sweep(self._database, self._processes)

    def _open_entry(self, type_id: int, intent: WriteIntent, incarnation: str) -> JournalEntry:
        with self._database.write() as transaction:
            return opening.open_entry(transaction, type_id, intent, incarnation)

    def _begin(self, begin: Callable[[Database], Incarnation]) -> Incarnation:
        incarnation = begin(self._database)
        try:
            with self._database.write() as transaction:
                transaction.connection.execute(
                    "INSERT INTO incarnation VALUES (?, ?, ?)", (incarnation.id, incarnation.process, transaction.now)
                )
        except BaseException:
            incarnation.close(remove=True)
            raise
        return incarnation

    def _require_incarnation(self) -> Incarnation:
        if self._incarnation is None:
            raise StoreUnavailable("the connector space is closed, or was opened for reading only")
        return self._incarnation
