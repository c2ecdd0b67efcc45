import copy
import time
from typing import Any

import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.patch import Operation, Patched, apply_patch
from ecmahost_core.scim.resource import ResourceType
from ecmahost_core.scim.schemas import Attribute, Schema

ECMA = urns.ECMA2HOST_USER
ENTERPRISE = urns.ENTERPRISE_USER

WORK = {"type": "work", "value": "w@example.com", "primary": True}
HOME = {"type": "home", "value": "h@example.com"}


def after(resource: dict[str, Any], resource_type: ResourceType, *operations: Operation) -> dict[str, Any]:
    before = copy.deepcopy(resource)
    patched = apply_patch(resource, operations, resource_type)
    assert patched.ignored == ()
    assert resource == before
    return patched.resource


def refusal(resource: dict[str, Any], resource_type: ResourceType, *operations: Operation) -> tuple[str | None, str]:
    before = copy.deepcopy(resource)
    with pytest.raises(ScimError) as caught:
        apply_patch(resource, operations, resource_type)
    assert resource == before
    assert caught.value.status == 400
    return caught.value.scim_type, caught.value.detail


PLAIN_ROLES = ResourceType(
    "User",
    "/Users",
    Schema(
        urns.USER,
        "User",
        "",
        (
            Attribute("title"),
            Attribute("roles", type="complex", multi_valued=True, sub_attributes=(Attribute("value"),)),
        ),
    ),
)
"""Roles of which none can be said to be the primary one."""
PRIMARY_ROLE = 'roles[primary eq "True"].value'


@pytest.mark.parametrize("op", ["add", "replace"])
def test_the_primary_one_of_values_that_do_not_say_which_is_the_only_one_or_is_made(op: str) -> None:
    operations = [Operation(op, PRIMARY_ROLE, "R"), Operation(op, "title", "t")]
    assert after({}, PLAIN_ROLES, *operations) == {"roles": [{"value": "R"}], "title": "t"}
    assert after({"roles": [{"value": "a"}]}, PLAIN_ROLES, *operations) == {"roles": [{"value": "R"}], "title": "t"}
    assert refusal({"roles": [{"value": "a"}, {"value": "b"}]}, PLAIN_ROLES, *operations)[0] == "noTarget"


def test_a_filter_for_the_primary_one_of_a_type_means_that_type_where_no_value_says_which_is() -> None:
    subs = (Attribute("value"), Attribute("type"))
    phones = Attribute("phoneNumbers", type="complex", multi_valued=True, sub_attributes=subs)
    people = ResourceType("User", "/Users", Schema(urns.USER, "User", "", (phones,)))
    operation = Operation("replace", 'phoneNumbers[type eq "work" and primary eq true].value', "2")
    home, work = {"type": "home", "value": "1"}, {"type": "work", "value": "2"}
    for present in ([home], [home, {"type": "work", "value": "1"}]):
        patched = apply_patch({"phoneNumbers": present}, [operation], people)
        assert patched.resource == {"phoneNumbers": [home, work]}
        assert patched.ignored == ("phoneNumbers.primary",)


def test_of_several_values_that_do_not_say_which_is_the_primary_one_none_is_removed() -> None:
    operation = Operation("remove", PRIMARY_ROLE)
    assert after({"roles": [{"value": "a"}]}, PLAIN_ROLES, operation) == {}
    several = {"roles": [{"value": "a"}, {"value": "b"}]}
    assert after(several, PLAIN_ROLES, operation) == several
    other = Operation("remove", 'roles[primary eq "False"].value')
    untouched = apply_patch({"roles": [{"value": "a"}]}, [other], PLAIN_ROLES)
    assert (untouched.resource, untouched.ignored) == ({"roles": [{"value": "a"}]}, ("roles.primary",))


def test_a_value_that_a_filter_names_and_that_is_not_there_is_no_target(user_type: ResourceType) -> None:
    operation = Operation("replace", 'emails[value eq "nobody@example.com"].primary', value=True)
    assert refusal({"emails": [WORK, HOME]}, user_type, operation)[0] == "noTarget"


