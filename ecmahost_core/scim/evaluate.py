"""Whether a resource matches a filter (RFC 7644 section 3.4.2.2).

Strings are compared by the host's one fold, also where the schema says ``caseExact``, and on purpose: uniqueness, the
value index and ``eq`` must agree. Were ``eq`` stricter, a match would find nobody and the create after it would be
refused as a duplicate, in every cycle.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import contains, ge, gt, le, lt
from typing import Any

from ecmahost_core.scim.literals import instant
from ecmahost_core.scim.nodes import And, AttributePath, Comparison, Filter, Not, Or, Present, Rank, ValuePath
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.text import fold

_ORDERED = {"gt": gt, "ge": ge, "lt": lt, "le": le}


@dataclass(frozen=True, slots=True)
class Spelling:
    """A value with several forms that mean the same, in a resource that a filter is applied to.

    ``co``, ``sw`` and ``ew`` look at what is ``shown``; all other operators compare ``equal``, the one form under which
    equal values are equal. Orders compare ``rank`` where there is one: 9 is less than 10, as a text it is not.
    """

    shown: Any
    equal: Any
    rank: Rank | None = None

    @property
    def ordered(self) -> Any:
        """What has an order."""
        return self.equal if self.rank is None else self.rank


def matches(
    node: Filter,
    resource: Mapping[str, Any],
    resource_type: ResourceType,  # noqa: ARG001 - callers say which type ``node`` was read for; its paths carry the rest
) -> bool:
    """Whether ``resource``, in canonical form with ``id``, ``meta`` and ``schemas``, matches.

    ``node`` was read for the same ``resource_type``. Of a multi-valued attribute any value may match. ``ne`` is true
    when ``eq`` is not, so also for an absent attribute. An attribute that the type does not know is one without a value
    (RFC 7644 section 3.4.2.1): ``ne``, ``not (... pr)`` and ``eq null`` hold for it, nothing else does.
    """
    return _holds(node, resource)


def element_matches(node: Filter, element: Any) -> bool:
    """Whether one value of a multi-valued attribute satisfies a filter that stood between brackets."""
    return _holds(node, element if isinstance(element, Mapping) else {"value": element})


def comparisons(node: Filter) -> int:
    """How many times a filter looks at what it is applied to, at the most."""
    if isinstance(node, And | Or):
        return sum(map(comparisons, node.operands))
    if isinstance(node, Not):
        return comparisons(node.operand)
    return comparisons(node.filter) if isinstance(node, ValuePath) else 1


def _holds(node: Filter, scope: Mapping[str, Any]) -> bool:
    if isinstance(node, Comparison):
        return _compares(node, scope)
    if isinstance(node, And):
        return all(_holds(operand, scope) for operand in node.operands)
    if isinstance(node, Or):
        return any(_holds(operand, scope) for operand in node.operands)
    if isinstance(node, Not):
        return not _holds(node.operand, scope)
    if isinstance(node, Present):
        return any(map(is_something, _values(node.path, scope)))
    return any(element_matches(node.filter, element) for element in elements_of(node.path, scope))


def elements_of(path: AttributePath, resource: Mapping[str, Any]) -> list[Any]:
    """Returns the values of the path's attribute that its value filter lets through, whatever its sub-attribute."""
    if path.attribute is None:
        return []
    container = resource if path.urn is None else resource.get(path.urn) or {}
    value = container.get(path.name)
    if value is None:
        return []
    elements = value if isinstance(value, list) else [value]
    if path.value_filter is None:
        return elements
    return [element for element in elements if element_matches(path.value_filter, element)]


def _values(path: AttributePath, resource: Mapping[str, Any]) -> list[Any]:
    elements = elements_of(path, resource)
    sub = path.sub_attribute
    if sub is None:
        return elements
    found: list[Any] = []
    for element in elements:
        value = element.get(sub.name) if isinstance(element, Mapping) else None
        if isinstance(value, list):
            found += value
        elif value is not None:
            found.append(value)
    return found


