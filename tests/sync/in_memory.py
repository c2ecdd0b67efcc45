"""A target in memory behind a real plugin module, and a desk to work at: endpoint, real store, shorthands.

Loaded by path from the conftest files of ``tests/sync`` and ``tests/web``.
"""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

from ecmahost_core import (
    AttributeModificationType,
    AttributeType,
    Capabilities,
    CSEntryChange,
    CSEntryChangeResult,
    ExportError,
    ImportFailure,
    ImportPage,
    MAExportError,
    MAImportError,
    ObjectModificationType,
    PasswordOptions,
    Reference,
    Schema,
    SchemaAttribute,
    SchemaType,
    ServerDown,
    hookimpl,
)
from ecmahost_core.configuration.model import (
    ConnectorConfiguration,
    Deprovisioning,
    Freshness,
    ObjectType,
    Properties,
    QueryAttribute,
    RunProfile,
)
from ecmahost_core.connectors.connector import Connector
from ecmahost_core.connectors.contract import LoadedPlugin, checked_plugin
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow, FlowAction
from ecmahost_core.ecma.schema import AttributeOperation
from ecmahost_core.ecma.values import anchor_text
from ecmahost_core.scim.messages import parse_patch
from ecmahost_core.scim.patch import apply_patch, with_sealed_values
from ecmahost_core.scim.projection import projection
from ecmahost_core.scim.put import replaced
from ecmahost_core.scim.resource import canonical
from ecmahost_core.secret import Secret
from ecmahost_core.space import postgresql, sqlite
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.importing import imports
from ecmahost_core.sync.reading.presentation import presented_page
from ecmahost_core.sync.reading.queries import search
from ecmahost_core.sync.writing import provisioning
from ecmahost_core.text import fold

_NUMBERS = itertools.count()

INSTANCE = "6e0cf1ba-53b5-4f0c-9d0c-0d6f6f1a2b3c"
CUSTOM = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"

EMPLOYEES = SchemaType(
    "Employees",
    (
        SchemaAttribute("Id", AttributeType.INTEGER, generated=True),
        SchemaAttribute("Login"),
        SchemaAttribute("Mail"),
        SchemaAttribute("First"),
        SchemaAttribute("Last"),
        SchemaAttribute("Country", max_length=20),
        SchemaAttribute("Enabled", AttributeType.BOOLEAN),
        SchemaAttribute("Flag", AttributeType.INTEGER),
        SchemaAttribute("Level", AttributeType.INTEGER),
        SchemaAttribute("Photo", AttributeType.BINARY),
        SchemaAttribute("Hired", AttributeType.DATE_TIME),
        SchemaAttribute("Boss", AttributeType.REFERENCE),
        SchemaAttribute("Tags", multi_valued=True),
        SchemaAttribute("Seen", operation=AttributeOperation.IMPORT_ONLY),
    ),
)
GROUPS = SchemaType(
    "Groups",
    (
        SchemaAttribute("Name"),
        SchemaAttribute("Note"),
        SchemaAttribute("Owner", AttributeType.REFERENCE, references="Employees"),
        SchemaAttribute("Members", AttributeType.REFERENCE, multi_valued=True, references="Employees"),
        SchemaAttribute("Parts", AttributeType.REFERENCE, multi_valued=True, references="Groups"),
    ),
)
GROUP_MAPPING = {"displayName": "Name", "members": "Members"}
MAPPING = {
    "userName": "Login",
    'emails[type eq "work"].value': "Mail",
    "name.givenName": "First",
    "name.familyName": "Last",
    f"{CUSTOM}:Country": "Country",
}

Rows = dict[tuple[Any, ...], dict[str, tuple[Any, ...]]]


def nothing(*_arguments: Any) -> None:
    """What happens where no fault is programmed."""


