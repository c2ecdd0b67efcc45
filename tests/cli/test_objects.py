"""``ecmahost objects``."""

import json
import re
from typing import Any

import pytest


def test_what_was_imported_is_listed_with_whole_ids_and_times(imported: Any) -> None:
    listed = imported.command("objects", "staff", "--limit", "3")
    assert listed.returncode == 0
    heading, *rows, total = listed.stdout.splitlines()
    assert heading.split() == ["id", "anchor", "state", "modified", "Login"]
    assert len(rows) == 3
    for row in rows:
        assert re.fullmatch(r"[0-9a-f-]{36}  \d+ +live   \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  person\d+@example\.com", row)
    assert total == "60 live User objects in all; 3 are shown, see --limit"


def test_the_json_document_is_one_and_holds_every_object_unless_a_limit_is_given(imported: Any) -> None:
    document = json.loads(imported.command("objects", "staff", "--json").stdout)
    assert (document["connector"], document["total"], len(document["objects"])) == ("staff", 60, 60)
    first = document["objects"][0]
    assert first["resource"]["userName"] == "person1@example.com"
    assert first["resource"]["id"] == first["id"]
    limited = json.loads(imported.command("objects", "staff", "--json", "--limit", "2").stdout)
    assert (limited["total"], len(limited["objects"])) == (60, 2)


def test_an_empty_space_is_no_error(staff: Any) -> None:
    staff.command("import", "staff")
    staff.execute("DELETE FROM Staff")
    staff.command("import", "staff", "--confirm")
    listed = staff.command("objects", "staff")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout.splitlines()[-1] == "0 live User objects in all"
    assert json.loads(staff.command("objects", "staff", "--json").stdout)["objects"] == []


def test_an_unknown_connector_is_told_with_those_that_there_are(imported: Any) -> None:
    done = imported.command("objects", "Staff")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no connector Staff (configured: staff); names are case sensitive" in done.stderr


def test_a_connector_whose_file_has_mistakes_is_told_with_the_command_that_lists_them(staff: Any) -> None:
    staff.command("import", "staff")
    staff.connector("staff", target='target = ""')
    done = staff.command("objects", "staff")
    assert done.returncode == 1
    assert "run: ecmahost check staff" in done.stderr


@pytest.mark.parametrize("command", ["objects", "journal"])
def test_a_home_in_which_nothing_was_imported_says_what_to_do(staff: Any, command: str) -> None:
    done = staff.command(command, "staff")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert str(staff.path / "space.db") in done.stderr
    assert "'ecmahost import NAME' makes it" in done.stderr
    assert not (staff.path / "space.db").exists()
