"""Attributes whose values are rows of a table of their own: members of groups, telephone numbers."""

import threading
from dataclasses import replace

import ecmahost_sql
import pytest
from ecmahost_sql import imports, value_reads

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


def test_a_row_with_an_empty_text_is_no_value(target):
    target.sql("INSERT INTO UserPhones (UserId, Number) VALUES (1, ''), (3, '')")
    users = {entry.anchor: entry.attributes["phones"] for entry in target.entries("Users")}
    assert users == {(1,): ("+49 1", "+49 2"), (2,): (), (3,): ()}
    assert target.done("Users", replaced("Users", 3, "phones", "9")).attributes["phones"] == ("9",)


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


# Anchors of text, foreign keys of every kind --------------------------------------------------------------------------

NAMED = """
    CREATE TABLE Staff (Login VARCHAR(100) NOT NULL PRIMARY KEY);
    CREATE TABLE Teams (Name VARCHAR(100) NOT NULL PRIMARY KEY);
    CREATE TABLE Links (Team VARCHAR(100) NOT NULL, Member VARCHAR(100) NOT NULL, Role VARCHAR(10));
    INSERT INTO Staff VALUES ('ann'), ('it''s `"bob"'), ('cyd');
    INSERT INTO Teams VALUES ('A%'), ('B');
    INSERT INTO Links VALUES ('A%', 'ann', 'lead'), ('A%', 'ann', 'twice');
"""


@pytest.fixture
def named(make_target):
    made = make_target(NAMED)
    made.parameters["value_tables"] = "Teams.members = Links(Team, Member) references Staff"
    return made


def test_rows_that_are_there_twice_are_read_once_and_removed_together(named):
    (found,) = named.find("Teams", Name="A%")
    assert found.attributes["members"] == references("ann")
    named.done("Teams", linked("Teams", "A%", "members", references('it\'s `"bob"'), references("ann")))
    assert named.sql("SELECT Member, Role FROM Links") == [('it\'s `"bob"', None)]


def test_what_else_a_row_holds_stays_when_its_member_is_added_again(named):
    named.done("Teams", linked("Teams", "A%", "members", references("cyd", "ann")))
    assert named.sql("SELECT Role FROM Links WHERE Member = 'ann' ORDER BY Role") == [("lead",), ("twice",)]


def test_rows_follow_the_anchors_of_their_objects(named, changes):
    assert named.done("Teams", changes.update("Teams", "A%", Name="C")).anchor == ("C",)
    named.done("Staff", changes.update("Staff", "ann", Login="anna"))
    assert named.sql("SELECT DISTINCT Team, Member FROM Links") == [("C", "anna")]


def test_the_members_of_a_group_that_is_renamed_in_the_same_change_are_those_of_the_new_name(named):
    rename = AttributeChange("Name", AttributeModificationType.REPLACE, ("C",))
    change = linked("Teams", "A%", "members", references("cyd"), references("ann"))
    named.done(
        "Teams",
        CSEntryChange(
            "Teams",
            ObjectModificationType.UPDATE,
            ("A%",),
            attribute_changes=(rename, *change.attribute_changes),
            identifier="1",
        ),
    )
    assert named.sql("SELECT Team, Member FROM Links") == [("C", "cyd")]


def test_members_whose_spelling_the_database_does_not_tell_apart_are_there_once(make_target):
    target = make_target("""
        CREATE TABLE Staff (Login TEXT COLLATE NOCASE NOT NULL UNIQUE);
        CREATE TABLE Teams (Name TEXT COLLATE NOCASE NOT NULL UNIQUE);
        CREATE TABLE Links (Team TEXT COLLATE NOCASE NOT NULL, Member TEXT COLLATE NOCASE NOT NULL,
            UNIQUE (Team, Member));
        INSERT INTO Staff VALUES ('Ann'), ('bob');
        INSERT INTO Teams VALUES ('Core');
        INSERT INTO Links VALUES ('core', 'ANN');
    """)
    target.parameters["value_tables"] = "Teams.members = Links(Team, Member) references Staff"
    teams = target.type("Teams", "Name")
    (imported,) = target.entries(teams)
    assert imported.attributes == {"Name": ("Core",), "members": references("ANN")}
    target.done(teams, linked("Teams", "Core", "members", references("ann", "Bob", "bOB"), references("nobody")))
    assert [user for (user,) in target.sql("SELECT Member FROM Links ORDER BY Member")] == ["ANN", "Bob"]
    target.done(teams, linked("Teams", "Core", "members", (), references("Ann", "bob")))
    assert target.sql("SELECT Member FROM Links") == []


