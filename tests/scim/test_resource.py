import copy
from typing import Any

import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.resource import (
    ResourceType,
    canonical,
    missing,
    with_schemas,
    without_read_only,
)
from ecmahost_core.scim.schemas import Attribute
from ecmahost_core.scim.values import canonical_value

ECMA = urns.ECMA2HOST_USER
ENTERPRISE = urns.ENTERPRISE_USER


def resource_of(body: Any, resource_type: ResourceType) -> dict[str, Any]:
    return canonical(body, resource_type).resource


def test_names_are_brought_to_the_spelling_of_the_schema(user_type: ResourceType) -> None:
    body = {"USERNAME": "jyoung", "Name": {"GIVENNAME": "J"}, "emails": [{"VALUE": "j@example.com", "Type": "work"}]}
    assert resource_of(body, user_type) == {
        "userName": "jyoung",
        "name": {"givenName": "J"},
        "emails": [{"value": "j@example.com", "type": "work"}],
    }


def test_values_are_kept_exactly_as_sent(user_type: ResourceType) -> None:
    body = {"userName": "  Jyoung ", "title": "", "phoneNumbers": [{"value": "+49 (0) 7\u00a0"}]}
    assert resource_of(body, user_type) == body


@pytest.mark.parametrize(
    "body",
    [
        {ENTERPRISE: {"department": "Tools", "manager": {"value": "26"}}},
        {f"{ENTERPRISE}:department": "Tools", f"{ENTERPRISE}:manager": {"value": "26"}},
        {f"{ENTERPRISE}:department": "Tools", f"{ENTERPRISE}:manager.value": "26"},
        {ENTERPRISE.upper(): {"DEPARTMENT": "Tools", "manager.value": "26"}},
        {"urn:ietf:params:scim:schemas:extension:enterprise:2.0User": {"department": "Tools", "manager": "26"}},
        {"department": "Tools", "manager": [{"$ref": None, "value": "26"}]},
        {ENTERPRISE: {"department": "Tools"}, f"{ENTERPRISE}:manager": "26"},
        {f"{ENTERPRISE}:manager": "26", ENTERPRISE: {"department": "Tools"}},
    ],
)
def test_extension_attributes_come_to_stand_under_their_urn(user_type: ResourceType, body: dict[str, Any]) -> None:
    result = canonical(body, user_type)
    assert result.resource == {ENTERPRISE: {"department": "Tools", "manager": {"value": "26"}}}
    assert result.ignored == ()


def test_flat_keys_of_target_names_are_understood(ecma_type: ResourceType) -> None:
    body = {
        f"{ECMA}:Job Title": "Guide",
        f"{ECMA}:Job": "j",
        f"{ECMA}:-dn-": "CN=a",
        f"{ECMA}:street.name": "Main St",
        f"{ECMA}:street.number": "7",
        f"{ECMA}:dept:code": "d",
    }
    assert resource_of(body, ecma_type) == {
        ECMA: {
            "Job Title": "Guide",
            "Job": "j",
            "-dn-": "CN=a",
            "street.name": "Main St",
            "street": {"number": "7"},
            "dept:code": "d",
        }
    }


def test_core_attributes_under_the_core_urn_come_to_stand_at_the_top(user_type: ResourceType) -> None:
    body = {f"{urns.USER}:userName": "a", urns.USER: {"title": "t", "name.givenName": "g"}}
    assert resource_of(body, user_type) == {"userName": "a", "title": "t", "name": {"givenName": "g"}}


def test_dotted_keys_and_objects_are_merged(user_type: ResourceType) -> None:
    body = {"name.givenName": "dotted", "name": {"familyName": "Young"}, "name.familyName": "loses"}
    assert resource_of(body, user_type) == {"name": {"givenName": "dotted", "familyName": "Young"}}


def test_the_qualified_name_counts_before_the_one_that_left_its_urn_out(ecma_type: ResourceType) -> None:
    body = {"Job": "unqualified", f"{ECMA}:job": "qualified"}
    assert resource_of(body, ecma_type) == {ECMA: {"Job": "qualified"}}


