"""The protocol that every store of the connector space keeps. All methods may be called by any thread.

Every method is one short transaction. None of them calls a connector, and none is called with a transaction open.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from ecmahost_core.errors import EcmahostError
from ecmahost_core.space.fingerprint import Fingerprint, Standing
from ecmahost_core.space.history import ConnectorStatus, EventRecord, Figures, ImportRequest, Leaving, StoredEvent
from ecmahost_core.space.import_run import ImportRun
from ecmahost_core.space.journal import JournalEntry, LockKey, PasswordStage, WriteIntent
from ecmahost_core.space.objects import SpaceObject, SpaceType, TargetObject
from ecmahost_core.space.past import PastEntry
from ecmahost_core.space.readings import Readings


class KeysTaken(EcmahostError):
    """Another write owns one of the keys; wait (``wait_for_release``) and look again."""


class DuplicateValue(EcmahostError):
    """Another object has a value that must be unique.

    Attributes:
        key: which one.
        object_id: of the other object.
    """

    def __init__(self, key: LockKey, object_id: str) -> None:
        """Names the key's kind only: the value is the client's to know."""
        super().__init__(f"another object has this {key.kind}")
        self.key = key
        self.object_id = object_id


class ObjectChanged(EcmahostError):
    """The object was changed or removed since the caller read it; read again and compute the change anew."""


class ReadingOvertaken(EcmahostError):
    """Somebody was removed or renamed since the target was read: links that were read may name others; read again."""


class StoreUnavailable(EcmahostError):
    """The store cannot be read or written now: the disk is full, the file is locked or broken."""


class SpaceReplaced(StoreUnavailable):
    """The connector's space was reset since the caller began: begin again with the new one (``agree``)."""


class TooManyLeaving(EcmahostError):
    """So many were disabled and deleted within the last hour that nobody else may go (``WriteIntent.leaving``).

    Attributes:
        count: how many they are.
        retry_after: seconds until the next one may go; 1 to 3600.
    """

    def __init__(self, count: int, retry_after: int) -> None:
        """Keeps both."""
        super().__init__(f"{count} were disabled or deleted within the last hour")
        self.count = count
        self.retry_after = retry_after


class EntriesOpen(EcmahostError):
    """A space with open journal entries cannot be reset.

    Attributes:
        count: how many there are.
    """

    def __init__(self, count: int) -> None:
        """Keeps the count."""
        super().__init__(f"{count} journal entries are open")
        self.count = count


class ImportRunning(EcmahostError):
    """Another process imports this connector; ``str(error)`` says which."""


