"""The protocol around users and groups together, over TLS, against a database: bulk requests, searches, versions."""

import sqlite3
import threading
import uuid
from contextlib import closing

import pytest

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
TABLES = """
CREATE TABLE Users (Id INTEGER PRIMARY KEY AUTOINCREMENT, Name TEXT UNIQUE, BossId INTEGER REFERENCES Users);
CREATE TABLE Teams (Id INTEGER PRIMARY KEY AUTOINCREMENT, Name TEXT UNIQUE);
CREATE TABLE UsersOfTeams (Team INTEGER REFERENCES Teams, Member INTEGER REFERENCES Users, PRIMARY KEY (Team, Member));
CREATE TABLE TeamsOfTeams (Team INTEGER REFERENCES Teams, Member INTEGER REFERENCES Teams, PRIMARY KEY (Team, Member));
"""
CONFIGURATION = '''
[properties]
instance = "{instance}"
type = "sql"
[connectivity]
url = "sqlite:///{database}"
value_tables = """
Teams.Users = UsersOfTeams(Team, Member) references Users
Teams.Teams = TeamsOfTeams(Team, Member) references Teams
"""
[run_profiles]
full_import = {{}}
[object_types.User]
target = "Users"
anchor = "Id"
anchor_immutable = true
query_attributes = ["Name"]
attributes.BossId = {{ type = "Reference", references = "Users" }}
[schema_mapping.User]
userName = "Name"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager" = "BossId"
[deprovisioning.User]
delete = "delete"
[object_types.Group]
target = "Teams"
anchor = "Id"
anchor_immutable = true
query_attributes = ["Name"]
[schema_mapping.Group]
displayName = "Name"
'members[type eq "User"]' = "Users"
'members[type eq "Group"]' = "Teams"
[deprovisioning.Group]
delete = "delete"
'''
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


CONNECTORS = 7
"""One for each test, with a database of its own; they share a host, which takes its time to start."""


@pytest.fixture(scope="module")
def unused(make_home, launch_host, tmp_path_factory):
    home = make_home(tmp_path_factory.mktemp("groups") / "home")
    databases = {f"hr{number}": home.path / f"hr{number}.db" for number in range(CONNECTORS)}
    for name, path in databases.items():
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executescript(TABLES)
        home.connector(name, CONFIGURATION.format(instance=uuid.uuid4(), database=path))
    host = launch_host(home)
    try:
        yield [(host.client(name), path) for name, path in databases.items()]
    finally:
        host.kill()


@pytest.fixture
def place(unused):
    client, path = unused.pop()
    yield client, path
    client.close()


@pytest.fixture
def client(place):
    return place[0]


@pytest.fixture
def database(place):
    def members(table):
        kind = "Users" if table == "UsersOfTeams" else "Teams"
        with closing(sqlite3.connect(place[1])) as connection:
            return sorted(
                connection.execute(
                    f"SELECT t.Name, m.Name FROM {table} JOIN Teams t ON t.Id = Team JOIN {kind} m ON m.Id = Member"
                ).fetchall()
            )

    return members


def user(bulk_id, name, **more):
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"userName": name, **more}}


def group(bulk_id, name, *members):
    listed = [{"value": one, **({"type": "Group"} if one.startswith("bulkId:g") else {})} for one in members]
    data = {"displayName": name, "members": listed}
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data}


def bulk(client, *operations, **more):
    answer = client.request("POST", "/Bulk", {"schemas": [BULK], "Operations": list(operations), **more})
    assert answer.status == 200, answer
    return answer.json["Operations"]


def test_a_bulk_request_creates_people_and_groups_that_refer_to_each_other(client, database):
    results = bulk(
        client,
        group("g1", "all", "bulkId:g2", "bulkId:u1"),
        group("g2", "some", "bulkId:u1", "bulkId:u2", "bulkId:g1"),
        user("u1", "ann", **{ENTERPRISE: {"manager": {"value": "bulkId:u2"}}}),
        user("u2", "ben"),
        {
            "method": "PATCH",
            "path": "/Groups/bulkId:g1",
            "data": {"Operations": [{"op": "add", "path": "members", "value": [{"value": "bulkId:u2"}]}]},
        },
    )
    assert [result["status"] for result in results] == ["201", "201", "201", "201", "204"], results
    assert database("UsersOfTeams") == [("all", "ann"), ("all", "ben"), ("some", "ann"), ("some", "ben")]
    assert database("TeamsOfTeams") == [("all", "some"), ("some", "all")]
    ann = client.request("GET", "/Users?filter=userName%20eq%20%22ann%22").resources[0]
    assert results[2]["location"].endswith(f"/Users/{ann['id']}")
    assert results[3]["location"].endswith(f"/Users/{ann[ENTERPRISE]['manager']['value']}")
    assert {one["display"] for one in ann["groups"]} == {"all", "some"}
    for result in results[1:]:
        path = result["location"].partition("/scim")[2]
        assert client.request("GET", path, headers={"If-None-Match": result["version"]}).status == 304


