import pytest

from ecmahost_core import AttributeOperation, AttributeType, MAExportError

PEOPLE = """
    CREATE TABLE People(
        EmployeeId INTEGER PRIMARY KEY AUTOINCREMENT,
        Login VARCHAR(8) NOT NULL UNIQUE,
        LastName TEXT NOT NULL,
        Active BOOLEAN DEFAULT 1,
        Pay DECIMAL(10, 2) CHECK (Pay > 0),
        Hired DATE,
        Badge INTEGER,
        Photo BLOB,
        Shout TEXT AS (upper(LastName))
    );
"""


@pytest.mark.every_database
def test_a_generated_key_and_the_databases_defaults_come_back_as_a_later_import_yields_them(make_target, changes):
    target = make_target(PEOPLE)
    result = target.done("People", changes.add("People", Login="ada", LastName="Lovelace", Pay="10.50"))
    assert result.anchor == (1,)
    assert result.attributes == {
        "EmployeeId": (1,),
        "Login": ("ada",),
        "LastName": ("Lovelace",),
        "Active": (True,),
        "Pay": ("10.5" if target.kind == "sqlite" else "10.50",),
        "Hired": (),
        "Badge": (),
        "Photo": (),
        "Shout": ("LOVELACE",),
    }
    (entry,) = target.entries("People")
    assert (entry.anchor, entry.attributes) == (result.anchor, result.attributes)


@pytest.mark.every_database
def test_a_supplied_key_is_used_and_an_empty_value_leaves_the_default_alone(make_target, changes):
    target = make_target(PEOPLE)
    result = target.done("People", changes.add("People", EmployeeId=41, Login="a", LastName="A", Active=None))
    assert result.anchor == (41,)
    assert result.attributes["Active"] == (True,)


@pytest.mark.every_database
def test_the_change_is_durable_for_other_connections_when_export_returns(make_target, changes):
    target = make_target(PEOPLE)
    target.done("People", changes.add("People", Login="a", LastName="A"))
    assert target.sql("SELECT count(*) FROM People") == [(1,)]


@pytest.mark.every_database
def test_an_existing_anchor_is_a_duplicate_by_the_columns_own_equality(make_target, changes):
    target = make_target(
        "CREATE TABLE P(Login TEXT COLLATE NOCASE PRIMARY KEY, N INT); INSERT INTO P VALUES ('Bob', 1)"
    )
    error = target.refused("P", changes.add("P", Login="BOB", N=2))
    assert (error.code, error.attribute) == (MAExportError.DUPLICATE_ANCHOR, "Login")


@pytest.mark.parametrize("index", ["", "CREATE INDEX i ON P(Login);"])
def test_an_existing_anchor_is_a_duplicate_also_where_the_database_would_take_it(make_target, changes, index):
    target = make_target(f"CREATE TABLE P(Login TEXT, N INT); {index} INSERT INTO P VALUES ('bob', 1)")
    error = target.refused(target.type("P", "Login"), changes.add("P", Login="bob", N=2))
    assert error.code is MAExportError.DUPLICATE_ANCHOR


@pytest.mark.every_database
def test_a_composite_anchor_is_a_duplicate_only_as_a_whole(make_target, changes):
    target = make_target(
        "CREATE TABLE P(A TEXT, B INT, PRIMARY KEY (B, A)) WITHOUT ROWID; INSERT INTO P VALUES ('x', 1)"
    )
    assert target.refused("P", changes.add("P", A="x", B=1)).code is MAExportError.DUPLICATE_ANCHOR
    assert target.done("P", changes.add("P", A="x", B=2)).anchor == (2, "x")


@pytest.mark.every_database
def test_another_unique_column_is_a_duplicate_that_names_the_column(make_target, changes):
    target = make_target(PEOPLE + "INSERT INTO People(Login, LastName) VALUES ('bob', 'B');")
    error = target.refused("People", changes.add("People", Login="bob", LastName="C"))
    assert (error.code, error.attribute) == (MAExportError.DUPLICATE_ANCHOR, "Login")
    assert error.detail == "another row already has this value in column Login"


