"""The application: what happens to every request, and the routes put together."""

import random
import re
import time
from wsgiref.types import WSGIEnvironment

import structlog
from flask import Flask, Request, Response, g
from structlog.contextvars import bind_contextvars, clear_contextvars

from ecmahost_core.web.admin import admin_routes
from ecmahost_core.web.answers import refusal, register_errors
from ecmahost_core.web.cache import cache_routes
from ecmahost_core.web.discovery import discovery_routes
from ecmahost_core.web.doors import refuse, refuse_admin, refuse_metrics
from ecmahost_core.web.framework import Application, current_request
from ecmahost_core.web.health import health_routes
from ecmahost_core.web.measuring import measure
from ecmahost_core.web.metrics import metrics_routes
from ecmahost_core.web.paths import COLLECTIONS, NormalisedPaths
from ecmahost_core.web.protocol import protocol_routes
from ecmahost_core.web.resources import resource_routes
from ecmahost_core.web.site import Site

log = structlog.get_logger()

_HOST = re.compile(r"(?:(?!.*\.\.)[A-Za-z0-9._-]{0,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def create_app(site: Site) -> Flask:
    """Returns the application that serves a site's connectors. Called once in each web worker."""
    app = Application("ecmahost")
    app.wsgi_app = NormalisedPaths(app.wsgi_app)  # type: ignore[method-assign]  # Flask documents it so
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    register_errors(app)
    access = log.bind()  # once; the logger itself is looked for at each use

    @app.before_request
    def enter() -> Response | None:
        incoming = current_request()
        g.started = time.monotonic()
        g.request_id = request_id = _request_id(incoming.environ)
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        if not _HOST.fullmatch(incoming.environ.get("HTTP_HOST", "")):
            # RFC 9112 section 3.2. What is let in comes back in every resource's location.
            return refusal(400, "The Host header names no host.")
        connector = _connector(incoming.path)
        if connector is not None:
            refused = refuse(site, incoming, connector)
            g.admitted = refused is None
            return refused
        if site.configuration.admin_enabled and (incoming.path + "/").startswith("/admin/"):
            return refuse_admin(site, incoming)
        if site.configuration.metrics_enabled and incoming.path == "/metrics":
            return refuse_metrics(site, incoming)
        return None

    @app.after_request
    def leave(response: Response) -> Response:
        incoming = current_request()
        now = time.monotonic()
        response.headers["X-Request-Id"] = g.get("request_id", "")
        seconds = now - g.get("started", now)
        measure(site, incoming, _connector(incoming.path), response.status_code, seconds)
        milliseconds = round(seconds * 1000, 1)
        level = access.debug if incoming.path in ("/healthz", "/readyz", "/metrics") else access.info
        level("request", method=incoming.method, route=_route(incoming), status=response.status_code, ms=milliseconds)
        return response

    app.register_blueprint(health_routes(site))
    app.register_blueprint(discovery_routes(site))
    app.register_blueprint(resource_routes(site))
    app.register_blueprint(protocol_routes(site))
    app.register_blueprint(cache_routes(site))
    if site.configuration.admin_enabled:
        app.register_blueprint(admin_routes(site))
    if site.configuration.metrics_enabled:
        app.register_blueprint(metrics_routes(site))
    return app


def _connector(path: str) -> str | None:
    """The connector that a path belongs to: every path below its address, whether a route is there or not."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first.removeprefix("ecma2host_") if first.startswith("ecma2host_") else None


def _request_id(environ: WSGIEnvironment) -> str:
    """The client's own request id where it is harmless in a log, otherwise a fresh one."""
    given = environ.get("HTTP_X_REQUEST_ID", "") or environ.get("HTTP_CLIENT_REQUEST_ID", "")
    return given if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"


def _route(incoming: Request) -> str:
    """The route that answered, not the path: an id or a name in the path is nobody's business in the log."""
    if incoming.url_rule is None:
        return "none"
    collection = (incoming.view_args or {}).get("collection", "")
    known = next((one for one in (*COLLECTIONS, g.get("collection", "")) if one.lower() == collection.lower()), None)
    rule = incoming.url_rule.rule.replace("<id:", "<")
    return rule.replace("<collection:collection>", known) if known else rule
