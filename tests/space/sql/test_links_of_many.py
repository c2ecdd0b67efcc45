"""Groups whose members take an import several transactions: what others do meanwhile, and what a kill leaves."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.journal import ID, LockKey, Operation, WriteIntent
from ecmahost_core.space.objects import LinkChange, SpaceObject, SpaceType, TargetObject
from ecmahost_core.space.sql import departures, links, settling
from ecmahost_core.space.store import KeysTaken, SpaceReplaced

INSTANCE = "6e0cf1ba-53b5-4f0c-9d0c-0d6f6f1a2b3c"
GROUPS = SpaceType("hr", "Group", INSTANCE, links=("members",), scopes=(("members", "User"),))

CODE = """
from ecmahost_core.ecma.values import Reference
groups = SpaceType("hr", "Group", sys.argv[2], links=("members",), scopes=(("members", "User"),))

def group(name, count):
    return TargetObject((name,), None, {"members": tuple(Reference(f"m{number}") for number in range(count))})
"""


def group(name: str, count: int) -> TargetObject:
    return TargetObject((name,), None, {"members": tuple(Reference(f"m{number}") for number in range(count))})


def load(desk: Any, *groups: TargetObject) -> Any:
    run = desk.store.begin_import("hr")
    run.compare(GROUPS, groups)
    run.remove_missing(GROUPS)
    run.complete(held=None)
    return run.counts


def found(desk: Any, name: str = "g") -> SpaceObject:
    one = desk.store.by_anchor(GROUPS, (name,))
    assert one is not None
    return one


def count(desk: Any, name: str = "g") -> int:
    return len(desk.store.links(GROUPS, found(desk, name), "members"))


def opened(desk: Any, one: SpaceObject) -> Any:
    return desk.store.open_entry(WriteIntent(GROUPS, Operation.UPDATE, {}, (LockKey(ID, one.id),), object_id=one.id))


def completed(desk: Any, entry: Any, one: SpaceObject, **change: tuple[str, ...]) -> None:
    outcome = TargetObject(one.anchor, None, one.attributes, {"members": LinkChange(**change)})
    desk.store.complete(entry, outcome, desk.ok)


@pytest.fixture
def between(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has something happen, once, after the first transaction of an import's links."""

    def arrange(act: Any) -> None:
        acts = [act]

        def pause(_seconds: float) -> None:
            if acts:
                acts.pop()()

        monkeypatch.setattr(links, "ROWS", 10)
        monkeypatch.setattr(settling, "time", SimpleNamespace(sleep=pause))

    return arrange


def test_a_killed_import_leaves_some_members_and_the_next_one_goes_on(desk: Any) -> None:
    load(desk, group("g", 3))
    child = desk.run(
        CODE + "from ecmahost_core.space.sql import settling\n"
        "def stop(_):\n    say('midway')\n    sys.stdin.readline()\n"
        "settling.time = type('T', (), {'sleep': stop})\n"
        "run = open_store(path, runtime, writing=True).begin_import('hr')\n"
        "run.compare(groups, [group('g', 5000)])"
    )
    assert child.stdout.readline() == "midway\n"
    child.kill()
    child.wait()
    desk.check()
    assert 3 < count(desk) < 5000
    assert load(desk, group("g", 5000)).changed == 1
    assert count(desk) == 5000
    assert load(desk, group("g", 5000)).unchanged == 1


def test_a_change_that_comes_between_is_newer_than_what_the_import_read(desk: Any, between: Any) -> None:
    load(desk, group("g", 3))

    def change() -> None:
        one = found(desk)
        completed(desk, opened(desk, one), one, added=("new",), removed=("m0",))

    between(change)
    load(desk, group("g", 100))
    values = {link.value for link in desk.store.links(GROUPS, found(desk), "members")}
    assert "new" in values
    assert "m0" not in values
    assert len(values) < 100
    assert load(desk, group("g", 100)).changed == 1
    assert count(desk) == 100


def test_a_change_that_is_under_way_stops_the_import_of_that_group(desk: Any, between: Any) -> None:
    load(desk, group("g", 3), group("h", 3))
    entries: list[Any] = []
    between(lambda: entries.append(opened(desk, found(desk))))
    load(desk, group("g", 100), group("h", 100))
    assert count(desk) < 100
    assert count(desk, "h") == 100
    completed(desk, entries[0], found(desk), added=("m99",))
    load(desk, group("g", 100), group("h", 100))
    assert count(desk) == 100


def test_an_import_that_comes_between_goes_on_alone(desk: Any, between: Any) -> None:
    load(desk, group("g", 3))
    between(lambda: desk.open().adopt(GROUPS, [group("g", 50)], desk.store.change_seq()))
    desk.store.adopt(GROUPS, [group("g", 100)], desk.store.change_seq())
    assert count(desk) == 50
    assert load(desk, group("g", 50)).unchanged == 1


