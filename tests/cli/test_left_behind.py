"""Objects that were added without their password: what the commands say about them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ecmahost_core.ecma.csentry import CSEntryChange, ObjectModificationType, change_to_json
from ecmahost_core.space.journal import (
    ANCHOR,
    LockKey,
    Operation,
    PasswordStage,
    WriteIntent,
)
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.space.sqlite import open_store


@pytest.fixture
def left_behind(staff: Any) -> Callable[[PasswordStage], Any]:
    """An entry of a process that has died, at this stage of a creation."""
    assert staff.command("import", "staff").returncode == 0

    def leave(stage: PasswordStage) -> Any:
        users = SpaceType("staff", "User", "6e0cf1ba-53b5-4f0c-9d0c-0d6f6f1a2b3c")
        change = CSEntryChange("Staff", ObjectModificationType.ADD, ("zoe",), attributes={"Name": ("Zoë Ash",)})
        with open_store(staff.path / "space.db", staff.path / "run", writing=True) as store:
            intent = WriteIntent(users, Operation.ADD, change_to_json(change), (LockKey(ANCHOR, "zoe"),))
            return store.advance(store.open_entry(intent), stage, change_to_json(change))

    return leave


@pytest.mark.parametrize("stage", [PasswordStage.FOLLOWS, PasswordStage.DUE])
def test_a_check_names_them_with_both_ways_out(staff: Any, left_behind: Any, stage: PasswordStage) -> None:
    entry = left_behind(stage)
    done = staff.command("check", "staff", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)["connectors"]["staff"]
    (one,) = [one for one in found if one["subject"] == f"journal entry {entry.number}"]
    assert one["severity"] == "error"
    assert one["message"].startswith("zoe may have been added without its password")
    assert entry.reserved_id in one["message"]
    for verdict in ("applied", "not-applied"):
        assert f"ecmahost journal staff --settle {entry.number} --as {verdict}" in one["remedy"]


def test_the_journal_says_it_without_values(staff: Any, left_behind: Any) -> None:
    entry = left_behind(PasswordStage.DUE)
    shown = staff.command("journal", "staff", "--json")
    (one,) = json.loads(shown.stdout)["open"]
    assert (one["state"], one["object_id"]) == ("may lack its password", entry.reserved_id)
    assert "Zo" not in shown.stdout


@pytest.mark.parametrize("stage", [PasswordStage.NONE, PasswordStage.SENT])
def test_other_open_entries_are_no_such_finding(staff: Any, left_behind: Any, stage: PasswordStage) -> None:
    left_behind(stage)
    assert "without its password" not in staff.command("check", "staff").stdout
