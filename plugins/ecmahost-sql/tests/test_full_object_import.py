import pytest

from ecmahost_core import AttributeType, ObjectTypeNotSupported

PEOPLE = """
    CREATE TABLE People(
        Id INTEGER PRIMARY KEY, Login TEXT COLLATE NOCASE, Code TEXT, Active BOOLEAN, Pay NUMERIC, Key BLOB
    );
    INSERT INTO People VALUES
        (7, 'Bob', '007', TRUE, 10.5, x'01'), (8, 'Eve', '7', FALSE, 11, NULL), (9, NULL, 'abc', NULL, NULL, NULL);
"""


@pytest.mark.every_database
@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({"Id": 7}, [7]),
        ({"Id": "7"}, [7]),
        ({"Id": "007"}, []),
        ({"Id": "abc"}, []),
        ({"Id": 2**70}, []),
        ({"Id": "9" * 5000}, []),
        ({"Login": "BOB"}, [7]),
        ({"Login": "bob "}, []),
        ({"Login": None}, [9]),
        ({"Code": "7"}, [8]),
        ({"Code": "007"}, [7]),
        ({"Code": 7}, [8]),
        ({"Active": True}, [7]),
        ({"Active": "False"}, [8]),
        ({"Active": "perhaps"}, []),
        ({"Pay": "10.5"}, [7]),
        ({"Pay": "11"}, [8]),
        ({"Pay": "11.0"}, [8]),
        ({"Pay": "ten"}, []),
        ({"Key": b"\1"}, [7]),
        ({"Key": "01"}, []),
        ({"Login": "eve", "Active": False}, [8]),
        ({"Login": "eve", "Active": True}, []),
        ({"Login": "a\0b"}, []),
        ({"Login": "\ud800"}, []),
        ({"Login": "' OR 1=1 --"}, []),
    ],
)
def test_the_rows_with_these_values_are_found_by_the_columns_own_equality(make_target, wanted, ids):
    target = make_target(PEOPLE)
    if target.kind == "mariadb" and wanted == {"Login": "bob "}:
        ids = [7]  # blanks at the end do not count there
    assert [entry.anchor[0] for entry in target.find("People", **wanted)] == ids


@pytest.mark.every_database
def test_an_object_is_read_exactly_as_an_import_yields_it(make_target):
    target = make_target(PEOPLE)
    assert [*target.find("People", Id=7)] == [entry for entry in target.entries("People") if entry.anchor == (7,)]


@pytest.mark.every_database
def test_no_more_objects_are_read_than_can_be_used(make_target):
    target = make_target(PEOPLE)
    target.sql("UPDATE People SET Code = 'x'")
    assert len(target.find("People", Code="x", limit=2)) == 2
    assert len(target.find("People", Code="x", limit=1)) == 1


@pytest.mark.every_database
def test_a_column_that_is_not_selected_can_be_asked_for(make_target):
    target = make_target(PEOPLE)
    (entry,) = target.find(target.type("People", only=["Login"]), Code="007")
    assert entry.attributes == {"Id": (7,), "Login": ("Bob",)}


@pytest.mark.every_database
def test_a_text_longer_than_the_column_takes_finds_nothing_and_does_not_fail(make_target):
    target = make_target("CREATE TABLE T(A VARCHAR(3) PRIMARY KEY)")
    assert target.find("T", A="abcdef") == ()


@pytest.mark.every_database
def test_a_missing_column_is_named(make_target):
    target = make_target(PEOPLE)
    with pytest.raises(ObjectTypeNotSupported, match="no column login; it is spelled Login"):
        target.find("People", login="bob")


def test_a_column_of_text_that_the_configuration_calls_boolean_is_found_by_a_boolean(make_target):
    target = make_target("CREATE TABLE T(Id INTEGER PRIMARY KEY, A TEXT); INSERT INTO T(A) VALUES ('True')")
    assert len(target.find(target.type("T", types={"A": AttributeType.BOOLEAN}), A=True)) == 1
