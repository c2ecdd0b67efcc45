"""Flask, without what this host never uses: async views, sessions, hosts and subdomains in routes, relative locations.

Only what Flask and Werkzeug document as made to be overridden is.
"""

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Request, Response, request
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter
from werkzeug.routing.converters import BaseConverter


class Answer(Response):
    """A response with a body that is there as a whole, and headers that are sent as they are."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Sends it; without the body where the request asked for the head alone."""
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else (self.get_data(),)


class _NoSessions(SessionInterface):
    """Every request brings its token; nothing is kept between two of them."""

    def __init__(self) -> None:
        self._nothing = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002 - Flask's signature
        """Flask: called for each request; what it gets refuses to be written."""
        return self._nothing


class Collection(BaseConverter):
    """A segment of a path where a resource type may stand: none that the protocol uses for something else.

    Otherwise a POST to ``/Schemas`` would be taken for a creation, and not for a method that is not allowed there.
    """

    regex = r"(?!(?:Schemas|ResourceTypes|ServiceProviderConfig|Bulk|Me|cache|\.search|[Vv][0-9]+)$)[^/]+"
    part_isolating = True


class Identifier(BaseConverter):
    """A resource's id in a path."""

    regex = r"(?!\.search$)[^/]+"
    part_isolating = True


class Version(BaseConverter):
    """A version of the protocol behind the base URL (RFC 7644 section 3.13)."""

    regex = r"[Vv][0-9]+"


class Application(Flask):
    """The host's Flask."""

    session_interface = _NoSessions()

    def __init__(self, name: str) -> None:
        """Makes an application without static files."""
        super().__init__(name, static_folder=None)
        self.url_map.converters |= {"collection": Collection, "id": Identifier, "version": Version}

    def make_default_options_response(self) -> Response:
        """Flask: called for OPTIONS, which no route answers: the methods of the path, in SCIM's media type."""
        response = super().make_default_options_response()
        response.mimetype = "application/scim+json"
        return response

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Flask: called before each call of a view or hook, to find out whether it is async; none here is."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Flask: called for each request, and once more for its application context, which needs none here.

        The host's name is checked, and otherwise of no consequence for the route.
        """
        if request is None:
            return None
        return MapAdapter(self.url_map, request.host, "/", "", request.scheme, request.path, request.method)


def current_request() -> Request:
    """Returns the request itself. Flask's ``request`` looks for it at every access of every attribute."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask documents it
    return found
