"""Resource types of the administrator's own over TLS, against databases: devices and departments beside people."""

import sqlite3
import uuid
from contextlib import closing

import pytest

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
DEVICE = "urn:example:params:scim:schemas:Device"
DEPARTMENT = "urn:example:params:scim:schemas:Department"
WARRANTY = "urn:example:params:scim:schemas:extension:Warranty"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
TABLES = """
CREATE TABLE "Departments" (
  "Id" {key}, "Name" VARCHAR(80) NOT NULL UNIQUE, "ParentId" INTEGER REFERENCES "Departments" ("Id"));
CREATE TABLE "Users" (
  "Id" {key}, "Name" VARCHAR(80) NOT NULL UNIQUE, "DepartmentId" INTEGER REFERENCES "Departments" ("Id"));
CREATE TABLE "Devices" (
  "Id" {key}, "Serial" VARCHAR(80) NOT NULL UNIQUE, "Vendor" VARCHAR(80), "Model" VARCHAR(80), "Ports" INTEGER,
  "Loaned" BOOLEAN, "Until" VARCHAR(80), "OwnerId" INTEGER REFERENCES "Users" ("Id"));
CREATE TABLE "DeviceUsers" ("Device" INTEGER REFERENCES "Devices" ("Id"), "Person" INTEGER REFERENCES "Users" ("Id"),
  PRIMARY KEY ("Device", "Person"));
"""
CONFIGURATION = """
[properties]
instance = "{instance}"
type = "sql"
[connectivity]
{connectivity}
value_tables = "Devices.Users = DeviceUsers(Device, Person) references Users"
[run_profiles]
full_import = {{}}
[object_types.User]
target = "Users"
anchor = "Id"
anchor_immutable = true
query_attributes = ["Name"]
attributes.DepartmentId = {{ type = "Reference", references = "Department" }}
[schema_mapping.User]
userName = "Name"
"urn:example:User:department" = "DepartmentId"
[deprovisioning.User]
delete = "delete"
[object_types.Device]
schema = "urn:example:params:scim:schemas:Device"
description = "What is lent to people."
target = "Devices"
anchor = "Id"
anchor_immutable = true
query_attributes = ["Serial"]
attributes.OwnerId = {{ type = "Reference", references = "Users" }}
[schema_mapping.Device]
serialNumber = "Serial"
"model.vendor" = "Vendor"
"model.name" = "Model"
ports = "Ports"
active = "Loaned"
owner = "OwnerId"
users = "Users"
"urn:example:params:scim:schemas:extension:Warranty:until" = "Until"
[deprovisioning.Device]
delete = "delete"
[object_types.Department]
endpoint = "/OrgUnits"
schema = "urn:example:params:scim:schemas:Department"
target = "Departments"
anchor = "Id"
anchor_immutable = true
query_attributes = ["Name"]
attributes.ParentId = {{ type = "Reference", references = "Department" }}
[schema_mapping.Department]
displayName = "Name"
"urn:example:params:scim:schemas:Department:parent" = "ParentId"
[deprovisioning.Department]
delete = "delete"
"""


class Place:
    """A connector, and the database behind it."""

    def __init__(self, client, connect):
        self.client, self._connect = client, connect

    def rows(self, statement):
        with closing(self._connect()) as connection:
            return [tuple(row) for row in connection.execute(statement).fetchall()]

    def created(self, endpoint, **resource):
        answer = self.client.request("POST", endpoint, resource)
        assert answer.status == 201, answer
        return answer.json

    def found(self, endpoint, text):
        answer = self.client.request("POST", f"{endpoint}/.search", {"filter": text})
        return [one["id"] for one in answer.resources]


