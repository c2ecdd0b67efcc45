"""Counting requests: which connector, what was asked, how it ended and how long it took, and nothing of people."""

from types import MappingProxyType
from typing import Final

from flask import Request, g

from ecmahost_core.metrics.quarantine import is_failure
from ecmahost_core.web.site import Site

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WRITES: Final = frozenset({"resources.create", "resources.patch", "resources.replace", "resources.delete"})
_QUERY: Final = "resources.query"
_TYPES: Final = MappingProxyType({"Users": "User", "Groups": "Group"})


def measure(site: Site, incoming: Request, connector: str | None, status: int, seconds: float) -> None:
    """Counts an answered request. What a client may write as it likes becomes one of a few names, or nothing.

    ``connector`` is the one that the path names, whether it is configured or not.
    """
    known = connector is not None and (connector in site.endpoints or connector in site.broken)
    name = connector if known and connector is not None else ""
    method = incoming.method if incoming.method in _METHODS else "other"
    site.meter.request(name, method, _resource_type(incoming), status, seconds)
    if not name or not g.get("admitted", False):
        return  # what anybody can send without a token says nothing about Entra
    failed = is_failure(method, status)
    if incoming.endpoint in _WRITES or (failed and incoming.endpoint == _QUERY):
        site.meter.write(name, failed=failed)


def _resource_type(incoming: Request) -> str:
    """The resource type that was asked for; empty for everything else, and where nobody got as far as knowing it."""
    known: str = g.get("resource_type", "")
    return known or _TYPES.get((incoming.view_args or {}).get("collection", ""), "")
