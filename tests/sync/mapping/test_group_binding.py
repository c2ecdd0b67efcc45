"""What a configuration of groups comes to: resource types, rows beside the mapping, and every mismatch by its place."""

from dataclasses import replace

import pytest

from ecmahost_core import AttributeType, Schema, SchemaAttribute
from ecmahost_core.configuration.model import SelectedAttribute
from ecmahost_core.ecma.schema import AttributeOperation
from ecmahost_core.errors import ConfigurationError
from ecmahost_core.scim import urns
from ecmahost_core.sync.examining.findings import host_findings
from ecmahost_core.sync.mapping.binder import bind

MANAGER = f"{urns.ENTERPRISE_USER}:manager"
MEMBERS = {"displayName": "Name", "members": "Members"}


@pytest.fixture
def bound(memory):
    def bind_all(changed=(), **settings):
        """The attributes are added to those of groups, or put in place of those of their names."""
        others = [one for one in memory.GROUPS.attributes if one.name not in {new.name for new in changed}]
        groups = replace(memory.GROUPS, attributes=(*others, *changed))
        return bind(memory.configuration_of(**settings), Schema((memory.EMPLOYEES, groups)))

    return bind_all


@pytest.fixture
def problems(bound):
    def mistakes(*given, **settings):
        with pytest.raises(ConfigurationError) as caught:
            bound(*given, **settings)
        return {(one.table, one.key): str(one) for one in caught.value.problems}

    return mistakes


def names(attribute):
    return [sub.name for sub in attribute.sub_attributes]


def test_members_stand_beside_the_mapping_and_name_users(bound):
    group = bound(groups=MEMBERS)["Group"]
    assert [row.text for row in group.mapping.rows] == ["displayName"]
    assert [row.text for row in group.links] == ["members"]
    assert (group.space_type.links, group.space_type.references) == (("Members",), ())
    assert group.space_type.scopes == (("Members", "User"),)
    assert group.resource_type.endpoint == "/Groups"
    members = group.resource_type.schema.attribute("members")
    assert (names(members), members.linked, members.mutability) == (
        ["value", "$ref", "type", "display"],
        True,
        "readWrite",
    )
    assert group.resource_type.schema.attribute("displayName").required
    assert group.resource_type.schema.attribute("displayName").uniqueness == "server"
    assert not group.can_be_disabled
    assert group.resource_type.schema.attribute("active") is None


def test_users_have_groups_where_groups_can_name_them(bound):
    users = bound(groups=MEMBERS)["User"]
    assert users.member_of == ("Members",)
    groups = users.resource_type.schema.attribute("groups")
    assert (groups.mutability, names(groups)) == ("readOnly", ["value", "$ref", "display", "type"])
    for mapping in ({"displayName": "Name"}, {"displayName": "Name", 'members[type eq "Group"]': "Parts"}):
        users = bound(groups=mapping)["User"]
        assert (users.member_of, users.resource_type.schema.attribute("groups")) == ((), None)


def test_groups_that_a_configuration_maps_itself_stay_what_it_says(bound, memory):
    users = bound(groups=MEMBERS, mapping={**memory.MAPPING, "groups": "Tags"})["User"]
    assert (users.member_of, users.groups_path) == ((), None)


def test_of_two_paths_by_type_each_has_its_own_attribute(bound):
    group = bound(
        groups={"displayName": "Name", 'members[type eq "User"]': "Members", 'members[type eq "group"]': "Parts"}
    )["Group"]
    assert [row.target.name for row in group.links] == ["Members", "Parts"]
    assert dict(group.space_type.scopes) == {"Members": "User", "Parts": "Group"}


def test_a_configuration_can_say_whose_objects_are_named(bound):
    plain = SchemaAttribute("Crew", multi_valued=True)
    for named in ("Employees", "User"):
        said = {"Crew": SelectedAttribute(AttributeType.REFERENCE, references=named)}
        group = bound((plain,), groups={"displayName": "Name", "members": "Crew"}, groups_attributes=said)["Group"]
        assert (group.space_type.links, group.space_type.scopes) == (("Crew",), (("Crew", "User"),))
    users = bound(
        attributes={"Boss": SelectedAttribute(references="User")}, mapping={"userName": "Login", MANAGER: "Boss"}
    )
    assert users["User"].space_type.scopes == (("Boss", "User"),)


