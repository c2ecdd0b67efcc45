"""Builds the CSEntryChanges and lock keys of a write from the attributes that differ."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ecmahost_core.ecma.capabilities import MAExportType
from ecmahost_core.ecma.csentry import (
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    ObjectModificationType,
    new_identifier,
)
from ecmahost_core.ecma.schema import AttributeOperation
from ecmahost_core.ecma.values import Anchor, Attributes, Values, anchor_text, text_of
from ecmahost_core.scim.errors import invalid_value, mutability
from ecmahost_core.space.journal import (
    ANCHOR,
    DN,
    ID,
    LockKey,
)
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.dn import dn_of
from ecmahost_core.text import fold


def addition(binding: TypeBinding, attributes: Attributes) -> CSEntryChange:
    """Returns the Add of a new object; raises ScimError 400 for what the target requires and was not sent."""
    for attribute in binding.target.attributes:
        by_others = attribute.generated or attribute.operation is AttributeOperation.IMPORT_ONLY
        if attribute.required and not by_others and not attributes.get(attribute.name):
            path = binding.mapping.path_of(attribute.name)
            raise invalid_value(f"{path} is missing: the target attribute {attribute.name!r} must have a value.")
    anchor = anchor_of(binding, attributes)
    return CSEntryChange(
        object_type=binding.target.name,
        modification_type=ObjectModificationType.ADD,
        anchor=anchor,
        dn=dn_of(binding, anchor),
        attributes=attributes,
        identifier=new_identifier(),
    )


def whole_object(binding: TypeBinding, anchor: Anchor, dn: str | None, attributes: Attributes) -> CSEntryChange:
    """Returns an object as a connector is shown one that it is not to change (type REPLACE)."""
    return CSEntryChange(
        object_type=binding.target.name,
        modification_type=ObjectModificationType.REPLACE,
        anchor=anchor,
        dn=dn,
        attributes=attributes,
        identifier=new_identifier(),
    )


def removal(binding: TypeBinding, anchor: Anchor, dn: str | None) -> CSEntryChange:
    """Returns the Delete of an object."""
    return CSEntryChange(
        object_type=binding.target.name,
        modification_type=ObjectModificationType.DELETE,
        anchor=anchor,
        dn=dn,
        identifier=new_identifier(),
    )


def update(
    binding: TypeBinding, export_type: MAExportType, before: SpaceObject, changed: Mapping[str, Values]
) -> CSEntryChange:
    """Returns the change of an existing object, in the form that the connector asks for.

    Raises ScimError 400 when it would take the anchor away, or change one that is declared immutable.
    """
    after = {**before.attributes, **changed}
    anchor = before.anchor
    if any(name in changed for name in binding.target.anchor):
        anchor = _new_anchor(binding, changed, after)
    new_dn = dn_of(binding, anchor) if anchor != before.anchor else None
    if export_type is MAExportType.OBJECT_REPLACE:
        return CSEntryChange(
            object_type=binding.target.name,
            modification_type=ObjectModificationType.REPLACE,
            anchor=before.anchor,
            dn=before.dn,
            attributes=after,
            new_dn=new_dn,
            identifier=new_identifier(),
        )
    return CSEntryChange(
        object_type=binding.target.name,
        modification_type=ObjectModificationType.UPDATE,
        anchor=before.anchor,
        dn=before.dn,
        attribute_changes=tuple(
            _attribute_change(export_type, name, before.attributes.get(name, ()), values)
            for name, values in changed.items()
        ),
        new_dn=new_dn,
        identifier=new_identifier(),
    )


def exportable(
    binding: TypeBinding, export_type: MAExportType, before: SpaceObject, planned: CSEntryChange
) -> CSEntryChange:
    """Returns a planned change of this object in the form that the connector asks for.

    Whatever the plan says, it concerns this object and no other. Raises ScimError 400 as ``update`` does.
    """
    if planned.modification_type is not ObjectModificationType.UPDATE:
        return replace(planned, anchor=before.anchor, dn=before.dn)
    built = update(binding, export_type, before, changed_by(planned, before.attributes))
    return replace(built, new_dn=planned.new_dn or built.new_dn, identifier=planned.identifier)


def applied(change: CSEntryChange, attributes: Attributes) -> Attributes:
    """Returns attributes after a change that the target took as it stands."""
    if change.modification_type is not ObjectModificationType.UPDATE:
        return change.attributes
    after: dict[str, Values] = dict(attributes)
    for part in change.attribute_changes:
        updates = part.modification_type is AttributeModificationType.UPDATE
        removed = frozenset(part.removed)
        kept = dict.fromkeys(value for value in after.get(part.name, ()) if value not in removed) if updates else {}
        after[part.name] = (*kept, *(value for value in part.added if value not in kept))
    return after


def changed_by(change: CSEntryChange, attributes: Attributes) -> dict[str, Values]:
    """Returns the attributes that a change of an object touches, with their values afterwards; none for a Delete."""
    if change.modification_type is ObjectModificationType.DELETE:
        return {}
    after = applied(change, attributes)
    if change.modification_type is ObjectModificationType.UPDATE:
        return {part.name: after[part.name] for part in change.attribute_changes}
    names = dict.fromkeys((*attributes, *after))
    return {name: after.get(name, ()) for name in names if after.get(name, ()) != attributes.get(name, ())}


def anchor_after(binding: TypeBinding, change: CSEntryChange) -> Anchor:
    """Returns the anchor that an object has after a change, as far as the host knows; empty where the target makes it.

    Raises nothing: a change that takes the anchor away leaves the old one standing, and the target refuses it.
    """
    names = binding.target.anchor
    known = {name: (value,) for name, value in zip(names, change.anchor, strict=False)}
    return anchor_of(binding, applied(change, known)) or change.anchor


def anchor_of(binding: TypeBinding, attributes: Attributes) -> Anchor:
    """Returns the anchor that attributes give, empty when the target is still to make a part of it."""
    values = [attributes.get(name, ()) for name in binding.target.anchor]
    return tuple(one[0] for one in values) if all(values) else ()


def keys_of(binding: TypeBinding, anchor: Anchor, dn: str | None, attributes: Attributes) -> tuple[LockKey, ...]:
    """Returns the keys that an object with these values owns: anchor, DN, and each value of a query attribute."""
    keys = [LockKey(ANCHOR, anchor_text(anchor))] if anchor else []
    if dn is not None:
        keys.append(LockKey(DN, dn))
    for name in binding.query_attributes:
        keys += [LockKey(name, text_of(value)) for value in attributes.get(name, ())]
    return tuple(keys)


def keys_of_update(
    binding: TypeBinding, before: SpaceObject, changed: Mapping[str, Values], new_dn: str | None
) -> tuple[tuple[LockKey, ...], tuple[LockKey, ...]]:
    """Returns the keys that an update takes, old and new, and those of them that must not be anybody else's."""
    after = {**before.attributes, **changed}
    moved = any(name in changed for name in binding.target.anchor)
    new_anchor = anchor_of(binding, after) if moved else ()
    old = keys_of(binding, before.anchor if moved else (), None, _only(before.attributes, changed))
    new = keys_of(binding, new_anchor, new_dn, _only(after, changed))
    taken = dict.fromkeys((LockKey(ID, before.id), *old, *new))
    return tuple(taken), unique_among(binding, new)


