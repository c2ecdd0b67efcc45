from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    AttributeOperation,
    AttributeType,
    MAExportError,
    Reference,
)

PEOPLE = """
    CREATE TABLE People(Id INTEGER PRIMARY KEY, Login TEXT UNIQUE, Name TEXT NOT NULL, Mail TEXT, Active BOOLEAN);
    INSERT INTO People VALUES (1, 'ada', 'Ada', 'a@x', TRUE), (2, 'bob', 'Bob', 'b@x', TRUE);
"""


@pytest.mark.every_database
def test_an_update_writes_the_named_columns_and_returns_the_whole_row(make_target, changes):
    target = make_target(PEOPLE)
    result = target.done("People", changes.update("People", 1, Mail=None, Active=False))
    assert result.anchor == (1,)
    assert result.attributes == target.entries("People")[0].attributes
    assert target.sql("SELECT * FROM People ORDER BY Id") == [(1, "ada", "Ada", None, 0), (2, "bob", "Bob", "b@x", 1)]


@pytest.mark.every_database
def test_an_update_of_a_few_values_keeps_the_others(make_target, changes):
    target = make_target(PEOPLE)

    def update(added: tuple = (), removed: tuple = ()):
        part = AttributeChange("Mail", AttributeModificationType.UPDATE, added, removed)
        return replace(changes.update("People", 1), attribute_changes=(part,))

    assert target.done("People", update(removed=("other@x",))).attributes["Mail"] == ("a@x",)
    assert target.done("People", update(("new@x",), ("a@x",))).attributes["Mail"] == ("new@x",)
    refused = target.refused("People", update(("second@x",)))
    assert refused.code is MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE
    assert target.done("People", update(removed=("new@x",))).attributes["Mail"] == ()


@pytest.mark.every_database
def test_an_update_without_changes_returns_the_row(make_target, changes):
    target = make_target(PEOPLE)
    assert target.done("People", changes.update("People", 1)).attributes["Login"] == ("ada",)


@pytest.mark.every_database
def test_an_object_that_is_not_there_is_missing(make_target, changes):
    target = make_target(PEOPLE)
    for change in (
        changes.update("People", 9, Name="x"),
        changes.update("People", "abc", Name="x"),
        changes.replace("People", 9, Name="x"),
        changes.delete("People", 9),
    ):
        assert target.refused("People", change).code is MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT


@pytest.mark.every_database
@pytest.mark.parametrize("copies", [2, 3])
def test_an_anchor_of_several_rows_is_ambiguous_and_nothing_is_changed(make_target, changes, copies):
    target = make_target("CREATE TABLE P(Login TEXT, N INT)")
    for n in range(copies):
        target.sql("INSERT INTO P VALUES ('bob', ?)", n)
    by_login = target.type("P", "Login")
    for change in (
        changes.update("P", "bob", N=9),
        changes.replace("P", "bob", N=9),
        changes.delete("P", "bob"),
    ):
        assert target.refused(by_login, change).code is MAExportError.AMBIGUOUS_UPDATE


@pytest.mark.every_database
def test_an_incomplete_anchor_is_refused(make_target, changes):
    target = make_target("CREATE TABLE P(A TEXT, B TEXT, PRIMARY KEY (A, B)); INSERT INTO P VALUES ('a', 'b')")
    assert target.refused("P", changes.delete("P", "a")).code is MAExportError.MISSING_PROVISIONING_ATTRIBUTE
    assert target.refused("P", changes.delete("P")).code is MAExportError.MISSING_PROVISIONING_ATTRIBUTE
    target.done("P", changes.delete("P", "a", "b"))


@pytest.mark.every_database
def test_an_anchor_is_found_by_the_columns_own_equality_and_returned_as_it_is_stored(make_target, changes):
    target = make_target(
        "CREATE TABLE P(Login TEXT COLLATE NOCASE PRIMARY KEY, N INT); INSERT INTO P VALUES ('Bob', 1)"
    )
    assert target.done("P", changes.update("P", "BOB", N=2)).anchor == ("Bob",)


