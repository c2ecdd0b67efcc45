"""A host as its users meet it: a home made by ``ecmahost init``, connector files, processes, and clients over TLS."""

import csv
import http.client
import json
import os
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ecmahost_core.configuration import home as homes
from ecmahost_core.configuration import secrets, tokens

PROGRAMS = Path(__file__).with_name("programs")
MAIN = "from ecmahost_core.cli import main; main()"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

COLUMNS = (
    "UserName", "ExternalId", "DisplayName", "GivenName", "FamilyName", "Title", "Email", "Phone", "Department",
    "EmployeeNumber", "IsActive", "Terminated",
)  # fmt: skip
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
TABLE = f"""
CREATE TABLE Employees (
    EmployeeId INTEGER PRIMARY KEY AUTOINCREMENT,
    {", ".join(f"{name} VARCHAR(200)" for name in COLUMNS[:-2])},
    IsActive BOOLEAN, Terminated VARCHAR(20)
)
"""


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether the condition becomes true within the time; asks again and again."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@dataclass(frozen=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def resources(self) -> list[dict[str, Any]]:
        assert self.status == 200, self
        found: list[dict[str, Any]] = self.json["Resources"]
        return found

    @property
    def version(self) -> str:
        return str(self.json["meta"]["version"])


class Client:
    """One keep-alive connection to one connector. A connection that breaks raises; nothing is sent twice by itself."""

    def __init__(self, port: int, connector: str, token: str, context: ssl.SSLContext, timeout: float = 60) -> None:
        self.port, self.connector, self.token = port, connector, token
        self.base = f"/ecma2host_{connector}/scim"
        self._context, self._timeout = context, timeout
        self._connection: http.client.HTTPSConnection | None = None

    def connect(self) -> http.client.HTTPSConnection:
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=self._timeout, context=self._context
            )
            self._connection.connect()
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def send(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Sends a request as it stands, to the root of the host."""
        connection = self.connect()
        try:
            connection.request(method, url, body, dict(headers))
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if response.will_close:
            self.close()
        return answer

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, *, fault: bool = False
    ) -> Answer:
        """Sends a SCIM request; a body that is bytes goes as it is. 500 fails the test unless it was asked for."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/scim+json; charset=utf-8")
        answer = self.send(method, f"{self.base}{path}", content, sent)
        assert fault or answer.status != 500, answer
        assert answer.headers["Content-Type"] == "application/scim+json", answer
        assert answer.headers["X-Request-Id"], answer
        if answer.status >= 400 and method != "HEAD":
            assert answer.json["status"] == str(answer.status), answer
            assert "Error" in answer.json["schemas"][0], answer
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) > 0, answer
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def search(self, text: str, **parameters: object) -> Answer:
        """Sends a filter, and what else the query takes."""
        more = "".join(f"&{name}={value}" for name, value in parameters.items())
        return self.get(f"/Users?filter={quote(text, safe='')}{more}")

    def match(self, value: str, attribute: str = "userName") -> Answer:
        """Looks for a user as Entra does before it creates one."""
        return self.search(f"{attribute} eq {json.dumps(value)}")

    def matched(self, value: str, attribute: str = "userName") -> list[dict[str, Any]]:
        return self.match(value, attribute).resources

    def create(self, user: Mapping[str, Any]) -> Answer:
        return self.request("POST", "/Users", user)

    def created(self, user: Mapping[str, Any]) -> str:
        """Creates a user and returns the id."""
        answer = self.create(user)
        assert answer.status == 201, answer
        return str(answer.json["id"])

    def user(self, object_id: str) -> Answer:
        return self.get(f"/Users/{object_id}")

    def patch(self, object_id: str, *operations: Mapping[str, Any]) -> Answer:
        return self.request("PATCH", f"/Users/{object_id}", {"schemas": [PATCH_OP], "Operations": list(operations)})

    def put(self, object_id: str, user: Mapping[str, Any]) -> Answer:
        return self.request("PUT", f"/Users/{object_id}", user)

    def delete(self, object_id: str) -> Answer:
        return self.request("DELETE", f"/Users/{object_id}")