def test_columns_that_are_unique_together_are_told_together(make_target, changes):
    target = make_target(
        "CREATE TABLE P(Id INTEGER PRIMARY KEY, A, B, UNIQUE (A, B));INSERT INTO P VALUES (1, 'a', 'b')"
    )
    error = target.refused("P", changes.add("P", A="a", B="b"))
    assert (error.code, error.attribute) == (MAExportError.DUPLICATE_ANCHOR, "")
    assert "P.A, P.B" in error.detail


@pytest.mark.parametrize("clause", ["REPLACE", "IGNORE"])
def test_a_constraint_that_would_replace_or_ignore_rows_never_does(make_target, changes, clause):
    target = make_target(
        f"CREATE TABLE P(Id INTEGER PRIMARY KEY, Login TEXT UNIQUE ON CONFLICT {clause});"
        "INSERT INTO P VALUES (1, 'bob'), (2, 'eve');"
    )
    error = target.refused("P", changes.add("P", Login="bob"))
    assert (error.code, error.attribute) == (MAExportError.DUPLICATE_ANCHOR, "Login")
    assert target.refused("P", changes.update("P", 2, Login="bob")).code is MAExportError.DUPLICATE_ANCHOR


def test_what_a_trigger_says_about_conflicts_of_its_own_still_counts(make_target, changes):
    target = make_target(
        """
        CREATE TABLE Depts(Name TEXT PRIMARY KEY);
        CREATE TABLE P(Id INTEGER PRIMARY KEY, Dept TEXT);
        CREATE TRIGGER t AFTER INSERT ON P BEGIN INSERT OR IGNORE INTO Depts VALUES (new.Dept); END;
        """
    )
    target.done("P", changes.add("P", Dept="HR"))
    target.done("P", changes.add("P", Dept="HR"))
    assert target.sql("SELECT Name FROM Depts") == [("HR",)]


@pytest.mark.every_database
def test_a_required_column_without_a_value_is_named(make_target, changes):
    target = make_target(PEOPLE)
    error = target.refused("People", changes.add("People", Login="ada"))
    assert (error.code, error.attribute) == (MAExportError.MISSING_PROVISIONING_ATTRIBUTE, "LastName")
    assert error.detail == "column LastName must have a value"


@pytest.mark.every_database
def test_an_anchor_that_nobody_makes_is_named(make_target, changes):
    target = make_target("CREATE TABLE P(Login TEXT PRIMARY KEY, N INT)")
    error = target.refused("P", changes.add("P", N=1))
    assert (error.code, error.attribute) == (MAExportError.MISSING_PROVISIONING_ATTRIBUTE, "Login")


def test_a_broken_rule_of_the_database_is_a_constraint_violation_in_its_own_words(make_target, changes):
    target = make_target(
        PEOPLE + "CREATE TRIGGER t BEFORE INSERT ON People WHEN new.Badge = 13"
        " BEGIN SELECT RAISE(ABORT, 'badge 13 is reserved'); END;"
    )
    error = target.refused("People", changes.add("People", Login="a", LastName="A", Pay="0"))
    assert (error.code, error.detail) == (
        MAExportError.CONSTRAINT_VIOLATION,
        "the database forbids it: CHECK constraint failed: Pay > 0",
    )
    error = target.refused("People", changes.add("People", Login="a", LastName="A", Badge=13))
    assert error.code is MAExportError.CONSTRAINT_VIOLATION
    assert "badge 13 is reserved" in error.detail


