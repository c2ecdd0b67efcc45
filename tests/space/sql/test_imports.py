import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.history import ConnectorStatus, HeldRemovals, ImportCounts
from ecmahost_core.space.objects import ObjectState, TargetObject
from ecmahost_core.space.store import ImportRunning


def test_a_first_import_stores_what_it_reads_and_says_when_it_is_complete(desk: Any) -> None:
    assert desk.store.status("hr") == ConnectorStatus()
    run = desk.store.begin_import("hr")
    assert run.first
    run.compare(desk.users, [desk.user("bob"), desk.user("eve")])
    during = desk.store.status("hr")
    assert (during.importing, during.first_import_done, during.last_import) == (True, False, None)
    run.complete(held=None)
    status = desk.store.status("hr")
    assert (status.importing, status.first_import_done, status.held) == (False, True, None)
    assert status.last_import_counts["added"] == run.counts.added == 2
    assert datetime.now(UTC) - status.last_import < timedelta(minutes=1)
    assert desk.names() == ["bob", "eve"]
    assert not desk.store.begin_import("hr").first
    (event,) = desk.store.events("hr", 5)
    assert (event.record.kind, event.record.outcome, event.record.detail["added"]) == ("import", "ok", 2)


def test_an_import_of_the_same_objects_writes_nothing(desk: Any) -> None:
    targets = [
        desk.user(f"u{number}", Level=number, Photo=b"\x00\xff", Manager=Reference("u1")) for number in range(50)
    ]
    desk.load(*targets)
    before = desk.rows("SELECT * FROM object"), desk.store.change_seq()
    assert desk.load(*reversed(targets)) == ImportCounts(seen=50, unchanged=50)
    assert (desk.rows("SELECT * FROM object"), desk.store.change_seq()) == before


def test_an_import_writes_only_what_differs(desk: Any) -> None:
    desk.load(desk.user("a"), desk.user("b"), desk.user("c"))
    before = {name: desk.named(name) for name in "abc"}
    counts = desk.load(desk.user("a"), desk.user("b", Title="Boss"), desk.user("d"))
    assert counts == ImportCounts(seen=3, added=1, changed=1, unchanged=1, removed=1)
    assert desk.named("a") == before["a"]
    changed = desk.named("b")
    assert (changed.id, changed.attributes["Title"]) == (before["b"].id, ("Boss",))
    assert changed.change_seq > before["b"].change_seq
    assert desk.named("c") is None
    assert desk.names() == ["a", "b", "d"]


def test_what_the_host_keeps_beside_an_object_survives_an_import_and_is_not_compared(desk: Any) -> None:
    desk.add(desk.user("bob"), kept={"active": False})
    assert desk.load(desk.user("bob")).unchanged == 1
    assert desk.load(desk.user("bob", Title="Boss")).changed == 1
    assert desk.named("bob").kept == {"active": False}


def test_a_reading_that_changes_an_object_asks_what_remains_of_what_is_kept(desk: Any) -> None:
    asked: list[Any] = []

    def retained(kept: Any, attributes: Any) -> Any:
        asked.append((dict(kept), attributes["Title"]))
        return {"active": False}

    desk.users = replace(desk.users, retained=retained)
    kept = {"active": False, "sent": {"title": ["Chief "]}}
    desk.add(desk.user("bob", Title="Chief"), kept=kept)
    desk.add(desk.user("eve", Title="Chief"))
    assert desk.load(desk.user("bob", Title="Chief"), desk.user("eve", Title="Chief")).unchanged == 2
    assert (asked, desk.named("bob").kept) == ([], kept)
    assert desk.load(desk.user("bob", Title="Boss"), desk.user("eve", Title="Boss")).changed == 2
    assert asked == [(kept, ("Boss",))]  # of eve nothing is kept
    assert desk.named("bob").kept == {"active": False}
    began = desk.store.change_seq()
    desk.store.adopt(desk.users, [desk.user("bob", Title="King")], began)
    assert asked[1:] == [({"active": False}, ("King",))]


