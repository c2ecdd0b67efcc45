"""The ServiceProviderConfig (RFC 7643 section 5, RFC 9865 section 4): what this host does, no more."""

from dataclasses import dataclass
from typing import Any

from ecmahost_core.scim import urns


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the ServiceProviderConfig announces.

    Attributes:
        page_size: of a query that names no ``count``.
        max_results: that one page can have.
        cursor_timeout: seconds that a cursor is good for.
        max_operations: of one bulk request.
        max_payload: bytes of one bulk request.
        change_password: whether passwords can be set.
    """

    page_size: int
    max_results: int
    cursor_timeout: int
    max_operations: int
    max_payload: int
    change_password: bool = False


def service_provider_config(
    base_url: str, abilities: Abilities, *, documentation_uri: str | None = None
) -> dict[str, Any]:
    """The ServiceProviderConfig resource (RFC 7643 section 5, RFC 9865): what this host does, no more."""
    config: dict[str, Any] = {"schemas": [urns.SERVICE_PROVIDER_CONFIG]}
    if documentation_uri is not None:
        config["documentationUri"] = documentation_uri
    return config | {
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": abilities.max_operations,
            "maxPayloadSize": abilities.max_payload,
        },
        "filter": {"supported": True, "maxResults": abilities.max_results},
        "changePassword": {"supported": abilities.change_password},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": abilities.page_size,
            "maxPageSize": abilities.max_results,
            "cursorTimeout": abilities.cursor_timeout,
        },
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
