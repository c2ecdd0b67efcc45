"""The rows of a mapping, and the resource type that they belong to: how each profile makes them.

``scim`` reads them from the schema mapping, ``ecma`` makes them from the target. Behind the rows hardly anything knows
of profiles. What is particular to ``ecma`` is ``-dn-``: it is no attribute of the target but the DN of the object
itself, so it has a row of its own beside the mapping, to be shown and never to be written. In both profiles the row of
the password stands beside the mapping too, to be written and never to be shown.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ecmahost_core.configuration.model import ObjectType
from ecmahost_core.ecma.passwords import EXPORT_PASSWORD
from ecmahost_core.ecma.schema import AttributeOperation, SchemaAttribute, SchemaType
from ecmahost_core.scim.entra import DN_ATTRIBUTE
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.sync.mapping.made_attributes import PASSWORD
from ecmahost_core.sync.mapping.resource_schema import ecma_resource_type, full_resource_type, mapped_paths
from ecmahost_core.sync.mapping.schema_mapping import MappedPath
from ecmahost_core.text import fold

_DN = SchemaAttribute(DN_ATTRIBUTE, operation=AttributeOperation.IMPORT_ONLY)


@dataclass(frozen=True, slots=True)
class ProfileRows:
    """What a profile makes of an object type.

    Attributes:
        full: the resource type that the rows were resolved against.
        rows: in the order of the configuration, or of the target.
        dn: the row of ``-dn-``; None in the profile ``scim``, where objects have no DN, and where the target has an
            attribute of that name, which is then what clients mean.
        passwords: the rows that lead to ``export_password``; more than one is a mistake in the configuration.
    """

    full: ResourceType
    rows: tuple[MappedPath, ...]
    dn: MappedPath | None
    passwords: tuple[MappedPath, ...] = ()


def mapped_rows(
    object_type: ObjectType,
    target: SchemaType,
    mapping: Mapping[str, str],
    kinds: Sequence[str],
    refuse: Callable[[str, str], None],
) -> ProfileRows:
    """Returns the rows of a schema mapping.

    Args:
        object_type: as configured.
        target: with the selected attributes.
        mapping: SCIM path to target attribute, as configured.
        kinds: the resource types by which a path can choose among references.
        refuse: called with each path that is no good, and what was expected.
    """
    full = full_resource_type(object_type.resource_type, mapping, target, object_type)
    rows = []
    for text, name in mapping.items():
        attribute = PASSWORD if name == EXPORT_PASSWORD else target.attribute(name)
        row = mapped_paths(text, attribute, full, kinds) if attribute is not None else None
        if isinstance(row, str):
            refuse(text, row)
        elif row is not None:
            rows.append(row)
    attributes, passwords = _apart(rows)
    return ProfileRows(full, attributes, None, passwords)


def ecma_rows(
    resource_type: str, target: SchemaType, names: Mapping[str, str], *, has_dn: bool, has_password: bool
) -> ProfileRows:
    """Returns the rows that an object type has in the profile ``ecma``.

    Args:
        resource_type: the resource type's SCIM name.
        target: with the selected attributes.
        names: the attributes' names on the wire, by the target's.
        has_dn: whether its objects have a DN, their own or a generated one.
        has_password: whether passwords are selected.
    """
    attributes = {names[one.name]: one for one in target.attributes if one.name in names}
    if has_password:
        attributes[EXPORT_PASSWORD] = PASSWORD
    shows_dn = has_dn and fold(DN_ATTRIBUTE) not in map(fold, attributes)
    full = ecma_resource_type(resource_type, {**attributes, DN_ATTRIBUTE: _DN} if shows_dn else attributes)
    rows, passwords = _apart(_row(name, one, full) for name, one in attributes.items())
    return ProfileRows(full, rows, _row(DN_ATTRIBUTE, _DN, full) if shows_dn else None, passwords)


def _apart(rows: Iterable[MappedPath]) -> tuple[tuple[MappedPath, ...], tuple[MappedPath, ...]]:
    """The rows of attributes, and those of the password."""
    found = tuple(rows)
    return tuple(row for row in found if row.target is not PASSWORD), tuple(
        row for row in found if row.target is PASSWORD
    )


def _row(name: str, target: SchemaAttribute, full: ResourceType) -> MappedPath:
    extension = full.extensions[0]
    attribute = extension.attribute(name)
    if attribute is None:
        raise ValueError(f"{name} is not in the extension")
    path = AttributePath(extension.id, attribute, name)
    return MappedPath(path.text, path, None, target, attribute.type)
