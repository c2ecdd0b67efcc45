import pytest

from ecmahost_core.scim import urns


@pytest.fixture
def bob(client):
    return client.post("/Users", {"userName": "bob", "name": {"givenName": "Bob"}}).get_json()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/Me", "/me"])
def test_nobody_is_me(client, method, path):
    answer = client.ask(method, path)
    assert answer.status_code == 501
    assert "/Users" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("", {"GET", "HEAD", "OPTIONS"}),
        ("/Users", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("/Users/x", {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"}),
        ("/Bulk", {"OPTIONS", "POST"}),
        ("/.search", {"OPTIONS", "POST"}),
        ("/Users/.search", {"OPTIONS", "POST"}),
        ("/Schemas", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_method_that_a_path_does_not_have_is_405_with_those_that_it_has(client, path, methods):
    options = client.ask("OPTIONS", path)
    assert (options.status_code, set(options.headers["Allow"].split(", "))) == (200, methods)
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - methods:
        answer = client.ask(method, path)
        assert answer.status_code == 405, method
        assert {one.strip() for one in answer.headers["Allow"].split(",")} == methods


def test_a_header_does_not_change_the_method(client, bob):
    path = f"/Users/{bob['id']}"
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert client.get(path, headers={name: "DELETE"}).get_json() == bob
        assert client.ask("POST", path, {}, headers={name: "DELETE"}).status_code == 405
    assert client.get(f"{path}?_method=DELETE").get_json() == bob


@pytest.mark.parametrize(
    "path", ["/Users", "", "/ServiceProviderConfig", "/ResourceTypes/User", "/Schemas", "/Users/{id}"]
)
def test_a_head_has_the_status_and_the_headers_of_a_get_and_no_body(client, bob, path):
    path = path.format(id=bob["id"])
    head, get = client.ask("HEAD", path), client.get(path)
    assert (head.status_code, head.data) == (200, b"")
    kept = {"Content-Length", "Content-Type", "ETag", "Location", "Content-Location"} & set(get.headers.keys())
    assert {name: head.headers[name] for name in kept} == {name: get.headers[name] for name in kept}


@pytest.mark.parametrize("version", ["v1", "V1", "v3", "v20"])
def test_another_version_of_the_protocol_is_400_invalid_vers(client, version):
    for method, path in (("GET", "/Users"), ("POST", "/Users"), ("GET", ""), ("DELETE", "/Users/x"), ("GET", "/a/b/c")):
        answer = client.ask(method, f"/{version}{path}")
        assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidVers")


def test_version_2_may_be_named(client, bob):
    answer = client.get(f"/v2/Users/{bob['id']}")
    assert answer.get_json() == bob
    assert client.get("/V2/Users").get_json()["totalResults"] == 1


@pytest.mark.parametrize(
    "accept", ["application/xml", "text/html", "application/json;q=0", "*/*", "application/json", ""]
)
def test_whatever_a_client_accepts_it_gets_scim(client, bob, accept):
    assert client.get(f"/Users/{bob['id']}", headers={"Accept": accept}).get_json() == bob


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/scim+json", "application/scim+json; charset=utf-8", "text/json", ""]
)
def test_a_body_may_be_any_json(client, media_type):
    headers = {"Content-Type": media_type} if media_type else {}
    assert client.ask("POST", "/Users", b'{"userName": "ann"}', headers=headers).status_code == 201


def test_parameters_that_nobody_knows_are_passed_over_everywhere(client, bob):
    assert client.get(f"/Users/{bob['id']}?aadOptscim062020&x=y").get_json() == bob
    assert client.get("/Users?pageToken=7&sort=up").get_json()["totalResults"] == 1
    assert client.get("/Schemas?count=1&attributes=id").get_json()["totalResults"] == 2
    assert client.post("/.search?filter=)(", {}).get_json()["totalResults"] == 1


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ("userName", {"userName"}),
        ("USERNAME", {"userName"}),
        (f"{urns.USER}:userName", {"userName"}),
        ("name.givenName", {"name"}),
        (f"{urns.USER}:name.givenName", {"name"}),
        ("nothing", set()),
        ("id", set()),
        ("password", set()),
        ("meta.version,userName", {"meta", "userName"}),
    ],
)
def test_what_is_asked_for_is_shown_by_every_verb_and_by_searches(client, bob, names, shown):
    path, always = f"/Users/{bob['id']}", {"id", "schemas"}
    query = f"?attributes={names}"
    operation = {"op": "replace", "path": "name.familyName", "value": "Ross"}
    answers = [
        client.get(path + query).get_json(),
        client.patch(path + query, operation).get_json(),
        client.ask("PUT", path + query, {"userName": "bob", "name": {"givenName": "B"}}).get_json(),
        *client.get(f"/Users{query}").get_json()["Resources"],
        *client.get(f"/Users{query}&cursor=").get_json()["Resources"],
        *client.post("/.search", {"attributes": names.split(",")}).get_json()["Resources"],
    ]
    assert [set(one) for one in answers] == [always | shown] * 6
    if "name" in shown:
        assert all(set(one["name"]) == {"givenName"} for one in answers)


def test_both_projections_at_once_are_refused_everywhere(client, bob):
    both = {"attributes": ["userName"], "excludedAttributes": ["name"]}
    assert client.post("/.search", both).get_json()["scimType"] == "invalidValue"
    assert client.get("?attributes=userName&excludedAttributes=name").get_json()["scimType"] == "invalidValue"


def test_the_spellings_of_a_schemas_urn_all_find_it(client, memory):
    for urn in (memory.CUSTOM, memory.CUSTOM.upper(), urns.USER, urns.USER.lower()):
        assert client.get(f"/Schemas/{urn}").get_json()["id"].lower() == urn.lower()
    for name in ("userName", f"{urns.USER}:userName", urns.GROUP, "user"):
        assert client.get(f"/Schemas/{name}").status_code == 404
    assert client.get("/ResourceTypes/user").get_json()["id"] == "User"
