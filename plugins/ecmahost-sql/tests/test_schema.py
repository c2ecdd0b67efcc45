import sqlite3

import ecmahost_sql
import pytest
from ecmahost_sql.sqlite.catalog import read_tables

from ecmahost_core import AttributeOperation, AttributeType, SessionPurpose


def schema(target):
    return ecmahost_sql.schema(target.session(SessionPurpose.SCHEMA))


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("TEXT", AttributeType.STRING),
        ("VARCHAR(40)", AttributeType.STRING),
        ("nchar(2)", AttributeType.STRING),
        ("", AttributeType.STRING),
        ("INTEGER", AttributeType.INTEGER),
        ("BIGINT", AttributeType.INTEGER),
        ("TINYINT(1)", AttributeType.INTEGER),
        ("BOOLEAN", AttributeType.BOOLEAN),
        ("bit", AttributeType.BOOLEAN),
        ("BLOB", AttributeType.BINARY),
        ("VARBINARY(16)", AttributeType.BINARY),
        ("NUMERIC(10,2)", AttributeType.STRING),
        ("DOUBLE PRECISION", AttributeType.STRING),
        ("DATE", AttributeType.STRING),
        ("DATETIME(6)", AttributeType.STRING),
        ("UNIQUEIDENTIFIER", AttributeType.STRING),
    ],
)
def test_the_declared_type_gives_the_attributes_type(make_target, declared, expected):
    target = make_target(f"CREATE TABLE T(Id INTEGER PRIMARY KEY, X {declared})")
    assert schema(target).type("T").attribute("X").type is expected


def test_a_length_limits_text_only(make_target):
    target = make_target("CREATE TABLE T(A VARCHAR(40), B DATETIME(6), C DECIMAL(10, 2), D TEXT, E CHAR( 2 ))")
    lengths = {attribute.name: attribute.max_length for attribute in schema(target).type("T").attributes}
    assert lengths == {"A": 40, "B": None, "C": None, "D": None, "E": 2}


def test_required_generated_unique_and_read_only_columns_are_told(make_target):
    target = make_target(
        """
        CREATE TABLE T(
            Id INTEGER PRIMARY KEY, Must TEXT NOT NULL, May TEXT, Preset TEXT NOT NULL DEFAULT 'x',
            Null_ TEXT NOT NULL DEFAULT NULL, Login TEXT UNIQUE, A TEXT, B TEXT, C TEXT,
            Loud TEXT GENERATED ALWAYS AS (upper(May)) STORED, Quiet TEXT AS (lower(May)),
            UNIQUE (A, B)
        );
        CREATE UNIQUE INDEX partly ON T(C) WHERE C <> '';
        CREATE UNIQUE INDEX expression ON T(lower(A));
        """
    )
    found = schema(target).type("T")
    assert found.anchor == ("Id",)
    names = [attribute.name for attribute in found.attributes]
    assert names == ["Id", "Must", "May", "Preset", "Null_", "Login", "A", "B", "C", "Loud", "Quiet"]
    assert [a.name for a in found.attributes if a.required] == ["Must", "Null_"]
    assert [a.name for a in found.attributes if a.generated] == ["Id", "Preset", "Loud", "Quiet"]
    assert [a.name for a in found.attributes if a.unique] == ["Id", "Login"]
    assert [a.name for a in found.attributes if a.operation is AttributeOperation.IMPORT_ONLY] == ["Loud", "Quiet"]


def test_a_primary_key_of_text_is_required_and_a_composite_one_keeps_its_order(make_target):
    target = make_target(
        """
        CREATE TABLE One(Login TEXT PRIMARY KEY);
        CREATE TABLE Two(A TEXT, B TEXT, PRIMARY KEY (B, A)) WITHOUT ROWID;
        CREATE TABLE Three(A INT PRIMARY KEY);
        CREATE TABLE Four(A TEXT);
        """
    )
    types = schema(target)
    assert types.type("One").attribute("Login").required
    assert types.type("One").attribute("Login").unique
    assert types.type("Two").anchor == ("B", "A")
    assert not types.type("Two").attribute("A").unique
    assert types.type("Three").attribute("A").required  # INT is not the rowid: SQLite would leave it NULL
    assert types.type("Four").anchor == ()


def test_a_view_can_be_written_where_it_has_instead_of_triggers(make_target):
    target = make_target(
        """
        CREATE TABLE T(Id INTEGER PRIMARY KEY, Name TEXT);
        CREATE VIEW Seen AS SELECT * FROM T;
        CREATE VIEW Written AS SELECT * FROM T;
        CREATE TRIGGER "INSTEAD OF DELETE" INSTEAD /* or so */ OF UPDATE ON Written
            BEGIN UPDATE T SET Name = new.Name WHERE Id = old.Id; END;
        """
    )
    types = schema(target)
    assert {a.operation for a in types.type("Seen").attributes} == {AttributeOperation.IMPORT_ONLY}
    assert {a.operation for a in types.type("Written").attributes} == {AttributeOperation.IMPORT_EXPORT}
    assert types.type("Seen").anchor == ()


def test_what_is_no_object_type_is_left_out(make_target):
    target = make_target(
        """
        CREATE TABLE T(Id INTEGER PRIMARY KEY AUTOINCREMENT);
        CREATE TABLE gone(x);
        CREATE VIEW broken AS SELECT x FROM gone;
        DROP TABLE gone;
        CREATE VIRTUAL TABLE words USING fts5(body);
        """
    )
    assert [found.name for found in schema(target).types] == ["T", "words"]


@pytest.mark.parametrize("words", ["pragma_table_xinfo", "LIMIT 0"])
def test_a_catalog_that_cannot_be_read_now_never_looks_like_one_with_fewer_tables(make_target, words):
    target = make_target("CREATE TABLE T(Id INTEGER PRIMARY KEY)")

    def locked_at(sql: str, *parameters: object) -> list[tuple]:
        if words in sql:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return target.sql(sql, *parameters)

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        read_tables(locked_at)


NASTY = ['a"b', "a`b", "a]b", "a.b", "a b", "sélect", "select", "x'; DROP TABLE People; --", "日本", "a``b", "%s", "?1"]


@pytest.mark.parametrize("name", NASTY)
def test_names_of_any_kind_work_for_tables_and_columns(make_target, changes, name):
    quoted = '"' + name.replace('"', '""') + '"'
    target = make_target(f"CREATE TABLE {quoted}(Id INTEGER PRIMARY KEY, {quoted} TEXT)")
    found = target.type(name)
    assert [a.name for a in found.attributes] == ["Id", name]
    assert target.done(found, changes.add(name, **{name: name})).attributes == {"Id": (1,), name: (name,)}
    assert target.done(found, changes.update(name, 1, **{name: "y"})).attributes == {"Id": (1,), name: ("y",)}
    assert [entry.anchor for entry in target.find(found, **{name: "y"})] == [(1,)]
    assert [entry.attributes[name] for entry in target.entries(target.type(name, name))] == [("y",)]
    assert target.check(found) is not None
    target.done(found, changes.delete(name, 1))
    assert target.entries(found) == []


def test_names_keep_their_case(make_target):
    target = make_target('CREATE TABLE eMployees("lastNAME" TEXT)')
    (found,) = schema(target).types
    assert (found.name, found.attributes[0].name) == ("eMployees", "lastNAME")
