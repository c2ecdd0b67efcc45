"""What clients send, as recorded JSON: the answer that each request gets, and its exact effect on the target.

A record of ``tests/entra/exchanges`` is a small story about a connector to a fresh database::

    {
      "title": "...",
      "quirks": [1, 4],                   numbers of known interoperability quirks, 1 to LAST_QUIRK
      "connector": "hr",                  one of CONNECTORS; "mapping" adds to its schema mapping, or takes away (null)
      "given": {"ann": {"UserName": "ann@example.com", ...}},      rows that are there before the first import
      "teams": {"staff": {"Name": "Staff", "members": ["ann"]}},
      "exchange": [
        {
          "send": "PATCH /Users/{ann}",   {ann} is the SCIM id of ann, here and in every string
          "headers": {...}, "body": {...},
          "status": 200,
          "answer": {...},                what it holds at least; null: not there; lists are whole
          "effect": {"ann": {"Title": "x", "Phone": null}, "members of staff": {"ann": true, "bob": null}},
                                          all the rows that are written; without it none is
          "as": "bob"                     what the person whom this request creates is called from here on
        }
      ]
    }

Every successful PATCH and PUT is sent a second time, which must write nothing, unless the record says ``once``. One
with ``explained`` says why a quirk is about no request.
"""

import json
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import pytest
from ecmahost_host_kit.homes import HomeDirectory, mapping_text
from ecmahost_host_kit.hosts import RunningHost, launch

from ecmahost_core.configuration import home as homes
from ecmahost_core.configuration.load import load_host
from ecmahost_core.connectors.discovery import Catalogue
from ecmahost_core.host import Host
from ecmahost_core.sync.importing.imports import full_import
from ecmahost_core.web.app import create_app

RECORDS = Path(__file__).parent.parent / "entra" / "exchanges"
LAST_QUIRK = 60
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CONTOSO = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"
TABLES = """
CREATE TABLE Employees (
    EmployeeId INTEGER PRIMARY KEY AUTOINCREMENT, UserName VARCHAR(200), ExternalId VARCHAR(200),
    DisplayName VARCHAR(200), NickName VARCHAR(200), FullName VARCHAR(200), GivenName VARCHAR(200),
    FamilyName VARCHAR(200), Title VARCHAR(200), Language VARCHAR(200), Email VARCHAR(200), HomeEmail VARCHAR(200),
    Phone VARCHAR(200), Mobile VARCHAR(200), Fax VARCHAR(200), Street VARCHAR(200), City VARCHAR(200),
    Postcode VARCHAR(20), Country VARCHAR(200), Address VARCHAR(200), Role VARCHAR(400), Department VARCHAR(200),
    EmployeeNumber VARCHAR(200), CostCenter VARCHAR(200), Badge VARCHAR(200), IsActive BOOLEAN,
    ManagerId INTEGER REFERENCES Employees ON DELETE SET NULL
);
CREATE TABLE Teams (TeamId INTEGER PRIMARY KEY AUTOINCREMENT, Name VARCHAR(200) NOT NULL, ExternalId VARCHAR(200));
CREATE TABLE TeamMembers (
    TeamId INTEGER NOT NULL REFERENCES Teams, EmployeeId INTEGER NOT NULL REFERENCES Employees,
    PRIMARY KEY (TeamId, EmployeeId)
);
CREATE TABLE EmployeeRoles (EmployeeId INTEGER NOT NULL REFERENCES Employees, Role VARCHAR(400) NOT NULL);
CREATE TABLE Written (Number INTEGER PRIMARY KEY AUTOINCREMENT, Place TEXT);
"""
MAPPING = {
    "userName": "UserName",
    "externalId": "ExternalId",
    "displayName": "DisplayName",
    "nickName": "NickName",
    "name.formatted": "FullName",
    "name.givenName": "GivenName",
    "name.familyName": "FamilyName",
    "title": "Title",
    "preferredLanguage": "Language",
    'emails[type eq "work"].value': "Email",
    'emails[type eq "home"].value': "HomeEmail",
    'phoneNumbers[type eq "work"].value': "Phone",
    'phoneNumbers[type eq "mobile"].value': "Mobile",
    'phoneNumbers[type eq "fax"].value': "Fax",
    'addresses[type eq "work"].streetAddress': "Street",
    'addresses[type eq "work"].locality': "City",
    'addresses[type eq "work"].postalCode': "Postcode",
    'addresses[type eq "work"].country': "Country",
    'addresses[type eq "work"].formatted': "Address",
    'roles[primary eq "True"].value': "Role",
    f"{ENTERPRISE}:department": "Department",
    f"{ENTERPRISE}:employeeNumber": "EmployeeNumber",
    f"{ENTERPRISE}:costCenter": "CostCenter",
    f"{ENTERPRISE}:manager": "ManagerId",
    f"{CONTOSO}:Badge": "Badge",
}
TEAMS = """
[object_types.Group]
target = "Teams"
anchor = "TeamId"
anchor_immutable = true
query_attributes = ["Name"]
[schema_mapping.Group]
displayName = "Name"
externalId = "ExternalId"
members = "Members"
[deprovisioning.Group]
delete = "delete"
"""
CONNECTORS = {"hr": "", "strict": "strict = true", "app": ""}
"""What each says under ``[properties]``; ``app`` has the names of Microsoft's ECMA app."""
SELECTED = '["DisplayName", "GivenName", "FamilyName", "Title", "Email", "Badge"]'


