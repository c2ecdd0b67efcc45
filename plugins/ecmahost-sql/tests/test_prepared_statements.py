"""Statements of a change that stay prepared on a connection to a server."""

import pytest
from ecmahost_sql.odbc.statements import KEPT

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    MAExportError,
    ObjectModificationType,
    Reference,
)

pytestmark = pytest.mark.servers

LARGE = 2**40
TABLES = f"""
    CREATE TABLE Users (Id BIGINT PRIMARY KEY, Login VARCHAR(100) NOT NULL UNIQUE);
    CREATE TABLE Groups (Id INTEGER PRIMARY KEY, Name VARCHAR(100));
    CREATE TABLE Links (GroupId INTEGER NOT NULL REFERENCES Groups (Id), UserId BIGINT NOT NULL REFERENCES Users (Id),
        PRIMARY KEY (GroupId, UserId));
    INSERT INTO Groups (Id, Name) VALUES (1, 'staff');
    INSERT INTO Users (Id, Login) VALUES {", ".join(f"({n}, 'user{n}')" for n in (*range(1, 60), LARGE))};
"""


@pytest.fixture
def target(make_target):
    made = make_target(TABLES)
    made.parameters["value_tables"] = "Groups.members = Links(GroupId, UserId) references Users"
    return made


def adding(*users: int) -> CSEntryChange:
    added = tuple(Reference(str(user)) for user in users)
    change = AttributeChange("members", AttributeModificationType.UPDATE, added)
    return CSEntryChange(
        "Groups", ObjectModificationType.UPDATE, anchor=(1,), attribute_changes=(change,), identifier="1"
    )


def members(target) -> list[int]:
    return [user for (user,) in target.sql("SELECT UserId FROM Links ORDER BY UserId")]


def prepared(target) -> int:
    """How many statements the session's connection has prepared."""
    sql = "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'"
    if target.kind == "postgresql":
        # psqlODBC numbers them by where they are, so that two of the same name have another time.
        sql = "SELECT '', 1000000 * extract(epoch FROM max(prepare_time)) FROM pg_prepared_statements"
    ((_, number),) = target.session().database.query(sql)
    return int(float(number))


def test_a_change_like_an_earlier_one_prepares_nothing(target):
    group = target.type("Groups")
    target.done(group, adding(1))
    first, second = prepared(target), prepared(target)
    target.done(group, adding(2))
    assert prepared(target) - second == second - first  # what asking costs
    assert members(target) == [1, 2]


def test_values_of_another_size_than_the_first_ones_arrive_whole(target):
    group = target.type("Groups")
    for user in (1, LARGE, 2):
        target.done(group, adding(user))
    assert members(target) == [1, 2, LARGE]


def test_a_change_after_one_that_was_refused_is_done(target):
    group = target.type("Groups")
    target.done(group, adding(1))
    assert target.one(group, adding(2, 999)).error is not None
    target.done(group, adding(3))
    assert members(target) == [1, 3]


def test_more_kinds_of_changes_than_statements_are_kept_are_done(target):
    group = target.type("Groups")
    first = 1
    for size in range(1, 10):
        target.done(group, adding(*range(first, first + size)))
        first += size
    assert len(members(target)) == first - 1 == 45
    if target.kind == "postgresql":
        ((kept,),) = target.session().database.query("SELECT count(*) FROM pg_prepared_statements")
        assert kept <= KEPT + 1  # and the one that asks


def test_a_table_that_is_altered_between_two_changes_costs_one_answer_to_try_again_at_most(target):
    group = target.type("Groups")
    for user in (1, 2):
        target.done(group, adding(user))
    if target.kind == "postgresql":
        target.raw('ALTER TABLE "Groups" ALTER COLUMN "Name" TYPE text')
        error = target.one(group, adding(3)).error
        assert error is not None
        assert (error.code, error.detail) == (
            MAExportError.LOCKING_ERROR_NEEDS_RETRY,
            "a table was altered since it was last written; try again",
        )
        assert members(target) == [1, 2]
    else:
        target.raw("ALTER TABLE `Groups` MODIFY `Name` longtext")
    target.done(group, adding(3))
    assert members(target) == [1, 2, 3]