def test_a_group_that_goes_between_leaves_nothing(desk: Any, between: Any) -> None:
    def delete() -> None:
        one = found(desk)
        entry = desk.store.open_entry(
            WriteIntent(GROUPS, Operation.DELETE, {}, (LockKey(ID, one.id),), object_id=one.id)
        )
        desk.store.complete(entry, None, desk.ok)

    between(delete)
    load(desk, group("g", 100))
    assert desk.rows("SELECT count(*) FROM reference") == [(0,)]
    assert desk.rows("SELECT count(*) FROM departed") == [(0,)]


def test_a_space_that_is_reset_between_is_written_no_more(desk: Any, between: Any) -> None:
    between(lambda: desk.store.reset("hr", None, desk.ok))
    with pytest.raises(SpaceReplaced):
        load(desk, group("g", 100))
    desk.store.clear_retired(at_once=True)
    assert desk.rows("SELECT count(*) FROM reference") == [(0,)]


def test_the_links_of_a_large_group_go_in_portions_and_after_a_kill_with_the_next_pruning(desk: Any) -> None:
    load(desk, group("g", 5000), group("h", 10))
    child = desk.run(
        CODE + "from ecmahost_core.space.sql import departures\n"
        "def stop(_):\n    say('midway')\n    sys.stdin.readline()\n"
        "departures.time = type('T', (), {'sleep': stop})\n"
        "run = open_store(path, runtime, writing=True).begin_import('hr')\n"
        "run.compare(groups, [group('h', 10)]); run.remove_missing(groups)"
    )
    assert child.stdout.readline() == "midway\n"
    child.kill()
    child.wait()
    desk.check()
    assert desk.store.by_anchor(GROUPS, ("g",)) is None
    assert desk.rows("SELECT count(*) FROM departed") == [(1,)]
    desk.store.prune(1)
    assert desk.rows("SELECT count(*) FROM departed") == [(0,)]
    assert desk.rows("SELECT count(*) FROM reference") == [(10,)]


def test_whoever_is_in_very_many_groups_is_in_none_after_his_deletion(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "ROWS", 10)
    someone = desk.add(desk.user("m0"))
    load(desk, *(group(f"g{number}", 2) for number in range(35)))
    desk.delete(someone)
    other = desk.add(desk.user("m0"))
    assert desk.store.owners(GROUPS, ["members"], other) == []
    assert desk.rows("SELECT count(*) FROM departed") == [(0,)]
    assert load(desk, *(group(f"g{number}", 2) for number in range(35))).changed == 35  # the target has kept them


def test_whoever_gets_the_name_of_somebody_in_very_many_groups_can_be_added_to_each(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "ROWS", 10)
    someone = desk.add(desk.user("m0"))
    load(desk, *(group(f"g{number}", 2) for number in range(35)))
    with monkeypatch.context() as killed:
        killed.setattr(departures, "finish", lambda _: None)
        desk.delete(someone)
    assert desk.rows("SELECT count(*) FROM departed") == [(1,)]
    other = desk.add(desk.user("m0"))
    names = [f"g{number}" for number in range(35)]
    assert [desk.store.linked(GROUPS, found(desk, name), "members", ["m0"]) for name in names] == [{}] * 35
    load(desk, *(group(name, 2) for name in names))
    assert len(desk.store.owners(GROUPS, ["members"], other)) == 35


def test_an_object_that_takes_the_anchor_of_one_in_very_many_groups_is_in_none(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "ROWS", 10)
    desk.load(desk.user("m0"))
    load(desk, *(group(f"g{number}", 2) for number in range(35)))
    new = desk.user("m0", UserName="new")
    entry = desk.store.open_entry(WriteIntent(desk.users, Operation.ADD, {}, (LockKey(ID, "new"),)))
    desk.store.complete(entry, new, desk.ok)
    names = [f"g{number}" for number in range(35)]
    assert [desk.store.linked(GROUPS, found(desk, name), "members", ["m0"]) for name in names] == [{}] * 35


def test_two_processes_that_change_one_group_at_once_end_in_what_both_said(desk: Any) -> None:
    load(desk, group("g", 1000))
    stores = [desk.store, desk.open()]

    def work(number: int) -> None:
        store = stores[number]
        for turn in range(40):
            one = store.by_anchor(GROUPS, ("g",))
            keys = (LockKey(ID, one.id),)
            while True:
                assert store.wait_for_release(GROUPS, keys, 30)
                try:
                    entry = store.open_entry(WriteIntent(GROUPS, Operation.UPDATE, {}, keys, object_id=one.id))
                except KeysTaken:
                    continue
                break
            change = {"members": LinkChange((f"n{number}-{turn}",), (f"m{number * 100 + turn}",))}
            store.complete(entry, TargetObject(one.anchor, None, one.attributes, change), desk.ok)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    values = {link.value for link in desk.store.links(GROUPS, found(desk), "members")}
    expected = {f"m{number}" for number in range(1000)} - {f"m{n * 100 + turn}" for n in range(2) for turn in range(40)}
    assert values == expected | {f"n{n}-{turn}" for n in range(2) for turn in range(40)}
