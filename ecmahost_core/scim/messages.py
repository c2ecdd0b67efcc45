"""The messages of the protocol around the resources: queries, lists, PatchOp."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecmahost_core.scim import errors, urns
from ecmahost_core.scim.operations import Op, Operation

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_OPS: dict[str, Op] = {"add": "add", "replace": "replace", "remove": "remove"}


@dataclass(frozen=True, slots=True)
class Query:
    """The query parameters of a request for resources (RFC 7644 sections 3.4.2 and 3.9, RFC 9865).

    ``filter`` is None where there is none. ``start_index`` counts from 1, ``count`` is 0 or more and already cut to
    the maximum. ``attributes`` and ``excluded_attributes`` are empty where the client did not give them. ``cursor`` is
    None where the client pages by index, empty for the first page; ``count`` is at least 1 then.
    """

    filter: str | None
    start_index: int
    count: int
    attributes: tuple[str, ...] = ()
    excluded_attributes: tuple[str, ...] = ()
    sort_by: str | None = None
    sort_order: str | None = None
    cursor: str | None = None


def parse_query(parameters: Mapping[str, str], *, default_count: int, max_count: int) -> Query:
    """Reads the decoded query parameters; unknown ones (feature flags of a client) are passed over.

    Raises:
        ScimError: 400 ``invalidValue`` when ``startIndex`` or ``count`` is no integer, ``invalidCount`` when a page of
            a query with a cursor would be empty.
    """
    pages = _Pages(
        _integer(parameters, "startIndex", 1), _integer(parameters, "count", default_count), parameters.get("cursor")
    )
    return pages.query(
        max_count,
        parameters.get("filter"),
        (_names(parameters.get("attributes")), _names(parameters.get("excludedAttributes"))),
        (parameters.get("sortBy"), parameters.get("sortOrder")),
    )


def parse_search(body: Any, *, default_count: int, max_count: int) -> Query:
    """Reads a SearchRequest (RFC 7644 section 3.4.3), the names of its parts in any case; null is as good as absent.

    Raises:
        ScimError: 400 ``invalidSyntax`` naming the part that has a wrong type; what ``parse_query`` raises.
    """
    if not isinstance(body, Mapping):
        raise errors.invalid_syntax("The body of a search has to be a JSON object, a SearchRequest.")
    parts = {str(key).lower(): value for key, value in body.items() if value is not None}
    if "schemas" in parts and not _mentions(parts["schemas"], urns.SEARCH_REQUEST):
        raise errors.invalid_syntax(f"The schemas of a search have to list {urns.SEARCH_REQUEST}.")
    pages = _Pages(_number(parts, "startIndex", 1), _number(parts, "count", default_count), _text(parts, "cursor"))
    return pages.query(
        max_count,
        _text(parts, "filter"),
        (_listed(parts, "attributes"), _listed(parts, "excludedAttributes")),
        (_text(parts, "sortBy"), _text(parts, "sortOrder")),
    )


@dataclass(frozen=True, slots=True)
class _Pages:
    """What a client says of the page that it wants, as it says it."""

    start_index: int
    count: int
    cursor: str | None

    def query(
        self,
        max_count: int,
        wanted: str | None,
        projection: tuple[tuple[str, ...], tuple[str, ...]],
        sort: tuple[str | None, str | None],
    ) -> Query:
        if self.cursor is not None and self.count < 1:
            raise errors.of_type("invalidCount", "With a cursor, count has to be at least 1.")
        if self.cursor is not None and self.start_index > 1:
            raise errors.invalid_value("cursor and startIndex exclude each other; send one of them.")
        count = min(max(self.count, 0), max_count)
        return Query(wanted, max(self.start_index, 1), count, *projection, *sort, self.cursor)


def cursor_response(
    resources: Sequence[Mapping[str, Any]], total: int | None, next_cursor: str | None
) -> dict[str, Any]:
    """A ListResponse (RFC 9865 section 2) of one page of a query with a cursor; without ``next_cursor`` it is the last.

    ``total`` is None where counting would cost more than the page.
    """
    response: dict[str, Any] = {"schemas": [urns.LIST_RESPONSE]}
    if total is not None:
        response["totalResults"] = total
    response |= {"itemsPerPage": len(resources), "Resources": list(resources)}
    return response if next_cursor is None else response | {"nextCursor": next_cursor}


def list_response(resources: Sequence[Mapping[str, Any]], total: int, start_index: int = 1) -> dict[str, Any]:
    """A ListResponse (RFC 7644 section 3.4.2) of one page.

    ``total`` counts what matches, not what is on the page. ``itemsPerPage`` is what the page has: a client asked for
    more on an empty page takes any other number for a fault.
    """
    return {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def parse_patch(body: Any) -> tuple[Operation, ...]:
    """Reads a PatchOp message (RFC 7644 section 3.5.2). ``schemas`` may be missing, ``Operations`` may be empty.

    Raises:
        ScimError: 400 ``invalidSyntax`` naming what is missing or of a wrong type, ``invalidPath`` for a path that
            is no string.
    """
    if not isinstance(body, Mapping):
        raise errors.invalid_syntax("The body of a PATCH has to be a JSON object with Operations.")
    message = {str(key).lower(): value for key, value in body.items()}
    listed = message.get("schemas")
    if listed is not None and not _mentions(listed, urns.PATCH_OP):
        raise errors.invalid_syntax(f"The schemas of a PATCH have to list {urns.PATCH_OP}.")
    operations = message.get("operations")
    if not isinstance(operations, list):
        raise errors.invalid_syntax("The body of a PATCH has to have Operations, an array.")
    return tuple(_operation(operation, number) for number, operation in enumerate(operations, 1))


def _integer(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, "").strip()
    if not text:
        return default
    if _INTEGER.fullmatch(text) is None:
        raise errors.invalid_value(f"The parameter {name} has to be an integer of at most 18 digits.")
    return int(text)


def _number(parts: Mapping[str, Any], name: str, default: int) -> int:
    value = parts.get(name.lower(), default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise errors.invalid_syntax(f"{name} of a search has to be an integer.")
    return value


def _text(parts: Mapping[str, Any], name: str) -> str | None:
    value = parts.get(name.lower())
    if value is not None and not isinstance(value, str):
        raise errors.invalid_syntax(f"{name} of a search has to be a string.")
    return value


def _listed(parts: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = parts.get(name.lower(), [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise errors.invalid_syntax(f"{name} of a search has to be an array of strings.")
    return tuple(stripped for item in value if (stripped := item.strip()))


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _mentions(listed: Any, urn: str) -> bool:
    return isinstance(listed, list) and any(isinstance(item, str) and item.lower() == urn.lower() for item in listed)


def _operation(operation: Any, number: int) -> Operation:
    if not isinstance(operation, Mapping):
        raise errors.invalid_syntax(f"Operation {number} has to be an object with op, path and value.")
    parts = {str(key).lower(): value for key, value in operation.items()}
    op = parts.get("op")
    known = _OPS.get(op.lower()) if isinstance(op, str) else None
    if known is None:
        raise errors.invalid_syntax(f"Operation {number} has to have an op: add, replace or remove.")
    path = parts.get("path")
    if path is not None and not isinstance(path, str):
        raise errors.invalid_path(f"The path of operation {number} has to be a string.")
    return Operation(known, path, parts.get("value"), "value" in parts)
