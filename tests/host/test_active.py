"""What ``active`` and DELETE do to the target: every pair of deprovisioning flows, every spelling of a boolean."""

from typing import Any

import pytest

SPELLINGS = [True, "True", "true", "TRUE"], [False, "False", "false", "FALSE"]
FLOWS = ["None", "Set", "Delete"]
ON, OFF = ("true", "1"), ("false", "0")


def switch(value: object) -> dict[str, object]:
    return {"op": "Replace", "path": "active", "value": value}


@pytest.mark.parametrize("disable", FLOWS)
def test_disabling_does_to_the_target_what_its_flow_says(
    estate: Any, kind: str, disable: str, person: dict[str, Any], named: Any
) -> None:
    connector = f"{kind}{disable}Delete"
    client, target = estate.host.client(connector), estate.targets[connector]
    object_id, name = client.created(person), person["userName"]
    still = target.state()

    answer = client.patch(object_id, switch("False"))

    assert (answer.status, answer.json["active"]) == (200, False)
    rows = named(target, name)
    if disable == "Delete":
        assert rows == []
        assert client.user(object_id).status == 404
        assert client.matched(name) == []
        assert client.created(person) != object_id
        assert len(named(target, name)) == 1
        return
    (found,) = client.matched(name)
    assert (found["id"], found["active"]) == (object_id, False)
    assert client.user(object_id).json == answer.json
    assert [one["id"] for one in client.search(f'userName eq "{name}" and active eq false').resources] == [object_id]
    assert client.search(f'userName eq "{name}" and active eq true').resources == []
    if disable == "None":
        assert target.state() == still
    else:
        assert rows[0]["IsActive"].lower() in OFF
    assert client.patch(object_id, switch("True")).json["active"] is True
    if disable == "None":
        assert target.state() == still
    else:
        assert named(target, name)[0]["IsActive"].lower() in ON


@pytest.mark.parametrize("delete", FLOWS)
@pytest.mark.parametrize("disable", FLOWS)
def test_deleting_does_to_the_target_what_its_flow_says_and_ends_the_user_for_the_client(
    estate: Any, kind: str, disable: str, delete: str, person: dict[str, Any], named: Any
) -> None:
    connector = f"{kind}{disable}{delete}"
    client, target = estate.host.client(connector), estate.targets[connector]
    object_id, name = client.created(person), person["userName"]
    total = client.get("/Users?count=0").json["totalResults"]
    (before,) = named(target, name)
    still = target.state()

    assert client.delete(object_id).status == 204

    assert client.user(object_id).status == 404
    assert client.delete(object_id).status == 404
    assert client.patch(object_id, switch("False")).status == 404
    assert client.get("/Users?count=0").json["totalResults"] == total - 1
    if delete == "Delete":
        assert named(target, name) == []
        assert client.matched(name) == []
        assert client.created(person) != object_id
        return
    if delete == "None":
        assert target.state() == still
    else:
        assert named(target, name) == [before | {"Terminated": "yes"}]
    # The target still has this person: a match links them again, so that Entra does not try to create a second one.
    (again,) = client.matched(name)
    assert again["id"] == object_id
    assert client.user(object_id).json == again
    assert client.get("/Users?count=0").json["totalResults"] == total


def test_creating_somebody_whom_the_target_kept_is_a_conflict_that_a_match_resolves(
    estate: Any, kind: str, person: dict[str, Any], named: Any
) -> None:
    connector = f"{kind}SetSet"
    client, target = estate.host.client(connector), estate.targets[connector]
    object_id = client.created(person)
    assert client.delete(object_id).status == 204

    assert client.create(person).status == 409
    assert len(named(target, person["userName"])) == 1
    assert [one["id"] for one in client.matched(person["userName"])] == [object_id]


@pytest.mark.parametrize("connector", ["", "Mapped", "NoneDelete"], ids=["by_flow", "mapped", "kept_by_the_host"])
@pytest.mark.parametrize(("enabling", "disabling"), list(zip(*SPELLINGS, strict=True)))
def test_active_is_understood_in_every_spelling_and_shown_as_a_boolean(
    estate: Any, kind: str, connector: str, enabling: object, disabling: object, person: dict[str, Any], named: Any
) -> None:
    name = f"{kind}{connector}"
    client, target = estate.host.client(name), estate.targets[name]

    def in_target() -> str:
        value: str = named(target, person["userName"])[0]["IsActive"]
        return value.lower()

    created = client.create(person | {"active": disabling})
    assert (created.status, created.json["active"]) == (201, False)
    object_id = created.json["id"]
    assert connector == "NoneDelete" or in_target() in OFF
    for value, shown in ((enabling, True), (disabling, False), (enabling, True)):
        assert client.patch(object_id, switch(value)).json["active"] is shown
        assert client.user(object_id).json["active"] is shown
        assert connector == "NoneDelete" or in_target() in (ON if shown else OFF)
    pathless = client.patch(object_id, {"op": "replace", "value": {"active": disabling}})
    assert pathless.json["active"] is False
    (found,) = client.search(f'userName eq "{person["userName"]}" and active eq "{disabling}"').resources
    assert found["active"] is False
    assert client.put(object_id, person | {"active": enabling}).json["active"] is True


@pytest.mark.parametrize("connector", ["", "Mapped", "NoneDelete"], ids=["by_flow", "mapped", "kept_by_the_host"])
def test_a_value_of_active_that_is_no_boolean_is_refused_and_changes_nothing(
    estate: Any, kind: str, connector: str, person: dict[str, Any]
) -> None:
    name = f"{kind}{connector}"
    client, target = estate.host.client(name), estate.targets[name]
    object_id = client.created(person)
    still = target.state()

    for value in ("maybe", 7, 1.5, [True, False]):
        refused = client.patch(object_id, switch(value), {"op": "Replace", "path": "title", "value": "Mistress"})
        assert (refused.status, refused.json["scimType"]) == (400, "invalidValue"), value

    assert target.state() == still
    assert client.user(object_id).json["active"] is True


def test_a_disable_together_with_other_changes_is_one_write(
    estate: Any, kind: str, person: dict[str, Any], named: Any
) -> None:
    client, target = estate.host.client(kind), estate.targets[kind]
    object_id = client.created(person)
    before = client.user(object_id).version

    answer = client.patch(object_id, switch(False), {"op": "Replace", "path": "title", "value": "Emerita"})

    assert (answer.json["active"], answer.json["title"]) == (False, "Emerita")
    (row,) = named(target, person["userName"])
    assert (row["Title"], row["IsActive"].lower() in OFF) == ("Emerita", True)
    assert int(answer.version.rpartition("-")[2].strip('"')) == int(before.rpartition("-")[2].strip('"')) + 1


def test_what_was_kept_beside_a_user_survives_an_import_and_a_restart(
    home: Any, start: Any, kind: str, person: dict[str, Any]
) -> None:
    home.connect("people", home.target(kind, "people"), disable='"none"')
    host = start(home)
    client = host.client("people")
    object_id = client.created(person)
    disabled = client.patch(object_id, switch(False)).json
    assert home.command("import", "people").returncode == 0
    assert client.user(object_id).json == disabled
    assert host.stop() == 0

    client = start(home).client("people")

    again = client.user(object_id).json
    assert (again["active"], again["meta"]["version"]) == (False, disabled["meta"]["version"])
