"""What of a new resource tells who it is: the values of its anchor and of its query attributes."""

from collections.abc import Mapping, Sequence
from typing import Any

from ecmahost_core.scim import entra
from ecmahost_core.scim.errors import invalid_value
from ecmahost_core.sync.mapping.binding import TypeBinding


def identifying_paths(binding: TypeBinding) -> str:
    """Returns the SCIM paths that identify somebody, as a list in words; query attributes come first."""
    names = dict.fromkeys((*binding.query_attributes, *binding.target.anchor))
    return ", ".join(map(binding.mapping.path_of, names))


def refuse_placeholder(binding: TypeBinding, resource: Mapping[str, Any], ignored: Sequence[str]) -> None:
    """Refuses to create whom an app sends whose attribute mapping nobody has completed yet.

    Called before anything else is missed: what the administrator has to do is in the portal, and in no column.

    Args:
        binding: of the resource type.
        resource: canonical, as it is to be created.
        ignored: the unknown names that the request had.

    Raises:
        ScimError: 400 ``invalidValue``.
    """
    if not entra.carries_placeholder(ignored):
        return
    identifying = {*binding.query_attributes, *binding.target.anchor}
    if any(row.read(resource) for row in binding.mapping.rows if row.target.name in identifying):
        return
    raise invalid_value(
        f"The request has a value for {entra.PLACEHOLDER} and none that identifies a person. In the portal, "
        f"Provisioning > Attribute mapping, replace the target attribute {entra.PLACEHOLDER} by one of: "
        f"{identifying_paths(binding)}."
    )
