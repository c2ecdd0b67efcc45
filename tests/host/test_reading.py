"""Lists, pages, projections and discovery."""

from typing import Any

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def test_pages_hold_every_user_once_and_totals_count_them_all(
    make_home: Any, start: Any, tmp_path: Any, kind: str
) -> None:
    home = make_home(tmp_path / "pages")
    target = home.target(kind, "people")
    for number in range(7):
        target.add(UserName=f"user{number}")
    home.connect("people", target)
    client = start(home).client("people")

    def page(query: str) -> tuple[int, int, int, list[str]]:
        found = client.get(f"/Users?{query}").json
        names = [one["userName"] for one in found["Resources"]]
        return found["totalResults"], found["startIndex"], found["itemsPerPage"], names

    everybody = [f"user{number}" for number in range(7)]
    assert page("") == (7, 1, 7, everybody)
    assert page("startIndex=1&count=3") == (7, 1, 3, everybody[:3])
    assert page("startIndex=4&count=3") == (7, 4, 3, everybody[3:6])
    assert page("startIndex=7&count=3") == (7, 7, 1, everybody[6:])
    assert page("startIndex=8&count=3") == (7, 8, 0, [])
    assert page("count=0") == (7, 1, 0, [])
    assert page("startIndex=0&count=2") == (7, 1, 2, everybody[:2])
    assert page("startIndex=-5&count=-1") == (7, 1, 0, [])
    assert page("count=100000") == (7, 1, 7, everybody)
    found = client.search('userName sw "user" and not (userName eq "user0")', startIndex=2, count=2)
    assert (found.json["totalResults"], [one["userName"] for one in found.resources]) == (6, everybody[2:4])
    assert client.get("/Users?count=many").json["scimType"] == "invalidValue"


def test_projections_show_what_was_asked_for_and_what_is_always_returned(
    estate: Any, kind: str, person: dict[str, Any]
) -> None:
    client = estate.host.client(kind)
    created = client.request("POST", "/Users?attributes=userName", person)
    assert set(created.json) == {"schemas", "id", "userName"}
    assert created.headers["Location"].endswith(created.json["id"])
    object_id = created.json["id"]

    only = client.get(f"/Users/{object_id}?attributes=emails.value,name.givenName").json
    assert only["emails"] == [{"value": person["userName"]}]
    assert only["name"] == {"givenName": "Ada"}
    assert set(only) == {"schemas", "id", "emails", "name"}
    without = client.get(f"/Users/{object_id}?excludedAttributes=emails,{ENTERPRISE}:department,id").json
    assert "emails" not in without
    assert without["id"] == object_id
    assert without[ENTERPRISE] == {"employeeNumber": "0042"}
    listed = client.search(f'id eq "{object_id}" and active eq true', attributes="id")
    assert [set(one) for one in listed.resources] == [{"schemas", "id"}]


def test_discovery_describes_just_what_the_mapping_can_keep(estate: Any, kind: str) -> None:
    client = estate.host.client(kind)

    provider = client.get("/ServiceProviderConfig").json
    assert provider["patch"]["supported"]
    assert provider["bulk"]["supported"]
    (user_type,) = client.get("/ResourceTypes").resources
    assert (user_type["id"], user_type["endpoint"]) == ("User", "/Users")
    assert client.get("/ResourceTypes/User").json == user_type
    assert client.get("/ResourceTypes/Group").status == 404
    schemas = {one["id"]: one for one in client.get("/Schemas").resources}
    core = {one["name"]: one for one in schemas["urn:ietf:params:scim:schemas:core:2.0:User"]["attributes"]}
    assert {"userName", "active", "emails", "name"} <= set(core)
    assert "nickName" not in core
    assert core["userName"]["uniqueness"] == "server"
    assert [one["name"] for one in schemas[ENTERPRISE]["attributes"]] == ["employeeNumber", "department"]
    assert client.get(f"/Schemas/{ENTERPRISE.upper()}").json == schemas[ENTERPRISE]
    assert client.get("/Schemas/urn:none").status == 404
    for path in ("/Schemas", "/ResourceTypes"):
        assert client.get(f"{path}?filter=id%20eq%20%22x%22").status == 403
        assert client.request("POST", path, {}).status == 405
    assert client.request("DELETE", "/ServiceProviderConfig").status == 405
