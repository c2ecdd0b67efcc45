"""Bulk (RFC 7644 section 3.7): many operations in one request, each with an answer of its own.

Every operation is a write like any other: with its journal entry, within the request's one deadline. What the deadline
does not allow any more is answered 503 and was not begun.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import unquote

from ecmahost_core.scim.bulk import BulkOperation, BulkRequest, bulk_response
from ecmahost_core.scim.bulk_references import Planned, patch_of, plan, references, resolved, without
from ecmahost_core.scim.errors import ScimError, unavailable
from ecmahost_core.scim.messages import Query
from ecmahost_core.sync.endpoint import Call
from ecmahost_core.sync.reading.presentation import ANSWERED_WITHOUT_BODY
from ecmahost_core.web import verbs
from ecmahost_core.web.exchange import Asked, Reply, Served
from ecmahost_core.web.failures import reply_to
from ecmahost_core.web.paths import spelled

OPERATIONS_PER_SECOND = 20
"""Of the request's budget: what a target that is not fast takes. maxOperations follows from it."""
MOST_OPERATIONS = 1000
LEAST_SECONDS = 0.5
"""An operation is not begun with less time than that: its outcome might not be known when the answer is due."""

_NOTHING_SAID = Query(None, 1, 0)
_LITTLE = Query(None, 1, 0, attributes=("id",))
"""What is looked up of a resource that is not shown: not its thousands of members."""

_VERBS = {"PUT": verbs.replace, "PATCH": verbs.patch}

Types = Callable[[str], Served]
"""From the name of a collection (``Users``) to what is served there; raises ScimError 404."""


def max_operations(request_budget: float) -> int:
    """Returns how many operations fit into a request that may take so many seconds."""
    return max(1, min(MOST_OPERATIONS, int(request_budget * OPERATIONS_PER_SECOND)))


def bulk(request: BulkRequest, types: Types, base_url: str, call: Call) -> Reply:
    """Does what a bulk request says and returns its BulkResponse, in the order of the request.

    Operations that refer to others come behind them. When ``failOnErrors`` is reached, the rest is neither done nor
    answered.
    """
    work = _Work(request.operations, types, base_url, call)
    for planned in plan(request.operations):
        work.do(planned)
        if request.fail_on_errors is not None and work.errors >= request.fail_on_errors:
            break
    work.finish()
    return Reply(200, bulk_response(work.results()))