def test_the_anchor_can_be_changed_and_the_result_has_the_new_one(make_target, changes):
    target = make_target(
        PEOPLE + "CREATE TABLE W(K TEXT PRIMARY KEY, N INT) WITHOUT ROWID; INSERT INTO W VALUES ('a', 1)"
    )
    by_login = target.type("People", "Login")
    result = target.done(by_login, changes.update("People", "ada", Login="augusta", Name="A"))
    assert (result.anchor, result.attributes["Id"], result.attributes["Name"]) == (("augusta",), (1,), ("A",))
    assert target.done("People", changes.update("People", 1, Id=11)).anchor == (11,)
    assert target.done("W", changes.update("W", "a", K="b")).anchor == ("b",)
    assert target.refused("People", changes.update("People", 11, Id=2)).code is MAExportError.DUPLICATE_ANCHOR


@pytest.mark.every_database
def test_an_anchor_cannot_be_changed_into_that_of_another_row_or_into_nothing(make_target, changes):
    target = make_target("CREATE TABLE P(Login TEXT, N INT); INSERT INTO P VALUES ('ada', 1), ('bob', 2)")
    by_login = target.type("P", "Login")
    assert target.refused(by_login, changes.update("P", "ada", Login="bob")).code is MAExportError.DUPLICATE_ANCHOR
    error = target.refused(by_login, changes.update("P", "ada", Login=None))
    assert (error.code, error.attribute) == (MAExportError.MISSING_PROVISIONING_ATTRIBUTE, "Login")
    error = target.refused(by_login, changes.update("P", "ada", Login=""))
    assert error.code is MAExportError.MISSING_PROVISIONING_ATTRIBUTE


@pytest.mark.every_database
def test_the_part_of_a_composite_anchor_that_would_lose_its_value_is_named(make_target, changes):
    target = make_target("CREATE TABLE P(A TEXT, B TEXT, PRIMARY KEY (A, B)); INSERT INTO P VALUES ('a', 'b')")
    error = target.refused("P", changes.update("P", "a", "b", B=None))
    assert (error.code, error.attribute) == (MAExportError.MISSING_PROVISIONING_ATTRIBUTE, "B")


@pytest.mark.every_database
def test_a_replace_empties_what_it_does_not_name_and_leaves_other_columns_alone(make_target, changes):
    target = make_target(PEOPLE)
    selected = target.type(
        "People", only=["Name", "Mail", "Active"], operations={"Active": AttributeOperation.EXPORT_ONLY}
    )
    result = target.done(selected, changes.replace("People", 1, Name="A"))
    assert result.attributes == {"Id": (1,), "Name": ("A",), "Mail": ()}
    assert target.sql("SELECT * FROM People WHERE Id = 1") == [(1, "ada", "A", None, 1)]
    error = target.refused(selected, changes.replace("People", 1, Mail="x"))
    assert (error.code, error.attribute) == (MAExportError.MISSING_PROVISIONING_ATTRIBUTE, "Name")
    error = target.refused(selected, changes.replace("People", 1, Name="x", Nope="y"))
    assert (error.code, error.attribute) == (MAExportError.SCHEMA_VIOLATION, "Nope")


def test_a_replace_leaves_computed_columns_alone_and_moves_the_anchor_only_when_it_differs(make_target, changes):
    target = make_target(
        """
        CREATE TABLE P(Id INTEGER PRIMARY KEY, Name TEXT, Loud TEXT AS (upper(Name)));
        CREATE TABLE Moves(N INT);
        CREATE TRIGGER t AFTER UPDATE OF Id ON P BEGIN INSERT INTO Moves VALUES (new.Id); END;
        INSERT INTO P VALUES (1, 'a');
        """
    )
    same = target.done("P", changes.replace("P", 1, Id=1, Name="b", Loud="A"))
    assert same.attributes == {"Id": (1,), "Name": ("b",), "Loud": ("B",)}
    assert target.sql("SELECT * FROM Moves") == []
    writable = target.type("P", operations={"Loud": AttributeOperation.IMPORT_EXPORT})
    assert target.done(writable, changes.replace("P", 1, Name="c", Loud="A")).attributes["Loud"] == ("C",)
    assert target.done("P", changes.replace("P", 1, Id=5, Name="b")).anchor == (5,)