@pytest.mark.parametrize("path", ['emails[hair eq "red"]', 'emails[hair eq "red" or not (hair pr)].value'])
def test_what_a_filter_asks_for_and_no_value_can_have_is_named(user_type: ResourceType, path: str) -> None:
    patched = apply_patch({"emails": [HOME]}, [Operation("remove", path)], user_type)
    assert patched.ignored == ("emails.hair",)


class TestAdd:
    def test_to_a_simple_attribute_sets_it(self, user_type: ResourceType) -> None:
        assert after({"title": "a"}, user_type, Operation("add", "title", "b")) == {"title": "b"}

    def test_to_a_complex_attribute_merges_the_sub_attributes(self, user_type: ResourceType) -> None:
        operation = Operation("add", "name", {"givenName": "g", "familyName": None})
        before = {"name": {"familyName": "f", "middleName": "m"}}
        assert after(before, user_type, operation) == {"name": {"middleName": "m", "givenName": "g"}}

    def test_of_a_sub_attribute_creates_its_parent(self, user_type: ResourceType) -> None:
        assert after({}, user_type, Operation("add", "name.givenName", "g")) == {"name": {"givenName": "g"}}

    def test_never_fills_unset_sub_attributes_with_null(self, user_type: ResourceType) -> None:
        operation = Operation("add", "emails", [{"value": "a", "display": None}])
        assert after({}, user_type, operation) == {"emails": [{"value": "a"}]}

    def test_to_several_values_appends_what_is_not_there(self, user_type: ResourceType) -> None:
        other = {"type": "other", "value": "w@example.com"}
        operation = Operation("add", "emails", [HOME, other, {"value": "W@EXAMPLE.COM "}])
        assert after({"emails": [WORK, HOME]}, user_type, operation) == {"emails": [WORK, HOME, other]}

    def test_to_several_values_takes_over_what_an_equal_value_adds(self, user_type: ResourceType) -> None:
        operation = Operation("add", "emails", [{"value": "H@example.com", "display": "Home"}])
        assert after({"emails": [HOME]}, user_type, operation) == {"emails": [HOME | {"display": "Home"}]}

    def test_to_values_without_a_value_of_their_own_compares_them_whole(self, user_type: ResourceType) -> None:
        berlin, rome = {"locality": "Berlin"}, {"locality": "Rome"}
        operation = Operation("add", "addresses", [berlin, rome])
        assert after({"addresses": [berlin]}, user_type, operation) == {"addresses": [berlin, rome]}

    def test_to_simple_values_appends_what_is_not_there(self, ecma_type: ResourceType) -> None:
        operation = Operation("add", f"{ECMA}:tags", ["RED", "blue", "Blue"])
        assert after({ECMA: {"tags": ["red"]}}, ecma_type, operation) == {ECMA: {"tags": ["red", "blue"]}}

    def test_of_one_value_takes_it_without_an_array(self, ecma_type: ResourceType) -> None:
        assert after({}, ecma_type, Operation("add", f"{ECMA}:tags", "red")) == {ECMA: {"tags": ["red"]}}

    def test_to_a_filtered_path_merges_into_the_value(self, user_type: ResourceType) -> None:
        operation = Operation("add", 'emails[type eq "home"]', {"display": "Home"})
        expected = {"emails": [WORK, HOME | {"display": "Home"}]}
        assert after({"emails": [WORK, HOME]}, user_type, operation) == expected

    def test_to_a_sub_attribute_without_filter_sets_it_in_all_values(self, user_type: ResourceType) -> None:
        operation = Operation("add", "emails.display", "x")
        expected = {"emails": [WORK | {"display": "x"}, HOME | {"display": "x"}]}
        assert after({"emails": [WORK, HOME]}, user_type, operation) == expected
        assert after({}, user_type, Operation("add", "emails.value", "v")) == {"emails": [{"value": "v"}]}

    def test_to_a_whole_extension_sets_its_attributes(self, user_type: ResourceType) -> None:
        operation = Operation("add", ENTERPRISE, {"department": "d", "manager.value": "26"})
        expected = {ENTERPRISE: {"costCenter": "c", "department": "d", "manager": {"value": "26"}}}
        assert after({ENTERPRISE: {"costCenter": "c"}}, user_type, operation) == expected

    def test_to_the_core_urn_sets_core_attributes(self, user_type: ResourceType) -> None:
        assert after({}, user_type, Operation("add", urns.USER, {"title": "t"})) == {"title": "t"}


