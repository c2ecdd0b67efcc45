"""Deltas by a watermark column, with each kind of database: what a delta reads, and what must not escape it."""

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import ecmahost_sql
import pytest
from ecmahost_sql import delta_reads, watermarks
from ecmahost_sql.watermarks import NotGrowing, beyond, earlier, printed, understood

from ecmahost_core import ConnectorError, ObjectModificationType, SessionPurpose, Severity, WatermarkExpired

DELETE, REPLACE = ObjectModificationType.DELETE, ObjectModificationType.REPLACE

TIMES = {
    "sqlite": "CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT, Changed TEXT NOT NULL)",
    "postgresql": "CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT, Changed timestamptz NOT NULL)",
    "mariadb": "CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT, Changed datetime(6) NOT NULL)",
}
COUNTED = "CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT, Changed BIGINT NOT NULL)"
START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def at(**span):
    return f"{START + timedelta(**span):%Y-%m-%d %H:%M:%S}"


class Deltas:
    """One table, read as a host would."""

    def __init__(self, target, overlap="300", **parameters):
        self.target = target
        self.parameters = {
            "delta": "watermark",
            "watermark_column": "Changed",
            "watermark_overlap": overlap,
            **parameters,
        }
        self.watermark = ""

    def open(self, purpose=SessionPurpose.IMPORT):
        return self.target.open(purpose, **self.parameters)

    def whole(self, page_size=100):
        session = self.open()
        with closing(ecmahost_sql.full_import(session, self.target.step("People", page_size))) as pages:
            return self._taken(pages)

    def changes(self, page_size=100, watermark=None):
        session = self.open()
        step = self.target.step("People", page_size)
        with closing(ecmahost_sql.delta_import(session, step, watermark or self.watermark)) as pages:
            return self._taken(pages)

    def _taken(self, pages):
        found = []
        for page in pages:
            found += page.entries
            self.watermark = page.watermark or self.watermark
        return found

    def names(self, **more):
        return [one.attributes["Name"][0] for one in self.changes(**more)]

    def put(self, number, name, changed):
        value = changed if isinstance(changed, int) else f"'{changed}'"
        self.target.sql(f"DELETE FROM People WHERE Id = {number}")
        self.target.sql(f"INSERT INTO People VALUES ({number}, '{name}', {value})")

    def findings(self):
        found = ecmahost_sql.check(self.open(SessionPurpose.READ), self.target.step("People"))
        return [one for one in found if one.subject.startswith("People.Changed")]


@pytest.fixture
def times(make_target):
    """A table with a time of the last change."""
    return Deltas(make_target(TIMES[make_target.kind]))


@pytest.fixture
def counted(make_target):
    """A table with a counter of changes."""
    return Deltas(make_target(COUNTED), overlap="10")


# What is read ---------------------------------------------------------------------------------------------------------


@pytest.mark.every_database
def test_a_delta_reads_what_was_added_and_changed_since_and_not_the_rest(times):
    for number in range(1, 6):
        times.put(number, f"p{number}", at(hours=number))
    assert len(times.whole()) == 5
    times.put(6, "p6", at(hours=9))
    times.put(2, "second", at(hours=10))
    found = times.changes()
    assert [(one.modification_type, one.anchor, one.attributes["Name"]) for one in found] == [
        (REPLACE, (5,), ("p5",)),  # as great as the watermark: somebody else may have the same time
        (REPLACE, (6,), ("p6",)),
        (REPLACE, (2,), ("second",)),
    ]
    assert times.names() == ["second"]


@pytest.mark.every_database
def test_a_counter_is_a_watermark_too(counted):
    for number in range(1, 6):
        counted.put(number, f"p{number}", number * 1000)
    counted.whole()
    counted.put(1, "first", 6000)
    counted.put(3, "third", 4991)  # committed late: within ten steps of 5000
    counted.put(4, "fourth", 4989)
    assert counted.names() == ["third", "p5", "first"]
    assert counted.names() == ["first"]


