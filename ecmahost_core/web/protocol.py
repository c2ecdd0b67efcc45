"""The routes of the protocol that belong to no resource type: the root, ``/.search``, ``/Bulk``, ``/Me``, versions."""

from functools import partial

from flask import Blueprint, Response, request

from ecmahost_core.scim.bulk import parse_bulk
from ecmahost_core.scim.errors import ScimError, of_type
from ecmahost_core.web import listing
from ecmahost_core.web.answers import sent
from ecmahost_core.web.bulk import bulk, max_operations
from ecmahost_core.web.doors import endpoint_of
from ecmahost_core.web.resources import all_served, asked, base_url, body_of, call_of, searched, served
from ecmahost_core.web.site import Site

_ALL = ("GET", "POST", "PUT", "PATCH", "DELETE")


def protocol_routes(site: Site) -> Blueprint:
    """Returns the routes, relative to the application's root."""
    routes = Blueprint("protocol", __name__)
    base = "/ecma2host_<connector>/scim"

    @routes.get(base)
    def query(connector: str) -> Response:
        """A query of everything that there is (RFC 7644 section 3.4.2.1)."""
        return sent(listing.query(all_served(site, connector), asked(site), site.cursor_secret))

    @routes.post(f"{base}/.search")
    def search(connector: str) -> Response:
        return sent(listing.query(all_served(site, connector), searched(site), site.cursor_secret))

    @routes.post(f"{base}/Bulk")
    def bulk_request(connector: str) -> Response:
        endpoint_of(site, connector)
        wanted = parse_bulk(body_of(site), max_operations(site.configuration.request_budget))
        return sent(bulk(wanted, partial(served, site, connector), base_url(request, connector), call_of(site)))

    @routes.route(f"{base}/Me", methods=_ALL)
    def me(connector: str) -> Response:
        """RFC 7644 section 3.11: 501 where the one who asks is nobody's account."""
        endpoint_of(site, connector)
        detail = "Clients of this host are services with a token, and no users: there is no /Me. Use /Users/{id}."
        raise ScimError(501, detail)

    @routes.route(f"{base}/<version:version>", methods=_ALL)
    @routes.route(f"{base}/<version:version>/<path:rest>", methods=_ALL)
    def other_version(connector: str, version: str, rest: str = "") -> Response:  # noqa: ARG001 - what the routes have
        endpoint_of(site, connector)
        raise of_type("invalidVers", "This host speaks version 2 of SCIM: leave the version out, or write v2.")

    return routes
