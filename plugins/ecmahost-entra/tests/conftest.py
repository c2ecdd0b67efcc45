"""A small SCIM host over TLS that can misbehave on request, and a target behind it that is read like a connector's."""

import copy
import datetime as dt
import http.server
import ipaddress
import json
import socket
import ssl
import threading
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ecmahost_entra.client import ScimClient, trust_certificate
from ecmahost_entra.paths import get, parse_path, put
from ecmahost_entra.plan import Plan, make_plan
from ecmahost_entra.rehearsal import RehearsalReport, Silent, rehearse_connector
from ecmahost_entra.shapes import Dialect
from ecmahost_entra.target import Target
from ecmahost_entra.wire import Address

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
from ecmahost_core.errors import ServerDown

TOKEN = "a-token-of-the-tests"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
MAPPING = {
    "userName": "UserName",
    "externalId": "ExternalId",
    "displayName": "DisplayName",
    "name.givenName": "GivenName",
    "name.familyName": "FamilyName",
    "title": "Title",
    'emails[type eq "work"].value': "Email",
    'phoneNumbers[type eq "work"].value': "Phone",
    f"{ENTERPRISE}:department": "Department",
    f"{ENTERPRISE}:employeeNumber": "EmployeeNumber",
}
ATTRIBUTES = (
    SchemaAttribute("EmployeeId", AttributeType.INTEGER, generated=True, unique=True),
    SchemaAttribute("UserName", required=True, max_length=60),
    *(SchemaAttribute(name, max_length=60) for name in list(MAPPING.values())[1:]),
    SchemaAttribute("IsActive", AttributeType.BOOLEAN, generated=True),
    SchemaAttribute("Gone", AttributeType.BOOLEAN, generated=True),
)
SCHEMA = Schema((SchemaType("Employees", ATTRIBUTES, ("EmployeeId",)),))
NONE, DELETE = DeprovisioningFlow(), DeprovisioningFlow(FlowAction.DELETE)
SET_ACTIVE = DeprovisioningFlow(FlowAction.SET, "IsActive")
SET_GONE = DeprovisioningFlow(FlowAction.SET, "Gone", value=True)


EMPLOYEES = ObjectType("User", "Employees", ("EmployeeId",), query_attributes=(QueryAttribute("UserName"),))


def make_configuration(
    disable: DeprovisioningFlow = SET_ACTIVE, delete: DeprovisioningFlow = DELETE, **mapping: str
) -> ConnectorConfiguration:
    return ConnectorConfiguration(
        file=Path("hr.toml"),
        properties=Properties("hr", str(uuid.uuid4()), "sql"),
        object_types={
            "User": ObjectType("User", "Employees", ("EmployeeId",), query_attributes=(QueryAttribute("UserName"),))
        },
        schema_mapping={"User": {**MAPPING, **mapping}},
        deprovisioning={"User": Deprovisioning(disable, delete)},
    )


