import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import ecmahost_sql
import pytest
from ecmahost_sql.errors import DatabaseFailure, FailureKind
from ecmahost_sql.parameters import understand

from ecmahost_core import (
    ConnectorError,
    DeadlineExceeded,
    ObjectTypeNotSupported,
    ServerDown,
    SessionPurpose,
    TargetBusy,
    UnexpectedData,
)

PEOPLE = "CREATE TABLE People(Id INTEGER PRIMARY KEY, Name TEXT NOT NULL);"


def opened(url: str, purpose: SessionPurpose = SessionPurpose.READ):
    return ecmahost_sql.open_session({"url": url, "command_timeout": "1"}, purpose)


def test_a_relative_url_is_relative_to_the_current_directory_and_four_slashes_are_absolute():
    assert understand({"url": "sqlite:///people.db"}).source == "people.db"
    assert understand({"url": "sqlite:////var/lib/people.db"}).source == "/var/lib/people.db"


def test_tables_are_a_comma_list_and_the_timeout_is_in_seconds():
    wanted = understand({"url": "sqlite:///p.db", "tables": " People, Work Phones ,", "command_timeout": "5"})
    assert wanted.tables == ("People", "Work Phones")
    assert wanted.command_timeout == 5.0
    assert understand({"url": "sqlite:///p.db"}).command_timeout == 30.0


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://h/d", "sqlite:///a?x=1"])
def test_a_url_that_names_no_file_is_refused(url):
    with pytest.raises(ConnectorError, match="url"):
        understand({"url": url})


@pytest.mark.parametrize("timeout", ["0", "-1", "soon", "٣", "1.5", "99999"])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(timeout):
    with pytest.raises(ConnectorError, match="command_timeout"):
        understand({"url": "sqlite:///p.db", "command_timeout": timeout})


def test_a_missing_file_is_server_down_and_is_never_created(tmp_path):
    with pytest.raises(ServerDown, match="never created") as caught, opened(f"sqlite:///{tmp_path}/none.db"):
        pass
    assert caught.value.nothing_sent
    assert str(tmp_path) not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_server_down(tmp_path):
    with pytest.raises(ServerDown, match="no file"), opened(f"sqlite:///{tmp_path}"):
        pass


def test_a_file_that_is_no_database_is_unexpected_data(tmp_path):
    path = tmp_path / "letter.db"
    path.write_bytes(b"Dear Sir or Madam, " * 100)
    with pytest.raises(UnexpectedData, match="no SQLite database"), opened(f"sqlite:///{path}"):
        pass


def test_a_name_with_characters_that_mean_something_in_a_uri_is_opened(make_target):
    target = make_target(PEOPLE, name="a #1 %41 ä&mode=memory.db")
    assert target.entries("People") == []


def test_a_relative_file_stays_the_same_after_the_directory_changes(make_target, monkeypatch, tmp_path):
    target = make_target(PEOPLE)
    monkeypatch.chdir(tmp_path)
    session = target.open(url="sqlite:///people.db")
    monkeypatch.chdir("/")
    assert ecmahost_sql.session_alive(session)


