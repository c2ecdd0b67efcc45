"""Which attributes an answer has: ``attributes``, ``excludedAttributes`` and ``returned``.

RFC 7644 sections 3.4.2.5 and 3.9, RFC 7643 section 2.4 for ``returned``. A projection is made once per request and
then applied to each resource of the page.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecmahost_core.scim import errors
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.path import parse_path
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.schemas import Attribute

_Key = tuple[str | None, str]
_Selection = Mapping[_Key, frozenset[str] | None]
"""(extension or None, attribute name, or empty for the whole of it) -> names of sub-attributes, or None for all."""


@dataclass(frozen=True, slots=True)
class Projection:
    """What to show of resources of one type; made by ``projection``."""

    resource_type: ResourceType
    selected: _Selection | None
    excluded: _Selection

    def wants(self, path: AttributePath) -> bool:
        """Whether any of an attribute is shown, so that what is costly (``members``) need not be read for nothing."""
        attribute = path.attribute
        if attribute is None or attribute.returned in ("always", "never"):
            return attribute is not None and attribute.returned == "always"
        keys = ((path.urn, path.name), (path.urn, ""))
        if self.selected is not None:
            return any(key in self.selected for key in keys)
        return attribute.returned == "default" and not any(self.excluded.get(key, ()) is None for key in keys)

    def of(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """The part of ``resource`` to show. The argument is not changed; unchanged parts are shared with it."""
        if self.selected is not None:
            return self._selected_of(resource, self.selected)
        shown = dict(resource)
        for path in self.resource_type.hidden:
            _drop(shown, path.urn, path.name, None if path.sub_attribute is None else {path.sub_attribute.name})
        for (urn, name), subs in self.excluded.items():
            if name:
                _drop(shown, urn, name, subs)
            elif urn is not None:
                shown.pop(urn, None)
        return shown

    def _selected_of(self, resource: Mapping[str, Any], selected: _Selection) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for key, value in resource.items():
            schema = self.resource_type.extension(key)
            if schema is None:
                path = self.resource_type.lookup(key)
                part = _part(path.attribute if path else None, value, (None, key), selected)
            else:
                inner = {
                    name: _part(schema.attribute(name), item, (schema.id, name), selected)
                    for name, item in value.items()
                }
                part = {name: item for name, item in inner.items() if item is not None}
            if part is not None and part != {}:
                shown[key] = part
        return shown


def projection(
    resource_type: ResourceType, attributes: Sequence[str] | None = None, excluded: Sequence[str] | None = None
) -> Projection:
    """Reads the two parameters, each a list of attribute paths, None or empty when the client did not give it.

    Unknown names are passed over; ``id`` and ``schemas`` are always shown.

    Raises:
        ScimError: 400 ``invalidValue`` when both are given.
    """
    if attributes and excluded:
        raise errors.invalid_value("attributes and excludedAttributes exclude each other; send one of them.")
    return Projection(
        resource_type,
        _selection(attributes, resource_type) if attributes else None,
        _selection(excluded or (), resource_type, always=False),
    )


def project(
    resource: Mapping[str, Any],
    resource_type: ResourceType,
    attributes: Sequence[str] | None = None,
    excluded: Sequence[str] | None = None,
) -> dict[str, Any]:
    """``projection`` for one resource; raises what that raises."""
    return projection(resource_type, attributes, excluded).of(resource)


def _selection(names: Iterable[str], resource_type: ResourceType, *, always: bool = True) -> _Selection:
    """What ``names`` say; without ``always`` less what is always returned and cannot be excluded."""
    selection: dict[_Key, frozenset[str] | None] = {}
    for name in resource_type.with_commas(tuple(names)):
        try:
            path = parse_path(name, resource_type)
        except ScimError:
            continue
        if path.attribute is None and path.name:
            continue
        if not always and path.target is not None and path.target.returned == "always":
            continue
        key = (path.urn, path.name)
        known = selection.get(key, frozenset())
        if path.sub_attribute is None or known is None:
            selection[key] = None
        else:
            selection[key] = known | {path.sub_attribute.name}
    return selection


def _part(attribute: Attribute | None, value: Any, key: _Key, selected: _Selection) -> Any:
    """What the selection shows of one attribute's value, None for nothing."""
    if attribute is None or attribute.returned == "never":
        return None
    subs = selected.get(key, frozenset())
    if attribute.returned == "always" or subs is None:
        return _subset(attribute, value, None)
    if subs:
        return _subset(attribute, value, subs)
    if (key[0], "") in selected and attribute.returned == "default":
        return _subset(attribute, value, None)
    kept = frozenset(sub.name for sub in attribute.sub_attributes if sub.returned == "always")
    return _subset(attribute, value, kept) if kept else None


def _subset(attribute: Attribute, value: Any, subs: frozenset[str] | None) -> Any:
    """The named sub-attributes of a value and those that are always returned; all by default with None."""
    if attribute.type != "complex":
        return value
    kept = {
        sub.name
        for sub in attribute.sub_attributes
        if sub.returned == "always"
        or (sub.returned == "default" and (subs is None or sub.name in subs))
        or (sub.returned == "request" and subs is not None and sub.name in subs)
    }
    if isinstance(value, list):
        return [part for element in value if (part := {k: v for k, v in element.items() if k in kept})] or None
    return {k: v for k, v in value.items() if k in kept} or None


def _drop(shown: dict[str, Any], urn: str | None, name: str, subs: Iterable[str] | None) -> None:
    """Takes an attribute, or some of its sub-attributes, out of ``shown``, copying what it changes."""
    container = shown if urn is None else shown.get(urn)
    if not container or name not in container:
        return
    part = None if subs is None else _without(container[name], frozenset(subs))
    rest = {key: value for key, value in container.items() if key != name}
    if part:
        rest[name] = part
    if urn is None:
        shown.clear()
        shown.update(rest)
    elif rest:
        shown[urn] = rest
    else:
        del shown[urn]


def _without(value: Any, subs: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [part for element in value if (part := {k: v for k, v in element.items() if k not in subs})]
    return {k: v for k, v in value.items() if k not in subs}