@dataclass
class FakeHost:
    """Answers as a good host does, but for the faults that a test names."""

    configuration: ConnectorConfiguration
    faults: set[str] = field(default_factory=set)
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    anchors: dict[str, int] = field(default_factory=dict)
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    unlinked: set[str] = field(default_factory=set)
    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    importing: int = 0
    port: int = 0
    connections: int = 0
    clock: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    on_request: Callable[[str, str], None] = lambda method, path: None

    def good(self, fault: str) -> bool:
        return fault not in self.faults

    @property
    def flows(self) -> Deprovisioning:
        return self.configuration.deprovisioning["User"]

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any, dict[str, str]]:
        self.on_request(method, path)
        if self.importing:
            self.importing -= 1
            return *error(503, "The ECMA host is currently importing data from the target application"), {
                "Retry-After": "0"
            }
        if path == "/Schemas":
            return 200, self.schemas(), {}
        if path == "/Users" and method == "GET":
            return self.query(query["filter"][0])
        if path == "/Users":
            return self.create(body)
        return self.one(method, urllib.parse.unquote(path.removeprefix("/Users/")), body)

    def one(self, method: str, resource_id: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        if resource_id not in self.resources or resource_id in self.unlinked:
            return 404, error(404, "There is no User with this id.")[1] if self.good("plain 404") else "gone", {}
        if method == "GET":
            return 200, self.shown(resource_id), {}
        if method == "DELETE":
            self.remove(resource_id, self.flows.delete)
            return 204, None, {}
        self.patch(resource_id, body)
        return (200, self.shown(resource_id), {}) if resource_id in self.resources else (204, None, {})

    def query(self, text: str) -> tuple[int, Any, dict[str, str]]:
        path, _, literal = text.partition(" eq ")
        value = json.loads(literal)
        found = [
            each
            for each in self.resources
            if str(get(self.resources[each], parse_path(path))).casefold() == value.casefold()
            or not self.good("everyone matches")
        ]
        if not self.good("disabled hidden"):
            found = [each for each in found if self.resources[each]["active"]]
        if not found and not self.good("404 for nobody"):
            return *error(404, "nobody"), {}
        self.unlinked -= set(found)
        return 200, listing([self.shown(each) for each in found]), {}

    def create(self, body: Any) -> tuple[int, Any, dict[str, str]]:
        taken = [each for each in self.resources.values() if each["userName"] == body["userName"]]
        if taken and self.good("duplicates accepted"):
            return *error(409, "Another User has the same userName.", "uniqueness"), {}
        resource_id = str(uuid.uuid4())
        self.clock += 1
        stamp = f"2026-01-01T00:00:{self.clock % 60:02}Z"
        meta = {"resourceType": "User", "created": stamp, "lastModified": stamp, "version": f'W/"{self.clock}"'}
        self.resources[resource_id] = {**body, "id": resource_id, "active": True, "meta": meta}
        self.anchors[resource_id] = self.clock
        if self.good("not written"):
            self.write(resource_id)
        if not self.good("refused but created"):
            return *error(400, "no"), {}
        status = 201 if self.good("200 for create") else 200
        return (
            status,
            self.shown(resource_id),
            {"Location": f"/Users/{resource_id}"} if self.good("no Location") else {},
        )

    def patch(self, resource_id: str, body: Any) -> None:
        before = json.dumps(self.resources[resource_id])
        resource = self.resources[resource_id]
        for operation in body["Operations"]:
            values = {operation["path"]: operation["value"]} if "path" in operation else operation["value"]
            for path, value in values.items():
                if path != "active":
                    put(resource, parse_path(path), value)
                elif isinstance(value, bool) or self.good("text False ignored"):
                    self.set_active(resource_id, str(value).casefold() == "true")
        if resource_id not in self.resources:
            return
        if json.dumps(resource) != before or not self.good("written twice"):
            self.clock += 1
            resource["meta"]["version"] = f'W/"{self.clock}"'
            self.write(resource_id)
        elif not self.good("row written twice"):
            self.rows[self.anchors[resource_id]]["Title"] += "!"

    def set_active(self, resource_id: str, active: bool) -> None:
        self.resources[resource_id]["active"] = active
        if not active and self.flows.disable.action is FlowAction.DELETE:
            self.remove(resource_id, DELETE)

    def remove(self, resource_id: str, flow: DeprovisioningFlow) -> None:
        if flow.action is FlowAction.DELETE:
            del self.resources[resource_id]
            if self.good("target keeps"):
                del self.rows[self.anchors[resource_id]]
            return
        self.unlinked.add(resource_id)
        if flow.action is FlowAction.SET:
            self.rows[self.anchors[resource_id]][flow.attribute] = flow.value

    def write(self, resource_id: str) -> None:
        resource = self.resources[resource_id]
        row = {name: get(resource, parse_path(path)) for path, name in MAPPING.items()}
        row["EmployeeId"] = self.anchors[resource_id]
        row["IsActive"] = resource["active"] if self.flows.disable.action is FlowAction.SET else True
        row["Gone"] = False
        if not self.good("value lost"):
            row["Title"] = None
        self.rows[self.anchors[resource_id]] = row

    def shown(self, resource_id: str) -> dict[str, Any]:
        resource = json.loads(json.dumps(self.resources[resource_id]))
        if not self.good("no id"):
            del resource["id"]
        if not self.good("not echoed"):
            resource["name"]["familyName"] = resource["name"]["familyName"].upper()
        if not self.good("active as text"):
            resource["active"] = str(resource["active"])
        if not self.good("no meta"):
            del resource["meta"]
        return resource

    def schemas(self) -> dict[str, Any]:
        core = ["userName", "displayName", "name", "title", "emails", "phoneNumbers"]
        if not self.good("schema incomplete"):
            core.remove("phoneNumbers")
        names = {CORE: core, ENTERPRISE: ["department", "employeeNumber"]}
        extra = {} if self.good("null in schema") else {"description": None}
        return listing([{"id": urn, "attributes": [{"name": each, **extra} for each in names[urn]]} for urn in names])


def listing(resources: Sequence[Any]) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": len(resources),
        "Resources": resources,
        "startIndex": 1,
        "itemsPerPage": len(resources),
    }


