"""The configuration as dataclasses: one for the host, and one per wizard tab for each connector.

They are built by ``load.py`` and are valid by construction. Nothing here reads files or decrypts anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path

from ecmahost_core.configuration.home import Home
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow
from ecmahost_core.ecma.parameters import NO_PARAMETERS, Parameters
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType
from ecmahost_core.secret import Secret

CONNECTOR_PATH = "/ecma2host_{name}/scim"


class Freshness(StrEnum):
    """How far a match query trusts the connector space."""

    VERIFY = "verify"
    """A match that finds nothing asks the target for that one object before it says "none"."""
    CACHE = "cache"
    """The connector space alone answers."""
    LIVE = "live"
    """Every match asks the target for that one object."""


class Durability(StrEnum):
    """What the connector space survives without losing a write that was answered."""

    KILL = "kill"
    """Every kill of every process. A power cut may take the last writes: the targets have them, an import tells."""
    POWER = "power"
    """A power cut, too: each write waits for the disk."""


class Profile(StrEnum):
    """The names by which SCIM clients know what a connector keeps."""

    SCIM = "scim"
    """Those of ``[schema_mapping]``: the core's and the extensions' attributes."""
    ECMA = "ecma"
    """Those of Microsoft's on-premises ECMA app: the target's own, in one extension, and of the core ``active``."""


@dataclass(frozen=True, slots=True)
class StoreServer:
    """``[store]``: a PostgreSQL database that keeps the connector space, so that several hosts can share it.

    Attributes:
        url: a connection string of PostgreSQL, with its password; looked up anew for each connection.
        schema: the schema that holds the tables, and nothing else.
    """

    url: Secret
    schema: str


@dataclass(frozen=True, slots=True)
class HostConfiguration:
    """``ecmahost.toml``: the wizard's Settings page, and what it takes to serve on Linux.

    Attributes:
        home: the directory that holds everything.
        bind: the address to listen on.
        port: 8585 unless configured; 0 takes a free one.
        certificate, key: PEM files.
        workers: web worker processes.
        log_level: one of ``logs.LEVELS``.
        request_budget: seconds that one SCIM request may take in all.
        body_limit: bytes of a request's body.
        history_days: for how long it is kept who changed what of whom, with values; 0 for not at all.
        admin_enabled: whether ``/admin/v1/`` is there at all.
        admin_tokens: what opens it; they open no connector, and no connector's token opens it.
        durability: of the connector space.
        event_days: how long the connectors' history is kept.
        server: what keeps the connector space; None for the SQLite file of the home.
        metrics_enabled: whether ``/metrics`` is there at all.
        metrics_tokens: what opens it, from anywhere; without any it is open for loopback addresses.
    """

    home: Path
    bind: str
    port: int
    certificate: Path
    key: Path
    workers: int
    log_level: str
    request_budget: float
    body_limit: int
    history_days: int = 30
    admin_enabled: bool = False
    admin_tokens: tuple["TokenHash", ...] = ()
    durability: Durability = Durability.KILL
    event_days: int = 90
    server: StoreServer | None = None
    metrics_enabled: bool = False
    metrics_tokens: tuple["TokenHash", ...] = ()

    @property
    def store(self) -> Path:
        """The SQLite file of the connector space, where no server keeps it."""
        return Home(self.home).store

    @property
    def runtime(self) -> Path:
        """Where locks and the port file of a running host live."""
        return self.home / "run"


@dataclass(frozen=True, slots=True)
class TokenHash:
    """One accepted secret token, as the file holds it.

    Attributes:
        digest: HMAC-SHA-256 of the token under the key file, in hexadecimal.
        expires: when it stops being accepted (with a zone); None for never. At most two tokens are configured, during
            a rotation.
    """

    digest: str
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Properties:
    """The Properties tab.

    Attributes:
        name: the connector's name: ASCII letters and digits, case sensitive; the file's name.
        instance: a UUID made by ``init``; immutable anchors' ids derive from it.
        type: the connector type.
        description: free text, may be empty.
        autosync: how often the target is imported anew; None for never but by hand.
        tokens: accepted secret tokens; empty means that only minted tokens open the door.
        freshness: None means: verify where the connector reads single objects, cache elsewhere.
        deletion_threshold_percent, deletion_threshold_objects: an import that would remove more than both holds its
            removals until confirmed.
        disables_and_deletes_per_hour: how many objects clients may disable and delete within an hour, all types
            together; None for as many as they like.
        strict: refuse attributes of a request that the resource type does not have, instead of passing over them.
    """

    name: str
    instance: str
    type: str
    description: str = ""
    autosync: timedelta | None = None
    tokens: tuple[TokenHash, ...] = ()
    freshness: Freshness | None = None
    deletion_threshold_percent: float = 10.0
    deletion_threshold_objects: int = 5
    disables_and_deletes_per_hour: int | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class RunProfile:
    """One of the run profiles of the wizard.

    Attributes:
        page_size: objects in a page; None for the connector's default.
        every: how long to wait between two; None where ``at`` says it or nothing does.
        at: the times of day, in the time zone of the machine; empty where ``every`` says it or nothing does.
    """

    page_size: int | None = None
    every: timedelta | None = None
    at: tuple[time, ...] = ()


@dataclass(frozen=True, slots=True)
class SelectedAttribute:
    """One row of the Select Attributes tab: what the administrator says beyond the target's own schema.

    Attributes:
        type: overrides the type that the target's catalog names; None keeps it.
        direction: overrides in which direction the attribute flows; None keeps the catalog's.
        single_value: treat a multi-valued attribute as single-valued.
        alias: the attribute's name for SCIM clients in the profile ``ecma``; empty for its own.
        references: of a Reference: the target's object type, or the resource type, whose objects it names by their
            anchor; empty for what the catalog says.
    """

    type: AttributeType | None = None
    direction: AttributeOperation | None = None
    single_value: bool = False
    alias: str = ""
    references: str = ""


@dataclass(frozen=True, slots=True)
class QueryAttribute:
    """An attribute that match queries use: always indexed.

    Attributes:
        name: the target attribute.
        unique: whether the host refuses a second object with the same folded value.
    """

    name: str
    unique: bool = True


@dataclass(frozen=True, slots=True)
class ObjectType:
    """The Object Types and Select Attributes tabs, for one SCIM resource type.

    Attributes:
        resource_type: ``User``, ``Group``, or a name of the administrator's own (RFC 7643 section 6).
        target: the target's object type: a table, a class, a file's only type.
        anchor: target attributes that identify an object; never empty.
        anchor_immutable: True when an anchor never changes and is never reused; SCIM ids then derive from it.
        dn_autogenerated: the host makes DNs ``CN=<anchor>,OBJECT=<type>``.
        query_attributes: in the order of the file; may be empty.
        attributes: overrides by target attribute name; attributes without one are absent.
        select_attributes: target attributes to keep beside those that are needed anyway (anchor, query attributes,
            what is mapped, what a deprovisioning flow sets). None where the configuration does not say: then every
            attribute of the object type in the profile ``ecma``, and none in the profile ``scim``.
        endpoint: of a resource type of the administrator's own, as configured; empty for the usual one.
        schema: the URN of its core schema; empty for User and Group, whose schemas are the RFC's.
        description: for ``/ResourceTypes``; empty for what the schema says.
    """

    resource_type: str
    target: str
    anchor: tuple[str, ...]
    anchor_immutable: bool = False
    dn_autogenerated: bool = False
    query_attributes: tuple[QueryAttribute, ...] = ()
    attributes: Mapping[str, SelectedAttribute] = field(default_factory=dict)
    select_attributes: tuple[str, ...] | None = None
    endpoint: str = ""
    schema: str = ""
    description: str = ""

    @property
    def collection(self) -> str:
        """The path of its resources below the base URL: ``/Users``."""
        return self.endpoint or f"/{self.resource_type}s"


@dataclass(frozen=True, slots=True)
class Deprovisioning:
    """The Deprovisioning tab, for one SCIM resource type."""

    disable: DeprovisioningFlow = field(default_factory=DeprovisioningFlow)
    delete: DeprovisioningFlow = field(default_factory=DeprovisioningFlow)


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension that wraps a connector's hooks.

    Attributes:
        name: of an installed extension.
        settings: ``[extensions.<name>]``, validated by the extension's own ``extension_parameters``.
    """

    name: str
    settings: Parameters = field(default_factory=lambda: NO_PARAMETERS)


