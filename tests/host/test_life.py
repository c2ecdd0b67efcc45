"""A user's whole life, as Entra lives it, against a file and a table."""

from typing import Any

import pytest

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

DIALECTS = {
    "verbose": [
        {"op": "Replace", "path": "displayName", "value": "Countess Ada"},
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "ada@new.example"},
        {"op": "Replace", "path": "name.givenName", "value": "Augusta"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Analysis"},
        {"op": "Remove", "path": 'phoneNumbers[type eq "work"].value', "value": "+44 20 7946 0000"},
    ],
    "pathless": [
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "ada@new.example"},
        {"op": "remove", "path": 'phoneNumbers[type eq "work"].value'},
        {
            "op": "replace",
            "value": {
                "displayName": "Countess Ada",
                "name.givenName": "Augusta",
                f"{ENTERPRISE}:department": "Analysis",
            },
        },
    ],
}
DISABLE = {"verbose": "False", "pathless": False}
ENABLE = {"verbose": "True", "pathless": True}
OPS = {"verbose": "Replace", "pathless": "replace"}


@pytest.mark.parametrize("dialect", ["verbose", "pathless"])
def test_a_user_lives_from_the_first_match_to_the_second_delete(
    estate: Any, kind: str, dialect: str, person: dict[str, Any], named: Any
) -> None:
    client, target = estate.host.client(kind), estate.targets[kind]
    name, others = person["userName"], len(target.rows())

    assert client.match(name).json == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0,
        "startIndex": 1,
        "itemsPerPage": 0,
        "Resources": [],
    }

    created = client.create(person)
    assert created.status == 201
    user = created.json
    for sent in ("userName", "externalId", "displayName", "title", "active", "phoneNumbers", ENTERPRISE):
        assert user[sent] == person[sent]
    assert user["name"] == {"familyName": "Lovelace", "givenName": "Ada"}
    assert user["emails"] == [{"type": "work", "value": name}]
    location = created.headers["Location"]
    assert location == user["meta"]["location"] == f"https://127.0.0.1:{client.port}{client.base}/Users/{user['id']}"
    (row,) = named(target, name)
    assert (row["GivenName"], row["Department"], row["EmployeeNumber"]) == ("Ada", "Engines", "0042")

    assert client.matched(name) == [user]
    assert client.matched(name.upper()) == [user]
    assert client.matched(f"{name} ") == [user]
    assert client.user(user["id"]).json == user

    duplicate = client.create(person | {"userName": f"{name.upper()} "})
    assert (duplicate.status, duplicate.json["scimType"]) == (409, "uniqueness")

    patched = client.patch(user["id"], *DIALECTS[dialect])
    assert patched.status == 200
    after = patched.json
    assert after["displayName"] == "Countess Ada"
    assert after["name"] == {"familyName": "Lovelace", "givenName": "Augusta"}
    assert after["emails"] == [{"type": "work", "value": "ada@new.example"}]
    assert after[ENTERPRISE] == {"department": "Analysis", "employeeNumber": "0042"}
    assert "phoneNumbers" not in after
    assert after["meta"]["version"] != user["meta"]["version"]
    assert client.user(user["id"]).json == after
    (row,) = named(target, name)
    assert (row["GivenName"], row["Email"], row["Phone"]) == ("Augusta", "ada@new.example", "")

    still = target.state()
    again = client.patch(user["id"], *DIALECTS[dialect])
    assert (again.status, again.json) == (200, after)
    assert target.state() == still

    disabled = client.patch(user["id"], {"op": OPS[dialect], "path": "active", "value": DISABLE[dialect]})
    assert (disabled.status, disabled.json["active"]) == (200, False)
    assert named(target, name)[0]["IsActive"].lower() in ("false", "0")
    (found,) = client.matched(name)
    assert (found["id"], found["active"]) == (user["id"], False)
    still = target.state()
    assert client.patch(user["id"], {"op": OPS[dialect], "path": "active", "value": DISABLE[dialect]}).status == 200
    assert target.state() == still
    restored = client.patch(user["id"], {"op": OPS[dialect], "path": "active", "value": ENABLE[dialect]})
    assert (restored.status, restored.json["active"]) == (200, True)
    assert named(target, name)[0]["IsActive"].lower() in ("true", "1")

    deleted = client.delete(user["id"])
    assert (deleted.status, deleted.body) == (204, b"")
    assert client.delete(user["id"]).status == 404
    assert client.user(user["id"]).status == 404
    assert client.patch(user["id"], *DIALECTS[dialect]).status == 404
    assert client.matched(name) == []
    assert named(target, name) == []
    assert len(target.rows()) == others


def test_a_put_replaces_what_it_names_and_clears_the_rest_but_disables_nobody(
    estate: Any, kind: str, person: dict[str, Any], named: Any
) -> None:
    client, target = estate.host.client(kind), estate.targets[kind]
    object_id = client.created(person)
    body = {key: person[key] for key in ("schemas", "userName", "externalId", "name")} | {"title": "Analyst"}

    put = client.put(object_id, body)

    assert put.status == 200
    assert (put.json["title"], put.json["active"], put.json["id"]) == ("Analyst", True, object_id)
    assert "emails" not in put.json
    assert ENTERPRISE not in put.json
    (row,) = named(target, person["userName"])
    assert (row["Title"], row["Email"], row["Department"], row["GivenName"]) == ("Analyst", "", "", "Ada")
    still = target.state()
    assert client.put(object_id, body).json == put.json
    assert target.state() == still
    assert client.put("no-such-id", body).status == 404


