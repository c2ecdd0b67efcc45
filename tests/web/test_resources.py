import pytest

from ecmahost_core import UnexpectedData
from ecmahost_core.scim import urns

BOB = {
    "schemas": [urns.USER, urns.ENTERPRISE_USER],
    "userName": "bob",
    "active": True,
    "externalId": "e-1",
    "emails": [{"primary": True, "type": "work", "value": "bob@example.com"}],
    "name": {"givenName": "Bob", "familyName": "Ross"},
    "meta": {"resourceType": "User"},
    "roles": [],
}


@pytest.fixture
def bob(client):
    return client.post("/Users", BOB).get_json()


def test_a_creation_is_answered_201_with_the_whole_resource_and_its_address(client):
    answer = client.post("/Users", BOB)
    assert answer.status_code == 201
    body = answer.get_json()
    assert answer.headers["Location"] == body["meta"]["location"]
    assert answer.headers["Location"] == f"http://localhost/ecma2host_hr/scim/Users/{body['id']}"
    assert answer.headers["ETag"] == body["meta"]["version"]
    assert answer.headers["ETag"].startswith('W/"')
    assert {key: body[key] for key in ("schemas", "userName", "active", "emails", "name")} == {
        "schemas": [urns.USER],
        "userName": "bob",
        "active": True,
        "emails": [{"type": "work", "value": "bob@example.com"}],
        "name": {"givenName": "Bob", "familyName": "Ross"},
    }
    assert client.get(f"/Users/{body['id']}").get_json() == body


def test_a_get_has_the_resource_and_its_version(client, bob):
    answer = client.get(f"/Users/{bob['id']}")
    assert (answer.status_code, answer.get_json()) == (200, bob)
    assert answer.headers["ETag"] == bob["meta"]["version"]


def test_a_head_has_the_headers_of_a_get(client, bob):
    answer = client.ask("HEAD", f"/Users/{bob['id']}")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["ETag"] == bob["meta"]["version"]


def test_a_match_is_answered_with_a_list(client, bob):
    answer = client.get("/Users", query_string={"filter": 'userName eq "BOB"'})
    assert answer.status_code == 200
    assert answer.get_json() == {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": 1,
        "startIndex": 1,
        "itemsPerPage": 1,
        "Resources": [bob],
    }
    nobody = client.get("/Users?filter=userName+eq+%22nobody%22")
    assert nobody.status_code == 200
    assert nobody.get_json() == {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": 0,
        "startIndex": 1,
        "itemsPerPage": 0,
        "Resources": [],
    }


def test_the_test_of_a_connection_finds_nobody_and_is_no_error(client):
    answer = client.get("/Users", query_string={"filter": 'PLACEHOLDER eq "5f7b"'})
    assert (answer.status_code, answer.get_json()["totalResults"]) == (200, 0)


@pytest.mark.parametrize(
    ("query", "total", "start", "names"),
    [
        ("", 5, 1, ["user0", "user1", "user2", "user3", "user4"]),
        ("?startIndex=2&count=2", 5, 2, ["user1", "user2"]),
        ("?startIndex=0", 5, 1, ["user0", "user1", "user2", "user3", "user4"]),
        ("?startIndex=-7&count=1", 5, 1, ["user0"]),
        ("?count=0", 5, 1, []),
        ("?count=-1", 5, 1, []),
        ("?startIndex=6", 5, 6, []),
        ("?count=999999999", 5, 1, ["user0", "user1", "user2", "user3", "user4"]),
        ('?filter=userName sw "user"&startIndex=4&count=1', 5, 4, ["user3"]),
    ],
)
def test_pages_are_counted_from_one(client, query, total, start, names):
    for number in range(5):
        client.post("/Users", {"userName": f"user{number}"})
    body = client.get(f"/Users{query}").get_json()
    assert (body["totalResults"], body["startIndex"], body["itemsPerPage"]) == (total, start, len(names))
    assert [one["userName"] for one in body["Resources"]] == names


def test_attributes_choose_what_is_shown_on_every_route(client, bob):
    single = f"/Users/{bob['id']}"
    query = "?attributes=userName"
    shown = {"schemas": [urns.USER], "id": bob["id"], "userName": "bob"}
    assert client.get(f"/Users{query}").get_json()["Resources"] == [shown]
    assert client.get(f"{single}{query}").get_json() == shown
    assert client.patch(f"{single}{query}", {"op": "replace", "path": "active", "value": False}).get_json() == shown
    assert client.ask("PUT", f"{single}{query}", {"userName": "bob"}).get_json() == shown
    assert set(client.post(f"/Users{query}", {"userName": "ann"}).get_json()) == {"schemas", "id", "userName"}
    assert "name" not in client.get(f"{single}?excludedAttributes=name").get_json()


