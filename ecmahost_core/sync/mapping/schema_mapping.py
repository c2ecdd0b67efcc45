"""The schema mapping: SCIM attribute paths on one side, target attributes on the other, compiled once.

``resource_of`` shows a target's attributes as a SCIM resource; ``attributes_of`` reads them back out of one. Both touch
mapped attributes only: what a client sends beside them is not kept, and what the target has beside them is not shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ecmahost_core.ecma.schema import AttributeOperation, AttributeType, SchemaAttribute
from ecmahost_core.ecma.values import Attributes, Value, Values
from ecmahost_core.scim.errors import ScimError, invalid_value
from ecmahost_core.scim.nodes import AttributePath, Comparison
from ecmahost_core.space.past import sounds_secret
from ecmahost_core.sync.mapping.resource_writers import Writer, in_element, in_list, in_place, selected
from ecmahost_core.sync.mapping.values import normal, same_values, shown_unchanged, to_scim, to_target

_NOTHING: Mapping[str, Sequence[Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MappedPath:
    """One row of the mapping.

    Attributes:
        text: the SCIM path as the configuration spells it.
        path: the same, resolved.
        selector: for ``emails[type eq "work"].value``: ``("type", "work")``; None without a filter.
        target: the target attribute.
        scim_type: the SCIM type of the values that the path gives.
    """

    text: str
    path: AttributePath
    selector: tuple[str, Any] | None
    target: SchemaAttribute
    scim_type: str
    write: Writer = field(init=False, repr=False, compare=False)
    """Puts JSON values, at least one, into a resource that is being built.

    Everything that does not depend on the values is decided once: a page of answers writes a thousand.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "write", self._writer())

    @property
    def is_secret(self) -> bool:
        """Whether the past keeps the values of nobody because of what clients call them (``SpaceType.unkept``)."""
        never = self.path.attribute is not None and self.path.attribute.returned == "never"
        return never or sounds_secret(self.text)

    def container(self, resource: Mapping[str, Any]) -> Any:
        """Returns the value of the path's attribute in a resource, None when it has none."""
        holder = resource.get(self.path.urn) if self.path.urn else resource
        return holder.get(self.path.name) if holder else None

    def read(self, resource: Mapping[str, Any]) -> list[Any]:
        """Returns the JSON values that the path gives in a canonical resource, without nulls and empty texts."""
        found = self.container(resource)
        elements = found if isinstance(found, list) else [] if found is None else [found]
        if self.selector is not None:
            elements = [element for element in elements if selected(element, *self.selector)]
        if self.path.sub_attribute is not None:
            sub = self.path.sub_attribute.name
            elements = [element.get(sub) for element in elements if isinstance(element, dict)]
        elif self._complex:
            elements = [element.get("value") if isinstance(element, dict) else element for element in elements]
        return [element for element in elements if element is not None and element != ""]

    def shown(self, values: Values) -> Sequence[Any]:
        """Returns the JSON of the target's values, of which there is at least one."""
        return [to_scim(value, self.scim_type) for value in values]

    def _writer(self) -> Writer:
        path = self.path
        name, sub = path.name, path.sub_attribute
        if self.selector is not None:
            return in_element(path.urn, name, self.selector, sub.name if sub else "value")
        if path.attribute is not None and path.attribute.multi_valued:
            return in_list(path.urn, name, (sub.name if sub else "value") if self._complex else None)
        inner = sub.name if sub is not None else "value" if self._complex else None
        steps = tuple(step for step in (path.urn, name if inner else None) if step)
        return in_place(steps, inner or name)

    @property
    def _complex(self) -> bool:
        return self.path.attribute is not None and self.path.attribute.type == "complex"

    def target_values(self, resource: Mapping[str, Any]) -> Values:
        """Returns what the target should hold for a canonical resource; ScimError 400 for what does not fit."""
        data = self.read(resource)
        if len(data) > 1 and not self.target.multi_valued:
            raise invalid_value(
                f"{self.text}: {len(data)} values were sent, and the target attribute {self.target.name!r} holds one."
            )
        return self._in_target(data)

    def _in_target(self, data: Sequence[Any]) -> Values:
        """Of several values that mean the same to the target the first one counts."""
        if len(data) == 1:  # as almost all are
            return (to_target(data[0], self.target, self.text),)
        found: dict[tuple[type, Value], Value] = {}
        for one in data:
            value = to_target(one, self.target, self.text)
            found.setdefault((type(value), normal(value, self.target)), value)
        return tuple(found.values())

    def means(self, data: Sequence[Any], values: Values) -> bool:
        """Returns whether JSON values mean just what the target holds."""
        try:
            return same_values(self._in_target(data), values, self.target)
        except ScimError:
            return False

    def comes_back_as_it_is(self, data: Sequence[Any]) -> bool:
        """Returns whether JSON values can only be shown as they are, as long as the target's values mean the same."""
        if self.target.type is not AttributeType.STRING or self.target.format is not None:
            return False
        return all(isinstance(one, str) and one.isascii() for one in data)

    @property
    def readable(self) -> bool:
        """Whether what was written can be read again, by the host and by a client."""
        attribute = self.path.target
        hidden = attribute is not None and attribute.returned == "never"
        return not hidden and self.target.operation is not AttributeOperation.EXPORT_ONLY