@pytest.mark.every_database
def test_equal_times_are_read_together_however_small_a_page_is(times):
    times.whole()
    for number in range(1, 24):
        times.put(number, f"p{number:02}", at(hours=1))
    for size in (1, 2, 7, 23, 24):
        assert sorted(times.names(page_size=size, watermark=None)) == [f"p{number:02}" for number in range(1, 24)]


@pytest.mark.every_database
def test_a_row_that_changes_while_a_delta_is_read_is_not_missed(times):
    times.whole()
    for number in range(1, 7):
        times.put(number, f"p{number}", at(hours=number))
    session = times.open()
    pages = ecmahost_sql.delta_import(session, times.target.step("People", 2), times.watermark)
    first = next(pages)
    times.put(1, "again", at(hours=7))
    rest = [one for page in pages for one in page.entries]
    names = [one.attributes["Name"][0] for one in (*first.entries, *rest)]
    assert names == ["p1", "p2", "p3", "p4", "p5", "p6", "again"]


@pytest.mark.every_database
def test_rows_that_commit_late_are_found_within_the_overlap(times):
    times.put(1, "early", at(minutes=10))
    times.whole()
    times.put(2, "late", at(minutes=6))  # it took its time five minutes before the watermark, and commits now
    times.put(3, "later", at(minutes=4))
    assert times.names() == ["late", "early"]


@pytest.mark.servers
def test_a_transaction_that_is_open_during_a_delta_is_found_by_the_next(make_target):
    deltas = Deltas(make_target(TIMES[make_target.kind]))
    now = {"postgresql": "now()", "mariadb": "utc_timestamp(6)"}[make_target.kind]
    target = deltas.target
    target.sql(f"INSERT INTO People VALUES (1, 'old', {now})")
    deltas.whole()
    with closing(target.server.connect(target.database)) as open_transaction:
        open_transaction.autocommit = False
        mark = '"' if target.kind == "postgresql" else "`"
        open_transaction.execute(f"INSERT INTO {mark}People{mark} VALUES (2, 'late', {now})")
        target.sql(f"INSERT INTO People VALUES (3, 'new', {now})")
        assert deltas.names() == ["old", "new"]
        open_transaction.commit()
    assert sorted(deltas.names()) == ["late", "new", "old"]


@pytest.mark.every_database
def test_a_watermark_is_taken_before_the_first_row_is_read(times):
    for number in range(1, 5):
        times.put(number, f"p{number}", at(hours=number))
    session = times.open()
    pages = ecmahost_sql.full_import(session, times.target.step("People", 2))
    next(pages)
    times.put(1, "changed", at(hours=9))
    *_, last = pages
    assert times.names(watermark=last.watermark) == ["p4", "changed"]


@pytest.mark.every_database
def test_an_empty_table_has_a_watermark(times):
    assert times.whole() == []
    times.put(1, "first", at())
    assert times.names() == ["first"]


@pytest.mark.every_database
def test_rows_without_a_watermark_are_for_the_full_import(make_target):
    deltas = Deltas(make_target("CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT, Changed BIGINT)"), overlap="0")
    sql = deltas.target.sql
    sql("INSERT INTO People VALUES (1, 'ann', NULL)")
    assert len(deltas.whole()) == 1
    sql("INSERT INTO People VALUES (2, 'bob', 5)")
    sql("INSERT INTO People VALUES (3, 'cem', NULL)")
    assert deltas.names() == ["bob"]
    sql("UPDATE People SET Name = 'rob', Changed = NULL WHERE Id = 2")
    sql("INSERT INTO People VALUES (4, 'dan', 6)")
    assert deltas.names() == ["dan"]
    assert sorted(one.attributes["Name"][0] for one in deltas.whole()) == ["ann", "cem", "dan", "rob"]


@pytest.mark.servers
def test_an_hour_that_comes_twice_where_the_server_is_hides_no_changes(make_target):
    deltas = Deltas(make_target(TIMES[make_target.kind]), overlap="0")
    target = deltas.target
    if target.kind == "postgresql":
        target.sql(f"ALTER DATABASE {target.database} SET timezone = 'Europe/Berlin'")
        zone = "+00"
    else:
        zone = ""  # connections are in UTC, whatever the server's zone is
    deltas.put(1, "first", f"2026-10-25 00:50:00{zone}")  # 02:50 in Berlin
    deltas.whole()
    deltas.put(2, "second", f"2026-10-25 01:10:00{zone}")  # 02:10 again
    assert deltas.names() == ["first", "second"]
    assert deltas.names() == ["second"]