@pytest.mark.parametrize("query", ["?attributes=userName&excludedAttributes=name", "?count=ten", "?startIndex=1.5"])
def test_a_request_whose_query_is_wrong_writes_nothing(client, bob, desk, query):
    sent = len(desk.target.sent)
    single = f"/Users/{bob['id']}{query}"
    operation = {"op": "replace", "path": "name.givenName", "value": "Rob"}
    assert client.patch(single, operation).status_code == 400
    assert client.ask("PUT", single, {"userName": "bob"}).status_code == 400
    assert client.post(f"/Users{query}", {"userName": "ann"}).status_code == 400
    assert client.get(single).status_code == 400
    assert len(desk.target.sent) == sent


def test_a_patch_is_answered_with_the_resource_as_it_is_then(client, bob):
    answer = client.patch(
        f"/Users/{bob['id']}",
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Add", "path": "name.givenName", "value": "Robert"},
        {"op": "Remove", "path": "name.familyName"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "r@x"},
        {"op": "Add", "path": "nobodyKnows", "value": "x"},
    )
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["active"], body["name"], body["emails"][0]["value"]) == (False, {"givenName": "Robert"}, "r@x")
    assert answer.headers["ETag"] == body["meta"]["version"] != bob["meta"]["version"]
    assert client.get(f"/Users/{bob['id']}").get_json() == body


def test_a_patch_that_changes_nothing_keeps_the_version(client, bob, desk):
    sent = len(desk.target.sent)
    answer = client.patch(f"/Users/{bob['id']}", {"op": "replace", "value": {"userName": "bob", "active": True}})
    assert (answer.status_code, answer.get_json()) == (200, bob)
    assert client.patch(f"/Users/{bob['id']}").get_json() == bob
    assert len(desk.target.sent) == sent


def test_a_put_replaces_what_is_mapped(client, bob):
    answer = client.ask("PUT", f"/Users/{bob['id']}", {"userName": "bob", "name": {"familyName": "Marley"}})
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["name"], body["active"], "emails" in body) == ({"familyName": "Marley"}, True, False)
    assert body["id"] == bob["id"]


def test_a_deletion_is_204_without_a_body_and_404_the_second_time(client, bob):
    answer = client.ask("DELETE", f"/Users/{bob['id']}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert client.ask("DELETE", f"/Users/{bob['id']}").status_code == 404
    assert client.get(f"/Users/{bob['id']}").status_code == 404
    assert client.patch(f"/Users/{bob['id']}", {"op": "replace", "path": "active", "value": True}).status_code == 404


def test_a_second_creation_is_409_uniqueness(client, bob):
    answer = client.post("/Users", {**BOB, "userName": "BOB "})
    assert (answer.status_code, answer.get_json()["scimType"]) == (409, "uniqueness")


def test_a_resource_without_what_is_required_is_400(client, desk):
    answer = client.post("/Users", {"name": {"givenName": "Bob"}})
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")
    assert "userName" in answer.get_json()["detail"]
    assert desk.target.sent == []


def test_an_unknown_outcome_is_503_with_retry_after(client, bob, desk):
    def cut(_changes):
        raise UnexpectedData("the line was cut")

    desk.target.after_export = cut
    answer = client.post("/Users", {"userName": "ann"})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_before_the_first_import_every_route_is_503(client, bob, desk):
    with desk.store._database.write() as transaction:
        transaction.connection.execute("UPDATE connector SET first_import_done = 0")
    desk.endpoint._visible = False
    single = f"/Users/{bob['id']}"
    answers = [
        client.get("/Users"),
        client.get(single),
        client.post("/Users", {"userName": "ann"}),
        client.patch(single, {"op": "replace", "path": "active", "value": False}),
        client.ask("PUT", single, {"userName": "bob"}),
        client.ask("DELETE", single),
    ]
    assert [answer.status_code for answer in answers] == [503] * 6
    for answer in answers:
        assert answer.get_json()["detail"].startswith("The ECMA host is currently importing data")
        assert answer.headers["Retry-After"]
    assert client.get("/Schemas").status_code == 200


def test_a_value_that_does_not_fit_is_400_and_not_repeated(client):
    answer = client.post("/Users", {"userName": "b\x00b"})
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")
    assert "b\\u0000b" not in answer.text
