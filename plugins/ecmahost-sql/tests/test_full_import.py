import sqlite3
import string
import threading
import tracemalloc
from collections import Counter
from contextlib import closing

import ecmahost_sql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecmahost_core import AttributeOperation, AttributeType, MAImportError, ObjectTypeNotSupported, SessionPurpose

PEOPLE = "CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT);"


@pytest.mark.every_database
def test_every_row_is_yielded_once_with_every_selected_attribute(make_target):
    target = make_target(PEOPLE + "INSERT INTO People VALUES (3, 'c'), (1, NULL), (2, '');")
    entries = target.entries("People", 2)
    assert [entry.attributes for entry in entries] == [
        {"Id": (1,), "Name": ()},
        {"Id": (2,), "Name": ("",)},
        {"Id": (3,), "Name": ("c",)},
    ]
    assert [entry.anchor for entry in entries] == [(1,), (2,), (3,)]
    assert {entry.object_type for entry in entries} == {"People"}


def test_a_page_is_never_larger_than_asked_for(make_target):
    target = make_target(PEOPLE + "CREATE TABLE Loose(Name TEXT);")
    target.sql("INSERT INTO People SELECT value, value FROM json_each('[1,2,3,4,5,6,7,8,9,10]')")
    target.sql("INSERT INTO Loose SELECT Name FROM People UNION ALL SELECT NULL FROM People")
    assert [len(page) for page in target.pages("People", 4)] == [4, 4, 2]
    assert [len(page) for page in target.pages(target.type("Loose", "Name"), 4)] == [4, 4, 4, 4, 4]


@pytest.mark.every_database
def test_an_empty_table_ends_at_once(make_target):
    assert list(make_target(PEOPLE).pages("People")) == []


@pytest.mark.every_database
def test_several_types_are_read_one_after_the_other(make_target):
    from ecmahost_core import RunStep

    target = make_target(PEOPLE + "CREATE TABLE Rooms(No TEXT PRIMARY KEY); INSERT INTO Rooms VALUES ('r');")
    target.sql("INSERT INTO People VALUES (1, 'a')")
    step = RunStep((target.type("Rooms"), target.type("People")), 10)
    pages = ecmahost_sql.full_import(target.session(SessionPurpose.IMPORT), step)
    assert [(e.object_type, e.anchor) for page in pages for e in page.entries] == [("Rooms", ("r",)), ("People", (1,))]


def test_a_missing_table_or_column_is_named_with_its_nearest_spelling(make_target):
    target = make_target(PEOPLE)
    people = target.step("People")
    target.sql("ALTER TABLE People RENAME COLUMN Name TO NAME")
    with pytest.raises(ObjectTypeNotSupported, match="no column Name; it is spelled NAME"):
        list(ecmahost_sql.full_import(target.session(SessionPurpose.IMPORT), people))
    target.sql("DROP TABLE People")
    with pytest.raises(ObjectTypeNotSupported, match="no table People"):
        list(ecmahost_sql.full_import(target.session(SessionPurpose.IMPORT), people))


@pytest.mark.every_database
def test_an_attribute_that_is_only_exported_is_not_read(make_target):
    target = make_target(PEOPLE + "INSERT INTO People VALUES (1, 'secret');")
    people = target.type("People", operations={"Name": AttributeOperation.EXPORT_ONLY})
    assert [entry.attributes for entry in target.entries(people)] == [{"Id": (1,)}]


