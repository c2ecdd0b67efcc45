"""Binds one SCIM resource type to one object type of the target: configuration and target schema brought together.

Everything that a request needs is worked out here once: the SCIM resource type with just what is mapped, the mapping,
the run step, the shape of the objects in the space.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import Any

from ecmahost_core.configuration.model import ConnectorConfiguration, Deprovisioning, ObjectType, Profile
from ecmahost_core.ecma.capabilities import MADistinguishedNameStyle
from ecmahost_core.ecma.passwords import EXPORT_PASSWORD, PasswordSupport
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType, Schema, SchemaType
from ecmahost_core.ecma.values import Value, text_of
from ecmahost_core.errors import ConfigurationError, ConfigurationProblem
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.secret import Secret
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.sync.flow_attributes import active_attribute, fitted_flows
from ecmahost_core.sync.profile_rows import ProfileRows, ecma_rows, mapped_rows
from ecmahost_core.sync.reference_rows import is_link, links_among, scopes_of, with_groups, with_named_types
from ecmahost_core.sync.resource_schema import has_active, trimmed_resource_type
from ecmahost_core.sync.schema_mapping import MappedPath, SchemaMapping
from ecmahost_core.sync.selection import passwords_selected, selection_of
from ecmahost_core.sync.sent import retained
from ecmahost_core.sync.values import normal_text
from ecmahost_core.sync.wire_names import Unnameable
from ecmahost_core.text import fold

DEFAULT_PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class TypeBinding:
    """One resource type of one connector, ready for requests.

    Attributes:
        object_type: as configured.
        target: the target's object type with the configured anchor and the selected attributes only.
        resource_type: the SCIM resource type with the mapped attributes only.
        mapping: between the two.
        space_type: how the space keeps its objects.
        flows: what disabling and deleting mean.
        active_attribute: the target attribute that holds SCIM ``active``; empty where the host keeps it itself.
        export_step: the run step of exports and single reads.
        profile: whose names clients use.
        dn_row: how clients see an object's DN, beside the mapping; None where they do not.
        left_out: attributes that everything selects and that have no name on the wire; ``check`` tells of them.
        password: the row that leads to ``export_password``, beside the mapping; None where no passwords are set.
        password_support: how the connector takes passwords.
        links: the rows of link attributes (``members``), beside the mapping: their values are in no object.
        references: the rows of the mapping whose one value names another object (``manager``), known to clients by its
            id. Empty in the profile ``ecma``, where clients see what the target holds.
        own_dns: whether the target's objects have DNs of their own, by which references may name them.
        member_of: of users: the link attributes of groups that can name them; empty where there are none.
        groups_path: of users: the attribute that shows these groups; None where there are none.
    """

    object_type: ObjectType
    target: SchemaType
    resource_type: ResourceType
    mapping: SchemaMapping
    space_type: SpaceType
    flows: Deprovisioning
    active_attribute: str
    export_step: RunStep
    profile: Profile = Profile.SCIM
    dn_row: MappedPath | None = None
    left_out: tuple[Unnameable, ...] = ()
    password: MappedPath | None = None
    password_support: PasswordSupport = PasswordSupport.NONE
    links: tuple[MappedPath, ...] = ()
    references: tuple[MappedPath, ...] = ()
    own_dns: bool = False
    member_of: tuple[str, ...] = ()
    groups_path: AttributePath | None = None

    def password_of(self, resource: Mapping[str, Any]) -> Secret | None:
        """Returns the password that a canonical resource wants to be set; None where it says nothing of one."""
        found = self.password.container(resource) if self.password is not None else None
        return found if isinstance(found, Secret) else None

    @property
    def can_be_disabled(self) -> bool:
        """Whether the resources have SCIM's ``active``: users have, all others have not."""
        return has_active(self.resource_type)

    @property
    def active_mapped(self) -> bool:
        """Whether ``active`` is an attribute of the schema mapping like any other, not a matter of the disable flow."""
        return any(row.path.urn is None and row.path.name == "active" for row in self.mapping.rows)

    @property
    def query_attributes(self) -> tuple[str, ...]:
        """The names of the query attributes, in the order of the configuration."""
        return tuple(query.name for query in self.object_type.query_attributes)

    def match_text(self, name: str, value: Value) -> str:
        """Returns the text that is equal for values of an attribute which a match takes for the same."""
        attribute = self.target.attribute(name)
        return fold(text_of(value)) if attribute is None else normal_text(value, attribute)

    def in_space(self, space: int) -> "TypeBinding":
        """Returns the binding to the connector's space of this number (``Standing.space``)."""
        return replace(self, space_type=replace(self.space_type, space=space))


