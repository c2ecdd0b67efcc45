"""What a delta brings to the store: single objects, renames and removals, beside writes of others."""

import random
from dataclasses import replace
from typing import Any

import pytest

from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.history import HeldRemovals, ImportRequest
from ecmahost_core.space.journal import ANCHOR, LockKey, Operation, WriteIntent
from ecmahost_core.space.objects import LinkChange, SpaceType, TargetObject
from ecmahost_core.space.sql import links

GROUPS = SpaceType(
    "hr", "Group", "6e0cf1ba-53b5-4f0c-9d0c-0d6f6f1a2b3c", links=("Members",), scopes=(("Members", "User"),)
)


def group(name: str, *members: str, **more: Any) -> TargetObject:
    attributes = {"Name": (name,), "Members": tuple(map(Reference, members))}
    return TargetObject((name,), None, attributes, **more)


def changed(name: str, added: tuple[str, ...] = (), removed: tuple[str, ...] = ()) -> TargetObject:
    return TargetObject((name,), None, {"Name": (name,)}, {"Members": LinkChange(added, removed)})


def members(desk: Any, name: str) -> list[str]:
    found = desk.store.by_anchor(GROUPS, (name,))
    return sorted(one.value for one in desk.store.links(GROUPS, found, "Members"))


@pytest.fixture
def run(desk: Any) -> Any:
    """A delta over three people."""
    desk.load(desk.user("a"), desk.user("b"), desk.user("c"))
    return desk.store.begin_import("hr")


def test_what_is_applied_is_written_and_nothing_else_is_touched(desk: Any, run: Any) -> None:
    before = desk.named("c")
    assert run.apply(desk.users, [desk.user("a", Title="Boss"), desk.user("b"), desk.user("d")]) == []
    assert (run.counts.added, run.counts.changed, run.counts.unchanged) == (1, 1, 1)
    assert (desk.names(), desk.named("c")) == (["a", "b", "c", "d"], before)


def test_the_same_object_can_be_applied_again_and_again(desk: Any, run: Any) -> None:
    for title in ("one", "two", "three"):
        assert run.apply(desk.users, [desk.user("a", Title=title), desk.user("new", Title=title)]) == []
    assert desk.named("a").attributes["Title"] == desk.named("new").attributes["Title"] == ("three",)
    assert run.remove(desk.users, [desk.named("new").key]) == 0
    assert desk.names() == ["a", "b", "c"]


def test_what_lost_to_a_newer_write_is_told(desk: Any, run: Any) -> None:
    desk.update(desk.named("a"), desk.user("a", Title="Newer"))
    desk.delete(desk.named("b"))
    targets = [desk.user("a", Title="Older"), desk.user("b"), desk.user("c", Title="Boss")]
    assert [one.anchor for one in run.apply(desk.users, targets)] == [("a",), ("b",)]
    assert desk.named("a").attributes["Title"] == ("Newer",)
    assert desk.names() == ["a", "c"]


def test_a_removal_gives_way_to_a_newer_write_and_to_one_under_way(desk: Any, run: Any) -> None:
    keys = [desk.named(name).key for name in "abc"]
    desk.update(desk.named("a"), desk.user("a", Title="Newer"))
    lock = (LockKey(ANCHOR, "b"),)
    desk.store.open_entry(WriteIntent(desk.users, Operation.ADD, {}, lock))
    assert run.remove(desk.users, keys) == 2
    assert (desk.names(), run.counts.removed, run.counts.passed_over) == (["a", "b"], 1, 2)
    assert run.remove(desk.users, keys[2:]) == 0  # gone already


def test_a_move_keeps_the_id_and_leaves_a_tombstone(desk: Any, run: Any) -> None:
    a = desk.named("a")
    assert run.move(desk.users, ("a",), desk.user("z", Title="Boss"))
    moved = desk.named("z")
    assert (moved.id, moved.attributes["Title"], desk.named("a")) == (a.id, ("Boss",), None)
    assert desk.rows("SELECT anchor_key FROM tombstone") == [("a",)]


