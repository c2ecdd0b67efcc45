"""How an object of the space looks as a SCIM resource."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ecmahost_core.scim.resource import with_schemas
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.deprovisioning import ACTIVE, is_active
from ecmahost_core.sync.sent import SENT, spelled


def resource_of(binding: TypeBinding, entry: SpaceObject) -> dict[str, Any]:
    """Returns the resource that PATCH works on: everything but what depends on the request's URL.

    What was sent is shown as it was sent, see ``sent``.
    """
    if SENT not in entry.kept:
        return _with_own_part(binding, entry, binding.mapping.resource_of(entry.attributes))
    as_sent = spelled(binding.mapping, entry.kept, entry.attributes)
    return _with_own_part(binding, entry, binding.mapping.resource_of(entry.attributes, as_sent))


def _with_own_part(binding: TypeBinding, entry: SpaceObject, resource: dict[str, Any]) -> dict[str, Any]:
    if binding.dn_row is not None and entry.dn is not None:
        binding.dn_row.write(resource, (entry.dn,))
    resource["id"] = entry.id
    resource[ACTIVE] = is_active(binding, entry)
    resource["meta"] = _meta(binding, entry)
    return resource


def presented(binding: TypeBinding, entry: SpaceObject, base_url: str, epoch: str) -> dict[str, Any]:
    """Returns the whole resource for an answer, with ``schemas``, ``meta.location`` and ``meta.version``.

    Args:
        binding: of the resource type.
        entry: the object.
        base_url: of the connector, without a trailing slash.
        epoch: of the store.
    """
    resource = resource_of(binding, entry)
    resource["meta"] = meta_of(binding, entry, base_url, epoch)
    return with_schemas(resource, binding.resource_type)


def meta_of(binding: TypeBinding, entry: SpaceObject, base_url: str, epoch: str) -> dict[str, Any]:
    """Returns the whole of an object's ``meta`` (RFC 7643 section 3.1); the arguments are those of ``presented``."""
    location = f"{base_url}{binding.resource_type.endpoint}/{entry.id}"
    return {**_meta(binding, entry), "location": location, "version": version_of(entry, epoch)}


def _meta(binding: TypeBinding, entry: SpaceObject) -> dict[str, Any]:
    created = _instant(entry.created)
    return {
        "resourceType": binding.object_type.resource_type,
        "created": created,
        "lastModified": created if entry.modified == entry.created else _instant(entry.modified),
    }


def version_of(entry: SpaceObject, epoch: str) -> str:
    """Returns the entity tag (RFC 7644 section 3.14); it changes with every change of the object and of the store."""
    return f'W/"{epoch}-{entry.change_seq}"'


def location_of(resource: Mapping[str, Any]) -> str:
    """Returns the URL of a presented resource."""
    return str(resource["meta"]["location"])


def _instant(moment: datetime) -> str:
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{in_utc.isoformat(timespec='milliseconds')[:-6]}Z"