def recorded() -> dict[str, list[dict[str, Any]]]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDS.glob("*.json"))}


EXCHANGES = [
    pytest.param(record, id=f"{name}: {record['title']}") for name, found in recorded().items() for record in found
]


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Door(Protocol):
    """Where requests are sent to."""

    connector: str

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply: ...


class Database:
    """The target, behind the host's back."""

    def __init__(self, path: Path, record: Mapping[str, Any]) -> None:
        self.path = path
        self.people: dict[int, str] = {}
        self.teams: dict[int, str] = {}
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executescript(TABLES)
            for handle, row in record.get("given", {}).items():
                columns = {"UserName": f"{handle}@example.com", "IsActive": True, **row}
                if "ManagerId" in row:
                    columns["ManagerId"] = self._key(self.people, row["ManagerId"])
                self.people[self._insert(connection, "Employees", columns)] = handle
            for handle, row in record.get("teams", {}).items():
                members = [self._key(self.people, one) for one in row.get("members", ())]
                key = self._insert(connection, "Teams", {n: v for n, v in row.items() if n != "members"})
                self.teams[key] = handle
                for member in members:
                    self._insert(connection, "TeamMembers", {"TeamId": key, "EmployeeId": member})
            for table in ("Employees", "Teams", "TeamMembers", "EmployeeRoles"):
                for event in ("INSERT", "UPDATE", "DELETE"):
                    connection.execute(
                        f"CREATE TRIGGER {table}{event} AFTER {event} ON {table} BEGIN"
                        f" INSERT INTO Written (Place) VALUES ('{table}'); END"
                    )

    def state(self, called: str | None = None) -> dict[str, Any]:
        """Everything, by the names of the record; ``called`` is what somebody is called who was not there before."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            people = {row["EmployeeId"]: dict(row) for row in connection.execute("SELECT * FROM Employees")}
            teams = {row["TeamId"]: dict(row) for row in connection.execute("SELECT * FROM Teams")}
            members = connection.execute("SELECT TeamId, EmployeeId FROM TeamMembers").fetchall()
            roles = connection.execute("SELECT EmployeeId, Role FROM EmployeeRoles").fetchall()
        for key in people.keys() - self.people.keys():
            self.people[key] = called or f"unexpected {key}"
        for key in teams.keys() - self.teams.keys():
            self.teams[key] = called or f"unexpected {key}"
        found: dict[str, Any] = {self.teams[key]: _without_nulls(row, "TeamId") for key, row in teams.items()}
        for key, row in people.items():
            if row["ManagerId"] is not None:
                row["ManagerId"] = self.people.get(row["ManagerId"], row["ManagerId"])
            found[self.people[key]] = _without_nulls(row, "EmployeeId")
        for team, person in members:
            found.setdefault(f"members of {self.teams[team]}", {})[self.people[person]] = True
        for person, role in roles:
            found.setdefault(f"roles of {self.people[person]}", {})[role] = True
        return found

    def written(self) -> int:
        """How many rows were ever written."""
        with closing(sqlite3.connect(self.path)) as connection:
            return int(connection.execute("SELECT count(*) FROM Written").fetchone()[0])

    @staticmethod
    def _insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> int:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        return int(
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*row.values()]).lastrowid or 0
        )

    @staticmethod
    def _key(keys: Mapping[int, str], handle: str) -> int:
        return next(key for key, one in keys.items() if one == handle)


def _without_nulls(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None and name != key}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What changed: the columns of each row, null for what is gone."""
    found: dict[str, Any] = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name, {}), after.get(name, {} if " of " in name else None)
        if new is None:
            found[name] = None
        elif new != old:
            found[name] = {column: new.get(column) for column in old.keys() | new if old.get(column) != new.get(column)}
    return found