def test_a_name_that_a_move_has_freed_is_free_for_somebody_else(desk: Any, run: Any) -> None:
    a = desk.named("a").id
    assert run.move(desk.users, ("a",), desk.user("z"))
    assert run.apply(desk.users, [desk.user("a")]) == []
    assert (desk.names(), desk.named("z").id) == (["z", "b", "c", "a"], a)
    assert desk.named("a").id != a


def test_a_move_to_a_name_that_is_known_takes_the_place_of_whoever_had_it(desk: Any, run: Any) -> None:
    a = desk.named("a").id
    assert run.move(desk.users, ("a",), desk.user("b"))
    assert (desk.names(), desk.named("b").id) == (["b", "c"], a)


def test_a_move_loses_to_what_is_newer_under_either_name(desk: Any, run: Any) -> None:
    desk.update(desk.named("b"), desk.user("b", Title="Newer"))
    assert not run.move(desk.users, ("a",), desk.user("b"))
    assert not run.move(desk.users, ("b",), desk.user("z"))
    assert (desk.names(), run.counts.passed_over) == (["a", "b", "c"], 2)


def test_a_move_of_what_is_not_there_adds_it(desk: Any, run: Any) -> None:
    assert run.move(desk.users, ("nobody",), desk.user("d"))
    assert desk.names() == ["a", "b", "c", "d"]


def test_a_dn_that_has_passed_to_somebody_else_is_taken_along(desk: Any, run: Any) -> None:
    taken = desk.user("z")._replace(dn=desk.named("b").dn)
    assert run.move(desk.users, ("a",), taken)
    assert (desk.named("z").dn, desk.named("b").dn) == ("CN=b,OBJECT=User", None)


def test_members_come_and_go_in_portions(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "ROWS", 3)
    run = desk.store.begin_import("hr")
    run.compare(GROUPS, [group("g", "a", "b")])
    run.complete(held=None)
    run = desk.store.begin_import("hr")
    many = tuple(f"u{number}" for number in range(10))
    assert run.apply(GROUPS, [changed("g", (*many, "a"), ("b",))]) == []
    assert members(desk, "g") == ["a", *sorted(many)]
    assert run.apply(GROUPS, [changed("g", (), many[2:])]) == []
    assert members(desk, "g") == ["a", "u0", "u1"]


def test_watermarks_are_kept_when_the_run_completes_and_only_then(desk: Any, run: Any) -> None:
    assert desk.store.status("hr").watermarks == {}
    run.complete(held=None, watermarks={"User": "7", "Group": ""}, delta=True)
    status = desk.store.status("hr")
    assert (status.watermarks, status.watermark_seq) == ({"User": "7"}, desk.store.change_seq())
    desk.store.begin_import("hr").fail("it broke")
    desk.load(desk.user("a"))
    assert desk.store.status("hr").watermarks == {"User": "7"}


def test_a_write_during_the_run_that_keeps_the_watermarks_is_told_from_what_the_run_has_written(
    desk: Any, run: Any
) -> None:
    began = desk.store.change_seq()
    written = desk.update(desk.named("a"), desk.user("a", Title="Newer"))
    run.apply(desk.users, [desk.user("b", Title="Boss"), desk.user("d")])
    run.complete(held=None, watermarks={"User": "7"}, delta=True)
    assert desk.store.status("hr").watermark_began == began
    assert [desk.named(name).written_seq for name in "abcd"] == [written.change_seq, 0, 0, 0]
    run = desk.store.begin_import("hr")
    run.apply(desk.users, [desk.user("a", Title="Newest")])
    run.complete(held=None, delta=True)
    assert desk.named("a").written_seq == written.change_seq < desk.named("a").change_seq
    assert desk.store.status("hr").watermark_began == began
    new = desk.add(desk.user("e"))
    assert new.written_seq == new.change_seq


