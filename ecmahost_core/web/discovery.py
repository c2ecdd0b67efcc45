"""``/ServiceProviderConfig``, ``/ResourceTypes`` and ``/Schemas`` (RFC 7644 section 4)."""

from collections.abc import Mapping

from flask import Blueprint, Response, request

from ecmahost_core.scim.errors import ScimError, not_found
from ecmahost_core.scim.messages import list_response, service_provider_config
from ecmahost_core.scim.schemas import Schema
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.web.answers import answer
from ecmahost_core.web.doors import endpoint_of
from ecmahost_core.web.resources import MAX_COUNT, base_url
from ecmahost_core.web.site import Site


def discovery_routes(site: Site) -> Blueprint:
    """Returns the routes of discovery, relative to the application's root."""
    routes = Blueprint("discovery", __name__)
    base = "/ecma2host_<connector>/scim"

    @routes.get(f"{base}/ServiceProviderConfig")
    def provider(connector: str) -> Response:
        passwords = endpoint_of(site, connector).takes_passwords
        url = base_url(request, connector)
        return answer(service_provider_config(url, max_results=MAX_COUNT, etag=False, change_password=passwords))

    @routes.get(f"{base}/ResourceTypes")
    def resource_types(connector: str) -> Response:
        _refuse_filter()
        url = base_url(request, connector)
        found = [one.resource_type.to_json(url) for one in _bindings(site, connector).values()]
        return answer(list_response(found, len(found)))

    @routes.get(f"{base}/ResourceTypes/<name>")
    def resource_type(connector: str, name: str) -> Response:
        bindings = _bindings(site, connector)
        if name not in bindings:
            raise not_found(f"There is no resource type {name[:80]}; there are: {', '.join(bindings)}.")
        return answer(bindings[name].resource_type.to_json(base_url(request, connector)))

    @routes.get(f"{base}/Schemas")
    def schemas(connector: str) -> Response:
        _refuse_filter()
        url = base_url(request, connector)
        found = [schema.to_json(url) for schema in _schemas(_bindings(site, connector)).values()]
        return answer(list_response(found, len(found)))

    @routes.get(f"{base}/Schemas/<urn>")
    def schema(connector: str, urn: str) -> Response:
        found = {one.lower(): schema for one, schema in _schemas(_bindings(site, connector)).items()}.get(urn.lower())
        if found is None:
            raise not_found("There is no schema with this URN.")
        return answer(found.to_json(base_url(request, connector)))

    return routes


def _bindings(site: Site, connector: str) -> Mapping[str, TypeBinding]:
    return endpoint_of(site, connector).bindings_for_scim(site.configuration.request_budget)


def _refuse_filter() -> None:
    """RFC 7644 section 4: a filter on discovery is refused, because the answer must be whole."""
    if "filter" in request.args:
        raise ScimError(403, "Discovery endpoints take no filter (RFC 7644 section 4).")


def _schemas(bindings: Mapping[str, TypeBinding]) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for binding in bindings.values():
        resource_type = binding.resource_type
        for one in (resource_type.schema, *resource_type.extensions):
            found[one.id] = one
    return found
