"""What the connector space tells of the past: events, imports, and how a connector stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

NOTHING_SENT = "NothingSent"
"""The error of an entry that was only a turn that was waited for, and was given up."""


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
        told: what the client was told of a failure. No part of the event: it is kept with the past of the object.
    """

    kind: str
    outcome: str
    object_id: str = ""
    request_id: str = ""
    actor: str = "scim"
    error: str = ""
    milliseconds: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)
    told: str = ""


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
    links_removed: int = 0
    """Links (memberships) that were not in the target any more; those of objects that went are not counted."""


@dataclass(frozen=True, slots=True)
class HeldRemovals:
    """An alarm: an import wanted to take away more than the brake allows.

    Attributes:
        count: objects that were not in the target any more; 0 where it is not they that are held.
        live: objects that the space held.
        since: when the alarm was raised first.
        links: links (memberships) that were not in the target any more; 0 where it is not they that are held.
        lost: object types and attributes (``User``, ``User.mail``) that the target's schema does not have any more.
    """

    count: int
    live: int
    since: datetime
    links: int = 0
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaving:
    """How many were disabled and deleted by clients within the last hour, or since a person has let more go.

    Attributes:
        count: how many, those included whose write is under way.
        oldest: when the first of them went; None where there is none.
    """

    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """An import that somebody has asked the host's worker process for.

    Attributes:
        id: tells it from every other.
        delta: whether a delta import is enough.
        confirm: remove what is missing even when the brake would hold it.
        since: when it was asked for.
    """

    id: str
    delta: bool
    confirm: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted of a connector's space.

    Attributes:
        live: how many live objects there are, by resource type.
        open_entries: how many journal entries are open.
    """

    live: Mapping[str, int] = field(default_factory=dict)
    open_entries: int = 0


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """What the space knows about a connector as a whole.

    Attributes:
        first_import_done: whether a first import has completed; until then what it read is invisible.
        last_import: when the last import completed, None for never.
        last_full: when the last one completed that read everything.
        last_import_counts: of that import; empty for never.
        last_failure: what made the newest import fail, empty when the newest one completed.
        importing: whether an import is running in a living process.
        importer: the process that it runs in, with its host where several share the space; 0 for none.
        held: the brake's alarm, None when there is none.
        missing: how many objects writes and reads found missing in the target since the last full import.
        watermarks: by resource type, from where the next delta import goes on; empty for those that have none.
        watermark_seq: the change number that was the newest when they were kept.
        watermark_began: the one that was before the import began that kept them: what the host has written since, that
            import may not have seen.
        request: an import that is still to be made because somebody asked for it; None for none.
    """

    first_import_done: bool = False
    last_import: datetime | None = None
    last_import_counts: Mapping[str, int] = field(default_factory=dict)
    last_failure: str = ""
    last_full: datetime | None = None
    importing: bool = False
    importer: int | str = 0
    held: HeldRemovals | None = None
    missing: int = 0
    watermarks: Mapping[str, str] = field(default_factory=dict)
    watermark_seq: int = 0
    watermark_began: int = 0
    request: ImportRequest | None = None
