"""What Entra sends about groups, their members, and somebody's manager, in both of its PATCH dialects.

Source: "Tutorial: develop a SCIM endpoint" in Microsoft's documentation of app provisioning.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from ecmahost_entra.apps import GROUP, USER, App
from ecmahost_entra.paths import CORE_GROUP, ENTERPRISE_USER, ScimPath, ScimValue, put
from ecmahost_entra.shapes import Dialect, filter_text, flagged, patch, place
from ecmahost_entra.wire import Request

ADSCIM_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
"""A second schema that Entra names when it creates a group; there is none behind it."""


def create(dialect: Dialect, values: Sequence[tuple[ScimPath, ScimValue]], external_id: str) -> Request:
    """A group without members; its ``externalId`` is sent whether the connector maps it or not."""
    urns = dict.fromkeys(path.urn for path, _ in values if path.urn)
    body: dict[str, Any] = {"schemas": [CORE_GROUP, ADSCIM_GROUP, *urns], "externalId": external_id}
    for path, value in values:
        put(body, path, value)
    body["meta"] = {"resourceType": GROUP}
    return Request("POST", flagged(dialect, "/Groups"), body)


def get(dialect: Dialect, resource_id: str, *, members: bool) -> Request:
    """The current state of a group; Entra leaves the members out, which may be many."""
    return Request("GET", flagged(dialect, place(resource_id, GROUP), "" if members else "excludedAttributes=members"))


def rename(dialect: Dialect, resource_id: str, path: ScimPath, name: str) -> Request:
    """Another name for a group."""
    operation: dict[str, Any] = {"op": "replace", "value": {path.text: name}}
    if dialect is Dialect.DEFAULT:
        operation = {"op": "Replace", "path": path.text, "value": name}
    return patch(dialect, resource_id, [operation], GROUP)


def add_members(app: App, dialect: Dialect, resource_id: str, ids: Sequence[str]) -> Request:
    """Further members."""
    return patch(dialect, resource_id, [_members(app, dialect, "Add", ids)], GROUP)


def replace_members(app: App, dialect: Dialect, resource_id: str, ids: Sequence[str]) -> Request:
    """These members instead of those that there are."""
    return patch(dialect, resource_id, [_members(app, dialect, "Replace", ids)], GROUP)


def remove_member(app: App, dialect: Dialect, resource_id: str, member: str) -> Request:
    """One member less: by a list of values in the default dialect, by a filter in the path with the flag."""
    operation: dict[str, Any] = {"op": "remove", "path": f"members[value eq {orjson.dumps(member).decode()}]"}
    if dialect is Dialect.DEFAULT:
        operation = _members(app, dialect, "Remove", [member])
    return patch(dialect, resource_id, [operation], GROUP)


def has(app: App, dialect: Dialect, resource: str, resource_id: str, reference: str, other: str) -> Request:
    """Whether a resource names another one, in its members or as its manager; only the id is asked for."""
    wanted = filter_text(app, {"id": resource_id, reference: other})
    return Request("GET", flagged(dialect, f"/{resource}s", f"filter={wanted}&attributes=id"))


def set_manager(dialect: Dialect, resource_id: str, path: ScimPath, manager: str) -> Request:
    """A manager: the bare id in the default dialect, and as Microsoft's fifth example has it with the flag."""
    operation: dict[str, Any] = {"op": "Add", "path": _whole(path), "value": manager}
    if dialect is not Dialect.DEFAULT:
        operation = {"op": "add", "path": short(path), "value": [{"$ref": f"../Users/{manager}", "value": manager}]}
    return patch(dialect, resource_id, [operation], USER)


def clear_manager(dialect: Dialect, resource_id: str, path: ScimPath) -> Request:
    """No manager any more: an empty text in the default dialect, a removal with the flag."""
    operation: dict[str, Any] = {"op": "remove", "path": _whole(path)}
    if dialect is Dialect.DEFAULT:
        operation = {"op": "Replace", "path": _whole(path), "value": ""}
    return patch(dialect, resource_id, [operation], USER)


def short(path: ScimPath) -> str:
    """``manager``, as Microsoft's examples name the enterprise extension's; whole where it is in another one."""
    return path.attribute if path.urn == ENTERPRISE_USER else _whole(path)


def _whole(path: ScimPath) -> str:
    """``urn:...:User:manager``, also where the mapping has ``urn:...:User:manager.value``."""
    return path.text.removesuffix(f".{path.sub}") if path.sub else path.text


def _members(app: App, dialect: Dialect, op: str, ids: Sequence[str]) -> dict[str, Any]:
    """The non-gallery application sends a ``$ref`` without a value, the one behind the agent none."""
    extra: dict[str, Any] = {"$ref": None} if app is App.NONGALLERY else {}
    name = op if dialect is Dialect.DEFAULT else op.lower()
    return {"op": name, "path": "members", "value": [{**extra, "value": one} for one in ids]}