@pytest.fixture(scope="module")
def places(make_home, launch_host, tmp_path_factory, server_of):
    home = make_home(tmp_path_factory.mktemp("types") / "home")
    server = server_of("postgresql")
    name = server.fresh_database()
    file = home.path / "assets.db"
    secret = home.path / "connection"
    secret.write_text(server.connection_string(name))
    connects = {"lite": lambda: sqlite3.connect(file), "postgres": lambda: server.connect(name)}
    keys = {
        "lite": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "postgres": "INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    }
    for one, connect in connects.items():
        with closing(connect()) as connection:
            for statement in TABLES.format(key=keys[one]).split(";"):
                if statement.strip():
                    connection.execute(statement)
            connection.commit()
    targets = {"lite": f'url = "sqlite:///{file}"', "postgres": f'connection_string = {{ file = "{secret}" }}'}
    for one, connectivity in targets.items():
        home.connector(one, CONFIGURATION.format(instance=uuid.uuid4(), connectivity=connectivity))
    host = launch_host(home)
    try:
        yield {one: Place(host.client(one), connect) for one, connect in connects.items()}
    finally:
        host.kill()


@pytest.fixture(params=["lite", "postgres"])
def place(request, places):
    return places[request.param]


@pytest.fixture
def client(place):
    return place.client


@pytest.fixture
def fresh():
    """A name that nothing has yet: the databases are shared by the tests."""
    return lambda: uuid.uuid4().hex[:12]


def test_it_is_discovered_with_what_its_mapping_names(client):
    types = {one["name"]: one for one in client.get("/ResourceTypes").resources}
    assert list(types) == ["User", "Device", "Department"]
    device = types["Device"]
    assert (device["endpoint"], device["schema"], device["description"]) == (
        "/Devices",
        DEVICE,
        "What is lent to people.",
    )
    assert device["schemaExtensions"] == [{"schema": WARRANTY, "required": False}]
    assert types["Department"]["endpoint"] == "/OrgUnits"
    assert client.get("/ResourceTypes/device").json == device
    schema = client.get(f"/Schemas/{DEVICE}").json
    attributes = {one["name"]: one for one in schema["attributes"]}
    assert {name: (one["type"], one["multiValued"]) for name, one in attributes.items()} == {
        "serialNumber": ("string", False),
        "model": ("complex", False),
        "ports": ("integer", False),
        "active": ("boolean", False),
        "owner": ("complex", False),
        "users": ("complex", True),
    }
    assert (attributes["serialNumber"]["required"], attributes["serialNumber"]["uniqueness"]) == (True, "server")
    assert [one["name"] for one in attributes["model"]["subAttributes"]] == ["vendor", "name"]
    users = {one["name"]: one for one in attributes["users"]["subAttributes"]}
    assert (users["$ref"]["referenceTypes"], users["type"]["canonicalValues"]) == (["User"], ["User"])
    department = client.get("/Schemas/urn:example:User").json["attributes"][0]
    assert department["subAttributes"][1]["referenceTypes"] == ["Department"]


def test_it_lives_and_dies_like_any_resource(place, client, fresh):
    serial = fresh()
    body = {"schemas": [DEVICE], "serialNumber": serial, "model": {"vendor": "Acme", "name": "X1"}, "ports": 4}
    answer = client.request("POST", "/devices", {**body, WARRANTY: {"until": "2030"}, "userName": "nobody"})
    assert answer.status == 201, answer
    made = answer.json
    path = f"/Devices/{made['id']}"
    assert answer.headers["Location"].endswith(f"/scim{path}")
    assert made["meta"]["resourceType"] == "Device"
    assert made["schemas"] == [DEVICE, WARRANTY]
    assert "active" not in made
    assert "groups" not in made
    assert client.get(path).json == made
    assert client.get(path, **{"If-None-Match": made["meta"]["version"]}).status == 304
    assert client.request("POST", "/Devices", {"serialNumber": serial.upper()}).json["scimType"] == "uniqueness"

    operations = [
        {"op": "replace", "path": f"{DEVICE}:ports", "value": 8},
        {"op": "remove", "path": "model.name"},
        {"op": "add", "path": f"{WARRANTY}:until", "value": "2031"},
    ]
    answer = client.request("PATCH", path, {"Operations": operations}, {"If-Match": made["meta"]["version"]})
    assert answer.status == 200, answer
    assert (answer.json["ports"], answer.json["model"], answer.json[WARRANTY]) == (
        8,
        {"vendor": "Acme"},
        {"until": "2031"},
    )
    assert (
        client.request("PATCH", path, {"Operations": operations}, {"If-Match": made["meta"]["version"]}).status == 412
    )

    answer = client.request("PUT", path, {"serialNumber": serial, "model": {"name": "X2"}})
    assert answer.status == 200, answer
    assert {"ports", WARRANTY} & set(answer.json) == set()
    assert answer.json["model"] == {"name": "X2"}
    key = f'SELECT "Vendor", "Model", "Ports", "Until" FROM "Devices" WHERE "Serial" = \'{serial}\''
    assert place.rows(key) == [(None, "X2", None, None)]

    assert client.request("DELETE", path).status == 204
    assert client.request("DELETE", path).status == 404
    assert place.rows(key) == []


def test_it_is_searched_by_its_own_attributes_and_from_the_root(place, client, fresh):
    vendor = fresh()
    made = [place.created("/Devices", serialNumber=fresh(), model={"vendor": vendor}, ports=n)["id"] for n in range(3)]
    text = f'model.vendor eq "{vendor}"'
    assert place.found("/Devices", text) == made
    assert place.found("/Devices", f"{text} and ports ge 1") == made[1:]
    assert place.found("", f'{DEVICE}:{text} and meta.resourceType eq "device"') == made
    assert place.found("/OrgUnits", text) == []
    asked = {"filter": text, "sortBy": "ports", "sortOrder": "descending", "attributes": ["ports"], "count": 2}
    body = client.request("POST", "/Devices/.search", asked).json
    assert (body["totalResults"], [one["ports"] for one in body["Resources"]]) == (3, [2, 1])
    assert set(body["Resources"][0]) == {"schemas", "id", "ports"}
    assert client.get("/OrgUnits?count=0").json["totalResults"] == len(place.rows('SELECT 1 FROM "Departments"'))
    assert client.get("/Departments").status == 404
    assert "/OrgUnits" in client.get("/Departments").json["detail"]


def test_its_active_is_an_attribute_like_any_other(place, client, fresh):
    made = place.created("/Devices", serialNumber=fresh(), active=True)
    assert made["active"] is True
    path = f"/Devices/{made['id']}"
    answer = client.request("PUT", path, {"serialNumber": made["serialNumber"]})
    assert (answer.status, "active" in answer.json) == (200, False)
    department = place.created("/OrgUnits", displayName=fresh(), active=False)
    assert "active" not in department


def test_people_and_others_refer_to_each_other_by_id(place, client, fresh):
    parent = place.created("/OrgUnits", displayName=fresh())
    unit = place.created("/OrgUnits", displayName=fresh(), parent={"value": parent["id"]})
    ann, ben = (
        place.created("/Users", userName=fresh(), **{"urn:example:User": {"department": unit["id"]}}) for _ in "ab"
    )
    assert ann["urn:example:User"]["department"]["value"] == unit["id"]
    assert ann["urn:example:User"]["department"]["$ref"].endswith(f"/OrgUnits/{unit['id']}")
    assert "groups" not in ann
    device = place.created(
        "/Devices", serialNumber=fresh(), owner={"value": ann["id"]}, users=[{"value": ann["id"]}, {"value": ben["id"]}]
    )
    assert device["owner"]["$ref"].endswith(f"/Users/{ann['id']}")
    assert {(one["value"], one["type"]) for one in device["users"]} == {(ann["id"], "User"), (ben["id"], "User")}
    path = f"/Devices/{device['id']}"
    assert place.found("/Devices", f'users eq "{ben["id"]}"') == [device["id"]]
    assert place.found("/Devices", f'owner.value eq "{ann["id"]}"') == [device["id"]]
    assert place.found("/OrgUnits", f'parent eq "{parent["id"]}"') == [unit["id"]]
    assert place.found("/Users", f'urn:example:User:department.value eq "{unit["id"]}"') == [ann["id"], ben["id"]]

    operations = [{"op": "remove", "path": f'users[value eq "{ann["id"]}"]'}, {"op": "remove", "path": "owner"}]
    answer = client.request("PATCH", path, {"Operations": operations})
    assert (answer.status, [one["value"] for one in answer.json["users"]], "owner" in answer.json) == (
        200,
        [ben["id"]],
        False,
    )
    wrong = {"Operations": [{"op": "add", "path": "users", "value": [{"value": unit["id"]}]}]}
    answer = client.request("PATCH", path, wrong)
    assert (answer.status, unit["id"] in answer.json["detail"]) == (400, True)
    assert (
        client.request("PATCH", path, {"Operations": [{"op": "replace", "path": "users", "value": []}]}).json["users"]
        == []
    )


def test_a_bulk_request_creates_it_with_what_it_refers_to(place, client, fresh):
    names = [fresh() for _ in range(4)]
    operations = [
        {
            "method": "POST",
            "path": "/Devices",
            "bulkId": "d",
            "data": {"serialNumber": names[0], "owner": {"value": "bulkId:u"}, "users": [{"value": "bulkId:u"}]},
        },
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": "u",
            "data": {"userName": names[1], "urn:example:User": {"department": {"value": "bulkId:o"}}},
        },
        {
            "method": "POST",
            "path": "/orgunits",
            "bulkId": "o",
            "data": {"displayName": names[2], "parent": {"value": "bulkId:p"}},
        },
        {"method": "POST", "path": "/OrgUnits", "bulkId": "p", "data": {"displayName": names[3]}},
        {
            "method": "PATCH",
            "path": "/Devices/bulkId:d",
            "data": {"Operations": [{"op": "add", "path": "ports", "value": 2}]},
        },
    ]
    answer = client.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    results = answer.json["Operations"]
    assert [one["status"] for one in results] == ["201", "201", "201", "201", "200"], results
    assert place.rows(
        'SELECT d."Serial", d."Ports", u."Name", o."Name", p."Name" FROM "Devices" d'
        ' JOIN "Users" u ON u."Id" = d."OwnerId" JOIN "Departments" o ON o."Id" = u."DepartmentId"'
        f' JOIN "Departments" p ON p."Id" = o."ParentId" WHERE d."Serial" = \'{names[0]}\''
    ) == [(names[0], 2, names[1], names[2], names[3])]


