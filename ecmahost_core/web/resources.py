"""``/Users``: one resource type's routes, from request to answer."""

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Blueprint, Request, Response, g, request

from ecmahost_core.scim.errors import invalid_value
from ecmahost_core.scim.messages import Query, list_response, parse_patch, parse_query
from ecmahost_core.scim.patch import apply_patch, with_sealed_values
from ecmahost_core.scim.put import replaced
from ecmahost_core.scim.resource import Canonical, Projection, canonical, missing, projection, without_read_only
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync import provisioning
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.identity import refuse_placeholder
from ecmahost_core.sync.presentation import location_of, presented, version_of
from ecmahost_core.sync.queries import search
from ecmahost_core.web.answers import answer, nothing
from ecmahost_core.web.bodies import json_body
from ecmahost_core.web.doors import endpoint_of
from ecmahost_core.web.site import Site

DEFAULT_COUNT = 100
MAX_COUNT = 1000

log = structlog.get_logger()


def resource_routes(site: Site) -> Blueprint:
    """Returns the routes of users, relative to the application's root."""
    routes = Blueprint("resources", __name__)
    base = "/ecma2host_<connector>/scim/Users"
    single = f"{base}/<object_id>"

    @routes.get(base)
    def list_resources(connector: str) -> Response:
        endpoint, binding = _target(site, connector)
        query = _query()
        shown = projection(binding.resource_type, query.attributes, query.excluded_attributes)
        found = search(endpoint, binding, query.filter, query.start_index, query.count, _call(site))
        url, epoch = base_url(request, connector), site.epoch
        page = [shown.of(presented(binding, one, url, epoch)) for one in found.objects]
        return answer(list_response(page, found.total, query.start_index))

    @routes.post(base)
    def create_resource(connector: str) -> Response:
        endpoint, binding = _target(site, connector)
        endpoint.require_visible()
        shown = _projection(binding)
        read = _read(binding, json_body(request, site.configuration.body_limit))
        refuse_placeholder(binding, read.resource, read.ignored)
        body = _complete(binding, read)
        created = provisioning.create(endpoint, binding, body, _call(site))
        resource = presented(binding, created, base_url(request, connector), site.epoch)
        headers = {"Location": location_of(resource), "ETag": version_of(created, site.epoch)}
        return answer(shown.of(resource), 201, headers)

    @routes.get(single)
    def get_resource(connector: str, object_id: str) -> Response:
        endpoint, binding = _target(site, connector)
        endpoint.require_visible()
        shown = _projection(binding)
        found = provisioning.existing(endpoint, binding, object_id, _call(site))
        return _resource(site, binding, found, connector, shown)

    @routes.patch(single)
    def patch_resource(connector: str, object_id: str) -> Response:
        endpoint, binding = _target(site, connector)
        operations = with_sealed_values(
            parse_patch(json_body(request, site.configuration.body_limit)), binding.resource_type
        )

        def transform(resource: Mapping[str, Any]) -> Mapping[str, Any]:
            patched = apply_patch(resource, operations, binding.resource_type)
            _note_ignored(patched.ignored)
            return patched.resource

        return _changed(site, endpoint, binding, connector, object_id, transform)

    @routes.put(single)
    def put_resource(connector: str, object_id: str) -> Response:
        endpoint, binding = _target(site, connector)
        body = _complete(binding, _read(binding, json_body(request, site.configuration.body_limit)))

        def transform(resource: Mapping[str, Any]) -> Mapping[str, Any]:
            return replaced(resource, body, binding.resource_type)

        return _changed(site, endpoint, binding, connector, object_id, transform)

    @routes.delete(single)
    def delete_resource(connector: str, object_id: str) -> Response:
        endpoint, binding = _target(site, connector)
        endpoint.require_visible()
        provisioning.remove(endpoint, binding, object_id, _call(site))
        return nothing()

    return routes


def base_url(incoming: Request, connector: str) -> str:
    """Returns the connector's base URL as the client reached it."""
    return f"{incoming.scheme}://{incoming.host}/ecma2host_{connector}/scim"


def _target(site: Site, connector: str) -> tuple[Endpoint, TypeBinding]:
    endpoint = endpoint_of(site, connector)
    return endpoint, endpoint.binding("User", _call(site).remaining())


def _call(site: Site) -> Call:
    return Call(deadline=g.started + site.configuration.request_budget, request_id=g.request_id)


def _query() -> Query:
    given = request.args.to_dict() if request.query_string else {}
    return parse_query(given, default_count=DEFAULT_COUNT, max_count=MAX_COUNT)


def _read(binding: TypeBinding, body: Mapping[str, Any]) -> Canonical:
    read = canonical(body, binding.resource_type)
    _note_ignored(read.ignored)
    return read


def _complete(binding: TypeBinding, read: Canonical) -> dict[str, Any]:
    resource = without_read_only(read.resource, binding.resource_type)
    absent = missing(resource, binding.resource_type)
    if absent:
        raise invalid_value(f"The resource must have a value for: {', '.join(absent)}.")
    return resource


def _note_ignored(names: tuple[str, ...]) -> None:
    if names:
        # A path can hold a filter, and a filter somebody's value: only the name in front of it is logged.
        shown = [name.partition("[")[0][:100] for name in names[:20]]
        log.debug("attributes_ignored", names=shown, count=len(names))


def _changed(
    site: Site,
    endpoint: Endpoint,
    binding: TypeBinding,
    connector: str,
    object_id: str,
    transform: provisioning.Transform,
) -> Response:
    endpoint.require_visible()
    shown = _projection(binding)  # before anything is written: what is wrong with it refuses the request as a whole
    changed = provisioning.change(endpoint, binding, object_id, transform, _call(site))
    return _resource(site, binding, changed, connector, shown)


def _resource(site: Site, binding: TypeBinding, found: SpaceObject, connector: str, shown: Projection) -> Response:
    resource = presented(binding, found, base_url(request, connector), site.epoch)
    headers = {"ETag": version_of(found, site.epoch)}
    return answer(shown.of(resource), 200, headers)


def _projection(binding: TypeBinding) -> Projection:
    """What the request wants to see of a resource; raises ScimError 400."""
    query = _query()
    return projection(binding.resource_type, query.attributes, query.excluded_attributes)