@dataclass
class Walk:
    """A record, being walked."""

    record: Mapping[str, Any]
    door: Door
    target: Database
    ids: dict[str, str] = field(default_factory=dict)

    def whole(self) -> None:
        self._meet()
        for number, step in enumerate(self.record["exchange"], 1):
            self._step(step, f"{self.record['title']}, step {number}: {step['send']}")

    def _meet(self) -> None:
        """Learns the ids of who is there."""
        for kind, names in (("Users", self.target.people), ("Groups", self.target.teams)):
            if not names:
                continue
            reply = self._send("GET", f"/{kind}?count=1000", {}, None)
            assert reply.status == 200, reply
            resources = json.loads(reply.body)["Resources"]
            for resource, handle in zip(resources, names.values(), strict=True):
                self.ids[handle] = resource["id"]

    def _step(self, step: Mapping[str, Any], where: str) -> None:
        method, path = self._filled(step["send"]).split(" ", 1)
        body = self._filled(step.get("body"))
        before, written = self.target.state(), self.target.written()
        reply = self._send(method, path, step.get("headers", {}), body)
        assert reply.status == step["status"], (where, reply)
        answer = json.loads(reply.body) if reply.body else None
        if "as" in step:
            self.ids[step["as"]] = answer["id"]
        differs = _misfit(self._filled(step.get("answer")), answer, "answer")
        assert not differs, (where, differs, answer)
        for name, value in step.get("answers", {}).items():
            assert re.fullmatch(self._filled(value), reply.headers.get(name, "")), (where, name, reply.headers)
        assert difference(before, self.target.state(step.get("as"))) == step.get("effect", {}), where
        rows = sum(len(one) if " of " in name else 1 for name, one in step.get("effect", {}).items())
        assert self.target.written() - written == rows, f"{where}: wrote more than that"
        self._consistent(method, path, reply, answer, where)
        if method in ("PATCH", "PUT") and reply.status < 300 and not step.get("once"):
            written = self.target.written()
            again = self._send(method, path, step.get("headers", {}), body)
            assert (again.status, again.body) == (reply.status, reply.body), (where, again)
            assert self.target.written() == written, f"{where}: the second time something was written"

    def _send(self, method: str, path: str, headers: Mapping[str, str | None], body: Any) -> Reply:
        url = quote(f"/ecma2host_{self.door.connector}/scim{path}", safe="%/:?#[]@!$&'()*+,;=~")
        content = body if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/scim+json; charset=utf-8"} if content is not None else {}
        chosen = {name: value for name, value in {**sent, **headers}.items() if value is not None}
        return self.door.send(method, url, chosen, content)

    def _consistent(self, method: str, path: str, reply: Reply, answer: Any, where: str) -> None:
        """What holds for every answer: its media type, the form of errors, and that a GET says what the write said."""
        assert reply.headers["Content-Type"] == "application/scim+json", where
        if reply.status >= 400:
            assert answer["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"], where
            assert answer["status"] == str(reply.status), where
            assert answer["detail"], where
        assert answer is None or not _has_null(answer), f"{where}: null says nothing that leaving it out does not say"
        whole = method in ("POST", "PATCH", "PUT") and "attributes=" not in path.lower()
        if whole and reply.status < 300 and "meta" in (answer or {}):
            seen = self._send("GET", f"/{answer['meta']['resourceType']}s/{answer['id']}", {}, None)
            assert json.loads(seen.body) == answer, where

    def _filled(self, value: Any) -> Any:
        """``value`` with the ids in the place of names in braces."""
        if isinstance(value, str):
            return re.sub(r"\{(\w+)\}", lambda found: self.ids.get(found[1], found[0]), value)
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        if isinstance(value, dict):
            return {self._filled(name): self._filled(one) for name, one in value.items()}
        return value


def _has_null(found: Any) -> bool:
    inner = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    return found is None or any(map(_has_null, inner))


