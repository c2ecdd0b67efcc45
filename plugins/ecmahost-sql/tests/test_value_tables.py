"""Attributes whose values are rows of a table of their own: members of groups, telephone numbers."""

import pytest

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    AttributeType,
    CSEntryChange,
    MAExportError,
    ObjectModificationType,
    Reference,
    SessionPurpose,
)

pytestmark = pytest.mark.every_database

DECLARED = """
    Groups.members = GroupMembers(GroupId, UserId) references Users
    Users.phones = UserPhones(UserId, Number)
"""
TABLES = """
    CREATE TABLE Users (Id INTEGER PRIMARY KEY, Login VARCHAR(100) NOT NULL UNIQUE, Manager INTEGER);
    CREATE TABLE Groups (Id INTEGER PRIMARY KEY, Name VARCHAR(100) NOT NULL UNIQUE);
    CREATE TABLE GroupMembers (
        GroupId INTEGER NOT NULL REFERENCES Groups (Id), UserId INTEGER NOT NULL REFERENCES Users (Id),
        PRIMARY KEY (GroupId, UserId)
    );
    CREATE TABLE UserPhones (UserId INTEGER NOT NULL, Number VARCHAR(40));
    INSERT INTO Users (Id, Login) VALUES (1, 'ann'), (2, 'bob'), (3, 'cyd');
    INSERT INTO Groups (Id, Name) VALUES (10, 'staff'), (11, 'empty');
    INSERT INTO GroupMembers (GroupId, UserId) VALUES (10, 1), (10, 2);
    INSERT INTO UserPhones (UserId, Number) VALUES (1, '+49 2'), (1, '+49 1'), (1, '+49 2'), (2, NULL);
"""


@pytest.fixture
def target(make_target):
    made = make_target(TABLES)
    made.parameters["value_tables"] = DECLARED
    return made


def references(*texts: object) -> tuple[Reference, ...]:
    return tuple(Reference(str(text)) for text in texts)


def linked(object_type: str, anchor, attribute: str, added=(), removed=(), **more) -> CSEntryChange:
    change = AttributeChange(attribute, AttributeModificationType.UPDATE, tuple(added), tuple(removed))
    return CSEntryChange(
        object_type,
        ObjectModificationType.UPDATE,
        anchor=(anchor,),
        attribute_changes=(change,),
        identifier="1",
        **more,
    )


def replaced(object_type: str, anchor, attribute: str, *values) -> CSEntryChange:
    change = AttributeChange(attribute, AttributeModificationType.REPLACE, values)
    return CSEntryChange(
        object_type, ObjectModificationType.UPDATE, anchor=(anchor,), attribute_changes=(change,), identifier="1"
    )


def members(target, group: int) -> list[int]:
    return [user for (user,) in target.sql(f"SELECT UserId FROM GroupMembers WHERE GroupId = {group} ORDER BY UserId")]


def phones(target, user: int) -> list[str]:
    return [number for (number,) in target.sql(f"SELECT Number FROM UserPhones WHERE UserId = {user} ORDER BY Number")]


# Schema ---------------------------------------------------------------------------------------------------------------


def test_a_value_table_is_an_attribute_of_its_type_and_no_object_type(target):
    import ecmahost_sql

    found = ecmahost_sql.schema(target.session(SessionPurpose.SCHEMA))
    assert {one.name for one in found.types} == {"Users", "Groups"}
    links = found.type("Groups").attribute("members")
    assert (links.type, links.multi_valued, links.references) == (AttributeType.REFERENCE, True, "Users")
    assert not links.required
    numbers = found.type("Users").attribute("phones")
    assert (numbers.type, numbers.multi_valued, numbers.references) == (AttributeType.STRING, True, "")
    assert numbers.max_length == 40


# Reading --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_an_import_reads_the_values_of_each_object_and_none_is_an_empty_tuple(target, page_size):
    groups = {entry.anchor: entry.attributes for entry in target.entries("Groups", page_size)}
    assert set(groups[10,]["members"]) == set(references(1, 2))
    assert groups[11,] == {"Id": (11,), "Name": ("empty",), "members": ()}
    users = {entry.anchor: entry.attributes["phones"] for entry in target.entries("Users", page_size)}
    assert users == {(1,): ("+49 1", "+49 2"), (2,): (), (3,): ()}


def test_a_single_object_is_read_with_its_values(target):
    (found,) = target.find("Groups", Name="staff")
    assert set(found.attributes["members"]) == set(references(1, 2))


