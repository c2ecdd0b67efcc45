"""``bulkId:`` in a bulk request: references to resources that the request itself creates (RFC 7644 section 3.7.2).

They stand where an id does: as a whole value (``{"value": "bulkId:qwerty"}``), at the end of a ``$ref``, in the filter
of a PATCH path (``members[value eq "bulkId:qwerty"]``), and in an operation's own path (``/Groups/bulkId:qwerty``).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecmahost_core.scim import urns
from ecmahost_core.scim.bulk import BulkOperation
from ecmahost_core.scim.errors import invalid_value

_WHOLE = "bulkId:"
_INSIDE = re.compile(r'(?:(?<=/)|(?<="))bulkId:([^"/]+)(?=$|")')
_DEPTH = 10
"""No SCIM value is deeper, a PATCH that carries one included."""


@dataclass(frozen=True, slots=True)
class Planned:
    """When an operation has its turn, by its number; ``later`` are the bulkIds that it has to do without at first."""

    number: int
    later: frozenset[str] = frozenset()


def references(operation: BulkOperation) -> frozenset[str]:
    """The bulkIds that an operation refers to."""
    return frozenset((*_mentioned(operation.path), *_mentioned(operation.data)))


def plan(operations: Sequence[BulkOperation]) -> list[Planned]:
    """The order in which the operations can be done: as they stand, but each behind those that it refers to.

    Where operations refer to each other in a circle, one of them comes first and does without: only creations are
    referred to, so it can be completed by a PATCH.
    """
    made_by = {one.bulk_id: number for number, one in enumerate(operations) if one.method == "POST" and one.bulk_id}
    needs = [sorted(references(one) & made_by.keys()) for one in operations]
    order: list[Planned] = []
    begun: set[int] = set()
    done: set[int] = set()
    for first in range(len(operations)):
        stack = [] if first in begun else [first]
        while stack:
            number = stack[-1]
            begun.add(number)
            before = next((made_by[one] for one in needs[number] if made_by[one] not in begun), None)
            if before is not None:
                stack.append(before)
                continue
            stack.pop()
            order.append(Planned(number, frozenset(one for one in needs[number] if made_by[one] not in done)))
            done.add(number)
    return order


def resolved(data: Any, ids: Mapping[str, str], depth: int = _DEPTH) -> Any:
    """``data`` with the ids of the resources in the place of their bulkIds; what is too deep stays, and is refused.

    Raises:
        ScimError: 400 ``invalidValue`` for a bulkId that no POST of the request has.
    """
    if isinstance(data, str):
        if data.startswith(_WHOLE):
            return _id(ids, data.removeprefix(_WHOLE))
        return _INSIDE.sub(lambda found: _id(ids, found[1]), data) if _WHOLE in data else data
    if depth and isinstance(data, Mapping):
        return {key: resolved(value, ids, depth - 1) for key, value in data.items()}
    if depth and isinstance(data, list):
        return [resolved(value, ids, depth - 1) for value in data]
    return data


def without(data: Mapping[str, Any], later: frozenset[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A resource to create, without what refers to ``later``, and the PATCH operations that add it afterwards."""
    return _parted(data, later, "")


def patch_of(operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The PatchOp message of some operations."""
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def _parted(data: Mapping[str, Any], later: frozenset[str], owner: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kept: dict[str, Any] = {}
    operations: list[dict[str, Any]] = []
    for key, value in data.items():
        if not later & frozenset(_mentioned(value)):
            kept[key] = value
        elif key[:4].lower() == "urn:" and isinstance(value, Mapping):
            kept[key], inner = _parted(value, later, f"{key}:")
            operations += inner
        elif isinstance(value, list):
            kept[key] = [one for one in value if not later & frozenset(_mentioned(one))]
            missing = [one for one in value if later & frozenset(_mentioned(one))]
            operations.append({"op": "add", "path": owner + key, "value": missing})
        else:
            operations.append({"op": "add", "path": owner + key, "value": value})
    return kept, operations


def _mentioned(data: Any, depth: int = _DEPTH) -> Iterator[str]:
    if isinstance(data, str):
        if data.startswith(_WHOLE):
            yield data.removeprefix(_WHOLE)
        elif _WHOLE in data:
            yield from (found[1] for found in _INSIDE.finditer(data))
    elif depth and isinstance(data, Mapping):
        for value in data.values():
            yield from _mentioned(value, depth - 1)
    elif depth and isinstance(data, list):
        for value in data:
            yield from _mentioned(value, depth - 1)


def _id(ids: Mapping[str, str], bulk_id: str) -> str:
    if bulk_id not in ids:
        raise invalid_value("The operation refers to a bulkId that no POST of this request has.")
    return ids[bulk_id]