def test_values_of_different_types_are_different_objects(desk: Any) -> None:
    desk.load(desk.user("bob", Level="1"))
    assert desk.load(desk.user("bob", Level=1)).changed == 1
    assert desk.load(desk.user("bob", Level=True)).changed == 1
    assert desk.load(desk.user("bob", Level=())).changed == 1
    assert desk.load(desk.user("bob")).changed == 1


def test_an_anchor_that_is_spelt_differently_is_the_same_object_changed(desk: Any) -> None:
    desk.load(desk.user("Bob"))
    found = desk.named("bob")
    assert desk.load(desk.user("BOB ")).changed == 1
    assert (desk.named("bob").id, desk.named("bob").anchor) == (found.id, ("BOB ",))


def test_ids_of_immutable_anchors_are_the_same_in_a_rebuilt_space(desk: Any) -> None:
    run = desk.store.begin_import("hr")
    run.compare(desk.badges, [TargetObject((7,), None, {})])
    run.complete(held=None)
    assert desk.store.by_anchor(desk.badges, (7,)).id == desk.badges.derived_id((7,))


def test_a_run_that_fails_leaves_what_it_wrote_and_removes_nothing(desk: Any) -> None:
    desk.load(desk.user("a"), desk.user("b"))
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user("b", Title="Boss"), desk.user("c")])
    run.fail("the target went away")
    assert desk.names() == ["a", "b", "c"]
    assert desk.named("b").attributes["Title"] == ("Boss",)
    status = desk.store.status("hr")
    assert (status.last_failure, status.importing, status.last_import_counts["seen"]) == (
        "the target went away",
        False,
        2,
    )
    event = desk.store.events("hr", 1)[0].record
    assert (event.kind, event.outcome, event.detail["added"]) == ("import", "failed", 1)
    run.fail("once more")
    assert desk.store.status("hr").last_failure == "the target went away"
    desk.load(desk.user("a"))
    assert desk.store.status("hr").last_failure == ""


def test_a_first_import_that_failed_leaves_the_next_one_the_first(desk: Any) -> None:
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user("a")])
    run.fail("no")
    assert not desk.store.status("hr").first_import_done
    assert desk.store.begin_import("hr").first


def test_an_ended_run_refuses_to_go_on(desk: Any) -> None:
    run = desk.store.begin_import("hr")
    run.complete(held=None)
    acts: list[Callable[[], Any]] = [
        lambda: run.compare(desk.users, []),
        lambda: run.missing(desk.users),
        lambda: run.complete(held=None),
    ]
    for act in acts:
        with pytest.raises(RuntimeError, match="ended"):
            act()


def test_a_second_import_of_the_same_connector_is_refused_and_told_who_is_at_it(desk: Any) -> None:
    run = desk.store.begin_import("hr")
    other = desk.open()
    for store in (desk.store, other):
        with pytest.raises(ImportRunning, match=f"process {os.getpid()}( on .+)? is importing hr"):
            store.begin_import("hr")
    other.begin_import("payroll").complete(held=None)
    run.complete(held=None)
    other.begin_import("hr").complete(held=None)


def test_a_run_that_its_caller_lost_does_not_block_the_next(desk: Any) -> None:
    run = desk.store.begin_import("hr")
    del run
    desk.store.begin_import("hr").complete(held=None)


def test_a_run_that_died_with_its_process_does_not_block_the_next(desk: Any) -> None:
    child = desk.run("""
store = open_store(path, runtime, writing=True)
run = store.begin_import("hr")
run.compare(users, [user("a")])
say("at it")
time.sleep(60)
""")
    assert child.stdout.readline() == "at it\n"
    assert desk.store.status("hr").importing
    with pytest.raises(ImportRunning, match=f"process {child.pid} "):
        desk.store.begin_import("hr")
    child.kill()
    child.wait()
    assert not desk.store.status("hr").importing
    run = desk.store.begin_import("hr")
    assert "cut off" in desk.store.status("hr").last_failure
    assert run.first
    run.complete(held=None)
    assert desk.names() == ["a"]


