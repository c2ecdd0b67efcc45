"""A small SCIM host that can misbehave on request, the table behind it, and the table's reader."""

import json
import threading
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecmahost_entra.names import selected_names
from ecmahost_entra.paths import CORE_USER, ECMA_USER, ENTERPRISE_USER, ScimPath, get, parse_path, put
from ecmahost_entra_kit.answers import error, listing
from ecmahost_entra_kit.fake_groups import TEAMS, FakeGroups

from ecmahost_core.configuration.model import (
    ConnectorConfiguration,
    Deprovisioning,
    ObjectType,
    Properties,
    QueryAttribute,
)
from ecmahost_core.ecma.capabilities import Capabilities
from ecmahost_core.ecma.csentry import CSEntryChange, ImportPage, ObjectModificationType
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow, FlowAction
from ecmahost_core.ecma.run_profiles import ObjectQuery, RunStep
from ecmahost_core.ecma.schema import AttributeType, Schema, SchemaAttribute, SchemaType
from ecmahost_core.ecma.values import Reference
from ecmahost_core.errors import ServerDown

TOKEN = "a-token-of-the-tests"
MAPPING = {
    "userName": "UserName",
    "externalId": "ExternalId",
    "displayName": "DisplayName",
    "name.givenName": "GivenName",
    "name.familyName": "FamilyName",
    "title": "Title",
    'emails[type eq "work"].value': "Email",
    'phoneNumbers[type eq "work"].value': "Phone",
    f"{ENTERPRISE_USER}:department": "Department",
    f"{ENTERPRISE_USER}:employeeNumber": "EmployeeNumber",
}
ATTRIBUTES = (
    SchemaAttribute("EmployeeId", AttributeType.INTEGER, generated=True, unique=True),
    SchemaAttribute("UserName", required=True, max_length=60),
    *(SchemaAttribute(name, max_length=60) for name in list(MAPPING.values())[1:]),
    SchemaAttribute("Room Number", AttributeType.INTEGER),
    SchemaAttribute("Boss", AttributeType.REFERENCE),
    SchemaAttribute("IsActive", AttributeType.BOOLEAN, generated=True),
    SchemaAttribute("Gone", AttributeType.BOOLEAN, generated=True),
)
TYPES = {attribute.name: attribute.type for attribute in ATTRIBUTES}
SCHEMA = Schema((SchemaType("Employees", ATTRIBUTES, ("EmployeeId",)), TEAMS))
NONE, DELETE = DeprovisioningFlow(), DeprovisioningFlow(FlowAction.DELETE)
SET_ACTIVE = DeprovisioningFlow(FlowAction.SET, "IsActive")
SET_GONE = DeprovisioningFlow(FlowAction.SET, "Gone", value=True)
EMPLOYEES = ObjectType(
    "User",
    "Employees",
    ("EmployeeId",),
    query_attributes=(QueryAttribute("UserName"),),
    select_attributes=(*MAPPING.values(), "Room Number"),
)
PASSWORD = "password"
MANAGER = f"{ENTERPRISE_USER}:manager"


def make_configuration(
    disable: DeprovisioningFlow = SET_ACTIVE,
    delete: DeprovisioningFlow = DELETE,
    *,
    mapped: bool = True,
    **mapping: str,
) -> ConnectorConfiguration:
    return ConnectorConfiguration(
        file=Path("hr.toml"),
        properties=Properties("hr", str(uuid.uuid4()), "sql"),
        object_types={"User": EMPLOYEES},
        schema_mapping={"User": {**MAPPING, **mapping}} if mapped else {},
        deprovisioning={"User": Deprovisioning(disable, delete)},
    )


@dataclass
class Entry:
    """One person: values by SCIM path."""

    anchor: int
    values: dict[str, Any]
    meta: dict[str, str]
    active: bool = True
    unlinked: bool = False