def unique_among(binding: TypeBinding, keys: Iterable[LockKey]) -> tuple[LockKey, ...]:
    """Returns the keys that only one object may have: anchor, DN, and query attributes unless configured otherwise.

    Raises ScimError 400 for a value of nothing but blanks, which a match could not tell from another such value.
    """
    shared = {query.name for query in binding.object_type.query_attributes if not query.unique}
    unique = tuple(key for key in keys if key.kind not in shared)
    for key in unique:
        if not fold(key.value):
            raise invalid_value(f"{binding.mapping.path_of(key.kind)} must not be blank.")
    return unique


def _new_anchor(binding: TypeBinding, changed: Mapping[str, Values], after: Attributes) -> Anchor:
    names = ", ".join(binding.mapping.path_of(name) for name in binding.target.anchor if name in changed)
    if binding.object_type.anchor_immutable:
        raise mutability(f"{names} identifies the object in the target and never changes.")
    anchor = anchor_of(binding, after)
    if not anchor:
        raise invalid_value(f"{names} identifies the object in the target and cannot be removed.")
    return anchor


def _attribute_change(export_type: MAExportType, name: str, old: Values, new: Values) -> AttributeChange:
    if not new:
        return AttributeChange(name, AttributeModificationType.DELETE)
    if export_type is MAExportType.ATTRIBUTE_UPDATE and old:
        added = tuple(value for value in new if value not in old)
        removed = tuple(value for value in old if value not in new)
        return AttributeChange(name, AttributeModificationType.UPDATE, added, removed)
    return AttributeChange(name, AttributeModificationType.REPLACE, new)


def _only(attributes: Attributes, names: Mapping[str, Values]) -> dict[str, Values]:
    return {name: values for name, values in attributes.items() if name in names}
