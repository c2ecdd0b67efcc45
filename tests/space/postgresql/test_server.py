"""The server comes and goes, refuses and fills up: what the store makes of it, and what it never says."""

import re
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import structlog

from ecmahost_core.secret import Secret
from ecmahost_core.space import postgresql
from ecmahost_core.space.postgresql import database, failures, schema
from ecmahost_core.space.store import StoreUnavailable

OURS = "application_name = 'ecmahost' AND pid <> pg_backend_pid()"


def on_server(desk: Any, statement: str) -> Any:
    with psycopg.connect(desk.location, autocommit=True) as server:
        server.execute(f'SET search_path = "{desk.schema}"'.encode())
        return server.execute(statement.encode()).fetchall()


def end_sessions(desk: Any) -> None:
    """As an administrator does it, or a failover."""
    on_server(desk, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")
    while on_server(desk, f"SELECT 1 FROM pg_stat_activity WHERE {OURS}"):
        time.sleep(0.01)


def test_a_restart_of_the_server_is_survived(desk: Any, postgresql: Any) -> None:
    found = desk.add(desk.user("bob"))
    entry = desk.store.open_entry(desk.changing(found))
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user("bob")])
    postgresql.stop()
    postgresql.start()
    assert desk.named("bob") == found
    assert desk.store.complete(entry, desk.user("bob", Title="Boss"), desk.ok).attributes["Title"] == ("Boss",)
    run.compare(desk.users, [desk.user("eve")])
    run.complete(held=None)
    assert desk.names() == ["bob", "eve"]
    _own_new(desk)


def _own_new(desk: Any) -> None:
    """A new entry is refused only until the process is known to live again."""
    refused: list[str] = []
    while not any(one == "after" for one in desk.names()):
        try:
            desk.add(desk.user("after"))
        except StoreUnavailable as error:
            refused.append(str(error))
            time.sleep(0.05)
    assert all("cut off" in one for one in refused)
    assert len(refused) < 100


def test_all_sessions_may_end_at_any_moment_between_statements(desk: Any) -> None:
    desk.load(*(desk.user(f"u{number}") for number in range(5)))
    for number in range(5):
        end_sessions(desk)
        assert desk.named(f"u{number}") is not None
        desk.store.record("hr", desk.ok)
    _own_new(desk)


def test_a_transaction_whose_session_ends_is_undone_and_may_be_tried_again(desk: Any) -> None:
    found = desk.add(desk.user("bob"))

    def write() -> None:
        with desk.store._database.write() as transaction:
            transaction.connection.execute("UPDATE object SET state = 1")
            end_sessions(desk)
            transaction.connection.execute("UPDATE object SET state = 1")

    with pytest.raises(failures.Interrupted):
        write()
    assert desk.named("bob") == found


def test_a_reading_of_several_statements_does_not_mix_two_moments(desk: Any) -> None:
    def read() -> None:
        with desk.store._database.read() as connection:
            connection.execute("BEGIN")
            connection.execute("SELECT 1 FROM object")
            end_sessions(desk)
            connection.execute("SELECT 1 FROM object")

    with pytest.raises(StoreUnavailable):
        read()
    assert desk.names() == []


def test_a_server_that_is_away_is_waited_for_once_and_then_no_longer(
    desk: Any, postgresql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.5)
    found = desk.add(desk.user("bob"))
    acts: list[Callable[[], Any]] = [
        lambda: desk.named("bob"),
        lambda: desk.store.record("hr", desk.ok),
        lambda: desk.store.open_entry(desk.changing(found)),
        lambda: desk.store.is_alive("somebody"),
    ]
    postgresql.stop()
    try:
        with pytest.raises(StoreUnavailable):
            desk.named("bob")
        began = time.monotonic()
        for act in acts:
            with pytest.raises(StoreUnavailable, match=r"cannot be reached.*\[store\]"):
                act()
        assert time.monotonic() - began < 3
    finally:
        postgresql.start()
    assert desk.named("bob") == found
    _own_new(desk)


def test_nothing_of_the_connection_string_is_ever_told(desk: Any, postgresql: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0)
    port = postgresql.port
    texts = {
        f"postgresql://hr:Xyzzy@127.0.0.1:{port}/postgres": "refuses the account",
        f"postgresql://postgres:Xyzzy@127.0.0.1:{port}/nowhere": "no such database",
        "postgresql://postgres:Xyzzy@127.0.0.1:1/postgres": "cannot be reached",
        "postgresql://postgres:Xyzzy@127.0.0.1:notaport/": "cannot be reached|not a connection string",
        "Xyzzy": "not a connection string",
        "password=Xyzzy nonsense": "not a connection string",
    }
    with structlog.testing.capture_logs() as logs:
        for text, reason in texts.items():
            location = Secret(lambda text=text: text)
            with pytest.raises(StoreUnavailable, match=reason) as refused:
                desk_store(location, desk)
            told = [str(refused.value), repr(refused.value)]
            assert not [one for one in told if re.search("Xyzzy|127.0.0.1|nowhere", one)]
    assert "Xyzzy" not in str(logs)


