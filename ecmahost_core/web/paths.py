"""Normalises request paths before routing, without redirects: provisioning clients do not follow them.

``//Users``, ``/Users/``, ``/users`` and ``/v2/Users`` all mean ``/Users``. The connector's name is case sensitive and
left alone.
"""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from ecmahost_core.scim.entra import request_target

COLLECTIONS = ("Users", "Groups")
"""The endpoints of the RFC's resource types. Those of others a connector finds in any case, where it has them."""

_OTHERS = ("Schemas", "ResourceTypes", "ServiceProviderConfig", "Bulk", "Me", ".search", "cache")
_NAMES = {name.lower(): name for name in (*COLLECTIONS, *_OTHERS)}
_SCIM = "scim"
_VERSION = "v2"
_SEARCH = ".search"


def normalised(path: str) -> str:
    """Returns the canonical form of a path: no empty segments, SCIM's own names in SCIM's spelling, no ``v2``.

    A client may put the version of the protocol behind the base URL (RFC 7644 section 3.13).
    """
    segments = [segment for segment in path.split("/") if segment]
    if len(segments) > 1 and segments[0].startswith("ecma2host_"):
        segments[1] = _SCIM if segments[1].lower() == _SCIM else segments[1]
        if len(segments) > 2 and segments[2].lower() == _VERSION:
            del segments[2]
        if len(segments) > 2:
            segments[2] = spelled(segments[2])
        if len(segments) > 3 and segments[3].lower() == _SEARCH:
            segments[3] = _SEARCH
    return "/" + "/".join(segments)


def spelled(name: str) -> str:
    """Returns a segment behind the base URL as SCIM spells it; what it does not know stays."""
    return _NAMES.get(name.lower(), name)


class NormalisedPaths:
    """WSGI middleware around the application."""

    def __init__(self, application: WSGIApplication) -> None:
        """Wraps an application."""
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hands the request on under its canonical path."""
        path, environ["QUERY_STRING"] = request_target(environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", ""))
        environ["PATH_INFO"] = normalised(path)
        return self._application(environ, start_response)
