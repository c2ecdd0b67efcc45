"""What a SCIM host answers: lists and errors."""

from collections.abc import Sequence
from typing import Any


def listing(resources: Sequence[Any]) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": len(resources),
        "Resources": resources,
        "startIndex": 1,
        "itemsPerPage": len(resources),
    }


def error(status: int, detail: str, scim_type: str = "") -> tuple[int, dict[str, Any]]:
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status), "detail": detail}
    return status, {**body, "scimType": scim_type} if scim_type else body
