import datetime as dt
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ecmahost_core import serving

PROGRAM = Path(__file__).with_name("program.py")


@dataclass(frozen=True)
class Certificate:
    """A throw-away certificate for ``localhost`` and its key."""

    certificate: Path
    key: Path

    def write(self, common_name: str) -> None:
        """Writes a new pair, the certificate last, as a renewal does."""
        certificate, key = make_pair(common_name)
        replace(self.key, key)
        replace(self.certificate, certificate)

    def encrypt_key(self) -> None:
        key = serialization.load_pem_private_key(self.key.read_bytes(), None)
        replace(
            self.key,
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"pass phrase"),
            ),
        )


def replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def make_pair(common_name: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether the condition becomes true within the time; asks again and again."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., bool]:
    return eventually


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@dataclass
class Server:
    """A host that runs as a process of its own."""

    process: subprocess.Popen[str]
    directory: Path
    tls: bool
    port: int
    workers: int
    context: ssl.SSLContext = field(default_factory=client_context)

    def connect(self) -> socket.socket:
        """A TCP connection, without TLS."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def connect_ready(self) -> socket.socket:
        """A connection on which a request may be sent."""
        raw = self.connect()
        return self.context.wrap_socket(raw, server_hostname="localhost") if self.tls else raw

    def http(self, timeout: float = 20) -> http.client.HTTPConnection:
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, path: str, method: str = "GET", body: Any = None) -> tuple[int, bytes]:
        connection = self.http()
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def exchange(self, sent: bytes) -> bytes:
        """Sends bytes on a new connection; returns all that comes back until the server closes it."""
        with self.connect_ready() as connection:
            connection.sendall(sent)
            return receive_all(connection)

    def pids(self, kind: str) -> set[int]:
        """The living processes of a kind: ``web`` or ``background``."""
        found = {int(path.suffix[1:]) for path in self.directory.glob(f"{kind}.*")}
        return {pid for pid in found if alive(pid)}

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = (self.directory / "log").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == name]

    def complete(self) -> bool:
        return len(self.pids("web")) == self.workers and len(self.pids("background")) == 1

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


def receive_all(connection: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):
        while data := connection.recv(65536):
            received += data
    return received


@contextmanager
def running(
    directory: Path, certificate: Certificate | None, options: dict[str, Any], **settings: Any
) -> Iterator[Server]:
    directory.mkdir(exist_ok=True)
    if certificate is not None:
        settings |= {"certificate": str(certificate.certificate), "key": str(certificate.key)}
    argument = json.dumps({"directory": str(directory), "settings": {"port": 0, **settings}, **options})
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), argument],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(serving.__file__).parents[2])},
        )
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        port = json.loads(line)["port"] if line else 0
        server = Server(process, directory, certificate is not None, port, settings.get("workers", 2))
        try:
            yield server
        finally:
            leftover = server.pids("web") | server.pids("background")
            process.kill()
            process.wait()
            for pid in leftover:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@contextmanager
def shared(factory: pytest.TempPathFactory, *, tls: bool, **settings: Any) -> Iterator[Server]:
    directory = factory.mktemp("shared")
    certificate = Certificate(directory / "host.pem", directory / "host.key")
    certificate.write("shared")
    with running(directory / "run", certificate if tls else None, {}, **settings) as server:
        assert eventually(server.complete), (server.directory / "log").read_text()
        yield server


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A host without TLS that the tests of a session share."""
    with shared(tmp_path_factory, tls=False) as server:
        yield server


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A host with TLS that the tests of a session share; its deadlines are the default ones."""
    with shared(tmp_path_factory, tls=True) as server:
        yield server


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A host with TLS and short deadlines that the tests of a session share."""
    with shared(tmp_path_factory, tls=True, header_seconds=1, body_seconds=1) as server:
        yield server


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A host without TLS and with short deadlines that the tests of a session share."""
    with shared(
        tmp_path_factory, tls=False, header_seconds=1, body_seconds=1, response_seconds=1, keepalive_seconds=5
    ) as server:
        yield server


@pytest.fixture(params=["plain", "secure"])
def host(request: pytest.FixtureRequest) -> Server:
    """A host that the tests of a session share, once without and once with TLS."""
    server: Server = request.getfixturevalue(request.param)
    return server


Start = Callable[..., Server]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    made = Certificate(tmp_path / "host.pem", tmp_path / "host.key")
    made.write("first")
    return made


@pytest.fixture
def start(tmp_path: Path, certificate: Certificate) -> Iterator[Start]:
    """Starts a host, complete unless told otherwise; ends what is left of it after the test."""
    with ExitStack() as stack:

        def started(
            *, tls: bool = True, complete: bool = True, options: dict[str, Any] | None = None, **settings: Any
        ) -> Server:
            server = stack.enter_context(
                running(tmp_path / "run", certificate if tls else None, options or {}, **settings)
            )
            if complete:
                assert eventually(server.complete), (server.directory / "log").read_text()
            return server

        yield started