@pytest.mark.parametrize("deferred", ["", " DEFERRABLE INITIALLY DEFERRED"])
def test_a_foreign_key_is_enforced_also_when_it_waits_for_the_commit(make_target, changes, deferred):
    target = make_target(
        "CREATE TABLE D(Id INTEGER PRIMARY KEY);"
        f"CREATE TABLE P(Id INTEGER PRIMARY KEY, D INT REFERENCES D(Id){deferred});"
    )
    error = target.refused("P", changes.add("P", D=5))
    assert error.code is MAExportError.CONSTRAINT_VIOLATION
    assert "foreign key" in error.detail
    target.sql("INSERT INTO D VALUES (5)")
    assert target.done("P", changes.add("P", D=5)).anchor == (1,)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("Badge", "007", "whole numbers"),
        ("Badge", "+7", "whole numbers"),
        ("Badge", " 7", "whole numbers"),
        ("Badge", "-0", "whole numbers"),
        ("Badge", "٣", "whole numbers"),
        ("Badge", "1e3", "whole numbers"),
        ("Badge", "", "whole numbers"),
        ("Badge", str(2**63), "whole numbers"),
        ("Badge", 2**63, "whole numbers"),
        ("Badge", "9" * 5000, "whole numbers"),
        ("Badge", b"7", "whole numbers"),
        ("Active", "perhaps", "True or False"),
        ("Active", 2, "True or False"),
        ("Pay", "ten", "numbers such as"),
        ("Pay", "010", "numbers such as"),
        ("Pay", True, "numbers such as"),
        ("Pay", "0.1234567890123456", "keeps 15 digits of a number, 16 were sent"),
        ("Login", "ninechars", "takes at most 8 characters, 9 were sent"),
        ("LastName", "a\0b", "NUL"),
        ("LastName", "\udc00", "surrogate"),
        ("LastName", b"x", "takes text"),
        ("Photo", "text", "bytes"),
        ("Hired", "20240101.0", "declare the column as TEXT"),
        ("Hired", "007", "declare the column as TEXT"),
        ("Hired", "1e3", "declare the column as TEXT"),
    ],
)
def test_a_value_that_the_column_would_not_keep_is_refused_and_never_repeated(
    make_target, changes, column, value, words
):
    target = make_target(PEOPLE)
    attributes = {"Login": "ada", "LastName": "A", column: value}
    error = target.refused("People", changes.add("People", **attributes))
    assert (error.code, error.attribute) == (MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, column)
    assert error.detail.startswith(f"column {column} of table People ")
    assert words in error.detail
    assert not isinstance(value, str) or len(value) < 3 or value not in error.detail


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("Badge", "7", 7),
        ("Badge", "-7", -7),
        ("Badge", True, 1),
        ("Badge", -(2**63), -(2**63)),
        ("Active", "True", 1),
        ("Active", "false", 0),
        ("Active", False, 0),
        ("Pay", "12.50", 12.5),
        ("Pay", 12, 12),
        ("LastName", "007", "007"),
        ("LastName", 7, "7"),
        ("LastName", "", ""),
        ("LastName", "'; DROP TABLE People; --", "'; DROP TABLE People; --"),
        ("LastName", "😀 \u202e x", "😀 \u202e x"),
        ("Login", "eight 日本", "eight 日本"),
        ("Photo", b"", b""),
        ("Photo", b"\0\xff", b"\0\xff"),
        ("Hired", "2024-02-29", "2024-02-29"),
        ("Hired", "20240229", 20240229),
    ],
)
def test_a_value_is_stored_as_the_column_holds_such_values(make_target, changes, column, value, stored):
    target = make_target(PEOPLE)
    target.done("People", changes.add("People", **{"Login": "ada", "LastName": "A", column: value}))
    ((found,),) = target.sql(f"SELECT {column} FROM People")
    assert found == stored
    assert type(found) is type(stored)


@pytest.mark.every_database
def test_several_values_and_unknown_or_computed_columns_are_refused_by_name(make_target, changes):
    from dataclasses import replace

    target = make_target(PEOPLE)
    whole = changes.add("People", Login="ada", LastName="A")
    two = replace(whole, attributes={**whole.attributes, "Badge": (1, 2)})
    assert target.refused("People", two).code is MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE
    error = target.refused("People", changes.add("People", Login="ada", LastName="A", Nope="x"))
    assert (error.code, error.attribute) == (MAExportError.SCHEMA_VIOLATION, "Nope")
    error = target.refused("People", changes.add("People", Login="ada", LastName="A", Shout="A"))
    assert (error.code, error.attribute) == (MAExportError.SCHEMA_VIOLATION, "Shout")