@pytest.mark.every_database
def test_a_refused_value_or_rule_changes_nothing(make_target, changes):
    target = make_target(PEOPLE)
    assert target.refused("People", changes.update("People", 1, Login="bob")).attribute == "Login"
    assert target.refused("People", changes.update("People", 1, Name=None)).attribute == "Name"
    assert target.refused("People", changes.update("People", 1, Active="perhaps")).attribute == "Active"
    assert target.refused("People", changes.update("People", 1, Nope=1)).code is MAExportError.SCHEMA_VIOLATION


def test_a_trigger_that_changes_the_row_or_its_anchor_is_reflected_in_the_result(make_target, changes):
    target = make_target(
        """
        CREATE TABLE P(Login TEXT UNIQUE, Seen INT DEFAULT 0);
        INSERT INTO P(Login) VALUES ('ada');
        CREATE TRIGGER t AFTER UPDATE OF Login ON P
            BEGIN UPDATE P SET Login = lower(new.Login), Seen = Seen + 1 WHERE rowid = new.rowid; END;
        """
    )
    result = target.done(target.type("P", "Login"), changes.update("P", "ada", Login="ADA"))
    assert (result.anchor, result.attributes["Seen"]) == (("ada",), (1,))


def test_a_trigger_that_ignores_a_change_or_a_delete_is_an_error(make_target, changes):
    target = make_target(
        PEOPLE + "CREATE TRIGGER u BEFORE UPDATE ON People BEGIN SELECT RAISE(IGNORE); END;"
        "CREATE TRIGGER d BEFORE DELETE ON People BEGIN SELECT RAISE(IGNORE); END;"
    )
    assert target.refused("People", changes.update("People", 1, Name="x")).code is MAExportError.CONSTRAINT_VIOLATION
    assert target.refused("People", changes.delete("People", 1)).code is MAExportError.CONSTRAINT_VIOLATION


def test_a_trigger_that_rolls_back_everything_leaves_the_session_usable(make_target, changes):
    target = make_target(
        PEOPLE + "CREATE TRIGGER u BEFORE UPDATE ON People WHEN new.Name = 'x'"
        " BEGIN SELECT RAISE(ROLLBACK, 'not x'); END;"
    )
    error = target.refused("People", changes.update("People", 1, Name="x"))
    assert error.code is MAExportError.CONSTRAINT_VIOLATION
    assert "not x" in error.detail
    target.done("People", changes.update("People", 1, Name="y"))


@pytest.mark.every_database
def test_a_delete_removes_the_row_and_only_that(make_target, changes):
    target = make_target(PEOPLE)
    assert target.done("People", changes.delete("People", 1)).anchor == (1,)
    assert target.sql("SELECT Id FROM People") == [(2,)]


@pytest.mark.every_database
def test_a_row_that_others_refer_to_cannot_be_deleted(make_target, changes):
    target = make_target(PEOPLE + "CREATE TABLE Keys(P INT REFERENCES People(Id)); INSERT INTO Keys VALUES (1);")
    assert target.refused("People", changes.delete("People", 1)).code is MAExportError.CONSTRAINT_VIOLATION


def test_views_are_changed_through_their_triggers(make_target, changes):
    target = make_target(
        PEOPLE
        + """
        CREATE VIEW Current AS SELECT Id, Login, Name FROM People WHERE Active;
        CREATE TRIGGER u INSTEAD OF UPDATE ON Current BEGIN
            UPDATE People SET Login = new.Login, Name = new.Name, Active = new.Name <> 'gone' WHERE Id = old.Id;
        END;
        CREATE TRIGGER d INSTEAD OF DELETE ON Current BEGIN UPDATE People SET Active = 0 WHERE Id = old.Id; END;
        """
    )
    current = target.type("Current", "Id")
    result = target.done(current, changes.update("Current", 1, Name="A"))
    assert result.attributes == {"Id": (1,), "Login": ("ada",), "Name": ("A",)}
    assert target.refused(current, changes.update("Current", 1, Login="bob")).attribute == "Login"
    hidden = target.done(current, changes.update("Current", 2, Name="gone"))
    assert hidden.attributes is None
    target.done(current, changes.delete("Current", 1))
    assert target.sql("SELECT Active FROM People") == [(0,), (0,)]
    assert target.refused(current, changes.add("Current", Id=3)).code is MAExportError.PERMISSION_ISSUE