def test_the_journal_mode_of_the_customers_database_is_left_alone(make_target, changes):
    target = make_target("PRAGMA journal_mode = TRUNCATE;" + PEOPLE)
    target.done("People", changes.add("People", Name="Ada"))
    assert target.sql("PRAGMA journal_mode") == [("delete",)]  # TRUNCATE is not kept in the file, WAL is
    wal = make_target("PRAGMA journal_mode = WAL;" + PEOPLE, name="wal.db")
    wal.done("People", changes.add("People", Name="Ada"))
    assert wal.sql("PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize("purpose", [SessionPurpose.SCHEMA, SessionPurpose.IMPORT, SessionPurpose.READ])
def test_only_an_export_session_can_write(make_target, purpose):
    target = make_target(PEOPLE)
    with pytest.raises(DatabaseFailure) as caught:
        target.open(purpose).database.execute("DELETE FROM People")
    assert caught.value.kind is FailureKind.PERMISSION


def test_an_export_session_syncs_every_commit_and_enforces_foreign_keys(make_target):
    database = make_target(PEOPLE).open().database
    assert database.query("PRAGMA synchronous") == [(3,)]
    assert database.query("PRAGMA foreign_keys") == [(1,)]


def test_leaving_the_session_closes_the_connection(make_target):
    target = make_target(PEOPLE)
    with ecmahost_sql.open_session(target.parameters, SessionPurpose.READ) as session:
        assert ecmahost_sql.session_alive(session)
    assert not ecmahost_sql.session_alive(session)


def test_a_session_can_be_handed_to_another_thread(make_target):
    from concurrent.futures import ThreadPoolExecutor

    target = make_target(PEOPLE)
    session = target.open()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(ecmahost_sql.schema, session).result().type("People") is not None


def replaced_by_a_copy(path: Path) -> None:
    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    copy.replace(path)


def test_a_replaced_or_removed_file_is_noticed(make_target):
    target = make_target(PEOPLE)
    session = target.open()
    assert ecmahost_sql.session_alive(session)
    replaced_by_a_copy(target.path)
    assert not ecmahost_sql.session_alive(session)
    target.path.unlink()
    assert not ecmahost_sql.session_alive(session)


def test_a_replaced_file_is_never_written_or_read_through_an_old_session(make_target, changes):
    target = make_target(PEOPLE)
    target.find("People", Id=1)
    target.done("People", changes.add("People", Name="Ada"))
    replaced_by_a_copy(target.path)
    with pytest.raises(ServerDown, match="opened again") as caught:
        target.one("People", changes.add("People", Name="Grace"))
    assert caught.value.nothing_sent
    with pytest.raises(ServerDown):
        target.find("People", Id=1)
    assert target.sql("SELECT Name FROM People") == [("Ada",)]


def test_an_import_of_a_file_that_is_replaced_meanwhile_does_not_end_normally(make_target):
    target = make_target(PEOPLE + "INSERT INTO People(Name) VALUES ('a'), ('b'), ('c');")
    for size in (1, 3, 100):
        session = target.open(SessionPurpose.IMPORT)
        pages = ecmahost_sql.full_import(session, target.step("People", size))
        next(pages)
        replaced_by_a_copy(target.path)
        with pytest.raises(ServerDown):
            list(pages)
        target._sessions.clear()


def test_a_database_that_stays_locked_is_busy(make_target):
    target = make_target(PEOPLE, timeout="1")
    with closing(sqlite3.connect(target.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TargetBusy, match="locked"):
            target.open()
        other.execute("ROLLBACK")
    assert ecmahost_sql.session_alive(target.open())


def test_asking_whether_a_session_is_alive_waits_for_no_lock(make_target):
    target = make_target(PEOPLE)
    session = target.open()
    with closing(sqlite3.connect(target.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert ecmahost_sql.session_alive(session)
        other.execute("ROLLBACK")


def test_a_statement_that_takes_too_long_is_stopped(make_target):
    endless = "CREATE VIEW Slow AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    target = make_target(endless, timeout="1")
    with pytest.raises(DeadlineExceeded, match="command_timeout"):
        target.find(target.type("Slow", "i"), i=-1)


def test_a_change_of_the_tables_is_seen_by_an_open_session(make_target):
    target = make_target(PEOPLE)
    session = target.open(SessionPurpose.SCHEMA)
    assert [found.name for found in ecmahost_sql.schema(session).types] == ["People"]
    target.sql("CREATE TABLE Rooms(Id INTEGER PRIMARY KEY); ALTER TABLE People ADD COLUMN Mail TEXT;")
    schema = ecmahost_sql.schema(session)
    assert [found.name for found in schema.types] == ["People", "Rooms"]
    assert schema.type("People").attribute("Mail") is not None


def test_tables_limits_what_is_offered_and_names_what_is_not_there(make_target):
    target = make_target(PEOPLE + "CREATE TABLE Rooms(Id INTEGER PRIMARY KEY);")
    session = target.open(tables="Rooms")
    assert [found.name for found in ecmahost_sql.schema(session).types] == ["Rooms"]
    with pytest.raises(ObjectTypeNotSupported, match="Robots"):
        ecmahost_sql.schema(target.open(tables="Rooms, Robots"))


def test_a_table_that_is_not_offered_cannot_be_imported(make_target):
    target = make_target(PEOPLE + "CREATE TABLE Rooms(Id INTEGER PRIMARY KEY);")
    with pytest.raises(ObjectTypeNotSupported, match="no table People"):
        list(ecmahost_sql.full_import(target.open(tables="Rooms"), target.step("People")))


def test_a_sqlite_database_needs_no_odbc(make_target, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyodbc", None)
    assert make_target(PEOPLE).entries("People") == []
