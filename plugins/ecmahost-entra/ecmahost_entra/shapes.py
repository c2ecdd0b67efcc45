"""The requests that Entra sends, in both of its PATCH dialects.

Source: "Known issues and resolutions with SCIM 2.0 protocol compliance" and "Tutorial: develop a SCIM endpoint" in
Microsoft's documentation of app provisioning.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

from ecmahost_core.ecma.schema import AttributeType
from ecmahost_entra.apps import GROUP, USER, App, null_names
from ecmahost_entra.paths import CORE_USER, ENTERPRISE_USER, ScimPath, ScimValue, put
from ecmahost_entra.wire import Request

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Dialect(StrEnum):
    """How Entra writes a PATCH; the second is chosen by a flag in the tenant URL."""

    DEFAULT = "default"
    AAD_OPTSCIM_062020 = "aadOptscim062020"


def flagged(dialect: Dialect, path: str, query: str = "") -> str:
    """Returns where a request goes, with the flag of the dialect as a parameter without a value.

    A server ignores parameters that it does not know.
    """
    parts = [part for part in (dialect.value if dialect is not Dialect.DEFAULT else "", query) if part]
    return f"{path}?{'&'.join(parts)}" if parts else path


def query(app: App, dialect: Dialect, path: str, value: str, resource: str = USER) -> Request:
    """A match: ``filter=userName+eq+%22x%22``. One for a group leaves its members out; where that is said, varies."""
    parts = [f"filter={filter_text(app, {path: value})}"]
    if resource == GROUP:
        parts.append("excludedAttributes=members")
    if dialect is Dialect.DEFAULT:
        parts.reverse()
    return Request("GET", flagged(dialect, f"/{resource}s", "&".join(parts)))


def filter_text(app: App, wanted: Mapping[str, str]) -> str:
    """Returns a filter that wants all of these values, with blanks as ``+``.

    Quotes are percent-encoded, and left as they are behind the agent, as its error messages show.
    """
    conditions = [f"{path} eq {orjson.dumps(value).decode()}" for path, value in wanted.items()]
    return quote_plus(" and ".join(conditions), safe='":' if app.through_agent else "")


def schemas(dialect: Dialect) -> Request:
    """What is asked when the configuration is saved or opened in the portal."""
    return Request("GET", flagged(dialect, "/Schemas"))


def get(dialect: Dialect, resource_id: str) -> Request:
    """The current state of a linked user."""
    return Request("GET", flagged(dialect, place(resource_id)))


def delete(dialect: Dialect, resource_id: str, resource: str = USER) -> Request:
    """A hard delete."""
    return Request("DELETE", flagged(dialect, place(resource_id, resource)))


def create(
    app: App,
    dialect: Dialect,
    values: Sequence[tuple[ScimPath, ScimValue]],
    unmapped: Sequence[tuple[ScimPath, ScimValue]] = (),
) -> Request:
    """A create, with the resource type in ``meta``.

    The core applications send ``roles`` or nulls for what has no value, and call the first e-mail primary. The ECMA app
    sends its extension and ``active``, which may be text, no ``userName`` and no ``externalId``. Behind the agent an
    extension of one's own is often not listed in ``schemas``: here it is missing in the default dialect.
    """
    urns = dict.fromkeys(path.urn for path, _ in values if path.urn)
    if app.through_agent and dialect is Dialect.DEFAULT:
        urns = dict.fromkeys(urn for urn in urns if urn == ENTERPRISE_USER)
    body: dict[str, Any] = {"schemas": [CORE_USER, *urns], "active": True, "meta": {"resourceType": "User"}}
    if app is App.ECMA and dialect is Dialect.DEFAULT:
        body["active"] = "True"
    if app is App.NONGALLERY:
        body["roles"] = []
    for path, value in [*values, *unmapped]:
        put(body, path, value)
    if emails := body.get("emails"):
        emails[0].setdefault("primary", True)
    for name in null_names(app):
        body.setdefault(name, None)
    return Request("POST", flagged(dialect, "/Users"), body)


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
    return patch(dialect, resource_id, operations)


def remove(dialect: Dialect, resource_id: str, removed: Sequence[tuple[ScimPath, ScimValue]]) -> Request:
    """A removal of attributes; the default dialect attaches the old value to a filtered path."""
    if dialect is not Dialect.DEFAULT:
        return patch(dialect, resource_id, [{"op": "remove", "path": path.text} for path, _ in removed])
    operations = [
        _operation("Remove", path, value) if path.selector is not None else {"op": "Remove", "path": path.text}
        for path, value in removed
    ]
    return patch(dialect, resource_id, operations)


def typed(value: ScimValue, type_: AttributeType) -> ScimValue:
    """Returns a text as the JSON of the type that ``/Schemas`` names."""
    if type_ is AttributeType.BOOLEAN:
        return str(value).casefold() == "true"
    return int(value) if type_ is AttributeType.INTEGER else value


def set_active(dialect: Dialect, resource_id: str, *, active: bool) -> Request:
    """Disables or restores: the *string* "False" or "True" in the default dialect, a boolean with the flag."""
    if dialect is Dialect.DEFAULT:
        operation: dict[str, Any] = {"op": "Replace", "path": "active", "value": str(active)}
    else:
        operation = {"op": "replace", "path": "active", "value": active}
    return patch(dialect, resource_id, [operation])


def place(resource_id: str, resource: str = USER) -> str:
    """Returns the path of one resource."""
    return f"/{resource}s/{quote(resource_id, safe='')}"


def patch(dialect: Dialect, resource_id: str, operations: Sequence[Mapping[str, Any]], resource: str = USER) -> Request:
    """A PATCH with these operations."""
    body = {"schemas": [PATCH_OP], "Operations": list(operations)}
    return Request("PATCH", flagged(dialect, place(resource_id, resource)), body)


def _operation(op: str, path: ScimPath, value: ScimValue) -> dict[str, Any]:
    return {"op": op, "path": path.text, "value": value}


def _grouped(op: str, values: Sequence[tuple[ScimPath, ScimValue]]) -> list[dict[str, Any]]:
    operations = [_operation(op, path, value) for path, value in values if path.selector is not None]
    pathless = {path.text: value for path, value in values if path.selector is None}
    if pathless:
        operations.append({"op": op, "value": pathless})
    return operations
