"""A client that reads, compares as text and patches what differs has nothing to do from its second cycle on.

The target is a table of PostgreSQL with columns that show a value in another form than it was sent in. Triggers count
what is written.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ecmahost_host_kit.clients import PATCH_OP, Client
from ecmahost_host_kit.homes import HomeDirectory
from ecmahost_host_kit.hosts import RunningHost, launch

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CONTOSO = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"
TABLES = """
CREATE TABLE staff (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, login varchar(100) NOT NULL, name varchar(100), hired date,
    seen timestamp with time zone, salary numeric(10, 2), rate numeric, level smallint, flag boolean, badge char(10),
    guid uuid, phone char(24), enabled boolean DEFAULT true, manager bigint REFERENCES staff
);
CREATE TABLE teams (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name char(20) NOT NULL);
CREATE TABLE team_members (
    team bigint NOT NULL REFERENCES teams, person bigint NOT NULL REFERENCES staff, PRIMARY KEY (team, person)
);
CREATE TABLE counted (place text);
CREATE FUNCTION count_it() RETURNS trigger AS $$
    BEGIN INSERT INTO counted VALUES (TG_TABLE_NAME); RETURN NULL; END
$$ LANGUAGE plpgsql;
CREATE TRIGGER counts AFTER INSERT OR UPDATE OR DELETE ON staff FOR EACH ROW EXECUTE FUNCTION count_it();
CREATE TRIGGER counts AFTER INSERT OR UPDATE OR DELETE ON teams FOR EACH ROW EXECUTE FUNCTION count_it();
CREATE TRIGGER counts AFTER INSERT OR UPDATE OR DELETE ON team_members FOR EACH ROW EXECUTE FUNCTION count_it();
"""
CONNECTOR = """
[properties]
instance = "{instance}"
type = "sql"
[connectivity]
connection_string = {{ file = "{file}" }}
value_tables = "teams.members = team_members(team, person) references staff"
[run_profiles]
full_import = {{}}
[object_types.User]
target = "staff"
anchor = "id"
anchor_immutable = true
query_attributes = ["login"]
attributes.manager = {{ type = "Reference", references = "staff" }}
[schema_mapping.User]
userName = "login"
displayName = "name"
'phoneNumbers[type eq "work"].value' = "phone"
"{contoso}:Hired" = "hired"
"{contoso}:Seen" = "seen"
"{contoso}:Salary" = "salary"
"{contoso}:Rate" = "rate"
"{contoso}:Level" = "level"
"{contoso}:Flag" = "flag"
"{contoso}:Badge" = "badge"
"{contoso}:Guid" = "guid"
"{enterprise}:manager" = "manager"
[deprovisioning.User]
disable = {{ set = "enabled" }}
delete = "delete"
[object_types.Group]
target = "teams"
anchor = "id"
anchor_immutable = true
query_attributes = ["name"]
[schema_mapping.Group]
displayName = "name"
members = "members"
[deprovisioning.Group]
delete = "delete"
"""
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
SOURCE: dict[str, dict[str, str]] = {
    "ann": {
        "displayName": "Ann  Lee", 'phoneNumbers[type eq "work"].value': "+1 555 0100", "Hired": "2026-01-31",
        "Seen": "2026-01-31T08:00:00.1234567Z", "Salary": "01.5", "Rate": ".25", "Level": "007", "Flag": "True",
        "Badge": "abc", "Guid": GUID.upper(), "active": "True",
    },
    "bob": {
        "displayName": "Bob ", 'phoneNumbers[type eq "work"].value': "5   ", "Hired": "2026-01-31T00:00:00Z",
        "Seen": "2026-01-31T09:00:00+01:00", "Salary": "1000", "Rate": "2.50e-1", "Level": "+7", "Flag": "0",
        "Badge": "abc   ", "Guid": f"{{{GUID}}}", "active": "False",
    },
    "cid": {
        "displayName": "7", "Hired": "2026-01-31T00:00:00.0000000Z", "Seen": "2026-07-31", "Salary": "-0.10",
        "Rate": "1E3", "Level": "-1", "Flag": "false", "Badge": "1234567890", "Guid": GUID.replace("-", ""),
        "active": "True",
    },
}  # fmt: skip
"""What the directory has of each person, as the texts that it sends; bob and cid have an account already."""

MANAGERS = {"ann": "bob", "cid": "ann"}
MEMBERS = {"Day": ["ann", "bob"], "Night": ["cid"], "Nobody": []}
"""Night is there already, with bob in it."""

THERE = """
INSERT INTO staff (login, name, hired, seen, salary, rate, level, flag, badge, guid, phone, enabled) VALUES
    ('bob', 'Bob', '2026-01-31', '2026-01-31 08:00:00Z', 1000, 0.25, 7, false, 'abc', '{guid}', '5', false),
    ('CID', '7', '2020-01-01', NULL, 5, NULL, NULL, NULL, '1', NULL, NULL, NULL);
