"""What a connector's space was built with, and giving the connector a new one."""

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core.space.fingerprint import Fingerprint
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import ANCHOR, LockKey
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.space.sql import retired
from ecmahost_core.space.sqlite import open_store, schema
from ecmahost_core.space.store import EntriesOpen, SpaceReplaced

RESET = EventRecord("reset", "ok", actor="cli")
OURS = Fingerprint({"target": "db1", "User: anchor": "EmployeeId"}, {"User.Title": "String", "User.Mail": "String"})


def moved(target: str = "db2") -> Fingerprint:
    return Fingerprint({**OURS.identity, "target": target}, OURS.content)


def in_space(desk: Any, space: int) -> SpaceType:
    return replace(desk.users, space=space)


def test_a_new_space_takes_the_first_fingerprint_and_tells_others_what_differs(desk: Any) -> None:
    first = desk.store.agree("hr", OURS)
    assert (first.space > 0, first.differences, first.incomplete) == (True, {}, frozenset())
    other = desk.open().agree("hr", moved())
    assert (other.space, other.differences) == (first.space, {"target": ("db1", "db2")})
    assert desk.store.agree("hr", OURS) == first


def test_a_name_that_is_new_is_noted_unless_something_else_differs(desk: Any) -> None:
    desk.store.agree("hr", OURS)
    desk.store.agree("hr", Fingerprint({"target": "db2", "Group: anchor": "Id"}))
    assert not desk.store.agree("hr", Fingerprint({"Group: anchor": "Name"})).differences
    assert desk.store.agree("hr", Fingerprint({"Group: anchor": "Id"})).differences == {"Group: anchor": ("Name", "Id")}


def test_a_store_for_reading_compares_and_notes_nothing(desk: Any) -> None:
    reader = desk.open(writing=False)
    assert reader.agree("hr", OURS).space == 0
    desk.store.agree("hr", OURS)
    assert reader.agree("hr", moved()).differences == {"target": ("db1", "db2")}


def test_what_an_import_brought_tells_which_attributes_are_not_there_yet(desk: Any) -> None:
    desk.store.agree("hr", OURS)
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user("bob")])
    assert desk.store.agree("hr", OURS).incomplete == frozenset()  # nothing is visible yet
    run.complete(held=None, content={"User.Title": "String", "User.Mail": "String, several"})
    assert desk.store.agree("hr", OURS).incomplete == {"User.Mail"}
    assert desk.store.agree("hr", Fingerprint(OURS.identity, {"User.Title": "String"})).incomplete == frozenset()


def test_a_store_of_an_older_version_takes_the_first_fingerprint_as_its_own(tmp_path: Path) -> None:
    path = tmp_path / "space.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in schema.MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("INSERT INTO store VALUES (1, 'epoch', 7)")
        connection.execute("INSERT INTO connector (name, first_import_done) VALUES ('hr', 1)")
        connection.execute("INSERT INTO space_type (connector, resource_type, live) VALUES (1, 'User', 1)")
        connection.execute(
            "INSERT INTO object VALUES (1, 1, 0, 'id-1', 7, x'00', 0, 0, 'bob', NULL, '[\"bob\"]', NULL, '{}', '{}')"
        )
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
    with open_store(path, tmp_path / "run", writing=True) as store:
        assert store.agree("hr", Fingerprint(OURS.identity)).incomplete == frozenset()  # the target was not asked yet
        standing = store.agree("hr", OURS)
        assert (standing.differences, standing.incomplete) == ({}, frozenset())
        users = SpaceType("hr", "User", "x", space=standing.space)
        found = store.by_anchor(users, ("bob",))
        assert found is not None
        assert (found.id, store.count(users), store.epoch) == ("id-1", 1, "epoch")
        assert store.agree("hr", moved()).differences == {"target": ("db1", "db2")}
        assert store.agree("hr", Fingerprint(OURS.identity, {"User.New": "String"})).incomplete == {"User.New"}


def test_accepting_notes_another_identity_and_leaves_every_object_with_its_id(desk: Any) -> None:
    before = desk.store.agree("hr", OURS)
    found = desk.add(desk.user("bob"))
    desk.store.accept("hr", moved(), EventRecord("accept", "ok"))
    assert desk.store.agree("hr", moved()) == before
    assert desk.store.agree("hr", OURS).differences == {"target": ("db2", "db1")}
    assert desk.store.get(desk.users, found.id) == found
    assert [one.record.kind for one in desk.store.events("hr", 9)] == ["accept", "test"]


def test_after_a_reset_the_space_is_empty_invisible_and_keeps_its_history(desk: Any) -> None:
    desk.store.agree("hr", OURS)
    desk.load(desk.user("bob"), desk.user("eve"))
    other = desk.store.begin_import("other")
    other.complete(held=None)
    assert desk.store.objects_held("hr") == 2

    desk.store.reset("hr", moved(), RESET)

    standing = desk.store.agree("hr", moved())
    new = in_space(desk, standing.space)
    assert (standing.differences, standing.incomplete) == ({}, frozenset())
    assert (desk.store.objects_held("hr"), desk.store.count(new), desk.store.page(new, 0, 9)) == (0, 0, [])
    assert desk.store.find(new, "UserName", "bob@example.com") == []
    assert not desk.store.status("hr").first_import_done
    assert desk.store.status("other").first_import_done
    assert [one.record.kind for one in desk.store.events("hr", 9)] == ["reset", "import"]
    assert [one.record.kind for one in desk.store.events("hr", 1)] == ["reset"]