COLUMNS = [
    "TEXT",
    "TEXT COLLATE NOCASE",
    "TEXT COLLATE RTRIM",
    "",
    "NUMERIC",
    "INTEGER",
    "REAL",
    "DATETIME",
    "BLOB",
]
CELLS = st.one_of(
    st.none(),
    st.text(st.sampled_from("aAbB 1é\0"), max_size=3),
    st.integers(-3, 3),
    st.sampled_from(
        [2**63 - 1, -(2**63), 2**53 + 1, 0.5, -0.0, 1e300, float("inf"), 2.0**53, "1", "1.0", " 1", b"", b"a"]
    ),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_paging_yields_what_a_plain_select_yields_for_any_collation_duplicate_and_null(make_target, data):
    """The anchors that belong to one row each come out once; each other anchor is a failure."""
    first, second = data.draw(st.sampled_from(COLUMNS)), data.draw(st.sampled_from(COLUMNS))
    rows = data.draw(st.lists(st.tuples(CELLS, CELLS), max_size=25))
    composite = data.draw(st.booleans())
    index = data.draw(st.sampled_from(["", "CREATE INDEX i ON T(A, B);", "CREATE INDEX i ON T(A COLLATE BINARY);"]))
    target = make_target("DROP VIEW IF EXISTS V; DROP TABLE IF EXISTS T;")
    target.sql(f"CREATE TABLE T(N INT, A {first}, B {second}); {index} CREATE VIEW V AS SELECT * FROM T;")
    with closing(sqlite3.connect(target.path)) as connection, connection:
        connection.executemany("INSERT INTO T VALUES (?, ?, ?)", ((n, a, b) for n, (a, b) in enumerate(rows)))
    names = ("A", "B") if composite else ("A",)
    declared = dict(zip(("A", "B"), (first, second), strict=True))
    # Where a column keeps the number 1 and the text "1" apart, the host does not.
    columns = ", ".join(f"CAST({n} AS TEXT)" if declared[n] in {"", "BLOB"} else n for n in names)
    present = " AND ".join(f"{name} IS NOT NULL" for name in names)
    groups = target.sql(f"SELECT group_concat(N) FROM T WHERE {present} GROUP BY {columns}")
    single = sorted(int(row[0]) for row in groups if "," not in row[0])
    without = target.sql(f"SELECT count(*) FROM T WHERE NOT ({present})")[0][0]
    kinds = {"N": AttributeType.INTEGER, "A": AttributeType.STRING, "B": AttributeType.STRING}
    for table in ("T", "V"):
        wanted = target.type(table, *names, types=kinds)
        for page_size in (1, 2, 7, 1000):
            entries = target.entries(wanted, page_size)
            assert sorted(entry.attributes["N"][0] for entry in entries if "N" in entry.attributes) == sorted(
                single + [n for n, row in enumerate(rows) if None in row[: len(names)]]
            )
            ambiguous = [entry for entry in entries if entry.failure and "same anchor" in entry.failure.detail]
            assert len(groups) - len(single) <= len(ambiguous) <= len(rows) - without - len(single)
            assert len(entries) == len(single) + without + len(ambiguous)
            whole = [entry for entry in entries if entry.failure is None]
            assert max(Counter(entry.anchor for entry in whole).values(), default=1) == 1


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_unique_index_of_any_collation_changes_nothing_about_which_rows_are_yielded(make_target, data):
    """Rows that only the index tells apart have the same anchor, and rows that it keeps unique are read by it."""
    declared = data.draw(st.sampled_from(COLUMNS))
    of_index = data.draw(st.sampled_from(["", "COLLATE BINARY", "COLLATE NOCASE", "COLLATE RTRIM", "DESC"]))
    cells = data.draw(st.lists(CELLS, max_size=25))
    target = make_target("DROP TABLE IF EXISTS T; DROP TABLE IF EXISTS Plain;")
    target.sql(
        f"CREATE TABLE T(N INT, A {declared}); CREATE UNIQUE INDEX i ON T(A {of_index});"
        f"CREATE TABLE Plain(N INT, A {declared});"
    )
    with closing(sqlite3.connect(target.path)) as connection, connection:
        connection.executemany("INSERT OR IGNORE INTO T VALUES (?, ?)", enumerate(cells))
        connection.execute("INSERT INTO Plain SELECT * FROM T")
    kinds = {"N": AttributeType.INTEGER, "A": AttributeType.STRING}
    for page_size in (1, 2, 7, 1000):
        indexed = target.entries(target.type("T", "A", types=kinds), page_size)
        plain = target.entries(target.type("Plain", "A", types=kinds), page_size)
        assert Counter(map(_told, indexed)) == Counter(map(_told, plain))


def _told(entry):
    """What was read of a row; not how many others have its anchor, which depends on where pages end."""
    return entry.anchor, repr(entry.attributes), entry.failure and "same anchor" in entry.failure.detail


def test_a_key_that_is_kept_distinct_by_its_own_collation_is_known(make_target):
    from ecmahost_sql.session import Session

    target = make_target(
        """
        CREATE TABLE Rowid(A INTEGER PRIMARY KEY, B TEXT);
        CREATE TABLE Same(A TEXT COLLATE NOCASE PRIMARY KEY, B TEXT);
        CREATE TABLE Finer(A TEXT COLLATE NOCASE, B TEXT); CREATE UNIQUE INDEX i ON Finer(A COLLATE BINARY);
        CREATE INDEX j ON Finer(A);
        CREATE TABLE Partial(A TEXT, B TEXT); CREATE UNIQUE INDEX k ON Partial(A) WHERE B = '';
        CREATE TABLE Untyped(A PRIMARY KEY, B TEXT);
        CREATE TABLE Wider(A TEXT PRIMARY KEY, B TEXT);
        """
    )
    session: Session = target.session(SessionPurpose.IMPORT)

    def distinct(table, *anchor):
        return session.selection(target.type(table, *anchor)).distinct

    assert [distinct(name, "A") for name in ("Rowid", "Same", "Finer", "Partial", "Untyped")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert distinct("Wider", "B", "A")
    assert not distinct("Wider", "B")


@pytest.mark.every_database
@pytest.mark.parametrize("page_size", [1, 2, 3, 1000])
@pytest.mark.parametrize("copies", [2, 3, 7])
def test_rows_with_the_same_anchor_are_a_failure_under_each_of_its_spellings(make_target, page_size, copies):
    target = make_target("CREATE TABLE P(Login TEXT COLLATE NOCASE, N INTEGER); CREATE INDEX i ON P(Login);")
    for n in range(copies):
        target.sql("INSERT INTO P VALUES (?, ?)", "bob" if n % 2 else "BOB", n)
    target.sql("INSERT INTO P VALUES ('alice', 90), ('carol', 91)")
    alice, *bobs, carol = target.entries(target.type("P", "Login"), page_size)
    assert (alice.anchor, carol.anchor) == (("alice",), ("carol",))
    assert alice.failure is None
    assert carol.failure is None
    assert sorted(bob.anchor for bob in bobs) == [("BOB",), ("bob",)]
    assert {bob.failure.code for bob in bobs} == {MAImportError.INVALID_ATTRIBUTE_VALUE}
    assert all("rows have the same anchor (Login)" in bob.failure.detail for bob in bobs)
    assert all(bob.attributes == {} for bob in bobs)


def test_rows_without_an_anchor_are_failures_that_tell_what_is_known(make_target):
    target = make_target("CREATE TABLE P(Login TEXT PRIMARY KEY, N INTEGER); INSERT INTO P VALUES (NULL, 7), ('a', 8);")
    nameless, ada = target.entries("P")
    assert nameless.anchor == ()
    assert nameless.attributes == {"Login": (), "N": (7,)}
    assert nameless.failure.detail == "table P: the anchor (Login) has no value"
    assert ada.failure is None


@pytest.mark.every_database
def test_an_empty_text_is_no_anchor(make_target):
    target = make_target("CREATE TABLE P(Login TEXT PRIMARY KEY); INSERT INTO P VALUES (''), ('a');")
    empty, ada = target.entries("P")
    assert empty.anchor == ()
    assert "has no value" in empty.failure.detail
    assert ada.anchor == ("a",)


def test_very_many_rows_without_an_anchor_are_counted(make_target):
    target = make_target("CREATE TABLE P(Login TEXT, N INTEGER);")
    target.sql("WITH n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<250) INSERT INTO P SELECT NULL, i FROM n")
    entries = target.entries(target.type("P", "Login"), 30)
    assert len(entries) == 101
    assert "150 more rows have no value" in entries[-1].failure.detail


@pytest.mark.parametrize(
    ("declared", "stored", "attribute_type", "expected"),
    [
        ("TEXT", "'007'", None, "007"),
        ("NUMERIC", "10.5", None, "10.5"),
        ("NUMERIC", "10.0", None, "10"),
        ("REAL", "10", None, "10.0"),
        ("REAL", "0.1 + 0.2", None, "0.3"),
        ("REAL", "1e300", None, "1.0e+300"),
        ("", "1.5", None, "1.5"),
        ("BOOLEAN", "1", None, True),
        ("BOOLEAN", "'false'", None, False),
        ("BLOB", "x'00ff'", None, b"\0\xff"),
        ("INTEGER", "9223372036854775807", None, 2**63 - 1),
        ("INTEGER", "7", AttributeType.STRING, "7"),
        ("INTEGER", "1", AttributeType.BOOLEAN, True),
        ("TEXT", "'Y'", AttributeType.BOOLEAN, True),
        ("TEXT", "'42'", AttributeType.INTEGER, 42),
        ("BLOB", "'text'", AttributeType.STRING, "text"),
    ],
)
def test_stored_values_are_read_as_the_attributes_type(make_target, declared, stored, attribute_type, expected):
    target = make_target(f"CREATE TABLE T(Id INTEGER PRIMARY KEY, X {declared}); INSERT INTO T VALUES (1, {stored});")
    wanted = target.type("T", types={"X": attribute_type} if attribute_type else None)
    (entry,) = target.entries(wanted)
    assert entry.failure is None
    assert entry.attributes["X"] == (expected,)
    assert type(entry.attributes["X"][0]) is type(expected)


def test_a_number_with_a_fraction_is_printed_as_the_database_prints_it(make_target):
    target = make_target("CREATE TABLE T(Id INTEGER PRIMARY KEY, X NUMERIC)")
    for number in (0.1, 1 / 3, 2.5e-7, 1e15, 123456789.125, -4.75):
        target.sql("INSERT INTO T(X) VALUES (?)", number)
    printed = [row[0] for row in target.sql("SELECT CAST(X AS TEXT) FROM T ORDER BY Id")]
    assert [entry.attributes["X"][0] for entry in target.entries("T")] == printed


@pytest.mark.parametrize(
    ("declared", "stored", "attribute_type", "found"),
    [
        ("INTEGER", "'many'", None, "other text where a whole number"),
        ("INTEGER", "1.5", None, "other text where a whole number"),
        ("INTEGER", "x'01'", None, "bytes where a whole number"),
        ("BOOLEAN", "2", None, "another number where true or false"),
        ("BLOB", "'text'", None, "other text where bytes"),
        ("TEXT", "x'ff'", None, "bytes where text"),
        ("TEXT", "CAST(x'ff41' AS TEXT)", None, "no text in the database's encoding where text"),
        ("BLOB", "CAST(x'ff41' AS TEXT)", None, "no text in the database's encoding where bytes"),
        ("TEXT", "'soon'", AttributeType.DATE_TIME, "other text where a date"),
    ],
)
def test_a_stored_value_of_another_kind_fails_that_object_alone(make_target, declared, stored, attribute_type, found):
    target = make_target(
        f"CREATE TABLE T(Id INTEGER PRIMARY KEY, X {declared});"
        f"INSERT INTO T VALUES (1, NULL), (2, {stored}), (3, NULL);"
    )
    wanted = target.type("T", types={"X": attribute_type} if attribute_type else None)
    before, bad, after = target.entries(wanted, 2)
    assert (before.failure, after.failure) == (None, None)
    assert bad.anchor == (2,)
    assert bad.attributes == {"Id": (2,)}
    assert bad.failure.code is MAImportError.INVALID_ATTRIBUTE_VALUE
    assert bad.failure.detail.startswith("table T: column X holds ")
    assert found in bad.failure.detail


@pytest.mark.parametrize("page_size", [1, 2, 10])
def test_anchors_that_are_no_text_do_not_end_the_paging_or_hide_a_row(make_target, page_size):
    target = make_target("CREATE TABLE T(A TEXT PRIMARY KEY)")
    for stored in (b"a\xff", b"b", b"c\xff\xfe", b"d"):
        target.sql("INSERT INTO T VALUES (CAST(? AS TEXT))", stored)
    entries = target.entries("T", page_size)
    assert [entry.anchor for entry in entries] == [(), ("b",), (), ("d",)]
    assert [entry.failure is None for entry in entries] == [False, True, False, True]


def test_dates_are_the_text_that_is_stored_and_utc_where_the_configuration_says_date_time(make_target):
    from datetime import UTC, datetime

    target = make_target("CREATE TABLE T(Id INTEGER PRIMARY KEY, D DATETIME)")
    target.sql("INSERT INTO T(D) VALUES ('2024-02-29 10:00:00'), ('2024-02-29'), ('2024-02-29T12:00:00+02:00')")
    texts = [entry.attributes["D"][0] for entry in target.entries("T")]
    assert texts == ["2024-02-29 10:00:00", "2024-02-29", "2024-02-29T12:00:00+02:00"]
    moments = target.entries(target.type("T", types={"D": AttributeType.DATE_TIME}))
    assert [entry.attributes["D"][0] for entry in moments] == [
        datetime(2024, 2, 29, 10, tzinfo=UTC),
        datetime(2024, 2, 29, tzinfo=UTC),
        datetime(2024, 2, 29, 10, tzinfo=UTC),
    ]


def test_utf_16_databases_and_embedded_nul_are_read(make_target):
    target = make_target("PRAGMA encoding = 'UTF-16'; CREATE TABLE T(A TEXT PRIMARY KEY)")
    target.sql("INSERT INTO T VALUES (?), (?), (?)", "Å 😀", "b", "a\0b")
    assert {entry.anchor for entry in target.entries("T", 1)} == {("Å 😀",), ("b",), ("a\0b",)}


def test_a_view_with_a_join_and_a_table_without_rowid_are_read(make_target):
    target = make_target(
        """
        CREATE TABLE P(Id TEXT PRIMARY KEY, Dept INTEGER) WITHOUT ROWID;
        CREATE TABLE D(Id INTEGER PRIMARY KEY, Name TEXT);
        INSERT INTO D VALUES (1, 'HR'), (2, 'IT');
        INSERT INTO P VALUES ('a', 1), ('b', 2), ('c', 2);
        CREATE VIEW Staff AS SELECT P.Id, upper(D.Name) AS Dept FROM P JOIN D ON D.Id = P.Dept;
        """
    )
    staff = target.entries(target.type("Staff", "Id"), 2)
    assert [(e.anchor[0], e.attributes["Dept"]) for e in staff] == [("a", ("HR",)), ("b", ("IT",)), ("c", ("IT",))]
    assert [e.anchor for e in target.entries("P", 1)] == [("a",), ("b",), ("c",)]


@pytest.mark.every_database
def test_composite_anchors_page_over_every_combination(make_target):
    target = make_target("CREATE TABLE T(A TEXT COLLATE NOCASE, B INTEGER, PRIMARY KEY (A, B)) WITHOUT ROWID")
    for a in "xYz":
        for b in range(4):
            target.sql("INSERT INTO T VALUES (?, ?)", a, b)
    expected = [(a, b) for a in "xYz" for b in range(4)]
    for page_size in (1, 2, 3, 5, 100):
        assert [entry.anchor for entry in target.entries("T", page_size)] == expected


def test_rows_that_exist_throughout_are_yielded_once_while_another_program_writes(make_target):
    """Keyset paging: neither inserts and deletes before the bookmark nor changed rows shift anything."""
    target = make_target("CREATE TABLE T(Login TEXT PRIMARY KEY, N INTEGER); PRAGMA journal_mode = WAL;")
    stable = {f"{a}{b}-stays" for a in string.ascii_lowercase for b in string.ascii_lowercase}
    with closing(sqlite3.connect(target.path)) as connection, connection:
        connection.executemany("INSERT INTO T VALUES (?, 0)", ((login,) for login in stable))
    stop, wrote = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(target.path, isolation_level=None)) as connection:
            turn = 0
            while not stop.is_set():
                letter = string.ascii_lowercase[turn % 26]
                connection.execute("INSERT OR REPLACE INTO T VALUES (?, ?)", (f"{letter}{turn % 7}-comes", turn))
                connection.execute("DELETE FROM T WHERE Login = ?", (f"{letter}{turn % 5}-comes",))
                connection.execute("UPDATE T SET N = N + 1 WHERE Login = ?", (f"{letter}{letter}-stays",))
                turn += 1
                wrote.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for page_size in (3, 10, 50):
            wrote.clear()
            assert wrote.wait(10)
            anchors = Counter(entry.anchor[0] for entry in target.entries("T", page_size))
            assert max(anchors.values()) == 1
            assert stable <= set(anchors)
    finally:
        stop.set()
        writer.join()


def test_no_lock_is_held_between_two_pages(make_target):
    target = make_target(PEOPLE + "INSERT INTO People(Name) VALUES ('a'), ('b'), ('c');")
    pages = target.pages("People", 1)
    next(pages)
    with closing(sqlite3.connect(target.path, isolation_level=None, timeout=0)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("INSERT INTO People(Name) VALUES ('d')")
        other.execute("COMMIT")
    assert len(list(pages)) == 3


def test_memory_stays_flat_however_many_rows_there_are(make_target):
    target = make_target(PEOPLE)
    with closing(sqlite3.connect(target.path)) as connection, connection:
        connection.executemany("INSERT INTO People(Name) VALUES (?)", ((f"name {n}" * 5,) for n in range(20_000)))
    step_pages = target.pages("People", 500)
    next(step_pages)
    tracemalloc.start()
    count = sum(len(page) for page in step_pages)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 19_500
    assert peak < 3_000_000
