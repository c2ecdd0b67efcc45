"""``ecmahost import``."""

import json
from typing import Any


def test_it_says_what_it_did_and_nothing_on_standard_error_in_a_pipe(staff: Any) -> None:
    first = staff.command("import", "staff")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("staff: 60 objects in ")
    assert "60 added" in first.stdout
    assert "60 unchanged" in staff.command("import", "staff").stdout


def test_removals_that_the_brake_holds_end_with_1_and_the_command_that_releases_them(staff: Any) -> None:
    staff.command("import", "staff")
    staff.execute("DELETE FROM Staff WHERE Number > 5")
    held = staff.command("import", "staff")
    assert held.returncode == 1
    assert "HELD: 55 of 60 objects are not in the target any more" in held.stderr
    assert "ecmahost import staff --confirm" in held.stderr
    document = json.loads(staff.command("import", "staff", "--json").stdout)
    assert (document["held"], document["removed"]) == (55, 0)
    assert "55 removed" in staff.command("import", "staff", "--confirm").stdout


def test_the_events_say_that_it_was_a_command_also_of_one_that_failed(staff: Any) -> None:
    staff.command("import", "staff")
    staff.command("import", "staff", "--delta")
    staff.database.rename(staff.database.with_suffix(".away"))
    staff.command("import", "staff")
    events = [json.loads(line) for line in staff.command("log", "staff", "--json").stdout.splitlines()]
    assert [(one["outcome"], one["actor"]) for one in events] == [("ok", "cli"), ("ok", "cli"), ("failed", "cli")]


def test_a_target_that_cannot_be_read_ends_with_1_and_the_reason(staff: Any) -> None:
    staff.command("import", "staff")
    staff.database.rename(staff.database.with_suffix(".away"))
    failed = staff.command("import", "staff")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "nothing was removed; the database file of url under [connectivity] is not there" in failed.stderr


def test_of_objects_that_cannot_be_read_some_are_named_and_all_are_counted(staff: Any) -> None:
    staff.execute("UPDATE Staff SET Active = 'perhaps'")
    done = staff.command("import", "staff")
    assert "60 failed" in done.stdout
    assert 1 <= done.stderr.count("import_object_failed") <= 50


def test_a_delta_of_a_connector_that_cannot_tell_changes_says_that_everything_was_read(staff: Any) -> None:
    staff.command("import", "staff")
    staff.execute("DELETE FROM Staff WHERE Number = 5")
    done = staff.command("import", "staff", "--delta")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("staff: all of User was read: the connector cannot tell what has changed\n")
    assert "1 removed" in done.stdout
    document = json.loads(staff.command("import", "staff", "--delta", "--json").stdout)
    assert (document["seen"], document["read_whole"]) == (59, ["User"])