@dataclass
class CsvTarget:
    """A file of people."""

    path: Path
    type_name: str = "csv"
    object_type: str = "User"
    anchor: str = "UserName"
    hidden: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.write([])

    @property
    def connectivity(self) -> str:
        return f'file = "{self.path}"'

    def write(self, rows: list[Mapping[str, str]]) -> None:
        """Replaces the file, as another program would."""
        new = self.path.with_suffix(".new")
        with new.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(rows)
        new.replace(self.path)

    def add(self, **row: str) -> None:
        self.write([*self.rows(), row])

    def hide(self, *names: str) -> None:
        """Takes people away, all of them when none is named."""
        if not self.hidden:
            self.hidden.append(self.path.read_bytes())
        self.write([row for row in self.rows() if names and row["UserName"] not in names])

    def retitle(self, name: str, title: str) -> None:
        self.write([row | {"Title": title} if row["UserName"] == name else row for row in self.rows()])

    def restore(self) -> None:
        """Makes the file what it was before ``hide``."""
        self.path.write_bytes(self.hidden.pop())

    def rows(self) -> list[dict[str, str]]:
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))

    def state(self) -> object:
        """What changes with every write, even one that puts the same content there."""
        found = self.path.stat()
        return found.st_ino, found.st_mtime_ns, self.path.read_bytes()


@dataclass
class SqliteTarget:
    """A table of people: a key that the database makes, and nothing that keeps names unique."""

    path: Path
    type_name: str = "sql"
    object_type: str = "Employees"
    anchor: str = "EmployeeId"
    _watcher: list[sqlite3.Connection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.execute(TABLE)

    @property
    def connectivity(self) -> str:
        return f'url = "sqlite:///{self.path}"'

    def execute(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, timeout=20)) as connection, connection:
            return connection.execute(sql, parameters).fetchall()

    def add(self, **row: str) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self.execute(f"INSERT INTO Employees ({names}) VALUES ({marks})", *row.values())

    def hide(self, *names: str) -> None:
        """Takes people away, all of them when none is named."""
        self.execute("CREATE TABLE IF NOT EXISTS Hidden AS SELECT * FROM Employees")
        chosen = f"WHERE UserName IN ({', '.join('?' * len(names))})" if names else ""
        self.execute(f"DELETE FROM Employees {chosen}", *names)

    def retitle(self, name: str, title: str) -> None:
        self.execute("UPDATE Employees SET Title = ? WHERE UserName = ?", title, name)

    def restore(self) -> None:
        """Puts those back who are hidden, under the keys that they had."""
        self.execute("INSERT OR IGNORE INTO Employees SELECT * FROM Hidden")
        self.execute("DROP TABLE Hidden")

    def rows(self) -> list[dict[str, str]]:
        found = self.execute(f"SELECT {', '.join(COLUMNS)} FROM Employees ORDER BY EmployeeId")
        return [
            {name: "" if value is None else str(value) for name, value in zip(COLUMNS, row, strict=True)}
            for row in found
        ]

    def state(self) -> object:
        """What changes with every write: SQLite's own count of commits by others, and the rows."""
        if not self._watcher:
            self._watcher.append(sqlite3.connect(self.path, timeout=20, check_same_thread=False))
        return self._watcher[0].execute("PRAGMA data_version").fetchone(), self.rows()

    def close(self) -> None:
        for connection in self._watcher:
            connection.close()


Target = CsvTarget | SqliteTarget


def named(target: Target, user_name: str) -> list[dict[str, str]]:
    """The rows of a person, whatever the case and the blanks behind the name."""
    wanted = user_name.rstrip().casefold()
    return [row for row in target.rows() if row["UserName"].rstrip().casefold() == wanted]


