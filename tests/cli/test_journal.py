"""``ecmahost journal``."""

import json
from typing import Any

import pytest


def test_events_are_shown_the_latest_first_with_whole_times_and_what_they_did(staff: Any) -> None:
    staff.command("import", "staff")
    staff.execute("UPDATE Staff SET Name = 'Ölçer' WHERE Number = 1")
    staff.command("import", "staff")
    shown = staff.command("journal", "staff")
    assert shown.returncode == 0
    entries, heading, latest, first = shown.stdout.splitlines()
    assert entries == "0 open entries"
    assert heading.split() == ["time", "event", "outcome", "error", "ms", "object", "request", "detail"]
    assert latest[:20].endswith("Z")
    assert "changed=1" in latest
    assert "added=60" in first


def test_the_json_document_has_the_open_entries_and_the_events(imported: Any) -> None:
    document = json.loads(imported.command("journal", "staff", "--json").stdout)
    assert document["open"] == []
    (event,) = document["events"]
    assert (event["kind"], event["outcome"], event["detail"]["seen"]) == ("import", "ok", 60)
    assert json.loads(imported.command("journal", "staff", "--json", "--events", "0").stdout)["events"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["staff", "--settle", "1"], 2, "--settle and --as go together"),
        (["staff", "--as", "applied"], 2, "--settle and --as go together"),
        (["staff", "--settle", "1", "--as", "perhaps"], 2, "'applied', 'not-applied'"),
        (["staff", "--settle", "99", "--as", "applied"], 1, "99"),
        (["staf"], 1, "there is no connector staf (configured: staff)"),
    ],
)
def test_a_mistake_is_told_with_its_exit_code(imported: Any, arguments: list[str], code: int, told: str) -> None:
    done = imported.command("journal", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
