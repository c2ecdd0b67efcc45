"""Which references of an object a filter has to see, because they alone decide whether it holds.

``members eq "U"`` is decided by whether U is among fifty thousand members, so nobody else need be read. ``members pr``
and ``members[type eq "Group"]`` have to see them all.
"""

from collections.abc import Iterable

from ecmahost_core.scim.nodes import And, AttributePath, Comparison, Filter, Not, Or, ValuePath
from ecmahost_core.text import fold

Ids = frozenset[str]

_NONE: Ids = frozenset()


def deciding_ids(node: Filter, place: tuple[str | None, str]) -> Ids | None:
    """Returns the ids whose presence in an attribute decides a filter; None where any of its values may.

    ``place`` is the extension and the name of an attribute whose values are objects with an id under ``value``.
    """
    if isinstance(node, And | Or):
        return _together(deciding_ids(operand, place) for operand in node.operands)
    if isinstance(node, Not):
        return deciding_ids(node.operand, place)
    if (node.path.urn, node.path.name) != place:
        return _NONE
    if isinstance(node, ValuePath):
        return _satisfying(node.filter)
    return _ids(node) if isinstance(node, Comparison) and node.operator in ("eq", "ne") else None


def names_id(path: AttributePath) -> bool:
    """Whether a path gives the ids of such an attribute's values: ``members`` does, and ``members.value``."""
    return path.attribute is not None and (path.sub_attribute is None or path.sub_attribute.name == "value")


def _ids(node: Comparison) -> Ids | None:
    return frozenset({fold(str(node.value))}) if node.value is not None and names_id(node.path) else None


def _satisfying(inner: Filter) -> Ids | None:
    """The ids of the only values that can satisfy a filter between brackets; None where others can."""
    if isinstance(inner, And):
        return next((ids for ids in map(_satisfying, inner.operands) if ids is not None), None)
    if isinstance(inner, Or):
        return _together(map(_satisfying, inner.operands))
    is_id = isinstance(inner, Comparison) and inner.operator == "eq" and inner.path.name == "value"
    return _ids(inner) if is_id and isinstance(inner, Comparison) else None


def _together(parts: Iterable[Ids | None]) -> Ids | None:
    found = _NONE
    for part in parts:
        if part is None:
            return None
        found |= part
    return found