@dataclass
class HomeDirectory:
    """A home, and the commands that work on it."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)

    def command(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-c", MAIN, "--home", str(self.path), *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            cwd=self.path,
            env=os.environ | self.environment,
        )

    def settings(self, **host: object) -> None:
        """Writes ``ecmahost.toml``: a free port, and logs at level debug, because nothing secret is in them either."""
        lines = [f"{key} = {value}" for key, value in {"port": 0, "workers": 2, **host}.items()]
        text = "[host]\n" + "\n".join(lines) + '\n[logs]\nlevel = "debug"\n'
        (self.path / "ecmahost.toml").write_text(text)

    def csv(self, name: str) -> CsvTarget:
        target = CsvTarget(self.path / f"{name}.csv")
        self.targets.append(target)
        return target

    def sqlite(self, name: str) -> SqliteTarget:
        target = SqliteTarget(self.path / f"{name}.db")
        self.targets.append(target)
        return target

    def target(self, kind: str, name: str) -> Target:
        return self.csv(name) if kind == "csv" else self.sqlite(name)

    def connect(
        self,
        name: str,
        target: Target,
        *,
        properties: str = "",
        disable: str = '{ set = "IsActive" }',
        delete: str = '"delete"',
        mapping: Mapping[str, str] = MAPPING,
        imports: bool = True,
    ) -> Path:
        """Writes the file of a connector to one of the two targets."""
        immutable = "anchor_immutable = true" if isinstance(target, SqliteTarget) else ""
        return self.connector(
            name,
            f"""
[properties]
instance = "{uuid.uuid4()}"
type = "{target.type_name}"
{properties}
[connectivity]
{target.connectivity}
[run_profiles]
{"full_import = { page_size = 1000 }" if imports else ""}
[object_types.User]
target = "{target.object_type}"
anchor = "{target.anchor}"
{immutable}
query_attributes = ["UserName"]
[schema_mapping.User]
{mapping_text(mapping)}
[deprovisioning.User]
disable = {disable}
delete = {delete}
""",
        )

    def connector(self, name: str, text: str) -> Path:
        path = self.path / "connectors.d" / f"{name}.toml"
        path.write_text(text)
        path.chmod(0o600)
        return path

    def install(self, module: str, source: str, type_name: str) -> None:
        """Installs a connector package for this home's processes: a module and its metadata on their path."""
        site = self.path / "site"
        metadata = site / f"{module}-1.0.dist-info"
        metadata.mkdir(parents=True, exist_ok=True)
        (site / f"{module}.py").write_text(source)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[ecmahost.connectors]\n{type_name} = {module}\n")
        self.environment["PYTHONPATH"] = str(site)

    def minted(self, name: str, lifetime: float = 3600, *, age: float = 0) -> str:
        """A token as the host's own commands make it, ``age`` seconds ago."""
        key = secrets.load_keys(homes.at(self.path)).token
        now = datetime.now(UTC) - timedelta(seconds=age)
        return tokens.mint(key, name, timedelta(seconds=lifetime), now)

    def close(self) -> None:
        for target in self.targets:
            if isinstance(target, SqliteTarget):
                target.close()


def mapping_text(mapping: Mapping[str, str]) -> str:
    return "\n".join(f"'{path}' = \"{name}\"" for path, name in mapping.items())


@dataclass
class RunningHost:
    """``ecmahost serve`` in a process group of its own."""

    home: HomeDirectory
    process: subprocess.Popen[bytes]
    log_file: Path
    clients: list[Client] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int((self.home.path / "run" / "port").read_text())

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.home.path / "certificate.pem"))
        context.check_hostname = False
        return context

    def client(self, connector: str, *, token: str | None = None, timeout: float = 60) -> Client:
        """A new client, by default with a token that the host accepts; closed with the host."""
        given = self.home.minted(connector) if token is None else token
        client = Client(self.port, connector, given, self.context, timeout)
        self.clients.append(client)
        return client

    def plain(self) -> Client:
        """A client without a connector, for ``send``."""
        return self.client("none", token="")

    def ready(self) -> tuple[int, dict[str, Any]]:
        """What ``/readyz`` says: its status, and each connector's state."""
        client = self.plain()
        try:
            answer = client.send("GET", "/readyz", None, {})
        finally:
            client.close()
        return answer.status, answer.json["connectors"]

    def is_ready(self) -> bool:
        try:
            return self.ready()[0] == 200
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def open_entries(self) -> int:
        return sum(int(state.get("open_entries", 0)) for state in self.ready()[1].values())

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def trouble(self) -> str:
        """The last lines of the log that are not about a single request, for a failed assertion."""
        lines = [line for line in self.log().splitlines() if '"event": "request"' not in line]
        return "\n".join(lines[-30:])

    def events(self, name: str) -> list[dict[str, Any]]:
        """The logged events of this name. Every line of the log is JSON, or this raises."""
        found = (json.loads(line) for line in self.log().splitlines() if line)
        return [event for event in found if event["event"] == name]

    def pids(self) -> dict[str, set[int]]:
        """The living processes by what they do: ``arbiter``, ``web``, ``worker``."""
        workers = {event["pid"] for event in self.events("background_started")} & _group(self.process.pid)
        others = _group(self.process.pid) - workers - {self.process.pid}
        return {"arbiter": {self.process.pid}, "web": others, "worker": workers}

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """Ends every process at once, as a power cut does."""
        for client in self.clients:
            client.close()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert eventually(lambda: not _group(self.process.pid))

    def stop(self) -> int:
        """Asks the host to stop and returns its exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(40)


def _group(group: int) -> set[int]:
    """The living processes of a process group."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _parent, process_group = path.read_text().rpartition(")")[2].split()[:3]
            if int(process_group) == group and state != "Z":
                found.add(int(path.parent.name))
    return found


