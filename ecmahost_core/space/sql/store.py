"""The store: one object over the parts of this package, each of which has one noun."""

from collections.abc import Callable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Self

from ecmahost_core.space.fingerprint import Fingerprint, Standing
from ecmahost_core.space.history import ConnectorStatus, EventRecord, Figures, ImportRequest, Leaving, StoredEvent
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.space.past import DAYS, PastEntry
from ecmahost_core.space.sql import (
    aging,
    departures,
    events,
    figures,
    leaving,
    matched,
    orphans,
    past,
    requests,
    retired,
    spaces,
    status,
)
from ecmahost_core.space.sql.database import Database, Incarnation, Processes
from ecmahost_core.space.sql.imports import SqlImportRun
from ecmahost_core.space.sql.runs import Runs
from ecmahost_core.space.sql.types import Types, connector_id
from ecmahost_core.space.sql.writings import Writings
from ecmahost_core.space.store import StoreUnavailable


class SqlStore(Writings):
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
        self._history_days = history_days
        self._database = database
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
        types = Types(database)
        super().__init__(database, types, processes, self._incarnation, keeps_past=history_days > 0)
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
        return leaving.standing(self._database, connector)

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

    def begin_import(self, connector: str, space: int = 0, actor: str = "worker") -> SqlImportRun:
        """See ``Store.begin_import``."""
        return self._runs.begin(connector, self._require_incarnation(), space, actor, keeps_past=self.keeps_past)

    def request_import(self, connector: str, request: ImportRequest) -> None:
        """See ``Store.request_import``."""
        with self._database.write() as transaction:
            requests.note(transaction, connector_id(transaction, connector), request)

    def settle_request(self, connector: str, request: ImportRequest) -> None:
        """See ``Store.settle_request``."""
        with self._database.write() as transaction:
            requests.forget(transaction, connector_id(transaction, connector), request)

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