def bind(
    configuration: ConnectorConfiguration,
    schema: Schema,
    dn_style: MADistinguishedNameStyle = MADistinguishedNameStyle.NONE,
    passwords: PasswordSupport = PasswordSupport.NONE,
) -> dict[str, TypeBinding]:
    """Binds every configured resource type; raises ConfigurationError with every mismatch at once.

    Args:
        configuration: of one connector; valid in itself.
        schema: what the target offers.
        dn_style: whether the target's objects have DNs of their own.
        passwords: how the connector takes them.
    """
    problems: list[ConfigurationProblem] = []
    bound = {}
    for name, object_type in configuration.object_types.items():
        found = _Binder(configuration, object_type, schema, dn_style, passwords, problems).bind()
        if found is not None:
            bound[name] = found
    if problems:
        raise ConfigurationError(tuple(problems))
    with_groups(bound)
    return bound


class _Binder:
    """Collects the mismatches of one object type while binding it."""

    def __init__(
        self,
        configuration: ConnectorConfiguration,
        object_type: ObjectType,
        schema: Schema,
        dn_style: MADistinguishedNameStyle,
        passwords: PasswordSupport,
        problems: list[ConfigurationProblem],
    ) -> None:
        self.configuration = configuration
        self.object_type = object_type
        self.schema = schema
        self.problems = problems
        self.flows = configuration.deprovisioning.get(object_type.resource_type, Deprovisioning())
        self.profile = configuration.profile_of(object_type.resource_type)
        self.mapped = configuration.schema_mapping.get(object_type.resource_type, {})
        self.dn_style = dn_style
        self.passwords = passwords

    def bind(self) -> TypeBinding | None:
        name = self.object_type.resource_type
        offered = self.schema.type(self.object_type.target)
        if offered is None:
            offers = [schema_type.name for schema_type in self.schema.types]
            self._problem("object_types", "target", self.object_type.target, "an object type of the target", offers)
            return None
        # No attribute goes by that name, in whatever spelling: a client that sends a password must not have it kept.
        attributes = tuple(one for one in offered.attributes if fold(one.name) != fold(EXPORT_PASSWORD))
        offered = replace(offered, attributes=attributes)
        before = len(self.problems)
        has_dn = self.object_type.dn_autogenerated or self.dn_style is not MADistinguishedNameStyle.NONE
        selected = selection_of(self.configuration, self.object_type, offered, self._problem, has_dn=has_dn)
        target = selected.target
        if self.profile is Profile.ECMA:
            made = ecma_rows(name, target, selected.names, has_dn=has_dn, has_password=self._has_password())
        else:
            self._refuse_aliases()
            made = mapped_rows(
                self.object_type,
                target,
                self.mapped,
                tuple(self.configuration.object_types),
                lambda path, expected: self._problem("schema_mapping", path, "", expected),
            )
        links = links_among(made.rows, self.object_type, self._problem)
        rows = tuple(row for row in made.rows if row not in links)
        scopes = scopes_of(self.configuration, self.object_type, target, made.rows, self._problem)
        password = self._password(made.passwords)
        active = active_attribute(self.flows, target, rows, self._problem) if has_active(made.full) else ""
        self.flows = fitted_flows(self.flows, target, self._problem)
        if len(self.problems) > before:
            return None
        mapping = SchemaMapping(rows)
        return TypeBinding(
            object_type=self.object_type,
            target=target,
            resource_type=self._resource_type(made, (*rows, *links), password, target, active, scopes),
            mapping=mapping,
            space_type=SpaceType(
                connector=self.configuration.name,
                resource_type=name,
                instance=self.configuration.properties.instance,
                anchor_immutable=self.object_type.anchor_immutable,
                indexed=tuple(query.name for query in self.object_type.query_attributes),
                references=tuple(
                    one.name
                    for one in target.attributes
                    if one.type is AttributeType.REFERENCE and not one.multi_valued
                ),
                links=tuple(one.name for one in target.attributes if is_link(one)),
                scopes=scopes,
                retained=partial(retained, mapping),
                export_only=tuple(
                    attribute.name
                    for attribute in target.attributes
                    if attribute.operation is AttributeOperation.EXPORT_ONLY
                ),
            ),
            flows=self.flows,
            active_attribute=active,
            export_step=RunStep(
                types=(target,),
                page_size=self.configuration.export_page_size,
                query_attributes=tuple(query.name for query in self.object_type.query_attributes),
            ),
            profile=self.profile,
            dn_row=made.dn,
            left_out=selected.left_out,
            password=password,
            password_support=self.passwords,
            links=links,
            references=tuple(
                row for row in rows if row.target.type is AttributeType.REFERENCE and self.profile is Profile.SCIM
            ),
            own_dns=self.dn_style is not MADistinguishedNameStyle.NONE,
        )

    def _resource_type(
        self,
        made: ProfileRows,
        rows: Sequence[MappedPath],
        password: MappedPath | None,
        target: SchemaType,
        active: str,
        scopes: tuple[tuple[str, str], ...],
    ) -> ResourceType:
        shown = (*rows, *(row for row in (made.dn, password) if row))
        trimmed = trimmed_resource_type(made.full, shown, self.object_type, target, active)
        if self.profile is Profile.ECMA:
            return trimmed
        return with_named_types(trimmed, rows, dict(scopes), tuple(self.configuration.object_types))

    def _has_password(self) -> bool:
        """In the profile ``ecma``: whether the connector takes passwords, and they are among what is selected."""
        selected = passwords_selected(self.configuration, self.object_type)
        if self.passwords is not PasswordSupport.NONE:
            return selected
        if selected and self.object_type.select_attributes is not None:
            self._problem("object_types", "select_attributes", EXPORT_PASSWORD, self._no_password())
        return False

    def _password(self, rows: Sequence[MappedPath]) -> MappedPath | None:
        if rows and self.passwords is PasswordSupport.NONE:
            self._problem("schema_mapping", rows[0].text, EXPORT_PASSWORD, self._no_password())
        for row in rows[1:]:
            self._problem("schema_mapping", row.text, EXPORT_PASSWORD, f"one path only; {rows[0].text} is another")
        return rows[0] if rows else None

    def _no_password(self) -> str:
        kind = self.configuration.properties.type
        return f"no password here: a connector of type {kind!r} sets none, or not as it is configured"

    def _refuse_aliases(self) -> None:
        for name, row in self.object_type.attributes.items():
            if row.alias:
                expected = f"no alias beside [schema_mapping.{self.object_type.resource_type}], which gives the names"
                self._problem("object_types", "attributes", name, expected)

    def _problem(self, table: str, key: str, found: str, expected: str, names: Sequence[str] = ()) -> None:
        near = get_close_matches(found, names, n=1, cutoff=0.5) if found else []
        hint = f"; the nearest is {near[0]!r}" if near else f"; there are: {', '.join(names[:20])}" if names else ""
        self.problems.append(
            ConfigurationProblem(
                file=str(self.configuration.file),
                table=f"{table}.{self.object_type.resource_type}",
                key=key,
                found=repr(found) if found else "",
                expected=expected + hint,
            )
        )
