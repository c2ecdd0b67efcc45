"""Who comes in: the connector's bearer token, and what everybody else hears."""

from ipaddress import ip_address

from flask import Request, Response
from structlog.contextvars import bind_contextvars

from ecmahost_core.scim.errors import unavailable
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.web.answers import refusal
from ecmahost_core.web.site import Site

_FORWARDED = (
    "HTTP_FORWARDED",
    "HTTP_VIA",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)
"""What a proxy says of whom it asks for (RFC 7239, RFC 9110 section 7.6.3, and what was used before them)."""

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
    if site.accepts(connector, _bearer(request)):
        return None
    detail = "Send the connector's secret token as Authorization: Bearer."
    return refusal(401, detail, {"WWW-Authenticate": _challenge(request)})


def refuse_admin(site: Site, request: Request) -> Response | None:
    """Returns the refusal for a request to ``/admin/``, None when it may come in.

    Only programs on this machine get as far as showing a token, and a connector's token is like any other wrong one.
    Called where ``/admin/`` is enabled; otherwise no such path is there.
    """
    if not _is_near(request):
        return refusal(403, "The host is administered from the machine that it runs on, by its loopback address.")
    if site.accepts_admin(_bearer(request)):
        return None
    detail = "Send a token of the host's administration as Authorization: Bearer; a connector's token is none."
    return refusal(401, detail, {"WWW-Authenticate": _challenge(request)})


def refuse_metrics(site: Site, request: Request) -> Response | None:
    """Returns the refusal for a request to ``/metrics``, None when it may come in.

    Where a token is configured, whoever shows it may, from anywhere; where none is, programs on this machine may.
    """
    if not site.configuration.metrics_tokens:
        detail = "Without a token (ecmahost metrics-token), /metrics is for programs on the host's own machine."
        return None if _is_near(request) else refusal(403, detail)
    if site.accepts_metrics(_bearer(request)):
        return None
    detail = "Send a token of /metrics as Authorization: Bearer; a connector's token is none."
    return refusal(401, detail, {"WWW-Authenticate": _challenge(request)})


def _is_near(request: Request) -> bool:
    """Whether a program on this machine asks, and not a proxy on it for somebody else, as far as it says so.

    A connection over a Unix socket has no address.
    """
    if any(name in request.environ for name in _FORWARDED):
        return False
    address = request.environ.get("REMOTE_ADDR", "")
    if not address:
        return True
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def _bearer(request: Request) -> str:
    """The bearer token of a request (RFC 6750 section 2.1); empty, which is no token, where there is none."""
    scheme, _, token = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _challenge(request: Request) -> str:
    challenge = 'Bearer realm="ecmahost"'
    return challenge + ', error="invalid_token"' if request.environ.get("HTTP_AUTHORIZATION") else challenge


def endpoint_of(site: Site, connector: str) -> Endpoint:
    """Returns the endpoint of a connector whose door is open; ScimError 503 when its configuration is broken."""
    endpoint = site.endpoints.get(connector)
    if endpoint is None:
        raise unavailable(f"Connector {connector} cannot be used: run ecmahost check {connector} on the host.", 60)
    return endpoint