@pytest.mark.every_database
def test_a_row_of_the_year_2099_hides_no_changes(make_target):
    deltas = Deltas(make_target(TIMES[make_target.kind]))
    now = datetime.now(UTC)
    deltas.put(1, "typo", "2099-01-01 00:00:00")
    deltas.put(2, "now", f"{now:%Y-%m-%d %H:%M:%S}")
    deltas.whole()
    deltas.put(3, "new", f"{now + timedelta(minutes=1):%Y-%m-%d %H:%M:%S}")
    assert deltas.names() == ["now", "new", "typo"]


@pytest.mark.every_database
def test_values_of_other_tables_come_with_what_has_changed(make_target):
    script = TIMES[make_target.kind] + "; CREATE TABLE Phones(Person INTEGER, Number VARCHAR(20))"
    deltas = Deltas(make_target(script), value_tables="People.phones = Phones(Person, Number)")
    deltas.target.parameters["value_tables"] = "People.phones = Phones(Person, Number)"
    deltas.put(1, "ann", at())
    deltas.put(2, "bob", at(hours=1))
    deltas.target.sql("INSERT INTO Phones VALUES (1, '11'); INSERT INTO Phones VALUES (2, '22')")
    deltas.whole()
    deltas.put(1, "ann", at(hours=2))
    found = {one.anchor: one.attributes["phones"] for one in deltas.changes()}
    assert found == {(1,): ("11",), (2,): ("22",)}


def test_of_rows_that_share_an_anchor_none_is_the_object(make_target):
    deltas = Deltas(make_target("CREATE TABLE People(Login TEXT, Name TEXT, Changed TEXT)"))
    deltas.target.sql(f"INSERT INTO People VALUES ('ann', 'one', '{at()}')")
    people = deltas.target.type("People", "Login")
    step = deltas.target.step(people)
    *_, last = ecmahost_sql.full_import(deltas.open(), step)
    deltas.target.sql(f"INSERT INTO People VALUES ('ann', 'two', '{at(hours=1)}')")
    entries = [one for page in ecmahost_sql.delta_import(deltas.open(), step, last.watermark) for one in page.entries]
    assert {(one.anchor, one.failure is not None) for one in entries} == {(("ann",), True)}


def test_bytes_that_grow_are_a_watermark(make_target):
    deltas = Deltas(make_target("CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT, Changed BLOB)"), overlap="2")
    target = deltas.target
    for number in range(1, 5):
        target.sql("INSERT INTO People VALUES (?, ?, ?)", number, f"p{number}", (number * 10).to_bytes(8, "big"))
    deltas.whole()
    target.sql("UPDATE People SET Changed = ? WHERE Id = 1", (39).to_bytes(8, "big"))
    target.sql("UPDATE People SET Changed = ? WHERE Id = 2", (37).to_bytes(8, "big"))
    assert deltas.names() == ["p1", "p4"]


# Deleted rows ---------------------------------------------------------------------------------------------------------


MARKED = "CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT, Changed BIGINT NOT NULL, Gone {type})"


