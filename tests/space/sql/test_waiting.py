import threading
import time
from typing import Any

import pytest

from ecmahost_core.space.journal import ANCHOR, LockKey
from ecmahost_core.space.sql import opening, waiting
from ecmahost_core.space.store import DuplicateValue, KeysTaken


def test_free_keys_are_not_waited_for(desk: Any) -> None:
    assert desk.store.wait_for_release(desk.users, [LockKey(ANCHOR, "bob")], 0)
    assert desk.store.wait_for_release(desk.users, [], 0)


def test_waiting_ends_with_its_time(desk: Any) -> None:
    desk.store.open_entry(desk.adding(desk.user("bob")))
    began = time.monotonic()
    assert not desk.store.wait_for_release(desk.users, [LockKey(ANCHOR, "BOB")], 0.1)
    assert 0.1 <= time.monotonic() - began < 5


def test_a_thread_of_the_same_process_is_woken(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_FIRST_PAUSE", 30.0)  # looking again would come too late
    monkeypatch.setattr(waiting, "_LONGEST_PAUSE", 30.0)
    bob = desk.user("bob")
    entry = desk.store.open_entry(desk.adding(bob))
    answers: list[bool] = []
    held = threading.Event()
    look = opening.held

    def look_once(*arguments: Any) -> bool:
        answer = look(*arguments)
        held.set()
        return answer

    monkeypatch.setattr(waiting, "held", look_once)
    waiter = threading.Thread(
        target=lambda: answers.append(desk.store.wait_for_release(desk.users, desk.keys(bob), 30))
    )
    waiter.start()
    assert held.wait(10)
    desk.store.complete(entry, bob, desk.ok)
    waiter.join(10)
    assert answers == [True]


def test_a_release_by_another_process_is_noticed(desk: Any) -> None:
    child = desk.run("""
store = open_store(path, runtime, writing=True)
entry = store.open_entry(intent("bob"))
say("taken")
sys.stdin.readline()
store.abandon(entry, ok)
""")
    assert child.stdout.readline() == "taken\n"
    assert not desk.store.wait_for_release(desk.users, [LockKey(ANCHOR, "bob")], 0.01)
    child.stdin.write("go\n")
    child.stdin.flush()
    assert desk.store.wait_for_release(desk.users, [LockKey(ANCHOR, "bob")], 30)


def test_of_threads_that_make_the_same_object_at_once_one_makes_it(desk: Any) -> None:
    bob = desk.user("bob")
    outcomes: list[str] = []
    barrier = threading.Barrier(12)

    def make() -> None:
        barrier.wait()
        while True:
            try:
                entry = desk.store.open_entry(desk.adding(bob))
            except KeysTaken:
                assert desk.store.wait_for_release(desk.users, desk.keys(bob), 30)
                continue
            except DuplicateValue as error:
                outcomes.append(error.object_id)
                return
            found = desk.store.complete(entry, bob, desk.ok)
            assert found is not None
            outcomes.append(f"made {found.id}")
            return

    threads = [threading.Thread(target=make) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [outcome for outcome in outcomes if outcome.startswith("made")]
    assert len(outcomes) == 12
    assert len(made) == 1
    assert {f"made {outcome}" for outcome in outcomes if outcome not in made} == set(made)


def test_of_processes_that_make_the_same_objects_at_once_one_makes_each(desk: Any) -> None:
    code = """
from ecmahost_core.space.store import DuplicateValue, KeysTaken
store = open_store(path, runtime, writing=True)
sys.stdin.readline()
made = 0
for number in range(100):
    wanted = intent(f"u{number}")
    while True:
        try:
            entry = store.open_entry(wanted)
        except KeysTaken:
            assert store.wait_for_release(users, wanted.keys, 30)
        except DuplicateValue:
            break
        else:
            store.complete(entry, user(f"u{number}"), ok)
            made += 1
            break
say(made)
"""
    children = [desk.run(code) for _ in range(3)]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    assert sum(int(child.communicate()[0]) for child in children) == 100
    assert desk.store.count(desk.users) == 100
