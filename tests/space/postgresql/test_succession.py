"""A schema that was put back from a dump is noticed, and begins anew; one that was not is left alone."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core.space.journal import EntryState


@pytest.fixture
def dumped(desk: Any, tmp_path: Path) -> Any:
    """Dumps the schema; returns what puts it back as an administrator would, while no host runs."""
    newest = sorted(Path("/").glob("usr/lib/postgresql/*/bin"), key=lambda one: float(one.parent.name))
    programs = Path(shutil.which("pg_dump") or newest[-1] / "pg_dump").parent
    dump = tmp_path / "dump.sql"

    def take() -> None:
        with dump.open("wb") as out:
            command = [programs / "pg_dump", f"--schema={desk.schema}", "--clean", desk.location]
            subprocess.run(command, stdout=out, check=True)

    def put_back() -> None:
        desk.store.close()
        if desk.looking is not None:
            desk.looking.close()
        command = [programs / "psql", "--quiet", "--set=ON_ERROR_STOP=1", "--file", dump, desk.location]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)

    desk.take_dump, desk.put_back = take, put_back
    return desk


def watermarked(desk: Any, *targets: Any) -> None:
    run = desk.store.begin_import("hr")
    run.compare(desk.users, targets)
    run.remove_missing(desk.users)
    run.complete(held=None, watermarks={"User": "w1"})


def test_a_schema_that_was_put_back_begins_anew_and_knows_no_watermark(dumped: Any) -> None:
    watermarked(dumped, dumped.user("bob"))
    entry = dumped.store.open_entry(dumped.adding(dumped.user("carol")))
    dumped.take_dump()
    epoch = dumped.store.epoch
    dumped.store.complete(entry, dumped.user("carol"), dumped.ok)
    dumped.put_back()
    dumped.store = dumped.open()
    assert dumped.store.epoch != epoch
    assert not dumped.store.status("hr").first_import_done
    assert dumped.rows("SELECT watermark FROM connector") == [("{}",)]
    assert [one.state for one in dumped.store.entries()] == [EntryState.UNCERTAIN]
    assert dumped.store.events("hr", 1)[0].record.kind == "restore"
    assert dumped.names() == ["bob"]
    dumped.store.abandon(dumped.store.claim_orphans("hr")[0], dumped.ok)


def test_it_begins_anew_once_for_all_processes_and_hosts(dumped: Any, tmp_path: Path) -> None:
    other = dumped.open_at(tmp_path / "another host")
    dumped.load(dumped.user("bob"))
    dumped.take_dump()
    dumped.add(dumped.user("carol"))
    other.record("hr", dumped.ok)
    other.close()
    dumped.put_back()
    dumped.store = dumped.open()
    dumped.load(dumped.user("bob"), dumped.user("carol"))
    for store in (dumped.open(), dumped.open_at(tmp_path / "another host"), dumped.open()):
        assert store.epoch == dumped.store.epoch
        assert store.status("hr").first_import_done


def test_the_same_dump_put_back_again_is_noticed_again_though_its_epoch_was_left_long_ago(dumped: Any) -> None:
    dumped.load(dumped.user("bob"))
    dumped.take_dump()
    dumped.add(dumped.user("carol"))
    seen = {dumped.store.epoch}
    for _ in range(2):
        dumped.put_back()
        dumped.store = dumped.open()
        assert not dumped.store.status("hr").first_import_done
        assert dumped.store.epoch not in seen
        seen.add(dumped.store.epoch)
        dumped.load(dumped.user("bob"))


def test_a_store_that_nobody_put_back_goes_on_after_a_kill_and_after_a_stop(desk: Any) -> None:
    child = desk.run(
        "s = open_store(path, runtime, writing=True); say(s.open_entry(intent('bob')).number); time.sleep(60)"
    )
    child.stdout.readline()
    child.kill()
    child.wait()
    desk.load(desk.user("eve"))
    desk.store.close()
    desk.store = desk.open()
    assert desk.store.status("hr").first_import_done


@pytest.mark.parametrize("text", ["", "[]", '{"a"', '{"a": null}'])
def test_a_note_that_cannot_be_read_is_none(desk: Any, text: str) -> None:
    desk.load(desk.user("eve"))
    desk.store.close()
    (desk.runtime / "store.seen").write_text(text)
    desk.store = desk.open()
    assert desk.store.status("hr").first_import_done
