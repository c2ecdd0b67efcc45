"""What an import read loses to whatever is newer than its beginning."""

import threading
from typing import Any

import pytest

from ecmahost_core.space.history import ImportCounts
from ecmahost_core.space.journal import (
    ANCHOR,
    DN,
    ID,
    LockKey,
    Operation,
    WriteIntent,
)
from ecmahost_core.space.objects import TargetObject


def test_an_object_deleted_during_the_import_never_comes_back(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    run = desk.store.begin_import("hr")
    desk.delete(found)
    run.compare(desk.users, [desk.user("bob")])
    run.remove_missing(desk.users)
    run.complete(held=None)
    assert run.counts == ImportCounts(seen=1, passed_over=1)
    assert desk.named("bob") is None


def test_an_object_deleted_before_the_import_and_made_again_in_the_target_comes_back(desk: Any) -> None:
    desk.delete(desk.add(desk.user("bob")))
    assert desk.load(desk.user("bob")).added == 1
    assert desk.rows("SELECT * FROM tombstone") == []


def test_a_newer_write_is_never_undone(desk: Any) -> None:
    found = desk.add(desk.user("bob", Title="old"))
    run = desk.store.begin_import("hr")
    newer = desk.update(found, desk.user("bob", Title="new"))
    run.compare(desk.users, [desk.user("bob", Title="old")])
    run.remove_missing(desk.users)
    run.complete(held=None)
    assert run.counts.passed_over == 1
    assert desk.named("bob") == newer


def test_an_object_made_during_the_import_is_not_taken_for_missing(desk: Any) -> None:
    run = desk.store.begin_import("hr")
    desk.add(desk.user("bob"))
    assert run.missing(desk.users) == (0, 1)
    run.remove_missing(desk.users)
    run.complete(held=None)
    assert desk.names() == ["bob"]


def test_the_old_name_of_an_object_renamed_during_the_import_does_not_come_back(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    run = desk.store.begin_import("hr")
    desk.update(found, desk.user("robert"))
    run.compare(desk.users, [desk.user("bob")])
    run.complete(held=None)
    assert desk.names() == ["robert"]
    assert desk.load(desk.user("bob"), desk.user("robert")).added == 1


@pytest.mark.parametrize("kind", [ID, ANCHOR, DN, "UserName"])
def test_an_object_that_a_write_under_way_owns_is_left_alone(desk: Any, kind: str) -> None:
    found = desk.add(desk.user("bob"))
    value = {ID: found.id, ANCHOR: "BOB", DN: found.dn, "UserName": "Bob@example.com"}[kind]
    entry = desk.store.open_entry(
        WriteIntent(desk.users, Operation.UPDATE, {}, (LockKey(kind, value),), object_id=found.id)
    )
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user("bob", Title="half written")])
    assert run.counts == ImportCounts(seen=1, passed_over=1)
    run.complete(held=None)
    run = desk.store.begin_import("hr")
    assert run.missing(desk.users) == (0, 1)
    run.remove_missing(desk.users)
    assert (run.counts.removed, run.counts.passed_over) == (0, 1)
    run.complete(held=None)
    assert desk.named("bob") == found
    desk.store.abandon(entry, desk.ok)
    assert desk.load().removed == 1


def test_an_object_that_an_add_under_way_is_making_is_left_to_it(desk: Any) -> None:
    entry = desk.store.open_entry(WriteIntent(desk.users, Operation.ADD, {}, (LockKey("UserName", "bob@example.com"),)))
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user("bob")])
    assert run.counts.passed_over == 1
    found = desk.store.complete(entry, desk.user("bob", Title="whole"), desk.ok)
    run.remove_missing(desk.users)
    run.complete(held=None)
    assert found is not None
    assert desk.named("bob") == found
    assert found.id == entry.reserved_id


