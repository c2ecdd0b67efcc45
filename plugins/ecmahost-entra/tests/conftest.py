"""A small SCIM host over TLS that can misbehave on request, and a target behind it that is read like a connector's."""

import copy
import datetime as dt
import http.server
import ipaddress
import json
import socket
import ssl
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ecmahost_entra.apps import App
from ecmahost_entra.client import ScimClient, trust_certificate
from ecmahost_entra.group_plan import with_groups
from ecmahost_entra.plan import Plan, make_plan
from ecmahost_entra.rehearsal import RehearsalReport, Silent, rehearse_connector
from ecmahost_entra.shapes import Dialect
from ecmahost_entra.target import Target
from ecmahost_entra.wire import Address

from ecmahost_core.configuration.model import ConnectorConfiguration
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow


def _make_kit_importable() -> None:
    """The modules in ``kit`` are imported as a package; the tests folder itself is none."""
    package = ModuleType("ecmahost_entra_kit")
    package.__path__ = [str(Path(__file__).with_name("kit"))]
    sys.modules.setdefault(package.__name__, package)


_make_kit_importable()
from ecmahost_entra_kit.answers import error  # noqa: E402 - as the next one
from ecmahost_entra_kit.fake_groups import with_groups as grouped  # noqa: E402 - as the next one
from ecmahost_entra_kit.fake_host import (  # noqa: E402 - it can only be imported now
    DELETE,
    SCHEMA,
    SET_ACTIVE,
    TOKEN,
    FakeHost,
    FakeReader,
    make_configuration,
)


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
    app: App | None = None

    @property
    def plan(self) -> Plan:
        return with_groups(make_plan(self.configuration, SCHEMA, self.app), self.configuration, SCHEMA)

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
        app: App = App.NONGALLERY,
        groups: DeprovisioningFlow | None = None,
        members: bool = True,
        **mapping: str,
    ) -> Bench:
        configuration = make_configuration(disable, delete, mapped=app is not App.ECMA, **mapping)
        if groups is not None:
            configuration = grouped(configuration, groups, members=members)
        host = FakeHost(configuration, set(faults))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        server = Server(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"host": host}))
        server.host, server.context = host, context
        host.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        servers.append((server, thread))
        return Bench(host, FakeReader(host), pair[0], host.configuration, app)

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