def test_circles_across_types_are_closed(place, client, fresh):
    first, second = fresh(), fresh()
    operations = [
        {
            "method": "POST",
            "path": "/OrgUnits",
            "bulkId": bulk_id,
            "data": {"displayName": name, "parent": {"value": f"bulkId:{other}"}},
        }
        for bulk_id, name, other in (("a", first, "b"), ("b", second, "a"))
    ]
    answer = client.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    assert [one["status"] for one in answer.json["Operations"]] == ["201", "201"], answer
    for name in (first, second):
        (found,) = client.request("POST", "/OrgUnits/.search", {"filter": f'displayName eq "{name}"'}).resources
        other = client.get(f"/OrgUnits/{found['parent']['value']}").json
        assert (other["displayName"], other["parent"]["value"]) == (second if name == first else first, found["id"])


FILES = {
    "people.csv": "login,name,room\nann,Ann,r1\n",
    "devices.csv": "serial,owner,ports\nD1,ann,4\n",
    "rooms.csv": "number\nr1\n",
}
CSV = """
[properties]
instance = "{instance}"
type = "csv"
[connectivity]
file = "{folder}/people.csv"
further_files = '''
Device = {folder}/devices.csv
Room = {folder}/rooms.csv
'''
[run_profiles]
full_import = {{}}
[object_types.User]
target = "User"
anchor = "login"
attributes.room = {{ type = "Reference", references = "Room" }}
[schema_mapping.User]
userName = "login"
displayName = "name"
"urn:example:User:room" = "room"
[object_types.Device]
schema = "urn:example:params:scim:schemas:Device"
target = "Device"
anchor = "serial"
attributes.owner = {{ type = "Reference", references = "User" }}
attributes.ports = {{ type = "Integer" }}
[schema_mapping.Device]
serialNumber = "serial"
owner = "owner"
ports = "ports"
[deprovisioning.Device]
delete = "delete"
[object_types.Room]
schema = "urn:example:params:scim:schemas:Room"
target = "Room"
anchor = "number"
[schema_mapping.Room]
number = "number"
"""