def test_the_exact_spelling_counts_before_others(user_type: ResourceType) -> None:
    assert resource_of({"USERNAME": "other", "userName": "exact"}, user_type) == {"userName": "exact"}


def test_a_core_name_means_the_core_also_when_an_extension_has_it(ecma_type: ResourceType) -> None:
    assert resource_of({"title": "core", ECMA: {"title": "target"}}, ecma_type) == {
        "title": "core",
        ECMA: {"title": "target"},
    }


def test_what_is_unassigned_is_left_out(user_type: ResourceType) -> None:
    body = {
        "userName": "a",
        "title": None,
        "roles": [],
        "displayName": [],
        "addresses": None,
        "name": {"givenName": None},
        "emails": [None, {}, {"value": None}],
        "manager": "",
        ENTERPRISE: {"department": None},
    }
    assert canonical(body, user_type) == canonical({"userName": "a"}, user_type)
    assert resource_of({ENTERPRISE: None, urns.USER: None}, user_type) == {}


def test_unknown_attributes_are_named_and_left_out(user_type: ResourceType) -> None:
    result = canonical(
        {
            "userName": "a",
            "shoeSize": 7,
            "name": {"nick": "x"},
            "emails": [{"value": "v", "colour": "red"}, {"value": "w", "colour": "red"}],
            ENTERPRISE: {"floor": 3},
            f"{ENTERPRISE}:room": 1,
            "urn:example:unknown": {"a": 1},
            "emails.value": "flat",
            urns.USER + ":role": "r",
            urns.ENTERPRISE_USER.replace("2.0", "3.0"): 1,
        },
        user_type,
    )
    assert result.resource == {"userName": "a", "emails": [{"value": "v"}, {"value": "w"}]}
    assert result.ignored == (
        "shoeSize",
        "name.nick",
        "emails.colour",
        f"{ENTERPRISE}:floor",
        f"{ENTERPRISE}:room",
        "urn:example:unknown",
        f"{urns.USER}:role",
        "urn:ietf:params:scim:schemas:extension:enterprise:3.0:User",
        "emails.value",
    )


def test_a_very_long_unknown_name_is_cut(user_type: ResourceType) -> None:
    assert canonical({"x" * 5000: 1}, user_type).ignored == ("x" * 200,)


def test_an_extension_that_is_no_object_is_ignored(user_type: ResourceType) -> None:
    assert canonical({ENTERPRISE: "x"}, user_type).ignored == (ENTERPRISE,)


@pytest.mark.parametrize(("sent", "kept"), [("True", True), ("true", True), ("FALSE", False), (False, False)])
def test_booleans_sent_as_strings_become_booleans(user_type: ResourceType, sent: Any, kept: bool) -> None:
    assert resource_of({"active": sent}, user_type)["active"] is kept
    assert resource_of({"emails": [{"value": "v", "primary": sent}]}, user_type)["emails"][0]["primary"] is kept


@pytest.mark.parametrize(
    ("sent", "kept"), [("007", "007"), (7, "7"), (-1.5, "-1.5"), (True, "true"), (False, "false"), (2**63, str(2**63))]
)
def test_numbers_and_booleans_sent_for_a_string_become_their_json_text(
    user_type: ResourceType, sent: Any, kept: str
) -> None:
    assert resource_of({"title": sent, "name": {"givenName": sent}}, user_type) == {
        "title": kept,
        "name": {"givenName": kept},
    }


@pytest.mark.parametrize("sent", [1e22, -1e22, 2.0**53, 1e308])
def test_a_number_that_reading_has_rounded_is_no_string(user_type: ResourceType, sent: float) -> None:
    with pytest.raises(ScimError, match="title wants a string, but a number was sent"):
        resource_of({"title": sent}, user_type)


