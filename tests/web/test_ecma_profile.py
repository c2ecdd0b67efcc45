"""The requests of Microsoft's on-premises ECMA app, and the answers to them."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from ecmahost_core import Schema, SchemaAttribute, SchemaType
from ecmahost_core.scim import urns
from ecmahost_core.space.history import EventRecord

ECMA = urns.ECMA2HOST_USER
NAMES = ("Login", "Last", "-dn-", "Tel", "Tel 2", "msDS-UserAccountDisabled", "dept:code", "Größe", "Last, First")


@pytest.fixture
def app(desk: Any, site: Any, client: Any) -> Any:
    """A client of the connector ``hr``, which has the profile ``ecma`` and a target with odd names."""
    required = {"Login", "Last"}
    columns = tuple(SchemaAttribute(name, required=name in required) for name in NAMES)
    desk.target.schema = Schema((SchemaType("Employees", columns),))
    # What the site's first import brought is not taken for lost.
    desk.store.reset("hr", desk.endpoint.agreement.fingerprint, EventRecord("reset", "ok"))
    desk.ready(ecma=True, query=("Login",))
    site.endpoints["hr"] = desk.endpoint
    return client


def match(client: Any, text: str) -> Any:
    answer = client.get("/Users", query_string={"filter": text})
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


BODIES = (
    {ECMA: {"Login": "bob", "Last": "B"}},
    {f"{ECMA}:Login": "bob", f"{ECMA}:Last": "B"},
    {"schemas": [urns.USER], "active": True, f"{ECMA.lower()}:LOGIN": "bob", ECMA: {"last": "B"}},
    {"schemas": [urns.USER, ECMA], "meta": {"resourceType": "User"}, "roles": [], ECMA: {"Login": "bob", "Last": "B"}},
    {urns.ECMA_USER_PREVIEW: {"Login": "bob"}, f"{urns.ECMA_USER_PREVIEW}:Last": "B"},
)


@pytest.mark.parametrize("body", BODIES)
def test_a_creation_is_complete_however_the_extension_comes(app: Any, body: Any) -> None:
    answer = app.post("/Users", body)
    assert answer.status_code == 201, answer.get_json()
    created = answer.get_json()
    assert created.keys() == {"schemas", "id", "meta", "active", ECMA}
    assert created["schemas"] == [urns.USER, ECMA]
    assert created[ECMA] == {"Login": "bob", "Last": "B"}
    found = match(app, f'{ECMA}:Login eq "BOB"')
    assert [one["id"] for one in found["Resources"]] == [created["id"]]
    assert app.get(f"/Users/{created['id']}").get_json() == created


def test_names_of_the_core_are_ignored_and_named_in_the_log(app: Any) -> None:
    body = {"userName": "eve", "externalId": "1", "displayName": "Eve", ECMA: {"Login": "bob", "Last": "B"}}
    with capture_logs() as logs:
        created = app.post("/Users", body).get_json()
    ignored = [name for one in logs if one["event"] == "attributes_ignored" for name in one["names"]]
    assert sorted(ignored) == ["displayName", "userName"]
    assert created.keys() == {"schemas", "id", "meta", "active", ECMA}
    assert match(app, 'userName eq "eve"')["totalResults"] == 0
    assert match(app, 'externalId eq "1"')["totalResults"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_value_under_any_name_comes_back_under_that_name_and_is_found_by_it(app: Any, name: str) -> None:
    body = {ECMA: {"Login": "bob", "Last": "B"}}
    object_id = app.post("/Users", body).get_json()["id"]
    path = f"{ECMA}:{name}"
    for value, operation in (
        ("1", {"op": "Add", "path": path, "value": "1"}),
        ("2", {"op": "replace", "value": {path: "2"}}),
        ("3", {"op": "replace", "value": {ECMA: {name: "3"}}}),
    ):
        answer = app.patch(f"/Users/{object_id}", operation)
        assert (answer.status_code, answer.get_json()[ECMA][name]) == (200, value)
        assert [one["id"] for one in match(app, f'{path} eq "{value}"')["Resources"]] == [object_id]
        assert match(app, f'active eq true and ({path} eq "{value}" or id eq "x")')["totalResults"] == 1
        assert match(app, f'{path} eq "else"')["totalResults"] == 0
    shown = app.get(f"/Users/{object_id}", query_string={"attributes": path}).get_json()
    assert shown == {"schemas": [urns.USER, ECMA], "id": object_id, ECMA: {name: "3"}}
    shown = app.get(f"/Users/{object_id}", query_string={"excludedAttributes": f"{path},meta"}).get_json()
    assert name not in shown[ECMA]
    if name not in ("Login", "Last"):
        answer = app.patch(f"/Users/{object_id}", {"op": "Remove", "path": path})
        assert name not in answer.get_json()[ECMA]
        body = {ECMA: {**shown[ECMA], name: "4"}}
        assert app.ask("PUT", f"/Users/{object_id}", body).get_json()[ECMA][name] == "4"


def test_what_the_target_requires_is_missed_by_its_name(app: Any) -> None:
    answer = app.post("/Users", {ECMA: {"Login": "bob"}})
    assert answer.status_code == 400
    assert f"{ECMA}:Last" in answer.get_json()["detail"]
    answer = app.post("/Users", {"active": True})
    assert answer.status_code == 400
    assert f"{ECMA}:Log" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {f"{ECMA}:PLACEHOLDER": "bob@example.com"},
        {ECMA: {"PLACEHOLDER": "bob@example.com", "Last": "B"}},
        {"PLACEHOLDER": "bob@example.com", "active": True},
        {f"{ECMA}:placeholder": "bob@example.com", f"{ECMA}:Login": ""},
    ],
)
def test_who_is_sent_by_an_app_that_nobody_has_mapped_is_refused_with_the_way_out(
    app: Any, desk: Any, body: Any
) -> None:
    answer = app.post("/Users", body)
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")
    detail = answer.get_json()["detail"]
    assert "In the portal, Provisioning > Attribute mapping" in detail
    assert detail.endswith(f"{ECMA}:Login.")
    assert "bob@" not in detail
    assert desk.target.sent == []


def test_a_placeholder_beside_a_real_name_is_ignored(app: Any) -> None:
    body = {ECMA: {"PLACEHOLDER": "x", "Login": "bob", "Last": "B"}}
    created = app.post("/Users", body)
    assert (created.status_code, created.get_json()[ECMA]) == (201, {"Login": "bob", "Last": "B"})
    answer = app.patch(
        f"/Users/{created.get_json()['id']}",
        {"op": "replace", "value": {f"{ECMA}:PLACEHOLDER": "x", f"{ECMA}:Tel": "1"}},
    )
    assert answer.get_json()[ECMA] == {"Login": "bob", "Last": "B", "Tel": "1"}


def test_the_test_of_a_connection_finds_nobody_and_asks_no_target(app: Any, desk: Any) -> None:
    app.post("/Users", {ECMA: {"Login": "bob", "Last": "B"}})
    desk.target.reads = 0
    for text in ('PLACEHOLDER eq "x"', f'{ECMA}:PLACEHOLDER eq "x"', f'{ECMA}:Tel 3 eq "x"'):
        assert match(app, text)["Resources"] == []
    assert desk.target.reads == 0
    # As the agent writes the query: plus signs for blanks.
    answer = app.get('/Users?filter=PLACEHOLDER+eq+"8646d011-1693-4cd3-9ee6-0d7482ca2219"')
    assert (answer.status_code, answer.get_json()["totalResults"]) == (200, 0)


def test_the_schemas_are_active_and_the_targets_attributes_in_their_order(app: Any) -> None:
    core, extension = app.get("/Schemas").get_json()["Resources"]
    assert (core["id"], [one["name"] for one in core["attributes"]]) == (urns.USER, ["active"])
    assert (extension["id"], [one["name"] for one in extension["attributes"]]) == (ECMA, list(NAMES))
    assert [one["name"] for one in extension["attributes"] if one["required"]] == ["Login", "Last"]
    assert app.get(f"/Schemas/{ECMA}").get_json() == extension
    (resource_type,) = app.get("/ResourceTypes").get_json()["Resources"]
    assert resource_type["schema"] == urns.USER
    assert resource_type["schemaExtensions"] == [{"schema": ECMA, "required": False}]


def test_a_change_that_changes_nothing_keeps_the_entity_tag(app: Any, desk: Any) -> None:
    created = app.post("/Users", {ECMA: {"Login": "bob", "Last": "B", "Tel 2": "5"}})
    sent = len(desk.target.sent)
    operation = {"op": "Replace", "path": f"{ECMA}:Tel 2", "value": "5"}
    answer = app.patch(f"/Users/{created.get_json()['id']}", operation)
    assert answer.headers["ETag"] == created.headers["ETag"]
    assert len(desk.target.sent) == sent