def launch(home: HomeDirectory, *, holds: bool = False, ready: bool = True) -> RunningHost:
    """Starts a host and waits until it listens, and until every connector can be served unless told otherwise."""
    (home.path / "run" / "port").unlink(missing_ok=True)
    log_file = home.path / f"log.{uuid.uuid4().hex[:8]}"
    program = [str(PROGRAMS / "holding_host.py")] if holds else ["-P", "-c", MAIN]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *program, "--home", str(home.path), "serve"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.path,
            env=os.environ | home.environment,
            start_new_session=True,
        )
    host = RunningHost(home, process, log_file)
    try:
        listening = eventually(lambda: (home.path / "run" / "port").exists() or process.poll() is not None, 20)
        assert listening, host.trouble()
        assert process.poll() is None, host.trouble()
        assert not ready or eventually(host.is_ready, 20), host.trouble()
    except BaseException:
        host.kill()
        raise
    return host


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home as ``ecmahost init`` makes it."""
    path = tmp_path_factory.mktemp("template") / "home"
    done = HomeDirectory(path.parent).command("--home", str(path), "init")
    assert done.returncode == 0, done.stderr
    return path


MakeHome = Callable[[Path], HomeDirectory]


@pytest.fixture(scope="session")
def make_home(template: Path) -> Iterator[MakeHome]:
    """Makes a home in a directory that does not exist."""
    made: list[HomeDirectory] = []

    def make(path: Path) -> HomeDirectory:
        shutil.copytree(template, path)
        home = HomeDirectory(path)
        home.settings()
        made.append(home)
        return home

    yield make
    for home in made:
        home.close()


@pytest.fixture
def home(make_home: MakeHome, tmp_path: Path) -> HomeDirectory:
    """A home without connectors."""
    return make_home(tmp_path / "home")


Start = Callable[..., RunningHost]


@pytest.fixture(scope="session")
def launch_host() -> Start:
    """Starts a host that the caller has to end."""
    return launch


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts hosts; ends what is left of them after the test."""
    with ExitStack() as stack:

        def started(home: HomeDirectory, **options: bool) -> RunningHost:
            host = launch(home, **options)
            stack.callback(host.kill)
            return host

        yield started


DISABLE_FLOWS = {"None": '"none"', "Set": '{ set = "IsActive" }', "Delete": '"delete"'}
DELETE_FLOWS = DISABLE_FLOWS | {"Set": '{ set = "Terminated", value = "yes" }'}


@dataclass(frozen=True)
class Estate:
    """A host with many connectors, each with a target of its own; shared by all tests that only use it."""

    host: RunningHost
    targets: Mapping[str, Target]