def test_a_trigger_that_changes_the_new_row_is_reflected_in_the_result(make_target, changes):
    target = make_target(
        """
        CREATE TABLE P(Login TEXT UNIQUE, Mail TEXT, N INT);
        CREATE TABLE Log(Id INTEGER PRIMARY KEY, What TEXT);
        INSERT INTO Log(What) VALUES ('x'), ('y'), ('z');
        CREATE TRIGGER t AFTER INSERT ON P BEGIN
            INSERT INTO Log(What) VALUES ('added');
            UPDATE P SET Login = lower(new.Login), Mail = lower(new.Login) || '@example.com' WHERE rowid = new.rowid;
        END;
        """
    )
    result = target.done(target.type("P", "Login"), changes.add("P", Login="ADA"))
    assert result.anchor == ("ada",)
    assert result.attributes == {"Login": ("ada",), "Mail": ("ada@example.com",), "N": ()}


def test_a_trigger_that_ignores_or_removes_the_new_row_is_an_error(make_target, changes):
    for when, body in (("BEFORE", "SELECT RAISE(IGNORE)"), ("AFTER", "DELETE FROM P WHERE Id = new.Id")):
        target = make_target(
            f"CREATE TABLE P(Id INTEGER PRIMARY KEY, N INT); INSERT INTO P VALUES (7, 1);"
            f"CREATE TRIGGER t {when} INSERT ON P BEGIN {body}; END;",
            name=f"{when}.db",
        )
        assert target.refused("P", changes.add("P", N=2)).code is MAExportError.CONSTRAINT_VIOLATION


def test_an_ignored_new_row_is_never_mistaken_for_the_one_before(make_target, changes):
    target = make_target(
        """
        CREATE TABLE P(Id INTEGER PRIMARY KEY, N INT);
        CREATE TRIGGER t BEFORE INSERT ON P WHEN new.N = 2 BEGIN SELECT RAISE(IGNORE); END;
        """
    )
    target.done("P", changes.add("P", N=1))
    assert target.refused("P", changes.add("P", N=2)).code is MAExportError.CONSTRAINT_VIOLATION


def test_a_trigger_that_fails_on_its_own_table_names_no_column_of_ours(make_target, changes):
    target = make_target(
        """
        CREATE TABLE Log(Id INTEGER PRIMARY KEY, LastName TEXT NOT NULL);
        CREATE TABLE P(Id INTEGER PRIMARY KEY, LastName TEXT);
        CREATE TRIGGER t AFTER INSERT ON P BEGIN INSERT INTO Log(LastName) VALUES (NULL); END;
        """
    )
    error = target.refused("P", changes.add("P", LastName="A"))
    assert (error.code, error.attribute) == (MAExportError.CONSTRAINT_VIOLATION, "")
    assert "Log.LastName" in error.detail


def test_a_trigger_on_a_missing_table_is_a_schema_violation(make_target, changes):
    target = make_target(
        """
        CREATE TABLE P(Id INTEGER PRIMARY KEY, N INT);
        CREATE TRIGGER t AFTER INSERT ON P BEGIN INSERT INTO Gone VALUES (1); END;
        """
    )
    assert target.refused("P", changes.add("P", N=1)).code is MAExportError.SCHEMA_VIOLATION


def test_keys_that_a_table_without_rowid_makes_itself_come_back(make_target, changes):
    target = make_target(
        "CREATE TABLE P(Key TEXT DEFAULT (lower(hex(randomblob(8)))) PRIMARY KEY, N INT) WITHOUT ROWID"
    )
    result = target.done("P", changes.add("P", N=1))
    assert result.anchor == target.entries("P")[0].anchor
    assert len(result.anchor[0]) == 16


