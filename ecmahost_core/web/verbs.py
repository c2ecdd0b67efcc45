"""What can be done with the resources of one type: one function per verb, from a request to its answer.

They know nothing of Flask: routes call them, and so do Bulk and searches. All raise ScimError.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from ecmahost_core.scim.etags import is_known, require_writable
from ecmahost_core.scim.messages import parse_patch
from ecmahost_core.scim.patch import with_sealed_values
from ecmahost_core.scim.put import replaced
from ecmahost_core.scim.resource import Projection, projection
from ecmahost_core.scim.unknown_names import shown_names
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.endpoint import Call
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.reading.presentation import ANSWERED_WITHOUT_BODY, location_of, presented_page, version_of
from ecmahost_core.sync.writing import provisioning
from ecmahost_core.sync.writing.asked import asked_by_body, asked_by_patch
from ecmahost_core.sync.writing.wanted import Wanted, wanted_by_body, wanted_by_patch
from ecmahost_core.web.exchange import Asked, Reply, Served

log = structlog.get_logger()


def create(served: Served, asked: Asked) -> Reply:
    """POST (RFC 7644 section 3.3)."""
    binding = served.binding
    served.endpoint.require_visible()
    shown = shown_of(binding, asked)
    body = _noted(wanted_by_body(binding, asked.body, strict=_strict(served), new=True))
    call = _telling(served, asked, lambda: asked_by_body(binding, "POST", body))
    created = provisioning.create(served.endpoint, binding, body, call)
    return _resource(served, created, shown, 201)


def get(served: Served, asked: Asked, object_id: str) -> Reply:
    """GET of one resource (RFC 7644 section 3.4.1)."""
    served.endpoint.require_visible()
    shown = shown_of(served.binding, asked)
    found = provisioning.existing(served.endpoint, served.binding, object_id, asked.call)
    version = version_of(found, served.epoch)
    if is_known(version, asked.if_match, asked.if_none_match):
        return Reply(304, headers={"ETag": version})
    return _resource(served, found, shown)


def patch(served: Served, asked: Asked, object_id: str) -> Reply:
    """PATCH (RFC 7644 section 3.5.2): 200 with the resource, or 204, see ``ANSWERED_WITHOUT_BODY``."""
    resource_type = served.binding.resource_type
    operations = with_sealed_values(parse_patch(asked.body), resource_type)

    def transform(resource: Mapping[str, Any]) -> Mapping[str, Any]:
        return _noted(wanted_by_patch(served.binding, resource, operations, strict=_strict(served)))

    projected = bool(asked.query.attributes or asked.query.excluded_attributes)
    quiet = resource_type.name in ANSWERED_WITHOUT_BODY and not projected
    call = _telling(served, asked, lambda: asked_by_patch(served.binding, operations))
    return _changed(served, asked, call, object_id, transform, quiet=quiet)


def replace(served: Served, asked: Asked, object_id: str) -> Reply:
    """PUT (RFC 7644 section 3.5.1)."""
    binding = served.binding
    body = _noted(wanted_by_body(binding, asked.body, strict=_strict(served)))

    def transform(resource: Mapping[str, Any]) -> Mapping[str, Any]:
        return replaced(resource, body, binding.resource_type)

    call = _telling(served, asked, lambda: asked_by_body(binding, "PUT", body))
    return _changed(served, asked, call, object_id, transform, quiet=False)


def delete(served: Served, asked: Asked, object_id: str) -> Reply:
    """DELETE (RFC 7644 section 3.6)."""
    served.endpoint.require_visible()
    call = _telling(served, asked, lambda: {"method": "DELETE"})
    provisioning.remove(served.endpoint, served.binding, object_id, call, _condition(served, asked))
    return Reply(204)


def shown_of(binding: TypeBinding, asked: Asked) -> Projection:
    """Returns what a request wants to see of a resource; looked at before anything is written."""
    return projection(binding.resource_type, asked.query.attributes, asked.query.excluded_attributes)


def _strict(served: Served) -> bool:
    return served.endpoint.configuration.properties.strict


def _noted(wanted: Wanted) -> Mapping[str, Any]:
    """What a request wants; what of it is passed over is logged."""
    if wanted.ignored:
        log.debug("attributes_ignored", names=shown_names(wanted.ignored), count=len(wanted.ignored))
    if wanted.without_room:
        log.debug("values_ignored", names=shown_names(wanted.without_room), count=len(wanted.without_room))
    return wanted.resource


def _telling(served: Served, asked: Asked, told: Callable[[], Mapping[str, Any]]) -> Call:
    """The call with what is kept of the request; as it is where nothing is."""
    return dataclasses.replace(asked.call, asked=told()) if served.endpoint.store.keeps_past else asked.call


def _changed(
    served: Served, asked: Asked, call: Call, object_id: str, transform: provisioning.Transform, *, quiet: bool
) -> Reply:
    served.endpoint.require_visible()
    shown = shown_of(served.binding, asked)
    condition = _condition(served, asked)
    changed = provisioning.change(served.endpoint, served.binding, object_id, transform, call, condition)
    if quiet:
        return Reply(204, headers={"ETag": version_of(changed, served.epoch)})
    return _resource(served, changed, shown)


def _condition(served: Served, asked: Asked) -> provisioning.Condition | None:
    """What the headers require of the object that a write is computed from; a race cannot slip through before it."""
    if asked.if_match is None and asked.if_none_match is None:
        return None

    def required(before: SpaceObject) -> None:
        require_writable(version_of(before, served.epoch), asked.if_match, asked.if_none_match)

    return required


def _resource(served: Served, found: SpaceObject, shown: Projection, status: int = 200) -> Reply:
    (resource,) = presented_page(served.endpoint, served.binding, [found], shown.wants, served.base_url)
    location = location_of(resource)
    headers = {"Location": location, "Content-Location": location, "ETag": version_of(found, served.epoch)}
    return Reply(status, shown.of(resource), headers)
