"""Putting JSON values into a resource that is being built, compiled once for each row of a schema mapping."""

from collections.abc import Callable, Sequence
from typing import Any

from ecmahost_core.text import fold

Writer = Callable[[dict[str, Any], Sequence[Any]], None]
"""Puts JSON values, at least one, into a resource."""


def in_place(steps: tuple[str, ...], name: str) -> Writer:
    """Writes one value: into the resource, or into the object that the steps lead to."""

    def write(resource: dict[str, Any], shown: Sequence[Any]) -> None:
        resource[name] = shown[0]

    if not steps:
        return write
    first, *others = steps

    def write_inside(resource: dict[str, Any], shown: Sequence[Any]) -> None:
        holder = resource.get(first)
        if holder is None:
            holder = resource[first] = {}
        for step in others:
            holder = holder.setdefault(step, {})
        holder[name] = shown[0]

    return write_inside


def in_element(urn: str | None, name: str, selector: tuple[str, Any], sub: str) -> Writer:
    """Writes values into the elements of a list that the path's filter selects, each into one of its own.

    What is not shown is lost with the next change, which is computed from what clients see.
    """

    def write(resource: dict[str, Any], shown: Sequence[Any]) -> None:
        holder = resource.setdefault(urn, {}) if urn else resource
        elements = holder.setdefault(name, [])
        if len(shown) == 1:  # as almost always
            _element(elements, *selector)[sub] = shown[0]
            return
        chosen = [element for element in elements if selected(element, *selector)]
        for element, one in zip(chosen, shown, strict=False):
            element[sub] = one
        elements.extend({selector[0]: selector[1], sub: one} for one in shown[len(chosen) :])

    return write


def in_list(urn: str | None, name: str, key: str | None) -> Writer:
    """Writes all values into a list, each as an object with this key unless that is None."""

    def write(resource: dict[str, Any], shown: Sequence[Any]) -> None:
        holder = resource.setdefault(urn, {}) if urn else resource
        holder.setdefault(name, []).extend(shown if key is None else ({key: one} for one in shown))

    return write


def _element(elements: list[dict[str, Any]], sub: str, wanted: Any) -> dict[str, Any]:
    for element in elements:
        if selected(element, sub, wanted):
            return element
    elements.append({sub: wanted})
    return elements[-1]


def selected(element: Any, sub: str, wanted: Any) -> bool:
    """Returns whether an element of a list has the value that a path's filter asks for, as SCIM compares."""
    found = element.get(sub) if isinstance(element, dict) else None
    if isinstance(found, str) and isinstance(wanted, str):
        return fold(found) == fold(wanted)
    return found is not None and bool(found == wanted)