def test_computed_anchors_and_tables_whose_columns_hide_the_rowid_work(make_target, changes):
    target = make_target(
        """
        CREATE TABLE P(First TEXT, Last TEXT, Login TEXT AS (lower(First || '.' || Last)) STORED UNIQUE);
        CREATE TABLE Q(rowid TEXT, _rowid_ TEXT, oid TEXT, Login TEXT PRIMARY KEY);
        CREATE TABLE R(RowID TEXT, Login TEXT PRIMARY KEY);
        """
    )
    assert target.done(target.type("P", "Login"), changes.add("P", First="Ada", Last="L")).anchor == ("ada.l",)
    assert target.done("Q", changes.add("Q", Login="a", oid="x")).attributes["oid"] == ("x",)
    assert target.done("R", changes.add("R", Login="a", RowID="x")).anchor == ("a",)


@pytest.mark.every_database
def test_every_value_can_be_a_default(make_target, changes):
    target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY, N INT DEFAULT 5)")
    assert target.done("P", changes.add("P")).attributes == {"Id": (1,), "N": (5,)}


def test_strict_tables_keep_their_own_rules(make_target, changes):
    target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY, N INT, A ANY, R REAL) STRICT")
    result = target.done("P", changes.add("P", N="7", A="007", R="1.5"))
    assert result.attributes == {"Id": (1,), "N": (7,), "A": ("007",), "R": ("1.5",)}
    as_text = target.type("P", types={"N": AttributeType.BOOLEAN})
    assert target.done(as_text, changes.add("P", N="True")).attributes["N"] == (True,)


@pytest.mark.every_database
def test_an_attribute_that_is_only_exported_is_written_and_not_returned(make_target, changes):
    target = make_target(PEOPLE)
    people = target.type("People", only=["Login", "LastName"], operations={"LastName": AttributeOperation.EXPORT_ONLY})
    result = target.done(people, changes.add("People", Login="a", LastName="A"))
    assert result.attributes == {"EmployeeId": (1,), "Login": ("a",)}
    assert target.sql("SELECT LastName FROM People") == [("A",)]


def test_a_view_with_an_insert_trigger_takes_objects_and_one_without_refuses(make_target, changes):
    target = make_target(
        """
        CREATE TABLE T(Login TEXT PRIMARY KEY, Name TEXT NOT NULL);
        CREATE VIEW Seen AS SELECT * FROM T;
        CREATE VIEW Written AS SELECT Login, Name FROM T;
        CREATE TRIGGER t INSTEAD OF INSERT ON Written
            BEGIN INSERT OR REPLACE INTO T VALUES (new.Login, new.Name); END;
        """
    )
    result = target.done(target.type("Written", "Login"), changes.add("Written", Login="a", Name="A"))
    assert (result.anchor, result.attributes) == (("a",), {"Login": ("a",), "Name": ("A",)})
    error = target.refused(target.type("Written", "Login"), changes.add("Written", Login="a", Name="B"))
    assert error.code is MAExportError.DUPLICATE_ANCHOR
    error = target.refused(target.type("Written", "Login"), changes.add("Written", Login="b"))
    assert (error.code, error.attribute) == (MAExportError.MISSING_PROVISIONING_ATTRIBUTE, "Name")
    error = target.refused(target.type("Written", "Login"), changes.add("Written", Name="B"))
    assert (error.code, error.attribute) == (MAExportError.MISSING_PROVISIONING_ATTRIBUTE, "Login")
    error = target.refused(target.type("Seen", "Login"), changes.add("Seen", Login="b", Name="B"))
    assert error.code is MAExportError.PERMISSION_ISSUE


@pytest.mark.every_database
def test_one_refused_change_stops_no_other(make_target, changes):
    target = make_target(PEOPLE)
    batch = [
        changes.add("People", "1", Login="a", LastName="A"),
        changes.add("People", "2", Login="a", LastName="B"),
        changes.add("People", "3", Login="c"),
        changes.add("People", "4", Login="d", LastName="D"),
    ]
    results = target.export("People", *batch)
    assert [result.error is None for result in results] == [True, False, False, True]
    assert target.sql("SELECT Login FROM People") == [("a",), ("d",)]
