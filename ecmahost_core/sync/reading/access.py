"""Where to look for those who match a filter: by id, in the index, or at everybody.

Whatever is chosen gives all who match and maybe others; the filter is then applied to each of them. So a choice can
make an answer slow, and never wrong.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ecmahost_core.ecma.schema import AttributeType, SchemaAttribute
from ecmahost_core.ecma.values import Value, Values, text_of
from ecmahost_core.scim.filter import equalities
from ecmahost_core.scim.nodes import And, AttributePath, Comparison, Filter, Literals, Or, ValuePath
from ecmahost_core.sync.mapping.activity import ACTIVE
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.schema_mapping import MappedPath
from ecmahost_core.sync.mapping.values import normal_text
from ecmahost_core.sync.reading.deciding import names_id
from ecmahost_core.sync.reading.questions import element_path, in_target, one_text, same_type
from ecmahost_core.text import fold


@dataclass(frozen=True, slots=True)
class Key:
    """What a comparison means in the target: one attribute must have one value.

    Attributes:
        target: the attribute.
        value: as the target would hold it; None for a text that the target takes from nobody. Somebody may have it all
            the same, and nobody need be asked.
        text: of the value, as the index has it.
        normal_text: equal for all values that a match takes for the same.
    """

    target: SchemaAttribute
    value: Value | None
    text: str
    normal_text: str

    @property
    def attribute(self) -> str:
        """The attribute's name."""
        return self.target.name

    def among(self, values: Values) -> bool:
        """Whether the value is one of these, in whatever form."""
        return any(normal_text(value, self.target) == self.normal_text for value in values)


@dataclass(frozen=True, slots=True)
class ById:
    """The one object with this SCIM id."""

    id: str


@dataclass(frozen=True, slots=True)
class ByDn:
    """The one object with this DN."""

    dn: str


@dataclass(frozen=True, slots=True)
class ByValue:
    """Those who have the value of an indexed attribute; ``unique``: hardly more than one.

    ``learned``: it is no query attribute, and indexed only because clients match on it.
    """

    key: Key
    unique: bool
    learned: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """Those who name the object with this SCIM id in one of these target attributes: the groups of a member."""

    attributes: tuple[str, ...]
    id: str


@dataclass(frozen=True, slots=True)
class NamedBy:
    """Those whom the group with this SCIM id has as members."""

    id: str


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Those of several accesses; nobody where there is none."""

    parts: tuple["Single", ...]


@dataclass(frozen=True, slots=True)
class Everybody:
    """All objects; with a key those who have its value, which no index tells."""

    key: Key | None = None


Single = ById | ByDn | ByValue | Naming | NamedBy
Access = Single | AnyOf | Everybody

NOBODY = AnyOf(())
_ALL = Everybody()


def access_to(binding: TypeBinding, node: Filter) -> Access:
    """Chooses the cheapest access that gives all who match ``node``, a filter in the target's terms."""
    if isinstance(node, And):
        return min((access_to(binding, operand) for operand in node.operands), key=_cost)
    if isinstance(node, Or):
        return _any_of(access_to(binding, operand) for operand in node.operands)
    if isinstance(node, ValuePath):
        return _of_elements(binding, node, node.filter, None)
    return _of_comparison(binding, node, node.path) if isinstance(node, Comparison) else _ALL


def _cost(access: Access) -> int:
    if isinstance(access, AnyOf):
        return sum(map(_cost, access.parts))
    if isinstance(access, Everybody):
        return 1_000_001 if access.key is None else 1_000_000
    if isinstance(access, NamedBy):
        return 1000
    return 1 if isinstance(access, ById | ByDn) or (isinstance(access, ByValue) and access.unique) else 10


def _any_of(parts: Iterable[Access]) -> Access:
    found: dict[Single, None] = {}
    for part in parts:
        if isinstance(part, Everybody):
            return _ALL
        found |= dict.fromkeys(part.parts if isinstance(part, AnyOf) else (part,))
    return next(iter(found)) if len(found) == 1 else AnyOf(tuple(found))


