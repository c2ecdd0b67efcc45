"""What an export would run: told by the code that runs it, and nothing of it is run."""

import itertools
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import ecmahost_sql
import pytest

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    ExportExplanation,
    MAExportError,
    ObjectModificationType,
    Reference,
    ServerDown,
    SessionPurpose,
    Statement,
    Withheld,
)

PEOPLE = """
    CREATE TABLE People(Id INTEGER PRIMARY KEY, Login TEXT UNIQUE, Name TEXT NOT NULL, Mail TEXT, Active BOOLEAN);
    INSERT INTO People VALUES (1, 'ada', 'Ada', 'a@x', TRUE), (2, 'bob', 'Bob', 'b@x', TRUE);
"""
GROUPS = """
    CREATE TABLE Users (Id INTEGER PRIMARY KEY AUTOINCREMENT, Login VARCHAR(100) NOT NULL UNIQUE);
    CREATE TABLE Teams (Id INTEGER PRIMARY KEY AUTOINCREMENT, Name VARCHAR(100) NOT NULL UNIQUE);
    CREATE TABLE Members (
        TeamId INTEGER NOT NULL REFERENCES Teams (Id), UserId INTEGER NOT NULL REFERENCES Users (Id),
        PRIMARY KEY (TeamId, UserId)
    );
    INSERT INTO Users (Login) VALUES ('ann'), ('bob'), ('cyd'), ('dan');
    INSERT INTO Teams (Name) VALUES ('staff'), ('empty');
    INSERT INTO Members (TeamId, UserId) VALUES (1, 1), (1, 2);
"""
LINKED = "Teams.members = Members(TeamId, UserId) references Users"


def explained(target, name: str, change: CSEntryChange, *, password: bool = False) -> ExportExplanation:
    before = target.dump()
    session = target.session(SessionPurpose.READ)
    (told,) = ecmahost_sql.explain_export(session, target.step(name), [change], {"1"} if password else ())
    assert target.dump() == before
    assert told.identifier == change.identifier
    return told


def writes(told: ExportExplanation) -> list[Statement]:
    return [one for one in told.statements if one.writes]


def replay(path: Path, statements: Sequence[Statement]) -> list[str]:
    """Runs what was told on a database, and returns what SQLite says that was run."""
    traced: list[str] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.set_trace_callback(traced.append)
        for one in statements:
            for parameters in one.runs():
                connection.execute(one.text, parameters).fetchall()
    return traced


def trace(target, name: str, change: CSEntryChange) -> list[str]:
    """Really exports, and returns what SQLite says that was run between the begin and the end of the transaction.

    Without what a session asks of the catalog, once, whatever the change.
    """
    ecmahost_sql.explain_export(target.session(), target.step(name), [change], ())
    traced: list[str] = []
    target.session().database._connection.set_trace_callback(traced.append)
    target.done(name, change)
    inside = traced[traced.index("BEGIN IMMEDIATE") + 1 : traced.index("COMMIT")]
    return [one for one in inside if not one.startswith("PRAGMA")]


def linked(added: Sequence[str] = (), removed: Sequence[str] = ()) -> CSEntryChange:
    parts = (tuple(map(Reference, added)), tuple(map(Reference, removed)))
    change = AttributeChange("members", AttributeModificationType.UPDATE, *parts)
    return CSEntryChange(
        "Teams", ObjectModificationType.UPDATE, anchor=(1,), attribute_changes=(change,), identifier="1"
    )


def new_team(*members: str) -> CSEntryChange:
    attributes = {"Name": ("new",), "members": tuple(map(Reference, members))}
    return CSEntryChange("Teams", ObjectModificationType.ADD, attributes=attributes, identifier="1")


