"""What the store removes for being old, under a clock that may be wrong, and a log that stays small under readers."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ecmahost_core.configuration.model import Durability
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.sql import aging
from ecmahost_core.space.sql.rows import BATCH
from ecmahost_core.space.sqlite import checkpoints, open_store

DAY = 86_400_000_000


def stamp(desk: Any, *ages: float) -> None:
    """Records an event for each age in days, a negative one for a time to come, in this order."""
    now = time.time_ns() // 1000
    for age in ages:
        desk.store.record("hr", EventRecord("test", "ok", detail={"age": age}))
    with desk.store._database.write() as transaction:
        numbers = [seq for (seq,) in transaction.connection.execute("SELECT seq FROM event ORDER BY seq").fetchall()]
        for seq, age in zip(numbers[-len(ages) :], ages, strict=True):
            transaction.connection.execute("UPDATE event SET time = ? WHERE seq = ?", (now - int(age * DAY), seq))


def left(desk: Any) -> list[float]:
    return [event.record.detail["age"] for event in reversed(desk.store.events("hr", 1000))]


def test_events_go_when_they_are_old_enough(desk: Any) -> None:
    stamp(desk, 50, 40, 30, 20, 10, 0)
    desk.store.prune(25)
    assert left(desk) == [20, 10, 0]
    desk.store.prune(25)
    assert left(desk) == [20, 10, 0]


def test_without_a_time_of_day_nothing_is_old(desk: Any) -> None:
    stamp(desk, 500, 0)
    desk.store.prune(None)
    assert left(desk) == [500, 0]


def test_what_was_written_while_the_clock_was_ahead_keeps_nothing_older_alive_and_goes_with_its_neighbours(
    desk: Any,
) -> None:
    stamp(desk, -20_000, 50, -20_000, -20_000, 40, 20, -20_000, 10)
    desk.store.prune(25)
    assert left(desk) == [20, -20_000, 10]


def test_while_the_clock_stands_before_everything_nothing_is_removed(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp(desk, 50, 40, 0)
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    desk.store.prune(25)
    assert left(desk) == [50, 40, 0]


def test_writers_go_on_while_many_events_are_removed(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns() // 1000
    stamp(desk, 100)
    with desk.store._database.write() as transaction:
        transaction.connection.executemany(
            "INSERT INTO event (time, connector, kind, outcome, object_id, request_id, actor, error, milliseconds,"
            " detail) VALUES (?, 1, 'test', 'ok', '', '', '', '', 0, '{}')",
            [(now - 100 * DAY,)] * 30_000,
        )
    other = desk.open()
    left_then: list[int] = []

    def pause(_: float) -> None:
        other.record("hr", EventRecord("test", "ok"))
        left_then.append(desk.rows("SELECT count(*) FROM event")[0][0])

    # Another process writes in each of the pauses: were the lock held, it would wait in vain.
    monkeypatch.setattr(aging, "time", SimpleNamespace(sleep=pause, time_ns=time.time_ns))
    desk.store.prune(10)
    assert len(left_then) > 50
    assert max(before - after for before, after in pairwise(left_then)) <= BATCH
    assert len(desk.store.events("hr", 100_000)) == len(left_then)


class Relay:
    """Two readers of a file of which one always reads: a new one begins before the old one ends."""

    def __init__(self, path: Path) -> None:
        self.readers = [sqlite3.connect(path, isolation_level=None, check_same_thread=False) for _ in range(2)]
        self._begin()

    def _begin(self) -> None:
        self.readers[0].execute("BEGIN")
        self.readers[0].execute("SELECT count(*) FROM connector").fetchall()

    def hand_over(self) -> None:
        self.readers.reverse()
        self._begin()
        self.readers[1].execute("ROLLBACK")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hands over again and again, in another thread."""
        ended = threading.Event()

        def run() -> None:
            while not ended.is_set():
                self.hand_over()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def close(self) -> None:
        for reader in self.readers:
            reader.close()


def test_the_log_stays_small_under_readers_that_never_pause(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "LONG", 4 * 1024 * 1024)
    monkeypatch.setattr(checkpoints, "LOOK_AFTER", 8)
    # Of a machine that does much else: a reader may not get its turn for long, but gets it.
    monkeypatch.setattr(checkpoints, "WAIT_MILLISECONDS", 60_000)
    begin_anew = checkpoints._begin_anew
    waited: list[bool] = []

    def asked(connection: sqlite3.Connection) -> bool:
        with relay.running():
            waited.append(begin_anew(connection))
        return waited[-1]

    monkeypatch.setattr(checkpoints, "_begin_anew", asked)
    desk.add(desk.user("bob"))
    desk.store._database._writer.execute("PRAGMA wal_autocheckpoint = 100")  # what SQLite does by itself, and often
    log = desk.path.with_name("space.db-wal")
    longest = 0
    with closing(Relay(desk.path)) as relay:
        for _ in range(400):
            desk.store.record("hr", EventRecord("test", "ok", detail={"text": "x" * 60_000}))
            longest = max(longest, log.stat().st_size)
            relay.hand_over()
    assert longest < 8 * 1024 * 1024  # of 24 that were written
    assert len(waited) > 1
    assert not any(waited)


def test_a_reader_that_takes_long_delays_no_write_for_long(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "LONG", 1)
    monkeypatch.setattr(checkpoints, "LOOK_AFTER", 1)
    monkeypatch.setattr(checkpoints, "AGAIN_SECONDS", 3600)
    assert checkpoints.WAIT_MILLISECONDS <= 500
    begin_anew = checkpoints._begin_anew
    waited: list[bool] = []

    def asked(connection: sqlite3.Connection) -> bool:
        waited.append(begin_anew(connection))
        return waited[-1]

    desk.add(desk.user("bob"))
    with closing(sqlite3.connect(desk.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM object").fetchall()
        monkeypatch.setattr(checkpoints, "_begin_anew", asked)
        for number in range(50):
            desk.add(desk.user(f"u{number}"))
    assert waited == [True]  # one wait, and not fifty


@pytest.mark.parametrize(("durability", "level"), [(Durability.KILL, 1), (Durability.POWER, 2)])
def test_durability_is_how_sqlite_waits_for_the_disk(desk: Any, durability: Durability, level: int) -> None:
    with open_store(desk.path, desk.runtime, writing=True, durability=durability) as store:
        store.record("hr", EventRecord("test", "ok"))
        assert store._database._writer.execute("PRAGMA synchronous").fetchone() == (level,)
