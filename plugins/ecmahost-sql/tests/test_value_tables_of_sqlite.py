"""Tables of values in SQLite, where columns need no type and triggers do as they like."""

import pytest

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    MAExportError,
    ObjectModificationType,
    Reference,
)

TABLES = """
    CREATE TABLE Users (Id INTEGER PRIMARY KEY, Login TEXT);
    CREATE TABLE Groups (Id INTEGER PRIMARY KEY, Name TEXT, Members INTEGER DEFAULT 0);
    CREATE TABLE Links (G INTEGER, U INTEGER, PRIMARY KEY (G, U));
    INSERT INTO Users VALUES (1, 'ann'), (2, 'bob');
    INSERT INTO Groups (Id, Name) VALUES (10, 'staff');
"""
DECLARED = "Groups.members = Links(G, U) references Users"


def made_of(make_target, script: str, declared: str = DECLARED):
    target = make_target(script)
    target.parameters["value_tables"] = declared
    return target


def adding(*members: object, group: object = 10, object_type: str = "Groups") -> CSEntryChange:
    added = tuple(Reference(str(member)) for member in members)
    part = AttributeChange("members", AttributeModificationType.UPDATE, added)
    return CSEntryChange(
        object_type, ObjectModificationType.UPDATE, (group,), attribute_changes=(part,), identifier="1"
    )


def test_a_value_that_somebody_else_adds_in_the_meantime_is_there_and_no_mistake(make_target):
    trigger = "CREATE TRIGGER T AFTER INSERT ON Links WHEN new.U = 1 BEGIN INSERT INTO Links VALUES (new.G, 2); END;"
    target = made_of(make_target, TABLES + trigger)
    target.done("Groups", adding(1, 2))
    assert target.sql("SELECT U FROM Links ORDER BY U") == [(1,), (2,)]


def test_a_value_that_must_be_unique_among_all_objects_is_refused_by_its_attribute(make_target):
    target = made_of(
        make_target, TABLES.replace("U INTEGER,", "U INTEGER UNIQUE,") + "INSERT INTO Links VALUES (9, 1);"
    )
    error = target.refused("Groups", adding(2, 1))
    assert (error.code, error.attribute) == (MAExportError.DUPLICATE_ANCHOR, "members")


def test_a_trigger_that_ignores_a_new_value_is_no_success(make_target):
    trigger = "CREATE TRIGGER T BEFORE INSERT ON Links WHEN new.U = 2 BEGIN SELECT RAISE(IGNORE); END;"
    error = made_of(make_target, TABLES + trigger).refused("Groups", adding(1, 2))
    assert (error.code, error.attribute) == (MAExportError.CONSTRAINT_VIOLATION, "members")
    assert "ignored" in error.detail


def test_what_triggers_of_the_values_do_to_the_object_is_read_back(make_target):
    trigger = "CREATE TRIGGER T AFTER INSERT ON Links BEGIN UPDATE Groups SET Members = Members + 1; END;"
    target = made_of(make_target, TABLES + trigger)
    assert target.done("Groups", adding(1, 2)).attributes["Members"] == (2,)
    change = CSEntryChange(
        "Groups",
        ObjectModificationType.ADD,
        attributes={"Name": ("new",), "members": (Reference("1"),)},
        identifier="1",
    )
    assert target.done("Groups", change).attributes["Members"] == (1,)


def test_columns_without_types_bring_together_what_the_host_takes_for_the_same(make_target):
    target = made_of(
        make_target,
        """
        CREATE TABLE Staff (Login PRIMARY KEY);
        CREATE TABLE Teams (Name PRIMARY KEY);
        CREATE TABLE Links (T, M);
        INSERT INTO Staff VALUES (1), ('2');
        INSERT INTO Teams VALUES (10);
        INSERT INTO Links VALUES ('10', 1), (10, '1');
        """,
        "Teams.members = Links(T, M) references Staff",
    )
    (found,) = target.entries("Teams")
    assert found.attributes["members"] == (Reference("1"),)
    target.done("Teams", adding(1, 2, group="10", object_type="Teams"))
    assert target.sql("SELECT CAST(M AS TEXT) FROM Links ORDER BY 1") == [("1",), ("1",), ("2",)]


def test_a_value_that_cannot_be_read_is_a_failure_of_its_object_alone(make_target):
    target = made_of(make_target, TABLES + "INSERT INTO Groups (Id) VALUES (11); INSERT INTO Links VALUES (10, x'ff')")
    first, second = target.entries("Groups")
    assert first.failure is not None
    assert "column U of table Links, which keeps members, holds bytes" in first.failure.detail
    assert (second.failure, second.attributes["members"]) == (None, ())


@pytest.mark.parametrize(("column", "number"), [("VARCHAR(20)", "'a' || char(0)"), ("NUMERIC", "12345678901234567890")])
def test_an_anchor_by_which_nothing_can_be_looked_for_is_a_failure_of_its_object_alone(make_target, column, number):
    target = made_of(
        make_target,
        f"""
        CREATE TABLE Teams (Id {column} PRIMARY KEY);
        CREATE TABLE Links (T {column}, M {column});
        INSERT INTO Teams VALUES ({number}), (1);
        INSERT INTO Links VALUES ({number}, 2), (1, 3);
        """,
        "Teams.members = Links(T, M)",
    )
    (good,) = [one for one in target.entries("Teams") if one.failure is None]
    assert good.attributes["members"] == ("3",)
    (bad,) = [one for one in target.entries("Teams") if one.failure is not None]
    assert "cannot be looked for: column Id" in bad.failure.detail
