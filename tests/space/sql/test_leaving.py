"""Of those who are disabled and deleted only so many go within an hour, whichever process is asked."""

import time
from typing import Any

import pytest

from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import Operation
from ecmahost_core.space.sql import leaving, opening
from ecmahost_core.space.store import TooManyLeaving

HOUR = leaving.HOUR


def going(desk: Any, name: str, limit: int = 2, store: Any = None) -> Any:
    """Opens the entry of somebody who goes."""
    found = desk.named(name) or desk.add(desk.user(name))
    return (store or desk.store).open_entry(desk.changing(found, operation=Operation.DELETE, leaving=limit))


def move(desk: Any, microseconds: int) -> None:
    """As if those who went had gone at another time."""
    with desk.store._database.write() as transaction:
        transaction.connection.execute("UPDATE leaving SET time = time + ?", (microseconds,))


def test_one_too_many_is_refused_with_the_time_after_which_it_may_come_again_and_writes_nothing(desk: Any) -> None:
    for name in "ab":
        desk.store.complete(going(desk, name), None, desk.ok)
    with pytest.raises(TooManyLeaving) as refused:
        going(desk, "c")
    assert refused.value.count == 2
    assert 3590 < refused.value.retry_after <= 3600
    assert desk.store.entries("hr") == []
    assert desk.store.leaving("hr").count == 2


def test_two_processes_that_are_at_it_at_once_do_not_let_twice_as_many_go(desk: Any) -> None:
    other = desk.open()
    going(desk, "a")
    going(desk, "b", store=other)
    for store in (desk.store, other):
        with pytest.raises(TooManyLeaving):
            going(desk, "c", store=store)


def test_a_place_counts_across_a_restart_and_is_not_given_back_by_a_process_that_died(desk: Any) -> None:
    going(desk, "a")
    going(desk, "b")
    desk.store.close()
    desk.store = desk.open()
    with pytest.raises(TooManyLeaving):
        going(desk, "c")


def test_whoever_does_not_go_after_all_gives_the_place_back(desk: Any) -> None:
    desk.store.abandon(going(desk, "a", 1), EventRecord("delete", "refused"))
    entry = going(desk, "b", 1)
    desk.store.complete(entry, desk.user("b"), EventRecord("recover", "not_applied"))
    assert desk.store.complete(going(desk, "c", 1), None, desk.ok) is None


@pytest.mark.parametrize("is_there", [True, False])
def test_whoever_the_target_refused_to_let_go_gives_the_place_back(desk: Any, is_there: bool) -> None:
    entry = going(desk, "a", 1)
    as_it_is = desk.user("a", Title="half done") if is_there else None
    desk.store.complete(entry, as_it_is, EventRecord("delete", "refused"))
    assert desk.store.leaving("hr").count == 0
    assert desk.store.complete(going(desk, "b", 1), None, desk.ok) is None


def test_how_many_went_is_counted_by_the_clock_by_which_they_went(
    desk: Any, monkeypatch: pytest.MonkeyPatch, store_kind: str
) -> None:
    """On a server that is the server's: a host whose own is wrong counts as all the others do."""
    desk.store.complete(going(desk, "a", 1), None, desk.ok)
    later = time.time_ns() + 3 * HOUR * 1000
    monkeypatch.setattr(time, "time_ns", lambda: later)
    assert desk.store.leaving("hr").count == (1 if store_kind == "postgresql" else 0)
    if store_kind == "sqlite":
        going(desk, "b", 1)
    else:
        with pytest.raises(TooManyLeaving):
            going(desk, "b", 1)


def test_an_entry_that_is_taken_back_because_nothing_was_sent_gives_the_place_back(desk: Any) -> None:
    entry = going(desk, "a", 1)
    with desk.store._database.write() as transaction:
        opening.take_back(transaction, desk.store._types.require(desk.users), entry)
    assert desk.store.leaving("hr").count == 0
    assert desk.store.complete(going(desk, "b", 1), None, desk.ok) is None


def test_after_an_hour_there_is_room_again(desk: Any) -> None:
    desk.store.complete(going(desk, "a", 1), None, desk.ok)
    move(desk, -HOUR)
    assert desk.store.leaving("hr").count == 0
    going(desk, "b", 1)
    desk.store.prune(90)
    assert desk.rows("SELECT count(*) FROM leaving") == [(1,)]


@pytest.mark.parametrize(("back", "counts"), [(HOUR // 2, 1), (HOUR * 24 * 400, 0)])
def test_a_clock_that_was_put_back_neither_opens_the_brake_nor_holds_it_for_years(
    desk: Any, back: int, counts: int
) -> None:
    desk.store.complete(going(desk, "a", 1), None, desk.ok)
    move(desk, back)
    assert desk.store.leaving("hr").count == counts


def test_a_release_lets_as_many_more_go_and_no_more(desk: Any) -> None:
    for name in "ab":
        desk.store.complete(going(desk, name), None, desk.ok)
    desk.store.release("hr", EventRecord("release", "ok", actor="cli"))
    assert desk.store.leaving("hr").count == 0
    for name in "cd":
        desk.store.complete(going(desk, name), None, desk.ok)
    with pytest.raises(TooManyLeaving):
        going(desk, "e")
    # Behind it: "c" and "d" who came and went, and "e" who came.
    assert desk.store.events("hr", 6)[5].record.kind == "release"


def test_those_of_another_connector_do_not_count(desk: Any) -> None:
    going(desk, "a", 1)
    assert desk.store.leaving("other").count == 0
