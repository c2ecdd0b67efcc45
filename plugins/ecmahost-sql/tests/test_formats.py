"""What the host is told of a column's texts and numbers, and what the database itself still refuses."""

import pytest
from ecmahost_sql.catalog import Column, Table, object_type
from ecmahost_sql.odbc.types import typed
from ecmahost_sql.values import InvalidValue, bind

from ecmahost_core import AttributeType, MAExportError, ValueFormat

F = ValueFormat
SINGLE = {"postgresql": "real", "mariadb": "float"}
TYPED = """CREATE TABLE Things (
    Id INTEGER PRIMARY KEY, Hired date, Seen timestamp(3) NULL, Daily time, Salary decimal(10, 2),
    Ratio double precision, Single {single}, Level smallint, Whole integer, Big bigint, Badge char(10), Guid uuid,
    Login varchar(20)
)"""


def told(target) -> dict[str, tuple]:
    return {
        attribute.name: (
            attribute.format,
            attribute.minimum,
            attribute.maximum,
            attribute.precision,
            attribute.scale,
            attribute.max_length,
        )
        for attribute in target.type("Things").attributes
    }


@pytest.mark.servers
def test_a_server_tells_what_its_columns_keep(make_target):
    target = make_target(TYPED.format(single=SINGLE[make_target.kind]))
    second = {"postgresql": None, "mariadb": 0}[target.kind]
    assert told(target) == {
        "Id": (None, -(2**31), 2**31 - 1, None, None, None),
        "Hired": (F.DATE, None, None, None, None, None),
        "Seen": (F.TIMESTAMP, None, None, None, 3, None),
        "Daily": (F.TIME, None, None, None, second, None),
        "Salary": (F.DECIMAL, None, None, 10, 2, None),
        "Ratio": (F.DECIMAL, None, None, 15, None, None),
        "Single": (F.DECIMAL, None, None, 6, None, None),
        "Level": (None, -32768, 32767, None, None, None),
        "Whole": (None, -(2**31), 2**31 - 1, None, None, None),
        "Big": (None, None, None, None, None, None),
        "Badge": (F.PADDED, None, None, None, None, 10),
        "Guid": (F.GUID, None, None, None, None, None),
        "Login": (None, None, None, None, None, 20),
    }


def test_sqlite_tells_of_numbers_only_because_everything_else_is_the_text_that_was_sent(make_target):
    target = make_target(
        "CREATE TABLE Things (Id INTEGER PRIMARY KEY, Hired DATE, Guid UUID, Badge CHAR(10), Salary DECIMAL(10, 2),"
        " Ratio REAL, Level SMALLINT)"
    )
    assert told(target) == {
        "Id": (None, None, None, None, None, None),
        "Hired": (None, None, None, None, None, None),
        "Guid": (None, None, None, None, None, None),
        "Badge": (None, None, None, None, None, 10),
        "Salary": (F.DECIMAL, None, None, None, None, None),
        "Ratio": (F.DECIMAL, None, None, 15, None, None),
        "Level": (None, None, None, None, None, None),
    }


@pytest.mark.parametrize(
    ("declared", "format_", "scale", "precision"),
    [
        ("timestamp with time zone", F.TIMESTAMP, None, None),
        ("timestamp(0) without time zone", F.TIMESTAMP, 0, None),
        ("datetimeoffset(7)", F.TIMESTAMP, 7, None),
        ("time(3) without time zone", F.TIME, 3, None),
        ("time with time zone", None, None, None),
        ("uniqueidentifier", F.GUID, None, None),
        ("numeric(10)", F.DECIMAL, 0, 10),
        ("numeric", F.DECIMAL, None, None),
        ("bigint(20) unsigned", F.DECIMAL, 0, None),
        ("character(3)", F.PADDED, None, None),
        ("character varying(3)", None, None, None),
        ("jsonb", None, None, None),
    ],
)
def test_what_a_declared_type_keeps(declared, format_, scale, precision):
    found = typed(declared)
    assert (found.format, found.scale, found.precision) == (format_, scale, precision)


