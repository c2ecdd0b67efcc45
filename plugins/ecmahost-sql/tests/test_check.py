import os

import pytest

from ecmahost_core import AttributeOperation, SchemaAttribute, SchemaType, Severity

GOOD = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE People(Id INTEGER PRIMARY KEY AUTOINCREMENT, Login TEXT NOT NULL UNIQUE);
    INSERT INTO People(Login) VALUES ('a');
"""


def about(findings, words):
    (finding,) = [found for found in findings if words in found.message]
    return finding


def test_nothing_is_said_about_a_table_that_is_as_it_should_be(make_target):
    target = make_target(GOOD)
    assert target.check(target.type("People")) == ()


def test_a_missing_table_or_column_is_an_error(make_target):
    target = make_target(GOOD)
    missing = SchemaType("Robots", (SchemaAttribute("Id"),), ("Id",))
    misspelt = SchemaType("People", (SchemaAttribute("Id"), SchemaAttribute("login")), ("Id",))
    findings = target.check(missing, misspelt)
    assert [(found.severity, found.subject) for found in findings] == [
        (Severity.ERROR, "Robots"),
        (Severity.ERROR, "People.login"),
    ]
    assert "it is spelled Login" in findings[1].message


def test_an_anchor_that_is_not_kept_unique_or_indexed_is_measured(make_target):
    target = make_target("CREATE TABLE P(Login TEXT, N INT); INSERT INTO P VALUES ('a', 1), ('a', 2), (NULL, 3)")
    findings = target.check(target.type("P", "Login"))
    assert about(findings, "does not keep the anchor unique").severity is Severity.WARNING
    assert about(findings, "anchor has no index").remedy == "Create an index on Login."
    assert about(findings, "rows without an anchor: 1;").severity is Severity.WARNING
    assert about(findings, "anchors that several rows have: 1;").severity is Severity.WARNING


def test_an_approximate_anchor_is_warned_about(make_target):
    target = make_target("CREATE TABLE P(Score REAL PRIMARY KEY)")
    assert about(target.check(target.type("P")), "approximate").subject == "P.Score"


def test_a_required_column_that_nothing_writes_is_an_error(make_target):
    target = make_target(GOOD)
    unmapped = target.type("People", only=["Id"])
    unwritten = target.type("People", operations={"Login": AttributeOperation.IMPORT_ONLY})
    for people in (unmapped, unwritten):
        finding = about(target.check(people), "every creation will fail")
        assert (finding.severity, finding.subject) == (Severity.ERROR, "People.Login")
    read_only = dict.fromkeys(("Id", "Login"), AttributeOperation.IMPORT_ONLY)
    assert target.check(target.type("People", operations=read_only)) == ()


def test_a_column_that_people_are_matched_by_needs_an_index_and_values_of_its_own(make_target):
    target = make_target(
        GOOD + "ALTER TABLE People ADD COLUMN Mail TEXT; ALTER TABLE People ADD COLUMN Town TEXT DEFAULT 'X';"
        "INSERT INTO People(Login, Mail) VALUES ('b', 'b@x');"
    )
    findings = target.check(target.type("People"), query_attributes=("Mail", "Town"))
    slow = [found.subject for found in findings if "it has no index" in found.message]
    assert slow == ["People.Mail", "People.Town"]
    ambiguous = about(findings, "several rows have the same value")
    assert (ambiguous.severity, ambiguous.subject) == (Severity.WARNING, "People.Town")


def test_what_one_type_is_matched_by_says_nothing_of_another_types_column_of_the_same_name(make_target):
    target = make_target(GOOD + "CREATE TABLE Teams (Id INTEGER PRIMARY KEY, Login TEXT);")
    findings = target.check(target.type("Teams"), target.type("People"), query_attributes=("Login",))
    assert [found.subject for found in findings if "it has no index" in found.message] == ["Teams.Login"]


def test_nothing_is_said_of_columns_that_nobody_is_matched_by(make_target):
    target = make_target(GOOD + "ALTER TABLE People ADD COLUMN Mail TEXT;")
    assert not [found for found in target.check(target.type("People")) if "Mail" in found.subject]


def test_keys_that_are_given_again_and_the_journal_mode_are_hints(make_target):
    target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY)")
    findings = target.check(target.type("P"))
    assert {found.severity for found in findings} == {Severity.INFO}
    assert about(findings, "gives the highest key again").subject == "P.Id"
    assert "journal_mode = WAL" in about(findings, "journal mode is delete").remedy


def test_views_without_triggers_are_warned_about(make_target):
    target = make_target(GOOD + "CREATE VIEW V AS SELECT * FROM People;")
    wanted = target.type("V", "Id", operations={"Login": AttributeOperation.IMPORT_EXPORT})
    assert "created or changed or deleted" in about(target.check(wanted), "through this view").message


@pytest.mark.parametrize(("denied", "words"), [("people.db", "database file"), ("", "directory of the database")])
def test_files_that_may_not_be_written_are_errors(make_target, monkeypatch, denied, words):
    target = make_target(GOOD)
    people = target.type("People")
    path = target.path if denied else target.path.parent
    monkeypatch.setattr(os, "access", lambda asked, mode: asked != path or mode != os.W_OK)
    assert about(target.check(people), words).severity is Severity.ERROR


def test_a_count_that_takes_too_long_is_told_and_stops_nothing(make_target):
    target = make_target(
        "CREATE VIEW Slow AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS Id FROM n",
        timeout="1",
    )
    findings = target.check(target.type("Slow", "Id"))
    assert {found.severity for found in findings if "too large to count" in found.message} == {Severity.WARNING}


def test_check_writes_nothing(make_target):
    target = make_target("CREATE TABLE P(Login TEXT, N INT)")
    before = target.path.read_bytes()
    target.check(target.type("P", "Login"))
    assert target.path.read_bytes() == before
