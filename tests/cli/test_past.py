"""``ecmahost history``, ``drift``, ``log`` and ``release``."""

import json
import os
import shutil
import signal
import subprocess
import sys
from typing import Any

import pytest

MAIN = "from ecmahost_core.cli import main; main()"


@pytest.fixture
def changed(staff: Any) -> Any:
    """Imported once, changed by somebody else, and imported again."""
    staff.command("import", "staff")
    staff.execute("UPDATE Staff SET Name = 'Ölçer' WHERE Number = 1; DELETE FROM Staff WHERE Number = 2")
    staff.command("import", "staff")
    return staff


def following(place: Any, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-c", MAIN, "--home", str(place.path), "log", "staff", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | place.environment,
    )


def test_drift_tells_object_attribute_and_both_values(changed: Any) -> None:
    shown = changed.command("drift", "staff")
    assert shown.returncode == 0
    assert "  User 1  changed  " in shown.stdout
    assert "    Name: Müller 1 -> Ölçer\n" in shown.stdout
    assert "  User 2  removed  " in shown.stdout
    lines = changed.command("drift", "staff", "--json", "--since", "1h").stdout.splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["changed", "removed"]
    assert changed.command("drift", "staff", "--since", "2099-01-01").stdout == (
        "nothing that somebody else has changed\n"
    )


@pytest.mark.parametrize("name", ["1", "PERSON1@example.com"])
def test_history_finds_a_person_by_anchor_and_by_query_attribute(changed: Any, name: str) -> None:
    shown = changed.command("history", "staff", name)
    assert shown.returncode == 0
    assert "an import found it changed" in shown.stdout
    assert "Name: Müller 1 -> Ölçer" in shown.stdout


def test_history_of_somebody_who_is_gone_is_found_by_the_old_name_and_as_json(changed: Any) -> None:
    document = json.loads(changed.command("history", "staff", "person2@example.com", "--json").stdout)
    (one,) = document["history"]
    assert (one["kind"], one["outcome"], one["anchor"]) == ("import", "removed", "2")
    assert one["changes"]["Login"] == {"old": ["person2@example.com"], "new": []}


def test_history_of_somebody_of_whom_nothing_is_kept_is_exit_code_1(imported: Any) -> None:
    shown = imported.command("history", "staff", "nobody@example.com")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "nothing is kept of nobody@example.com" in shown.stderr


def test_a_moment_that_is_none_is_a_wrong_usage(imported: Any) -> None:
    shown = imported.command("log", "staff", "--since", "yesterday")
    assert shown.returncode == 2
    assert "is no moment" in shown.stderr


def test_log_shows_events_oldest_first_as_lines_and_as_json(changed: Any) -> None:
    first, second = changed.command("log", "staff").stdout.splitlines()
    assert "added=60" in first
    assert "removed=1" in second
    lines = changed.command("log", "staff", "--json", "--since", "1d").stdout.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["import", "import"]


def test_log_follows_what_comes_and_ends_cleanly_on_ctrl_c(staff: Any) -> None:
    staff.command("import", "staff")
    with following(staff, "--follow", "--json") as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["detail"]["added"] == 60
        staff.command("import", "staff")
        assert json.loads(child.stdout.readline())["detail"]["unchanged"] == 60
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=30)
    assert (child.returncode, errors) == (0, "")


def test_log_goes_on_in_the_store_that_has_taken_the_place_of_a_damaged_one(staff: Any) -> None:
    staff.command("import", "staff")
    with following(staff, "--follow", "--json") as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["detail"]["added"] == 60
        for file in staff.path.rglob("space.db*"):
            file.rename(file.with_name(file.name.replace("space.db", "space.db.corrupt-1")))
        staff.execute("DELETE FROM Staff WHERE Number = 2")
        staff.command("import", "staff")
        assert json.loads(child.stdout.readline())["detail"]["added"] == 59
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=30)
    assert (child.returncode, errors) == (0, "")


def test_log_shows_nothing_twice_when_a_backup_was_put_back(staff: Any) -> None:
    staff.command("import", "staff")
    (store,) = staff.path.rglob("space.db")
    shutil.copyfile(store, store.with_name("kept"))
    with following(staff, "--follow", "--json") as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["detail"]["added"] == 60
        store.with_name("kept").rename(store)
        staff.command("import", "staff")
        assert json.loads(child.stdout.readline())["detail"]["unchanged"] == 60
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)


def test_log_ends_cleanly_when_nobody_reads_any_more(staff: Any) -> None:
    staff.command("import", "staff")
    with following(staff, "--follow") as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.stdout.close()
        staff.command("import", "staff")
        assert child.wait(timeout=30) in (0, 1)
        assert child.stderr is not None
        assert child.stderr.read() == ""


def test_release_says_how_many_more_may_go_and_needs_the_brake(staff: Any) -> None:
    staff.command("import", "staff")
    refused = staff.command("release", "staff")
    assert refused.returncode == 1
    assert "has no incoming_brake" in refused.stderr
    staff.connector("staff", type='type = "sql"\nincoming_brake = { disables_and_deletes_per_hour = 50 }')
    shown = staff.command("release", "staff")
    assert (shown.returncode, shown.stdout) == (
        0,
        "staff: 0 were disabled or deleted within the last hour; from now on 50 more may be\n",
    )


def test_a_column_that_is_lost_is_told_by_import_and_by_check(staff: Any) -> None:
    staff.command("import", "staff")
    staff.execute("ALTER TABLE Staff RENAME COLUMN Name TO Surname")
    held = staff.command("import", "staff")
    assert held.returncode == 1
    assert "the target has lost User.Name" in held.stderr
    assert json.loads(staff.command("import", "staff", "--json").stdout)["schema_lost"] == ["User.Name"]
    assert "the target has lost User.Name" in staff.command("check", "staff").stdout
    staff.execute("ALTER TABLE Staff RENAME COLUMN Surname TO Name")
    assert staff.command("import", "staff").returncode == 0
    assert "lost" not in staff.command("check", "staff").stdout