class Target:
    """The rows of a table of people and of one of groups, by anchor, and what is to go wrong.

    ``before_export``, ``after_export``, ``on_read`` and ``on_page`` are called where they say; what they raise leaves
    the hook, where they wait the hook hangs. ``refuse`` answers for a change instead of the table. Passwords are kept
    apart, by anchor, and have ``before_password``, ``after_password`` and ``refuse_password``.
    """

    def __init__(self) -> None:
        self.schema = Schema((EMPLOYEES, GROUPS))
        self.rows: Rows = {}
        self.groups: Rows = {}
        self.sent: list[CSEntryChange] = []
        self.reads = 0
        self.imports = 0
        self.down = False
        self.dns = False
        self.unreadable: set[tuple[Any, ...]] = set()
        self.extra: list[CSEntryChange] = []
        self.before_export: Callable[[Any], None] = nothing
        self.after_export: Callable[[Any], None] = nothing
        self.on_schema: Callable[[], None] = nothing
        self.on_read: Callable[[], None] = nothing
        self.on_page: Callable[[], None] = nothing
        self.refuse: Callable[[CSEntryChange], ExportError | None] = nothing
        self.passwords: dict[tuple[Any, ...], str] = {}
        self.options: list[PasswordOptions] = []
        self.before_password: Callable[[Any], None] = nothing
        self.after_password: Callable[[Any], None] = nothing
        self.refuse_password: Callable[[CSEntryChange, str], ExportError | None] = nothing
        self.says_anchor = True
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def put(self, anchor: Any, **values: Any) -> None:
        """Somebody adds or replaces a row behind the host's back."""
        shaped = {name: value if isinstance(value, tuple) else (value,) for name, value in values.items()}
        self.rows[anchor if isinstance(anchor, tuple) else (anchor,)] = shaped

    def named(self, login: str) -> list[dict[str, tuple[Any, ...]]]:
        """The rows with this login."""
        return [row for row in self.rows.values() if row.get("Login") == (login,)]

    def table(self, object_type: str) -> Rows:
        return self.groups if object_type == GROUPS.name else self.rows

    def apply(self, change: CSEntryChange, anchor_names: tuple[str, ...]) -> CSEntryChangeResult:
        with self._lock:
            refused = self.refuse(change)
            if refused is not None:
                return CSEntryChangeResult(change.identifier, refused)
            self.sent.append(change)
            if change.modification_type is ObjectModificationType.ADD:
                return self._add(change, anchor_names)
            if change.anchor not in self.table(change.object_type):
                return _refused(change, MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT, "no such row")
            return self._change(change, anchor_names)

    def _add(self, change: CSEntryChange, anchor_names: tuple[str, ...]) -> CSEntryChangeResult:
        anchor = change.anchor or (next(self._numbers),)
        rows = self.table(change.object_type)
        if anchor in rows:
            return _refused(change, MAExportError.DUPLICATE_ANCHOR, "the row is there already")
        rows[anchor] = {**dict(change.attributes), **{n: (v,) for n, v in zip(anchor_names, anchor, strict=True)}}
        return CSEntryChangeResult(change.identifier, anchor=anchor)

    def _change(self, change: CSEntryChange, anchor_names: tuple[str, ...]) -> CSEntryChangeResult:
        rows = self.table(change.object_type)
        row = rows.pop(change.anchor)
        if change.modification_type is ObjectModificationType.DELETE:
            self.passwords.pop(change.anchor, None)
            self._forget(change.object_type, Reference(anchor_text(change.anchor)))
            return CSEntryChangeResult(change.identifier)
        if change.modification_type is ObjectModificationType.REPLACE:
            row = dict(change.attributes)
        for part in change.attribute_changes:
            updates = part.modification_type is AttributeModificationType.UPDATE
            removed = set(part.removed)
            kept = dict.fromkeys(value for value in row.get(part.name, ()) if value not in removed) if updates else {}
            row[part.name] = (*kept, *(value for value in part.added if value not in kept))
        anchor = tuple(row[name][0] for name in anchor_names)
        if anchor in rows:
            rows[change.anchor] = row
            return _refused(change, MAExportError.DUPLICATE_ANCHOR, "the new name is taken")
        rows[anchor] = row
        return CSEntryChangeResult(change.identifier, anchor=anchor if self.says_anchor else ())

    def _forget(self, object_type: str, named: Reference) -> None:
        """As a table does whose foreign keys cascade."""
        link = "Parts" if object_type == GROUPS.name else "Members"
        for row in self.groups.values():
            row[link] = tuple(value for value in row.get(link, ()) if value != named)

    def entries(self, schema_type: SchemaType) -> list[CSEntryChange]:
        rows = self.table(schema_type.name)
        extra = self.extra if schema_type.name == EMPLOYEES.name else []
        return [self.entry(anchor, row, schema_type) for anchor, row in list(rows.items())] + extra

    def entry(self, anchor: tuple[Any, ...], row: Mapping[str, Any], schema_type: SchemaType) -> CSEntryChange:
        if anchor in self.unreadable:
            return garbled(anchor)
        attributes = {attribute.name: row.get(attribute.name, ()) for attribute in schema_type.attributes}
        dn = f"cn={anchor[0]}" if self.dns else None
        return CSEntryChange(schema_type.name, ObjectModificationType.ADD, anchor=anchor, dn=dn, attributes=attributes)