@pytest.mark.every_database
@pytest.mark.parametrize(
    ("kind_of_mark", "there", "gone"),
    [
        ("INTEGER", "0", "1"),
        ("INTEGER", "NULL", "7"),
        ("BOOLEAN", "FALSE", "TRUE"),
        ("VARCHAR(30)", "'no'", "'2026-01-01'"),
    ],
)
def test_a_row_that_is_marked_as_deleted_is_deleted_and_in_no_import(make_target, kind_of_mark, there, gone):
    deltas = Deltas(make_target(MARKED.format(type=kind_of_mark)), overlap="0", deleted_column="Gone")
    sql = deltas.target.sql
    for number in range(1, 5):
        sql(f"INSERT INTO People VALUES ({number}, 'p{number}', {number}, {there})")
    assert len(deltas.whole()) == 4
    sql(f"UPDATE People SET Gone = {gone}, Changed = 9 WHERE Id = 2")
    found = deltas.changes()
    assert [(one.modification_type, one.anchor) for one in found] == [(REPLACE, (4,)), (DELETE, (2,))]
    for size in (1, 2, 100):
        assert [one.anchor for one in deltas.whole(page_size=size)] == [(1,), (3,), (4,)]
    deltas.target.parameters |= deltas.parameters
    assert deltas.target.find("People", Id=2) == ()
    assert [one.anchor for one in deltas.target.find("People", Name="p3")] == [(3,)]
    sql(f"UPDATE People SET Gone = {there}, Changed = 10 WHERE Id = 2")
    assert [(one.modification_type, one.anchor) for one in deltas.changes()][-1] == (REPLACE, (2,))


def test_marked_rows_do_not_take_the_place_of_the_one_that_is_there(make_target):
    target = make_target("CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT, Gone INTEGER)")
    target.parameters["deleted_column"] = "Gone"
    for number in range(1, 6):
        target.sql(f"INSERT INTO People VALUES ({number}, 'ann', {int(number < 5)})")
    assert [one.anchor for one in target.find("People", Name="ann")] == [(5,)]


def test_of_rows_with_one_anchor_the_one_that_is_not_marked_is_the_object(make_target):
    target = make_target("CREATE TABLE People(Login TEXT, Name TEXT, Gone INTEGER)")
    target.parameters["deleted_column"] = "Gone"
    target.sql("INSERT INTO People VALUES ('ann', 'old', 1); INSERT INTO People VALUES ('ann', 'new', 0)")
    found = target.entries(target.type("People", "Login"))
    assert [(one.anchor, one.attributes["Name"], one.failure) for one in found] == [(("ann",), ("new",), None)]


# When a watermark says nothing any more -------------------------------------------------------------------------------


@pytest.mark.every_database
def test_a_clock_that_was_set_back_expires_the_watermark(times, monkeypatch):
    times.put(1, "p1", at())
    times.whole()
    real = delta_reads.clock_of
    monkeypatch.setattr(delta_reads, "clock_of", lambda text: real(text) - timedelta(hours=1))
    with pytest.raises(WatermarkExpired, match="clock was set back"):
        times.changes()


@pytest.mark.every_database
def test_a_clock_that_was_set_back_for_less_than_the_time_that_passed_is_noticed_too(times, monkeypatch):
    times.put(1, "p1", at())
    times.whole()
    now = time.time
    monkeypatch.setattr(watermarks.time, "time", lambda: now() + 3600)  # an hour has passed here, and a moment there
    with pytest.raises(WatermarkExpired, match="clock was set back"):
        times.changes()


@pytest.mark.every_database
def test_a_database_that_was_restored_or_whose_newest_rows_are_gone_expires_the_watermark(times):
    times.put(1, "p1", at())
    times.put(2, "p2", at(hours=1))
    times.whole()
    times.target.sql("DELETE FROM People WHERE Id = 2")
    with pytest.raises(WatermarkExpired, match="restored"):
        times.changes()


def test_a_watermark_of_another_column_or_version_has_expired(counted):
    counted.put(1, "p1", 1)
    counted.whole()
    with pytest.raises(WatermarkExpired):
        counted.changes(watermark="from another version")
    with pytest.raises(WatermarkExpired):
        counted.changes(watermark="[]")
    counted.parameters["watermark_column"] = "Id"
    with pytest.raises(WatermarkExpired, match="another column"):
        counted.changes()


def test_without_the_column_there_is_no_watermark_and_the_import_works(make_target):
    deltas = Deltas(make_target("CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT)"))
    deltas.target.sql("INSERT INTO People VALUES (1, 'ann')")
    assert len(deltas.whole()) == 1
    assert deltas.watermark == ""


def test_a_column_that_does_not_grow_gives_no_watermark(make_target):
    deltas = Deltas(make_target("CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT, Changed TEXT)"))
    deltas.put(1, "ann", "last Tuesday")
    deltas.whole()
    assert deltas.watermark == ""


