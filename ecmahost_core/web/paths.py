"""Normalises request paths before routing, without redirects: provisioning clients do not follow them.

``//Users``, ``/Users/`` and ``/users`` all mean ``/Users``. The connector's name is case sensitive and left alone.
"""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from ecmahost_core.scim.entra import request_target

COLLECTIONS = ("Users", "Groups")
"""The endpoints of the resource types that a connector can have."""

_OTHERS = ("Schemas", "ResourceTypes", "ServiceProviderConfig", "Bulk", "Me", ".search")
_NAMES = {name.lower(): name for name in (*COLLECTIONS, *_OTHERS)}
_SCIM = "scim"


def normalised(path: str) -> str:
    """Returns the canonical form of a path: no empty segments, SCIM's own names in SCIM's spelling."""
    segments = [segment for segment in path.split("/") if segment]
    if len(segments) > 1 and segments[0].startswith("ecma2host_"):
        segments[1] = _SCIM if segments[1].lower() == _SCIM else segments[1]
        if len(segments) > 2:
            segments[2] = _NAMES.get(segments[2].lower(), segments[2])
    return "/" + "/".join(segments)


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