CHANGES = {
    "add with a key": lambda changes: changes.add("People", Id=7, Login="x", Name="X'; DROP TABLE People; --"),
    "update": lambda changes: changes.update("People", 1, Mail=None, Active=False),
    "update of the key": lambda changes: changes.update("People", 1, Id=9, Name="N"),
    "replace": lambda changes: changes.replace("People", 2, Id=2, Login="bob", Name="Robert"),
    "nothing": lambda changes: changes.update("People", 1),
    "delete": lambda changes: changes.delete("People", 2),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_is_told_is_to_the_letter_what_sqlite_runs_afterwards(make_target, changes, case):
    target, copy = make_target(PEOPLE), make_target(PEOPLE, name="copy.db")
    change = CHANGES[case](changes)
    told = explained(target, "People", change)
    assert told.error is None
    assert replay(copy.path, told.statements) == trace(target, "People", change)
    assert copy.dump() == target.dump()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Teams", linked(("3", "4"), ("2",))),
        ("Teams", linked(("1",))),
        ("Teams", CSEntryChange("Teams", ObjectModificationType.DELETE, anchor=(1,), identifier="1")),
        ("Users", CSEntryChange("Users", ObjectModificationType.DELETE, anchor=(1,), identifier="1")),
    ],
)
def test_members_are_told_to_the_letter_too(make_target, name, change):
    target, copy = make_target(GROUPS), make_target(GROUPS, name="copy.db")
    target.parameters["value_tables"] = LINKED
    told = explained(target, name, change)
    assert told.error is None
    assert replay(copy.path, told.statements) == trace(target, name, change)
    assert copy.dump() == target.dump()


@pytest.mark.every_database
def test_what_is_told_does_what_the_export_does(make_target, changes):
    target, copy = make_target(PEOPLE), make_target(PEOPLE, name="copy.db")
    for change in (
        changes.update("People", 1, Mail=None, Active=False),
        changes.update("People", 2, Name="Müller 'x\\' OR 1=1"),
        changes.add("People", Id=7, Login="x", Name="X"),
        changes.delete("People", 2),
    ):
        told = explained(target, "People", change)
        assert told.error is None
        assert told.note
        database = copy.session().database
        database.begin()
        for one in told.statements:
            for parameters in one.runs():
                if one.writes:
                    database.execute(one.text, parameters)
                else:
                    database.query(one.text, parameters)
        database.commit()
        target.done("People", change)
        assert copy.dump() == target.dump()


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_postgresql_logs_what_was_told(make_target, changes):
    target = make_target(PEOPLE)
    target.raw(f"ALTER DATABASE {target.database} SET log_statement = 'all'")
    for change in (
        changes.update("People", 1, Name="Ada L.", Mail=None),
        changes.add("People", Id=7, Login="x", Name="X"),
        changes.delete("People", 2),
    ):
        told = explained(target, "People", change)
        log = target.server.directory / "log"
        before = log.stat().st_size
        target.done("People", change)
        logged = re.findall(
            r"execute \S+: (.*)\n.*DETAIL: +parameters: (.*)", log.read_text()[before:].split("BEGIN\n")[-1]
        )
        assert logged == [(_numbered(one.text), _parameters(one)) for one in told.statements]


def _numbered(text: str) -> str:
    """With PostgreSQL's own markers."""
    numbers = itertools.count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", text)


def _parameters(statement: Statement) -> str:
    shown = ("NULL" if one is None else f"'{one}'" for one in statement.parameters)
    return ", ".join(f"${number} = {one}" for number, one in enumerate(shown, 1))


@pytest.mark.every_database
def test_a_key_that_the_database_makes_is_told_as_such_wherever_it_stands(make_target):
    target = make_target(GROUPS)
    target.parameters["value_tables"] = LINKED
    told = explained(target, "Teams", new_team("1", "3"))
    row, members = writes(told)
    made = Withheld.MADE_BY_TARGET
    assert (row.parameters, row.more) == (("new",), ())
    rows = [*members.parameters, *(value for more in members.more for value in more)]
    assert rows == [made, 1, made, 3]
    assert target.done("Teams", new_team("1", "3")).anchor == (3,)


