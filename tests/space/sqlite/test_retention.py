"""What the store removes for being old, under a clock that may be wrong, and a log that stays small under readers."""

import sqlite3
import threading
import time
from contextlib import closing
from typing import Any

import pytest

from ecmahost_core.configuration.model import Durability
from ecmahost_core.space.history import EventRecord
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


def test_writers_go_on_while_many_events_are_removed(desk: Any) -> None:
    now = time.time_ns() // 1000
    stamp(desk, 100)
    with desk.store._database.write() as transaction:
        transaction.connection.executemany(
            "INSERT INTO event (time, connector, kind, outcome, object_id, request_id, actor, error, milliseconds,"
            " detail) VALUES (?, 1, 'test', 'ok', '', '', '', '', 0, '{}')",
            [(now - 100 * DAY,)] * 30_000,
        )
    other = desk.open()
    pruning = threading.Thread(target=desk.store.prune, args=(10,))
    pruning.start()
    slowest = 0.0
    written = 0
    while pruning.is_alive():
        begun = time.monotonic()
        other.record("hr", EventRecord("test", "ok"))
        slowest = max(slowest, time.monotonic() - begun)
        written += 1
    pruning.join()
    assert written > 5
    assert slowest < 2
    assert len(desk.store.events("hr", 100_000)) == written


READER = """
import threading
store = open_store(path, runtime, writing=False)

def read():
    while True:
        store.events("hr", 20)
        store.status("hr")

for _ in range(4):
    threading.Thread(target=read, daemon=True).start()
say("reading")
time.sleep(60)
"""


def test_the_log_stays_small_under_readers_that_never_pause(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "LONG", 4 * 1024 * 1024)
    monkeypatch.setattr(checkpoints, "LOOK_AFTER", 8)
    desk.add(desk.user("bob"))
    desk.store._database._writer.execute("PRAGMA wal_autocheckpoint = 100")
    for _ in range(2):
        assert desk.run(READER).stdout.readline() == "reading\n"
    log = desk.path.with_name("space.db-wal")
    longest = 0
    for _ in range(500):
        desk.store.record("hr", EventRecord("test", "ok", detail={"text": "x" * 60_000}))
        longest = max(longest, log.stat().st_size)
    assert longest < 16 * 1024 * 1024  # of 30 that were written


def test_a_reader_that_takes_long_delays_no_write_for_long(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "LONG", 1)
    monkeypatch.setattr(checkpoints, "LOOK_AFTER", 1)
    desk.add(desk.user("bob"))
    with closing(sqlite3.connect(desk.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM object").fetchall()
        begun = time.monotonic()
        for number in range(50):
            desk.add(desk.user(f"u{number}"))
        assert time.monotonic() - begun < 5  # one wait of half a second, and not fifty


@pytest.mark.parametrize(("durability", "level"), [(Durability.KILL, 1), (Durability.POWER, 2)])
def test_durability_is_how_sqlite_waits_for_the_disk(desk: Any, durability: Durability, level: int) -> None:
    with open_store(desk.path, desk.runtime, writing=True, durability=durability) as store:
        store.record("hr", EventRecord("test", "ok"))
        assert store._database._writer.execute("PRAGMA synchronous").fetchone() == (level,)
