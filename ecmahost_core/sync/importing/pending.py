"""An object as the entries of a delta leave it, before it is written."""

from dataclasses import dataclass, field, replace

from ecmahost_core.ecma.csentry import AttributeChange, AttributeModificationType, CSEntryChange
from ecmahost_core.ecma.values import Anchor, Values, anchor_text, attributes_to_json, text_of
from ecmahost_core.space.objects import LinkChange, SpaceObject, SpaceType, TargetObject
from ecmahost_core.space.store import Store
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.writing.changes import applied
from ecmahost_core.text import fold


@dataclass(slots=True)
class Pending:
    """An object as the entries so far have left it.

    Attributes:
        known: as the space had it; None where ``whole`` is.
        whole: whether the target gave all of it, as it is now.
        links: what changes about link attributes that are not in ``attributes``.
    """

    anchor: Anchor
    dn: str | None
    attributes: dict[str, Values]
    known: SpaceObject | None = None
    whole: bool = True
    links: dict[str, LinkChange] = field(default_factory=dict)

    def target(self) -> TargetObject:
        """Returns it as the store takes it."""
        return TargetObject(self.anchor, self.dn, self.attributes, self.links)


def key_of(anchor: Anchor) -> str:
    """Returns the text that is the same for anchors of the same object."""
    return fold(anchor_text(anchor))


def same(one: TargetObject, other: TargetObject) -> bool:
    """Returns whether two objects are one, spelled alike; what changes about links is not looked at."""
    try:
        alike = attributes_to_json(one.attributes) == attributes_to_json(other.attributes)
    except (TypeError, ValueError):
        return False
    return alike and one.dn == other.dn and one.anchor == other.anchor


def changed(binding: TypeBinding, before: Pending, entry: CSEntryChange, dn: str | None) -> Pending:
    """Returns an object after an UPDATE; attributes that nobody selected or that are only written do not count."""
    space_type = binding.space_type
    selected = {attribute.name for attribute in binding.target.attributes} - {*space_type.export_only}
    parts = tuple(part for part in entry.attribute_changes if part.name in selected)
    after = replace(before, dn=dn, links={**before.links})
    loose = [part for part in parts if part.name in space_type.links and part.name not in before.attributes]
    after.attributes = dict(
        applied(replace(entry, attribute_changes=tuple(p for p in parts if p not in loose)), before.attributes)
    )
    for part in loose:
        if part.modification_type is AttributeModificationType.UPDATE:
            after.links[part.name] = merged(after.links.get(part.name, LinkChange()), part)
        else:
            after.attributes[part.name] = part.added
            after.links.pop(part.name, None)
    return after


def still_missing(store: Store, space_type: SpaceType, one: Pending) -> dict[str, LinkChange]:
    """Returns what changes about the links of an object that is known, without what is so already."""
    found: dict[str, LinkChange] = {}
    known = one.known
    if known is None:
        return found
    for name, change in one.links.items():
        there = store.linked(space_type, known, name, (*change.removed, *change.added))
        removed = tuple(value for value in change.removed if fold(value) in there)
        gone = {fold(value) for value in removed}
        added = tuple(value for value in change.added if fold(value) not in there or fold(value) in gone)
        if added or removed:
            found[name] = LinkChange(added, removed)
    return found


def merged(before: LinkChange, part: AttributeChange) -> LinkChange:
    """Returns two changes of one link attribute as one, whose removed values go first."""
    removed = {fold(value): value for value in before.removed}
    added = {fold(value): value for value in before.added}
    for value in map(text_of, part.removed):
        added.pop(fold(value), None)
        removed[fold(value)] = value
    added.update((fold(value), value) for value in map(text_of, part.added))
    return LinkChange(tuple(added.values()), tuple(removed.values()))
