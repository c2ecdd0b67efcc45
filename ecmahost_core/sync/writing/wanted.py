"""What the body of a write wants a resource to be: read alike by whoever does it and whoever only explains it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecmahost_core.scim.errors import invalid_value
from ecmahost_core.scim.patch import Operation, apply_patch
from ecmahost_core.scim.resource import canonical, missing, without_read_only
from ecmahost_core.scim.unknown_names import refuse_unknown, refuse_without_room
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.identity import refuse_placeholder
from ecmahost_core.sync.mapping.places import with_places, with_primary_kept, without_room


@dataclass(frozen=True, slots=True)
class Wanted:
    """A resource as a client wants it.

    Attributes:
        resource: canonical, each value in a place that the mapping has.
        ignored: names in the request of attributes that nobody has.
        without_room: attributes of which the target has no room for a value.
    """

    resource: Mapping[str, Any]
    ignored: tuple[str, ...]
    without_room: tuple[str, ...]


def wanted_by_body(binding: TypeBinding, body: Any, *, strict: bool, new: bool = False) -> Wanted:
    """Returns what a POST (``new``) or PUT wants, without what only the server sets.

    Raises ScimError 400, where the connector is strict also for what would be passed over.
    """
    read = canonical(body, binding.resource_type)
    if new:
        refuse_placeholder(binding, read.resource, read.ignored)
    if strict and read.ignored:
        refuse_unknown(read.ignored, ())
    placed, names = _placed(binding, read.resource, strict=strict)
    resource = without_read_only(placed, binding.resource_type)
    absent = missing(resource, binding.resource_type)
    if absent:
        raise invalid_value(f"The resource must have a value for: {', '.join(absent)}.")
    return Wanted(resource, read.ignored, names)


def wanted_by_patch(
    binding: TypeBinding, before: Mapping[str, Any], operations: Sequence[Operation], *, strict: bool
) -> Wanted:
    """Returns what a PATCH makes of a resource; raises ScimError as ``wanted_by_body`` and ``apply_patch`` do."""
    patched = apply_patch(before, operations, binding.resource_type)
    if strict and patched.ignored:
        refuse_unknown(patched.ignored, operations)
    placed, names = _placed(binding, patched.resource, strict=strict)
    return Wanted(with_primary_kept(binding.mapping, before, placed), patched.ignored, names)


def _placed(
    binding: TypeBinding, resource: Mapping[str, Any], *, strict: bool
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    placed = with_places(binding.mapping, resource)
    names = without_room(binding.mapping, placed)
    if strict and names:
        refuse_without_room(names)
    return placed, names