class TestReplace:
    def test_of_a_complex_attribute_keeps_what_it_does_not_name(self, user_type: ResourceType) -> None:
        operation = Operation("replace", "name", {"givenName": "g"})
        assert after({"name": {"familyName": "f", "givenName": "x"}}, user_type, operation) == {
            "name": {"familyName": "f", "givenName": "g"}
        }

    def test_of_several_values_replaces_all_of_them(self, user_type: ResourceType) -> None:
        assert after({"emails": [WORK]}, user_type, Operation("replace", "emails", [HOME])) == {"emails": [HOME]}
        assert after({"emails": [WORK]}, user_type, Operation("replace", "emails", [])) == {}

    def test_of_a_filtered_path_replaces_the_value_and_keeps_what_the_filter_asks_for(
        self, user_type: ResourceType
    ) -> None:
        operation = Operation("replace", 'emails[type eq "work"]', {"value": "n"})
        assert after({"emails": [WORK, HOME]}, user_type, operation) == {
            "emails": [{"type": "work", "value": "n"}, HOME]
        }

    def test_of_a_filtered_path_with_a_value_in_an_array_takes_it(self, user_type: ResourceType) -> None:
        operation = Operation("replace", 'emails[type eq "home"]', [{"type": "other", "value": "n"}])
        assert after({"emails": [HOME]}, user_type, operation) == {"emails": [{"type": "other", "value": "n"}]}

    def test_of_a_filtered_path_changes_every_value_that_matches(self, user_type: ResourceType) -> None:
        operation = Operation("replace", 'emails[value co "example"].display', "x")
        expected = {"emails": [WORK | {"display": "x"}, HOME | {"display": "x"}]}
        assert after({"emails": [WORK, HOME]}, user_type, operation) == expected

    def test_of_a_filtered_simple_value_replaces_it(self, ecma_type: ResourceType) -> None:
        operation = Operation("replace", f'{ECMA}:tags[value eq "RED"]', "blue")
        assert after({ECMA: {"tags": ["red", "green"]}}, ecma_type, operation) == {ECMA: {"tags": ["blue", "green"]}}

    def test_of_a_filtered_path_creates_all_that_the_filter_asks_for(self, user_type: ResourceType) -> None:
        operation = Operation("replace", 'emails[type eq "work" and primary eq "true"].value', "n")
        expected = {"emails": [HOME, {"type": "work", "primary": True, "value": "n"}]}
        assert after({"emails": [HOME]}, user_type, operation) == expected

    @pytest.mark.parametrize(
        "value_filter",
        [
            'value co "x"',
            'type eq "a" or type eq "b"',
            'not (type eq "a")',
            "display pr",
            "type eq null",
            'type eq "a" and type eq "b"',
            'colour eq "red"',
            'type eq "a" and (display eq "b" or display eq "c")',
        ],
    )
    def test_of_a_filter_that_says_not_what_to_create_has_no_target(
        self, user_type: ResourceType, value_filter: str
    ) -> None:
        scim_type, detail = refusal({}, user_type, Operation("replace", f"emails[{value_filter}].value", "x"))
        assert scim_type == "noTarget"
        assert detail == "No value of emails.value matches the filter of the path."

    def test_with_null_or_blank_clears(self, user_type: ResourceType) -> None:
        before = {"title": "t", "emails": [WORK, HOME], "name": {"givenName": "g"}}
        for blank in (None, ""):
            assert after(
                before,
                user_type,
                Operation("replace", "title", blank),
                Operation("replace", 'emails[type eq "home"]', blank),
                Operation("replace", "name.givenName", blank),
            ) == {"emails": [WORK]}
            assert after(before, user_type, Operation("replace", "name", {"givenName": blank})) == {
                "title": "t",
                "emails": [WORK, HOME],
            }

    def test_of_a_single_value_with_an_empty_array_clears(self, user_type: ResourceType) -> None:
        assert after({"title": "t", ENTERPRISE: {"manager": {"value": "1"}}}, user_type,
                     Operation("replace", "title", []), Operation("replace", "manager", [])) == {}  # fmt: skip