def garbled(anchor: tuple[Any, ...] = ()) -> CSEntryChange:
    """An object that an import cannot read."""
    failure = ImportFailure(MAImportError.PARSE_ERROR, "the row is garbled")
    return CSEntryChange("Employees", ObjectModificationType.ADD, anchor=anchor, failure=failure)


def _refused(change: CSEntryChange, code: MAExportError, detail: str) -> CSEntryChangeResult:
    return CSEntryChangeResult(change.identifier, ExportError(code, detail))


def connectivity_parameters():
    return []


def schema(session):
    session.on_schema()
    return session.schema


def export(session, step, changes):
    session.before_export(changes)
    results = [session.apply(change, step.types[0].anchor) for change in changes]
    session.after_export(changes)
    return results


def export_with_passwords(session, step, changes, secrets):
    session.before_export(changes)
    results = []
    for change in changes:
        password = secrets[change.identifier].reveal() if change.identifier in secrets else None
        refused = session.refuse_password(change, password) if password is not None else None
        result = CSEntryChangeResult(change.identifier, refused)
        if refused is None:
            result = session.apply(change, step.types[0].anchor)
        if password is not None and result.error is None:
            session.passwords[result.anchor or change.anchor] = password
        results.append(result)
    session.after_export(changes)
    return results


def set_password(session, entry, password, options):
    session.before_password(entry)
    refused = session.refuse_password(entry, password.reveal())
    if refused is None and entry.anchor not in session.rows:
        return _refused(entry, MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT, "no such row")
    if refused is None:
        session.passwords[entry.anchor] = password.reveal()
        session.options.append(options)
    session.after_password(entry)
    return CSEntryChangeResult(entry.identifier, refused)


PASSWORDS: dict[str, dict[str, Any]] = {
    "together": {"export": export_with_passwords},
    "alone": {"set_password": set_password},
}
"""The hooks by which the target takes passwords: with a change, or in a call of their own."""


def full_import(session, step):
    session.imports += 1
    entries = session.entries(step.types[0])
    for start in range(0, len(entries), step.page_size):
        yield ImportPage(tuple(entries[start : start + step.page_size]))
        session.on_page()


def full_object_import(session, step, query):
    session.reads += 1
    session.on_read()
    found = [
        session.entry(anchor, row, step.types[0])
        for anchor, row in list(session.table(step.types[0].name).items())
        if all(any(_equal(have, values[0]) for have in row.get(name, ())) for name, values in query.attributes)
    ]
    return found[: query.limit]


def plugin_of(target: Target, capabilities: Capabilities | None = None, **hooks: Any) -> LoadedPlugin:
    """A real plugin module over the target. ``hooks`` are put in, or taken out where they are None."""

    @contextmanager
    def open_session():
        if target.down:
            raise ServerDown("the directory is down")
        yield target

    offered: dict[str, Any] = {
        each.__name__: each
        for each in (connectivity_parameters, open_session, schema, export, full_import, full_object_import)
    }
    if capabilities is not None:
        offered["capabilities"] = lambda: capabilities
    module = ModuleType("ecmahost_in_memory")
    for name, function in {**offered, **hooks}.items():
        if function is not None:
            setattr(module, name, hookimpl(function))
    return checked_plugin("memory", module)


def _equal(left: Any, right: Any) -> bool:
    """As a database with a case-insensitive collation compares."""
    return fold(left) == fold(right) if isinstance(left, str) and isinstance(right, str) else bool(left == right)


def flow(value: Any) -> DeprovisioningFlow:
    """``"none"``, ``"delete"``, an attribute's name, or a pair of name and value."""
    if isinstance(value, tuple):
        return DeprovisioningFlow(FlowAction.SET, *value)
    if value in ("none", "delete"):
        return DeprovisioningFlow(FlowAction(value))
    return DeprovisioningFlow(FlowAction.SET, value)