def test_whole_numbers_without_a_sign_begin_at_0():
    found = typed("smallint(5) unsigned")
    column = Column("Level", found.kind, bits=found.bits, unsigned=found.unsigned)
    (attribute,) = object_type(Table("Things", "", "", "", (column,))).attributes
    assert (attribute.minimum, attribute.maximum) == (0, 65535)
    with pytest.raises(InvalidValue, match="from 0"):
        bind(column, AttributeType.INTEGER, -1)


NARROW = {
    "postgresql": (
        'ALTER TABLE "Things" ALTER "Salary" TYPE numeric(4,2)',
        'ALTER TABLE "Things" ALTER "Login" TYPE varchar(3)',
        'ALTER TABLE "Things" ALTER "Level" TYPE smallint',
    ),
    "mariadb": (
        "ALTER TABLE `Things` MODIFY `Salary` decimal(4,2)",
        "ALTER TABLE `Things` MODIFY `Login` varchar(3)",
        "ALTER TABLE `Things` MODIFY `Level` smallint",
    ),
}


@pytest.mark.servers
@pytest.mark.parametrize(("column", "value"), [("Salary", "1000.25"), ("Login", "abcdef"), ("Level", 40000)])
def test_what_the_database_itself_refuses_names_the_column_and_leaves_nothing_behind(
    make_target, changes, column, value
):
    target = make_target(
        "CREATE TABLE Things (Id INTEGER PRIMARY KEY, Note varchar(50), Salary decimal(10,2), Login varchar(20),"
        " Level integer)"
    )
    things = target.type("Things")
    target.session()
    first = target.done(things, changes.add("Things", Note="first", Salary="1.25", Login="abc", Level=1))
    for statement in NARROW[target.kind]:  # behind the back of a session that knows the table as it was
        target.raw(statement)
    good = {"Note": "kept", "Salary": "2.50", "Login": "xyz", "Level": 2}
    for change in (
        changes.add("Things", **{**good, column: value}),
        changes.update("Things", *first.anchor, **{**good, column: value}),
    ):
        error = target.refused(things, change)
        assert error.code is MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE
        assert error.attribute == column
        assert column in error.detail
        assert str(value) not in error.detail
    assert target.done(things, changes.update("Things", *first.anchor, **good)).anchor == first.anchor


@pytest.mark.every_database
def test_a_boolean_in_a_column_of_one_character_is_1_or_0(make_target, changes):
    target = make_target("CREATE TABLE Things (Id INTEGER PRIMARY KEY, Flag char(1), Word varchar(5))")
    things = target.type("Things", types={"Flag": AttributeType.BOOLEAN, "Word": AttributeType.BOOLEAN})
    made = target.done(things, changes.add("Things", Flag=True, Word=True))
    assert target.sql("SELECT Flag, Word FROM Things") == [("1", "True")]
    assert target.done(things, changes.update("Things", *made.anchor, Flag=False, Word=False)).attributes["Flag"] == (
        False,
    )
    assert target.sql("SELECT Flag, Word FROM Things") == [("0", "False")]


@pytest.mark.servers
def test_a_number_with_too_many_digits_before_the_point_is_refused_before_the_database_sees_it(make_target, changes):
    target = make_target(
        f"CREATE TABLE Things (Id INTEGER PRIMARY KEY, Salary decimal(5, 2), Half {SINGLE[make_target.kind]})"
    )
    error = target.refused(target.type("Things"), changes.add("Things", Salary="1234.5"))
    assert error.detail == "column Salary of table Things keeps 3 digits before the point, 4 were sent"
    error = target.refused(target.type("Things"), changes.add("Things", Half="1.2345678"))
    assert error.detail == "column Half of table Things keeps 6 digits of a number, 8 were sent"
    assert target.done("Things", changes.add("Things", Salary="-123.45", Half="0.00123456")).error is None
