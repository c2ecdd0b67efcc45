"""The messages of Bulk (RFC 7644 section 3.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecmahost_core.scim import errors, urns
from ecmahost_core.scim.errors import ScimError

METHODS = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """One operation of a bulk request, as sent.

    ``method`` is in upper case. ``bulk_id`` is None where there is none, ``version`` (for ``If-Match``) likewise.
    ``problem`` says why it cannot be done, whatever it asks for; what else it has may be empty then.
    """

    method: str
    path: str
    bulk_id: str | None = None
    version: str | None = None
    data: Any = field(default=None, repr=False)
    problem: ScimError | None = None


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """A bulk request. ``fail_on_errors``: so many errors end it; None where none does."""

    operations: tuple[BulkOperation, ...]
    fail_on_errors: int | None


def parse_bulk(body: Any, max_operations: int) -> BulkRequest:
    """Reads a BulkRequest, the names of its parts in any case.

    What is wrong with one operation is that operation's problem; two of one ``bulkId`` are the request's.

    Raises:
        ScimError: 400 ``invalidSyntax``; 413 for more than ``max_operations``.
    """
    if not isinstance(body, Mapping):
        raise errors.invalid_syntax("The body of a bulk request has to be a JSON object with Operations.")
    parts = {str(key).lower(): value for key, value in body.items()}
    listed = parts.get("schemas")
    urn = urns.BULK_REQUEST
    if listed is not None and not (isinstance(listed, list) and urn.lower() in map(str.lower, map(str, listed))):
        raise errors.invalid_syntax(f"The schemas of a bulk request have to list {urn}.")
    operations = parts.get("operations")
    if not isinstance(operations, list):
        raise errors.invalid_syntax("The body of a bulk request has to have Operations, an array.")
    if len(operations) > max_operations:
        raise ScimError(
            413, f"A bulk request has at most {max_operations} operations here, and this {len(operations)}."
        )
    limit = parts.get("failonerrors")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise errors.invalid_syntax("failOnErrors has to be an integer of at least 1.")
    read = tuple(_operation(operation) for operation in operations)
    names = [operation.bulk_id for operation in read if operation.bulk_id is not None]
    if len(set(names)) < len(names):
        raise errors.invalid_syntax("Two operations have the same bulkId.")
    return BulkRequest(read, limit)


def bulk_response(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A BulkResponse of the operations that were processed."""
    return {"schemas": [urns.BULK_RESPONSE], "Operations": list(results)}


def _operation(operation: Any) -> BulkOperation:
    if not isinstance(operation, Mapping):
        return BulkOperation("", "", problem=errors.invalid_syntax("An operation has to be an object."))
    parts = {str(key).lower(): value for key, value in operation.items() if value is not None}
    texts = {name: parts.get(name, "") for name in ("method", "path", "bulkid", "version")}
    for name, value in texts.items():
        if not isinstance(value, str):
            return BulkOperation("", "", problem=errors.invalid_syntax(f"{name} has to be a string."))
    method, bulk_id = texts["method"].upper(), texts["bulkid"] or None
    problem = None
    if method not in METHODS:
        problem = errors.invalid_syntax(f"method has to be one of {', '.join(METHODS)}.")
        method = method[:20]
    elif not texts["path"]:
        problem = errors.invalid_syntax("path is missing: an endpoint to POST to, or a resource.")
    elif method == "POST" and bulk_id is None:
        problem = errors.invalid_syntax("A POST has to have a bulkId, by which its answer is known.")
    elif method != "DELETE" and not isinstance(parts.get("data"), Mapping):
        problem = errors.invalid_syntax(f"A {method} has to have data, an object.")
    return BulkOperation(method, texts["path"], bulk_id, texts["version"] or None, parts.get("data"), problem)