def configuration_of(
    *,
    name: str = "hr",
    anchor: tuple[str, ...] = ("Login",),
    immutable: bool = False,
    dn: bool = False,
    query: tuple[Any, ...] = ("Login", "Mail"),
    mapping: Mapping[str, str] | None = None,
    disable: Any = "none",
    delete: Any = "delete",
    freshness: Freshness | None = None,
    imports: bool = True,
    attributes: Mapping[str, Any] | None = None,
    objects: int = 5,
    page_size: int | None = None,
    ecma: bool = False,
    select: tuple[str, ...] | None = None,
    groups: Mapping[str, str] | None = None,
    groups_delete: Any = "delete",
    groups_attributes: Mapping[str, Any] | None = None,
) -> ConnectorConfiguration:
    """A configuration as the wizard would leave it; ``query`` names attributes, or pairs of name and ``unique``.

    With ``ecma`` there is no schema mapping, which is what that profile is. ``groups`` is the mapping of groups.
    """
    group_types = {} if groups is None else {"Group": _groups(groups_attributes or {})}
    return ConnectorConfiguration(
        Path(f"{name}.toml"),
        Properties(
            name,
            INSTANCE,
            "memory",
            autosync=timedelta(hours=1),
            freshness=freshness,
            deletion_threshold_objects=objects,
        ),
        full_import=RunProfile(page_size) if imports else None,
        object_types={
            "User": ObjectType(
                "User",
                "Employees",
                anchor,
                anchor_immutable=immutable,
                dn_autogenerated=dn,
                query_attributes=tuple(
                    QueryAttribute(*one) if isinstance(one, tuple) else QueryAttribute(one) for one in query
                ),
                attributes=attributes or {},
                select_attributes=select,
            ),
            **group_types,
        },
        schema_mapping={
            **({} if ecma else {"User": MAPPING if mapping is None else mapping}),
            **({} if groups is None else {"Group": groups}),
        },
        deprovisioning={
            "User": Deprovisioning(flow(disable), flow(delete)),
            "Group": Deprovisioning(delete=flow(groups_delete)),
        },
    )


def _groups(attributes: Mapping[str, Any]) -> ObjectType:
    return ObjectType("Group", "Groups", ("Name",), query_attributes=(QueryAttribute("Name"),), attributes=attributes)


