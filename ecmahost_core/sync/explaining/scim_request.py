"""A SCIM request that somebody has written down: method, path and body, without HTTP around them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ecmahost_core.scim.bulk import BulkOperation, parse_bulk
from ecmahost_core.scim.entra import request_target
from ecmahost_core.scim.errors import ScimError, invalid_syntax, not_found

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MOST = 1000
"""How many requests are explained at once."""

_BASE = re.compile(
    r"/*(?:ecma2host_(?P<connector>[A-Za-z0-9]+)(?:/|$))?/*(?:scim(?=/|$))?/*(?:v2(?=/|$))?/*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ScimRequest:
    """One request.

    Attributes:
        method: one of METHODS.
        path: as it was understood: ``/Users/7``.
        endpoint: ``/users``, in lower case.
        object_id: empty where the path has none.
        query: the parameters, decoded; the first of each name.
        body: JSON; None where there is none.
        part_of: what it is a part of, in words; empty where it stands alone.
        problem: why it is no request at all, as a part of a bulk request may turn out to be.
    """

    method: str
    path: str
    endpoint: str
    object_id: str
    query: Mapping[str, str]
    body: Any
    part_of: str = ""
    problem: ScimError | None = None


def read_requests(data: Any, connector: str) -> list[ScimRequest]:
    """Reads one request, ``{"method", "path", "body"}``, or a list of them; raises ScimError 400.

    A bulk request (RFC 7644 section 3.7) becomes its operations.
    """
    listed = data if isinstance(data, list) else [data]
    if len(listed) > MOST:
        raise invalid_syntax(f"There are {len(listed)} requests; at most {MOST} are explained at once.")
    return [each for number, one in enumerate(listed, 1) for each in _parted(_one(one, number, connector), connector)]


def _parted(request: ScimRequest, connector: str) -> list[ScimRequest]:
    if (request.method, request.endpoint, request.object_id) != ("POST", "/bulk", ""):
        return [request]
    operations = parse_bulk(request.body, MOST).operations
    return [
        replace(_operation(one, connector), part_of=f"operation {number} of {len(operations)} of a bulk request")
        for number, one in enumerate(operations, 1)
    ]


def _operation(one: BulkOperation, connector: str) -> ScimRequest:
    try:
        if one.problem is None:
            return scim_request(one.method, one.path, one.data, connector)
        problem = one.problem
    except ScimError as error:
        problem = error
    return ScimRequest(one.method, one.path, "", "", {}, one.data, problem=problem)


def _one(data: Any, number: int, connector: str) -> ScimRequest:
    if not isinstance(data, Mapping):
        raise invalid_syntax(f"Request {number} has to be an object with method, path and body.")
    method, path = data.get("method"), data.get("path")
    if not isinstance(path, str) or not path.strip():
        raise invalid_syntax(f'Request {number} has no path, such as "/Users" or "/Users/ID".')
    if not isinstance(method, str) or method.upper() not in METHODS:
        raise invalid_syntax(f"Request {number} has no method; one of: {', '.join(METHODS)}.")
    return scim_request(method.upper(), path, data.get("body"), connector)


def scim_request(method: str, path: str, body: Any, connector: str) -> ScimRequest:
    """Returns a request. The path may be a whole URL, with or without what stands before ``/Users``.

    Raises ScimError: 400 where the URL is another connector's or none at all, 404 for a path that leads nowhere.
    """
    try:
        parts = urlsplit(path.strip())
    except ValueError:
        raise invalid_syntax("The path of the request is no URL.") from None
    raw, query = request_target(parts.path, parts.query)
    base = _BASE.match(raw)
    named = base["connector"] if base else None
    if named is not None and named != connector:
        raise ScimError(400, f"The path belongs to the connector {named}, and {connector} is asked.", "invalidValue")
    segments = [unquote(part) for part in raw[base.end() if base else 0 :].split("/") if part]
    if not 1 <= len(segments) <= 2:
        raise not_found("The path has to lead to resources, such as /Users, or to one of them, such as /Users/ID.")
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters.setdefault(name, value)
    understood = "/" + "/".join(segments) + (f"?{query}" if query else "")
    object_id = segments[1] if len(segments) > 1 else ""
    return ScimRequest(method, understood, f"/{segments[0]}".lower(), object_id, parameters, body)
