"""``/admin/v1/``: what the host's own commands can tell, for programs on the same machine. Off by default."""

import orjson
from flask import Blueprint, Response, g, request
from structlog.contextvars import bind_contextvars

from ecmahost_core.scim.errors import not_found
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.explaining.explain import explain
from ecmahost_core.sync.explaining.scim_request import read_requests
from ecmahost_core.web.bodies import any_json, json_body
from ecmahost_core.web.doors import endpoint_of
from ecmahost_core.web.framework import Answer
from ecmahost_core.web.import_requests import ask, told, wanted
from ecmahost_core.web.site import Site


def admin_routes(site: Site) -> Blueprint:
    """Returns the routes of the administration; ``doors.refuse_admin`` stands before all of them."""
    routes = Blueprint("admin", __name__)

    def known(connector: str) -> Endpoint:
        if connector not in site.endpoints and connector not in site.broken:
            raise not_found("There is no such connector. Its name is case sensitive.")
        bind_contextvars(connector=connector)
        return endpoint_of(site, connector)

    @routes.post("/admin/v1/connectors/<connector>/explain")
    def explain_requests(connector: str) -> Response:
        """As ``ecmahost explain``: a request, or a list of them; writes nothing."""
        endpoint = known(connector)
        asked = read_requests(any_json(request, site.configuration.body_limit), connector)
        call = Call(g.started + site.configuration.request_budget, g.request_id, actor="admin")
        answers = [explain(endpoint, one, call).to_json() for one in asked]
        return _json({"connector": connector, "requests": answers}, 200)

    @routes.post("/admin/v1/connectors/<connector>/import")
    def request_import(connector: str) -> Response:
        """Asks the host's worker process for an import: ``{"profile": "full" or "delta", "confirm": false}``."""
        endpoint = known(connector)
        what = wanted(json_body(request, site.configuration.body_limit))
        ask(endpoint, what)
        return _json(told(endpoint), 202)

    @routes.get("/admin/v1/connectors/<connector>/import")
    def import_state(connector: str) -> Response:
        """How the connector's imports stand."""
        return _json(told(known(connector)), 200)

    return routes


def _json(data: object, status: int) -> Response:
    return Answer(orjson.dumps(data), status=status, content_type="application/json")