def test_whoever_began_before_a_reset_reads_on_and_writes_nothing(desk: Any) -> None:
    old = in_space(desk, desk.store.agree("hr", OURS).space)
    bob = desk.user("bob")
    run = desk.store.begin_import("hr", old.space)
    run.compare(old, [bob])
    seq = desk.store.change_seq()
    desk.open().reset("hr", OURS, RESET)

    found = desk.store.by_anchor(old, ("bob",))
    assert found is not None
    keys = (LockKey(ANCHOR, "eve"),)
    for act in (
        lambda: desk.store.open_entry(desk.adding(desk.user("eve"), space_type=old, keys=keys, unique=keys)),
        lambda: desk.store.adopt(old, [desk.user("eve")], seq),
        lambda: run.compare(
            old, [desk.user(f"eve{number}") for number in range(2000)]
        ),  # a first import holds fewer back
        lambda: run.complete(held=None),
        lambda: desk.store.begin_import("hr", old.space),
        lambda: desk.open().count(old),
    ):
        with pytest.raises(SpaceReplaced):
            act()
    run.fail("its space was reset")
    new = in_space(desk, desk.store.agree("hr", OURS).space)
    assert desk.store.count(new) == 0
    assert not desk.store.status("hr").first_import_done
    assert desk.store.status("hr").last_failure == ""


def test_of_two_spaces_with_the_same_configuration_each_keeps_to_itself(desk: Any) -> None:
    old = in_space(desk, desk.store.agree("hr", OURS).space)
    entry = desk.store.open_entry(desk.adding(desk.user("bob", Manager="eve"), space_type=old))
    before = desk.store.complete(entry, desk.user("bob", Manager="eve"), desk.ok)
    desk.store.reset("hr", OURS, RESET)
    new = in_space(desk, desk.store.agree("hr", OURS).space)
    entry = desk.store.open_entry(desk.adding(desk.user("bob", Manager="eve"), space_type=new))
    after = desk.store.complete(entry, desk.user("bob", Manager="eve"), desk.ok)
    assert before.id != after.id
    assert desk.store.by_anchor(old, ("bob",)) == before
    assert desk.store.by_anchor(new, ("bob",)) == after


def test_a_space_with_open_entries_is_not_reset(desk: Any) -> None:
    desk.store.agree("hr", OURS)
    entry = desk.store.open_entry(desk.adding(desk.user("bob")))
    with pytest.raises(EntriesOpen) as caught:
        desk.store.reset("hr", moved(), RESET)
    assert caught.value.count == 1
    assert desk.store.agree("hr", OURS).differences == {}
    assert desk.store.events("hr", 9) == []
    desk.store.abandon(entry, desk.ok)
    desk.store.reset("hr", moved(), RESET)


def test_what_is_left_of_a_reset_goes_when_nobody_can_be_reading_it(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.store.agree("hr", OURS)
    desk.load(*[desk.user(f"p{number}", Manager="p1") for number in range(1200)])
    desk.load(*[desk.user(f"p{number}", Manager="p1") for number in range(700)])  # which leaves tombstones
    other = SpaceType("other", "User", "x", indexed=("UserName",))
    entry = desk.store.open_entry(desk.adding(desk.user("bob"), space_type=other))
    desk.store.complete(entry, desk.user("bob"), desk.ok)
    desk.store.reset("hr", OURS, RESET)
    desk.users = in_space(desk, desk.store.agree("hr", OURS).space)
    desk.load(desk.user("p1"), desk.user("p2", Manager="p1"))

    desk.store.prune(90)
    assert desk.rows("SELECT count(*) FROM object") == [(700 + 2 + 1,)]
    desk.store.clear_retired(at_once=True)
    assert desk.rows("SELECT count(*) FROM object") == [(3,)]
    assert desk.rows("SELECT count(*) FROM connector WHERE retired IS NOT NULL") == [(0,)]
    assert desk.rows("SELECT count(*) FROM tombstone") == [(0,)]
    assert [one.record.kind for one in desk.store.events("hr", 9)] == ["import", "reset", "import", "import"]
    assert desk.names() == ["p1", "p2"]

    desk.store.reset("hr", OURS, RESET)
    monkeypatch.setattr(retired, "GRACE", retired.GRACE * 0)
    desk.store.prune(90)
    assert desk.rows("SELECT count(*) FROM object") == [(1,)]


def test_clearing_lets_writers_pass(desk: Any) -> None:
    desk.store.agree("hr", OURS)
    desk.load(*[desk.user(f"p{number}") for number in range(20_000)])
    desk.store.reset("hr", OURS, RESET)
    child = desk.run("open_store(path, runtime, writing=True).clear_retired(at_once=True); say('done')")
    longest, count = 0.0, 0
    other = SpaceType("other", "User", "x")
    while child.poll() is None:
        begun = time.monotonic()
        desk.store.note_missing(other, f"id{count}")
        longest, count = max(longest, time.monotonic() - begun), count + 1
    assert child.communicate()[0] == "done\n"
    assert count > 10
    assert longest < 1.0


def test_of_a_type_that_a_read_only_process_knows_by_its_space_nothing_is_found_after_the_reset(desk: Any) -> None:
    old = in_space(desk, desk.store.agree("hr", OURS).space)
    desk.load(desk.user("bob"))
    reader = desk.open(writing=False)
    assert reader.count(old) == 1
    desk.store.reset("hr", OURS, RESET)
    assert reader.count(in_space(desk, reader.agree("hr", OURS).space)) == 0
