"""The routes of every resource type that a connector has: ``/Users``, ``/Groups``, by ``ResourceType.endpoint``."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Request, Response, g, request

from ecmahost_core.scim.errors import not_found
from ecmahost_core.scim.messages import Query, parse_query, parse_search
from ecmahost_core.sync.endpoint import Call
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.web import listing, verbs
from ecmahost_core.web.answers import sent
from ecmahost_core.web.bodies import json_body
from ecmahost_core.web.doors import endpoint_of
from ecmahost_core.web.exchange import Asked, Served
from ecmahost_core.web.site import Site

DEFAULT_COUNT = 100
MAX_COUNT = 1000


def resource_routes(site: Site) -> Blueprint:
    """Returns the routes of the resources, relative to the application's root."""
    routes = Blueprint("resources", __name__)
    base = "/ecma2host_<connector>/scim/<collection:collection>"
    single = f"{base}/<id:object_id>"

    @routes.get(base)
    def query(connector: str, collection: str) -> Response:
        return sent(listing.query([served(site, connector, collection)], asked(site), site.cursor_secret))

    @routes.post(f"{base}/.search")
    def search(connector: str, collection: str) -> Response:
        return sent(listing.query([served(site, connector, collection)], searched(site), site.cursor_secret))

    @routes.post(base)
    def create(connector: str, collection: str) -> Response:
        return sent(verbs.create(served(site, connector, collection), asked(site, body_of(site))))

    @routes.get(single)
    def get(connector: str, collection: str, object_id: str) -> Response:
        return sent(verbs.get(served(site, connector, collection), asked(site), object_id))

    @routes.patch(single)
    def patch(connector: str, collection: str, object_id: str) -> Response:
        return sent(verbs.patch(served(site, connector, collection), asked(site, body_of(site)), object_id))

    @routes.put(single)
    def replace(connector: str, collection: str, object_id: str) -> Response:
        return sent(verbs.replace(served(site, connector, collection), asked(site, body_of(site)), object_id))

    @routes.delete(single)
    def delete(connector: str, collection: str, object_id: str) -> Response:
        return sent(verbs.delete(served(site, connector, collection), asked(site), object_id))

    return routes


def base_url(incoming: Request, connector: str) -> str:
    """Returns the connector's base URL as the client reached it."""
    return f"{incoming.scheme}://{incoming.host}/ecma2host_{connector}/scim"


def call_of(site: Site) -> Call:
    """Returns what belongs to the current request: its deadline and its id."""
    return Call(deadline=g.started + site.configuration.request_budget, request_id=g.request_id)


def served(site: Site, connector: str, collection: str) -> Served:
    """Returns the resource type behind ``/<collection>``; raises ScimError 404 where the connector has none."""
    endpoint = endpoint_of(site, connector)
    bindings = endpoint.bindings_for_scim(call_of(site).remaining())
    binding = of_collection(bindings, collection)
    g.resource_type = binding.resource_type.name
    g.collection = binding.resource_type.endpoint.removeprefix("/")  # for the log: it is known, and no name of anybody
    return Served(endpoint, binding, site.epoch, base_url(request, connector))


def all_served(site: Site, connector: str) -> list[Served]:
    """Returns every resource type of a connector, in the order of its configuration; raises ScimError."""
    endpoint = endpoint_of(site, connector)
    bindings = endpoint.bindings_for_scim(call_of(site).remaining()).values()
    return [Served(endpoint, binding, site.epoch, base_url(request, connector)) for binding in bindings]


def of_collection(bindings: Mapping[str, TypeBinding], collection: str) -> TypeBinding:
    """Returns the binding whose resource type's endpoint is ``/<collection>``, in any case; raises ScimError 404."""
    for binding in bindings.values():
        if binding.resource_type.endpoint.lower() == f"/{collection}".lower():
            return binding
    there = ", ".join(binding.resource_type.endpoint for binding in bindings.values())
    raise not_found(f"There is no resource type at /{collection[:80]}; there are: {there}.")


def asked(site: Site, body: Any = None) -> Asked:
    """Returns the current request for the verbs; raises ScimError 400 for a query parameter that is wrong."""
    headers = request.headers
    return Asked(call_of(site), _query(), body, headers.get("If-Match"), headers.get("If-None-Match"))


def searched(site: Site) -> Asked:
    """Returns the current request, a POST with a SearchRequest, as the query that it stands for; raises ScimError."""
    query = parse_search(body_of(site), default_count=DEFAULT_COUNT, max_count=MAX_COUNT)
    return Asked(call_of(site), query)


def body_of(site: Site) -> dict[str, Any]:
    """Returns the JSON object that the current request carries; raises ScimError and BodyError."""
    return json_body(request, site.configuration.body_limit)


def _query() -> Query:
    given = request.args.to_dict() if request.query_string else {}
    return parse_query(given, default_count=DEFAULT_COUNT, max_count=MAX_COUNT)