@pytest.mark.every_database
def test_what_stands_against_a_change_is_told_with_what_was_read_until_then(make_target, changes):
    target = make_target(PEOPLE)
    cases = [
        (changes.update("People", 9, Name="x"), MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT),
        (changes.delete("People", 9), MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT),
        (changes.add("People", Id=1, Name="x"), MAExportError.DUPLICATE_ANCHOR),
        (changes.update("People", 1, Active="perhaps"), MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE),
        (changes.update("People", 1, Nowhere="x"), MAExportError.SCHEMA_VIOLATION),
    ]
    for change, code in cases:
        told = explained(target, "People", change)
        assert told.error is not None
        assert told.error.code is code
        assert told.error == target.refused("People", change)
        assert writes(told) == []


@pytest.mark.every_database
def test_a_password_is_a_secret_and_never_asked_for(make_target, changes):
    target = make_target(
        PEOPLE.replace("Mail TEXT", "Mail TEXT, Secret TEXT")
        .replace("'a@x'", "'a@x', NULL")
        .replace("'b@x'", "'b@x', NULL")
    )
    target.parameters |= {"password_column": "Secret", "password_hash": "plain"}
    (update,) = writes(explained(target, "People", changes.update("People", 1, Name="N"), password=True))
    assert update.parameters[:2] == ("N", Withheld.SECRET)
    (alone,) = writes(explained(target, "People", changes.update("People", 1), password=True))
    assert alone.parameters[0] is Withheld.SECRET
    (insert,) = writes(explained(target, "People", changes.add("People", Id=5, Name="N"), password=True))
    assert Withheld.SECRET in insert.parameters


def test_a_password_that_has_nowhere_to_go_is_told(make_target, changes):
    told = explained(make_target(PEOPLE), "People", changes.update("People", 1), password=True)
    assert told.error is not None
    assert told.error.code is MAExportError.SCHEMA_VIOLATION


def test_a_view_that_takes_nothing_is_told(make_target, changes):
    target = make_target(PEOPLE + "CREATE VIEW Names AS SELECT Id, Name FROM People;")
    step = target.step(target.type("Names", "Id"))
    (told,) = ecmahost_sql.explain_export(
        target.session(SessionPurpose.READ), step, [changes.update("Names", 1, Name="x")], ()
    )
    assert told.error is not None
    assert told.error.code is MAExportError.PERMISSION_ISSUE


def test_fifteen_thousand_members_are_one_statement_with_all_its_parameters(make_target):
    target = make_target(GROUPS)
    target.parameters["value_tables"] = LINKED
    target.sql(
        "WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n WHERE i < 15000)"
        " INSERT INTO Users (Id, Login) SELECT i, 'user' || i FROM n"
    )
    told = explained(target, "Teams", linked([str(number) for number in range(3, 15001)]))
    assert sum(1 + len(one.more) for one in writes(told)) == 14998


def test_a_database_that_is_gone_cannot_be_asked(make_target, changes):
    target = make_target(PEOPLE)
    step, session = target.step("People"), target.session(SessionPurpose.READ)
    target.path.rename(target.path.with_name("elsewhere.db"))
    with pytest.raises(ServerDown):
        ecmahost_sql.explain_export(session, step, [changes.update("People", 1, Name="x")], ())


def test_an_explanation_waits_for_no_writer_and_keeps_none_waiting(make_target, changes):
    target = make_target(PEOPLE, timeout="1")
    with closing(sqlite3.connect(target.path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN IMMEDIATE")
        assert explained(target, "People", changes.update("People", 1, Name="x")).error is None
        other.execute("COMMIT")


def test_nothing_but_known_reading_reaches_the_database(make_target, changes):
    target = make_target(PEOPLE)
    from ecmahost_sql.recording import Recorder

    session = target.session(SessionPurpose.READ)
    selection = session.selection(target.type("People"))
    recorder = Recorder(session.database, selection, ObjectModificationType.UPDATE, {}, [])
    for name in ("begin", "commit", "rollback", "give_up_at_once", "close"):
        with pytest.raises(AttributeError):
            getattr(recorder, name)