class TestRemove:
    def test_of_an_attribute_removes_it(self, user_type: ResourceType) -> None:
        before = {"userName": "a", "title": "t", "emails": [WORK]}
        operations = (Operation("remove", "title"), Operation("remove", "emails"))
        assert after(before, user_type, *operations) == {"userName": "a"}

    def test_of_what_is_absent_is_no_error(self, user_type: ResourceType) -> None:
        paths = (
            "title",
            "name",
            "name.givenName",
            "emails",
            'emails[type eq "x"]',
            "emails.value",
            "manager",
            ENTERPRISE,
        )
        operations = [Operation("remove", path, None, has_value=False) for path in paths]
        assert after({"userName": "a"}, user_type, *operations) == {"userName": "a"}

    def test_of_a_single_value_does_not_look_at_the_value_sent_along(self, user_type: ResourceType) -> None:
        assert after({"title": "t"}, user_type, Operation("remove", "title", "other")) == {}

    def test_with_value_on_a_filtered_path_never_writes_that_value(self, user_type: ResourceType) -> None:
        before = {"emails": [WORK, HOME]}
        assert after(before, user_type, Operation("remove", 'emails[type eq "work"].value', "w@example.com")) == {
            "emails": [HOME]
        }
        assert after(before, user_type, Operation("remove", 'emails[type eq "x"].value', "n")) == before
        assert after(before, user_type, Operation("remove", 'emails[type eq "home"]', [HOME])) == {"emails": [WORK]}

    def test_of_the_last_sub_attribute_removes_the_complex_value(self, user_type: ResourceType) -> None:
        assert after({"name": {"givenName": "g"}}, user_type, Operation("remove", "name.givenName")) == {}

    def test_of_a_sub_attribute_leaves_values_that_still_say_something(self, user_type: ResourceType) -> None:
        address = {"type": "work", "locality": "Berlin", "country": "DE"}
        operation = Operation("remove", 'addresses[type eq "work"].locality')
        assert after({"addresses": [address]}, user_type, operation) == {
            "addresses": [{"type": "work", "country": "DE"}]
        }

    def test_of_a_sub_attribute_without_filter_removes_it_from_all_values(self, user_type: ResourceType) -> None:
        operation = Operation("remove", "emails.type")
        assert after({"emails": [WORK, HOME, {"value": "z"}]}, user_type, operation) == {
            "emails": [{"value": "w@example.com", "primary": True}, {"value": "h@example.com"}, {"value": "z"}]
        }

    def test_with_values_removes_those_that_they_name(self, user_type: ResourceType) -> None:
        before = {"emails": [WORK, HOME, {"value": "w@example.com", "type": "other"}]}
        assert after(before, user_type, Operation("remove", "emails", [{"value": "W@example.com"}])) == {
            "emails": [HOME]
        }
        named = [{"value": "w@example.com", "type": "other"}]
        assert after(before, user_type, Operation("remove", "emails", named)) == {"emails": [WORK, HOME]}
        assert after(before, user_type, Operation("remove", "emails", {"type": "home"})) == {
            "emails": [WORK, before["emails"][2]]
        }

    def test_with_simple_values_removes_those(self, ecma_type: ResourceType) -> None:
        before = {ECMA: {"tags": ["red", "green"]}}
        assert after(before, ecma_type, Operation("remove", f"{ECMA}:tags", "RED")) == {ECMA: {"tags": ["green"]}}
        assert after(before, ecma_type, Operation("remove", f"{ECMA}:tags", ["red", "green", "blue"])) == {}

    def test_of_a_whole_extension_removes_it(self, user_type: ResourceType) -> None:
        before = {"title": "t", ENTERPRISE: {"department": "d", "manager": {"value": "26"}}}
        assert after(before, user_type, Operation("remove", ENTERPRISE)) == {"title": "t"}

    @pytest.mark.parametrize("path", [None, "", "  "])
    def test_without_path_has_no_target(self, user_type: ResourceType, path: str | None) -> None:
        assert refusal({}, user_type, Operation("remove", path, {"title": "t"}))[0] == "noTarget"

    def test_of_the_whole_core_has_no_target(self, user_type: ResourceType) -> None:
        assert refusal({}, user_type, Operation("remove", urns.USER))[0] == "noTarget"


