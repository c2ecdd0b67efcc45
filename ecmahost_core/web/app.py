"""The application: what happens to every request, and the routes put together."""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from ecmahost_core.web.answers import refusal, register_errors
from ecmahost_core.web.discovery import discovery_routes
from ecmahost_core.web.doors import refuse
from ecmahost_core.web.health import health_routes
from ecmahost_core.web.paths import NormalisedPaths
from ecmahost_core.web.resources import resource_routes
from ecmahost_core.web.site import Site

log = structlog.get_logger()

_HOST = re.compile(r"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def create_app(site: Site) -> Flask:
    """Returns the application that serves a site's connectors. Called once in each web worker."""
    app = Flask("ecmahost", static_folder=None)
    app.wsgi_app = NormalisedPaths(app.wsgi_app)  # type: ignore[method-assign]  # Flask documents it so
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    register_errors(app)

    @app.before_request
    def enter() -> Response | None:
        g.started = time.monotonic()
        g.request_id = _request_id()
        clear_contextvars()
        bind_contextvars(request_id=g.request_id)
        if not _HOST.fullmatch(request.environ.get("HTTP_HOST", "")):
            # RFC 9112 section 3.2. What is let in comes back in every resource's location.
            return refusal(400, "The Host header names no host.")
        connector = _connector(request.path)
        if connector is not None:
            return refuse(site, request, connector)
        return None

    @app.after_request
    def leave(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        milliseconds = round((time.monotonic() - g.get("started", time.monotonic())) * 1000, 1)
        level = log.debug if request.path in ("/healthz", "/readyz") else log.info
        level("request", method=request.method, route=_route(), status=response.status_code, ms=milliseconds)
        return response

    app.register_blueprint(health_routes(site))
    app.register_blueprint(discovery_routes(site))
    app.register_blueprint(resource_routes(site))
    return app


def _connector(path: str) -> str | None:
    """The connector that a path belongs to: every path below its address, whether a route is there or not."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first.removeprefix("ecma2host_") if first.startswith("ecma2host_") else None


def _request_id() -> str:
    """The client's own request id where it is harmless in a log, otherwise a fresh one."""
    environ = request.environ
    given = environ.get("HTTP_X_REQUEST_ID", "") or environ.get("HTTP_CLIENT_REQUEST_ID", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _route() -> str:
    """The route that answered, not the path: an id or a name in the path is nobody's business in the log."""
    return request.url_rule.rule if request.url_rule is not None else "none"
