"""SCIM attributes that no RFC has: made for what the target keeps, with what the target's type alone decides.

Those of an extension with a URN of the administrator's own, and the core schema of a resource type of their own.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from ecmahost_core.configuration.model import ObjectType
from ecmahost_core.ecma.passwords import EXPORT_PASSWORD
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType, SchemaAttribute, SchemaType
from ecmahost_core.scim import schemas
from ecmahost_core.scim.common import COMMON_ATTRIBUTES
from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.custom_types import CustomPath, custom_path
from ecmahost_core.scim.schemas import Attribute, Schema
from ecmahost_core.sync.mapping.values import scim_type_of
from ecmahost_core.text import fold

PASSWORD: Final = SchemaAttribute(EXPORT_PASSWORD, operation=AttributeOperation.EXPORT_ONLY)
"""Stands in a row of the mapping where a target attribute stands in the others. It is none."""

_REFERENCE = (
    Attribute("value", description="The id of the resource."),
    Attribute("$ref", type="reference", description="The URL of the resource.", case_exact=True),
)
_KIND = Attribute("type", description="The resource type.")
_COMMON = frozenset(fold(one.name) for one in COMMON_ATTRIBUTES)


def made_attribute(name: str, target: SchemaAttribute, *, references: bool = False) -> Attribute:
    """Returns the attribute for one of the target's; a reference is complex where ``references`` are told by ids.

    Which resource types a reference names is added when that is known (``reference_rows.with_named_types``).
    """
    description = f"The attribute {target.name} of the target."
    if references and target.type is AttributeType.REFERENCE:
        return Attribute(
            name,
            type="complex",
            multi_valued=target.multi_valued,
            description=description,
            sub_attributes=(*_REFERENCE, _KIND) if target.multi_valued else _REFERENCE,
        )
    return Attribute(
        name,
        type=cast(schemas.AttributeType, scim_type_of(target)),
        multi_valued=target.multi_valued,
        description=description,
        case_exact=target.type is AttributeType.BINARY,
        # What is announced as a number may well be sent as "007", and must come back so.
        as_sent=not target.multi_valued,
    )


def custom_schema(object_type: ObjectType, mapped: Mapping[str, str], target: SchemaType) -> Schema:
    """Returns the core schema of a resource type of the administrator's own: what its mapping names, and nothing else.

    ``name`` is an attribute of the target attribute's type, ``name.part`` a part of a complex one. What cannot be made
    is left out, and so refused as unknown by whoever resolves the path.
    """
    found: dict[str, Attribute] = {}
    for text, target_name in mapped.items():
        path = custom_path(text, object_type.schema)
        attribute = PASSWORD if target_name == EXPORT_PASSWORD else target.attribute(target_name)
        if path is None or attribute is None or fold(path.name) in _COMMON:
            continue
        before = found.get(fold(path.name))
        made = _of_path(path, attribute, before)
        if made is not None:
            found[fold(path.name)] = made
    return Schema(object_type.schema, object_type.resource_type, object_type.description, tuple(found.values()))


def _of_path(path: CustomPath, target: SchemaAttribute, before: Attribute | None) -> Attribute | None:
    if fold(path.name) == "password":
        return USER.attribute("password")
    if target.type is AttributeType.REFERENCE:
        return before or made_attribute(path.name, target, references=True)
    if path.filtered or (path.sub and target.multi_valued):
        return before
    if not path.sub:
        return before or made_attribute(path.name, target)
    part = made_attribute(path.sub, target)
    if before is not None:
        return replace(before, sub_attributes=(*before.sub_attributes, part))
    return Attribute(path.name, type="complex", description="Made of several attributes.", sub_attributes=(part,))
