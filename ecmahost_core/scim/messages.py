"""The messages of the protocol around the resources: lists, PatchOp, query parameters, ServiceProviderConfig."""

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
    """The query parameters of a request for resources (RFC 7644 sections 3.4.2 and 3.9).

    ``filter`` is None where there is none. ``start_index`` counts from 1, ``count`` is 0 or more and already cut to
    the maximum. ``attributes`` and ``excluded_attributes`` are empty where the client did not give them.
    """

    filter: str | None
    start_index: int
    count: int
    attributes: tuple[str, ...]
    excluded_attributes: tuple[str, ...]


def parse_query(parameters: Mapping[str, str], *, default_count: int, max_count: int) -> Query:
    """Reads the decoded query parameters; unknown ones (feature flags of a client) are passed over.

    Raises:
        ScimError: 400 ``invalidValue`` when ``startIndex`` or ``count`` is no integer.
    """
    start_index = _integer(parameters, "startIndex", 1)
    count = _integer(parameters, "count", default_count)
    return Query(
        parameters.get("filter"),
        max(start_index, 1),
        min(max(count, 0), max_count),
        _names(parameters.get("attributes")),
        _names(parameters.get("excludedAttributes")),
    )


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


def service_provider_config(
    base_url: str, *, max_results: int, etag: bool, change_password: bool = False, documentation_uri: str | None = None
) -> dict[str, Any]:
    """The ServiceProviderConfig resource (RFC 7643 section 5): what this host does, no more."""
    config: dict[str, Any] = {"schemas": [urns.SERVICE_PROVIDER_CONFIG]}
    if documentation_uri is not None:
        config["documentationUri"] = documentation_uri
    return config | {
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": max_results},
        "changePassword": {"supported": change_password},
        "sort": {"supported": False},
        "etag": {"supported": etag},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "The connector's secret token, sent as Authorization: Bearer.",
                "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
                "primary": True,
            }
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base_url.rstrip('/')}/ServiceProviderConfig",
        },
    }


def _integer(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, "").strip()
    if not text:
        return default
    if _INTEGER.fullmatch(text) is None:
        raise errors.invalid_value(f"The parameter {name} has to be an integer of at most 18 digits.")
    return int(text)


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
