"""Who comes in: the connector's bearer token, and what everybody else hears."""

from flask import Request, Response
from structlog.contextvars import bind_contextvars

from ecmahost_core.scim.errors import unavailable
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.web.answers import refusal
from ecmahost_core.web.site import Site

_SIGN_OF_LIFE = "This is the SCIM endpoint of an ECMA connector host. It is alive; it talks to Entra, not to browsers."


def refuse(site: Site, request: Request, connector: str) -> Response | None:
    """Returns the refusal for a request to a connector, None when it may come in.

    A connector that is not configured is 404, always. One that is answers a browser without credentials with 405, the
    administrator's sign of life, and everybody else without a valid token with 401 (RFC 6750 section 3).
    """
    if connector not in site.endpoints and connector not in site.broken:
        return refusal(404, "There is no such connector. Its name is case sensitive.")
    bind_contextvars(connector=connector)
    authorization = request.environ.get("HTTP_AUTHORIZATION", "")
    if not authorization and request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        return refusal(405, _SIGN_OF_LIFE, {"Allow": "POST, PUT, PATCH, DELETE"})
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and site.accepts(connector, token.strip()):
        return None
    challenge = 'Bearer realm="ecmahost"'
    if authorization:
        challenge += ', error="invalid_token"'
    detail = "Send the connector's secret token as Authorization: Bearer."
    return refusal(401, detail, {"WWW-Authenticate": challenge})


def endpoint_of(site: Site, connector: str) -> Endpoint:
    """Returns the endpoint of a connector whose door is open; ScimError 503 when its configuration is broken."""
    endpoint = site.endpoints.get(connector)
    if endpoint is None:
        raise unavailable(f"Connector {connector} cannot be used: run ecmahost check {connector} on the host.", 60)
    return endpoint
