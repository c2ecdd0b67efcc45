"""What the journal says of passwords, and what becomes of an object that was added and removed again."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core.ecma.csentry import CSEntryChange, ObjectModificationType, change_to_json
from ecmahost_core.space.journal import EntryState, PasswordStage
from ecmahost_core.space.sqlite import open_store, schema


def change_of(target: Any) -> dict[str, Any]:
    change = CSEntryChange("Person", ObjectModificationType.ADD, target.anchor, attributes=target.attributes)
    return change_to_json(change)


def test_an_entry_keeps_what_it_says_of_a_password(desk: Any) -> None:
    entry = desk.store.open_entry(desk.adding(desk.user("bob"), password=PasswordStage.SENT))
    assert entry.password is PasswordStage.SENT
    assert desk.store.entries("hr") == [entry]
    desk.store.abandon(entry, desk.ok)


def test_an_entry_says_how_far_its_addition_has_come_and_keeps_its_keys(desk: Any) -> None:
    bob = desk.user("bob")
    entry = desk.store.open_entry(desk.adding(bob, keys=desk.keys(bob)[2:], unique=()))
    after = desk.store.advance(entry, PasswordStage.DUE, change_of(bob))
    assert (after.password, after.change) == (PasswordStage.DUE, change_of(bob))
    assert desk.store.entries("hr") == [after]
    assert (after.keys, after.state) == (entry.keys, EntryState.OPEN)
    found = desk.store.complete(after, bob, desk.ok)
    assert desk.store.get(desk.users, found.id).anchor == ("bob",)


def test_an_entry_that_is_closed_is_not_opened_again_by_what_comes_late(desk: Any) -> None:
    entry = desk.store.open_entry(desk.adding(desk.user("bob")))
    desk.store.abandon(entry, desk.ok)
    desk.store.advance(entry, PasswordStage.DUE, change_of(desk.user("bob")))
    assert desk.store.entries("hr") == []


def test_an_import_that_read_an_object_before_it_was_undone_does_not_bring_it_back(desk: Any) -> None:
    bob, eve = desk.user("bob"), desk.user("eve")
    desk.load()
    entry = desk.store.open_entry(desk.adding(bob))
    run = desk.store.begin_import("hr")
    entry = desk.store.advance(entry, PasswordStage.DUE, change_of(bob))
    assert desk.store.complete(entry, None, desk.ok) is None
    run.compare(desk.users, [bob, eve])
    run.complete(held=None)
    assert desk.names() == ["eve"]


def test_an_import_that_begins_after_the_undoing_brings_in_whoever_has_the_anchor(desk: Any) -> None:
    bob = desk.user("bob")
    desk.load()
    entry = desk.store.advance(desk.store.open_entry(desk.adding(bob)), PasswordStage.DUE, change_of(bob))
    desk.store.complete(entry, None, desk.ok)
    desk.load(bob)
    assert desk.names() == ["bob"]


def test_undoing_leaves_an_object_that_the_space_has_under_the_anchor_to_the_imports(desk: Any) -> None:
    bob = desk.user("bob")
    desk.add(bob)
    other = desk.user("other")
    entry = desk.store.advance(desk.store.open_entry(desk.adding(other)), PasswordStage.DUE, change_of(bob))
    desk.store.complete(entry, None, desk.ok)
    assert desk.names() == ["bob"]
    assert desk.rows("SELECT count(*) FROM tombstone") == [(0,)]


def test_entries_of_a_file_from_before_passwords_have_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        open_store(tmp_path / "space.db", tmp_path / "run", writing=True).close()
    with closing(sqlite3.connect(tmp_path / "space.db")) as connection, connection:
        connection.execute("INSERT INTO connector (id, name) VALUES (1, 'hr')")
        connection.execute("INSERT INTO space_type (id, connector, resource_type) VALUES (1, 1, 'User')")
        connection.execute(
            "INSERT INTO journal VALUES (1, 1, 'add', 'open', 'dead', 0, 0, NULL, 'x', '', 0, '', '[]', '{}', '{}')"
        )
    with open_store(tmp_path / "space.db", tmp_path / "run", writing=True) as store:
        (entry,) = store.entries("hr")
        assert entry.password is PasswordStage.NONE