def test_a_second_object_with_the_same_anchor_or_dn_fails_and_is_not_stored(desk: Any) -> None:
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user("bob"), desk.user("BOB", Title="x")])
    run.compare(desk.users, [desk.user("Bob", Title="y"), TargetObject(("eve",), "cn=bob,object=USER ", {})])
    assert run.counts == ImportCounts(seen=4, added=1, failed=3)
    run.remove_missing(desk.users)
    run.complete(held=None)
    assert [found.attributes for found in desk.store.scan(desk.users)] == [desk.user("bob").attributes]
    assert desk.load(desk.user("bob"), desk.user("bob")) == ImportCounts(seen=2, unchanged=1, failed=1)


def test_objects_that_share_an_indexed_value_are_stored_both(desk: Any) -> None:
    desk.load(desk.user("a", UserName="same"), desk.user("b", UserName="SAME"))
    assert len(desk.store.find(desk.users, "UserName", "same")) == 2


def test_an_object_that_cannot_be_stored_fails_alone_and_is_not_taken_for_missing(desk: Any) -> None:
    desk.load(desk.user("a"), desk.user("b"))
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user("a", Title="\ud800"), desk.user("b"), TargetObject((), None, {})])
    assert run.counts == ImportCounts(seen=3, unchanged=1, failed=2)
    assert run.missing(desk.users) == (0, 2)
    run.remove_missing(desk.users)
    run.complete(held=None)
    assert desk.names() == ["a", "b"]


def test_a_dn_may_pass_to_an_object_that_was_made_again(desk: Any) -> None:
    desk.load(TargetObject(("old",), "cn=bob", {}), TargetObject(("x",), "cn=x", {}))
    counts = desk.load(TargetObject(("new",), "cn=bob", {}), TargetObject(("x",), "cn=x", {}))
    assert counts == ImportCounts(seen=2, added=1, unchanged=1, removed=1)
    assert desk.named("new").dn == "cn=bob"
    assert desk.named("old") is None


@pytest.mark.parametrize("pages", [1, 2])
def test_two_objects_may_swap_their_dns(desk: Any, pages: int) -> None:
    desk.load(TargetObject(("a",), "cn=1", {}), TargetObject(("b",), "cn=2", {}), TargetObject(("c",), "cn=3", {}))
    swapped = [TargetObject(("a",), "cn=2", {}), TargetObject(("b",), "cn=3", {}), TargetObject(("c",), "cn=1", {})]
    run = desk.store.begin_import("hr")
    for page in [swapped] if pages == 1 else [[each] for each in swapped]:
        run.compare(desk.users, page)
    run.remove_missing(desk.users)
    run.complete(held=None)
    assert run.counts == ImportCounts(seen=3, changed=3)
    assert [desk.named(name).dn for name in "abc"] == ["cn=2", "cn=3", "cn=1"]


def test_an_unlinked_object_stays_unlinked_and_goes_when_the_target_loses_it(desk: Any) -> None:
    bob = desk.user("bob")
    found = desk.unlink(desk.add(bob), bob)
    assert desk.load(desk.user("bob", Title="Boss")).changed == 1
    unlinked = desk.store.get(desk.users, found.id)
    assert (unlinked.state, unlinked.attributes["Title"]) == (ObjectState.UNLINKED, ("Boss",))
    run = desk.store.begin_import("hr")
    assert run.missing(desk.users) == (0, 0)
    run.remove_missing(desk.users)
    run.complete(held=None)
    assert run.counts.removed == 1
    assert desk.store.get(desk.users, found.id) is None


def test_missing_says_what_remove_missing_would_do(desk: Any) -> None:
    desk.load(*(desk.user(f"u{number}") for number in range(1200)))
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user(f"u{number}") for number in range(100)])
    assert run.missing(desk.users) == (1100, 1200)
    run.remove_missing(desk.users)
    assert run.missing(desk.users) == (0, 100)
    assert run.counts.removed == 1100
    run.complete(held=None)
    assert desk.store.count(desk.users) == 100


