"""``/ServiceProviderConfig``, ``/ResourceTypes`` and ``/Schemas`` (RFC 7644 section 4)."""

from collections.abc import Mapping

from flask import Blueprint, Response, request

from ecmahost_core.scim.errors import ScimError, not_found
from ecmahost_core.scim.messages import list_response
from ecmahost_core.scim.schemas import Schema
from ecmahost_core.scim.service_provider import Abilities, service_provider_config
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.web.answers import answer
from ecmahost_core.web.bulk import max_operations
from ecmahost_core.web.cursors import TIMEOUT_SECONDS
from ecmahost_core.web.doors import endpoint_of
from ecmahost_core.web.resources import DEFAULT_COUNT, MAX_COUNT, base_url
from ecmahost_core.web.site import Site


def discovery_routes(site: Site) -> Blueprint:
    """Returns the routes of discovery, relative to the application's root."""
    routes = Blueprint("discovery", __name__)
    base = "/ecma2host_<connector>/scim"

    @routes.get(f"{base}/ServiceProviderConfig")
    def provider(connector: str) -> Response:
        _refuse_filter()
        endpoint = endpoint_of(site, connector)
        abilities = Abilities(
            page_size=DEFAULT_COUNT,
            max_results=MAX_COUNT,
            cursor_timeout=TIMEOUT_SECONDS,
            max_operations=max_operations(site.configuration.request_budget),
            max_payload=site.configuration.body_limit,
            change_password=endpoint.takes_passwords,
        )
        return answer(service_provider_config(base_url(request, connector), abilities))

    @routes.get(f"{base}/ResourceTypes")
    def resource_types(connector: str) -> Response:
        _refuse_filter()
        url = base_url(request, connector)
        found = [one.resource_type.to_json(url) for one in _bindings(site, connector).values()]
        return answer(list_response(found, len(found)))

    @routes.get(f"{base}/ResourceTypes/<name>")
    def resource_type(connector: str, name: str) -> Response:
        bindings = _bindings(site, connector)
        found = {one.lower(): binding for one, binding in bindings.items()}.get(name.lower())
        if found is None:
            raise not_found(f"There is no resource type {name[:80]}; there are: {', '.join(bindings)}.")
        return answer(found.resource_type.to_json(base_url(request, connector)))

    @routes.get(f"{base}/Schemas")
    def schemas(connector: str) -> Response:
        _refuse_filter()
        url = base_url(request, connector)
        found = [schema.to_json(url) for schema in _schemas(_bindings(site, connector)).values()]
        return answer(list_response(found, len(found)))

    @routes.get(f"{base}/Schemas/<urn>")
    def schema(connector: str, urn: str) -> Response:
        found = _schema(_bindings(site, connector), urn)
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


def _schema(bindings: Mapping[str, TypeBinding], urn: str) -> Schema | None:
    """The schema that a URN names, in any case and in any of the spellings that are understood elsewhere."""
    for binding in bindings.values():
        resource_type = binding.resource_type
        path = resource_type.lookup(urn)
        if path is not None and not path.name:
            return resource_type.schema if path.urn is None else resource_type.extension(path.urn)
    return None


def _schemas(bindings: Mapping[str, TypeBinding]) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for binding in bindings.values():
        resource_type = binding.resource_type
        for one in (resource_type.schema, *resource_type.extensions):
            found[one.id] = one
    return found
