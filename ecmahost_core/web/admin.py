"""``/admin/v1/``: what the host's own commands can tell, for programs on the same machine. Off by default."""

import orjson
from flask import Blueprint, Response, g, request
from structlog.contextvars import bind_contextvars

from ecmahost_core.scim.errors import not_found
from ecmahost_core.sync.endpoint import Call
from ecmahost_core.sync.explain import explain
from ecmahost_core.sync.scim_request import read_requests
from ecmahost_core.web.bodies import any_json
from ecmahost_core.web.doors import endpoint_of
from ecmahost_core.web.framework import Answer
from ecmahost_core.web.site import Site


def admin_routes(site: Site) -> Blueprint:
    """Returns the routes of the administration; ``doors.refuse_admin`` stands before all of them."""
    routes = Blueprint("admin", __name__)

    @routes.post("/admin/v1/connectors/<connector>/explain")
    def explain_requests(connector: str) -> Response:
        """As ``ecmahost explain``: a request, or a list of them; writes nothing."""
        if connector not in site.endpoints and connector not in site.broken:
            raise not_found("There is no such connector. Its name is case sensitive.")
        bind_contextvars(connector=connector)
        endpoint = endpoint_of(site, connector)
        asked = read_requests(any_json(request, site.configuration.body_limit), connector)
        call = Call(g.started + site.configuration.request_budget, g.request_id, actor="admin")
        told = [explain(endpoint, one, call).to_json() for one in asked]
        return Answer(orjson.dumps({"connector": connector, "requests": told}), content_type="application/json")

    return routes
