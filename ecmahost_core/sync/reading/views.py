"""What a filter or a sort order sees of an object: only what it looks at, because it may look at everybody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecmahost_core.ecma.schema import AttributeType
from ecmahost_core.scim.evaluate import Spelling
from ecmahost_core.scim.nodes import AttributePath, Filter, paths_in
from ecmahost_core.scim.resource import with_schemas
from ecmahost_core.scim.sorting import Sort
from ecmahost_core.space.objects import ObjectName, SpaceObject
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.mapping.activity import ACTIVE, is_active
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.schema_mapping import MappedPath, SchemaMapping
from ecmahost_core.sync.mapping.sent import SENT, spelled
from ecmahost_core.sync.mapping.values import normal, to_scim
from ecmahost_core.sync.reading.deciding import Ids, deciding_ids
from ecmahost_core.sync.reading.presentation import Page, group_element, meta_of, show_groups
from ecmahost_core.sync.reading.questions import in_target, rank_of, rows_about
from ecmahost_core.sync.references import link_elements, links_by_path, named_by, show_references

Place = tuple[str | None, str]
"""Of an attribute: its extension, None for the core, and its name."""


@dataclass(frozen=True, slots=True)
class View:
    """Shows objects of one resource type as far as a filter and a sort order look at them.

    Attributes:
        endpoint: the connector.
        binding: of the resource type.
        mapping: the rows that are looked at.
        formatted: those of them whose values may have several forms that are equal.
        own: what is looked at of that which the host itself says: ``active``, ``meta``, ``schemas``.
        references: the attributes that are looked at whose values are other objects, with the ids that decide
            (``deciding_ids``).
        base_url: of the connector; URLs begin with it.
    """

    endpoint: Endpoint
    binding: TypeBinding
    mapping: SchemaMapping
    formatted: tuple[MappedPath, ...]
    own: frozenset[str]
    references: Mapping[Place, Ids | None]
    base_url: str

    @property
    def heavy(self) -> bool:
        """Whether all values of a link attribute are read of each object: there may be very many."""
        links = links_by_path(self.binding)
        return any(ids is None and place in links for place, ids in self.references.items())

    def resources(self, entries: Sequence[SpaceObject]) -> list[dict[str, Any]]:
        """Returns the resource of each object, in canonical form."""
        page = [(entry, self._resource(entry)) for entry in entries]
        rows = [row for row in self.binding.references if row in self.mapping.rows]
        show_references(self.endpoint, self.binding, rows, page, self.base_url)
        if self.references:
            self._show_links(page)
        if "schemas" in self.own:
            return [with_schemas(resource, self.binding.resource_type) for _, resource in page]
        return [resource for _, resource in page]

    def _resource(self, entry: SpaceObject) -> dict[str, Any]:
        binding = self.binding
        resource = self.mapping.resource_of(entry.attributes, self._spellings(entry))
        if binding.dn_row is not None and entry.dn is not None:
            binding.dn_row.write(resource, (entry.dn,))
        resource["id"] = entry.id
        if ACTIVE in self.own and binding.can_be_disabled:
            resource[ACTIVE] = is_active(binding, entry)
        if "meta" in self.own:
            resource["meta"] = meta_of(binding, entry, self.base_url, self.endpoint.store.epoch)
        return resource

    def _spellings(self, entry: SpaceObject) -> dict[str, Sequence[Any]]:
        """The values with several forms, by path: as they are shown, and as they are compared."""
        found: dict[str, Sequence[Any]] = {}
        for row in self.formatted:
            values = entry.attributes.get(row.target.name, ())
            forms = row.shown(tuple(normal(value, row.target) for value in values)) if values else ()
            spellings = zip(row.shown(values), forms, values, strict=True)
            found[row.text] = [Spelling(one, equal, rank_of(row, value)) for one, equal, value in spellings]
        if SENT in entry.kept:
            rows = {row.text: row for row in self.mapping.rows}
            for text, data in spelled(self.mapping, entry.kept, entry.attributes).items():
                found[text] = [Spelling(one, _compared(rows[text], one), rank_of(rows[text], one)) for one in data]
        return found

    def _show_links(self, page: Page) -> None:
        links = links_by_path(self.binding)
        for place, ids in self.references.items():
            rows = links.get(place, [])
            if ids is not None:
                self._show_deciding(page, place, rows, ids)
            elif rows:
                for entry, resource in page:
                    _put(resource, place, link_elements(self.endpoint, self.binding, rows, entry, self.base_url))
            else:
                show_groups(self.endpoint, self.binding, page, self.base_url)

    def _show_deciding(self, page: Page, place: Place, rows: Sequence[MappedPath], ids: Ids) -> None:
        """Puts into each resource those of a few objects that it names, however many others it does."""
        entries = [entry for entry, _ in page]
        store = self.endpoint.store
        if rows:
            named = named_by(self.endpoint, self.binding, rows, sorted(ids))
            targets = [one.entry for one in named.values()]
            elements = {one.entry.key: self._element(one.resource_type, one.entry) for one in named.values()}
            pairs = store.naming([row.target.name for row in rows], entries, targets)
        else:
            groups = self.endpoint.bindings_for_scim()["Group"]
            owners = list(store.by_ids(groups.space_type, sorted(ids)).values())
            elements = {group.key: group_element(groups, group, self.base_url) for group in owners}
            pairs = {(member, group) for group, member in store.naming(self.binding.member_of, owners, entries)}
        by_owner: dict[int, list[dict[str, Any]]] = {}
        for owner, target in sorted(pairs):
            by_owner.setdefault(owner, []).append(elements[target])
        for entry, resource in page:
            _put(resource, place, by_owner.get(entry.key))

    def _element(self, resource_type: str, entry: ObjectName) -> dict[str, Any]:
        collection = self.endpoint.configuration.object_types[resource_type].collection
        url = f"{self.base_url}{collection}/{entry.id}"
        return {"value": entry.id, "type": resource_type, "$ref": url}


def _put(resource: dict[str, Any], place: Place, elements: list[dict[str, Any]] | None) -> None:
    if elements:
        urn, name = place
        (resource if urn is None else resource.setdefault(urn, {}))[name] = elements


def _compared(row: MappedPath, data: Any) -> Any:
    value = in_target(row, data)
    return data if value is None else to_scim(value, row.scim_type)


def _has_forms(row: MappedPath) -> bool:
    """Whether what is shown may be another text than an equal value, or stand elsewhere than its text would."""
    return row.target.format is not None or (row.target.type is AttributeType.INTEGER and row.scim_type == "string")


def view_of(endpoint: Endpoint, binding: TypeBinding, node: Filter | None, sort: Sort | None, base_url: str) -> View:
    """Returns the view for a filter and a sort order."""
    asked = [*(paths_in(node) if node is not None else ()), *((sort.path,) if sort is not None else ())]
    own = frozenset(path.name for path in asked if path.urn is None and path.name in (ACTIVE, "meta", "schemas"))
    rows = binding.mapping.rows if "schemas" in own else rows_about(binding, asked)
    mapping = binding.mapping if len(rows) == len(binding.mapping.rows) else SchemaMapping(rows)
    return View(
        endpoint=endpoint,
        binding=binding,
        mapping=mapping,
        formatted=tuple(row for row in rows if _has_forms(row)),
        own=own,
        references=_references(binding, asked, node, sort),
        base_url=base_url,
    )


def _references(
    binding: TypeBinding, asked: Iterable[AttributePath], node: Filter | None, sort: Sort | None
) -> dict[Place, Ids | None]:
    paths_with_links = [*(row.path for row in binding.links), *filter(None, (binding.groups_path,))]
    places = {(path.urn, path.name) for path in paths_with_links}
    found: dict[Place, Ids | None] = {}
    for place in sorted(places & {(path.urn, path.name) for path in asked}, key=str):
        sorted_by = sort is not None and (sort.path.urn, sort.path.name) == place
        found[place] = None if node is None or sorted_by else deciding_ids(node, place)
    return found