def test_a_reference_is_an_object_with_an_id_and_a_url(bound, memory):
    users = bound(mapping={**memory.MAPPING, MANAGER: "Boss", f"{memory.CUSTOM}:Deputy": "Boss"})["User"]
    manager = users.resource_type.extension(urns.ENTERPRISE_USER).attribute("manager")
    deputy = users.resource_type.extension(memory.CUSTOM).attribute("Deputy")
    for attribute in (manager, deputy):
        assert (attribute.type, attribute.multi_valued, names(attribute)) == ("complex", False, ["value", "$ref"])
    assert [row.text for row in users.references] == [MANAGER, f"{memory.CUSTOM}:Deputy"]


def test_members_that_the_target_only_tells_of_are_read_only(bound, memory):
    fixed = replace(memory.GROUPS.attribute("Members"), operation=AttributeOperation.IMPORT_ONLY)
    group = bound((fixed,), groups=MEMBERS)["Group"]
    assert group.resource_type.schema.attribute("members").mutability == "readOnly"


MISTAKES = [
    ({"members.value": "Members"}, "members.value", "members"),
    ({'members[display eq "x"]': "Members"}, 'members[display eq "x"]', "members"),
    ({'members[type eq "Device"]': "Members"}, 'members[type eq "Device"]', "members"),
    ({"externalId": "Members"}, "externalId", "members"),
    ({"members": "Owner"}, "members", "an attribute with one value, such as manager"),
    ({'members[type eq "User"]': "Members", "members": "Members"}, "members", "that no other path has"),
]


@pytest.mark.parametrize(("mapping", "key", "expected"), MISTAKES)
def test_a_path_that_cannot_hold_references_is_told_with_one_that_can(problems, mapping, key, expected):
    line = problems(groups={"displayName": "Name", **mapping})["schema_mapping.Group", key]
    assert expected in line


def test_references_to_what_is_not_configured_are_told(problems, bound, memory):
    other = replace(memory.GROUPS.attribute("Members"), references="Devices")
    assert "Devices" in problems((other,), groups=MEMBERS)["schema_mapping.Group", "members"]
    said = {"Members": SelectedAttribute(references="Employes")}
    line = problems(groups=MEMBERS, groups_attributes=said)["object_types.Group", "attributes.Members.references"]
    assert "'Employees'" in line
    assert bound((other,), groups={"displayName": "Name"})["Group"].space_type.scopes == ()


def test_members_identify_nobody_and_must_be_readable(problems, memory):
    blind = replace(memory.GROUPS.attribute("Members"), operation=AttributeOperation.EXPORT_ONLY)
    assert "can be read" in problems((blind,), groups=MEMBERS)["schema_mapping.Group", "members"]


def test_users_are_in_no_mapped_groups_attribute_of_references(problems, memory):
    line = problems(mapping={**memory.MAPPING, "groups": "Boss"})["schema_mapping.User", "groups"]
    assert "follow from the members of groups" in line


def test_the_profile_ecma_leaves_several_references_out_and_refuses_to_select_them(memory):
    crew = SchemaAttribute("Crew", AttributeType.REFERENCE, multi_valued=True)
    schema = Schema((replace(memory.EMPLOYEES, attributes=(*memory.EMPLOYEES.attributes, crew)),))
    users = bind(memory.configuration_of(ecma=True), schema)["User"]
    assert users.target.attribute("Crew") is None
    assert (users.space_type.links, users.references) == ((), ())
    assert users.resource_type.extensions[0].attribute("Boss").type == "string"
    with pytest.raises(ConfigurationError, match="schema mapping"):
        bind(memory.configuration_of(ecma=True, select=("Crew",)), schema)


def told(memory, bound, **settings):
    configuration = memory.configuration_of(**settings)
    return [one for binding in bound(**settings).values() for one in host_findings(configuration, binding)]


def test_check_tells_of_groups_that_cannot_be_found_or_filled(bound, memory):
    found = told(memory, bound, groups={"externalId": "Name"})
    messages = " ".join(one.message for one in found if one.subject == "[schema_mapping.Group]")
    assert "displayName is not mapped, and it is what Entra matches groups by" in messages
    assert "members is not mapped" in messages
    unseen = {"Members": SelectedAttribute()}
    found = told(memory, bound, groups={"displayName": "Name"}, groups_attributes=unseen)
    assert "no client sees it" in next(one.message for one in found if one.subject == "Groups.Members")


def test_check_says_of_groups_nothing_that_is_about_people_and_of_the_door_only_once(bound, memory):
    found = told(memory, bound, groups=MEMBERS, groups_delete="none")
    groups = [one.message for one in found if one.subject == "[deprovisioning.Group]"]
    assert groups == ["a group that is deleted in Entra stays in the target as it is"]
    assert len([one for one in found if one.subject == "secret_tokens"]) == 1
