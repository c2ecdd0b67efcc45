"""What a filter or a sort order sees of an object: only what it looks at, because it may look at everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ecmahost_core.scim.evaluate import Spelling
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.resource import with_schemas
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.deprovisioning import ACTIVE, is_active
from ecmahost_core.sync.presentation import meta_of
from ecmahost_core.sync.questions import in_target, rows_about
from ecmahost_core.sync.schema_mapping import MappedPath, SchemaMapping
from ecmahost_core.sync.sent import SENT, spelled
from ecmahost_core.sync.values import normal, to_scim


@dataclass(frozen=True, slots=True)
class View:
    """Shows objects of one resource type as far as some paths look at them.

    Attributes:
        binding: of the resource type.
        mapping: the rows that are looked at.
        formatted: those of them whose values may have several forms that are equal.
        own: what is looked at of that which the host itself says: ``active``, ``meta``, ``schemas``.
        base_url: of the connector; ``meta.location`` begins with it.
        epoch: of the store.
    """

    binding: TypeBinding
    mapping: SchemaMapping
    formatted: tuple[MappedPath, ...]
    own: frozenset[str]
    base_url: str
    epoch: str

    def resources(self, entries: Sequence[SpaceObject]) -> list[dict[str, Any]]:
        """Returns the resource of each object, in canonical form."""
        return [self._resource(entry) for entry in entries]

    def _resource(self, entry: SpaceObject) -> dict[str, Any]:
        resource = self.mapping.resource_of(entry.attributes, self._spellings(entry))
        if self.binding.dn_row is not None and entry.dn is not None:
            self.binding.dn_row.write(resource, (entry.dn,))
        resource["id"] = entry.id
        if ACTIVE in self.own:
            resource[ACTIVE] = is_active(self.binding, entry)
        if "meta" in self.own:
            resource["meta"] = meta_of(self.binding, entry, self.base_url, self.epoch)
        return with_schemas(resource, self.binding.resource_type) if "schemas" in self.own else resource

    def _spellings(self, entry: SpaceObject) -> dict[str, Sequence[Any]]:
        """The values with several forms, by path: as they are shown, and as they are compared."""
        found: dict[str, Sequence[Any]] = {}
        for row in self.formatted:
            values = entry.attributes.get(row.target.name, ())
            forms = row.shown(tuple(normal(value, row.target) for value in values)) if values else ()
            found[row.text] = [Spelling(*pair) for pair in zip(row.shown(values), forms, strict=True)]
        if SENT in entry.kept:
            rows = {row.text: row for row in self.mapping.rows}
            for text, data in spelled(self.mapping, entry.kept, entry.attributes).items():
                found[text] = [Spelling(one, _compared(rows[text], one)) for one in data]
        return found


def _compared(row: MappedPath, data: Any) -> Any:
    value = in_target(row, data)
    return data if value is None else to_scim(value, row.scim_type)


def view_of(binding: TypeBinding, asked: Sequence[AttributePath], base_url: str, epoch: str) -> View:
    """Returns the view for these paths."""
    own = frozenset(path.name for path in asked if path.urn is None and path.name in (ACTIVE, "meta", "schemas"))
    rows = binding.mapping.rows if "schemas" in own else rows_about(binding, asked)
    mapping = binding.mapping if len(rows) == len(binding.mapping.rows) else SchemaMapping(rows)
    return View(
        binding=binding,
        mapping=mapping,
        formatted=tuple(row for row in rows if row.target.format is not None),
        own=own,
        base_url=base_url,
        epoch=epoch,
    )
