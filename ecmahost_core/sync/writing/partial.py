"""What stays of a change that a target without transactions refused half-way.

Such a connector reads the object back and puts it into the result beside the error. The space then equals the target at
once, and the client hears what was applied, so that neither believes that nothing happened.
"""

from ecmahost_core.ecma.results import CSEntryChangeResult
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.objects import SpaceObject, TargetObject
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.values import same_values
from ecmahost_core.sync.target_reads import readable


def left_behind(binding: TypeBinding, result: CSEntryChangeResult, before: SpaceObject) -> TargetObject | None:
    """Returns the object as the target holds it after it refused a change; None where the object is as it was.

    Links are taken as unchanged: a connector leaves them out of what it reads back.
    """
    if result.attributes is None:
        return None
    space_type = binding.space_type
    unread = {name: values for name, values in before.attributes.items() if name in space_type.export_only}
    read = {
        name: values
        for name, values in readable(binding, result.attributes).items()
        if name not in space_type.links and binding.target.attribute(name) is not None
    }
    anchor, dn = result.anchor or before.anchor, result.dn or before.dn
    left = TargetObject(anchor, dn, {**unread, **read})
    return left if anchor != before.anchor or dn != before.dn or _differing(binding, before, left) else None


def refused_in_part(binding: TypeBinding, before: SpaceObject, left: TargetObject, error: ScimError) -> ScimError:
    """Returns the error of the change with the paths of what was applied all the same."""
    paths = ", ".join(binding.mapping.path_of(name) for name in _differing(binding, before, left)) or "the name"
    detail = f"{error.detail.rstrip('.')}. The target has no transactions; applied all the same: {paths}."
    return ScimError(error.status, detail, error.scim_type, error.headers)


def _differing(binding: TypeBinding, before: SpaceObject, left: TargetObject) -> list[str]:
    return [
        attribute.name
        for attribute in binding.target.attributes
        if attribute.name in left.attributes
        and not same_values(before.attributes.get(attribute.name, ()), left.attributes[attribute.name], attribute)
    ]