def test_files_of_their_own_hold_them_for_the_csv_connector(home, start):
    for name, text in FILES.items():
        (home.path / name).write_text(text)
    home.connector("files", CSV.format(instance=uuid.uuid4(), folder=home.path))
    client = start(home).client("files")
    (ann,) = client.get("/Users").resources
    (room,) = client.get("/Rooms").resources
    (device,) = client.get("/Devices").resources
    assert (ann["urn:example:User"]["room"]["value"], room["number"]) == (room["id"], "r1")
    assert (device["serialNumber"], device["owner"]["value"], device["ports"]) == ("D1", ann["id"], 4)
    operations = [
        {
            "method": "POST",
            "path": "/Devices",
            "bulkId": "d",
            "data": {"serialNumber": "D2", "owner": {"value": "bulkId:u"}},
        },
        {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"userName": "ben", "displayName": "Ben"}},
        {
            "method": "PATCH",
            "path": f"/Devices/{device['id']}",
            "data": {"Operations": [{"op": "remove", "path": "owner"}]},
        },
    ]
    answer = client.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    assert [one["status"] for one in answer.json["Operations"]] == ["201", "201", "200"], answer
    assert (home.path / "devices.csv").read_text() == "serial,owner,ports\nD1,,4\nD2,ben,\n"
    assert client.request("DELETE", f"/Devices/{device['id']}").status == 204
    assert (home.path / "devices.csv").read_text() == "serial,owner,ports\nD2,ben,\n"
    client.close()


