import copy
from typing import Any

import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.resource import ResourceType, project, projection
from ecmahost_core.scim.schemas import Attribute, Schema

ECMA = urns.ECMA2HOST_USER
ENTERPRISE = urns.ENTERPRISE_USER

USER: dict[str, Any] = {
    "schemas": [urns.USER, ENTERPRISE],
    "id": "2819",
    "userName": "jyoung",
    "name": {"givenName": "J", "familyName": "Young"},
    "emails": [{"value": "w@example.com", "type": "work"}, {"value": "h@example.com"}, {"type": "other"}],
    "active": False,
    ENTERPRISE: {"department": "Tools", "manager": {"value": "26", "displayName": "Boss"}},
    "meta": {"resourceType": "User", "version": "1"},
}
BASE = {"schemas": USER["schemas"], "id": "2819"}


def test_everything_is_shown_by_default(user_type: ResourceType) -> None:
    assert project(USER, user_type) == USER
    assert project(USER, user_type, [], []) == USER


def test_what_is_never_returned_is_not_shown_even_when_asked_for(user_type: ResourceType) -> None:
    secret = USER | {"password": "x"}
    assert project(secret, user_type) == USER
    assert project(secret, user_type, ["password"]) == BASE
    assert project(secret, user_type, [], ["title"]) == USER


def test_what_is_returned_on_request_is_shown_when_asked_for_by_name(ecma_type: ResourceType) -> None:
    resource = {"id": "1", ECMA: {"Secret": "s", "Job": "j"}}
    assert project(resource, ecma_type) == {"id": "1", ECMA: {"Job": "j"}}
    assert project(resource, ecma_type, [f"{ECMA}:secret"]) == {"id": "1", ECMA: {"Secret": "s"}}
    assert project(resource, ecma_type, [ECMA]) == {"id": "1", ECMA: {"Job": "j"}}
    assert project({ECMA: {"Secret": "s"}}, ecma_type) == {}


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        (["id"], {}),
        (["userName"], {"userName": "jyoung"}),
        (["USERNAME", "unknown", "not[a path"], {"userName": "jyoung"}),
        (["active"], {"active": False}),
        (["name.familyName"], {"name": {"familyName": "Young"}}),
        (["name.familyName", "name"], {"name": USER["name"]}),
        (["name", "name.familyName"], {"name": USER["name"]}),
        (["name.familyName", "name.givenName"], {"name": USER["name"]}),
        (["emails.value"], {"emails": [{"value": "w@example.com"}, {"value": "h@example.com"}]}),
        ([f"{urns.USER}:userName"], {"userName": "jyoung"}),
        ([f"{ENTERPRISE}:manager.value"], {ENTERPRISE: {"manager": {"value": "26"}}}),
        (["manager"], {ENTERPRISE: {"manager": {"value": "26", "displayName": "Boss"}}}),
        ([ENTERPRISE], {ENTERPRISE: USER[ENTERPRISE]}),
        (["meta.version"], {"meta": {"version": "1"}}),
        (["title"], {}),
        (["name.middleName"], {}),
        (["unknown"], {}),
        ([urns.USER], {k: v for k, v in USER.items() if k not in (*BASE, ENTERPRISE)}),
    ],
)
def test_attributes_show_what_they_name_and_what_is_always_shown(
    user_type: ResourceType, attributes: list[str], shown: dict[str, Any]
) -> None:
    assert project(USER, user_type, attributes) == BASE | shown


@pytest.mark.parametrize(
    ("excluded", "hidden"),
    [
        (["userName"], {"userName": None}),
        (["id", "schemas", "unknown", "not[a path"], {}),
        (["name.familyName"], {"name": {"givenName": "J"}}),
        (["name.familyName", "name.givenName"], {"name": None}),
        (
            ["emails.type"],
            {"emails": [{"value": "w@example.com"}, {"value": "h@example.com"}]},
        ),
        ([f"{ENTERPRISE}:manager"], {ENTERPRISE: {"department": "Tools"}}),
        ([f"{ENTERPRISE}:manager", "department"], {ENTERPRISE: None}),
        ([ENTERPRISE], {ENTERPRISE: None}),
        (["meta", "title"], {"meta": None}),
    ],
)
def test_excluded_attributes_are_not_shown(
    user_type: ResourceType, excluded: list[str], hidden: dict[str, Any]
) -> None:
    expected = {key: value for key, value in (USER | hidden).items() if value is not None}
    assert project(USER, user_type, None, excluded) == expected


def test_both_parameters_at_once_are_refused(user_type: ResourceType) -> None:
    with pytest.raises(ScimError) as caught:
        projection(user_type, ["id"], ["name"])
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidValue")


def test_the_resource_is_not_changed(user_type: ResourceType) -> None:
    before = copy.deepcopy(USER)
    project(
        USER | {"password": "x"}, user_type, None, ["name.familyName", "emails.type", f"{ENTERPRISE}:manager.value"]
    )
    project(USER, user_type, ["name.familyName", "emails.type"])
    assert before == USER


def test_sub_attributes_that_are_always_returned_cannot_be_left_out() -> None:
    device = Attribute(
        "devices",
        type="complex",
        multi_valued=True,
        sub_attributes=(
            Attribute("serial", returned="always"),
            Attribute("colour"),
            Attribute("pin", returned="never"),
            Attribute("notes", returned="request"),
        ),
    )
    resource_type = ResourceType("Owner", "/Owners", Schema("urn:o", "Owner", "", (device,)))
    full = {"id": "1", "devices": [{"serial": "s", "colour": "red", "pin": "0000", "notes": "n"}]}
    assert project(full, resource_type) == {"id": "1", "devices": [{"serial": "s", "colour": "red"}]}
    assert project(full, resource_type, ["id"]) == {"id": "1", "devices": [{"serial": "s"}]}
    assert project(full, resource_type, ["devices.notes"]) == {"id": "1", "devices": [{"serial": "s", "notes": "n"}]}
    assert project(full, resource_type, ["devices"]) == {"id": "1", "devices": [{"serial": "s", "colour": "red"}]}
    assert project(full, resource_type, None, ["devices.serial", "devices.colour"]) == {
        "id": "1",
        "devices": [{"serial": "s"}],
    }


@pytest.mark.parametrize(
    ("attributes", "excluded", "wanted"),
    [
        ([], [], True),
        (["displayName"], [], False),
        (["members"], [], True),
        (["members.value"], [], True),
        ([], ["members"], False),
        ([], ["members.display"], True),
        ([], ["displayName"], True),
        ([urns.GROUP], [], True),
        ([], [urns.GROUP], False),
    ],
)
def test_a_projection_tells_beforehand_whether_an_attribute_is_wanted(
    group_type: ResourceType, attributes: list[str], excluded: list[str], wanted: bool
) -> None:
    members = group_type.lookup("members")
    assert members is not None
    assert projection(group_type, attributes, excluded).wants(members) is wanted


def test_what_is_always_or_never_returned_is_wanted_accordingly(ecma_type: ResourceType) -> None:
    def wanted(name: str, *attributes: str) -> bool:
        path = ecma_type.lookup(name)
        assert path is not None
        return projection(ecma_type, attributes).wants(path)

    assert wanted("id", "userName")
    assert not wanted("password", "password")
    assert not wanted(f"{ECMA}:Secret")
    assert wanted(f"{ECMA}:Secret", f"{ECMA}:Secret")
    assert not wanted(ECMA)