def selector_of(path: AttributePath) -> tuple[str, Any] | None:
    """Returns the sub-attribute and value that a path's filter asks for.

    None when the path has no filter. Raises ValueError for any filter but one ``eq`` on a sub-attribute, because only
    such an element can be created from the path alone.
    """
    chosen = path.value_filter
    if chosen is None:
        return None
    known = isinstance(chosen, Comparison) and chosen.path.attribute is not None and chosen.value is not None
    if known and isinstance(chosen, Comparison) and chosen.operator == "eq":
        return chosen.path.name, chosen.value
    raise ValueError('a mapped path can select by one "eq" only, as in emails[type eq "work"].value')


def _selector_or_none(path: AttributePath) -> tuple[str, Any] | None:
    try:
        return selector_of(path)
    except ValueError:
        return None


def _same_selector(left: tuple[str, Any], right: tuple[str, Any]) -> bool:
    """Whether both choose the same values. Of two sub-attributes (``type``, ``primary``) nobody knows, so: yes."""
    return left[0] != right[0] or selected({left[0]: left[1]}, *right)


@dataclass(frozen=True, slots=True)
class SchemaMapping:
    """All rows of one resource type, in the order of the configuration."""

    rows: tuple[MappedPath, ...]
    _writers: tuple[tuple[MappedPath, str, bool, Writer], ...] = field(init=False, repr=False, compare=False)
    _by_name: Mapping[tuple[str | None, str], list[MappedPath]] = field(init=False, repr=False, compare=False)
    selecting: tuple[Sequence[MappedPath], ...] = field(init=False, repr=False, compare=False)
    """The rows of each attribute whose values are all chosen by what they say of themselves (``places``)."""

    def __post_init__(self) -> None:
        by_name: dict[tuple[str | None, str], list[MappedPath]] = {}
        for row in self.rows:
            by_name.setdefault((row.path.urn, row.path.name), []).append(row)
        object.__setattr__(self, "_by_name", by_name)
        selecting = (rows for rows in by_name.values() if all(row.selector is not None for row in rows))
        object.__setattr__(self, "selecting", tuple(selecting))
        writers = ((row, row.target.name, shown_unchanged(row.scim_type), row.write) for row in self.rows)
        object.__setattr__(self, "_writers", tuple(writers))

    def resource_of(self, attributes: Attributes, spelled: Mapping[str, Sequence[Any]] = _NOTHING) -> dict[str, Any]:
        """Returns the mapped part of a SCIM resource for an object of the target.

        ``spelled``, by path, is shown in place of the target's values.
        """
        resource: dict[str, Any] = {}
        for row, name, texts_stay, write in self._writers:
            values = attributes.get(name)
            if not values:
                continue
            if spelled and (as_spelled := spelled.get(row.text)):
                write(resource, as_spelled)
            elif texts_stay and len(values) == 1 and type(values[0]) is str:  # as almost all are
                write(resource, values)
            else:
                write(resource, row.shown(values))
        return resource

    def attributes_of(self, resource: Mapping[str, Any]) -> dict[str, Values]:
        """Returns the target attributes that a canonical resource has values for; ScimError 400 for what does not fit.

        Where two paths lead to one target attribute, they must agree.
        """
        wanted: dict[str, Values] = {}
        for row in self.writable:
            values = row.target_values(resource)
            if not values:
                continue
            other = wanted.setdefault(row.target.name, values)
            if other is not values and not same_values(other, values, row.target):
                raise self._disagreement(row)
        return wanted

    def changes(self, attributes: Attributes, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Values]:
        """Returns the target attributes whose values differ between two states of a resource, with the new values.

        An empty tuple clears. A path whose SCIM values are the same in both states never contributes, so that a value
        that SCIM cannot express faithfully is not rewritten by a change of something else. Nor does one whose new
        values mean what the target holds already.
        """
        changed: dict[str, Values] = {}
        for row in self.writable:
            if row.container(before) is row.container(after) or row.read(before) == row.read(after):
                continue
            stored = attributes.get(row.target.name, ())
            values = _as_stored(row.target_values(after), stored, row.target)
            if same_values(stored, values, row.target):
                continue
            other = changed.setdefault(row.target.name, values)
            if other is not values and not same_values(other, values, row.target):
                raise self._disagreement(row)
        return changed

    @property
    def writable(self) -> Iterator[MappedPath]:
        """What the target only imports is shown and never written (RFC 7644 section 3.5.1: readOnly is ignored)."""
        return (row for row in self.rows if row.target.operation is not AttributeOperation.IMPORT_ONLY)

    def _disagreement(self, row: MappedPath) -> Exception:
        paths = " and ".join(other.text for other in self.rows if other.target.name == row.target.name)
        return invalid_value(f"{paths} are both kept in the target attribute {row.target.name!r} and must be equal.")

    def rows_of(self, path: AttributePath) -> Iterator[MappedPath]:
        """Yields the rows that give the values of a path in a filter, ``emails.value`` and ``emails`` included.

        Of ``emails[type eq "work"].value`` those of other types do not.
        """
        wanted = _selector_or_none(path)
        for row in self._by_name.get((path.urn, path.name), ()):
            if not _same_sub(row.path, path):
                continue
            if wanted is None or row.selector is None or _same_selector(row.selector, wanted):
                yield row

    def knows(self, path: AttributePath) -> bool:
        """Returns whether any row is about the attribute of a path."""
        return (path.urn, path.name) in self._by_name

    def path_of(self, target: str) -> str:
        """Returns the SCIM path under which clients know a target attribute; the target's own name when unmapped."""
        return next((row.text for row in self.rows if row.target.name == target), target)

    @property
    def targets(self) -> Sequence[str]:
        """The mapped target attributes, each once, in the order of the rows."""
        return tuple(dict.fromkeys(row.target.name for row in self.rows))


def _as_stored(values: Values, stored: Values, target: SchemaAttribute) -> Values:
    """Values of which those that the target holds already have its own form, so that they are not written anew."""
    if len(stored) < 2 and len(values) < 2:
        return values
    known = {(type(value), normal(value, target)): value for value in stored}
    return tuple(known.get((type(value), normal(value, target)), value) for value in values)


def _same_sub(row: AttributePath, asked: AttributePath) -> bool:
    row_sub = row.sub_attribute.name if row.sub_attribute else "value"
    asked_sub = asked.sub_attribute.name if asked.sub_attribute else "value"
    return row_sub == asked_sub
