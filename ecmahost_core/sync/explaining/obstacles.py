"""What stands against a write that is only explained: other people's values, other writes, the target's own objects."""

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.values import Anchor, anchor_text
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.journal import ANCHOR, DN, LockKey
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.explaining.explanation import Explanation
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.writing.duplicates import duplicate, found_in_target, looked_for


def refuse_taken(
    endpoint: Endpoint,
    binding: TypeBinding,
    unique: tuple[LockKey, ...],
    anchor: Anchor,
    object_id: str,
    told: Explanation,
) -> None:
    """Refuses, as the journal would, a value that somebody else in the space has."""
    store, space_type = endpoint.store, binding.space_type
    for key in unique:
        if key.kind == ANCHOR:
            one = store.by_anchor(space_type, anchor)
            others = [] if one is None else [one]
        elif key.kind == DN:
            continue  # generated from the anchor, or the target's to refuse
        else:
            others = store.find(space_type, key.kind, key.value)
        taken = next((other for other in others if other.id != object_id), None)
        if taken is not None:
            told.refuse(duplicate(binding, key.kind))
            told.notes.append(f"The value is that of {taken.id}, whose anchor is {anchor_text(taken.anchor)}.")


def note_holders(endpoint: Endpoint, binding: TypeBinding, keys: tuple[LockKey, ...], told: Explanation) -> None:
    """Notes the writes under way that own one of these keys: the request itself would wait for them."""
    found = (endpoint.store.holder(binding.space_type, key) for key in keys)
    for number in sorted({entry.number for entry in found if entry is not None}):
        told.notes.append(
            f"Another write that has not ended (journal entry {number}) is about the same object or value; the request "
            "would wait for it, and what it leaves behind may change what is told here."
        )


def look_into_target(
    endpoint: Endpoint, binding: TypeBinding, change: CSEntryChange, told: Explanation, call: Call, *, certainly: bool
) -> None:
    """Looks for unique values in the target itself, as a creation does."""
    for kind, values in looked_for(endpoint, binding, change, certainly=certainly):
        what = ", ".join(binding.target.anchor) if kind == ANCHOR else kind
        try:
            found = found_in_target(endpoint, binding, kind, values, call)
        except ScimError as error:
            told.refuse(error)
            told.notes.append(f"Whether somebody in the target has this {what} could not be looked up: {error.detail}")
            return
        if found:
            told.refuse(duplicate(binding, kind))
            told.notes.append(f"The target itself has somebody with this {what}; the next import brings them.")