class TestPathless:
    def test_replace_changes_what_it_names_and_nothing_else(self, user_type: ResourceType) -> None:
        value = {
            "TITLE": "t",
            "name": {"givenName": "g"},
            "name.middleName": "m",
            "emails": [HOME],
            'phoneNumbers[type eq "work"].value': "1",
            ENTERPRISE.upper(): {"department": "d", "manager.value": "26"},
            f"{ENTERPRISE}:costCenter": "c",
            urns.USER: {"nickName": "n"},
        }
        before = {"userName": "a", "emails": [WORK], "name": {"familyName": "f"}}
        assert after(before, user_type, Operation("replace", None, value)) == {
            "userName": "a",
            "title": "t",
            "name": {"familyName": "f", "givenName": "g", "middleName": "m"},
            "emails": [HOME],
            "phoneNumbers": [{"type": "work", "value": "1"}],
            ENTERPRISE: {"department": "d", "manager": {"value": "26"}, "costCenter": "c"},
            "nickName": "n",
        }

    def test_add_appends_to_several_values(self, user_type: ResourceType) -> None:
        operation = Operation("add", None, {"emails": [HOME]})
        assert after({"emails": [WORK]}, user_type, operation) == {"emails": [WORK, HOME]}

    @pytest.mark.parametrize("value", [None, "text", [], 5, True])
    def test_value_has_to_be_an_object(self, user_type: ResourceType, value: Any) -> None:
        assert refusal({}, user_type, Operation("add", None, value))[0] == "invalidValue"
        assert refusal({}, user_type, Operation("replace", None, {ENTERPRISE: value or 7}))[0] == "invalidValue"

    def test_value_may_echo_what_only_the_server_sets(self, user_type: ResourceType) -> None:
        before = {"id": "1", "meta": {"version": "1"}, "groups": [{"value": "g"}]}
        value = {
            "schemas": ["x"],
            "id": "other",
            "meta": {"version": "2"},
            "meta.version": "3",
            "groups": [{"value": "g"}],
        }
        assert after(before, user_type, Operation("replace", None, value)) == before


