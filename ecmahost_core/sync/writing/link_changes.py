"""What a request changes about the members of a group: from ids to what differs in the target.

Nothing here reads all members unless the request replaces them all: what a PATCH adds and removes is looked for among
the rows of the space, and only what is not there, or is, goes to the target.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ecmahost_core.ecma.capabilities import MAExportType
from ecmahost_core.ecma.csentry import (
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    ObjectModificationType,
)
from ecmahost_core.ecma.values import Reference, Values, text_of
from ecmahost_core.scim.errors import invalid_value, unavailable
from ecmahost_core.scim.links import Links, Wanted, ids_among
from ecmahost_core.space.objects import Link, LinkChange, SpaceObject
from ecmahost_core.space.store import Store
from ecmahost_core.sync.endpoint import IMPORTING, Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.reference_rows import holds
from ecmahost_core.sync.mapping.schema_mapping import MappedPath
from ecmahost_core.sync.references import is_writable, links_by_path, named_by, reference_text, unknown_ids
from ecmahost_core.text import fold

LinkChanges = Mapping[str, LinkChange]
"""By link attribute; only what differs."""
Added = Mapping[str, Mapping[str, str]]
"""By link attribute, how the target names whom a change adds, by their ids."""

_BY_CHANGES = (MAExportType.ATTRIBUTE_UPDATE, MAExportType.MULTIVALUED_REFERENCE_ATTRIBUTE_UPDATE)


def new_links(endpoint: Endpoint, binding: TypeBinding, resource: Mapping[str, Any]) -> Added:
    """Returns the link attributes of a new object with their values; ScimError 400 for ids that nobody has."""
    found: dict[str, _Texts] = {}
    for (urn, name), rows in links_by_path(binding).items():
        part = resource if urn is None else resource.get(urn) or {}
        ids = ids_among(part.get(name) or (), name)
        for row, texts in _routed(endpoint, binding, rows, Wanted(whole=True, added=ids, removed=()))[0].items():
            found[row.target.name] = texts
    return {name: texts for name, texts in found.items() if texts}


def changed_links(
    endpoint: Endpoint, binding: TypeBinding, before: SpaceObject, after: Mapping[str, Any]
) -> tuple[LinkChanges, Added]:
    """Returns what a request changes about the links of an object, and whom it adds; empty where that is nothing.

    Raises ScimError: 400 ``invalidValue`` naming ids that nobody has, 503 while an import has not brought them yet.
    """
    found: dict[str, LinkChange] = {}
    joining: dict[str, _Texts] = {}
    for (urn, name), rows in links_by_path(binding).items():
        part = after if urn is None else after.get(urn) or {}
        links = part.get(name)
        wanted = links.wanted() if isinstance(links, Links) else None
        if wanted is None:
            continue
        unknown = endpoint.incomplete(binding.object_type.resource_type)
        if any(row.target.name in unknown for row in rows):
            raise unavailable(IMPORTING, 10)
        added, removed = _routed(endpoint, binding, rows, wanted)
        for row in filter(is_writable, rows):
            change = _difference(endpoint, binding, before, row, wanted, added[row], removed[row])
            if change.added or change.removed:
                found[row.target.name] = change
                new = frozenset(change.added)
                joining[row.target.name] = {one: text for one, text in added[row].items() if text in new}
    return found, joining


_Texts = dict[str, str]
"""By id, how the target names the object."""


def _routed(
    endpoint: Endpoint, binding: TypeBinding, rows: Sequence[MappedPath], wanted: Wanted
) -> tuple[dict[MappedPath, _Texts], dict[MappedPath, _Texts]]:
    """Which row names which of the objects that are to be added and removed."""
    named = named_by(endpoint, binding, rows, (*wanted.added, *wanted.removed))
    missing = [one for one in wanted.added if one not in named]
    name = rows[0].path.text
    if missing:
        raise unknown_ids(name, missing)
    scopes = dict(binding.space_type.scopes)
    writable = [row for row in rows if is_writable(row)]
    added: dict[MappedPath, _Texts] = {row: {} for row in rows}
    removed: dict[MappedPath, _Texts] = {row: {} for row in rows}
    for identifier in wanted.added:
        one = named[identifier]
        row = next((row for row in writable if holds(row, scopes, one.resource_type)), None)
        if row is None:
            raise invalid_value(f"{name}: {identifier} is a {one.resource_type}, which the target cannot keep there.")
        added[row][identifier] = reference_text(binding, row.target, one.entry)
    for identifier in wanted.removed:
        found = named.get(identifier)  # an unknown one is nothing to be removed
        for row in writable if found else ():
            if found and holds(row, scopes, found.resource_type):
                removed[row][identifier] = reference_text(binding, row.target, found.entry)
    return added, removed


def _difference(
    endpoint: Endpoint,
    binding: TypeBinding,
    before: SpaceObject,
    row: MappedPath,
    wanted: Wanted,
    added: _Texts,
    removed: _Texts,
) -> LinkChange:
    """What differs from the rows of the space. Links that clients cannot see are left alone."""
    name, store = row.target.name, endpoint.store
    if not wanted.whole:
        there = store.linked(binding.space_type, before, name, (*added.values(), *removed.values()))
        new = tuple(text for text in added.values() if fold(text) not in there)
        return LinkChange(new, _under_both_names(there, removed.values()))
    present = store.links(binding.space_type, before, name)
    spelt = {fold(link.value) for link in present if not link.renamed}
    known = {link.id for link in present}
    gone = [link for link in present if link.id is not None and link.id not in added]
    now = _names_now(endpoint, binding, name, gone).values()
    there = store.linked(binding.space_type, before, name, now)
    return LinkChange(
        tuple(text for one, text in added.items() if one not in known and fold(text) not in spelt),
        (*(link.value for link in gone if not link.renamed), *_under_both_names(there, now)),
    )


def _names_now(endpoint: Endpoint, binding: TypeBinding, name: str, links: Iterable[Link]) -> dict[str, str]:
    """Returns by id how the target would name those of the objects that were renamed since the last import."""
    ids = [link.id for link in links if link.id is not None and link.renamed]
    rows = [row for row in binding.links if row.target.name == name] if ids else []
    named = named_by(endpoint, binding, rows, ids)
    return {one: reference_text(binding, row.target, found.entry) for row in rows for one, found in named.items()}


def _under_both_names(there: Mapping[str, str], removed: Iterable[str]) -> tuple[str, ...]:
    """Returns how the target may name those who are removed.

    Of somebody who has been renamed since the last import nobody knows whether the target has followed in its links.
    Removing what is not there does no harm, and a membership that stays would come back with the next import.
    """
    found: dict[str, None] = {}
    for text in removed:
        spelt = there.get(fold(text))
        if spelt is not None:
            found |= dict.fromkeys((spelt, text) if fold(spelt) != fold(text) else (spelt,))
    return tuple(found)


def without_links(binding: TypeBinding, change: CSEntryChange) -> tuple[CSEntryChange, tuple[AttributeChange, ...]]:
    """Returns an Update without its changes of link attributes, and these."""
    links = binding.space_type.links
    if change.modification_type is not ObjectModificationType.UPDATE or not links:
        return change, ()
    apart = tuple(part for part in change.attribute_changes if part.name in links)
    rest = tuple(part for part in change.attribute_changes if part.name not in links)
    return (replace(change, attribute_changes=rest), apart) if apart else (change, ())


def link_changes_of(parts: Iterable[AttributeChange]) -> tuple[dict[str, LinkChange], dict[str, Values]]:
    """Returns what changes of link attributes come to: what differs, and the whole sets."""
    differing: dict[str, LinkChange] = {}
    whole: dict[str, Values] = {}
    for part in parts:
        if part.modification_type is AttributeModificationType.UPDATE:
            differing[part.name] = LinkChange(tuple(map(text_of, part.added)), tuple(map(text_of, part.removed)))
        else:
            whole[part.name] = part.added
    return differing, whole


def planned_links(
    store: Store, binding: TypeBinding, before: SpaceObject, parts: Iterable[AttributeChange]
) -> dict[str, LinkChange]:
    """Returns what differs once changes of link attributes are made that a connector has planned itself."""
    found, whole = link_changes_of(parts)
    for name, values in whole.items():
        wanted = {fold(text_of(value)): text_of(value) for value in values}
        present = {fold(link.value): link.value for link in store.links(binding.space_type, before, name)}
        found[name] = LinkChange(
            tuple(value for key, value in wanted.items() if key not in present),
            tuple(value for key, value in present.items() if key not in wanted),
        )
    return found


def with_links(
    endpoint: Endpoint, binding: TypeBinding, before: SpaceObject, change: CSEntryChange, links: LinkChanges
) -> CSEntryChange:
    """Returns a change with what it does to links, of which the attributes of an object know nothing."""
    if change.modification_type is ObjectModificationType.UPDATE:
        export_type = endpoint.connector.capabilities.export_type
        parts = _exported(endpoint, binding, export_type, before, links)
        return replace(change, attribute_changes=(*change.attribute_changes, *parts))
    if change.modification_type is ObjectModificationType.REPLACE:
        nothing = LinkChange()
        names = binding.space_type.links
        whole = {name: _whole(endpoint, binding, before, name, links.get(name, nothing)) for name in names}
        return replace(change, attributes={**change.attributes, **whole})
    return change


def _exported(
    endpoint: Endpoint,
    binding: TypeBinding,
    export_type: MAExportType,
    before: SpaceObject,
    changes: LinkChanges,
) -> tuple[AttributeChange, ...]:
    """Returns the changes of link attributes in the form that the connector asks for."""
    if export_type in _BY_CHANGES:
        return tuple(
            AttributeChange(
                name,
                AttributeModificationType.UPDATE,
                tuple(map(Reference, change.added)),
                tuple(map(Reference, change.removed)),
            )
            for name, change in changes.items()
        )
    parts = []
    for name, change in changes.items():
        values = _whole(endpoint, binding, before, name, change)
        kind = AttributeModificationType.REPLACE if values else AttributeModificationType.DELETE
        parts.append(AttributeChange(name, kind, values))
    return tuple(parts)


def _whole(endpoint: Endpoint, binding: TypeBinding, before: SpaceObject, name: str, change: LinkChange) -> Values:
    removed = {fold(value) for value in change.removed}
    present = endpoint.store.links(binding.space_type, before, name)
    now = _names_now(endpoint, binding, name, present)
    values = [now.get(link.id or "", link.value) for link in present]
    kept = {fold(value): value for value in values if fold(value) not in removed}
    return tuple(map(Reference, (kept | {fold(value): value for value in change.added}).values()))