def error(status: int, detail: str, scim_type: str = "") -> tuple[int, dict[str, Any]]:
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status), "detail": detail}
    return status, {**body, "scimType": scim_type} if scim_type else body


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    host: FakeHost

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        body = json.loads(self.rfile.read(length)) if length else None
        target = self.path.removeprefix("/ecma2host_hr/scim")
        parts = urllib.parse.urlsplit(target)
        self.host.requests.append((self.command, target, dict(self.headers.items()), copy.deepcopy(body)))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.reply(*error(401, "The secret token is missing or wrong."))
            return
        status, answer, headers = self.host.answer(self.command, parts.path, urllib.parse.parse_qs(parts.query), body)
        if self.command == "PATCH" and not self.host.good("hangs"):
            self.host.released.wait(20)
        if self.command == "PATCH" and not self.host.good("not HTTP"):
            self.wfile.write(b"what?\r\n\r\n")
            self.close_connection = True
            return
        self.reply(status, answer, headers)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - http.server looks for these names

    def reply(self, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
        payload = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if payload:
            good = self.host.good("application/json")
            self.send_header("Content-Type", "application/scim+json; charset=utf-8" if good else "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        faulty = self.command == "PATCH"
        if faulty and not self.host.good("closed"):
            self.wfile.write(payload[: len(payload) // 2])
            self.close_connection = True
        elif faulty and not self.host.good("drips"):
            for byte in payload:
                if self.host.released.wait(0.05):
                    break
                self.wfile.write(bytes([byte]))
        else:
            self.wfile.write(payload)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    host: FakeHost
    context: ssl.SSLContext

    def get_request(self) -> tuple[socket.socket, Any]:
        raw, address = super().get_request()
        self.host.connections += 1
        return self.context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is none of a test's business."""


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
        for entry in self.entries(step):
            yield ImportPage((entry,))

    def entries(self, step: RunStep) -> list[CSEntryChange]:
        (schema_type,) = step.types
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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("tls"), days=30)


def write_certificate(folder: Path, *, days: int, name: str = "localhost") -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName(name)] + ([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))] if name == "localhost" else [])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=60))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "certificate.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


@dataclass
class Bench:
    """Everything that one rehearsal needs."""

    host: FakeHost
    reader: FakeReader
    certificate: Path
    configuration: ConnectorConfiguration

    @property
    def plan(self) -> Plan:
        return make_plan(self.configuration, SCHEMA)

    @property
    def address(self) -> Address:
        return Address("localhost", self.host.port, "/ecma2host_hr/scim")

    def client(self, patience: float = 10.0, token: str = TOKEN) -> ScimClient:
        return ScimClient(self.address, lambda: token, trust_certificate(str(self.certificate)), patience)

    def rehearse(
        self,
        dialects: Sequence[Dialect] = (Dialect.DEFAULT,),
        patience: float = 10.0,
        token: str = TOKEN,
        files: Sequence[Path] = (),
        kept: bool = False,
    ) -> RehearsalReport:
        plan = self.plan
        with self.client(patience, token) as client:
            target = Target(self.reader, plan, files)
            return rehearse_connector(plan, target, client, dialects, Silent(), kept=kept)


@pytest.fixture
def make_bench(certificate: tuple[Path, Path]) -> Iterator[Callable[..., Bench]]:
    servers = []

    def make(
        *faults: str,
        disable: DeprovisioningFlow = SET_ACTIVE,
        delete: DeprovisioningFlow = DELETE,
        pair: tuple[Path, Path] = certificate,
    ) -> Bench:
        host = FakeHost(make_configuration(disable, delete), set(faults))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        server = Server(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"host": host}))
        server.host, server.context = host, context
        host.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        servers.append((server, thread))
        return Bench(host, FakeReader(host), pair[0], host.configuration)

    yield make
    for server, thread in servers:
        server.host.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


@pytest.fixture(scope="session")
def write_pair() -> Callable[..., tuple[Path, Path]]:
    return write_certificate