def _compares(comparison: Comparison, resource: Mapping[str, Any]) -> bool:
    operator = comparison.operator
    values = [_simple(value, operator) for value in _values(comparison.path, resource)]
    if comparison.value is None:
        return (not any(value is not None for value in values)) == (operator == "eq")
    holds = _TESTS[operator]
    return any(holds(value, comparison) for value in values) != (operator == "ne")


def _simple(value: Any, operator: str) -> Any:
    """What an operator compares: of a complex value its ``value``, of a spelling one of its forms."""
    if isinstance(value, Mapping):
        value = value.get("value")
    if not isinstance(value, Spelling):
        return value
    if operator in _ORDERED:
        return value.ordered
    return value.shown if operator in _PARTS else value.equal


def _equal(stored: Any, comparison: Comparison) -> bool:
    wanted = comparison.value
    if isinstance(stored, str):
        if not isinstance(wanted, str):
            return False
        if _is_moment(comparison):
            return _in_order(stored, comparison, ge) and _in_order(stored, comparison, le)
        if _is_binary(comparison):
            return stored == wanted
        return fold(stored) == comparison.folded
    if isinstance(stored, bool) or isinstance(wanted, bool):
        return stored is wanted
    return bool(stored == wanted)


def _ordered(stored: Any, comparison: Comparison) -> bool:
    return _in_order(stored, comparison, _ORDERED[comparison.operator])


def _in_order(stored: Any, comparison: Comparison, test: Any) -> bool:
    wanted = comparison.value
    if isinstance(stored, bool) or isinstance(wanted, bool):
        return False
    if isinstance(stored, str) and isinstance(wanted, str):
        if not _is_moment(comparison):
            return bool(test(fold(stored), comparison.folded))
        left, right = instant(stored), instant(wanted)
        return left is not None and right is not None and bool(test(left, right))
    if isinstance(stored, int | float) and isinstance(wanted, int | float):
        return bool(test(stored, wanted))
    if isinstance(stored, Decimal | datetime):
        return type(stored) is type(wanted) and bool(test(stored, wanted))
    return False


def _contains(stored: Any, comparison: Comparison) -> bool:
    """``co``, ``sw`` and ``ew``; each is true of equal texts, however many blanks the texts end in."""
    wanted = comparison.value
    if not isinstance(stored, str) or not isinstance(wanted, str):
        return False
    if _is_binary(comparison):
        return _PARTS[comparison.operator](stored, wanted)
    if fold(stored) == comparison.folded:
        return True
    text, part = _fold_with_blanks(stored), _fold_with_blanks(wanted)
    if _PARTS[comparison.operator](text, part):
        return True
    return comparison.operator == "ew" and fold(stored).endswith(comparison.folded)


def _fold_with_blanks(text: str) -> str:
    """The fold with the blanks at the end kept: in part of a text they mean something (``sw "van "``)."""
    return fold(f"{text}.")[:-1]


def _is_moment(comparison: Comparison) -> bool:
    target = comparison.path.target
    return target is not None and target.type == "dateTime"


def _is_binary(comparison: Comparison) -> bool:
    """Base64 of other bytes may differ in case alone, so it is compared as it stands (RFC 7643 section 2.3.6)."""
    target = comparison.path.target
    return target is not None and target.type == "binary"


def is_something(value: Any) -> bool:
    """Whether a value counts as one: ``pr`` does not hold for an empty text or list (RFC 7644 table 3)."""
    shown = value.shown if isinstance(value, Spelling) else value
    return shown is not None and shown not in ("", [], {})


_PARTS: dict[str, Callable[[str, str], bool]] = {"co": contains, "sw": str.startswith, "ew": str.endswith}
_TESTS = {
    "eq": _equal,
    "ne": _equal,
    "co": _contains,
    "sw": _contains,
    "ew": _contains,
    "gt": _ordered,
    "ge": _ordered,
    "lt": _ordered,
    "le": _ordered,
}
