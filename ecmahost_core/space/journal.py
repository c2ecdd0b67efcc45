"""The journal of the connector space, as values: what a write is about to do, and the names that it must own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import SpaceType

ANCHOR = "<anchor>"
DN = "<dn>"
ID = "<id>"
"""What keys are named by that are no attribute's values. In brackets, as ECMA2 writes ``<dn>``: a target may well have
attributes that are called ``id``, ``dn`` and ``anchor``."""


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
        return lock_text(self.kind, self.value if self.kind == ID else key_of(self.value))


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
        asked: what the client asked for, for the past of the object; never a secret. Empty: not kept.
        leaving: the write disables or deletes somebody, of whom only so many may go within an hour
            (``Store.leaving``); 0 where they are not counted.
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
    asked: Mapping[str, Any] = field(default_factory=dict)
    leaving: int = 0


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