def test_a_foreign_key_that_is_looked_at_no_sooner_than_at_the_end_names_the_value_too(make_target):
    deferred = "" if make_target.kind == "mariadb" else " DEFERRABLE INITIALLY DEFERRED"
    target = make_target(f"""
        CREATE TABLE Users (Id INTEGER PRIMARY KEY);
        CREATE TABLE Groups (Id INTEGER PRIMARY KEY, Name VARCHAR(10));
        CREATE TABLE Links (G INTEGER, U INTEGER, FOREIGN KEY (U) REFERENCES Users (Id){deferred});
        INSERT INTO Users VALUES (1);
    """)
    target.parameters["value_tables"] = "Groups.members = Links(G, U) references Users"
    change = CSEntryChange(
        "Groups", ObjectModificationType.ADD, attributes={"Name": ("x",), "members": references(1, 2)}, identifier="1"
    )
    error = target.refused("Groups", change)
    assert (error.code, error.attribute) == (MAExportError.CONSTRAINT_VIOLATION, "members")
    assert "value 2 of 2 names no row of table Users" in error.detail


def test_one_bad_change_of_a_batch_leaves_the_others_alone(target):
    good = linked("Groups", 10, "members", references(3))
    bad = replace(linked("Groups", 11, "members", references(1, 99)), identifier="2")
    results = target.export("Groups", good, bad)
    assert [result.error is None for result in results] == [True, False]
    assert (members(target, 10), members(target, 11)) == ([1, 2, 3], [])


def test_a_column_of_numbers_can_be_a_reference_that_is_set_read_and_cleared(target, changes):
    users = target.type("Users", types={"Manager": AttributeType.REFERENCE})
    result = target.done(users, changes.update("Users", 1, Manager=Reference("2")))
    assert result.attributes["Manager"] == references(2)
    assert target.sql("SELECT Manager FROM Users WHERE Id = 1") == [(2,)]
    (imported,) = target.find(users, Id=1)
    assert imported.attributes == result.attributes
    assert [found.anchor for found in target.find(users, Manager=Reference("2"))] == [(1,)]
    assert target.done(users, changes.update("Users", 1, Manager=None)).attributes["Manager"] == ()
    assert target.sql("SELECT Manager FROM Users WHERE Id = 1") == [(None,)]
    error = target.refused(users, changes.update("Users", 1, Manager=Reference("bob")))
    assert error.code is MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE


def test_an_import_whose_groups_have_many_members_comes_in_shorter_pages(target, monkeypatch):
    monkeypatch.setattr(imports, "VALUES_OF_A_PAGE", 3)
    monkeypatch.setattr(value_reads, "VALUES_AT_ONCE", 2)
    monkeypatch.setattr(value_reads, "OWNERS_AT_ONCE", 2)
    target.sql("INSERT INTO Groups (Id, Name) VALUES (12, 'x'), (13, 'y'), (14, 'z')")
    target.sql("INSERT INTO GroupMembers (GroupId, UserId) VALUES (12, 3), (13, 1), (13, 2), (13, 3)")
    pages = list(target.pages("Groups"))
    assert [entry.anchor[0] for page in pages for entry in page] == [10, 11, 12, 13, 14]
    assert [len(entry.attributes["members"]) for page in pages for entry in page] == [2, 0, 1, 3, 0]
    assert len(pages) > 2


def test_hosts_that_write_the_same_members_at_once_leave_each_there_once(target):
    target.sql("DELETE FROM UserPhones")
    sessions = [target.open() for _ in range(3)]
    start = threading.Barrier(len(sessions))
    step = target.step("Users")
    errors = []

    def write(session, number: int) -> None:
        start.wait()
        for turn in range(10):
            change = linked("Users", 1, "phones", [f"+1 {turn}", f"+1 {turn} {number}"], [f"+1 {turn - 1} {number}"])
            (result,) = ecmahost_sql.export(session, step, [change], {})
            errors.append(result.error)

    threads = [threading.Thread(target=write, args=(one, number)) for number, one in enumerate(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [None] * 30
    expected = [f"+1 {turn}" for turn in range(10)] + [f"+1 9 {number}" for number in range(3)]
    assert sorted(phones(target, 1)) == sorted(expected)
