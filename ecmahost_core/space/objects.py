"""The objects that the connector space holds, as values."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from hashlib import sha1
from types import MappingProxyType
from typing import Any, NamedTuple

from ecmahost_core.ecma.values import Anchor, Attributes, anchor_text


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
        references: target attributes with one value that is a reference; the value has a row of its own beside.
        links: target attributes with any number of references, a group's members: rows only, in no object's attributes.
        scopes: of some of both, the resource type whose objects they name, by anchor or DN. The others may name objects
            of any type of the connector, by DN or anchor.
        retained: says what remains of what the host keeps beside an object whose attributes are now these in the
            target; the store asks when a reading changes an object. Must not raise.
        export_only: target attributes that no reading of the target tells of: what was written last stays.
        matched: target attributes that are indexed because clients match on them. Nothing is unique by them, and their
            index may be given up at any time; ``Store.find`` is right all the same.
        space: the number of the connector's space (``Standing.space``), so that nothing that was begun before a reset
            touches the space after it; 0 for whichever there is when the type is first used.
        unkept: target attributes whose values the past keeps of nobody, beside those whose own name says so (``past``).
    """

    connector: str
    resource_type: str
    instance: str
    anchor_immutable: bool = False
    indexed: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    scopes: tuple[tuple[str, str], ...] = ()
    retained: Callable[[Mapping[str, Any], Attributes], Mapping[str, Any]] = field(
        default=_all_of, compare=False, repr=False
    )
    export_only: tuple[str, ...] = ()
    space: int = 0
    matched: tuple[str, ...] = ()
    unkept: tuple[str, ...] = ()

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
    digits = sha1(name, usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:32]}"


_VARIANTS = {f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)}
"""The digit that says whose layout a UUID has, for what the digest has in its place."""


@dataclass(frozen=True, slots=True)
class SpaceObject:
    """One object of the space (a CSEntry).

    Attributes:
        key: ascending in the order of listing; never reused.
        id: the SCIM id; opaque and URL-safe.
        state: see ObjectState.
        anchor: as the target spells it.
        dn: None where objects have none.
        attributes: the selected attributes as the target holds them, without links (``Store.links``).
        kept: what the host itself keeps beside the object, as JSON: ``active`` where the target has no place for it,
            ``sent`` where the target's values would be shown in another form than they were sent in. Not part of what
            an import compares.
        change_seq: number of the last change, from the store's one monotonic counter.
        created, modified: in UTC.
        written_seq: number of the last change that was a write of the host itself; 0 where only readings brought it.
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
    written_seq: int = 0


@dataclass(frozen=True, slots=True)
class ObjectName:
    """What names one live object: the parts of a ``SpaceObject`` by which others refer to it."""

    key: int
    id: str
    anchor: Anchor
    dn: str | None


@dataclass(frozen=True, slots=True)
class LinkChange:
    """What changes about a link attribute; the removed ones go first.

    Attributes:
        added, removed: values as the target spells them. One that is there already, or is not there, changes nothing.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """One reference of an object, as it was read.

    Attributes:
        attribute: whose value it is.
        value: as the target spells it.
        id: the SCIM id of the object that it names; None while the space has no such object, or only an unlinked one.
        resource_type: of that object; None where ``id`` is.
        renamed: whether that object has another name now, while no import has told whether the target has followed.
    """

    attribute: str
    value: str
    id: str | None
    resource_type: str | None
    renamed: bool = False


class TargetObject(NamedTuple):
    """An object as the target holds it, for the space to take over. A tuple, because an import makes so many.

    Attributes:
        anchor: never empty.
        dn: None where objects have none.
        attributes: all selected attributes. A link attribute among them is the whole set; one that is missing is
            unchanged but for ``link_changes``.
        link_changes: by link attribute, what was written; applied after a whole set.
    """

    anchor: Anchor
    dn: str | None
    attributes: Attributes
    link_changes: Mapping[str, LinkChange] = MappingProxyType({})