class Desk:
    """One endpoint over one target and one real store in a directory, with shorthands for what requests do."""

    def __init__(self, directory: Path, location: str = "") -> None:
        """The store is a file below the directory, or a schema of the database at ``location``."""
        self.directory = directory
        self.location = location
        self.schema = f"sync_{os.getpid()}_{next(_NUMBERS)}"
        self.kind = "User"
        self.target = Target()
        self.opened: list[Any] = []
        self.endpoints: list[Endpoint] = []
        self.endpoint: Endpoint = None  # type: ignore[assignment]  # set by build

    def build(
        self,
        *,
        hooks: Mapping[str, Any] | None = None,
        capabilities: Capabilities | None = None,
        passwords: str = "",
        **settings: Any,
    ) -> "Desk":
        """Builds the endpoint in a process of its own: a store that is opened anew has an incarnation of its own.

        ``passwords`` is a way of ``PASSWORDS``; the mapping then leads to it.
        """
        if passwords:
            hooks = {**PASSWORDS[passwords], **(hooks or {})}
            settings["mapping"] = {**(settings.get("mapping") or MAPPING), "password": "export_password"}
        store = self.open_store()
        configuration = configuration_of(**settings)
        connector = Connector(configuration, plugin_of(self.target, capabilities, **(hooks or {})))
        self.endpoint = Endpoint(configuration, connector, store, self.directory / "run" / "schemas" / "hr.json")
        self.endpoints.append(self.endpoint)
        return self

    def open_store(self) -> Any:
        """Opens the store once more, as another process of this host does."""
        runtime, location = self.directory / "run", self.location
        if location:
            store: Any = postgresql.open_store(Secret(lambda: location), self.schema, runtime, writing=True)
        else:
            store = sqlite.open_store(self.directory / "space.db", runtime, writing=True)
        self.opened.append(store)
        return store

    def ready(self, **settings: Any) -> "Desk":
        """Builds the endpoint and imports, so that it can be seen."""
        self.build(**settings)
        if self.endpoint.imports:
            imports.full_import(self.endpoint)
        return self

    def restart(self, **settings: Any) -> "Desk":
        """The process dies as it stands, and another one begins."""
        self.store.close()
        return self.build(**settings)

    @property
    def store(self) -> Any:
        return self.endpoint.store

    @property
    def binding(self) -> Any:
        return self.endpoint.binding(self.kind)

    @property
    def groups(self) -> "Desk":
        """The same desk, whose shorthands are about groups."""
        other = copy(self)
        other.kind = "Group"
        return other

    @property
    def space_type(self) -> Any:
        return self.binding.space_type

    def call(self, seconds: float = 10.0) -> Call:
        return Call(time.monotonic() + seconds, "request-1")

    def resource(self, **attributes: Any) -> dict[str, Any]:
        return canonical(attributes, self.binding.resource_type).resource

    def create(self, seconds: float = 10.0, **attributes: Any) -> SpaceObject:
        return provisioning.create(self.endpoint, self.binding, self.resource(**attributes), self.call(seconds))

    def patch(self, object_id: str, *operations: dict[str, Any], seconds: float = 10.0) -> SpaceObject:
        read = with_sealed_values(parse_patch({"Operations": list(operations)}), self.binding.resource_type)

        def transform(resource):
            return apply_patch(resource, read, self.binding.resource_type).resource

        return provisioning.change(self.endpoint, self.binding, object_id, transform, self.call(seconds))

    def set(self, object_id: str, path: str, value: Any, seconds: float = 10.0) -> SpaceObject:
        return self.patch(object_id, {"op": "replace", "path": path, "value": value}, seconds=seconds)

    def put(self, object_id: str, **attributes: Any) -> SpaceObject:
        body = self.resource(**attributes)

        def transform(resource):
            return replaced(resource, body, self.binding.resource_type)

        return provisioning.change(self.endpoint, self.binding, object_id, transform, self.call())

    def shown(self, object_id: str, **query: str) -> dict[str, Any]:
        """The resource as a GET answers it; ``query`` is its ``attributes`` or ``excluded``."""
        named = {name: names.split(",") for name, names in query.items()}
        wanted = projection(self.binding.resource_type, named.get("attributes"), named.get("excluded"))
        page = presented_page(self.endpoint, self.binding, [self.get(object_id)], wanted.wants, "https://host/scim")
        return wanted.of(page[0])

    def remove(self, object_id: str, seconds: float = 10.0) -> None:
        provisioning.remove(self.endpoint, self.binding, object_id, self.call(seconds))

    def get(self, object_id: str, seconds: float = 0.05) -> SpaceObject:
        return provisioning.existing(self.endpoint, self.binding, object_id, self.call(seconds))

    def match(
        self, filter_text: str | None, seconds: float = 10.0, start: int = 1, count: int = 100
    ) -> list[SpaceObject]:
        return search(self.endpoint, self.binding, filter_text, start, count, self.call(seconds)).objects

    def named(self, login: str, seconds: float = 10.0) -> list[SpaceObject]:
        return self.match(f'userName eq "{login}"', seconds)

    def events(self) -> list[tuple[str, str]]:
        return [(one.record.kind, one.record.outcome) for one in reversed(self.store.events("hr", 100))]

    def configured(self, **changes: Any) -> None:
        """Changes properties of the connector as a reload would."""
        configuration = self.endpoint.configuration
        properties = replace(configuration.properties, **changes)
        self.endpoint.configuration = replace(configuration, properties=properties)

    def end(self) -> None:
        for endpoint in self.endpoints:
            endpoint.close()
        for store in self.opened:
            store.close()


class Gate:
    """A target that hangs until it is opened, and tells who arrived."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    def __call__(self, *_arguments: Any) -> None:
        self.arrived.release()
        assert self._open.wait(30)

    def wait_for(self, count: int = 1) -> None:
        """Waits until so many calls hang here."""
        for _ in range(count):
            assert self.arrived.acquire(timeout=10)


def wait_until(condition: Callable[[], object]) -> None:
    """Waits for something that another thread does; fails after ten seconds."""
    tick = threading.Event()
    for _ in range(2000):
        if condition():
            return
        tick.wait(0.005)
    raise AssertionError("it did not happen")


def together(*functions: Callable[[], Any]) -> list[Any]:
    """Runs functions at once, each in a thread; returns what each returned or raised, in order."""
    barrier = threading.Barrier(len(functions))
    answers: list[Any] = [None] * len(functions)

    def run(place: int, function: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            answers[place] = function()
        except Exception as error:  # noqa: BLE001 - the answer is looked at by the test
            answers[place] = error

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return answers


@contextmanager
def desk_in(directory: Path, location: str = "") -> Iterator[Desk]:
    desk = Desk(directory, location)
    try:
        yield desk
    finally:
        desk.end()