def test_a_dn_is_not_taken_from_an_object_that_is_newer(desk: Any) -> None:
    desk.load(TargetObject(("old",), "cn=1", {}), TargetObject(("x",), "cn=x", {}))
    run = desk.store.begin_import("hr")
    newer = desk.update(desk.named("old"), TargetObject(("old",), "cn=2", {}))
    run.compare(desk.users, [TargetObject(("other",), "cn=2", {})])
    run.complete(held=None)
    assert run.counts.passed_over == 1
    assert desk.named("old") == newer
    assert desk.named("other") is None


def test_an_object_that_was_removed_by_an_import_is_buried_until_the_run_that_began_earlier_has_ended(
    desk: Any,
) -> None:
    desk.load(desk.user("a"))
    began = desk.store.change_seq()
    desk.load()
    desk.store.adopt(desk.users, [desk.user("a")], began)
    assert desk.named("a") is None


def test_tombstones_go_when_no_running_import_began_before_them(desk: Any) -> None:
    run = desk.store.begin_import("hr")
    desk.delete(desk.add(desk.user("bob")))
    desk.store.prune(30)
    assert len(desk.rows("SELECT * FROM tombstone")) == 1
    run.complete(held=None)
    desk.load()
    assert desk.rows("SELECT * FROM tombstone") == []
    desk.delete(desk.add(desk.user("bob")))
    desk.store.prune(30)
    assert desk.rows("SELECT * FROM tombstone") == []


def test_a_reading_older_than_a_purged_tombstone_brings_in_nothing_unknown(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    began = desk.store.change_seq()
    desk.delete(found)
    desk.store.prune(30)
    assert desk.rows("SELECT * FROM tombstone") == []
    desk.store.adopt(desk.users, [desk.user("bob")], began)
    assert desk.named("bob") is None
    desk.store.adopt(desk.users, [desk.user("bob")], desk.store.change_seq())
    assert desk.named("bob") is not None


def test_a_tombstone_of_one_connector_does_not_wait_for_an_import_of_another(desk: Any) -> None:
    run = desk.store.begin_import("payroll")
    desk.delete(desk.add(desk.user("bob")))
    desk.store.prune(30)
    assert desk.rows("SELECT * FROM tombstone") == []
    run.complete(held=None)


def test_imports_and_writes_at_the_same_time_lose_nothing(desk: Any) -> None:
    """Threads write through another store while imports run; the target is a dictionary that both of them see."""
    target = {f"u{number}": 0 for number in range(60)}
    guard = threading.Lock()
    desk.load(*(desk.user(name, Level=level) for name, level in target.items()))
    writer = desk.open()
    stop = threading.Event()
    failures: list[BaseException] = []

    def write(names: list[str]) -> None:
        try:
            turn = 0
            while not stop.is_set():
                turn += 1
                name = names[turn % len(names)]
                found = writer.by_anchor(desk.users, (name,))
                delete = found is not None and turn % 3 == 0
                key = LockKey(ANCHOR, name)
                if found is None:
                    entry = writer.open_entry(WriteIntent(desk.users, Operation.ADD, {}, (key,)))
                else:
                    operation = Operation.DELETE if delete else Operation.UPDATE
                    keys = (key, LockKey(ID, found.id))
                    entry = writer.open_entry(WriteIntent(desk.users, operation, {}, keys, object_id=found.id))
                with guard:
                    if delete:
                        del target[name]
                    else:
                        target[name] = turn
                outcome = None if delete else desk.user(name, Level=turn)
                writer.complete(entry, outcome, desk.ok)
        except BaseException as error:
            failures.append(error)
            raise

    names = sorted(target)
    threads = [threading.Thread(target=write, args=(names[part::3],)) for part in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(15):
        run = desk.store.begin_import("hr")
        with guard:
            read = [desk.user(name, Level=level) for name, level in target.items()]
        for start in range(0, len(read), 10):
            run.compare(desk.users, read[start : start + 10])
        run.remove_missing(desk.users)
        run.complete(held=None)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {found.anchor[0]: found.attributes["Level"][0] for found in desk.store.scan(desk.users)} == target
