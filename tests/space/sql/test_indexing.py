"""Further attributes in the index of a type that holds objects already."""

import signal
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from ecmahost_core.space.objects import SpaceType
from ecmahost_core.space.sql import types
from ecmahost_core.space.store import StoreUnavailable

PEOPLE = 3000


def later(desk: Any, *, indexed: tuple[str, ...] = ("UserName", "Title"), more: tuple[str, ...] = ()) -> SpaceType:
    return SpaceType("hr", "User", desk.users.instance, indexed=indexed, references=more)


@pytest.fixture
def many(desk: Any) -> Any:
    """A space of more objects than one transaction indexes, by two attributes."""
    people = [desk.user(f"p{number}", Title=f"t{number}", Boss=f"p{number // 2}") for number in range(PEOPLE)]
    desk.load(*people)
    return desk


def test_what_is_stored_is_indexed_by_an_attribute_that_is_new(many: Any) -> None:
    users = later(many, more=("Boss",))
    (found,) = many.store.find(users, "Title", "T2999")
    assert found.anchor == ("p2999",)
    assert many.rows("SELECT building FROM space_type") == [("",)]
    assert many.rows("SELECT count(*) FROM reference WHERE attribute = 'Boss' AND target IS NOT NULL") == [(PEOPLE,)]


def test_writes_of_others_pass_while_the_index_is_built(many: Any) -> None:
    child = many.run(
        "users = SpaceType('hr', 'User', sys.argv[2], indexed=('Title',))\n"
        "say('go'); open_store(path, runtime, writing=True).find(users, 'Title', 'x'); say('done')"
    )
    assert child.stdout is not None
    child.stdout.readline()
    longest, count = 0.0, 0
    while child.poll() is None:
        begun = time.monotonic()
        many.store.record("other", many.ok)
        longest, count = max(longest, time.monotonic() - begun), count + 1
    assert count > 5
    assert longest < 1.0


def test_what_is_written_while_the_index_is_built_is_in_it(many: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    other = many.open()
    step = threading.Semaphore(0)
    arrived = threading.Semaphore(0)

    def pause(_seconds: float) -> None:
        arrived.release()
        assert step.acquire(timeout=10)

    monkeypatch.setattr(types, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend(many.store.find(later(many), "Title", "new")))
    thread.start()
    assert arrived.acquire(timeout=10)  # the first batch is in
    first, last = many.named("p0"), many.named(f"p{PEOPLE - 1}")
    many_users = many.users
    for one in (first, last):
        name = one.anchor[0]
        other.complete(other.open_entry(many.changing(one)), many.user(name, Title="new"), many.ok)
    gone = many.named("p2500")
    entry = other.open_entry(many.changing(gone))
    other.complete(entry, None, many.ok)
    for _ in range(PEOPLE):
        step.release()
    thread.join(20)
    assert {one.anchor[0] for one in found} == {"p0", f"p{PEOPLE - 1}"}
    assert other.find(later(many), "Title", "t0") == []
    assert many.store.by_anchor(many_users, ("p2500",)) is None


def test_a_process_that_is_killed_leaves_what_the_next_one_goes_on_with(many: Any) -> None:
    child = many.run(
        "from ecmahost_core.space.sql import types\n"
        "def stop(_): say('midway'); time.sleep(60)\n"
        "users = SpaceType('hr', 'User', sys.argv[2], indexed=('Title',))\n"
        "store = open_store(path, runtime, writing=True)\n"
        "types.time = type('T', (), {'sleep': stop, 'monotonic': time.monotonic})\n"
        "store.find(users, 'Title', 'x')"
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "midway\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert many.rows("SELECT building <> '' FROM space_type") == [(1,)]
    reader = many.open(writing=False)
    assert len(reader.find(later(many), "Title", "t2999")) == 1  # by a scan: the index is not complete
    added = many.add(many.user("eve", Title="t2999"))
    assert {one.id for one in many.open().find(later(many), "Title", "t2999")} > {added.id}
    assert many.rows("SELECT building FROM space_type") == [("",)]


def test_a_third_attribute_that_comes_while_the_second_is_built_is_built_too(many: Any) -> None:
    users = later(many)
    with many.store._database.write() as transaction:
        number, incomplete = types._ensure(transaction, users)
        assert incomplete
        assert types.indexing.advance(transaction, number)
    third = later(many, indexed=("UserName", "Boss"))
    assert len(many.store.find(third, "Boss", "p7")) == 2
    assert len(many.store.find(users, "Title", "t7")) == 1


def test_nobody_waits_for_ever_and_the_next_caller_goes_on(many: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types, "WAIT_SECONDS", 0.0)
    with pytest.raises(StoreUnavailable, match="being indexed"):
        many.store.find(later(many), "Title", "t1")
    reached = many.rows("SELECT building FROM space_type")
    with pytest.raises(StoreUnavailable, match="being indexed"):
        many.store.find(later(many), "Title", "t1")
    assert many.rows("SELECT building FROM space_type") != reached
    many.store.prepare(later(many))  # as an import does, at which nobody waits
    assert many.rows("SELECT building FROM space_type") == [("",)]
    assert len(many.store.find(later(many), "Title", "t1")) == 1
