"""What is kept of the past of single objects, with values: written where they change, found by any name, bounded."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.objects import SpaceType, TargetObject
from ecmahost_core.space.past import NOT_KEPT
from ecmahost_core.space.sql import noting
from ecmahost_core.space.store import StoreUnavailable


def outlines(entries: Any) -> list[tuple[str, str, dict[str, Any]]]:
    return [(one.kind, one.outcome, dict(one.changes)) for one in entries]


def test_a_write_is_kept_with_the_values_before_and_after_and_what_was_asked(desk: Any) -> None:
    found = desk.add(desk.user("bob", Title="clerk"))
    entry = desk.store.open_entry(desk.changing(found, asked={"method": "PATCH"}))
    event = EventRecord("update", "ok", found.id, "request-7", milliseconds=12)
    desk.store.complete(entry, desk.user("bob", Title="boss"), event)
    one = desk.store.past("hr", found.id)[-1]
    assert one.changes == {"Title": {"old": ["clerk"], "new": ["boss"]}}
    assert (one.kind, one.outcome, one.request_id, one.milliseconds) == ("update", "ok", "request-7", 12)
    assert (one.asked, one.anchor, one.resource_type) == ({"method": "PATCH"}, "bob", "User")


def test_nothing_is_kept_of_a_completion_that_cannot_be_committed(desk: Any) -> None:
    entry = desk.store.open_entry(desk.adding(desk.user("bob")))
    with pytest.raises((ValueError, TypeError)):
        desk.store.complete(entry, TargetObject((object(),), None, {}), desk.ok)
    assert desk.store.past("hr", "bob") == []


def test_a_second_completion_of_an_entry_is_not_kept_twice(desk: Any) -> None:
    entry = desk.store.open_entry(desk.adding(desk.user("bob")))
    for _ in range(2):
        desk.store.complete(entry, desk.user("bob"), desk.ok)
    assert len(desk.store.past("hr", "bob")) == 1


@pytest.mark.parametrize("name", ["bob", "BOB@example.com", "new@example.com"])
def test_somebody_who_is_gone_is_found_by_every_name_that_he_had(desk: Any, name: str) -> None:
    found = desk.add(desk.user("bob"))
    found = desk.update(found, desk.user("bob", UserName="new@example.com"))
    desk.delete(found)
    entries = desk.store.past("hr", name)
    assert [one.object_id for one in entries] == [found.id] * 3
    assert entries[-1].changes["UserName"] == {"old": ["new@example.com"], "new": []}


def test_an_addition_that_came_to_nothing_is_found_by_the_name_that_it_asked_for(desk: Any) -> None:
    entry = desk.store.open_entry(desk.adding(desk.user("bob")))
    desk.store.abandon(entry, EventRecord("create", "refused", error="InvalidValue", told="Too long."))
    (one,) = desk.store.past("hr", "bob@EXAMPLE.com")
    assert (one.outcome, one.error, one.told, one.changes) == ("refused", "InvalidValue", "Too long.", {})


def test_of_what_clients_call_a_secret_no_value_and_no_name_is_kept(desk: Any) -> None:
    users = replace(desk.users, indexed=("UserName", "Title"), unkept=("Title",))
    desk.load(desk.user("ann"))
    desk.users = users
    found = desk.add(desk.user("bob", Title="x1-secret"))
    found = desk.update(found, desk.user("bob", Title="x2-secret"))
    desk.load(desk.user("ann"))
    assert "secret" not in str(desk.rows("SELECT asked, changes FROM history"))
    assert "secret" not in str(desk.rows("SELECT name_key FROM history_name"))
    assert desk.store.past("hr", found.id)[-1].changes["Title"] == {"old": [NOT_KEPT], "new": []}


def test_what_sounds_secret_is_kept_of_nobody_and_binary_values_only_by_their_length(desk: Any) -> None:
    desk.load(desk.user("ann"))
    found = desk.add(desk.user("bob", PasswordHash="x1-secret", Photo=b"12345"))
    desk.load(desk.user("ann"), desk.user("bob", PasswordHash="x2-secret", Photo=b"123"))
    assert "secret" not in json.dumps(desk.rows("SELECT asked, changes FROM history"))
    assert desk.store.past("hr", found.id)[-1].changes == {
        "PasswordHash": {"old": [NOT_KEPT], "new": [NOT_KEPT]},
        "Photo": {"old": ["(5 bytes)"], "new": ["(3 bytes)"]},
    }


def test_a_value_that_is_very_long_and_very_many_values_are_cut(desk: Any) -> None:
    found = desk.add(desk.user("bob", Note="x" * 10_000, Tags=tuple(f"t{number:04}" for number in range(3000))))
    changes = desk.store.past("hr", found.id)[0].changes
    assert len(changes["Note"]["new"][0]) == 501
    assert (len(changes["Tags"]["new"]), changes["Tags"]["new"][-1]) == (21, "(and 2,980 more)")


def test_a_first_import_finds_nothing_changed_and_the_next_what_somebody_else_did(desk: Any) -> None:
    desk.load(desk.user("ann", Title="clerk"), desk.user("bob"), desk.user("cid"))
    assert list(desk.store.drift("hr")) == []
    desk.load(desk.user("ann", Title="boss"), desk.user("bob"), desk.user("dora"))
    found = {one.anchor: one for one in desk.store.drift("hr")}
    assert {anchor: one.outcome for anchor, one in found.items()} == {
        "ann": "changed",
        "cid": "removed",
        "dora": "added",
    }
    assert found["ann"].changes == {"Title": {"old": ["clerk"], "new": ["boss"]}}
    assert found["cid"].changes["UserName"] == {"old": ["cid@example.com"], "new": []}
    assert desk.store.past("hr", "cid@example.com") == [found["cid"]]


def test_what_the_host_wrote_itself_is_no_drift(desk: Any) -> None:
    desk.load(desk.user("ann"))
    bob = desk.add(desk.user("bob"))
    desk.update(bob, desk.user("bob", Title="boss"))
    desk.load(desk.user("ann"), desk.user("bob", Title="boss"))
    assert list(desk.store.drift("hr")) == []


def test_an_attribute_that_was_selected_since_is_no_drift(desk: Any) -> None:
    desk.load(desk.user("ann"))
    assert desk.load(desk.user("ann", Title="boss")).changed == 1
    assert list(desk.store.drift("hr")) == []


def test_what_a_look_at_a_single_object_finds_is_drift_too(desk: Any) -> None:
    desk.load(desk.user("ann", Title="clerk"))
    desk.store.adopt(desk.users, [desk.user("ann", Title="boss")], desk.store.change_seq())
    assert outlines(desk.store.drift("hr")) == [("read", "changed", {"Title": {"old": ["clerk"], "new": ["boss"]}})]


def test_one_import_notes_only_so_many_objects_and_the_number_of_the_others(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "ROWS", 3)
    desk.load(*(desk.user(f"u{number}", Title="a") for number in range(5)))
    desk.load(*(desk.user(f"u{number}", Title="b") for number in range(5)))
    assert len(list(desk.store.drift("hr"))) == 3
    assert desk.store.events("hr", 1)[0].record.detail["changes_not_noted"] == 2


def test_drift_is_told_from_a_moment_on_in_the_order_in_which_it_was_found(desk: Any) -> None:
    desk.load(desk.user("ann", Title="a"))
    for title in "bc":
        desk.load(desk.user("ann", Title=title))
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert [one.changes["Title"]["new"] for one in desk.store.drift("hr")] == [["b"], ["c"]]
    assert list(desk.store.drift("hr", later)) == []


def test_links_that_came_and_went_are_drift_by_name(desk: Any) -> None:
    groups = SpaceType("hr", "Group", desk.users.instance, links=("Members",))

    def load(*members: str) -> None:
        run = desk.store.begin_import("hr")
        run.puts_off_links = True
        run.compare(groups, [TargetObject(("staff",), None, {"Members": members})])
        run.remove_links(groups)
        run.complete(held=None)

    load("a", "b")
    load("b", "c")
    assert outlines(desk.store.drift("hr")) == [
        ("import", "changed", {"Members": {"added": ["c"]}}),
        ("import", "changed", {"Members": {"removed": ["a"]}}),
    ]


def test_of_fifteen_thousand_members_only_some_are_kept(desk: Any) -> None:
    groups = SpaceType("hr", "Group", desk.users.instance, links=("Members",))
    members = tuple(f"m{number:05}" for number in range(15_000))
    group = TargetObject(("staff",), None, {"Members": members})
    entry = desk.store.open_entry(desk.adding(group, space_type=groups, unique=(), keys=()))
    desk.store.complete(entry, group, desk.ok)
    ((size,),) = desk.rows("SELECT length(changes) FROM history")
    assert size < 2000


def test_the_past_is_forgotten_after_its_days_and_names_with_it(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    desk.store.prune(90)
    assert len(desk.store.past("hr", "bob")) == 1
    with desk.store._database.write() as transaction:
        old = transaction.now - timedelta(days=31) // timedelta(microseconds=1)
        transaction.connection.execute("UPDATE history SET time = ?", (old,))
        transaction.connection.execute("UPDATE history_name SET time = ?", (old,))
    desk.store.prune(90)
    assert desk.store.past("hr", found.id) == []
    assert desk.rows("SELECT count(*) FROM history_name") == [(0,)]


def test_no_days_keep_nothing_and_remove_what_there_is(desk: Any) -> None:
    desk.add(desk.user("bob"))
    desk.load(desk.user("bob"))
    desk.store.close()
    with desk.open(history_days=0) as store:
        entry = store.open_entry(desk.adding(desk.user("cid")))
        store.complete(entry, desk.user("cid"), desk.ok)
        run = store.begin_import("hr")
        run.compare(desk.users, [desk.user("dora")])
        run.complete(held=None)
        store.prune(90)
        assert store.past("hr", "bob") == store.past("hr", "cid") == list(store.drift("hr")) == []


def test_the_past_goes_on_after_a_reset(desk: Any) -> None:
    desk.add(desk.user("bob"))
    desk.store.reset("hr", None, desk.ok)
    assert len(desk.store.past("hr", "bob")) == 1


def test_a_store_for_reading_shows_the_past_and_writes_none(desk: Any) -> None:
    desk.add(desk.user("bob"))
    with desk.open(writing=False) as store:
        assert len(store.past("hr", "bob")) == 1
        with pytest.raises(StoreUnavailable):
            store.release("hr", desk.ok)


def test_events_behind_a_number_come_in_order(desk: Any) -> None:
    for _ in range(3):
        desk.store.record("hr", desk.ok)
    first, second, third = desk.store.events_after("hr", 0, 10)
    assert [one.seq for one in desk.store.events_after("hr", first.seq, 1)] == [second.seq]
    assert desk.store.events_after("hr", third.seq, 10) == []
