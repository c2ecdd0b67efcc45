"""Which values of a multi-valued attribute have a place in the target, where a mapping chooses them by their type."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ecmahost_core.sync.mapping.resource_writers import selected
from ecmahost_core.sync.mapping.schema_mapping import SchemaMapping


def with_places(mapping: SchemaMapping, resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns a canonical resource in which a value that does not say of what type it is has the first row's.

    Many clients send one e-mail address and say nothing of its type, or a role without saying that it is primary.
    Where values are mapped by type it would be lost. Not where somebody has that place already, and of several
    values of which nobody knows which is meant.
    """
    for rows in mapping.selecting:
        found = rows[0].container(resource)
        selector = rows[0].selector
        if not isinstance(found, list) or selector is None or any(selected(one, *selector) for one in found):
            continue
        sub, wanted = selector
        loose = [one for one in found if isinstance(one, dict) and sub not in one]
        if len(loose) == 1 and (sub != "primary" or len(found) == 1):
            elements = [one | {sub: wanted} if one is loose[0] else one for one in found]
            resource = _with(resource, rows[0].path.urn, rows[0].path.name, elements)
    return resource


def with_primary_kept(mapping: SchemaMapping, before: Mapping[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns a resource after a PATCH in which no value has lost ``primary`` to one that has no room.

    Otherwise the person who was given a fax number, which is not kept, would have no primary number at all.
    """
    for rows in mapping.selecting:
        urn, name = rows[0].path.urn, rows[0].path.name
        selectors = [row.selector for row in rows if row.selector]
        old, new = _elements(rows[0].container(before)), _elements(rows[0].container(after))
        if not any(_is_primary(one) and not any(selected(one, *each) for each in selectors) for one in new):
            continue
        was = [each for each in selectors if any(_is_primary(one) and selected(one, *each) for one in old)]
        elements = [
            one | {"primary": True} if isinstance(one, dict) and any(selected(one, *each) for each in was) else one
            for one in new
        ]
        after = _with(after, urn, name, elements)
    return after


def _is_primary(element: Any) -> bool:
    return isinstance(element, dict) and element.get("primary") is True


def _with(resource: Mapping[str, Any], urn: str | None, name: str, elements: Sequence[Any]) -> Mapping[str, Any]:
    return {**resource, **({name: elements} if urn is None else {urn: {**resource[urn], name: elements}})}


def without_room(mapping: SchemaMapping, resource: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the attributes of a canonical resource that have a value which no row takes.

    A fax number, where telephone numbers are mapped for work alone, is not kept.
    """
    return tuple(
        replace(rows[0].path, value_filter=None, sub_attribute=None).text
        for rows in mapping.selecting
        for element in _elements(rows[0].container(resource))
        if not any(row.selector and selected(element, *row.selector) for row in rows)
    )


def _elements(found: Any) -> Sequence[Any]:
    return found if isinstance(found, list) else ()
