"""What flows between the host and a connector: CSEntryChange and its parts (ECMA2 names throughout)."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ecmahost_core.ecma.results import ImportFailure
from ecmahost_core.ecma.values import Anchor, Attributes, Value, Values, value_from_json, value_to_json


class ObjectModificationType(StrEnum):
    """What happens to an object (ECMA2: ObjectModificationType)."""

    ADD = "Add"
    REPLACE = "Replace"
    UPDATE = "Update"
    DELETE = "Delete"


class AttributeModificationType(StrEnum):
    """What happens to one attribute of an Update (ECMA2: AttributeModificationType)."""

    ADD = "Add"
    REPLACE = "Replace"
    UPDATE = "Update"
    DELETE = "Delete"


WATERMARK_BYTES = 65_536
"""How long a watermark is at most."""


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """The change of one attribute within an Update (ECMA2: AttributeChange with its ValueChanges).

    Attributes:
        name: the target attribute.
        modification_type: ADD (it had no value), REPLACE (all values are replaced), UPDATE (some values are added,
            some removed) or DELETE (it has no value afterwards).
        added: values to add; the whole new value for ADD and REPLACE, empty for DELETE.
        removed: values to take away; only used by UPDATE.
    """

    name: str
    modification_type: AttributeModificationType
    added: Values = ()
    removed: Values = ()


@dataclass(frozen=True, slots=True)
class CSEntryChange:
    """One object's change, imported from or exported to the target (ECMA2: CSEntryChange).

    Attributes:
        object_type: the target's object type.
        modification_type: ADD and REPLACE carry the whole object in ``attributes``; UPDATE carries
            ``attribute_changes``; DELETE carries neither.
        anchor: identifies the object; on an export empty only for an ADD whose anchor the target makes itself, in a
            delta import only for an UPDATE, a REPLACE or a DELETE that names the object by ``dn``. Where the anchor
            itself changes, the one before; the one after follows from the change of its attributes.
        dn: the object's DN where the target has one, or the generated one; None where there is none. Where it changes,
            the one before.
        attributes: the values of an ADD or REPLACE, anchor attributes included where their values are known.
        attribute_changes: the changes of an UPDATE, each attribute at most once.
        new_dn: the DN after a rename (ECMA2: AttributeChange for the DN); None when it stays.
        identifier: unique within a batch; a result refers to it.
        failure: import only: why this object could not be read; the other fields hold what is known about it.
    """

    object_type: str
    modification_type: ObjectModificationType
    anchor: Anchor = ()
    dn: str | None = None
    attributes: Attributes = field(default_factory=dict)
    attribute_changes: tuple[AttributeChange, ...] = ()
    new_dn: str | None = None
    identifier: str = ""
    failure: ImportFailure | None = None


def new_identifier() -> str:
    """Returns a fresh identifier for a CSEntryChange: 32 hexadecimal characters."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class ImportPage:
    """A part of an import (ECMA2: GetImportEntriesResults).

    Attributes:
        entries: at most a page of changes; may be empty.
        watermark: from where the next delta import goes on; empty where this page says nothing of it. Opaque, no
            secret, at most ``WATERMARK_BYTES`` of UTF-8. The host keeps the last one of a run, and only when the run
            completes.
    """

    entries: tuple[CSEntryChange, ...]
    watermark: str = ""


def change_to_json(change: CSEntryChange) -> dict[str, Any]:
    """Returns the lossless JSON form of a change, for the journal and for connectors in other processes."""
    data: dict[str, Any] = {
        "object_type": change.object_type,
        "modification_type": change.modification_type.value,
        "anchor": [value_to_json(value) for value in change.anchor],
        "identifier": change.identifier,
        "attributes": {name: [value_to_json(value) for value in values] for name, values in change.attributes.items()},
        "attribute_changes": [
            {
                "name": part.name,
                "modification_type": part.modification_type.value,
                "added": [value_to_json(value) for value in part.added],
                "removed": [value_to_json(value) for value in part.removed],
            }
            for part in change.attribute_changes
        ],
    }
    if change.dn is not None:
        data["dn"] = change.dn
    if change.new_dn is not None:
        data["new_dn"] = change.new_dn
    if change.failure is not None:
        data["failure"] = change.failure.to_json()
    return data


def change_from_json(data: Mapping[str, Any]) -> CSEntryChange:
    """Returns the change whose JSON form is ``data``: the inverse of :func:`change_to_json`."""
    return CSEntryChange(
        object_type=data["object_type"],
        modification_type=ObjectModificationType(data["modification_type"]),
        anchor=_values(data["anchor"]),
        dn=data.get("dn"),
        attributes={name: _values(values) for name, values in data["attributes"].items()},
        attribute_changes=tuple(
            AttributeChange(
                part["name"],
                AttributeModificationType(part["modification_type"]),
                _values(part["added"]),
                _values(part["removed"]),
            )
            for part in data["attribute_changes"]
        ),
        new_dn=data.get("new_dn"),
        identifier=data["identifier"],
        failure=ImportFailure.from_json(data["failure"]) if "failure" in data else None,
    )


def _values(data: list[Any]) -> tuple[Value, ...]:
    return tuple(value_from_json(value) for value in data)