class TestMutability:
    @pytest.mark.parametrize(
        ("operation", "name"),
        [
            (Operation("replace", "id", "2"), "id"),
            (Operation("remove", "id"), "id"),
            (Operation("replace", "meta.version", "2"), "meta.version"),
            (Operation("replace", "meta", {"version": "2"}), "meta"),
            (Operation("add", f"{ENTERPRISE}:manager.displayName", "x"), f"{ENTERPRISE}:manager.displayName"),
        ],
    )
    def test_what_is_read_only_cannot_be_changed(
        self, user_type: ResourceType, operation: Operation, name: str
    ) -> None:
        before = {"id": "1", "meta": {"version": "1"}, "groups": [{"value": "g"}]}
        assert refusal(before, user_type, operation) == ("mutability", f"{name} is read-only.")

    @pytest.mark.parametrize(
        "operation",
        [
            Operation("add", "groups", [{"value": "other"}]),
            Operation("replace", None, {"groups": []}),
            Operation("replace", 'groups[value eq "g"].display', "x"),
            Operation("remove", "groups"),
        ],
    )
    def test_the_groups_of_a_user_are_changed_at_the_groups_and_passed_over_here(
        self, user_type: ResourceType, operation: Operation
    ) -> None:
        before = {"id": "1", "groups": [{"value": "g"}]}
        assert after(before, user_type, operation) == before

    @pytest.mark.parametrize(
        "operation",
        [
            Operation("replace", "id", "1"),
            Operation("replace", "meta", {"version": "1"}),
            Operation("replace", "meta.version", "1"),
            Operation("remove", "meta.created"),
            Operation("add", "schemas", ["urn:x"]),
            Operation("remove", "schemas"),
        ],
    )
    def test_what_is_read_only_may_be_sent_as_it_is(self, user_type: ResourceType, operation: Operation) -> None:
        before = {"id": "1", "meta": {"version": "1"}, "groups": [{"value": "g"}]}
        assert after(before, user_type, operation) == before

    def test_read_only_sub_attributes_of_a_value_are_passed_over(self, user_type: ResourceType) -> None:
        operation = Operation("replace", "manager", {"value": "27", "displayName": "New Boss"})
        before = {ENTERPRISE: {"manager": {"value": "26", "displayName": "Boss", "$ref": "../26"}}}
        assert after(before, user_type, operation) == {ENTERPRISE: {"manager": {"value": "27"}}}

    def test_the_same_manager_keeps_its_name(self, user_type: ResourceType) -> None:
        before = {ENTERPRISE: {"manager": {"value": "26", "displayName": "Boss"}}}
        for value in ("26", {"value": "26"}, [{"$ref": None, "value": "26"}]):
            assert after(before, user_type, Operation("replace", "manager", value)) == before
        assert after(before, user_type, Operation("replace", "manager.value", "26")) == before

    def test_what_is_immutable_can_be_set_once(self, ecma_type: ResourceType) -> None:
        path = f"{ECMA}:-dn-"
        once = after({}, ecma_type, Operation("add", path, "CN=a"))
        assert once == {ECMA: {"-dn-": "CN=a"}}
        assert after(once, ecma_type, Operation("replace", path, "CN=a")) == once
        expected = ("mutability", f"{path} cannot be changed once it is set.")
        assert refusal(once, ecma_type, Operation("replace", path, "CN=b")) == expected
        assert refusal(once, ecma_type, Operation("remove", path)) == expected

    def test_an_immutable_sub_attribute_can_be_set_once(self, group_type: ResourceType) -> None:
        before = {"members": [{"value": "1"}]}
        typed = after(before, group_type, Operation("add", 'members[value eq "1"].type', "User"))
        assert typed == {"members": [{"value": "1", "type": "User"}]}
        assert refusal(typed, group_type, Operation("replace", 'members[value eq "1"].type', "Group")) == (
            "mutability",
            "members.type cannot be changed once it is set.",
        )

    @pytest.mark.parametrize(
        "operation",
        [
            Operation("remove", "userName"),
            Operation("replace", "userName", ""),
            Operation("replace", "userName", None),
            Operation("replace", None, {"userName": None}),
        ],
    )
    def test_what_is_required_cannot_be_removed(self, user_type: ResourceType, operation: Operation) -> None:
        expected = ("mutability", "userName is required and cannot be removed.")
        assert refusal({"userName": "a"}, user_type, operation) == expected
        assert after({}, user_type, operation) == {}