def test_without_the_strategy_there_are_no_deltas(make_target):
    target = make_target(COUNTED)
    assert not ecmahost_sql.capabilities(target.parameters).delta_import
    assert not ecmahost_sql.capabilities({**target.parameters, "delta": "compare"}).delta_import
    assert ecmahost_sql.capabilities({**target.parameters, "delta": "watermark"}).delta_import
    assert all(not page.watermark for page in ecmahost_sql.full_import(target.open(), target.step("People")))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"watermark_column": ""}, "needs watermark_column"), ({"watermark_overlap": "x"}, "whole number")],
)
def test_parameters_that_mean_nothing_are_told(make_target, parameters, message):
    deltas = Deltas(make_target(COUNTED), **parameters)
    with pytest.raises(ConnectorError, match=message):
        deltas.open()


# The arithmetic of values ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1000, 700),
        (1000.5, 700.5),
        ("18446744073709551615", "18446744073709551315"),
        ("12.5", "-288.5"),
        (bytes([0, 0, 2, 0]), bytes([0, 0, 0, 212])),
        (bytes([0, 3]), bytes([0, 0])),
        (bytes(65), None),
        ("2026-03-01 00:02:00", "2026-02-28 23:57:00"),
        ("2026-03-01T00:02:00Z", "2026-02-28T23:57:00Z"),
        ("2026-03-01 00:02:00.123456+02", "2026-02-28 23:57:00.123456+02"),
        ("2026-03-01 00:02:00.5 +02", None),
        ("2026-03-01 00:02", "2026-02-28 23:57"),
        ("2026-03-01", "2026-02-28"),
        ("0001-01-01 00:00:00", None),
        ("infinity", None),
        ("2026-02-31", None),
        ("", None),
        (True, None),
    ],
)
def test_a_value_before_another_has_its_form(value, expected):
    if expected is None:
        with pytest.raises(NotGrowing):
            earlier(value, 300)
    else:
        assert earlier(value, 300) == expected


def test_a_time_is_beyond_what_can_be_true_a_day_ahead():
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert beyond("2026-03-02 02:00:00", now) is None  # it may be of another zone
    assert beyond("2099-01-01T00:00:00Z", now) == "2026-03-02T14:00:00Z"
    assert beyond("2099-01-01", now) == "2026-03-02"
    assert beyond(99, now) is None
    assert beyond("2099-01-01", None) is None


@pytest.mark.parametrize("value", [None, 7, 1.5, "2026-01-01", bytes([0, 255])])
def test_watermarks_are_kept_as_text(value):
    mark = watermarks.Watermark("Changed", value, START, 1.5)
    assert understood(printed({"People": mark})) == {"People": mark}


# What check tells -----------------------------------------------------------------------------------------------------


@pytest.mark.every_database
def test_check_tells_that_the_watermark_column_has_no_index(times):
    for number in range(1, 200):
        times.put(number, f"p{number}", at(minutes=number))
    (finding,) = times.findings()
    assert (finding.severity, "no index" in finding.message) == (Severity.WARNING, True)
    times.target.sql("CREATE INDEX changed_index ON People (Changed)")
    assert times.findings() == []


def test_check_tells_of_a_column_that_is_missing_does_not_grow_or_has_no_value(make_target):
    missing = Deltas(make_target("CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT)", name="1.db"))
    (finding,) = missing.findings()
    assert "no such column" in finding.message
    words = Deltas(make_target("CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT, Changed TEXT)", name="2.db"))
    words.put(1, "ann", "yesterday")
    (finding,) = words.findings()
    assert (finding.severity, "neither numbers nor times" in finding.message) == (Severity.ERROR, True)
    script = (
        "CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT, Changed INTEGER); CREATE INDEX c ON People(Changed)"
    )
    empty = Deltas(make_target(script, name="3.db"))
    empty.target.sql("INSERT INTO People VALUES (1, 'ann', NULL); INSERT INTO People VALUES (2, 'bob', 5)")
    (finding,) = empty.findings()
    assert "without a value: 1" in finding.message
