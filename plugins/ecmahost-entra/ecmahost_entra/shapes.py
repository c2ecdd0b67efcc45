"""The requests that Entra sends, in both of its PATCH dialects.

Source: "Known issues and resolutions with SCIM 2.0 protocol compliance" and "Tutorial: develop a SCIM endpoint" in
Microsoft's documentation of app provisioning.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

from ecmahost_entra.paths import CORE_USER, ScimPath, ScimValue, put
from ecmahost_entra.wire import Request

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Dialect(StrEnum):
    """How Entra writes a PATCH; the second is chosen by a flag in the tenant URL."""

    DEFAULT = "default"
    AAD_OPTSCIM_062020 = "aadOptscim062020"


def _target(dialect: Dialect, path: str, query: str = "") -> str:
    """Joins the flag of the dialect as a parameter without a value; a server ignores parameters it does not know."""
    parts = [part for part in (dialect.value if dialect is not Dialect.DEFAULT else "", query) if part]
    return f"{path}?{'&'.join(parts)}" if parts else path


def query(dialect: Dialect, path: str, value: str) -> Request:
    """A match: ``filter=userName+eq+%22x%22``, with blanks as ``+`` and quotes percent-encoded."""
    literal = orjson.dumps(value).decode()
    return Request("GET", _target(dialect, "/Users", "filter=" + quote_plus(f"{path} eq {literal}")))


def schemas(dialect: Dialect) -> Request:
    """What is asked when the configuration is saved or opened in the portal."""
    return Request("GET", _target(dialect, "/Schemas"))


def get(dialect: Dialect, resource_id: str) -> Request:
    """The current state of a linked user."""
    return Request("GET", _target(dialect, _user(resource_id)))


def delete(dialect: Dialect, resource_id: str) -> Request:
    """A hard delete."""
    return Request("DELETE", _target(dialect, _user(resource_id)))


def create(dialect: Dialect, values: Sequence[tuple[ScimPath, ScimValue]]) -> Request:
    """A create. ``roles`` is always there, ``meta`` carries the resource type, and the first e-mail is primary."""
    urns = dict.fromkeys([CORE_USER, *(path.urn for path, _ in values if path.urn)])
    body: dict[str, Any] = {"schemas": list(urns), "active": True, "meta": {"resourceType": "User"}, "roles": []}
    for path, value in values:
        put(body, path, value)
    if emails := body.get("emails"):
        emails[0].setdefault("primary", True)
    return Request("POST", _target(dialect, "/Users"), body)


def change(
    dialect: Dialect,
    resource_id: str,
    replaced: Sequence[tuple[ScimPath, ScimValue]],
    added: Sequence[tuple[ScimPath, ScimValue]],
) -> Request:
    """A change of several attributes.

    Default: one operation for each path. With the flag: filtered paths keep an operation of their own, and the others
    share one operation without a path, whose keys are dotted names and whole URNs.
    """
    if dialect is Dialect.DEFAULT:
        operations = [_operation("Replace", path, value) for path, value in replaced]
        operations += [_operation("Add", path, value) for path, value in added]
    else:
        operations = [*_grouped("replace", replaced), *_grouped("add", added)]
    return _patch(dialect, resource_id, operations)


def set_active(dialect: Dialect, resource_id: str, *, active: bool) -> Request:
    """Disables or restores: the *string* "False" or "True" in the default dialect, a boolean with the flag."""
    if dialect is Dialect.DEFAULT:
        operation: dict[str, Any] = {"op": "Replace", "path": "active", "value": str(active)}
    else:
        operation = {"op": "replace", "path": "active", "value": active}
    return _patch(dialect, resource_id, [operation])


def _user(resource_id: str) -> str:
    return "/Users/" + quote(resource_id, safe="")


def _patch(dialect: Dialect, resource_id: str, operations: Sequence[Mapping[str, Any]]) -> Request:
    body = {"schemas": [PATCH_OP], "Operations": list(operations)}
    return Request("PATCH", _target(dialect, _user(resource_id)), body)


def _operation(op: str, path: ScimPath, value: ScimValue) -> dict[str, Any]:
    return {"op": op, "path": path.text, "value": value}


def _grouped(op: str, values: Sequence[tuple[ScimPath, ScimValue]]) -> list[dict[str, Any]]:
    operations = [_operation(op, path, value) for path, value in values if path.selector is not None]
    pathless = {path.text: value for path, value in values if path.selector is None}
    if pathless:
        operations.append({"op": op, "value": pathless})
    return operations