def _of_elements(binding: TypeBinding, parent: ValuePath, node: Filter, selector: Comparison | None) -> Access:
    """For what stands between brackets; ``selector`` must hold of the same element."""
    if isinstance(node, And):
        known = [one for one in equalities(node) if one.path.attribute is not None]
        return min(
            (
                _of_elements(binding, parent, operand, next((one for one in known if one is not operand), selector))
                for operand in node.operands
            ),
            key=_cost,
        )
    if isinstance(node, Or):
        return _any_of(_of_elements(binding, parent, operand, selector) for operand in node.operands)
    if not isinstance(node, Comparison):
        return _ALL
    return _of_comparison(binding, node, element_path(parent, node.path, selector))


def _of_comparison(binding: TypeBinding, node: Comparison, path: AttributePath) -> Access:
    if node.operator != "eq" or node.value is None:
        return _ALL
    if path.attribute is None:
        return NOBODY
    if path.urn is None and path.name in ("id", "meta", "schemas", ACTIVE):
        return _of_own_part(binding, path, node.value)
    dn = None if binding.dn_row is None else binding.dn_row.path
    if dn is not None and (dn.urn, dn.name) == (path.urn, path.name):
        return ByDn(str(node.value))
    if any(_is_at(row, path) for row in (*binding.links, *binding.references)) or _is_groups(binding, path):
        return _of_reference(binding, path, fold(str(node.value)))
    if not binding.mapping.knows(path):
        return NOBODY
    rows = list(binding.mapping.rows_of(path))
    keys = [_key(row, node.value) for row in rows]
    if keys and all(key is not None and _indexed(binding, key) for key in keys):
        learned = binding.space_type.matched
        return _any_of(ByValue(key, _unique(binding, key), key.attribute in learned) for key in keys if key is not None)
    return Everybody(keys[0]) if len(keys) == 1 else _ALL


def _of_own_part(binding: TypeBinding, path: AttributePath, value: Literals) -> Access:
    """What the host itself says of every object. ``active`` is not what the target holds for somebody who left."""
    if path.name == "id":
        return ById(fold(str(value)))  # the host makes ids of lower-case digits
    if path.sub_attribute is not None and path.sub_attribute.name == "resourceType":
        return _ALL if fold(str(value)) == fold(binding.object_type.resource_type) else NOBODY
    return _ALL


def _is_at(row: MappedPath, path: AttributePath) -> bool:
    return (row.path.urn, row.path.name) == (path.urn, path.name)


def _is_groups(binding: TypeBinding, path: AttributePath) -> bool:
    shown = binding.groups_path
    return shown is not None and (shown.urn, shown.name) == (path.urn, path.name)


def _of_reference(binding: TypeBinding, path: AttributePath, identifier: str) -> Access:
    if not names_id(path):
        return _ALL
    if _is_groups(binding, path):
        return NamedBy(identifier)
    rows = (row for row in (*binding.links, *binding.references) if _is_at(row, path))
    return Naming(tuple(row.target.name for row in rows), identifier)


def _key(row: MappedPath, data: Literals) -> Key | None:
    """What a comparison asks of the target; None where equal SCIM values may have different texts there."""
    if not same_type(row):
        return None
    value = in_target(row, data)
    if value is not None:
        return Key(row.target, value, text_of(value), normal_text(value, row.target))
    if isinstance(data, str) and row.target.type is AttributeType.STRING:
        return Key(row.target, None, data, normal_text(data, row.target))
    return None


def _indexed(binding: TypeBinding, key: Key) -> bool:
    kept = binding.space_type
    return (key.attribute in kept.indexed or key.attribute in kept.matched) and one_text(key.target)


def _unique(binding: TypeBinding, key: Key) -> bool:
    return any(query.name == key.attribute and query.unique for query in binding.object_type.query_attributes)


def keys_of(access: Access) -> Iterator[Key]:
    """Yields the keys by whose values an access looks."""
    for part in access.parts if isinstance(access, AnyOf) else (access,):
        if isinstance(part, ByValue | Everybody) and part.key is not None:
            yield part.key
