"""How an object of the space looks as a SCIM resource."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from ecmahost_core.scim.errors import of_type
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.resource import with_schemas
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.mapping.activity import ACTIVE, is_active
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.reference_rows import GROUPS
from ecmahost_core.sync.mapping.sent import SENT, spelled
from ecmahost_core.sync.references import link_elements, links_by_path, put, show_references, unread_links

Wants: TypeAlias = Callable[[AttributePath], bool]
Page: TypeAlias = Sequence[tuple[SpaceObject, dict[str, Any]]]

ANSWERED_WITHOUT_BODY = frozenset({"Group"})
"""Resource types of which a PATCH is answered 204 unless the request says what it wants to see: a group may be large,
and clients that change its members do not want them back."""

MOST_LINKS = 200_000
"""Values of link attributes in one answer about several resources: a hundred groups may have five million members."""


def editable(endpoint: Endpoint, binding: TypeBinding, entry: SpaceObject) -> dict[str, Any]:
    """Returns the resource that PATCH and PUT work on, as clients see it: everything but what depends on the URL.

    Link attributes (members) are not read: ``Links`` stand for them.
    """
    resource = resource_of(binding, entry)
    show_references(endpoint, binding, binding.references, [(entry, resource)], None)
    for (urn, name), rows in links_by_path(binding).items():
        _set(resource, urn, name, unread_links(endpoint, binding, rows, entry))
    return resource


def resource_of(binding: TypeBinding, entry: SpaceObject) -> dict[str, Any]:
    """Returns the resource as the target holds it: references as the target spells them, and no links.

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
    if binding.can_be_disabled:
        resource[ACTIVE] = is_active(binding, entry)
    resource["meta"] = _meta(binding, entry)
    return resource


def presented_page(
    endpoint: Endpoint,
    binding: TypeBinding,
    entries: Sequence[SpaceObject],
    wants: Wants,
    base_url: str,
) -> list[dict[str, Any]]:
    """Returns the whole resources for an answer, with ``schemas``, ``meta.location`` and ``meta.version``.

    What costs look-ups of its own (references, members, groups of users) is left out unless it is wanted, and looked up
    for the whole page at once.

    Args:
        endpoint: whose space has the objects.
        binding: of the resource type.
        entries: the objects.
        wants: whether any of an attribute is shown (``Projection.wants``).
        base_url: of the connector, without a trailing slash.

    Raises:
        ScimError: 400 ``tooMany`` for a page of more members than ``MOST_LINKS``.
    """
    page = [(entry, resource_of(binding, entry)) for entry in entries]
    hidden = [row for row in binding.references if not wants(row.path)]
    for _, resource in page:
        for row in hidden:
            put(resource, row, None)
    show_references(endpoint, binding, [row for row in binding.references if row not in hidden], page, base_url)
    _show_links(endpoint, binding, page, wants, base_url)
    if binding.groups_path is not None and wants(binding.groups_path):
        show_groups(endpoint, binding, page, base_url)
    for entry, resource in page:
        resource["meta"] = meta_of(binding, entry, base_url, endpoint.store.epoch)
    return [with_schemas(resource, binding.resource_type) for _, resource in page]


def _show_links(endpoint: Endpoint, binding: TypeBinding, page: Page, wants: Wants, base_url: str) -> None:
    shown = 0
    for (urn, name), rows in links_by_path(binding).items():
        if not wants(rows[0].path):
            continue
        for entry, resource in page:
            elements = link_elements(endpoint, binding, rows, entry, base_url)
            if elements or urn is None:
                _set(resource, urn, name, elements)
            shown += len(elements)
            if shown > MOST_LINKS and len(page) > 1:
                detail = f"These resources have too many {name}; ask for fewer (count), or excludedAttributes={name}."
                raise of_type("tooMany", detail)


def show_groups(endpoint: Endpoint, binding: TypeBinding, page: Page, base_url: str) -> None:
    """Puts the groups of users, of which the users themselves know nothing, into their resources."""
    groups = endpoint.bindings_for_scim()["Group"]
    users = [entry for entry, _ in page]
    found = endpoint.store.owners_of_all(groups.space_type, binding.member_of, users)
    made: dict[int, dict[str, Any]] = {}
    for entry, resource in page:
        for group in found[entry.key]:
            if group.key not in made:
                made[group.key] = group_element(groups, group, base_url)
        if found[entry.key]:
            resource[GROUPS] = [made[group.key] for group in found[entry.key]]


def group_element(groups: TypeBinding, group: SpaceObject, base_url: str) -> dict[str, Any]:
    """Returns what a member of a group is shown to have under ``groups``."""
    name = resource_of(groups, group).get("displayName")
    url = f"{base_url}{groups.resource_type.endpoint}/{group.id}"
    shown = {"value": group.id, "$ref": url, "display": name, "type": "direct"}
    return {name: value for name, value in shown.items() if value is not None}


def _set(resource: dict[str, Any], urn: str | None, name: str, value: Any) -> None:
    part = resource if urn is None else resource.setdefault(urn, {})
    part[name] = value


def meta_of(binding: TypeBinding, entry: SpaceObject, base_url: str, epoch: str) -> dict[str, Any]:
    """Returns the whole of an object's ``meta`` (RFC 7643 section 3.1); ``base_url`` is the connector's."""
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