def test_an_attribute_that_is_not_selected_is_not_read(target):
    (first, _) = target.entries(target.type("Groups", only=["Name"]))
    assert set(first.attributes) == {"Id", "Name"}


# Writing --------------------------------------------------------------------------------------------------------------


def test_members_are_added_and_removed_in_one_change_and_the_result_leaves_them_out(target):
    result = target.done("Groups", linked("Groups", 10, "members", references(3), references(1)))
    assert members(target, 10) == [2, 3]
    assert result.attributes == {"Id": (10,), "Name": ("staff",)}


def test_adding_who_is_there_and_removing_who_is_not_succeeds_and_changes_nothing(target):
    target.done("Groups", linked("Groups", 10, "members", references(1, 3, 3), references(77)))
    assert members(target, 10) == [1, 2, 3]
    target.done("Groups", linked("Groups", 10, "members", references(1, 2, 3)))
    assert members(target, 10) == [1, 2, 3]


def test_a_table_without_a_unique_constraint_gets_no_duplicates(target):
    target.done("Users", linked("Users", 2, "phones", ["+1 5", "+1 5", "+1 6"]))
    target.done("Users", linked("Users", 2, "phones", ["+1 6", "+1 7"]))
    assert [number for number in phones(target, 2) if number] == ["+1 5", "+1 6", "+1 7"]


def test_a_new_object_comes_with_its_values(target):
    change = CSEntryChange(
        "Groups",
        ObjectModificationType.ADD,
        attributes={"Name": ("new",), "members": references(3, 1)},
        identifier="1",
    )
    result = target.done("Groups", change)
    assert members(target, result.anchor[0]) == [1, 3]
    assert "members" not in result.attributes


def test_plain_values_are_replaced_by_their_differences_and_read_back(target):
    result = target.done("Users", replaced("Users", 1, "phones", "+49 3", "+49 1"))
    assert phones(target, 1) == ["+49 1", "+49 3"]
    assert result.attributes["phones"] == ("+49 1", "+49 3")
    (imported,) = target.find("Users", Id=1)
    assert imported.attributes == result.attributes
    target.done("Users", replaced("Users", 1, "phones"))
    assert phones(target, 1) == []


def test_a_whole_set_of_members_is_written_as_a_difference(target):
    target.done("Groups", replaced("Groups", 10, "members", *references(2, 3)))
    assert members(target, 10) == [2, 3]


def test_a_replacement_of_the_object_clears_plain_values_that_it_does_not_name_and_leaves_members_alone(
    target, changes
):
    target.done("Groups", changes.replace("Groups", 10, Name="all"))
    assert members(target, 10) == [1, 2]
    target.done("Users", changes.replace("Users", 1, Login="anna"))
    assert phones(target, 1) == []


def test_a_member_that_is_nobody_is_refused_with_its_place_and_nothing_is_done(target):
    error = target.refused("Groups", linked("Groups", 10, "members", references(3, 77, 78), references(1)))
    assert error.code is MAExportError.CONSTRAINT_VIOLATION
    assert error.attribute == "members"
    assert "value 2 of 3" in error.detail
    assert "77" not in error.detail


def test_a_member_that_its_column_cannot_hold_is_refused_with_its_place(target):
    error = target.refused("Groups", linked("Groups", 10, "members", references(3, "ann")))
    assert error.code is MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE
    assert error.attribute == "members"
    assert "value 2 of 2" in error.detail


def test_a_deleted_object_takes_its_values_and_the_rows_that_name_it_along(target, changes):
    target.done("Users", changes.delete("Users", 1))
    assert members(target, 10) == [2]
    assert phones(target, 1) == []
    target.done("Groups", changes.delete("Groups", 10))
    assert target.sql("SELECT * FROM GroupMembers") == []


def test_more_values_than_fit_into_one_statement_are_added_removed_and_read(target):
    target.sql(
        f"INSERT INTO Users (Id, Login) VALUES {', '.join(f'({n}, {chr(39)}u{n}{chr(39)})' for n in range(100, 1200))}"
    )
    everybody = range(100, 1200)
    target.done("Groups", linked("Groups", 11, "members", references(*everybody)))
    assert members(target, 11) == list(everybody)
    (found,) = target.find("Groups", Id=11)
    assert set(found.attributes["members"]) == set(references(*everybody))
    target.done("Groups", linked("Groups", 11, "members", (), references(*range(1150))))
    assert members(target, 11) == list(range(1150, 1200))
