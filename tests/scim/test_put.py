import pytest

from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.put import replaced
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.schemas import Attribute, Schema

URN = "urn:example:Badge:2.0:User"


def attribute(name, **more):
    return Attribute(name, **more)


CORE = Schema(
    USER.id,
    "User",
    "",
    (
        attribute("userName", required=True),
        attribute("nickName"),
        attribute("title", mutability="readOnly"),
        attribute("login", mutability="immutable"),
        attribute("password", mutability="writeOnly", returned="never"),
        attribute("active", type="boolean", required=True, defaulted=True),
        attribute("emails", type="complex", multi_valued=True, sub_attributes=(attribute("value"), attribute("type"))),
        attribute(
            "name",
            type="complex",
            sub_attributes=(
                attribute("givenName"),
                attribute("familyName", mutability="readOnly"),
                attribute("formatted", mutability="immutable"),
                attribute("middleName", required=True),
            ),
        ),
        attribute("groups", type="complex", mutability="readOnly", sub_attributes=(attribute("value"),)),
    ),
)
BADGE = Schema(
    URN,
    "Badge",
    "",
    (
        attribute("Number", mutability="immutable"),
        attribute("Colour"),
        attribute("active", type="boolean"),
        attribute("Level", required=True),
    ),
)
PERSON = ResourceType("User", "/Users", CORE, (BADGE,))
META = {"id": "1", "meta": {"resourceType": "User"}}


def put(before, body):
    return replaced({**META, **before}, body, PERSON)


def refused(before, body):
    with pytest.raises(ScimError) as caught:
        put(before, body)
    assert caught.value.status == 400
    return caught.value.scim_type, caught.value.detail


def test_what_the_body_has_replaces_and_what_it_has_not_is_cleared():
    before = {"userName": "bob", "nickName": "b", "emails": [{"value": "a"}], URN: {"Colour": "red"}}
    assert put(before, {"userName": "rob", "emails": [{"value": "b"}]}) == {
        **META,
        "userName": "rob",
        "emails": [{"value": "b"}],
    }


def test_neither_argument_is_changed():
    before, body = {**META, "userName": "bob", URN: {"Number": "7"}}, {"userName": "rob"}
    replaced(before, body, PERSON)
    assert before == {**META, "userName": "bob", URN: {"Number": "7"}}
    assert body == {"userName": "rob"}


def test_the_servers_own_attributes_stay_whatever_is_sent():
    before = {"userName": "bob", "title": "Chief", "groups": {"value": "g"}}
    body = {"userName": "bob", "id": "2", "meta": {"resourceType": "Robot"}, "title": "Clerk", "groups": {"value": "h"}}
    assert put(before, body) == {**META, **before}


def test_a_client_that_does_not_mention_active_disables_nobody():
    assert put({"userName": "bob", "active": True}, {"userName": "bob"})["active"] is True
    assert put({"userName": "bob", "active": False}, {"userName": "bob"})["active"] is False
    assert put({"userName": "bob", "active": True}, {"userName": "bob", "active": False})["active"] is False
    assert put({"userName": "bob", "active": False}, {"userName": "bob", "active": True})["active"] is True
    assert "active" not in put({"userName": "bob"}, {"userName": "bob"})


def test_an_attribute_of_an_extension_that_is_called_active_is_like_any_other():
    before = {"userName": "bob", URN: {"active": True, "Colour": "red"}}
    assert put(before, {"userName": "bob", URN: {"Colour": "red"}})[URN] == {"Colour": "red"}


def test_what_was_never_shown_cannot_be_missed():
    assert put({"userName": "bob", "password": "x"}, {"userName": "bob"})["password"] == "x"
    assert put({"userName": "bob", "password": "x"}, {"userName": "bob", "password": "y"})["password"] == "y"


def test_an_immutable_attribute_is_set_once_left_out_or_repeated():
    assert put({"userName": "bob"}, {"userName": "bob", "login": "x"})["login"] == "x"
    assert put({"userName": "bob", "login": "x"}, {"userName": "bob"})["login"] == "x"
    assert put({"userName": "bob", "login": "x"}, {"userName": "bob", "login": "x"})["login"] == "x"
    kind, detail = refused({"userName": "bob", "login": "x"}, {"userName": "bob", "login": "y"})
    assert kind == "mutability"
    assert detail.startswith("login is immutable")


def test_an_extensions_attribute_is_named_with_its_urn():
    kind, detail = refused({"userName": "bob", URN: {"Number": "7"}}, {"userName": "bob", URN: {"Number": "8"}})
    assert (kind, detail.split(" is ")[0]) == ("mutability", f"{URN}:Number")
    kind, detail = refused({"userName": "bob", URN: {"Level": "7"}}, {"userName": "bob"})
    assert (kind, detail.split(" is ")[0]) == ("invalidValue", f"{URN}:Level")


def test_an_immutable_attribute_of_an_extension_that_is_left_out_as_a_whole_stays():
    assert put({"userName": "bob", URN: {"Number": "7", "Colour": "red"}}, {"userName": "bob"})[URN] == {"Number": "7"}


def test_a_required_attribute_is_not_cleared():
    kind, detail = refused({"userName": "bob"}, {"nickName": "b"})
    assert kind == "invalidValue"
    assert detail.startswith("userName is required")


def test_the_same_holds_for_the_parts_of_a_single_complex_value():
    before = {"userName": "bob", "name": {"givenName": "A", "familyName": "B", "formatted": "A B"}}
    after = put(before, {"userName": "bob", "name": {"middleName": "M"}})
    assert after["name"] == {"familyName": "B", "formatted": "A B", "middleName": "M"}
    assert put(before, {"userName": "bob"})["name"] == {"familyName": "B", "formatted": "A B"}
    assert refused(before, {"userName": "bob", "name": {"formatted": "C"}})[1].startswith("name.formatted is immutable")
    required = {"userName": "bob", "name": {"middleName": "M"}}
    assert refused(required, {"userName": "bob"})[1].startswith("name.middleName is required")
    assert "name" not in put({"userName": "bob", "name": {"givenName": "A"}}, {"userName": "bob"})


@pytest.mark.parametrize(("body", "expected"), [({"externalId": "e2"}, "e2"), ({}, None), ({"externalId": None}, None)])
def test_the_clients_own_identifier_is_replaced_too(body, expected):
    after = put({"userName": "bob", "externalId": "e1"}, {"userName": "bob", **body})
    assert after.get("externalId") == expected