def test_two_people_can_be_each_others_manager_from_the_beginning(client, database):
    def boss(name):
        return {ENTERPRISE: {"manager": {"value": f"bulkId:{name}"}}}

    results = bulk(client, user("a", "ann", **boss("b")), user("b", "ben", **boss("a")), user("c", "cid", **boss("c")))
    assert [result["status"] for result in results] == ["201"] * 3, results
    found = {one["userName"]: one for one in client.request("GET", "/Users").resources}
    in_order = ("ann", "ben", "cid")
    managers = {name: one[ENTERPRISE]["manager"]["value"] for name, one in found.items()}
    assert managers == {"ann": found["ben"]["id"], "ben": found["ann"]["id"], "cid": found["cid"]["id"]}
    assert [result["version"] for result in results] == [found[name]["meta"]["version"] for name in in_order]


def test_a_member_that_was_not_created_stops_its_group_and_nobody_else(client, database):
    bulk(client, user("u", "ann"))
    others = group("h", "none"), group("k", "x", "nobody")
    results = bulk(client, group("g", "all", "bulkId:u"), user("u", "ann"), *others)
    assert [result["status"] for result in results] == ["409", "409", "201", "400"]
    assert database("UsersOfTeams") == []


def test_of_a_circle_whose_end_fails_the_beginning_says_what_it_lacks(client, database):
    bulk(client, group("g", "taken"))
    results = bulk(client, group("g1", "taken", "bulkId:g2"), group("g2", "fresh", "bulkId:g1"))
    assert [result["status"] for result in results] == ["409", "409"]
    assert results[1]["location"]
    assert results[1]["response"]["detail"].startswith("Created, but without its references to g1")
    assert client.request("GET", results[1]["location"].partition("/scim")[2]).json["displayName"] == "fresh"


def test_the_root_is_searched_over_all_types(client, database):
    bulk(client, *(user(f"u{n}", f"user{n}") for n in range(5)), *(group(f"g{n}", f"group{n}") for n in range(4)))

    def names(body):
        return [one.get("userName") or one.get("displayName") for one in body["Resources"]]

    everybody = [f"user{n}" for n in range(5)] + [f"group{n}" for n in range(4)]
    body = client.request("GET", "?startIndex=4&count=3&attributes=userName,displayName").json
    assert (body["totalResults"], names(body)) == (9, everybody[3:6])
    assert set(body["Resources"][0]) == {"schemas", "id", "userName"}
    assert set(body["Resources"][2]) == {"schemas", "id", "displayName"}
    for kind, count in (("User", 5), ("Group", 4)):
        asked = {"filter": f'meta.resourceType eq "{kind}"', "count": 0}
        assert client.request("POST", "/.search", asked).json["totalResults"] == count
    seen, cursor = [], ""
    while cursor is not None:
        body = client.request("POST", "/.search", {"cursor": cursor, "count": 2}).json
        seen += names(body)
        cursor = body.get("nextCursor")
    assert seen == everybody
    body = client.request("POST", "/Groups/.search", {"sortBy": "displayName", "sortOrder": "descending"}).json
    assert names(body) == ["group3", "group2", "group1", "group0"]
    # Exactly full pages, with nothing behind the last type, have no next cursor.
    assert "nextCursor" not in client.request("POST", "/.search", {"cursor": "", "count": 9}).json
    assert client.request("POST", "/.search", {"filter": 'userName eq "user3"'}).json["totalResults"] == 1


def test_of_many_who_change_a_group_at_one_version_one_comes_through(client, database):
    bulk(client, group("g", "all"), *(user(f"u{n}", f"user{n}") for n in range(8)))
    found = client.request("GET", "/Groups").resources[0]
    people = client.request("GET", "/Users").resources
    answers = []

    def add(person, own):
        body = {"Operations": [{"op": "add", "path": "members", "value": [{"value": person["id"]}]}]}
        headers = {"If-Match": found["meta"]["version"]}
        answers.append(own.request("PATCH", f"/Groups/{found['id']}", body, headers).status)

    clients = [type(client)(client.port, client.connector, client.token, client._context) for _ in people]
    threads = [threading.Thread(target=add, args=pair) for pair in zip(people, clients, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in clients:
        one.close()
    assert sorted(answers) == [204] + [412] * 7
    assert len(database("UsersOfTeams")) == 1


def test_a_group_is_patched_204_or_200_with_what_was_asked_for(client, database):
    bulk(client, group("g", "all", "bulkId:u"), user("u", "ann"))
    found = client.request("GET", "/Groups").resources[0]
    path = f"/Groups/{found['id']}"
    rename = {"Operations": [{"op": "replace", "path": "displayName", "value": "new"}]}
    answer = client.request("PATCH", path, rename)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["ETag"] == client.request("GET", path).version != found["meta"]["version"]
    answer = client.request("PATCH", f"{path}?excludedAttributes=members", rename)
    assert (answer.status, answer.json["displayName"], "members" in answer.json) == (200, "new", False)
    answer = client.request("PATCH", f"{path}?attributes=members", rename)
    assert [set(one) for one in answer.json["members"]] == [{"value", "$ref", "type"}]
    assert set(answer.json) == {"schemas", "id", "members"}
