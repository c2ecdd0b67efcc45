import time

import pytest

from ecmahost_core.scim import urns


@pytest.fixture
def bob(client):
    return client.post("/Users", {"userName": "bob"}).get_json()


def post(bulk_id, name, **more):
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"userName": name}} | more


def bulk(client, *operations, **more):
    answer = client.post("/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": list(operations), **more})
    assert answer.status_code == 200
    body = answer.get_json()
    assert body["schemas"] == [urns.BULK_RESPONSE]
    return body["Operations"]


def rename(name):
    return {"Operations": [{"op": "replace", "path": "name.givenName", "value": name}]}


def test_every_operation_has_its_own_answer(client, bob, desk):
    path = f"/Users/{bob['id']}"
    results = bulk(
        client,
        post("a", "ann"),
        {"method": "PATCH", "path": path, "data": rename("Rob")},
        {"method": "put", "path": path, "bulkId": "p", "data": {"userName": "bob", "name": {"familyName": "Ross"}}},
        {"method": "DELETE", "path": path},
        {"method": "DELETE", "path": path},
        post("c", "ann"),
    )
    assert [result["status"] for result in results] == ["201", "200", "200", "204", "404", "409"]
    assert [result["method"] for result in results] == ["POST", "PATCH", "PUT", "DELETE", "DELETE", "POST"]
    assert [result.get("bulkId") for result in results] == ["a", None, "p", None, None, "c"]
    ann = client.get("/Users", query_string={"filter": 'userName eq "ann"'}).get_json()["Resources"][0]
    assert results[0] == {
        "method": "POST",
        "bulkId": "a",
        "location": ann["meta"]["location"],
        "version": ann["meta"]["version"],
        "status": "201",
    }
    assert [result.get("location") for result in results[1:5]] == [bob["meta"]["location"]] * 4
    assert "location" not in results[5]
    assert results[5]["response"]["scimType"] == "uniqueness"
    assert results[4]["response"]["schemas"] == [urns.ERROR]
    assert all("response" not in result for result in results[:4])


def test_every_operation_has_its_own_journal_entry(client, desk, monkeypatch):
    opened = []
    open_entry = desk.store.open_entry
    monkeypatch.setattr(desk.store, "open_entry", lambda intent: opened.append(intent) or open_entry(intent))
    bulk(client, post("a", "ann"), post("b", "ben"))
    assert len(opened) == 2
    assert len({intent.request_id for intent in opened}) == 1
    assert desk.store.entries("hr") == []


def test_a_reference_in_a_path_leads_to_what_the_request_creates(client):
    results = bulk(
        client,
        {"method": "PATCH", "path": "/Users/bulkId:a", "data": rename("Ann")},
        post("a", "ann"),
        {"method": "DELETE", "path": "/users/bulkId:b"},
        post("b", "ben"),
    )
    assert [result["status"] for result in results] == ["200", "201", "204", "201"]
    assert results[0]["location"] == results[1]["location"]
    found = client.get("/Users").get_json()
    assert [(one["userName"], one["name"]) for one in found["Resources"]] == [("ann", {"givenName": "Ann"})]


