"""The server stands still and keeps its connections: waiting has an end, and nothing is done twice afterwards."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ecmahost_core.space.postgresql import database, incarnation, session
from ecmahost_core.space.store import StoreUnavailable

LIMIT = 1.0
LONGEST = 8.0
"""A statement's silence, a connection without an answer (2 s are psycopg's least), and the machine's slowness."""


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "SILENCE", LIMIT)
    monkeypatch.setattr(session, "CONNECT", 2)
    monkeypatch.setattr(incarnation, "SILENCE", LIMIT)
    monkeypatch.setattr(database, "PATIENCE", 0.5)


@pytest.fixture
def frozen(postgresql: Any) -> Callable[..., list[Any]]:
    """Does all at once while the server stands still; returns the error of each, which all end in time."""

    def attempt(*acts: Callable[[], Any]) -> list[Any]:
        with ThreadPoolExecutor(len(acts)) as threads:
            with postgresql.frozen():
                running = [threads.submit(act) for act in acts]
                until = time.monotonic() + LONGEST
                while not all(one.done() for one in running) and time.monotonic() < until:
                    time.sleep(0.02)
                ended = [one.done() for one in running]
            assert all(ended), "somebody still waits for a server that stands still"
            return [one.exception() for one in running]

    return attempt


def _own_new(desk: Any, name: str) -> Any:
    """Adds somebody as soon as the process is known to live again."""
    until = time.monotonic() + 10
    while True:
        try:
            return desk.add(desk.user(name))
        except StoreUnavailable:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_readings_and_writes_end_and_afterwards_everything_works_and_nothing_was_done_twice(
    desk: Any, frozen: Any
) -> None:
    found = desk.add(desk.user("bob"))
    entry = desk.store.open_entry(desk.changing(found))
    acts = [
        lambda: desk.named("bob"),
        lambda: desk.store.count(desk.users),
        lambda: desk.store.open_entry(desk.adding(desk.user("eve"))),
        lambda: desk.store.complete(entry, desk.user("bob", Title="Boss"), desk.ok),
    ]
    for error in frozen(*acts):
        assert isinstance(error, StoreUnavailable)
        assert "cannot be reached" in str(error)
    assert desk.named("bob") == found
    assert desk.store.complete(entry, desk.user("bob", Title="Boss"), desk.ok).attributes["Title"] == ("Boss",)
    _own_new(desk, "eve")
    assert desk.names() == ["bob", "eve"]
    assert desk.store.entries() == []
    assert len(desk.store.events("hr", 9)) == 3


def test_a_commit_of_which_no_answer_comes_is_not_done_again(desk: Any, frozen: Any, eventually: Any) -> None:
    """The server has got it, and does it when it goes on."""

    def write() -> None:
        with desk.store._database.write() as transaction:
            transaction.connection.execute("INSERT INTO connector (name) VALUES ('once')")
            begun.append(None)
            while len(begun) < 2:
                time.sleep(0.01)

    begun: list[None] = []
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(write)
        assert eventually(lambda: bool(begun))
        (error,) = frozen(lambda: (begun.append(None), running.result(LONGEST)))
    assert isinstance(error, StoreUnavailable)
    assert eventually(lambda: desk.rows("SELECT count(*) FROM connector WHERE name = 'once'") == [(1,)])


@pytest.mark.parametrize("rows", [2, 5000])
def test_many_rows_that_are_not_taken_end_too(desk: Any, frozen: Any, rows: int) -> None:
    """Few rows go as statements in a pipeline, and many are copied, until no more fit into what the kernel keeps."""
    values = [("x" * 5000, number) for number in range(rows)]
    begun: list[None] = []

    def write() -> None:
        with desk.store._database.write() as transaction:
            begun.append(None)
            while len(begun) < 2:
                time.sleep(0.01)
            transaction.connection.executemany("INSERT INTO lost (incarnation, since) VALUES (?, ?)", values)

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(write)
        while not begun:
            time.sleep(0.01)
        (error,) = frozen(lambda: (begun.append(None), running.result(LONGEST)))
    assert isinstance(error, StoreUnavailable)
    assert desk.rows("SELECT count(*) FROM lost") == [(0,)]
    desk.store.record("hr", desk.ok)


def test_opening_a_store_ends(desk: Any, frozen: Any) -> None:
    (error,) = frozen(desk.open)
    assert isinstance(error, StoreUnavailable)
    desk.open()


def test_the_session_that_says_who_lives_is_given_up_and_taken_again(desk: Any, frozen: Any, eventually: Any) -> None:
    assert eventually(desk.store.leads)
    first = desk.store._incarnation._session
    frozen(lambda: eventually(lambda: desk.store._incarnation._session is not first, LONGEST))
    assert eventually(lambda: desk.store._incarnation._session not in (first, None))
    assert eventually(desk.store.leads)


def test_a_server_that_is_slow_and_not_silent_is_waited_for(desk: Any) -> None:
    with desk.store._database.read() as connection:
        began = time.monotonic()
        slow = "SELECT pg_sleep(0.4), repeat('x', 20000) FROM generate_series(1, 4)"
        assert len(connection.execute(slow).fetchall()) == 4
    assert time.monotonic() - began > LIMIT


def test_a_connection_whose_answer_came_too_late_is_not_used_again(desk: Any) -> None:
    with pytest.raises(StoreUnavailable), desk.store._database.read() as connection:
        connection.execute("SELECT pg_sleep(1.5)")
    assert connection.raw.closed
    assert desk.names() == []