@dataclass
class FakeHost:
    """Answers as a good host does, but for the faults that a test names."""

    configuration: ConnectorConfiguration
    faults: set[str] = field(default_factory=set)
    people: dict[str, Entry] = field(default_factory=dict)
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    importing: int = 0
    port: int = 0
    connections: int = 0
    clock: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    on_request: Callable[[str, str], None] = lambda method, path: None

    def __post_init__(self) -> None:
        self.groups = FakeGroups(self)

    def good(self, fault: str) -> bool:
        return fault not in self.faults

    @property
    def flows(self) -> Deprovisioning:
        return self.configuration.deprovisioning["User"]

    @property
    def mapped(self) -> bool:
        return "User" in self.configuration.schema_mapping

    @property
    def names(self) -> dict[str, tuple[ScimPath, str]]:
        """By SCIM path: what is offered, and the column."""
        if self.mapped:
            found = {text: (parse_path(text), name) for text, name in self.configuration.schema_mapping["User"].items()}
        else:
            names, _ = selected_names(self.configuration, EMPLOYEES, SCHEMA.types[0])
            found = {name.path.text: (name.path, name.attribute) for name in names}
        return {text: pair for text, pair in found.items() if pair[1] != "EmployeeId"}

    @property
    def key(self) -> str:
        return "userName" if self.mapped else f"{ECMA_USER}:UserName"

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any, dict[str, str]]:
        self.on_request(method, path)
        if self.importing:
            self.importing -= 1
            return *error(503, "The ECMA host is currently importing data from the target application"), {
                "Retry-After": "0"
            }
        if path == "/Schemas":
            return 200, self.schemas(), {}
        if path.startswith("/Groups"):
            return self.groups.answer(method, path, query, body)
        if path == "/Users" and method == "GET":
            return self.query(query["filter"][0])
        if path == "/Users":
            return self.create(body)
        return self.one(method, urllib.parse.unquote(path.removeprefix("/Users/")), body)

    def one(self, method: str, resource_id: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        entry = self.people.get(resource_id)
        if entry is None or entry.unlinked:
            return 404, error(404, "There is no User with this id.")[1] if self.good("plain 404") else "gone", {}
        if method == "DELETE":
            self.remove(resource_id, self.flows.delete)
            return 204, None, {}
        if method == "PATCH":
            self.patch(resource_id, entry, body)
        if resource_id not in self.people:
            return 204, None, {}
        etag = f'W/"{self.clock}x"' if not self.good("ETag moves") and method == "GET" else entry.meta["version"]
        self.clock += not self.good("ETag moves")
        return 200, self.shown(resource_id), {"ETag": etag}

    def query(self, text: str) -> tuple[int, Any, dict[str, str]]:
        if " and " in text:
            return self.named(text)
        path, _, literal = text.partition(" eq ")
        value = json.loads(literal)
        if path.rpartition(":")[2] == "PLACEHOLDER" and not self.good("PLACEHOLDER unknown"):
            return *error(400, "PLACEHOLDER is no attribute", "invalidFilter"), {}
        found = [
            each
            for each, entry in self.people.items()
            if str(entry.values.get(path)).casefold() == value.casefold() or not self.good("everyone matches")
        ]
        if not self.good("disabled hidden"):
            found = [each for each in found if self.people[each].active]
        if not found and not self.good("404 for nobody"):
            return *error(404, "nobody"), {}
        for each in found:
            self.people[each].unlinked = False
        return 200, listing([self.shown(each) for each in found]), {}

    def named(self, text: str) -> tuple[int, Any, dict[str, str]]:
        """Whether somebody has a certain manager."""
        who, manager = (part.partition(" eq ")[2].strip('"') for part in text.split(" and "))
        found = [who] if self.people[who].values.get(MANAGER) == manager or not self.good("any manager") else []
        return 200, listing([self.shown(each) for each in found]), {}

    def create(self, body: Any) -> tuple[int, Any, dict[str, str]]:
        values = {text: get(body, path) for text, (path, _) in self.names.items()}
        values = {text: self.coerced(text, value) for text, value in values.items() if value is not None}
        refused = self.refusal(body, values)
        if refused is not None:
            return *refused, {}
        resource_id = str(uuid.uuid4())
        self.clock += 1
        stamp = f"2026-01-01T00:00:{self.clock % 60:02}Z"
        meta = {"resourceType": "User", "created": stamp, "lastModified": stamp, "version": f'W/"{self.clock}"'}
        entry = self.people[resource_id] = Entry(self.clock, values, meta)
        if self.good("not written"):
            self.write(entry)
        if not self.good("refused but created"):
            return *error(400, "no"), {}
        status = 201 if self.good("200 for create") else 200
        location = {"Location": f"/Users/{resource_id}"} if self.good("no Location") else {}
        return status, self.shown(resource_id), location

    def refusal(self, body: Any, values: dict[str, Any]) -> tuple[int, Any] | None:
        if self.key not in values:
            if "PLACEHOLDER" in json.dumps(body):
                if not self.good("PLACEHOLDER accepted"):
                    return None
                hint = "In the portal, map the real attributes." if self.good("PLACEHOLDER unexplained") else "No."
                return error(400, hint, "invalidValue")
            if self.good("incomplete accepted"):
                missing = self.key if self.good("incomplete unnamed") else "something"
                return error(400, f"{missing} is missing", "invalidValue")
        taken = [each for each in self.people.values() if each.values.get(self.key) == values.get(self.key)]
        if taken and self.good("duplicates accepted"):
            return error(409, "Another User has the same userName.", "uniqueness")
        return None

    def coerced(self, text: str, value: Any) -> Any:
        column = self.names[text][1]
        return int(value) if TYPES.get(column) is AttributeType.INTEGER else value

    def patch(self, resource_id: str, entry: Entry, body: Any) -> None:
        before = dict(entry.values)
        for operation in body["Operations"]:
            values = {operation["path"]: operation.get("value")} if "path" in operation else operation["value"]
            for text, value in values.items():
                self.apply(resource_id, entry, operation["op"].casefold(), text, value)
        if resource_id not in self.people:
            return
        if entry.values != before or not self.good("written twice"):
            self.clock += 1
            entry.meta["version"] = f'W/"{self.clock}"'
        elif not self.good("row written twice"):
            self.rows[entry.anchor]["Title"] += "!"
            return
        self.write(entry)

    def apply(self, resource_id: str, entry: Entry, op: str, text: str, value: Any) -> None:
        if text in (MANAGER, "manager"):
            entry.values.pop(MANAGER, None)
            named = value[0]["value"] if isinstance(value, list) else value
            if op != "remove" and named and self.good("manager ignored"):
                entry.values[MANAGER] = named
        elif text == "active":
            if isinstance(value, bool) or self.good("text False ignored"):
                self.set_active(resource_id, entry, str(value).casefold() == "true")
        elif op == "remove":
            if not self.good("remove writes"):
                entry.values[text] = value or "x"
            elif self.good("remove ignored"):
                entry.values.pop(text, None)
        elif op != "add" or self.good("add ignored"):
            entry.values[text] = self.coerced(text, value)

    def set_active(self, resource_id: str, entry: Entry, active: bool) -> None:
        entry.active = active
        if not self.good("disabled leave groups"):
            self.groups.forget(resource_id)
        if not active and self.flows.disable.action is FlowAction.DELETE:
            self.remove(resource_id, DELETE)

    def remove(self, resource_id: str, flow: DeprovisioningFlow) -> None:
        entry = self.people[resource_id]
        if flow.action is FlowAction.DELETE:
            self.groups.forget(resource_id)
            del self.people[resource_id]
            if self.good("target keeps"):
                del self.rows[entry.anchor]
            return
        entry.unlinked = True
        if flow.action is FlowAction.SET:
            self.rows[entry.anchor][flow.attribute] = flow.value

    def write(self, entry: Entry) -> None:
        row = {name: entry.values.get(text) for text, (_, name) in self.names.items()}
        row |= {"EmployeeId": entry.anchor, "Gone": False, "Room Number": row.get("Room Number")}
        boss = self.people.get(str(entry.values.get(MANAGER)))
        row["Boss"] = Reference(str(boss.anchor)) if boss is not None and self.good("manager not written") else None
        row["IsActive"] = entry.active if self.flows.disable.action is FlowAction.SET else True
        if not self.good("value lost"):
            row["Title"] = None
        self.rows[entry.anchor] = row

    def shown(self, resource_id: str) -> dict[str, Any]:
        entry = self.people[resource_id]
        urns = dict.fromkeys(self.names[text][0].urn for text in entry.values)
        resource: dict[str, Any] = {"schemas": [CORE_USER, *filter(None, urns)], "id": resource_id}
        for text, value in entry.values.items():
            path, column = self.names[text]
            upper = column == "FamilyName" and not self.good("not echoed")
            if text == MANAGER:
                put(resource, path, {"value": value} if self.good("manager hidden") else {})
            elif text != PASSWORD or not self.good("password comes back"):
                put(resource, path, value.upper() if upper else value)
        if not self.good("password in an extension"):
            resource["urn:x"] = {"note": entry.values[PASSWORD]}
        if not self.good("no id"):
            del resource["id"]
        resource["active"] = entry.active if self.good("active as text") else str(entry.active)
        if groups := self.groups.groups_of(resource_id):
            resource["groups"] = groups
        if self.good("no meta"):
            resource["meta"] = dict(entry.meta)
        return resource

    def schemas(self) -> dict[str, Any]:
        documents: dict[str, dict[str, Any]] = {CORE_USER: {"active": {"name": "active", "mutability": "readWrite"}}}
        for path, column in self.names.values():
            attribute = {"name": path.attribute, "mutability": "readWrite", "required": column == "UserName"}
            if column == "export_password" and self.good("password readable"):
                attribute |= {"mutability": "writeOnly", "returned": "never"}
            documents.setdefault(path.urn or CORE_USER, {})[path.attribute] = attribute
        core = documents[CORE_USER]
        if "Group" in self.configuration.object_types:
            core["groups"] = {"name": "groups", "mutability": "readOnly", "required": False}
        if not self.good("schema incomplete"):
            for names in documents.values():
                names.pop("phoneNumbers" if self.mapped else "Phone", None)
        if not self.good("readOnly required"):
            core["groups"] = {"name": "groups", "mutability": "readOnly", "required": True}
        if not self.good("readOnly"):
            target = documents[CORE_USER]["title"] if self.mapped else documents[ECMA_USER]["Title"]
            target["mutability"] = "readOnly"
        if not self.good("core offered"):
            core["userName"] = {"name": "userName", "mutability": "readWrite"}
        extra = {} if self.good("null in schema") else {"description": None}
        listed = [
            {"id": urn if self.good("no urn") else None, "attributes": [{**each, **extra} for each in names.values()]}
            for urn, names in documents.items()
        ]
        return listing(listed if self.good("schema twice") else [*listed, listed[0]])


@dataclass
class FakeReader:
    """Reads the rows behind the fake host as a connector would."""

    host: FakeHost
    single_reads: bool = True
    down: bool = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(full_object_import=self.single_reads)

    def read(self, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
        if self.down:
            raise ServerDown("the database is not there")
        return [entry for entry in self.entries(step) if all(entry.attributes[n] == v for n, v in query.attributes)]

    def full_import(self, step: RunStep) -> Iterator[ImportPage]:
        if self.down:
            raise ServerDown("the database is not there")
        for entry in self.entries(step):
            yield ImportPage((entry,))

    def entries(self, step: RunStep) -> list[CSEntryChange]:
        (schema_type,) = step.types
        if schema_type.name == "Teams":
            return [self.team(row) for row in self.host.groups.rows()]
        return [
            CSEntryChange(
                schema_type.name,
                ObjectModificationType.ADD,
                (row["EmployeeId"],),
                attributes={
                    each.name: () if row[each.name] is None else (row[each.name],) for each in schema_type.attributes
                },
            )
            for row in self.host.rows.values()
        ]

    def team(self, row: dict[str, Any]) -> CSEntryChange:
        attributes = {"TeamId": (row["TeamId"],), "Name": (row["Name"],), "Members": row["Members"]}
        return CSEntryChange("Teams", ObjectModificationType.ADD, attributes["TeamId"], attributes=attributes)
