"""One SCIM resource type bound to one object type of the target, ready for requests. ``binder`` makes it.

Everything that a request needs is worked out once: the SCIM resource type with just what is mapped, the mapping, the
run step, the shape of the objects in the space.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ecmahost_core.configuration.model import Deprovisioning, ObjectType, Profile
from ecmahost_core.ecma.passwords import PasswordSupport
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.schema import SchemaType
from ecmahost_core.ecma.values import Value, text_of
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.secret import Secret
from ecmahost_core.space.fingerprint import MatchedIndex, Standing
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.sync.mapping.resource_schema import has_active
from ecmahost_core.sync.mapping.schema_mapping import MappedPath, SchemaMapping
from ecmahost_core.sync.mapping.values import normal_text
from ecmahost_core.sync.mapping.wire_names import Unnameable
from ecmahost_core.text import fold


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

    def in_space(self, standing: Standing) -> "TypeBinding":
        """Returns the binding to the connector's space as it stands: its number, and what of it is indexed."""
        names = (row.target.name for row in self.mapping.rows)
        prefix = f"{self.space_type.resource_type}."
        ready = (name for name in names if standing.matched.get(f"{prefix}{name}") is MatchedIndex.READY)
        known = tuple(dict.fromkeys(name for name in ready if name not in self.space_type.indexed))
        return replace(self, space_type=replace(self.space_type, space=standing.space, matched=known))
