import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import ecmahost_sql
import pytest

from ecmahost_core import MAExportError, ServerDown, SessionPurpose, UnexpectedData

PEOPLE = "CREATE TABLE People(Id INTEGER PRIMARY KEY, Login TEXT UNIQUE, Note TEXT);"


@contextmanager
def another_program(target, statement: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(target.path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute(statement).fetchall()
        yield connection
        connection.execute("ROLLBACK")


def test_a_database_that_another_program_writes_is_asked_for_a_retry_and_loses_nothing(make_target, changes):
    target = make_target(PEOPLE, timeout="1")
    target.session()
    people = target.type("People")
    with another_program(target, "INSERT INTO People(Login) VALUES ('other')"):
        began = time.monotonic()
        results = target.export(people, *(changes.add("People", str(n), Login=str(n)) for n in range(5)))
        waited = time.monotonic() - began
    assert {result.error.code for result in results} == {MAExportError.LOCKING_ERROR_NEEDS_RETRY}
    assert 0.9 < waited < 3.0  # the first change waits for the whole timeout, the others of the call do not
    assert target.session().database.query("PRAGMA busy_timeout") == [(1000,)]
    assert target.done(people, changes.add("People", Login="1")).anchor == (1,)
    assert target.sql("SELECT Login FROM People") == [("1",)]


def test_a_writer_that_finishes_in_time_is_waited_for(make_target, changes):
    import threading

    target = make_target(PEOPLE)
    people = target.type("People")
    target.session()
    results = []
    with another_program(target, "INSERT INTO People(Login) VALUES ('other')") as other:
        thread = threading.Thread(target=lambda: results.append(target.one(people, changes.add("People", Login="a"))))
        thread.start()
        other.execute("COMMIT")
        other.execute("BEGIN")
        thread.join(20)
    assert results[0].error is None


def test_a_commit_that_a_reader_prevents_is_rolled_back_and_asked_for_a_retry(make_target, changes):
    target = make_target(PEOPLE + "INSERT INTO People(Login) VALUES ('a');", timeout="1")
    people = target.type("People")
    target.session()
    with another_program(target, "SELECT * FROM People"):
        result = target.one(people, changes.add("People", Login="b"))
        assert result.error.code is MAExportError.LOCKING_ERROR_NEEDS_RETRY
    assert target.sql("SELECT Login FROM People") == [("a",)]
    target.done(people, changes.add("People", Login="b"))


def test_a_session_that_cannot_write_is_a_permission_issue(make_target, changes):
    target = make_target(PEOPLE)
    (result,) = ecmahost_sql.export(
        target.session(SessionPurpose.READ), target.step("People"), [changes.add("People", Login="a")], {}
    )
    assert result.error.code is MAExportError.PERMISSION_ISSUE
    assert "only be read" in result.error.detail


def test_a_table_that_is_dropped_meanwhile_is_a_schema_violation(make_target, changes):
    target = make_target(PEOPLE)
    people = target.type("People")
    target.done(people, changes.add("People", Login="a"))
    target.sql("ALTER TABLE People RENAME COLUMN Note TO Remark")
    error = target.one(people, changes.add("People", Login="b")).error
    assert (error.code, error.attribute) == (MAExportError.SCHEMA_VIOLATION, "Note")
    target.sql("DROP TABLE People")
    assert target.one(people, changes.add("People", Login="b")).error.code is MAExportError.SCHEMA_VIOLATION


def fill_up(target) -> None:
    database = target.session().database
    ((pages,),) = database.query("PRAGMA page_count")
    database.query(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_before_anything_was_written_ends_the_call_with_nothing_sent(make_target, changes):
    target = make_target(PEOPLE)
    people = target.type("People")
    fill_up(target)
    with pytest.raises(ServerDown, match="full") as caught:
        target.export(people, changes.add("People", "1", Login="a", Note="x" * 50_000), changes.add("People", "2"))
    assert caught.value.nothing_sent
    assert target.sql("SELECT * FROM People") == []


def test_a_full_disk_after_a_change_was_committed_answers_the_others_one_by_one(make_target, changes):
    target = make_target(PEOPLE)
    people = target.type("People")
    fill_up(target)
    first, second, third = target.export(
        people,
        changes.add("People", "1", Login="a"),
        changes.add("People", "2", Login="b", Note="x" * 50_000),
        changes.add("People", "3", Login="c"),
    )
    assert first.error is None
    assert second.error.code is third.error.code is MAExportError.CONNECTED_DIRECTORY_ERROR
    assert target.sql("SELECT Login FROM People") == [("a",)]


def test_a_commit_that_breaks_off_in_the_disk_leaves_the_outcome_open_and_the_file_whole(make_target, changes):
    target = make_target(PEOPLE)
    people = target.type("People")
    target.done(people, changes.add("People", Login="a"))
    before = target.dump()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * target.path.stat().st_size, limits[1]))
    try:
        with pytest.raises(ServerDown) as caught:
            target.one(people, changes.add("People", Login="b", Note="x" * 50_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not caught.value.nothing_sent
    assert target.dump() == before
    assert (
        ecmahost_sql.export(target.open(), target.step(people), [changes.add("People", Login="b")], {})[0].error is None
    )


def test_a_damaged_file_is_unexpected_data(make_target, changes):
    target = make_target(PEOPLE)
    people = target.type("People")
    with target.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(UnexpectedData, match="damaged"):
        target.find(people, Id=1)
    with pytest.raises(UnexpectedData, match="damaged") as caught:
        target.one(people, changes.add("People", Login="a"))
    assert caught.value.nothing_sent


def test_a_file_that_is_replaced_during_the_call_leaves_the_outcome_open(make_target, changes):
    target = make_target(PEOPLE)

    class Batch(list):
        def __iter__(self):
            yield from super().__iter__()
            copy = target.path.with_suffix(".copy")
            copy.write_bytes(target.path.read_bytes())
            copy.replace(target.path)

    with pytest.raises(ServerDown, match="replaced") as caught:
        ecmahost_sql.export(target.session(), target.step("People"), Batch([changes.add("People", Login="a")]), {})
    assert not caught.value.nothing_sent


def test_a_foreign_key_that_is_declared_wrongly_is_told(make_target, changes):
    target = make_target("CREATE TABLE D(N INT); CREATE TABLE P(Id INTEGER PRIMARY KEY, D INT REFERENCES D(N))")
    error = target.refused("P", changes.add("P", D=1))
    assert error.code is MAExportError.CONSTRAINT_VIOLATION
    assert "declared wrongly" in error.detail


def test_a_collation_that_only_its_own_application_knows_is_told(make_target, changes, tmp_path):
    target = make_target("CREATE TABLE Dummy(x)")
    with closing(sqlite3.connect(target.path)) as connection, connection:
        connection.create_collation("german", lambda a, b: (a > b) - (a < b))
        connection.execute("CREATE TABLE P(Login TEXT COLLATE german PRIMARY KEY)")
    error = target.one("P", changes.add("P", Login="a")).error
    assert error.code is MAExportError.CONNECTED_DIRECTORY_ERROR
    assert "collation" in error.detail


EXPORTER = """
import sys
import ecmahost_sql
from ecmahost_core import CSEntryChange, ObjectModificationType, RunStep, SessionPurpose
url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with ecmahost_sql.open_session({"url": url, "command_timeout": "20"}, SessionPurpose.EXPORT) as session:
    step = RunStep((ecmahost_sql.schema(session).type("People"),), 10)
    for number in range(count):
        change = CSEntryChange("People", ObjectModificationType.ADD, attributes={"Login": (f"{name}{number}",)})
        (result,) = ecmahost_sql.export(session, step, [change], {})
        print(result.anchor[0] if result.error is None else result.error.detail, flush=True)
"""


def exporter(target, name: str, count: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    arguments = [sys.executable, "-c", EXPORTER, target.parameters["url"], name, str(count)]
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_two_processes_export_at_once_and_every_object_is_there_once(make_target, mode):
    target = make_target(PEOPLE + f"PRAGMA journal_mode = {mode};")
    processes = [exporter(target, name, 60) for name in "xy"]
    printed = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    stored = target.sql("SELECT Id, Login FROM People")
    assert sorted(int(anchor) for anchors in printed for anchor in anchors) == sorted(row[0] for row in stored)
    assert {row[1] for row in stored} == {f"{name}{number}" for name in "xy" for number in range(60)}


def test_what_was_reported_before_the_process_was_killed_is_there(make_target):
    target = make_target(PEOPLE)
    process = exporter(target, "x", 1_000_000)
    reported = [process.stdout.readline() for _ in range(40)]
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=20)
    reported += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    stored = {row[0] for row in target.sql("SELECT Id FROM People")}
    assert {int(line) for line in reported} <= stored
    assert len(stored) <= len(reported) + 1
    assert target.sql("PRAGMA integrity_check") == [("ok",)]