def test_held_removals_raise_an_alarm_that_remembers_when_it_began(desk: Any) -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    for since in (early, late):
        run = desk.store.begin_import("hr")
        run.complete(held=HeldRemovals(5, 10, since))
        assert desk.store.status("hr").held == HeldRemovals(5, 10, early)
        assert desk.store.events("hr", 1)[0].record.outcome == "held"
    desk.load()
    assert desk.store.status("hr").held is None


def test_missing_objects_are_counted_once_each_until_the_next_import(desk: Any) -> None:
    assert desk.store.note_missing(desk.users, "1") == 1
    assert desk.store.note_missing(desk.users, "1") == 1
    assert desk.store.note_missing(desk.users, "2") == 2
    assert desk.store.status("hr").missing == 2
    desk.load()
    assert desk.store.status("hr").missing == 0
    assert desk.store.note_missing(desk.users, "1") == 1


def _committed(desk: Any, act: Callable[[], None]) -> list[int]:
    """How many rows each transaction changed."""
    connection = desk.store._database._writer
    before = [connection.total_changes]
    steps: list[int] = []

    def watch(statement: str) -> None:
        if statement.startswith("COMMIT"):
            steps.append(connection.total_changes - before[0])
            before[0] = connection.total_changes

    connection.set_trace_callback(watch)
    try:
        act()
    finally:
        connection.set_trace_callback(None)
    return steps


@pytest.mark.parametrize("store_kind", ["sqlite"])  # which counts what a connection has changed
def test_an_import_writes_at_most_500_rows_in_a_transaction_and_a_first_one_2000_new_ones(desk: Any) -> None:
    desk.store.find(desk.users, "UserName", "x")
    first = desk.store.begin_import("hr")

    def load(run: Any, title: str) -> None:
        objects = [TargetObject((number,), None, {"Title": (title,)}) for number in range(5100)]
        for start in range(0, len(objects), 1700):
            run.compare(desk.users, objects[start : start + 1700])
        run.complete(held=None)

    # Objects, or objects and their tombstones, and a few counters.
    steps = _committed(desk, lambda: load(first, "a"))
    assert 500 < max(steps) <= 2000 + 10
    assert sum(steps) >= 5100
    # What is kept of each.
    again = desk.store.begin_import("hr")
    assert 500 < max(_committed(desk, lambda: load(again, "b"))) <= 3 * 500 + 10
    # And its names.
    last = desk.store.begin_import("hr")
    assert 500 < max(_committed(desk, lambda: last.remove_missing(desk.users))) <= 4 * 500 + 10
    assert desk.store.count(desk.users) == 0


def test_what_a_first_import_holds_back_is_written_before_anything_is_counted_or_removed(desk: Any) -> None:
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user(f"a{number}") for number in range(500)])
    run.compare(desk.users, [desk.user(f"b{number}") for number in range(300)])
    run.compare(desk.badges, [TargetObject((7,), None, {})])
    assert run.counts.seen == 801
    assert run.missing(desk.users) == (0, 800)
    run.remove_missing(desk.users)
    run.remove_missing(desk.badges)
    run.compare(desk.users, [desk.user("a1"), desk.user("c"), desk.user("c")])
    run.complete(held=None)
    assert (run.counts.added, run.counts.failed, run.counts.removed) == (802, 2, 0)
    assert desk.store.count(desk.users) == 801
    assert desk.store.count(desk.badges) == 1


def test_a_first_import_goes_on_after_one_that_was_cut_off(desk: Any) -> None:
    cut_off = desk.store.begin_import("hr")
    cut_off.compare(desk.users, [desk.user(f"a{number}") for number in range(1200)])
    cut_off.fail("the target went away")
    stored = desk.store.count(desk.users)
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user(f"a{number}") for number in range(1700)])
    run.complete(held=None)
    assert (run.counts.unchanged, run.counts.added) == (stored, 1700 - stored)
    assert desk.store.count(desk.users) == 1700