def desk_store(location: Secret, desk: Any) -> Any:
    return postgresql.open_store(location, "elsewhere", desk.runtime, writing=True)


def test_a_schema_of_something_else_is_refused_and_left_as_it_is(bare_desk: Any) -> None:
    desk = bare_desk
    with psycopg.connect(desk.location) as server:
        server.execute(f'CREATE SCHEMA "{desk.schema}"; CREATE TABLE "{desk.schema}".invoice (id int)'.encode())
    for writing in (True, False):
        with pytest.raises(StoreUnavailable, match="holds something else"):
            desk.open(writing=writing)
    assert on_server(desk, f"SELECT count(*) FROM pg_tables WHERE schemaname = '{desk.schema}'") == [(1,)]


def test_a_store_that_nobody_has_made_is_refused_to_a_reader_and_not_made(bare_desk: Any) -> None:
    with pytest.raises(StoreUnavailable, match="start the host once"):
        bare_desk.open(writing=False)
    assert on_server(bare_desk, f"SELECT 1 FROM pg_namespace WHERE nspname = '{bare_desk.schema}'") == []


def test_a_newer_store_is_refused_also_to_a_host_that_runs(desk: Any) -> None:
    reader = desk.open(writing=False)
    on_server(desk, f"UPDATE postgresql SET version = {schema.VERSION + 1} RETURNING 1")
    for writing in (True, False):
        with pytest.raises(StoreUnavailable, match="newer version"):
            desk.open(writing=writing)
    with pytest.raises(StoreUnavailable, match="newer version"):
        desk.add(desk.user("bob"))
    assert reader.count(desk.users) == 0
    on_server(desk, f"UPDATE postgresql SET version = {schema.VERSION} RETURNING 1")
    desk.add(desk.user("bob"))


def test_an_error_of_the_database_names_no_value(desk: Any) -> None:
    with (
        pytest.raises(StoreUnavailable, match="23505") as refused,
        desk.store._database.write() as transaction,
    ):
        transaction.connection.execute("INSERT INTO connector (name) VALUES ('Xyzzy'), ('Xyzzy')")
    assert "Xyzzy" not in str(refused.value)
    desk.add(desk.user("bob"))


def test_two_that_make_the_schema_at_once_make_one(bare_desk: Any) -> None:
    code = "say('there'); sys.stdin.readline(); store = open_store(path, runtime, writing=True); say(store.epoch)"
    children = [bare_desk.run(code) for _ in range(3)]
    assert [child.stdout.readline() for child in children] == ["there\n"] * 3
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    assert len({child.communicate()[0] for child in children}) == 1
    assert [child.returncode for child in children] == [0, 0, 0]


def test_a_connection_that_breaks_while_the_schema_is_made_is_replaced_by_another(
    bare_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PATIENCE", 1)
    version_of = schema._version
    broken: list[Any] = []

    def breaking(store: Any, session: Any) -> int:
        if not broken:
            broken.append(session)
            session.raw.close()
        return version_of(store, session)

    monkeypatch.setattr(schema, "_version", breaking)
    for writing in (True, False):
        broken.clear()
        bare_desk.open(writing=writing)
    assert broken


def test_whoever_is_stopped_in_the_middle_of_a_write_does_not_stop_the_others_for_ever(desk: Any) -> None:
    other = desk.open()

    def stop() -> None:
        with other._database.write() as transaction:
            transaction.connection.execute("SET idle_in_transaction_session_timeout = '200ms'")
            desk.add(desk.user("bob"))
            transaction.connection.execute("SELECT 1")

    with pytest.raises(failures.Interrupted):
        stop()
    assert desk.names() == ["bob"]


def test_a_lock_that_is_not_given_up_is_told(desk: Any) -> None:
    other = desk.open()
    with other._database.write():
        desk.store._database._writer.raw.execute("SET lock_timeout = '100ms'")
        with pytest.raises(StoreUnavailable, match="another process has kept it locked"):
            desk.store.record("hr", desk.ok)
    desk.store.record("hr", desk.ok)
