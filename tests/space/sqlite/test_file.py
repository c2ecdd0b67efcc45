import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from traceback import walk_tb
from typing import Any

import pytest

from ecmahost_core.space.journal import ID, LockKey, Operation, WriteIntent
from ecmahost_core.space.sqlite import open_store, schema
from ecmahost_core.space.store import (
    DuplicateValue,
    KeysTaken,
    ObjectChanged,
    Store,
    StoreUnavailable,
    TooManyLeaving,
)


def test_it_keeps_the_protocol(desk: Any) -> None:
    def takes(store: Store) -> str:
        return store.epoch

    assert takes(desk.store)
    missing = [name for name in dir(Store) if not name.startswith("_") and not hasattr(desk.store, name)]
    assert missing == []


def test_only_the_owner_may_read_the_files(desk: Any) -> None:
    desk.add(desk.user("bob"))
    files = list(desk.directory.glob("space.db*"))
    assert {path.name for path in files} == {"space.db", "space.db-wal", "space.db-shm"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    (lock,) = (desk.runtime / "incarnations").iterdir()
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600


def test_a_file_that_others_may_read_is_closed_to_them(desk: Any) -> None:
    desk.store.close()
    desk.path.chmod(0o644)
    desk.open()
    assert stat.S_IMODE(desk.path.stat().st_mode) == 0o600


def test_what_was_stored_is_there_after_a_restart_with_the_same_epoch(desk: Any) -> None:
    found = desk.add(desk.user("bob"), kept={"active": False})
    epoch, incarnation, seq = desk.store.epoch, desk.store.incarnation, desk.store.change_seq()
    desk.store.close()
    with desk.open() as again:
        assert again.get(desk.users, found.id) == found
        assert (again.epoch, again.change_seq()) == (epoch, seq)
        assert again.incarnation != incarnation


def test_a_rebuilt_store_has_another_epoch(desk: Any, tmp_path: Path) -> None:
    with open_store(tmp_path / "new" / "space.db", tmp_path / "run", writing=True) as other:
        assert other.epoch != desk.store.epoch


def test_keys_are_never_used_again_even_after_a_restart(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    desk.delete(found)
    desk.store.close()
    desk.store = desk.open()
    assert desk.add(desk.user("eve")).key > found.key


def test_a_store_for_reading_reads_and_never_writes(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    entry = desk.store.open_entry(desk.changing(found))
    reader = desk.open(writing=False)
    assert (reader.incarnation, reader.epoch) == ("", desk.store.epoch)
    assert reader.get(desk.users, found.id) == found
    assert reader.entries() == [entry]
    assert reader.is_alive(desk.store.incarnation)
    assert reader.holder(desk.users, LockKey(ID, found.id)) == entry
    assert not reader.wait_for_release(desk.users, [LockKey(ID, found.id)], 0.02)
    acts: list[Callable[[], Any]] = [
        lambda: reader.open_entry(desk.adding(desk.user("eve"))),
        lambda: reader.complete(entry, None, desk.ok),
        lambda: reader.begin_import("hr"),
        lambda: reader.claim_orphans("hr"),
        lambda: reader.record("hr", desk.ok),
        lambda: reader.relink(desk.users, found.id),
        lambda: reader.prune(1),
    ]
    for act in acts:
        with pytest.raises(StoreUnavailable, match="reading only"):
            act()


def test_a_reader_of_an_empty_space_finds_nothing(desk: Any) -> None:
    reader = desk.open(writing=False)
    assert (reader.count(desk.users), reader.page(desk.users, 0, 5), list(reader.scan(desk.users))) == (0, [], [])
    assert reader.get(desk.users, "x") is None
    assert reader.find(desk.users, "UserName", "x") == []
    assert reader.holder(desk.users, LockKey(ID, "x")) is None
    assert reader.wait_for_release(desk.users, [LockKey(ID, "x")], 0)


@pytest.mark.parametrize("writing", [True, False])
def test_a_file_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path, writing: bool) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE invoice (id INTEGER)")
    with pytest.raises(StoreUnavailable, match="not a connector space"):
        open_store(path, tmp_path / "run", writing=writing)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("invoice",)]


@pytest.mark.parametrize("writing", [True, False])
def test_a_file_of_a_newer_version_is_refused(desk: Any, writing: bool) -> None:
    desk.store.close()
    with closing(sqlite3.connect(desk.path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    with pytest.raises(StoreUnavailable, match="newer version"):
        desk.open(writing=writing)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "space.db"
    path.write_bytes(b"this is not a database, but long enough to be looked at" * 100)
    with pytest.raises(StoreUnavailable, match=f"space {path} cannot be used: .*sets it aside"):
        open_store(path, tmp_path / "run", writing=True)


def test_a_missing_file_is_refused_to_a_reader_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_store(tmp_path / "none.db", tmp_path / "run", writing=False)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_refused_to_a_reader(tmp_path: Path) -> None:
    (tmp_path / "space.db").touch()
    with pytest.raises(StoreUnavailable, match="start the host once"):
        open_store(tmp_path / "space.db", tmp_path / "run", writing=False)


def test_an_older_file_is_brought_to_this_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    desk.store.close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE later (id INTEGER) STRICT",)))
    with pytest.raises(StoreUnavailable, match="older version"):
        desk.open(writing=False)
    with desk.open() as store:
        assert store.get(desk.users, found.id) == found
    assert desk.rows("PRAGMA user_version") == [(len(schema.MIGRATIONS),)]
    assert desk.rows("SELECT * FROM later") == []


def test_the_tables_can_be_made_by_a_sqlite_without_strict_tables(
    desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "_STRICT_SINCE", (99, 0))
    with open_store(tmp_path / "lax.db", tmp_path / "run", writing=True) as store:
        entry = store.open_entry(desk.adding(desk.user("bob")))
        assert store.complete(entry, desk.user("bob"), desk.ok) is not None
    with closing(sqlite3.connect(tmp_path / "lax.db")) as connection:
        statements = [text for (text,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
    assert not [text for text in statements if "STRICT" in text]
    assert len([text for text in statements if text.endswith("WITHOUT ROWID")]) == 9


def test_a_full_disk_is_reported_and_leaves_no_half_write(desk: Any) -> None:
    found = desk.add(desk.user("bob", Title="small"))
    entry = desk.store.open_entry(desk.changing(found))
    connection = desk.store._database._writer
    ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    secret = "Xyzzy" * 20_000
    with pytest.raises(StoreUnavailable, match="disk is full") as refused:
        desk.store.complete(entry, desk.user("bob", Title=secret), desk.ok)
    assert "Xyzzy" not in str(refused.value)
    assert desk.store.get(desk.users, found.id) == found
    assert desk.store.entries() == [entry]
    run = desk.store.begin_import("hr")
    with pytest.raises(StoreUnavailable):
        run.compare(desk.users, [desk.user(f"u{number}", Title="x" * 500) for number in range(500)])
    assert run.counts.added == 0
    assert desk.names() == ["bob"]
    connection.execute("PRAGMA max_page_count = 1000000")
    updated = desk.store.complete(entry, desk.user("bob", Title=secret), desk.ok)
    assert updated is not None
    assert updated.attributes["Title"] == (secret,)
    run.compare(desk.users, [desk.user(f"u{number}") for number in range(500)])
    assert run.counts.added == 500


def test_an_error_of_the_database_names_no_value(desk: Any) -> None:
    with (
        pytest.raises(StoreUnavailable, match="SQLITE_CONSTRAINT") as refused,
        desk.store._database.write() as transaction,
    ):
        transaction.connection.execute("INSERT INTO connector (name) VALUES ('Xyzzy'), ('Xyzzy')")
    assert "Xyzzy" not in str(refused.value)


def test_a_writer_that_breaks_is_replaced(desk: Any) -> None:
    desk.store._database._writer.close()
    with pytest.raises(StoreUnavailable):
        desk.add(desk.user("bob"))
    desk.add(desk.user("bob"))


def test_a_closed_store_says_so(desk: Any) -> None:
    desk.store.close()
    acts: list[Callable[[], Any]] = [
        lambda: desk.store.count(desk.users),
        lambda: desk.store.record("hr", desk.ok),
    ]
    for act in acts:
        with pytest.raises(StoreUnavailable, match="has been closed"):
            act()
    desk.store.close()


def test_a_forked_child_is_refused_and_harms_nothing(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            desk.store.count(desk.users)
        except StoreUnavailable as error:
            code = 0 if "before a fork" in str(error) else 2
        finally:
            desk.store.close()
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert desk.store.is_alive(desk.store.incarnation)
    assert desk.update(found, desk.user("bob", Title="Boss")).attributes["Title"] == ("Boss",)


def test_a_refusal_that_somebody_keeps_holds_no_statement_that_the_next_writer_uses(desk: Any) -> None:
    """A cursor that an exception's frames keep is reset by whoever drops it, while another thread's write runs."""
    bob = desk.user("bob")
    found = desk.add(bob)
    desk.store.open_entry(desk.adding(desk.user("eve")))
    intents: list[tuple[type[Exception], WriteIntent]] = [
        (KeysTaken, desk.adding(desk.user("eve"))),
        (DuplicateValue, desk.adding(bob)),
        (ObjectChanged, replace(desk.changing(found), expected_seq=0)),
        (TooManyLeaving, replace(desk.changing(found, operation=Operation.DELETE), leaving=1)),
    ]
    desk.store.complete(desk.store.open_entry(desk.changing(desk.add(desk.user("ann")), leaving=9)), None, desk.ok)
    for refusal, intent in intents:
        with pytest.raises(refusal) as refused:
            desk.store.open_entry(intent)
        kept = [value for frame, _ in walk_tb(refused.value.__traceback__) for value in frame.f_locals.values()]
        assert not [value for value in kept if isinstance(value, sqlite3.Cursor)], refusal


def test_a_process_of_an_older_version_writes_nothing_more_into_a_file_that_was_migrated_under_it(desk: Any) -> None:
    """Counters and indexes that only the newer one knows would be wrong for ever."""
    found = desk.add(desk.user("bob"))
    with closing(sqlite3.connect(desk.path)) as newer:
        newer.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    with pytest.raises(StoreUnavailable, match="newer version"):
        desk.store.open_entry(desk.changing(found))
    assert desk.named("bob") == found
    with closing(sqlite3.connect(desk.path)) as newer:
        newer.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS)}")
    desk.update(found, desk.user("bob", Title="Boss"))
