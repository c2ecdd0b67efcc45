"""Groups end to end: a database and files, several connections at once, and processes that are killed in between."""

import csv
import os
import signal
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ecmahost_host_kit.clients import PATCH_OP, Client
from ecmahost_host_kit.rivals import together

PEOPLE = 15_700
SQL = """
type = "sql"
[connectivity]
url = "sqlite:///{path}.db"
value_tables = "Groups.Members = GroupMembers(GroupId, UserId) references Users"
[object_types.User]
target = "Users"
anchor = "Id"
anchor_immutable = true
query_attributes = ["Login"]
attributes.ManagerId = {{ type = "Reference", references = "Users" }}
[object_types.Group]
target = "Groups"
anchor = "Id"
anchor_immutable = true
query_attributes = ["Name"]
"""
CSV = """
type = "csv"
[connectivity]
file = "{path}.users.csv"
groups_file = "{path}.groups.csv"
memberships_file = "{path}.members.csv"
[object_types.User]
target = "User"
anchor = "Login"
attributes.ManagerId = {{ type = "Reference", references = "User" }}
[object_types.Group]
target = "Group"
anchor = "Name"
query_attributes = ["Name"]
"""
REST = """
[run_profiles]
full_import = {{}}
[schema_mapping.User]
userName = "Login"
displayName = "DisplayName"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager" = "ManagerId"
[schema_mapping.Group]
displayName = "Name"
members = "{members}"
[deprovisioning.User]
delete = "delete"
[deprovisioning.Group]
delete = "delete"
"""
TABLES = """
CREATE TABLE Users (Id INTEGER PRIMARY KEY AUTOINCREMENT, Login VARCHAR(50) UNIQUE, DisplayName VARCHAR(50),
    ManagerId INTEGER REFERENCES Users(Id));
CREATE TABLE Groups (Id INTEGER PRIMARY KEY AUTOINCREMENT, Name VARCHAR(50) UNIQUE);
CREATE TABLE GroupMembers (GroupId INTEGER NOT NULL REFERENCES Groups(Id), UserId INTEGER NOT NULL REFERENCES Users(Id),
    PRIMARY KEY (GroupId, UserId));
CREATE INDEX ByUser ON GroupMembers (UserId);
"""


def logins() -> list[str]:
    return [f"u{number:05}" for number in range(PEOPLE)]


@dataclass
class SqlOffice:
    """People, groups and memberships in three tables."""

    path: Path
    form: str = SQL + REST.replace("{members}", "Members")

    def __post_init__(self) -> None:
        with closing(self._open()) as connection, connection:
            connection.executescript(TABLES)
            connection.executemany("INSERT INTO Users (Login) VALUES (?)", [(login,) for login in logins()])

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self.path}.db", timeout=20)

    def members(self, group: str) -> list[str]:
        statement = """SELECT u.Login FROM GroupMembers m JOIN Groups g ON g.Id = m.GroupId
            JOIN Users u ON u.Id = m.UserId WHERE g.Name = ? ORDER BY u.Login"""
        with closing(self._open()) as connection:
            return [login for (login,) in connection.execute(statement, (group,))]

    def state(self) -> object:
        return Path(f"{self.path}.db").stat().st_mtime_ns


@dataclass
class CsvOffice:
    """The same in three files."""

    path: Path
    form: str = CSV + REST.replace("{members}", "members")

    def __post_init__(self) -> None:
        people = "".join(f"{login},,\n" for login in logins())
        Path(f"{self.path}.users.csv").write_text(f"Login,DisplayName,ManagerId\n{people}")
        Path(f"{self.path}.groups.csv").write_text("Name\n")
        Path(f"{self.path}.members.csv").write_text("group,member\n")

    def members(self, group: str) -> list[str]:
        with Path(f"{self.path}.members.csv").open(newline="") as file:
            return sorted(row["member"] for row in csv.DictReader(file) if row["group"] == group)

    def state(self) -> object:
        return [Path(f"{self.path}.{name}.csv").stat().st_mtime_ns for name in ("users", "groups", "members")]