class _Work:
    """A bulk request while it is being done."""

    def __init__(self, operations: Sequence[BulkOperation], types: Types, base_url: str, call: Call) -> None:
        self._operations = operations
        self._types = types
        self._base_url = base_url
        self._call = call
        self._ids: dict[str, str] = {}
        self._failed: set[str] = set()
        self._results: dict[int, dict[str, Any]] = {}
        self._incomplete: dict[int, tuple[frozenset[str], list[dict[str, Any]]]] = {}

    @property
    def errors(self) -> int:
        return sum(not result["status"].startswith("2") for result in self._results.values())

    def results(self) -> list[dict[str, Any]]:
        return [self._results[number] for number in sorted(self._results)]

    def do(self, planned: Planned) -> None:
        operation = self._operations[planned.number]
        reply = self._attempt(partial(self._done, planned, operation))
        location = reply.headers.get("Location") or self._location(operation)
        self._note(planned.number, operation, reply, location)
        if operation.method == "POST" and operation.bulk_id is not None:
            if reply.status == 201 and reply.body is not None:
                self._ids[operation.bulk_id] = reply.body["id"]
            else:
                self._failed.add(operation.bulk_id)
                self._incomplete.pop(planned.number, None)
        self._complete()

    def finish(self) -> None:
        """Tells of what was created and could not be completed."""
        for number, (later, _) in self._incomplete.items():
            names = ", ".join(sorted(later))
            error = ScimError(409, f"Created, but without its references to {names[:200]}, which were not created.")
            self._note(number, self._operations[number], reply_to(error), self._results[number].get("location"))
        self._incomplete.clear()

    def _attempt(self, step: Callable[[], Reply]) -> Reply:
        try:
            if self._call.remaining() < LEAST_SECONDS:
                raise unavailable("The bulk request has used up its time; nothing was done. Send fewer at once.", 1)
            return step()
        except Exception as error:  # noqa: BLE001 - one operation's failure is its own; the others have their answers
            return reply_to(error)

    def _done(self, planned: Planned, operation: BulkOperation) -> Reply:
        if operation.problem is not None:
            raise operation.problem
        collection, object_id = self._place(operation)
        self._require_done(references(operation) - planned.later)
        served = self._types(collection)
        data = operation.data
        if planned.later:
            data, operations = without(data, planned.later)
            self._incomplete[planned.number] = planned.later, operations
        quiet = operation.method == "PATCH" and served.binding.resource_type.name in ANSWERED_WITHOUT_BODY
        wanted = _NOTHING_SAID if quiet else _LITTLE
        asked = Asked(self._call, wanted, resolved(data, self._ids), operation.version)
        if operation.method == "POST":
            return verbs.create(served, asked)
        object_id = resolved(object_id, self._ids)
        if operation.method == "DELETE":
            return verbs.delete(served, asked, object_id)
        return _VERBS[operation.method](served, asked, object_id)

    def _place(self, operation: BulkOperation) -> tuple[str, str]:
        """The collection of an operation's path, and the id in it; empty for a POST, which has none."""
        path = operation.path.removeprefix(self._base_url).partition("?")[0]
        segments = [unquote(segment) for segment in path.split("/") if segment]
        if segments and len(segments) == (1 if operation.method == "POST" else 2):
            return spelled(segments[0]), "".join(segments[1:])
        wanted = "/Users" if operation.method == "POST" else "/Users/{id}"
        raise ScimError(404, f"A {operation.method} has a path like {wanted}.")

    def _require_done(self, bulk_ids: frozenset[str]) -> None:
        if bulk_ids & self._failed:
            raise ScimError(409, "Not done: an operation that it refers to by bulkId has failed.")

    def _complete(self) -> None:
        """Adds the references of what was created without them, as soon as all that they name is there."""
        for number, (later, operations) in list(self._incomplete.items()):
            operation = self._operations[number]
            if not later <= self._ids.keys() or operation.bulk_id is None:
                continue
            del self._incomplete[number]
            message = resolved(patch_of(operations), self._ids)
            self._amend(number, operation, self._attempt(partial(self._patch, operation, message)))

    def _patch(self, operation: BulkOperation, message: Any) -> Reply:
        served = self._types(self._place(operation)[0])
        object_id = self._ids[operation.bulk_id or ""]
        return verbs.patch(served, Asked(self._call, _LITTLE, message), object_id)

    def _amend(self, number: int, operation: BulkOperation, reply: Reply) -> None:
        result = self._results[number]
        if reply.status < 300:
            result["version"] = reply.headers["ETag"]
            return
        body = dict(reply.body or {})
        body["detail"] = f"Created, but without its references to other operations. {body.get('detail', '')}"
        self._note(number, operation, Reply(reply.status, body), result.get("location"))

    def _note(self, number: int, operation: BulkOperation, reply: Reply, location: str | None) -> None:
        result: dict[str, Any] = {"method": operation.method}
        if operation.bulk_id is not None:
            result["bulkId"] = operation.bulk_id
        if location:
            result["location"] = location
        if reply.headers.get("ETag"):
            result["version"] = reply.headers["ETag"]
        result["status"] = str(reply.status)
        if reply.status >= 300:
            result["response"] = dict(reply.body or {})
        self._results[number] = result

    def _location(self, operation: BulkOperation) -> str | None:
        """The address of a resource that an operation is about, which exists already."""
        if operation.method == "POST" or operation.problem is not None:
            return None
        path = operation.path.removeprefix(self._base_url).partition("?")[0]
        try:
            return f"{self._base_url}/{resolved(path.lstrip('/'), self._ids)}"
        except ScimError:
            return None
