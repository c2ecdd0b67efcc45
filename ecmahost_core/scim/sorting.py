"""The order of a listing: ``sortBy`` and ``sortOrder`` (RFC 7644 section 3.4.2.3).

Texts are in the order of the host's one fold, so that those which ``eq`` takes for the same stand together; where the
schema says ``caseExact``, in the order of their characters. Who has no value comes last, and first in descending order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ecmahost_core.scim.errors import ScimError, invalid_value
from ecmahost_core.scim.evaluate import Spelling, elements_of, is_something
from ecmahost_core.scim.literals import instant
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.path import parse_path
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.text import fold

SortKey = tuple[int, Any]
"""Compares with every other one: what kind of value it is, and the value."""

_TRUTH, _NUMBER, _MOMENT, _TEXT, _ABSENT = range(5)
_ORDERS = {"ascending": False, "descending": True}


@dataclass(frozen=True, slots=True)
class Sort:
    """By which attribute a listing is sorted; the path leads to simple values of an attribute that there is."""

    path: AttributePath
    descending: bool = False


def parse_sort(sort_by: str | None, sort_order: str | None, resource_type: ResourceType) -> Sort | None:
    """Reads the two parameters of a query on resources of one type; None where nothing is to be sorted.

    ``sort_order`` is in any case, and ascending where it is missing. Without ``sort_by`` it has no meaning.

    Raises:
        ScimError: 400 ``invalidValue``: another order, or an attribute that the type does not have, that is complex
            and has no value of its own, that is binary, or that is never shown.
    """
    if not sort_by:
        return None
    descending = _ORDERS.get((sort_order or "ascending").lower())
    if descending is None:
        raise invalid_value("sortOrder is ascending or descending.")
    try:
        path = parse_path(sort_by, resource_type)
    except ScimError as error:
        raise invalid_value(f"sortBy is no attribute path. {error.detail}") from None
    target = path.target
    if target is not None and target.type == "complex":
        target = target.sub("value")
    if target is None or target.type == "binary" or target.returned == "never":
        name = resource_type.name
        raise invalid_value(f"sortBy names no attribute of {name} that has an order; name one of its simple values.")
    return Sort(path, descending)


def sort_key(sort: Sort, resource: Mapping[str, Any]) -> SortKey:
    """Returns the place of a canonical resource in the ascending order.

    Of several values the primary one counts, else the first.
    """
    path = sort.path
    value = _value(path, _chosen(path, resource))
    if not is_something(value):
        return _ABSENT, 0
    if isinstance(value, Spelling):
        value = value.ordered
    if isinstance(value, bool):
        return _TRUTH, value
    if isinstance(value, int | float | Decimal):
        return _NUMBER, value
    if isinstance(value, datetime):
        return _MOMENT, value
    return _text_key(path, str(value))


def _chosen(path: AttributePath, resource: Mapping[str, Any]) -> Any:
    elements = elements_of(path, resource)
    primary = (one for one in elements if isinstance(one, Mapping) and one.get("primary") is True)
    return next(primary, elements[0] if elements else None)


def _value(path: AttributePath, element: Any) -> Any:
    if not isinstance(element, Mapping):
        return element
    value = element.get(path.sub_attribute.name if path.sub_attribute else "value")
    return next(iter(value), None) if isinstance(value, list) else value


def _text_key(path: AttributePath, text: str) -> SortKey:
    target = path.target
    if target is not None and target.type == "dateTime":
        moment = instant(text)
        if moment is not None:
            return _MOMENT, moment
    return _TEXT, text if _case_exact(path) else fold(text)


def _case_exact(path: AttributePath) -> bool:
    target = path.target
    if target is not None and target.type == "complex":
        target = target.sub("value")
    return target is not None and target.case_exact
