"""Resource types of an administrator's own (RFC 7643 section 6): what their names and paths may look like.

What RFC 7643 section 2.1 says of attribute names holds for what is made here::

    ATTRNAME = ALPHA *(nameChar)      nameChar = "-" / "_" / DIGIT / ALPHA
"""

import re
from dataclasses import dataclass
from typing import Final

from ecmahost_core.scim import entra, urns

TYPE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
ENDPOINT: Final = re.compile(r"/[A-Za-z][A-Za-z0-9_-]{0,63}")
URN: Final = re.compile(r"urn:[A-Za-z0-9][A-Za-z0-9-]{0,31}(?::[A-Za-z0-9._-]+)+", re.IGNORECASE)

RESERVED_NAMES: Final = ("User", "Group", "Schema", "ResourceType", "ServiceProviderConfig", "Bulk", "Me")
"""The resource types that SCIM itself has, and what stands where one could."""

RESERVED_ENDPOINTS: Final = (
    "/Users",
    "/Groups",
    "/Schemas",
    "/ResourceTypes",
    "/ServiceProviderConfig",
    "/Bulk",
    "/Me",
    "/cache",
)
"""What stands behind the base URL already (RFC 7644 section 3.2; ``/cache`` is Microsoft's). A version does, too."""

_VERSION = re.compile(r"/v[0-9]+", re.IGNORECASE)
_OF_MESSAGES = "urn:ietf:params:scim:api:"
_TAKEN_URNS = frozenset(
    urn.lower()
    for urn in (
        urns.USER,
        urns.GROUP,
        urns.ENTERPRISE_USER,
        urns.ECMA2HOST_USER,
        urns.SCHEMA,
        urns.RESOURCE_TYPE,
        urns.SERVICE_PROVIDER_CONFIG,
        *entra.URN_ALIASES,
    )
)
_NAME = r"[A-Za-z][A-Za-z0-9_-]*"
_FILTER = r'\[\s*type\s+eq\s+"[A-Za-z0-9]+"\s*\]'
_PATH = re.compile(rf"(?P<name>{_NAME})(?:\.(?P<sub>{_NAME})|(?P<filter>{_FILTER}))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CustomPath:
    """A path of the core schema of such a type, as it is configured.

    ``sub`` is empty where the path ends with the attribute; ``filtered`` is one with ``[type eq "..."]``.
    """

    name: str
    sub: str
    filtered: bool


def is_reserved_endpoint(endpoint: str) -> bool:
    """Whether an endpoint means something else already, in any case."""
    return endpoint.lower() in {one.lower() for one in RESERVED_ENDPOINTS} or _VERSION.fullmatch(endpoint) is not None


def is_reserved_urn(urn: str) -> bool:
    """Whether a URN is that of a schema or message that SCIM or Microsoft's host has already, in any case."""
    return urn.lower() in _TAKEN_URNS or urn.lower().startswith(_OF_MESSAGES)


def custom_path(text: str, urn: str) -> CustomPath | None:
    """Reads a path of the core schema ``urn``, with or without the URN; None where it is none."""
    prefix = f"{urn}:"
    rest = text[len(prefix) :] if text[: len(prefix)].lower() == prefix.lower() else text
    found = _PATH.fullmatch(rest)
    return CustomPath(found["name"], found["sub"] or "", found["filter"] is not None) if found else None