@pytest.fixture(scope="session")
def estate(make_home: MakeHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """Connectors ``csv`` and ``sql``; ``csvNoneSet`` and the like: disable flow, delete flow; ``csvMapped``."""
    home = make_home(tmp_path_factory.mktemp("estate") / "home")
    home.settings(body_limit=65536)
    targets: dict[str, Target] = {}
    for kind in ("csv", "sql"):
        targets[kind] = home.target(kind, kind)
        home.connect(kind, targets[kind])
        targets[f"{kind}Mapped"] = home.target(kind, f"{kind}Mapped")
        home.connect(
            f"{kind}Mapped", targets[f"{kind}Mapped"], disable='"none"', mapping={**MAPPING, "active": "IsActive"}
        )
        for disable, disabling in DISABLE_FLOWS.items():
            for delete, deleting in DELETE_FLOWS.items():
                name = f"{kind}{disable}{delete}"
                targets[name] = home.target(kind, name)
                home.connect(name, targets[name], disable=disabling, delete=deleting)
    host = launch(home)
    try:
        yield Estate(host, targets)
    finally:
        host.kill()


@pytest.fixture(name="named")
def named_fixture() -> Callable[[Target, str], list[dict[str, str]]]:
    return named


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., bool]:
    return eventually


GATE = """
[properties]
instance = "{instance}"
type = "gate"
[connectivity]
directory = "{directory}"
{connectivity}
[run_profiles]
full_import = {{}}
[object_types.User]
target = "Person"
anchor = "UserName"
query_attributes = ["UserName"]
[schema_mapping.User]
userName = "UserName"
title = "Title"
[deprovisioning.User]
disable = {{ set = "IsActive" }}
delete = "delete"
"""


@dataclass(frozen=True)
class Gate:
    """The target of a connector ``gate``, which can be held up at each of the plugin's hooks."""

    directory: Path

    def hold(self, hook: str) -> None:
        (self.directory / f"hold.{hook}").touch()

    def release(self, hook: str) -> None:
        (self.directory / f"hold.{hook}").unlink()

    def held(self, hook: str) -> bool:
        return (self.directory / f"held.{hook}").exists()

    def leak(self, hook: str) -> None:
        """Lets the hook raise an exception that quotes the connector's password."""
        (self.directory / f"leak.{hook}").touch()

    def add(self, name: str) -> None:
        (self.directory / "objects" / sha256(name.encode()).hexdigest()).write_text(json.dumps({"UserName": name}))

    def objects(self) -> list[dict[str, str]]:
        return [json.loads(path.read_text()) for path in (self.directory / "objects").iterdir()]

    def object(self, name: str) -> dict[str, str]:
        (found,) = (one for one in self.objects() if one["UserName"] == name)
        return found

    def names(self) -> list[str]:
        return sorted(one["UserName"] for one in self.objects())

    def additions(self) -> list[str]:
        """Everybody who was ever added through the connector, in order."""
        file = self.directory / "additions"
        return file.read_text().splitlines() if file.exists() else []


def connect_gate(home: HomeDirectory, name: str = "gate", connectivity: str = "") -> Gate:
    directory = home.path / f"target.{name}"
    (directory / "objects").mkdir(parents=True)
    home.install("ecmahost_gate", (PROGRAMS / "gate_connector.py").read_text(), "gate")
    text = GATE.format(instance=uuid.uuid4(), directory=directory, connectivity=connectivity)
    home.connector(name, text)
    return Gate(directory)


@pytest.fixture
def gate(home: HomeDirectory) -> Gate:
    """A connector of the home, named ``gate``, whose target can be held up."""
    return connect_gate(home)


@pytest.fixture(name="connect_gate")
def connect_gate_fixture() -> Callable[..., Gate]:
    return connect_gate


@pytest.fixture(params=["csv", "sql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Both targets, one after the other."""
    return str(request.param)


@pytest.fixture
def person() -> dict[str, Any]:
    """Somebody new, as Entra sends them."""
    name = f"p{uuid.uuid4().hex[:12]}@example.com"
    return {
        "schemas": [CORE, ENTERPRISE],
        "externalId": name.split("@", maxsplit=1)[0],
        "userName": name,
        "active": True,
        "displayName": "Ada Lovelace",
        "title": "Countess",
        "emails": [{"primary": True, "type": "work", "value": name}],
        "phoneNumbers": [{"type": "work", "value": "+44 20 7946 0000"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada"},
        ENTERPRISE: {"department": "Engines", "employeeNumber": "0042"},
        "roles": [],
    }