class TestPrimary:
    def test_a_new_primary_takes_it_from_the_old_one(self, user_type: ResourceType) -> None:
        demoted = WORK | {"primary": False}
        new = {"value": "n", "primary": True}
        assert after({"emails": [WORK, HOME]}, user_type, Operation("add", "emails", [new])) == {
            "emails": [demoted, HOME, new]
        }
        operation = Operation("replace", 'emails[type eq "home"].primary', "True")
        assert after({"emails": [WORK, HOME]}, user_type, operation) == {"emails": [demoted, HOME | {"primary": True}]}

    def test_an_equal_value_that_becomes_primary_takes_it_too(self, user_type: ResourceType) -> None:
        operation = Operation("add", "emails", [HOME | {"primary": True}])
        assert after({"emails": [WORK, HOME]}, user_type, operation) == {
            "emails": [WORK | {"primary": False}, HOME | {"primary": True}]
        }

    def test_two_at_once_are_refused(self, user_type: ResourceType) -> None:
        operation = Operation("replace", "emails", [WORK, HOME | {"primary": True}])
        assert refusal({}, user_type, operation)[0] == "invalidValue"

    def test_of_several_matches_the_first_becomes_primary(self, user_type: ResourceType) -> None:
        operation = Operation("replace", 'emails[value co "example"].primary', True)
        assert after({"emails": [HOME, HOME | {"value": "x@example.com"}]}, user_type, operation) == {
            "emails": [HOME | {"primary": True}, HOME | {"value": "x@example.com", "primary": False}]
        }

    def test_other_changes_leave_it_alone(self, user_type: ResourceType) -> None:
        stored = {"emails": [WORK, HOME | {"primary": True}]}
        operation = Operation("add", "emails", [{"value": "n"}])
        assert after(stored, user_type, operation) == {"emails": [*stored["emails"], {"value": "n"}]}


def test_all_operations_are_applied_or_none(user_type: ResourceType) -> None:
    operations = (Operation("replace", "title", "new"), Operation("add", "name", "no object"))
    assert refusal({"title": "old"}, user_type, *operations)[0] == "invalidValue"


def test_active_cannot_be_removed_and_null_leaves_it_as_it_is(user_type: ResourceType) -> None:
    disabled = {"userName": "x", "active": False}
    assert refusal(disabled, user_type, Operation("remove", "active"))[0] == "mutability"
    for blank in (None, "", []):
        assert after(disabled, user_type, Operation("replace", "active", blank)) == disabled
        assert after(disabled, user_type, Operation("replace", None, {"active": blank})) == disabled


def test_what_cannot_change_in_a_value_cannot_be_removed_from_it(group_type: ResourceType) -> None:
    group = {"displayName": "g", "members": [{"value": "1", "type": "User"}]}
    assert refusal(group, group_type, Operation("remove", 'members[value eq "1"].value'))[0] == "mutability"


def test_no_operations_change_nothing(user_type: ResourceType) -> None:
    assert apply_patch({"title": "t"}, (), user_type) == Patched({"title": "t"}, ())


def test_later_operations_see_what_earlier_ones_did(user_type: ResourceType) -> None:
    operations = (
        Operation("add", 'emails[type eq "work"].value', "a"),
        Operation("add", 'emails[type eq "work"].display', "d"),
        Operation("replace", 'emails[value eq "a"].type', "home"),
        Operation("remove", 'emails[type eq "work"]'),
    )
    assert after({}, user_type, *operations) == {"emails": [{"type": "home", "value": "a", "display": "d"}]}