def test_a_delta_sets_an_alarm_and_clears_none_and_is_no_full_import(desk: Any, run: Any) -> None:
    full = desk.store.status("hr").last_full
    alarm = HeldRemovals(9, 10, full)
    run.complete(held=alarm, delta=True)
    assert (desk.store.status("hr").held, desk.store.status("hr").last_full) == (alarm, full)
    desk.store.note_missing(desk.users, desk.named("a").id)
    desk.store.begin_import("hr").complete(held=None, delta=True)
    status = desk.store.status("hr")
    assert (status.held, status.missing, status.last_import > full) == (alarm, 1, True)
    desk.load(desk.user("a"), desk.user("b"), desk.user("c"))
    status = desk.store.status("hr")
    assert (status.held, status.missing, status.last_full > full) == (None, 0, True)


def test_the_process_that_imports_is_named(desk: Any) -> None:
    child = desk.run('with open_store(path, runtime, writing=True) as s: run = s.begin_import("hr"); say(1); input()')
    child.stdout.readline()
    status = desk.store.status("hr")
    assert status.importing
    assert str(status.importer).split()[0] == str(child.pid)  # on PostgreSQL with the name of its host


def test_a_request_is_kept_until_it_is_settled(desk: Any) -> None:
    desk.load(desk.user("a"))
    request = ImportRequest("x", delta=True, confirm=False, since=desk.store.status("hr").last_import)
    desk.store.request_import("hr", request)
    assert desk.open().status("hr").request == request
    desk.store.settle_request("hr", replace(request, id="another"))
    assert desk.store.status("hr").request == request
    desk.store.settle_request("hr", request)
    assert desk.store.status("hr").request is None


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_in_whatever_order_the_space_is_the_target(desk: Any, seed: int) -> None:
    """Deltas of changes of all kinds, with writes by the host in between; a full import then finds nothing to do."""
    chance = random.Random(seed)
    names = [f"n{number}" for number in range(12)]
    target = {name: desk.user(name) for name in names[:8]}
    others = [f"m{number}" for number in range(12)]  # who are never renamed: a reference follows a rename
    teams = {"g": set(others[:4])}
    run = desk.store.begin_import("hr")
    run.compare(desk.users, list(target.values()))
    run.compare(GROUPS, [group("g", *teams["g"])])
    run.complete(held=None)
    for _ in range(40):
        run = desk.store.begin_import("hr")
        removed: dict[str, int] = {}
        for _ in range(chance.randrange(1, 6)):
            name, other = chance.sample(names, 2)
            what = chance.randrange(5)
            if what == 0 and name in target:
                del target[name]
                removed[name] = desk.named(name).key
            elif what == 1 and name in target and other not in target:
                target[other] = desk.user(other, Title=str(chance.random()))
                del target[name]
                removed.pop(other, None)
                assert run.move(desk.users, (name,), target[other])
            elif what == 2:
                added, gone = chance.sample(others, 2), chance.sample(others, 1)
                teams["g"] = (teams["g"] - {*gone}) | {*added}
                assert not run.apply(GROUPS, [changed("g", tuple(added), tuple(gone))])
            else:
                target[name] = desk.user(name, Title=str(chance.random()))
                removed.pop(name, None)
                assert not run.apply(desk.users, [target[name]])
        assert run.remove(desk.users, list(removed.values())) == 0
        run.complete(held=None, delta=True)
        mine = chance.choice(names)
        if mine in target:
            target[mine] = desk.user(mine, Title="by the host")
            desk.update(desk.named(mine), target[mine])
    assert sorted(desk.names()) == sorted(target)
    assert members(desk, "g") == sorted(teams["g"])
    counts = desk.load(*target.values())
    assert (counts.added, counts.removed) == (0, 0)
    assert {name: desk.named(name).attributes for name in target} == {
        name: one.attributes for name, one in target.items()
    }