def test_what_refers_to_a_creation_that_failed_is_not_done(client, bob):
    results = bulk(
        client,
        {"method": "PATCH", "path": "/Users/bulkId:a", "data": rename("Ann")},
        post("a", "bob"),
        {"method": "PATCH", "path": "/Users/bulkId:x", "data": rename("Ann")},
    )
    assert [result["status"] for result in results] == ["409", "409", "400"]
    assert "scimType" not in results[0]["response"]
    assert results[2]["response"]["scimType"] == "invalidValue"
    assert "location" not in results[0]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_after_so_many_errors_nothing_more_is_done_or_answered(client, bob, limit):
    wrong = [post("a", "bob"), post("b", "ok"), post("c", "bob"), post("d", "ok2"), post("e", "bob"), post("f", "ok3")]
    results = bulk(client, *wrong, failOnErrors=limit)
    assert [result["bulkId"] for result in results] == ["a", "b", "c", "d", "e"][: limit * 2 - 1]
    assert client.get("/Users").get_json()["totalResults"] == limit


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"method": "PATCH", "path": "/Groups/1", "data": {}}, "404"),
        ({"method": "PATCH", "path": "/Me", "data": {}}, "404"),
        ({"method": "PATCH", "path": "/Users", "data": {}}, "404"),
        ({"method": "DELETE", "path": "/Users"}, "404"),
        ({"method": "DELETE", "path": "/Users/1/2"}, "404"),
        ({"method": "DELETE", "path": "Schemas/1"}, "404"),
        ({"method": "DELETE", "path": "https://elsewhere/Users/1"}, "404"),
        ({"method": "GET", "path": "/Users"}, "400"),
        ({"method": "TRACE"}, "400"),
        (7, "400"),
        ({"method": "POST", "path": "/Users/1", "bulkId": "z", "data": {}}, "404"),
        ({"method": "POST", "path": "/Users/.search", "bulkId": "z", "data": {}}, "404"),
        ({"method": "POST", "path": "/Bulk", "bulkId": "z", "data": {}}, "404"),
        ({"method": "POST", "path": "/Users", "bulkId": "z", "data": {"name": {}}}, "400"),
        ({"method": "PATCH", "path": "/Users/1", "data": {"Operations": 1}}, "400"),
    ],
)
def test_an_operation_that_cannot_be_is_answered_and_the_others_are_done(client, operation, status):
    first, second = bulk(client, operation, post("a", "ann"))
    assert (first["status"], second["status"]) == (status, "201")
    assert first["response"]["detail"]


def test_the_address_of_a_resource_will_do_as_a_path(client, bob):
    (result,) = bulk(client, {"method": "DELETE", "path": bob["meta"]["location"]})
    assert result["status"] == "204"
    assert result["location"] == bob["meta"]["location"]


def test_an_operation_at_another_version_is_412(client, bob):
    path = f"/Users/{bob['id']}"
    first, second, third = bulk(
        client,
        {"method": "PATCH", "path": path, "version": bob["meta"]["version"], "data": rename("Rob")},
        {"method": "PATCH", "path": path, "version": bob["meta"]["version"], "data": rename("Bert")},
        {"method": "DELETE", "path": path, "version": "*"},
    )
    assert (first["status"], second["status"], third["status"]) == ("200", "412", "204")
    assert first["version"] == second["version"] != bob["meta"]["version"]


def test_what_the_time_does_not_allow_any_more_is_503_and_not_begun(client, desk, site):
    def slow(_changes):
        time.sleep(max(0.0, site.configuration.request_budget - 0.3))
        desk.target.after_export = lambda _changes: None

    desk.target.after_export = slow
    results = bulk(client, post("a", "ann"), post("b", "ben"), post("c", "cid"))
    assert [result["status"] for result in results] == ["201", "503", "503"]
    assert client.get("/Users").get_json()["totalResults"] == 1
    assert len(desk.target.sent) == 1


def test_a_mistake_of_the_host_is_one_operations_own(client, desk, monkeypatch):
    open_entry = desk.store.open_entry

    def faulty(intent):
        monkeypatch.setattr(desk.store, "open_entry", open_entry)
        raise LookupError("canary")

    monkeypatch.setattr(desk.store, "open_entry", faulty)
    first, second = bulk(client, post("a", "ann"), post("b", "ben"))
    assert (first["status"], second["status"]) == ("500", "201")
    assert "canary" not in str(first)


def test_too_many_operations_and_too_large_a_body_are_413(client):
    answer = client.post("/Bulk", {"Operations": [post(str(number), "x") for number in range(101)]})
    assert answer.status_code == 413
    answer = client.post("/Bulk", {"Operations": [post("a", "x" * 20_000)]})
    assert answer.status_code == 413
    assert client.get("/Users").get_json()["totalResults"] == 0


def test_no_operations_are_no_answers(client):
    assert bulk(client) == []


def test_two_of_one_bulk_id_refuse_the_request_before_anything_is_done(client, desk):
    answer = client.post("/Bulk", {"Operations": [post("a", "ann"), post("a", "ben")]})
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidSyntax")
    assert desk.target.sent == []