@pytest.mark.parametrize(("sent", "kept"), [(5, 5), ("5", 5), ("-12", -12), (5.0, 5), (2**63 - 1, 2**63 - 1)])
def test_integers_may_be_sent_as_strings(ecma_type: ResourceType, sent: Any, kept: int) -> None:
    value = resource_of({ECMA: {"Größe": sent}}, ecma_type)[ECMA]["Größe"]
    assert value == kept
    assert type(value) is int


@pytest.mark.parametrize(("sent", "kept"), [(1.5, 1.5), ("1.5", 1.5), (2, 2), ("-2e1", -20.0)])
def test_decimals_may_be_sent_as_strings(ecma_type: ResourceType, sent: Any, kept: float) -> None:
    assert resource_of({ECMA: {"Rate": sent}}, ecma_type) == {ECMA: {"Rate": kept}}


@pytest.mark.parametrize("kind", ["integer", "boolean", "decimal", "dateTime", "binary"])
@pytest.mark.parametrize("sent", ["007", 7, 1.5, True, "True", "2026-01-31", "abc"])
def test_a_value_that_is_to_come_back_as_it_was_sent_is_left_as_it_is(kind: Any, sent: Any) -> None:
    kept = canonical_value(Attribute("Level", type=kind, as_sent=True), sent, "", [])
    assert (kept, type(kept)) == (sent, type(sent))


@pytest.mark.parametrize("sent", [{"value": 7}, [7]])
def test_what_is_to_come_back_as_it_was_sent_is_one_simple_value(sent: Any) -> None:
    with pytest.raises(ScimError) as caught:
        canonical_value(Attribute("Level", type="integer", as_sent=True), sent, "", [])
    assert caught.value.scim_type == "invalidValue"
    assert canonical_value(Attribute("Level", type="integer", as_sent=True), "", "", []) is None


@pytest.mark.parametrize(
    "sent", ["abc", "", "1.5", 1.5, True, {}, [1, 2], 2**63, "9" * 19, "9" * 5000, "\u0661", float("nan"), float("inf")]
)
def test_what_is_no_integer_is_refused_or_unassigned(ecma_type: ResourceType, sent: Any) -> None:
    if sent == "":
        assert resource_of({ECMA: {"Größe": sent}}, ecma_type) == {}
        return
    with pytest.raises(ScimError) as caught:
        canonical({ECMA: {"Größe": sent}}, ecma_type)
    assert caught.value.scim_type == "invalidValue"
    assert f"{ECMA}:Größe wants an integer" in caught.value.detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"userName": {}}, "userName wants a string, but an object was sent."),
        ({"userName": ["a"]}, "userName wants a string, but an array of 1 values was sent."),
        ({"userName": float("nan")}, "userName wants a string, but a number was sent."),
        ({"userName": 10**5000}, "userName wants a string, but a number was sent."),
        ({"active": "yes"}, "active wants true or false, but another string was sent."),
        ({"active": 1}, "active wants true or false, but a number was sent."),
        ({"name": "Young"}, "name wants an object, but another string was sent."),
        ({"name": {"givenName": {}}}, "name.givenName wants a string, but an object was sent."),
        ({"emails": [["a"]]}, "emails wants an object, but an array of 1 values was sent."),
        ({"emails": [{"value": []}, {"value": {"a": 1}}]}, "emails.value wants a string, but an object was sent."),
        ({"profileUrl": 5}, "profileUrl wants a string (reference), but a number was sent."),
        ({"manager": ["a", "b"]}, f"{ENTERPRISE}:manager wants one object, but an array of 2 values was sent."),
        ({ENTERPRISE: {"manager": {"value": {}}}}, f"{ENTERPRISE}:manager.value wants a string, but an object"),
        (
            {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": "true"}]},
            "Only one value of emails can be the primary one.",
        ),
    ],
)
def test_a_wrong_type_is_refused_with_the_attribute_and_what_it_expects(
    user_type: ResourceType, body: dict[str, Any], detail: str
) -> None:
    with pytest.raises(ScimError) as caught:
        canonical(body, user_type)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidValue")
    assert caught.value.detail.startswith(detail)