def test_a_rename_keeps_the_id_and_frees_the_old_name(
    estate: Any, kind: str, person: dict[str, Any], named: Any
) -> None:
    client, target = estate.host.client(kind), estate.targets[kind]
    object_id, old = client.created(person), person["userName"]
    new = f"new-{old}"

    renamed = client.patch(object_id, {"op": "Replace", "path": "userName", "value": new})

    assert (renamed.status, renamed.json["id"], renamed.json["userName"]) == (200, object_id, new)
    assert client.matched(old) == []
    assert [one["id"] for one in client.matched(new)] == [object_id]
    assert (len(named(target, new)), len(named(target, old))) == (1, 0)
    assert client.created(person) != object_id


def test_a_rename_to_somebody_elses_name_is_refused_and_writes_nothing(
    estate: Any, kind: str, person: dict[str, Any]
) -> None:
    client, target = estate.host.client(kind), estate.targets[kind]
    taken = person | {"userName": f"taken-{person['userName']}"}
    client.created(taken)
    object_id = client.created(person)
    still = target.state()

    refused = client.patch(object_id, {"op": "Replace", "path": "userName", "value": taken["userName"].upper()})

    assert (refused.status, refused.json["scimType"]) == (409, "uniqueness")
    assert target.state() == still
    assert client.user(object_id).json["userName"] == person["userName"]


def test_a_rename_that_changes_only_the_case_is_written_and_echoed(
    estate: Any, kind: str, person: dict[str, Any], named: Any
) -> None:
    client, target = estate.host.client(kind), estate.targets[kind]
    object_id, new = client.created(person), person["userName"].upper()

    renamed = client.patch(object_id, {"op": "Replace", "path": "userName", "value": new})

    assert (renamed.status, renamed.json["userName"]) == (200, new)
    assert [row["UserName"] for row in named(target, new)] == [new]


@pytest.mark.parametrize("attribute", ["externalId", 'emails[type eq "work"].value', "displayName"])
def test_a_match_on_any_mapped_attribute_finds_the_user(
    estate: Any, kind: str, attribute: str, person: dict[str, Any]
) -> None:
    client = estate.host.client(kind)
    value = person["userName"]
    object_id = client.created(person | {"externalId": value, "displayName": value})

    assert [one["id"] for one in client.matched(value.upper(), attribute)] == [object_id]
    assert client.matched(f"nobody-{value}", attribute) == []


def test_a_user_whom_somebody_else_put_into_the_target_is_matched_before_any_import(
    estate: Any, kind: str, person: dict[str, Any]
) -> None:
    client, target = estate.host.client(kind), estate.targets[kind]
    target.add(UserName=person["userName"], Title="Duchess")

    (found,) = client.matched(person["userName"])

    assert client.matched(f"{person['userName'].upper()} ") == [found]
    assert (found["userName"], found["title"], found["active"]) == (person["userName"], "Duchess", True)
    assert client.user(found["id"]).json == found
    assert client.create(person).status == 409


def test_a_user_whom_somebody_else_put_into_the_target_makes_a_creation_conflict(
    estate: Any, kind: str, person: dict[str, Any], named: Any
) -> None:
    client, target = estate.host.client(kind), estate.targets[kind]
    target.add(UserName=person["userName"])

    refused = client.create(person)

    assert (refused.status, refused.json["scimType"]) == (409, "uniqueness")
    assert len(named(target, person["userName"])) == 1
    assert len(client.matched(person["userName"])) == 1


def test_a_user_who_is_gone_from_the_target_is_404_at_the_next_write(
    estate: Any, kind: str, person: dict[str, Any]
) -> None:
    client, target = estate.host.client(kind), estate.targets[kind]
    object_id = client.created(person)
    if kind == "csv":
        target.write([row for row in target.rows() if row["UserName"] != person["userName"]])
    else:
        target.execute("DELETE FROM Employees WHERE UserName = ?", person["userName"])

    assert client.patch(object_id, {"op": "Replace", "path": "title", "value": "Baroness"}).status == 404
    assert client.matched(person["userName"]) == []
    assert client.created(person) != object_id


def test_a_mistake_of_the_host_itself_is_a_scim_error_that_quotes_nothing(
    home: Any, start: Any, person: dict[str, Any]
) -> None:
    home.connect("people", home.csv("people"))
    host = start(home, holds=True)

    answer = host.client("people").request("GET", "/Users?filter=userName%20eq%20%22provoke-a-mistake%22", fault=True)

    assert answer.status == 500
    assert b"provoke" not in answer.body
    assert "provoke" not in host.log()
    (event,) = host.events("request_failed")
    assert (event["error"], event["request_id"]) == ("LookupError", answer.headers["X-Request-Id"])
    assert "holding_host.py" in event["where"]
