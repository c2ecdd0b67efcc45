"""What the host itself knows about groups that are configured: by what they are found, and who is in them.

For ``ecmahost check``, beside ``findings``.
"""

from collections.abc import Iterator

from ecmahost_core.configuration.model import Profile
from ecmahost_core.ecma.results import Finding, Severity
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.reference_rows import is_link


def group_findings(binding: TypeBinding) -> Iterator[Finding]:
    """Yields what a configuration says about link attributes, and of the resource type Group about its members."""
    name = binding.object_type.resource_type
    mapping = f"[schema_mapping.{name}]"
    mapped = {row.target.name for row in binding.links}
    for attribute in binding.target.attributes if binding.profile is Profile.SCIM else ():
        if is_link(attribute) and attribute.name not in mapped:
            message = "is imported and kept, and no client sees it: it has several references and is not mapped"
            remedy = f'map it under {mapping}, such as members = "{attribute.name}", or select it no more'
            yield Finding(Severity.WARNING, f"{binding.target.name}.{attribute.name}", message, remedy)
    if name == "Group" and not binding.links:
        message = "members is not mapped: Entra creates groups, and nobody is ever in them"
        yield Finding(Severity.WARNING, mapping, message, 'members = "..." with an attribute of several references')


def matching_findings(binding: TypeBinding, name: str, whom: str) -> Iterator[Finding]:
    """Yields what is wrong with the attribute that Entra matches by unless somebody changes that in the portal.

    Args:
        binding: of the resource type.
        name: of the attribute: ``userName``, ``displayName``.
        whom: is matched, in words: ``people``, ``groups``.
    """
    row = next((row for row in binding.mapping.rows if row.path.urn is None and row.path.name == name), None)
    resource_type = binding.object_type.resource_type
    if row is None:
        message = f"{name} is not mapped, and it is what Entra matches {whom} by unless the portal says otherwise"
        remedy = f"map {name}, or change the matching attribute in Entra"
        yield Finding(Severity.WARNING, f"[schema_mapping.{resource_type}]", message, remedy)
    elif row.target.name not in binding.query_attributes and binding.target.anchor != (row.target.name,):
        message = (
            f"{row.target.name!r}, which {name} is mapped to, is no query attribute: two {whom} may get the same, "
            "and a match that finds nobody is not verified in the target"
        )
        remedy = f'query_attributes = ["{row.target.name}"] under [object_types.{resource_type}]'
        yield Finding(Severity.WARNING, f"{binding.target.name}.{row.target.name}", message, remedy)