def test_it_is_explained_and_checked_like_any_type(home):
    database = home.path / "assets.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(TABLES.format(key="INTEGER PRIMARY KEY AUTOINCREMENT"))
    home.connector("lite", CONFIGURATION.format(instance=uuid.uuid4(), connectivity=f'url = "sqlite:///{database}"'))
    done = home.command("import", "lite")
    assert done.returncode == 0, done.stderr
    request = home.path / "request.json"
    request.write_text('{"method": "POST", "path": "/devices", "body": {"serialNumber": "D1", "active": true}}')
    done = home.command("explain", "lite", str(request))
    assert done.returncode == 0, done.stderr
    assert "INSERT INTO `Devices`" in done.stdout
    assert "201" in done.stdout
    done = home.command("check", "lite")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[schema_mapping.Device]" in done.stdout
    assert "userName is not mapped" not in done.stdout


LOOSE = """
[properties]
instance = "{instance}"
type = "sql"
[connectivity]
url = "sqlite:///{database}"
[run_profiles]
full_import = {{}}
[object_types.Device]
schema = "urn:example:params:scim:schemas:Device"
target = "Devices"
anchor = "Id"
attributes.Other = {{ type = "Reference" }}
[schema_mapping.Device]
serialNumber = "Serial"
other = "Other"
"""
ROOMS = """
[object_types.Room]
schema = "urn:example:params:scim:schemas:Room"
target = "Rooms"
anchor = "Id"
[schema_mapping.Room]
number = "Id"
"""


def test_what_is_of_a_type_that_is_configured_no_more_is_not_shown(home, start):
    database = home.path / "assets.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(
            "CREATE TABLE Devices (Id TEXT PRIMARY KEY, Serial TEXT, Other TEXT);"
            "CREATE TABLE Rooms (Id TEXT PRIMARY KEY);"
            "INSERT INTO Devices VALUES ('d', 'D1', 'r'); INSERT INTO Rooms VALUES ('r');"
        )
    text = LOOSE.format(instance=uuid.uuid4(), database=database)
    home.connector("loose", text + ROOMS)
    host = start(home)
    client = host.client("loose")
    (room,) = client.get("/Rooms").resources
    (device,) = client.get("/Devices").resources
    assert device["other"]["value"] == room["id"]
    client.close()
    host.kill()
    home.connector("loose", text)
    client = start(home).client("loose")
    (device,) = client.get("/Devices").resources
    assert "other" not in device
    assert client.request("POST", "/Devices/.search", {"filter": f'other eq "{room["id"]}"'}).resources == []
    assert client.get("/Rooms").status == 404
    client.close()
