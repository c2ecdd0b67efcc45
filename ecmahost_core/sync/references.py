"""SCIM ids outside, the target's references inside: the only place that translates one into the other.

Clients name other resources by their ids, and the target by the text of their anchors or by their DNs. A write is
translated before anything is sent, a page of answers after it was read, both in batches and never one by one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecmahost_core.ecma.schema import AttributeOperation, SchemaAttribute
from ecmahost_core.ecma.values import Attributes, anchor_text, text_of
from ecmahost_core.scim.errors import ScimError, invalid_value
from ecmahost_core.scim.links import Links
from ecmahost_core.space.objects import Link, ObjectName, SpaceObject
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.reference_rows import holds
from ecmahost_core.sync.mapping.schema_mapping import MappedPath
from ecmahost_core.text import fold

NAMED_IN_ERRORS = 10
_LONGEST_ID = 100


@dataclass(frozen=True, slots=True)
class Named:
    """An object that a client named by its id."""

    resource_type: str
    entry: ObjectName


def reference_text(binding: TypeBinding, attribute: SchemaAttribute, named: ObjectName) -> str:
    """Returns how an attribute of the target names an object: by the text of its anchor, or by its DN."""
    by_dn = not attribute.references and binding.own_dns and named.dn is not None
    return str(named.dn) if by_dn else anchor_text(named.anchor)


def named_by(
    endpoint: Endpoint, binding: TypeBinding, rows: Iterable[MappedPath], ids: Sequence[str]
) -> dict[str, Named]:
    """Returns what names the live objects with these ids, of the types that the rows can name."""
    scopes = dict(binding.space_type.scopes)
    rows = tuple(rows)
    found: dict[str, Named] = {}
    for name, other in endpoint.bindings_for_scim().items():
        left = [one for one in ids if one not in found]
        if left and any(holds(row, scopes, name) for row in rows):
            entries = endpoint.store.names(other.space_type, left)
            found |= {identifier: Named(name, entry) for identifier, entry in entries.items()}
    return found


def unknown_ids(name: str, ids: Sequence[str]) -> ScimError:
    """Returns the error for ids that nobody has; ``name`` is the attribute's."""
    shown = ", ".join(one[:_LONGEST_ID] for one in ids[:NAMED_IN_ERRORS])
    more = f" and {len(ids) - NAMED_IN_ERRORS} more" if len(ids) > NAMED_IN_ERRORS else ""
    which = "this id" if len(ids) == 1 else f"these {len(ids)} ids"
    return invalid_value(f"{name}: there is no resource with {which}: {shown}{more}. Nothing was changed.")


def in_target(
    endpoint: Endpoint,
    binding: TypeBinding,
    attributes: Attributes,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Returns both states of a resource with the target's references in place of ids, as the mapping reads them.

    What names the same as before stays as the target has it, also where clients cannot see it.

    Args:
        endpoint: whose space knows the ids.
        binding: of the resource type.
        attributes: of the object as it is; empty for a new one.
        before: as clients see it; empty for a new one.
        after: as the client wants it.

    Raises:
        ScimError: 400 ``invalidValue`` for an id that nobody has.
    """
    if not binding.references:
        return before, after
    was, becomes = dict(before), dict(after)
    for row in binding.references:
        values = attributes.get(row.target.name, ())
        stored = text_of(values[0]) if values else None
        put(was, row, stored)
        ids = row.read(after)
        if ids == row.read(before):
            put(becomes, row, stored)
            continue
        put(becomes, row, _text_for(endpoint, binding, row, str(ids[0])) if ids else None)
    return was, becomes


def _text_for(endpoint: Endpoint, binding: TypeBinding, row: MappedPath, identifier: str) -> str:
    known = fold(identifier)  # the host makes ids of lower-case digits
    found = named_by(endpoint, binding, (row,), [known]).get(known)
    if found is None:
        raise unknown_ids(row.text, [identifier])
    return reference_text(binding, row.target, found.entry)


def put(resource: dict[str, Any], row: MappedPath, value: str | None, url: str | None = None) -> None:
    """Puts a reference into a resource, or takes it away; copies what it changes below the top."""
    path = row.path
    part = resource if path.urn is None else dict(resource.get(path.urn) or {})
    if path.attribute is not None and path.attribute.type == "complex":
        others = {name: one for name, one in (part.get(path.name) or {}).items() if name not in ("value", "$ref")}
        named = {} if value is None else {"value": value} if url is None else {"value": value, "$ref": url}
        inner: Any = {**named, **others} or None
    else:
        inner = value
    if inner is None:
        part.pop(path.name, None)
    else:
        part[path.name] = inner
    if path.urn is not None and part:
        resource[path.urn] = part
    elif path.urn is not None:
        resource.pop(path.urn, None)


def show_references(
    endpoint: Endpoint,
    binding: TypeBinding,
    rows: Sequence[MappedPath],
    page: Sequence[tuple[SpaceObject, dict[str, Any]]],
    base_url: str | None,
) -> None:
    """Puts ids in place of the target's references into the resources of a page; nothing where nobody is known."""
    if not rows or not page:
        return
    names = [row.target.name for row in rows]
    found = endpoint.store.references(binding.space_type, [entry for entry, _ in page], names)
    for entry, resource in page:
        links = {link.attribute: link for link in found[entry.key]}
        for row in rows:
            link = links.get(row.target.name)
            collection = None if link is None else _collection(endpoint, link)
            if link is None or collection is None:
                put(resource, row, None)
            else:
                put(resource, row, link.id, None if base_url is None else f"{base_url}{collection}/{link.id}")


def link_elements(
    endpoint: Endpoint, binding: TypeBinding, rows: Iterable[MappedPath], entry: SpaceObject, base_url: str | None
) -> list[dict[str, Any]]:
    """Returns the values of one SCIM attribute that link attributes give; whom the space does not know is left out."""
    elements = []
    for row in rows:
        for link in endpoint.store.links(binding.space_type, entry, row.target.name):
            collection = _collection(endpoint, link)
            if collection is None:
                continue
            element = {"value": link.id, "type": link.resource_type}
            if base_url is not None:
                element["$ref"] = f"{base_url}{collection}/{link.id}"
            elements.append(element)
    return elements


def _collection(endpoint: Endpoint, link: Link) -> str | None:
    """Where the resource is that a link names; None where clients cannot see it, or its type is configured no more."""
    served = endpoint.configuration.object_types.get(link.resource_type or "")
    return None if served is None or link.id is None else served.collection


def links_by_path(binding: TypeBinding) -> dict[tuple[str | None, str], list[MappedPath]]:
    """Returns the rows of link attributes by the SCIM attribute that they are part of: extension and name."""
    found: dict[tuple[str | None, str], list[MappedPath]] = {}
    for row in binding.links:
        found.setdefault((row.path.urn, row.path.name), []).append(row)
    return found


def unread_links(endpoint: Endpoint, binding: TypeBinding, rows: Sequence[MappedPath], entry: SpaceObject) -> Links:
    """Returns what stands for the values of a link attribute while a request changes the resource."""
    read: list[list[dict[str, Any]]] = []

    def once() -> list[dict[str, Any]]:
        if not read:
            read.append(link_elements(endpoint, binding, rows, entry, None))
        return read[0]

    return Links(once)


def is_writable(row: MappedPath) -> bool:
    """Returns whether the target takes what is written to a row."""
    return row.target.operation is not AttributeOperation.IMPORT_ONLY
