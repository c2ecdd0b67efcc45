import pytest

from ecmahost_core.scim import urns

BASE = "http://localhost/ecma2host_hr/scim"


def test_the_service_provider_config_says_what_the_host_does(client):
    body = client.get("/ServiceProviderConfig").get_json()
    assert body["schemas"] == [urns.SERVICE_PROVIDER_CONFIG]
    assert body["patch"] == {"supported": True}
    assert body["bulk"] == {"supported": True, "maxOperations": 100, "maxPayloadSize": 10_000}
    assert body["etag"] == body["sort"] == {"supported": True}
    assert body["pagination"]["maxPageSize"] == body["filter"]["maxResults"] == 1000
    assert body["meta"]["location"] == f"{BASE}/ServiceProviderConfig"


def test_a_password_that_can_be_set_is_announced_and_described_as_never_shown(client, site, desk, memory):
    assert client.get("/ServiceProviderConfig").get_json()["changePassword"] == {"supported": False}
    other = memory.Desk(desk.directory / "other").ready(passwords="alone")
    try:
        site.endpoints = {"hr": other.endpoint}
        assert client.get("/ServiceProviderConfig").get_json()["changePassword"] == {"supported": True}
        attributes = client.get(f"/Schemas/{urns.USER}").get_json()["attributes"]
        password = next(one for one in attributes if one["name"] == "password")
        assert (password["mutability"], password["returned"]) == ("writeOnly", "never")
    finally:
        other.end()


def test_the_resource_types_are_those_that_are_configured(client):
    body = client.get("/ResourceTypes").get_json()
    assert (body["totalResults"], body["Resources"][0]["endpoint"]) == (1, "/Users")
    one = client.get("/ResourceTypes/User")
    assert one.get_json() == body["Resources"][0]
    assert client.get("/ResourceTypes/Group").status_code == 404


def test_the_schemas_have_what_is_mapped_and_no_more(client, memory):
    body = client.get("/Schemas").get_json()
    assert {one["id"] for one in body["Resources"]} == {urns.USER, memory.CUSTOM}
    user = next(one for one in body["Resources"] if one["id"] == urns.USER)
    assert {one["name"] for one in user["attributes"]} == {"userName", "name", "emails", "active"}
    assert client.get(f"/Schemas/{urns.USER.upper()}").get_json() == user
    assert client.get("/Schemas/urn:nobody").status_code == 404


@pytest.mark.parametrize(
    "path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/ResourceTypes/User", f"/Schemas/{urns.USER}"]
)
def test_discovery_only_answers_questions(client, path):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.ask(method, path)
        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"])
def test_discovery_takes_no_filter(client, path):
    assert client.get(f"{path}?filter=name+eq+%22User%22").status_code == 403