def test_a_view_that_still_shows_the_row_after_a_delete_is_an_error(make_target, changes):
    target = make_target(
        PEOPLE + "CREATE VIEW V AS SELECT * FROM People; CREATE TRIGGER d INSTEAD OF DELETE ON V BEGIN SELECT 1; END;"
    )
    assert target.refused(target.type("V", "Id"), changes.delete("V", 1)).code is MAExportError.CONSTRAINT_VIOLATION


def test_a_row_with_an_unreadable_column_can_still_be_changed(make_target, changes):
    target = make_target(
        "CREATE TABLE P(Id INTEGER PRIMARY KEY, N INT, Name TEXT); INSERT INTO P VALUES (1, 'many', 'a')"
    )
    result = target.done("P", changes.update("P", 1, Name="b"))
    assert (result.anchor, result.attributes) == ((1,), None)
    assert target.done("P", changes.update("P", 1, N=5)).attributes["N"] == (5,)


def test_types_that_the_configuration_gives_decide_how_values_are_written(make_target, changes):
    target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY, D TEXT, B TEXT, N TEXT, R TEXT)")
    types = {
        "D": AttributeType.DATE_TIME,
        "B": AttributeType.BOOLEAN,
        "N": AttributeType.INTEGER,
        "R": AttributeType.REFERENCE,
    }
    people = target.type("P", types=types)
    moment = datetime(2024, 2, 29, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    result = target.done(people, changes.add("P", D=moment, B=True, N="7", R=Reference("3")))
    assert target.sql("SELECT D, B, N, R FROM P") == [("2024-02-29 10:30:00Z", "True", "7", "3")]
    assert result.attributes["D"] == (datetime(2024, 2, 29, 10, 30, tzinfo=UTC),)
    assert (result.attributes["B"], result.attributes["N"], result.attributes["R"]) == (
        (True,),
        (7,),
        (Reference("3"),),
    )
    kept = target.done(people, changes.update("P", 1, D="2024-03-01T00:00:00+01:00"))
    assert kept.attributes["D"] == (datetime(2024, 2, 29, 23, tzinfo=UTC),)
    assert target.sql("SELECT D FROM P") == [("2024-03-01T00:00:00+01:00",)]
    for name, value in (("D", "soon"), ("B", "perhaps"), ("N", "007")):
        assert target.refused(people, changes.update("P", 1, **{name: value})).attribute == name


@pytest.mark.parametrize("declared", ["", "BLOB"])
def test_a_number_and_its_text_are_one_anchor_where_the_column_keeps_both(make_target, changes, declared):
    target = make_target(
        f"CREATE TABLE P(Id {declared}, N INT); INSERT INTO P VALUES (7, 1), ('8', 2), (9, 3), ('9', 4)"
    )
    people = target.type("P", "Id", types={"Id": AttributeType.STRING})
    assert [entry.anchor[0] for entry in target.entries(people) if not entry.failure] == ["7", "8"]
    assert [entry.anchor[0] for entry in target.entries(people) if entry.failure] == ["9"]
    assert [len(target.find(people, Id=wanted)) for wanted in ("7", "8", "9")] == [1, 1, 2]
    assert target.done(people, changes.update("P", "7", N=10)).anchor == ("7",)
    assert target.refused(people, changes.add("P", Id="7")).code is MAExportError.DUPLICATE_ANCHOR
    assert target.refused(people, changes.delete("P", "9")).code is MAExportError.AMBIGUOUS_UPDATE


def test_an_anchor_that_a_view_computes_finds_its_row(make_target, changes):
    target = make_target(
        """
        CREATE TABLE T(Id INTEGER PRIMARY KEY, Name TEXT);
        INSERT INTO T VALUES (1, 'a'), (2, 'b');
        CREATE VIEW V AS SELECT Id + 1000 AS Number, Name FROM T;
        CREATE TRIGGER d INSTEAD OF DELETE ON V BEGIN DELETE FROM T WHERE Id = old.Number - 1000; END;
        """
    )
    view = target.type("V", "Number")
    assert [entry.anchor for entry in target.entries(view, 1)] == [("1001",), ("1002",)]
    assert len(target.find(view, Number="1002")) == 1
    target.done(view, changes.delete("V", "1001"))
    assert target.sql("SELECT Id FROM T") == [(2,)]