class Store(Readings, Protocol):
    """The connector space of one host."""

    epoch: str
    """Random, made with the store: ETags of a lost and rebuilt store never match the old ones."""
    incarnation: str
    """This process's name in the journal; empty for a store that was opened for reading only."""
    keeps_past: bool
    """Whether it is kept who changed what of whom, with values (``past``)."""

    def close(self) -> None:
        """Releases everything; the incarnation's open entries become orphans."""

    # Reading, beside ``Readings``

    def status(self, connector: str) -> ConnectorStatus:
        """Returns what the space knows about a connector."""

    def trouble(self) -> str:
        """Returns why nothing can be written, as far as this process knows; empty when all is well. Looks again."""

    def figures(self, connector: str) -> Figures:
        """Returns what is counted of a connector's space; from counters, however many objects there are."""

    # Writing

    def open_entry(self, intent: WriteIntent) -> JournalEntry:
        """Takes the keys and writes the journal, in one transaction.

        Raises KeysTaken, DuplicateValue, ObjectChanged or TooManyLeaving, having written nothing.
        """

    def complete(
        self,
        entry: JournalEntry,
        outcome: TargetObject | None,
        event: EventRecord,
        *,
        began_seq: int | None = None,
    ) -> SpaceObject | None:
        """Records what the target now holds, closes the entry, releases its keys and writes the event: one transaction.

        ``outcome`` is the object as the target holds it, None when it is not there (any more). An add takes over a row
        that an import made for the same anchor meanwhile. Returns the object, None when it is gone. A second
        call for the same entry changes nothing and returns what is there. Of an addition that was undone (its password
        is DUE), an import that has read the object meanwhile does not bring it back.

        ``began_seq`` is the change number that was the newest before ``outcome`` was read from the target, where it
        was: ReadingOvertaken, with nothing changed, when links in it may be older than what the space knows.
        """

    def advance(self, entry: JournalEntry, stage: PasswordStage, change: Mapping[str, Any]) -> JournalEntry:
        """Says how far an addition with a password of its own has come, and what the object is; returns the entry."""

    def abandon(self, entry: JournalEntry, event: EventRecord) -> None:
        """Closes an entry that certainly changed nothing in the target, with the event."""

    def mark_uncertain(self, entry: JournalEntry) -> None:
        """Says that the call ended with an unknown outcome."""

    def holder(self, space_type: SpaceType, key: LockKey) -> JournalEntry | None:
        """Returns the open entry that owns this key, or None."""

    def wait_for_release(self, space_type: SpaceType, keys: Sequence[LockKey], timeout: float) -> bool:
        """Waits until none of the keys is owned, at most ``timeout`` seconds; returns whether they are free."""

    def adopt(self, space_type: SpaceType, objects: Sequence[TargetObject], began_seq: int) -> int:
        """Takes over objects that were just read from the target, under the rules of an import that began then.

        Returns how many of them lost to something newer.
        """

    def relink(self, space_type: SpaceType, object_id: str) -> SpaceObject | None:
        """Makes an unlinked object live again (a match found it); returns it, None when it is gone."""

    def change_seq(self) -> int:
        """Returns the newest change number: noted before a read of the target."""

    def note_missing(self, space_type: SpaceType, object_id: str) -> int:
        """Counts an object that the target turned out not to have, once; returns the count since the last import.

        Of a connector that has never imported, ``prune`` forgets those of more than a day ago.
        """

    # The journal of the dead

    def entries(self, connector: str | None = None) -> list[JournalEntry]:
        """Returns all open entries, oldest first."""

    def is_alive(self, incarnation: str) -> bool:
        """Returns whether a process that owns entries still lives, by its OS lock, never by a clock."""

    def leads(self) -> bool:
        """Returns whether this process is the one, of all hosts at the store, that imports and recovers by itself.

        It indexes what clients match on, too.

        Asked every half second by worker processes. Another one leads within seconds of the leader's end.
        """

    def claim_orphans(self, connector: str) -> list[JournalEntry]:
        """Takes over and returns uncertain entries and those of dead processes.

        Those that were taken over before, by this store or another, and are not closed yet are returned again: the
        worker process tries until it succeeds, and a person settles by hand what it cannot.
        """

    # Configuration against space

    def agree(self, connector: str, fingerprint: Fingerprint) -> Standing:
        """Compares a fingerprint with what is noted of the connector's space.

        What is not noted yet (a new space, one that an older version made, a further object type) is noted first, in
        one transaction, so that of two processes that differ one is told so. A store for reading notes nothing.
        """

    def accept(self, connector: str, fingerprint: Fingerprint, event: EventRecord) -> None:
        """Notes another identity for the space as it is, because a person says that the objects are the same.

        Watermarks go: they were another target's.
        """

    def reset(self, connector: str, fingerprint: Fingerprint | None, event: EventRecord) -> None:
        """Gives the connector a new, empty space with this identity, in one transaction; its history goes on.

        Whoever still works with the old space (``SpaceType.space``) reads it as it was for ten minutes and writes
        nothing: SpaceReplaced. ``prune`` clears it away. Raises EntriesOpen, having changed nothing.
        """

    def prepare(self, space_type: SpaceType) -> None:
        """Completes the index by the type's attributes, however long that takes; every other method gives up sometime.

        Called by an import, at which nobody waits. Raises SpaceReplaced.
        """

    def note_matched(self, space_type: SpaceType, attribute: str) -> None:
        """Notes that clients match on an attribute that has no index (``Standing.matched``); 16 of a type at most.

        Raises SpaceReplaced.
        """

    def forget_matched(self, space_type: SpaceType, attribute: str, *, keep_index: bool = False) -> None:
        """Forgets such a note, and gives up the index of the attribute unless ``keep_index``; may take a minute."""

    def objects_held(self, connector: str) -> int:
        """Returns how many objects, live and unlinked, the connector's space holds; counts them."""

    def clear_retired(self, *, at_once: bool = False) -> None:
        """Removes what is left of spaces that were reset, a batch at a time; ``prune`` does so too.

        ``at_once``: also of those of the last ten minutes, because no process works with them.
        """

    # Who goes

    def leaving(self, connector: str) -> Leaving:
        """Returns how many were disabled and deleted within the last hour, as far as they are counted."""

    def release(self, connector: str, event: EventRecord) -> None:
        """Begins to count anew who is disabled and deleted, because a person lets as many go once more."""

    # The past of single objects

    def past(self, connector: str, person: str) -> list[PastEntry]:
        """Returns what is kept of the objects that have or had this id, anchor or indexed value, oldest first.

        Also of objects that are gone, and of additions that came to nothing.
        """

    def drift(self, connector: str, since: datetime | None = None) -> Iterator[PastEntry]:
        """Yields what readings of the target found changed by somebody else, oldest first."""

    # Imports and events

    def begin_import(self, connector: str, space: int = 0, actor: str = "worker") -> ImportRun:
        """Begins an import; raises ImportRunning when a living process is at it. ``actor`` is for its event.

        ``space`` is the number that ``agree`` gave: raises SpaceReplaced when it is not the connector's any more.
        """

    def request_import(self, connector: str, request: ImportRequest) -> None:
        """Asks whoever runs the connector's imports for one; of all that wait the strongest is made.

        ``ConnectorStatus.request`` reads everything where one of them does, and confirms what one of them confirms.
        """

    def settle_request(self, connector: str, request: ImportRequest) -> None:
        """Takes a request away whose import has ended, with those that it stood for; a newer one stays."""

    def record(self, connector: str, event: EventRecord) -> None:
        """Writes an event on its own."""

    def events(self, connector: str, limit: int) -> list[StoredEvent]:
        """Returns the newest events, newest first."""

    def events_after(self, connector: str, seq: int, limit: int) -> list[StoredEvent]:
        """Returns the first events behind a number, oldest first."""

    def prune(self, retention_days: int | None) -> None:
        """Removes what is old of events and of the past, tombstones that no running import needs, and reset spaces.

        None keeps all that goes by its age: the time of day may be wrong now.
        """