@dataclass(frozen=True, slots=True)
class ConnectorConfiguration:
    """One file of ``connectors.d``: everything about one connector.

    Attributes:
        file: where it was read from, for messages.
        properties: the Properties tab.
        connectivity: validated by the plugin's own ``connectivity_parameters``.
        full_import: None when the connector has no import profile: its space then holds what we wrote.
        delta_import: None when nothing is imported between two full imports but on demand.
        export_page_size: changes in one export call.
        object_types: by SCIM resource type; never empty.
        schema_mapping: for each resource type, SCIM attribute path to target attribute, in the order of the file; a
            resource type that is missing has the profile ``ecma``.
        deprovisioning: by resource type; missing means "none" for both flows.
        extensions: in the order of ``properties.extensions``: the first is the outermost. Each once; usually empty.
        environment: the environment variables that parameters take their values from; they change by a restart only.
        digest: of all that the connector is built from, what its parameters point to included (``indirect``).
    """

    file: Path
    properties: Properties
    connectivity: Parameters = field(default_factory=lambda: NO_PARAMETERS)
    full_import: RunProfile | None = None
    delta_import: RunProfile | None = None
    export_page_size: int = 100
    object_types: Mapping[str, ObjectType] = field(default_factory=dict)
    schema_mapping: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    deprovisioning: Mapping[str, Deprovisioning] = field(default_factory=dict)
    extensions: tuple[Extension, ...] = ()
    environment: tuple[str, ...] = ()
    digest: bytes = b""

    @property
    def name(self) -> str:
        """The connector's name, as in its URL."""
        return self.properties.name

    def named_type(self, name: str) -> str | None:
        """The resource type that is meant by the target's name of an object type, or by its own in any case."""
        by_target = next((key for key, one in self.object_types.items() if name and one.target == name), None)
        return by_target or next((key for key in self.object_types if key.lower() == name.lower()), None)

    def profile_of(self, resource_type: str) -> Profile:
        """The profile of a resource type: ``ecma`` where it has no schema mapping."""
        return Profile.SCIM if resource_type in self.schema_mapping else Profile.ECMA