@dataclass
class Offices:
    """A host that can be held, with a connector for each kind of target."""

    home: Any
    start: Callable[[], Any]
    targets: dict[str, Any] = field(default_factory=dict)
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    host: Any = None

    def client(self, kind: str) -> Client:
        found: Client = self.host.client(kind)
        return found

    def learn(self, kind: str) -> None:
        """Remembers everybody's id."""
        client = self.client(kind)
        self.ids[kind] = {
            one["userName"]: one["id"]
            for start in range(1, PEOPLE + 1, 1000)
            for one in client.get(f"/Users?startIndex={start}&count=1000&attributes=userName").resources
        }


@pytest.fixture(scope="module")
def offices(make_home: Any, launch_host: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    home = make_home(tmp_path_factory.mktemp("groups") / "home")
    found = Offices(home, partial(launch_host, home, holds=True))
    for kind, office in (("sql", SqlOffice), ("csv", CsvOffice)):
        found.targets[kind] = office(home.path / kind)
        text = found.targets[kind].form.format(path=home.path / kind)
        home.connector(kind, f'[properties]\ninstance = "{uuid.uuid4()}"{text}')
    found.host = found.start()
    for kind in found.targets:
        found.learn(kind)
    yield found
    found.host.kill()


def created(client: Client, name: str, *ids: str) -> str:
    answer = client.request(
        "POST",
        "/Groups",
        {
            "schemas": [
                "urn:ietf:params:scim:schemas:core:2.0:Group",
                "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group",
            ],
            "displayName": name,
            "members": [{"value": one} for one in ids],
            "meta": {"resourceType": "Group"},
        },
    )
    assert answer.status == 201, answer
    return str(answer.json["id"])


def patched(client: Client, group: str, *operations: dict[str, Any]) -> Any:
    return client.request("PATCH", f"/Groups/{group}", {"schemas": [PATCH_OP], "Operations": list(operations)})


def add(*ids: str) -> dict[str, Any]:
    return {"op": "Add", "path": "members", "value": [{"$ref": None, "value": one} for one in ids]}


def drop(*ids: str) -> dict[str, Any]:
    return {"op": "Remove", "path": "members", "value": [{"value": one} for one in ids]}


def shown(client: Client, group: str) -> set[str]:
    return {one["value"] for one in client.get(f"/Groups/{group}").json["members"]}


def test_patches_of_1_1000_and_15000_members_over_several_connections_end_in_exactly_the_intended_set(
    offices: Offices, kind: str, record_testsuite_property: Any
) -> None:
    ids, target = offices.ids[kind], offices.targets[kind]
    names = sorted(ids)
    many, some, single, before = names[:15_000], names[14_500:15_500], names[15_500:15_520], names[15_520:15_620]
    gone = before[:60]
    group = created(offices.client(kind), "everybody", *(ids[one] for one in before))
    assert target.members("everybody") == before

    def of(members: list[str]) -> list[str]:
        return [ids[one] for one in members]

    sequences = [
        [add(*of(many))],
        [add(*of(some)), add(*of(some))],
        [add(*of(some[:500])), drop(*of(gone)), add(*of(some[500:]))],
        [operation for one in single for operation in (add(ids[one]), add(ids[one]))],
        [{"op": "remove", "path": f'members[value eq "{ids[one]}"]'} for one in gone[:10]],
        [drop(*of(gone)), drop(*of(gone))],
    ]

    def send(client: Client, operations: list[dict[str, Any]]) -> list[int]:
        return [patched(client, group, operation).status for operation in operations]

    clients = [offices.client(kind) for _ in sequences]
    answers = together([partial(send, *pair) for pair in zip(clients, sequences, strict=True)])
    assert {status for part in answers for status in part} == {204}
    intended = sorted({*many, *some, *single, *before} - {*gone})
    assert target.members("everybody") == intended
    assert shown(clients[0], group) == {*of(intended)}

    other = created(clients[0], "the same again")
    begun = time.monotonic()
    assert patched(clients[0], other, *sequences[0]).status == 204
    record_testsuite_property(f"{kind}_seconds_for_15000_members", round(time.monotonic() - begun, 1))
    assert target.members("the same again") == many

    state = target.state()
    for client, operations in zip(clients, sequences, strict=True):
        assert set(send(client, operations)) == {204}
    assert (target.state(), target.members("everybody")) == (state, intended)

    member = clients[0].get(f"/Users/{ids[single[0]]}").json
    assert [(one["value"], one["display"], one["type"]) for one in member["groups"]] == [(group, "everybody", "direct")]
    projected = clients[0].get(f"/Groups/{group}?excludedAttributes=members").json
    assert "members" not in projected
    assert clients[0].delete(ids[many[0]]).status == 204
    assert target.members("everybody") == intended[1:]
    assert ids.pop(many[0]) not in shown(clients[0], group)


def test_a_group_patch_answers_204_or_what_it_is_asked_for(offices: Offices, kind: str) -> None:
    client, (one, other, *_) = offices.client(kind), offices.ids[kind].values()
    group = created(client, "answers")
    assert client.get(f"/Groups/{group}").json["members"] == []
    quiet = patched(client, group, add(one, other))
    assert (quiet.status, quiet.body) == (204, b"")
    body = {"schemas": [PATCH_OP], "Operations": [drop(other)]}
    asked = client.request("PATCH", f"/Groups/{group}?attributes=members", body)
    assert (asked.status, [member["value"] for member in asked.json["members"]]) == (200, [one])
    unknown = patched(client, group, add("00000000-0000-0000-0000-000000000000"))
    assert (unknown.status, unknown.json["scimType"]) == (400, "invalidValue")
    assert "00000000-0000-0000-0000-000000000000" in unknown.json["detail"]
    again = client.request("POST", "/Groups", {"displayName": "ANSWERS"})
    assert (again.status, again.json["scimType"]) == (409, "uniqueness")
    assert client.request("DELETE", f"/Groups/{group}").status == 204
    assert client.get(f"/Groups/{group}").status == 404


def test_a_manager_is_a_person_by_id(offices: Offices, kind: str) -> None:
    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    client, (one, other, *_) = offices.client(kind), offices.ids[kind].values()
    changed = client.patch(one, {"op": "Add", "path": f"{urn}:manager", "value": other})
    assert changed.json[urn]["manager"]["value"] == other
    assert changed.json[urn]["manager"]["$ref"].endswith(f"/ecma2host_{kind}/scim/Users/{other}")
    state = offices.targets[kind].state()
    again = client.patch(one, {"op": "Replace", "path": f"{urn}:manager", "value": {"value": other}})
    assert (again.version, offices.targets[kind].state()) == (changed.version, state)
    assert urn not in client.patch(one, {"op": "Remove", "path": f"{urn}:manager"}).json


@pytest.mark.parametrize("point", ["journal", "target"])
def test_a_patch_of_members_that_is_killed_is_recovered(
    offices: Offices, kind: str, point: str, eventually: Any
) -> None:
    ids, target = offices.ids[kind], offices.targets[kind]
    names = sorted(ids)[1:1200]
    name = f"killed at the {point}"
    group = created(offices.client(kind), name, *(ids[one] for one in names[:200]))
    operation = [add(*(ids[one] for one in names[100:])), drop(*(ids[one] for one in names[:50]))]
    hold = offices.home.path / f"hold.{point}"
    hold.touch()

    def lose(client: Client) -> None:
        with suppress(OSError):
            patched(client, group, *operation)

    with ThreadPoolExecutor(1) as threads:
        lost = threads.submit(lose, offices.client(kind))
        assert eventually(lambda: list(offices.home.path.glob(f"held.{point}.*"))), offices.host.trouble()
        held = next(offices.home.path.glob(f"held.{point}.*"))
        os.kill(int(held.name.split(".")[2]), signal.SIGKILL)
        offices.host.kill()
        hold.unlink()
        with suppress(Exception):  # the line was cut
            lost.result(30)
    for left in offices.home.path.glob("held.*"):
        left.unlink()
    offices.host = offices.start()
    assert eventually(lambda: offices.host.open_entries() == 0, 20), offices.host.trouble()
    client = offices.client(kind)
    applied = names[50:] if point == "target" else names[:200]
    assert target.members(name) == applied
    assert shown(client, group) == {ids[one] for one in applied}
    assert patched(client, group, *operation).status == 204
    assert target.members(name) == names[50:]
    assert shown(client, group) == {ids[one] for one in names[50:]}
