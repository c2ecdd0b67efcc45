"""A file that is damaged, gone, or without its log: recognised, set aside, begun anew; and what is left alone."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import structlog

from ecmahost_core.space.journal import EntryState
from ecmahost_core.space.sqlite import damage, mending
from ecmahost_core.space.sqlite.mending import KEPT, mend, set_aside_files
from ecmahost_core.space.store import StoreUnavailable

PAGE = 4096


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def fill(desk: Any, count: int = 300) -> None:
    """Some pages of people, all of them in the file itself."""
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user(f"u{number}", Title="x" * 200) for number in range(count)])
    run.complete(held=None)
    desk.store._database._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def events(logged: list[Any]) -> list[str]:
    return [line["event"] for line in logged]


def truncated(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def random_bytes(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(5 * PAGE))


def overwritten_pages(path: Path) -> None:
    with path.open("r+b") as file:
        for page in range(2, path.stat().st_size // PAGE, 3):
            file.seek(page * PAGE)
            file.write(b"\xa5" * PAGE)


def a_torn_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\0" * 100)


WAYS = [truncated, random_bytes, overwritten_pages, a_torn_header]


@pytest.mark.parametrize("harm", WAYS, ids=lambda way: way.__name__)
def test_a_damaged_file_is_set_aside_and_another_one_begun(
    desk: Any, logged: list[Any], harm: Callable[[Path], None]
) -> None:
    fill(desk)
    epoch = desk.store.epoch
    desk.store.close()
    harm(desk.path)
    broken = desk.path.read_bytes()
    watch = mend(desk.path)
    (aside,) = set_aside_files(desk.path)
    assert aside.name.startswith("space.db.corrupt-2")
    assert aside.read_bytes() == broken
    with desk.open() as store:
        assert store.count(desk.users) == 0
        assert store.epoch != epoch
        assert not store.status("hr").first_import_done
    assert not watch.is_over()
    (line,) = [line for line in logged if line["event"] == "store_set_aside"]
    assert (line["log_level"], line["kept_as"]) == ("error", str(aside))


def test_a_sound_file_is_left_alone(desk: Any, logged: list[Any]) -> None:
    fill(desk)
    epoch, before = desk.store.epoch, desk.path.stat().st_ino
    desk.store.close()
    assert not mend(desk.path).is_over()
    with desk.open() as store:
        assert (store.epoch, store.count(desk.users), desk.path.stat().st_ino) == (epoch, 300, before)
    assert not set_aside_files(desk.path)
    assert logged == []


def test_a_file_that_another_process_keeps_locked_is_left_alone(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damage, "_WAIT_SECONDS", 0.1)
    fill(desk)
    desk.store.close()
    with closing(sqlite3.connect(desk.path)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert damage.trouble_of(desk.path) == ""
        mend(desk.path)
    assert not set_aside_files(desk.path)


def test_a_path_that_cannot_be_read_is_left_alone(desk: Any, tmp_path: Path) -> None:
    """No mode stops root; a directory in the file's place stops everybody."""
    place = tmp_path / "elsewhere" / "space.db"
    place.mkdir(parents=True)
    mend(place)
    assert place.is_dir()
    assert not set_aside_files(place)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "space.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (id)")
    mend(path)
    assert not set_aside_files(path)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM theirs").fetchone() == (0,)