@pytest.mark.parametrize(
    ("operation", "scim_type", "detail"),
    [
        (Operation("add", "title", None, has_value=False), "invalidValue", "A PATCH operation add needs a value."),
        (Operation("replace", "a b", "x"), "invalidPath", "The path cannot be read at character 2"),
        (Operation("add", "title", {"a": 1}), "invalidValue", "title wants a string, but an object was sent."),
        (Operation("add", "active", "maybe"), "invalidValue", "active wants true or false, but another string"),
        (
            Operation("add", f"{ENTERPRISE}:manager", ["1", "2"]),
            "invalidValue",
            f"{ENTERPRISE}:manager wants one object",
        ),
        (Operation("add", 'emails[type eq "a"]', [HOME, WORK]), "invalidValue", "emails wants one object here"),
        (Operation("add", 'emails[type eq "a"].value', {"x": 1}), "invalidValue", "emails.value wants a string"),
        (Operation("add", ENTERPRISE, "x"), "invalidValue", "A PATCH operation add without the path of an attribute"),
    ],
)
def test_what_cannot_be_applied_is_refused_by_name(
    user_type: ResourceType, operation: Operation, scim_type: str, detail: str
) -> None:
    refused_type, refused_detail = refusal({}, user_type, operation)
    assert refused_type == scim_type
    assert refused_detail.startswith(detail)


def test_fifty_thousand_members_cost_no_more_than_each_of_them(group_type: ResourceType) -> None:
    members = [{"value": f"u{number}"} for number in range(50_000)]
    others = [{"value": f"v{number}"} for number in range(50_000)]
    start = time.perf_counter()
    both = apply_patch({"members": members}, [Operation("add", "members", others)], group_type).resource
    left = apply_patch(both, [Operation("remove", "members", members)], group_type).resource
    assert left == {"members": others}
    assert time.perf_counter() - start < 20  # compared each with each it would be many minutes


def test_many_values_that_differ_little_are_not_compared_each_with_each(user_type: ResourceType) -> None:
    emails = [{"value": "same", "type": f"t{number}"} for number in range(20_000)]
    start = time.perf_counter()
    added = apply_patch({}, [Operation("add", "emails", emails)], user_type).resource
    assert len(added["emails"]) == 20_000
    assert apply_patch(added, [Operation("remove", "emails", emails)], user_type).resource == {}
    types = [{"type": f"t{number}"} for number in range(20_000)]
    assert apply_patch(added, [Operation("remove", "emails", types)], user_type).resource == {}
    assert time.perf_counter() - start < 20


def test_values_that_are_numbers_are_added_and_removed_by_number() -> None:
    ports = Attribute("ports", type="integer", multi_valued=True)
    resource_type = ResourceType("Site", "/Sites", Schema("urn:site", "Site", "", (ports,)))
    added = after({"ports": [80]}, resource_type, Operation("add", "ports", [80, "443", 1]))
    assert added == {"ports": [80, 443, 1]}
    assert after(added, resource_type, Operation("remove", "ports", ["80", 1])) == {"ports": [443]}


MANY = {"emails": [{"value": str(number)} for number in range(5000)]}


class TestWork:
    """A request is at most a megabyte; what it asks for may not take an hour."""

    FILTER = " or ".join(['value eq "x"'] * 400)

    @pytest.mark.parametrize(
        "operations",
        [
            [Operation("add", "emails", [{"value": str(number)}]) for number in range(18_000)],
            [Operation("add", f'emails[type eq "{number}"].value', "x") for number in range(15_000)],
            [Operation("replace", "emails.type", str(number)) for number in range(15_000)],
            [Operation("remove", f"emails[{FILTER}]")] * 120,
            [Operation("replace", None, {f"emails[{FILTER}].value": "x"})] * 120,
        ],
        ids=["values", "types", "all values", "filters", "filters as keys"],
    )
    def test_more_work_than_a_request_is_worth_is_refused_in_time(
        self, user_type: ResourceType, operations: list[Operation]
    ) -> None:
        began = time.monotonic()
        with pytest.raises(ScimError) as caught:
            apply_patch(MANY, operations, user_type)
        assert caught.value.status == 413
        assert time.monotonic() - began < 10

    def test_many_operations_that_are_little_work_are_done(self, user_type: ResourceType) -> None:
        operations = [Operation("replace", "title", str(number)) for number in range(5000)]
        assert after({}, user_type, *operations) == {"title": "4999"}
        members = [Operation("remove", f'emails[value eq "{number}"]') for number in range(20)]
        assert len(after(MANY, user_type, *members)["emails"]) == 4980
