"""What the connector space holds, as values."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from hashlib import sha1
from typing import Any

from ecmahost_core.ecma.values import Anchor, Attributes, anchor_text
from ecmahost_core.text import fold

ANCHOR = "<anchor>"
DN = "<dn>"
ID = "<id>"
"""What keys are named by that are no attribute's values. In brackets, as ECMA2 writes ``<dn>``: a target may well have
attributes that are called ``id``, ``dn`` and ``anchor``."""


class ObjectState(IntEnum):
    """Whether an object exists for SCIM clients."""

    LIVE = 0
    UNLINKED = 1
    """Deleted through SCIM while the target keeps it (delete flow "none"): 404 by id, not listed, found by a match."""
    GONE = 2
    """A tombstone: it keeps an import that began earlier from bringing a deleted object back."""


def _all_of(kept: Mapping[str, Any], attributes: Attributes) -> Mapping[str, Any]:  # noqa: ARG001 - as others need it
    return kept


@dataclass(frozen=True, slots=True)
class SpaceType:
    """One object type of one connector, as the space keeps it.

    Attributes:
        connector: the connector's name.
        resource_type: ``User``.
        instance: the connector's instance UUID, which ids of immutable anchors derive from.
        anchor_immutable: whether ids derive from the anchor (UUIDv5) or are random.
        indexed: target attributes whose folded values are indexed; the query attributes.
        references: target attributes whose values are references, kept as rows of their own.
        retained: says what remains of what the host keeps beside an object whose attributes are now these in the
            target; the store asks when a reading changes an object. Must not raise.
        export_only: target attributes that no reading of the target tells of: what was written last stays.
        space: the number of the connector's space (``Standing.space``), so that nothing that was begun before a reset
            touches the space after it; 0 for whichever there is when the type is first used.
    """

    connector: str
    resource_type: str
    instance: str
    anchor_immutable: bool = False
    indexed: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    retained: Callable[[Mapping[str, Any], Attributes], Mapping[str, Any]] = field(
        default=_all_of, compare=False, repr=False
    )
    export_only: tuple[str, ...] = ()
    space: int = 0

    def derived_id(self, anchor: Anchor) -> str | None:
        """Returns the SCIM id that follows from an immutable anchor, None where ids are random.

        UUIDv5 over instance, resource type and the anchor's text, so that a rebuilt space gives the same ids.
        """
        derived = self.derived_ids((anchor,))
        return None if derived is None else derived[0]

    def derived_ids(self, anchors: Iterable[Anchor]) -> list[str] | None:
        """Returns what ``derived_id`` does for each anchor; an import derives one for every object that is new."""
        if not self.anchor_immutable:
            return None
        start = uuid.UUID(self.instance).bytes + f"{self.resource_type}:".encode()
        return [_uuid5(start + anchor_text(anchor).encode()) for anchor in anchors]


def _uuid5(name: bytes) -> str:
    """Returns the UUID of version 5 (RFC 9562 section 5.5) of a namespace and a name, as the module uuid would."""
    number = bytearray(sha1(name, usedforsecurity=False).digest())
    number[6] = number[6] & 0x0F | 0x50
    number[8] = number[8] & 0x3F | 0x80
    digits = number.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


@dataclass(frozen=True, slots=True)
class SpaceObject:
    """One object of the space (a CSEntry).

    Attributes:
        key: ascending in the order of listing; never reused.
        id: the SCIM id; opaque and URL-safe.
        state: see ObjectState.
        anchor: as the target spells it.
        dn: None where objects have none.
        attributes: the selected attributes as the target holds them.
        kept: what the host itself keeps beside the object, as JSON: ``active`` where the target has no place for it,
            ``sent`` where the target's values would be shown in another form than they were sent in. Not part of what
            an import compares.
        change_seq: number of the last change, from the store's one monotonic counter.
        created, modified: in UTC.
    """

    key: int
    id: str
    state: ObjectState
    anchor: Anchor
    dn: str | None
    attributes: Attributes
    kept: Mapping[str, Any]
    change_seq: int
    created: datetime
    modified: datetime


@dataclass(frozen=True, slots=True)
class LockKey:
    """A name that a write must own: an id, an anchor, a DN, or a value of a query attribute.

    Attributes:
        kind: ``ID``, ``ANCHOR``, ``DN`` or the name of a query attribute.
        value: the text; folded when the key is stored, except for an id.
    """

    kind: str
    value: str

    def text(self) -> str:
        """Returns the text under which the key is stored; distinct for distinct kinds, whatever the values."""
        return lock_text(self.kind, self.value if self.kind == ID else fold(self.value))


def lock_text(kind: str, folded: str) -> str:
    """Returns the text under which a key is stored, from a value that is folded already (an id is never folded)."""
    kind = kind if kind in (ID, ANCHOR, DN) else f"attribute:{kind}"
    return f"{kind}={folded}"


class Operation(StrEnum):
    """What a journal entry is about to do to the target."""

    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"


class PasswordStage(IntEnum):
    """What a journal entry says of the password that belongs to its change. The password itself is in no entry."""

    NONE = 0
    """There is none, or it goes with the addition, as one."""
    SENT = 1
    """The password of an object that was there before is set. Nobody can read back whether it was."""
    FOLLOWS = 2
    """The object is added now, which the target did not have before, and its password is set in a second call."""
    DUE = 3
    """The object was added, and ``change`` is it as the target holds it. Whether its password was set is not known."""

    @property
    def undone(self) -> bool:
        """Whether the object is removed again unless its password is known to be set."""
        return self in (PasswordStage.FOLLOWS, PasswordStage.DUE)


@dataclass(frozen=True, slots=True)
class WriteIntent:
    """What is written to the journal before anything is sent to the target.

    Attributes:
        space_type: whose object.
        operation: what will be sent.
        change: the JSON form of the CSEntryChange that will be sent; never a secret.
        keys: every key that the write must own, old and new: all or none are taken.
        unique: of these keys, those that no other object (live or unlinked) may already have; anchor and DN among them
            for an add or a rename.
        object_id: the id of the object to change; None for an add.
        kept: what the host will keep beside the object once the target has confirmed; recovery needs it.
        expected_seq: for a change of an existing object: its ``change_seq`` when the change was computed; the store
            refuses with ObjectChanged when the object has moved on. None for an add.
        unlink: for a delete: True when the object stays in the target (it becomes UNLINKED instead of GONE).
        request_id: for the event.
        password: what will be done about one.
    """

    space_type: SpaceType
    operation: Operation
    change: Mapping[str, Any]
    keys: tuple[LockKey, ...]
    unique: tuple[LockKey, ...] = ()
    object_id: str | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    expected_seq: int | None = None
    unlink: bool = False
    request_id: str = ""
    password: PasswordStage = PasswordStage.NONE


class EntryState(StrEnum):
    """How far the host knows what became of a journal entry."""

    OPEN = "open"
    """Its process is at it, or died at it."""
    UNCERTAIN = "uncertain"
    """The call ended and its outcome is unknown, or its process died and another has taken it over: to be read back by
    whoever recovers first."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An open journal entry.

    Attributes:
        number: ascending.
        connector, resource_type: whose object.
        operation, change, keys, object_id, kept, unlink, request_id, password: as in the WriteIntent, or as ``advance``
            has left them; the keys as stored texts.
        reserved_id: the id that an add will get unless the space already has the object.
        state: see EntryState.
        incarnation: the process that owns it.
        opened: in UTC.
    """

    number: int
    connector: str
    resource_type: str
    operation: Operation
    change: Mapping[str, Any]
    keys: tuple[str, ...]
    object_id: str | None
    reserved_id: str
    kept: Mapping[str, Any]
    unlink: bool
    request_id: str
    state: EntryState
    incarnation: str
    opened: datetime
    password: PasswordStage = PasswordStage.NONE


@dataclass(frozen=True, slots=True)
class TargetObject:
    """An object as the target holds it, for the space to take over.

    Attributes:
        anchor: never empty.
        dn: None where objects have none.
        attributes: all selected attributes.
    """

    anchor: Anchor
    dn: str | None
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One line of the connector's history, without values.

    Attributes:
        kind: ``create``, ``update``, ``delete``, ``import``, ``recover``, ...
        outcome: ``ok``, or ``refused``, ``failed``, ``unknown``, ``held``, ``not_applied``.
        object_id: may be empty.
        request_id: may be empty.
        actor: ``scim``, ``worker`` or ``cli``.
        error: the name of the error; empty when there was none.
        milliseconds: how long it took.
        detail: counts and the like, as JSON; never values of attributes.
    """

    kind: str
    outcome: str
    object_id: str = ""
    request_id: str = ""
    actor: str = "scim"
    error: str = ""
    milliseconds: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with what the store adds."""

    seq: int
    time: datetime
    connector: str
    record: EventRecord


@dataclass(slots=True)
class ImportCounts:
    """What an import did to the space; a running total."""

    seen: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    passed_over: int = 0
    """Not applied because the object was changed, deleted or locked by a write that is newer than what was read."""
    failed: int = 0
    """Objects that the connector could not read, or whose anchor or DN another object of the same import has."""


@dataclass(frozen=True, slots=True)
class HeldRemovals:
    """An alarm: an import wanted to remove more than the brake allows.

    Attributes:
        count: objects that were not in the target any more.
        live: objects that the space held.
        since: when the alarm was raised first.
    """

    count: int
    live: int
    since: datetime


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """What the space knows about a connector as a whole.

    Attributes:
        first_import_done: whether a first import has completed; until then what it read is invisible.
        last_import: when the last import completed, None for never.
        last_import_counts: of that import; empty for never.
        last_failure: what made the newest import fail, empty when the newest one completed.
        importing: whether an import is running in a living process.
        held: the brake's alarm, None when there is none.
        missing: how many objects writes and reads found missing in the target since the last import.
    """

    first_import_done: bool = False
    last_import: datetime | None = None
    last_import_counts: Mapping[str, int] = field(default_factory=dict)
    last_failure: str = ""
    importing: bool = False
    held: HeldRemovals | None = None
    missing: int = 0