def test_damage_that_somebody_comes_upon_is_marked_and_the_whole_file_looked_at_then(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(desk, 2000)
    desk.store.close()
    watch = mend(desk.path)
    with desk.path.open("r+b") as file:
        # The end of the file, which a look of no time does not reach.
        file.seek(desk.path.stat().st_size - 40 * PAGE)
        file.write(b"\xa5" * 40 * PAGE)
    monkeypatch.setattr(damage, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(damage, "_STEPS", 1)
    assert damage.trouble_of(desk.path, 0.0) == ""
    with desk.open() as store, pytest.raises(StoreUnavailable, match="damaged"):
        list(store.scan(desk.users, 0))
    assert watch.is_over()
    assert not mend(desk.path).is_over()
    assert len(set_aside_files(desk.path)) == 1
    assert not damage.is_marked(desk.path)


def test_a_mark_on_a_file_that_was_put_right_meanwhile_harms_nothing(desk: Any) -> None:
    fill(desk)
    desk.store.close()
    damage.mark(desk.path)
    mend(desk.path)
    assert not damage.is_marked(desk.path)
    assert not set_aside_files(desk.path)


def test_a_file_that_was_removed_is_noticed_and_begun_anew(desk: Any, logged: list[Any]) -> None:
    fill(desk)
    watch = mend(desk.path)
    assert not watch.is_over()
    desk.path.unlink()
    assert watch.is_over()
    desk.store.close()
    damage.note_open(desk.path)  # its processes were killed
    assert not mend(desk.path).is_over()
    assert "store_lost" in events(logged)
    with desk.open() as store:
        assert store.count(desk.users) == 0


def test_the_first_file_of_a_home_is_nothing_to_tell_of(tmp_path: Path, logged: list[Any]) -> None:
    mend(tmp_path / "space.db")
    assert (tmp_path / "space.db").exists()
    assert logged == []


def test_a_log_that_was_lost_makes_the_file_an_older_state(desk: Any, logged: list[Any]) -> None:
    fill(desk)
    epoch = desk.store.epoch
    # As after a kill of everybody, when the log is there, and then is not.
    kept = desk.path.read_bytes()
    desk.store.close()
    desk.path.write_bytes(kept)
    damage.note_open(desk.path)
    desk.path.with_name("space.db-wal").unlink(missing_ok=True)
    mend(desk.path)
    assert "store_log_lost" in events(logged)
    with desk.open() as store:
        assert store.epoch != epoch
        assert store.count(desk.users) == 300
        assert not store.status("hr").first_import_done


def test_open_entries_of_a_damaged_file_go_on_as_writes_of_unknown_outcome(desk: Any, logged: list[Any]) -> None:
    fill(desk)
    entry = desk.store.open_entry(desk.adding(desk.user("bob")))
    desk.store._database._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    desk.store.close()
    root = desk.rows("SELECT rootpage FROM sqlite_master WHERE name = 'object'")[0][0]
    with desk.path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xa5" * PAGE)
    mend(desk.path)
    with desk.open() as store:
        (found,) = store.entries("hr")
        assert (found.operation, found.change, found.keys) == (entry.operation, entry.change, entry.keys)
        assert (found.reserved_id, found.request_id) == (entry.reserved_id, entry.request_id)
        assert found.state is EntryState.UNCERTAIN
        assert store.holder(desk.users, desk.keys(desk.user("bob"))[0]) == found
        assert [one.number for one in store.claim_orphans("hr")] == [found.number]
        assert store.complete(found, desk.user("bob"), desk.ok).id == entry.reserved_id
        assert store.entries() == []
    (told,) = [line for line in logged if line["event"] == "journal_entry_salvaged"]
    assert (told["connector"], told["operation"], told["object"]) == ("hr", "add", entry.reserved_id)
    assert "bob" not in str(logged)


def test_a_journal_that_cannot_be_read_is_told(desk: Any, logged: list[Any]) -> None:
    fill(desk)
    desk.store.open_entry(desk.adding(desk.user("bob")))
    desk.store._database._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    desk.store.close()
    random_bytes(desk.path)
    mend(desk.path)
    (line,) = [line for line in logged if line["event"] == "store_set_aside"]
    assert (line["open_entries"], line["unreadable"]) == (0, True)


def test_no_more_than_a_few_files_are_kept(desk: Any) -> None:
    desk.store.close()
    for _ in range(KEPT + 2):
        random_bytes(desk.path)
        mend(desk.path)
    assert len(set_aside_files(desk.path)) == KEPT


class Killed(BaseException):
    """Stands for SIGKILL: nobody catches it."""


def killed(*_: Any, **__: Any) -> Any:
    raise Killed


STEPS = ["salvaged", "put_back", "_make_next", "_set_aside", "_install", "_name"]


@pytest.mark.parametrize("step", STEPS)
def test_whoever_is_killed_while_a_file_is_replaced_loses_nothing_of_the_journal(
    desk: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    fill(desk)
    entry = desk.store.open_entry(desk.adding(desk.user("bob")))
    desk.store._database._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    desk.store.close()
    root = desk.rows("SELECT rootpage FROM sqlite_master WHERE name = 'object'")[0][0]
    with desk.path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xa5" * PAGE)
    broken = desk.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(mending, step, killed)
        with suppress(Killed):
            mend(desk.path)
    assert not mend(desk.path).is_over()
    assert [aside.read_bytes() for aside in set_aside_files(desk.path)] == [broken]
    with desk.open() as store:
        assert [(one.reserved_id, one.state) for one in store.entries("hr")] == [
            (entry.reserved_id, EntryState.UNCERTAIN)
        ]
    assert not list(desk.directory.glob("space.db.[mn]*"))


def test_whoever_is_killed_between_setting_aside_and_installing_is_followed_by_one_who_installs(
    desk: Any, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(desk)
    desk.store.close()
    random_bytes(desk.path)
    set_aside = mending._set_aside

    def killed_behind(path: Path) -> None:
        set_aside(path)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(mending, "_set_aside", killed_behind)
        with pytest.raises(Killed):
            mend(desk.path)
    assert not desk.path.exists()
    damage.note_open(desk.path)  # of the damaged one, whose users were killed
    assert not mend(desk.path).is_over()
    assert len(set_aside_files(desk.path)) == 1
    assert [(line["event"], line["kept_as"]) for line in logged] == [
        ("store_set_aside", str(set_aside_files(desk.path)[0]))
    ]
    with desk.open() as store:
        assert store.count(desk.users) == 0


def test_an_older_state_is_known_for_one_also_by_those_who_come_after_a_kill(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(desk)
    epoch = desk.store.epoch
    kept = desk.path.read_bytes()
    desk.store.close()
    desk.path.write_bytes(kept)
    damage.note_open(desk.path)
    with monkeypatch.context() as patch:
        patch.setattr(mending, "begin_anew", killed)
        for _ in range(2):
            with pytest.raises(Killed):
                mend(desk.path)
    mend(desk.path)
    with desk.open() as store:
        begun = store.epoch
        assert begun != epoch
        assert not store.status("hr").first_import_done
    mend(desk.path)
    with desk.open() as store:
        assert store.epoch == begun