INSERT INTO teams (name) VALUES ('Night');
INSERT INTO team_members SELECT teams.id, staff.id FROM teams, staff WHERE login = 'bob';
"""


@dataclass
class Database:
    """The target, and how often it was written to."""

    server: Any
    name: str = ""

    def __post_init__(self) -> None:
        self.name = self.server.fresh_database()
        self.execute(TABLES)
        self.execute(THERE.format(guid=GUID))

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(self.server.connect(self.name)) as connection:
            cursor = connection.execute(sql)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def written(self) -> list[tuple[Any, ...]]:
        """Changes with every row that is written, be it with what was there already."""
        tables = [
            name for (name,) in self.execute("SELECT DISTINCT event_object_table FROM information_schema.triggers")
        ]
        versions = [
            (name, *row) for name in sorted(tables) for row in self.execute(f"SELECT xmin::text, * FROM {name}")
        ]
        return [*self.execute("SELECT place, count(*) FROM counted GROUP BY place ORDER BY place"), *versions]


@dataclass
class Directory:
    """A client such as Entra: it knows nothing but what it sent, what it reads, and how to compare texts."""

    client: Client
    ids: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    def cycle(self) -> int:
        """Brings every person to what the directory has; returns how many writes that took."""
        self.sent = 0
        for login, wanted in SOURCE.items():
            self._person(login, wanted)
        for login, manager in MANAGERS.items():
            shown = self.client.user(self.ids[login]).json.get(ENTERPRISE, {}).get("manager", {}).get("value")
            if shown != self.ids[manager]:
                self._patched("Users", login, "Add", f"{ENTERPRISE}:manager", self.ids[manager])
        for name, members in MEMBERS.items():
            self._group(name, members)
        return self.sent

    def _group(self, name: str, members: list[str]) -> None:
        """As Entra does: the group without its members, then who is missing and who is too many."""
        if name not in self.ids:
            found = self.client.get(
                f"/Groups?excludedAttributes=members&filter=displayName%20eq%20%22{name}%22"
            ).resources
            if not found:
                self.sent += 1
                made = self.client.request("POST", "/Groups", {"displayName": name})
                assert made.status == 201, made.json
                found = [made.json]
            self.ids[name] = found[0]["id"]
        shown = self.client.get(f"/Groups/{self.ids[name]}").json
        if shown["displayName"] != name:
            self._patched("Groups", name, "Replace", "displayName", name)
        there = {one["value"] for one in shown.get("members", ())}
        wanted = {self.ids[login] for login in members}
        for op, ids in (("Add", wanted - there), ("Remove", there - wanted)):
            if ids:
                self._patched("Groups", name, op, "members", [{"$ref": None, "value": one} for one in sorted(ids)])

    def _patched(self, endpoint: str, name: str, op: str, path: str, value: Any) -> None:
        self.sent += 1
        body = {"schemas": [PATCH_OP], "Operations": [{"op": op, "path": path, "value": value}]}
        answer = self.client.request("PATCH", f"/{endpoint}/{self.ids[name]}", body)
        assert answer.status in (200, 204), answer.json

    def _person(self, login: str, wanted: Mapping[str, str]) -> None:
        if login not in self.ids:
            found = self.client.matched(login)
            if not found:
                self.sent += 1
                self.ids[login] = self.client.created(self._new(login, wanted))
                return
            self.ids[login] = found[0]["id"]
        shown = self.client.user(self.ids[login]).json
        operations = [
            {"op": "Replace", "path": _path(name), "value": value}
            for name, value in {"userName": login, **wanted}.items()
            if _read(shown, name) != value
        ]
        if operations:
            self.sent += 1
            answer = self.client.patch(self.ids[login], *operations)
            assert answer.status == 200, answer.json

    @staticmethod
    def _new(login: str, wanted: Mapping[str, str]) -> dict[str, Any]:
        resource: dict[str, Any] = {"userName": login, CONTOSO: {}}
        for name, value in wanted.items():
            if name.startswith("phoneNumbers"):
                resource["phoneNumbers"] = [{"type": "work", "value": value}]
            elif name in ("displayName", "active"):
                resource[name] = value
            else:
                resource[CONTOSO][name] = value
        return resource


def _path(name: str) -> str:
    return name if name in ("userName", "displayName", "active") or "[" in name else f"{CONTOSO}:{name}"


def _read(shown: Mapping[str, Any], name: str) -> str | None:
    """The text of a value of a resource, as a client compares it."""
    if name.startswith("phoneNumbers"):
        found = next((one["value"] for one in shown.get("phoneNumbers", ()) if one["type"] == "work"), None)
    else:
        found = shown.get(name, shown.get(CONTOSO, {}).get(name))
    return found if found is None or isinstance(found, str) else str(found)


@dataclass(frozen=True)
class Estate:
    host: RunningHost
    database: Database

    def imported(self) -> None:
        done = self.host.home.command("import", "hr")
        assert done.returncode == 0, done.stderr


@pytest.fixture
def estate(make_home: Callable[[Path], HomeDirectory], postgresql: Any, tmp_path: Path) -> Iterator[Estate]:
    home = make_home(tmp_path / "home")
    database = Database(postgresql)
    (home.path / "connection").write_text(postgresql.connection_string(database.name))
    text = CONNECTOR.format(
        instance=uuid.uuid4(), file=home.path / "connection", contoso=CONTOSO, enterprise=ENTERPRISE
    )
    home.connector("hr", text)
    host = launch(home)
    try:
        yield Estate(host, database)
    finally:
        host.kill()


def test_three_cycles_of_a_client_that_compares_texts_write_in_the_first_only(estate: Estate) -> None:
    directory = Directory(estate.host.client("hr"))
    # Three are created, two people changed, two managers set, members added twice and removed once.
    assert directory.cycle() == 10
    assert estate.database.execute(
        "SELECT p.login, m.login FROM staff p LEFT JOIN staff m ON m.id = p.manager ORDER BY p.login"
    ) == [("ann", "bob"), ("bob", None), ("cid", "ann")]
    assert estate.database.execute(
        "SELECT trim(t.name), p.login FROM team_members JOIN teams t ON t.id = team JOIN staff p ON p.id = person"
        " ORDER BY 1, 2"
    ) == [("Day", "ann"), ("Day", "bob"), ("Night", "cid")]
    written = estate.database.written()
    for _ in range(2):
        estate.imported()
        assert directory.cycle() == 0
        assert estate.database.written() == written


def test_what_somebody_else_changes_is_put_right_once(estate: Estate) -> None:
    directory = Directory(estate.host.client("hr"))
    directory.cycle()
    estate.database.execute("UPDATE staff SET salary = 2, badge = 'xyz' WHERE login = 'ann'")
    estate.imported()
    assert directory.cycle() == 1
    assert estate.database.execute("SELECT salary::text, badge FROM staff WHERE login = 'ann'") == [
        ("1.50", "abc       ")
    ]
    written = estate.database.written()
    estate.imported()
    assert directory.cycle() == 0
    assert estate.database.written() == written


def test_what_is_sent_a_second_time_reaches_no_row(estate: Estate) -> None:
    client = estate.host.client("hr")
    directory = Directory(client)
    directory.cycle()
    written = estate.database.written()
    for login, wanted in SOURCE.items():
        object_id = directory.ids[login]
        seen = client.user(object_id).json
        operations = [{"op": "Replace", "path": _path(name), "value": value} for name, value in wanted.items()]
        without_path = {"op": "Add", "value": {_path(name): value for name, value in wanted.items() if "[" not in name}}
        for answer in (
            client.patch(object_id, *operations),
            client.patch(object_id, without_path),
            client.put(object_id, seen),
            client.put(object_id, {**seen, "active": str(seen["active"]), "meta": None}),
        ):
            assert (answer.status, answer.json) == (200, seen)
        assert client.create({"userName": login, "displayName": "Another"}).status == 409
    for name, members in MEMBERS.items():
        group = f"/Groups/{directory.ids[name]}"
        seen = client.get(group).json
        values = [{"value": directory.ids[login]} for login in members]
        for operation in (
            {"op": "Add", "path": "members", "value": values},
            {"op": "Replace", "path": "members", "value": values},
            {"op": "Add", "value": {"members": values, "displayName": name}},
            {"op": "Remove", "path": "members", "value": [{"value": str(uuid.uuid4())}]},
        ):
            answer = client.request("PATCH", group, {"schemas": [PATCH_OP], "Operations": [operation]})
            assert answer.status == 204, answer.json
        assert client.request("PUT", group, seen).json == seen
        assert client.request("PUT", group, {"displayName": name, "members": values}).json == seen
        assert client.request("POST", "/Groups", {"displayName": name, "members": values}).status == 409
    assert estate.database.written() == written


def test_another_form_of_the_same_values_reaches_no_row(estate: Estate) -> None:
    directory = Directory(estate.host.client("hr"))
    directory.cycle()
    written = estate.database.written()
    forms = {
        "Hired": "2026-01-31T00:00:00Z", "Seen": "2026-01-31T09:00:00.123456+01:00", "Salary": "1.5000", "Rate": "0.25",
        "Level": 7, "Flag": True, "Badge": "abc       ", "Guid": f"{{{GUID}}}",
        'phoneNumbers[type eq "work"].value': "+1 555 0100  ",
    }  # fmt: skip
    operations = [{"op": "Replace", "path": _path(name), "value": value} for name, value in forms.items()]
    answer = directory.client.patch(directory.ids["ann"], *operations)
    assert answer.status == 200, answer.json
    assert {name: answer.json[CONTOSO][name] for name in forms if "[" not in name} == {
        name: value for name, value in forms.items() if "[" not in name
    }
    assert estate.database.written() == written