def test_a_refused_value_is_not_repeated_in_the_error(user_type: ResourceType) -> None:
    with pytest.raises(ScimError) as caught:
        canonical({"password": {"hunter2": "hunter2"}}, user_type)
    assert "hunter2" not in caught.value.detail


@pytest.mark.parametrize("body", [None, [], "text", 5, True])
def test_a_body_that_is_no_object_is_invalid_syntax(user_type: ResourceType, body: Any) -> None:
    with pytest.raises(ScimError) as caught:
        canonical(body, user_type)
    assert caught.value.scim_type == "invalidSyntax"


def test_a_single_value_for_a_multi_valued_attribute_becomes_its_only_value(user_type: ResourceType) -> None:
    assert resource_of({"emails": {"value": "a"}, "roles": "admin"}, user_type) == {
        "emails": [{"value": "a"}],
        "roles": [{"value": "admin"}],
    }


def test_a_primary_that_is_no_boolean_is_left_out_and_named(user_type: ResourceType) -> None:
    result = canonical({"phoneNumbers": [{"value": "1", "primary": "1-648-081-5815"}]}, user_type)
    assert result.resource == {"phoneNumbers": [{"value": "1"}]}
    assert result.ignored == ("phoneNumbers.primary",)


@pytest.mark.parametrize("listed", [None, [], "text", [5], {}, ["urn:unknown"]])
def test_the_schemas_of_a_body_are_neither_required_nor_trusted(user_type: ResourceType, listed: Any) -> None:
    result = canonical({"schemas": listed, "userName": "a", "department": "d"}, user_type)
    assert result.resource == {"userName": "a", ENTERPRISE: {"department": "d"}}
    assert result.ignored == ()


def test_the_body_is_not_changed(user_type: ResourceType) -> None:
    body = {"userName": "a", "name": {"givenName": "g"}, "name.familyName": "f", "manager": "26"}
    before = copy.deepcopy(body)
    canonical(body, user_type)
    assert body == before


def test_schemas_list_the_core_and_each_extension_that_has_a_value(user_type: ResourceType) -> None:
    assert with_schemas({"schemas": ["old"], "userName": "a"}, user_type) == {
        "schemas": [urns.USER],
        "userName": "a",
    }
    assert with_schemas({ENTERPRISE: {"department": "d"}}, user_type)["schemas"] == [urns.USER, ENTERPRISE]
    assert with_schemas({ENTERPRISE: {}}, user_type)["schemas"] == [urns.USER]


def test_what_a_client_cannot_set_is_taken_out(ecma_type: ResourceType) -> None:
    resource = {
        "id": "1",
        "meta": {"resourceType": "User"},
        "externalId": "e",
        "groups": [{"value": "g"}],
        "name": {"givenName": "g"},
        ENTERPRISE: {"manager": {"value": "26", "displayName": "Boss"}},
        ECMA: {"_distinguishedName": "CN=a"},
    }
    assert without_read_only(resource, ecma_type) == {
        "externalId": "e",
        "name": {"givenName": "g"},
        ENTERPRISE: {"manager": {"value": "26"}},
    }


def test_read_only_sub_attributes_of_several_values_are_taken_out(group_type: ResourceType) -> None:
    resource = {"members": [{"value": "1", "display": "A"}, {"display": "B"}]}
    assert without_read_only(resource, group_type) == {"members": [{"value": "1"}]}


def test_missing_names_required_attributes_of_the_core_and_of_extensions_in_use(ecma_type: ResourceType) -> None:
    assert missing({}, ecma_type) == ("userName",)
    assert missing({"userName": ""}, ecma_type) == ("userName",)
    assert missing({"userName": "a", ECMA: {"Job": "j"}}, ecma_type) == (f"{ECMA}:ContosoLogin",)
    assert missing({"userName": "a", ECMA: {"ContosoLogin": "c"}}, ecma_type) == ()