def _misfit(expected: Any, found: Any, where: str) -> str:
    """Where an answer is not what was expected; empty where it is."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return f"{where} is no object"
        differs = (
            f"{where}.{name} is there" if one is None and found.get(name) is not None
            else "" if one is None else _misfit(one, found.get(name), f"{where}.{name}")
            for name, one in expected.items()
        )  # fmt: skip
        return next(filter(None, differs), "")
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return f"{where} has not {len(expected)} values"
        pairs = enumerate(zip(expected, found, strict=True))
        return next(filter(None, (_misfit(one, other, f"{where}[{n}]") for n, (one, other) in pairs)), "")
    if expected is None or (expected == "*" and found is not None):
        return ""
    same = expected == found and type(expected) is type(found)
    return "" if same else f"{where} is not {expected!r}"


def configuration(record: Mapping[str, Any], database: Path) -> str:
    kind = record.get("connector", "hr")
    mapping = {path: name for path, name in {**MAPPING, **record.get("mapping", {})}.items() if name is not None}
    names = f"[schema_mapping.User]\n{mapping_text(mapping)}\n{TEAMS}"
    manager = 'attributes.ManagerId = { type = "Reference", references = "Employees" }'
    return f'''
[properties]
instance = "{uuid.uuid4()}"
type = "sql"
{CONNECTORS[kind]}
[connectivity]
url = "sqlite:///{database}"
value_tables = """
Teams.Members = TeamMembers(TeamId, EmployeeId) references Employees
Employees.Roles = EmployeeRoles(EmployeeId, Role)
"""
[run_profiles]
full_import = {{}}
[object_types.User]
target = "Employees"
anchor = "EmployeeId"
anchor_immutable = true
query_attributes = ["UserName", {{ name = "ExternalId", unique = false }}]
{f"select_attributes = {SELECTED}" if kind == "app" else manager}
{"" if kind == "app" else names}
[deprovisioning.User]
disable = {{ set = "IsActive" }}
delete = "delete"
'''


class InProcess:
    """The application of a host, asked without a network."""

    def __init__(self, home: HomeDirectory, connector: str) -> None:
        self.connector = connector
        self._token = home.minted(connector)
        place = homes.at(home.path)
        self._host = Host(place, load_host(place), Catalogue(), writing=True)
        assert not self._host.broken, self._host.broken
        full_import(self._host.endpoints[connector])
        self._client = create_app(self._host).test_client()

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        given = {"Authorization": f"Bearer {self._token}", **headers}
        found = self._client.open(url, method=method, headers=given, data=body)
        return Reply(found.status_code, found.headers, found.data)

    def close(self) -> None:
        self._host.close()


class OverTls:
    """A connector of a host that runs."""

    def __init__(self, host: RunningHost, connector: str) -> None:
        self.connector = connector
        self._client = host.client(connector)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        given = {"Authorization": f"Bearer {self._client.token}", **headers}
        found = self._client.send(method, url, body, given)
        return Reply(found.status, dict(found.headers.items()), found.body)


@pytest.fixture(scope="module")
def running(make_home: Callable[[Path], HomeDirectory], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A host with a connector for each record that is also walked over TLS, each with a database of its own."""
    home = make_home(tmp_path_factory.mktemp("recorded") / "home")
    databases = {}
    for record in (one for found in recorded().values() for one in found if one.get("tls")):
        name = f"c{len(databases)}"
        databases[record["title"]] = name, Database(home.path / f"{name}.db", record)
        home.connector(name, configuration(record, home.path / f"{name}.db"))
    host = launch(home)
    try:
        yield host, databases
    finally:
        host.kill()


@pytest.mark.parametrize("record", EXCHANGES)
def test_a_recorded_exchange_has_its_answers_and_its_effect(
    record: dict[str, Any], home: HomeDirectory, request: pytest.FixtureRequest
) -> None:
    if "explained" in record:
        assert not record.get("exchange")
        assert record["explained"].endswith(".")
        return
    database = Database(home.path / "target.db", record)
    connector = record.get("connector", "hr")
    home.connector(connector, configuration(record, database.path))
    door = InProcess(home, connector)
    try:
        Walk(record, door, database).whole()
    finally:
        door.close()
    if record.get("tls"):
        host, databases = request.getfixturevalue("running")
        name, of_its_own = databases[record["title"]]
        Walk(record, OverTls(host, name), of_its_own).whole()


def test_every_known_quirk_is_recorded() -> None:
    covered = {number for found in recorded().values() for record in found for number in record.get("quirks", ())}
    assert covered == set(range(1, LAST_QUIRK + 1))


def test_every_record_is_told_from_the_others_by_its_title() -> None:
    titles = [record["title"] for found in recorded().values() for record in found]
    assert len(set(titles)) == len(titles)
