"""The SCIM resource type of a connector: of the whole schema just what its mapping can keep.

``/Schemas`` shows it, and requests are read by it: an attribute that is not mapped is unknown here, so it is ignored
when it comes in and matches nothing in a filter.

What a client may do with an attribute follows from what the target's schema says. An attribute that is only imported (a
column that the database alone computes, an identity that it always generates) is ``readOnly`` and never ``required``.
One that the target merely can fill in (a column with a default) stays writable and is not ``required``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ecmahost_core.configuration.model import ObjectType
from ecmahost_core.ecma.passwords import EXPORT_PASSWORD
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType, SchemaAttribute, SchemaType
from ecmahost_core.scim import schemas, urns
from ecmahost_core.scim.core_group import GROUP
from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.enterprise_user import ENTERPRISE_USER
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.path import parse_path
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.schemas import Attribute, Schema
from ecmahost_core.sync.mapping.made_attributes import PASSWORD, custom_schema, made_attribute
from ecmahost_core.sync.mapping.schema_mapping import MappedPath, selector_of
from ecmahost_core.text import fold

_CORE = {"User": USER, "Group": GROUP}
_EXTENSIONS = {"User": (ENTERPRISE_USER,), "Group": ()}
_OF_LINKS = ("value", "$ref", "type", "display")
"""``display`` is taken and passed over, because clients send it; it is never shown, because every name is a look-up."""


def full_resource_type(
    name: str, mapped: Mapping[str, str], target: SchemaType, object_type: ObjectType | None = None
) -> ResourceType:
    """Returns the resource type that the configured paths are resolved against.

    The core schema, the known extensions, and an extension for every other URN that a path names: there the attribute
    is what follows the URN, and its type is the target attribute's.

    Args:
        name: of the resource type.
        mapped: SCIM path to target attribute.
        target: the target's type.
        object_type: as configured; only User and Group can do without, whose core schemas are the RFC's.
    """
    custom_core = None if object_type is None or name in _CORE else custom_schema(object_type, mapped, target)
    core = custom_core or _CORE[name]
    known_extensions = _EXTENSIONS.get(name, ())
    # A URN of one's own may well begin like another one of them.
    known = {schema.id.lower() for schema in (*known_extensions, *(() if custom_core else (core,)))}
    custom: dict[str, list[Attribute]] = {}
    for text, target_name in mapped.items():
        urn, attribute_name = _split(text)
        attribute = PASSWORD if target_name == EXPORT_PASSWORD else target.attribute(target_name)
        of_core = not urn.lower().startswith("urn:") or urn.lower() == core.id.lower()
        if of_core or any(text.lower().startswith(f"{one}:") for one in known):
            continue
        if attribute is not None:
            custom.setdefault(urn, []).append(made_attribute(attribute_name, attribute, references=True))
    extensions = tuple(
        Schema(urn, urn.rpartition(":")[2], "Attributes of the target.", tuple(found)) for urn, found in custom.items()
    )
    endpoint = f"/{name}s" if object_type is None else object_type.collection
    description = "" if object_type is None else object_type.description
    return ResourceType(name, endpoint, core, (*known_extensions, *extensions), description)


def _split(text: str) -> tuple[str, str]:
    """URN and attribute name. Where a URN ends, only a URN that is known tells; any other ends at the last colon."""
    length = len(urns.ECMA2HOST_USER)
    if text[: length + 1].lower() == f"{urns.ECMA2HOST_USER.lower()}:":
        return text[:length], text[length + 1 :]
    urn, _, name = text.rpartition(":")
    return urn, name


def ecma_resource_type(name: str, attributes: Mapping[str, SchemaAttribute]) -> ResourceType:
    """Returns the resource type of the profile ``ecma``.

    Of the core it has ``active``. Everything else is in the ECMA host's extension, and known by its URN only: a
    ``userName`` without one is the core's, whatever the target has.

    Args:
        name: of the resource type.
        attributes: the target's, by their names on the wire, in the order in which ``/Schemas`` shows them.
    """
    core = _CORE[name]
    active = tuple(attribute for attribute in core.attributes if attribute.name == "active")
    extension = Schema(
        urns.ECMA2HOST_USER,
        "ECMA2Host User",
        "What the target has, under the target's own names.",
        tuple(made_attribute(wire_name, attribute) for wire_name, attribute in attributes.items()),
    )
    return ResourceType(name, f"/{name}s", replace(core, attributes=active), (extension,), qualified_only=True)


def mapped_paths(
    text: str, target: SchemaAttribute, full: ResourceType, kinds: Sequence[str] = ("User", "Group")
) -> MappedPath | str:
    """Returns the row for one configured path, or what is wrong with the path as ``expected`` text.

    ``kinds`` are the resource types by which a path can choose among references.
    """
    try:
        path = parse_path(text, full)
        selector = selector_of(path)
    except (ScimError, ValueError) as error:
        return f"a SCIM attribute path: {error}"
    attribute = path.target
    if attribute is None or path.attribute is None:
        return f"a SCIM attribute of {full.name}, or a URN of your own for what SCIM has no name for"
    if path.attribute.name in ("id", "meta", "schemas"):
        return "an attribute that clients may set; the host itself makes id, meta and schemas"
    secret = path.attribute.returned == "never" or fold(path.attribute.name) == fold(EXPORT_PASSWORD)
    if secret and target is not PASSWORD:
        return f'{text} = "{EXPORT_PASSWORD}": a password is set, and kept in no attribute that could be read'
    if target is PASSWORD and not (secret or path.urn in {schema.id for schema in _own_extensions(full)}):
        return f"password, or a URN of your own, for what goes to {EXPORT_PASSWORD}"
    if target.type is AttributeType.REFERENCE:
        misfit = _misfit_of_reference(path, selector, kinds if target.multi_valued else ())
        if misfit:
            return misfit
    complex_ = path.attribute.type == "complex"
    value = path.attribute.sub("value") if complex_ and path.sub_attribute is None else attribute
    if value is None:
        return f"one of its sub-attributes, such as {text}.{path.attribute.sub_attributes[0].name}"
    if selector is None and path.sub_attribute is not None and path.attribute.multi_valued:
        return f'which of the values is meant, such as {path.attribute.name}[type eq "work"].{attribute.name}'
    return MappedPath(text, path, selector, target, value.type)


def _misfit_of_reference(path: AttributePath, selector: tuple[str, object] | None, kinds: Sequence[str]) -> str:
    """What is wrong with a path for references to other objects, empty for nothing. No ``kinds``: for one of them."""
    attribute, sub = path.attribute, path.sub_attribute
    if attribute is None or attribute is USER.attribute("groups"):
        return "another attribute: groups of a user follow from the members of groups"
    if not kinds:
        fits = not attribute.multi_valued and (sub is None or sub.name == "value")
        return "" if fits else "an attribute with one value, such as manager, for a reference to one object"
    known = {name.lower() for name in kinds}
    chosen = selector is None or (selector[0] == "type" and str(selector[1]).lower() in known)
    fits = attribute.multi_valued and sub is None and attribute.sub("$ref") is not None and chosen
    name = "members" if attribute.sub("$ref") is None else attribute.name
    chosen_by = " or ".join(f'{name}[type eq "{kind}"]' for kind in kinds)
    return "" if fits else f"{name}, {chosen_by}, for several references"


def _own_extensions(full: ResourceType) -> Iterable[Schema]:
    return full.extensions[len(_EXTENSIONS.get(full.name, ())) :]


def has_active(resource_type: ResourceType) -> bool:
    """Whether a resource type has SCIM's ``active``, which is never without a value and which disabling is about.

    In a resource type of the administrator's own an attribute of that name is one like any other.
    """
    attribute = resource_type.schema.attribute("active")
    return attribute is not None and attribute.defaulted


def trimmed_resource_type(
    full: ResourceType, rows: Iterable[MappedPath], object_type: ObjectType, target: SchemaType, active: str = ""
) -> ResourceType:
    """Returns the resource type with the mapped attributes only, characteristics as the target makes them.

    ``active`` is always part of a User, because disabling is.

    Args:
        full: what the rows were resolved against.
        rows: of the mapping.
        object_type: as configured.
        target: the target's type.
        active: the target attribute that holds SCIM ``active``, empty for none. Where it has a name of its own beside
            ``active``, clients need not send both.
    """
    rows = tuple(rows)
    unique = {query.name for query in object_type.query_attributes if query.unique}
    described = {row.text: _characteristics(row, object_type, target, unique, active) for row in rows}

    def attributes_of(urn: str | None, schema: Schema) -> tuple[Attribute, ...]:
        kept = []
        for attribute in schema.attributes:
            own = [row for row in rows if row.path.urn == urn and row.path.name == attribute.name]
            if own:
                kept.append(_trimmed(attribute, own, described))
            elif urn is None and full.name == "User" and attribute.name == "active":
                kept.append(attribute)
        return tuple(kept)

    extensions = []
    for schema in full.extensions:
        attributes = attributes_of(schema.id, schema)
        if attributes:
            extensions.append(replace(schema, attributes=attributes))
    core = replace(full.schema, attributes=attributes_of(None, full.schema))
    return replace(full, schema=core, extensions=tuple(extensions))


def _trimmed(attribute: Attribute, rows: list[MappedPath], described: Mapping[str, Attribute]) -> Attribute:
    if attribute.type != "complex":
        return described[rows[0].text]
    if any(row.target.multi_valued and row.target.type is AttributeType.REFERENCE for row in rows):
        return _linked(attribute, rows)
    names: dict[str, Attribute | None] = {}
    for row in rows:
        if row.selector is not None:
            names.setdefault(row.selector[0], attribute.sub(row.selector[0]))
        sub = row.path.sub_attribute or attribute.sub("value")
        if sub is not None:
            names[sub.name] = described[row.text] if len(rows) == 1 or row.selector is None else sub
        if row.target.type is AttributeType.REFERENCE:
            names.setdefault("$ref", None)
    subs = tuple(names.get(sub.name) or sub for sub in attribute.sub_attributes if sub.name in names)
    return replace(attribute, sub_attributes=subs, required=False)


def _linked(attribute: Attribute, rows: Iterable[MappedPath]) -> Attribute:
    """An attribute whose values are kept apart; it can be written as soon as one of its rows can."""
    writable = any(row.target.operation is not AttributeOperation.IMPORT_ONLY for row in rows)
    subs = tuple(sub for sub in attribute.sub_attributes if sub.name in _OF_LINKS)
    mutability: schemas.Mutability = attribute.mutability if writable else "readOnly"
    return replace(attribute, sub_attributes=subs, required=False, mutability=mutability, linked=True)


def _characteristics(
    row: MappedPath, object_type: ObjectType, target: SchemaType, unique: set[str], active: str
) -> Attribute:
    """The SCIM attribute of a row with mutability, required and uniqueness as the target has them.

    What SCIM itself requires (``userName``) stays required whatever the target says: a user who loses it is not found
    by a match any more, and would be created a second time.
    """
    attribute = row.path.target
    if attribute is None:
        raise ValueError(f"{row.text} is not resolved")
    if row.target is PASSWORD:
        description = "The password to set. It is never shown."
        return replace(attribute, mutability="writeOnly", returned="never", case_exact=True, description=description)
    if attribute.type == "complex":
        attribute = attribute.sub("value") or attribute
    anchor = row.target.name in object_type.anchor
    read_only = row.target.operation is AttributeOperation.IMPORT_ONLY
    immutable = anchor and object_type.anchor_immutable
    needed = row.target.required or target.anchor == (row.target.name,)
    by_others = read_only or row.target.generated or (row.path.urn is not None and row.target.name == active)
    return replace(
        attribute,
        mutability="readOnly" if read_only else "immutable" if immutable else "readWrite",
        required=attribute.required or (needed and not by_others),
        as_sent=attribute.as_sent and not read_only,
        uniqueness="server" if row.target.name in unique or target.anchor == (row.target.name,) else "none",
    )
