"""How an object of the space looks as a SCIM resource."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ecmahost_core.scim.resource import with_schemas
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.deprovisioning import ACTIVE, is_active
from ecmahost_core.sync.schema_mapping import MappedPath
from ecmahost_core.sync.sent import SENT, spelled
from ecmahost_core.sync.values import normal


def resource_of(binding: TypeBinding, entry: SpaceObject) -> dict[str, Any]:
    """Returns the resource that PATCH works on: everything but what depends on the request's URL.

    What was sent is shown as it was sent, see ``sent``.
    """
    if SENT not in entry.kept:
        return _with_own_part(binding, entry, binding.mapping.resource_of(entry.attributes))
    as_sent = spelled(binding.mapping, entry.kept, entry.attributes)
    return _with_own_part(binding, entry, binding.mapping.resource_of(entry.attributes, as_sent))


def stored_resource_of(binding: TypeBinding, entry: SpaceObject, compared: Collection[MappedPath]) -> dict[str, Any]:
    """Returns the resource that filters work on: what the target holds, whatever it was sent as.

    The values of the rows in ``compared`` have the form in which equal ones are equal.
    """
    normally: dict[str, Sequence[Any]] = {
        row.text: row.shown(tuple(normal(value, row.target) for value in entry.attributes.get(row.target.name, ())))
        for row in compared
    }
    return _with_own_part(binding, entry, binding.mapping.resource_of(entry.attributes, normally))


def _with_own_part(binding: TypeBinding, entry: SpaceObject, resource: dict[str, Any]) -> dict[str, Any]:
    if binding.dn_row is not None and entry.dn is not None:
        binding.dn_row.write(resource, (entry.dn,))
    resource["id"] = entry.id
    resource[ACTIVE] = is_active(binding, entry)
    created = _instant(entry.created)
    resource["meta"] = {
        "resourceType": binding.object_type.resource_type,
        "created": created,
        "lastModified": created if entry.modified == entry.created else _instant(entry.modified),
    }
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
    meta: dict[str, Any] = resource["meta"]
    meta["location"] = f"{base_url}{binding.resource_type.endpoint}/{entry.id}"
    meta["version"] = version_of(entry, epoch)
    return with_schemas(resource, binding.resource_type)


def version_of(entry: SpaceObject, epoch: str) -> str:
    """Returns the entity tag (RFC 7644 section 3.14); it changes with every change of the object and of the store."""
    return f'W/"{epoch}-{entry.change_seq}"'


def location_of(resource: Mapping[str, Any]) -> str:
    """Returns the URL of a presented resource."""
    return str(resource["meta"]["location"])


def _instant(moment: datetime) -> str:
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{in_utc.isoformat(timespec='milliseconds')[:-6]}Z"
