"""``ecmahost reset`` and ``ecmahost accept``: what a changed configuration means for the people whom the host knows."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core.space.journal import (
    ID,
    LockKey,
    Operation,
    WriteIntent,
)
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.space.sqlite import open_store


@pytest.fixture
def known(staff: Any) -> Any:
    """The connector ``staff`` after one import of its sixty people."""
    assert staff.command("import", "staff").returncode == 0
    return staff


def changed(place: Any, old: str, new: str) -> Path:
    path: Path = place.path / "connectors.d" / "staff.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def people(place: Any) -> dict[str, str]:
    """The ids by anchor."""
    document = json.loads(place.command("objects", "staff", "--json").stdout)
    return {one["anchor"]: one["id"] for one in document["objects"]}


def move(place: Any) -> Path:
    """Moves the database to another place, as a server moves to another name."""
    new = place.database.with_name("moved.db")
    place.database.rename(new)
    return changed(place, str(place.database), str(new))


def test_without_confirm_it_counts_says_what_differs_and_does_nothing(known: Any) -> None:
    before = people(known)
    path = changed(known, 'anchor = "Number"', 'anchor = "Login"')
    told = known.command("reset", "staff")
    assert told.returncode == 1
    assert "knows 60 objects" in told.stdout
    assert "ids are lost" in told.stdout
    assert f"{path}: object_types.User.anchor: found 'Login', expected 'Number'" in told.stderr
    assert "ecmahost reset staff --confirm" in told.stderr
    changed(known, 'anchor = "Login"', 'anchor = "Number"')
    assert people(known) == before


def test_until_somebody_decides_every_command_says_what_is_wrong(known: Any) -> None:
    changed(known, 'anchor = "Number"', 'anchor = "Login"')
    check = known.command("check", "staff")
    assert check.returncode == 3
    assert "object_types.User.anchor: found 'Login', expected 'Number'" in check.stderr
    assert "ecmahost accept staff" in check.stderr
    imported = known.command("import", "staff")
    assert (imported.returncode, imported.stdout) == (1, "")
    assert "ecmahost reset staff" in imported.stderr
    assert known.command("objects", "staff").returncode == 3


def test_after_a_reset_an_import_begins_anew_and_nothing_of_the_old_space_is_left(known: Any) -> None:
    before = people(known)
    changed(known, 'anchor = "Number"', 'anchor = "Login"')
    done = known.command("reset", "staff", "--confirm")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "staff: 60 objects were forgotten.")
    assert people(known) == {}
    assert known.command("import", "staff").returncode == 0
    after = people(known)
    assert len(after) == 60
    assert not set(before.values()) & set(after.values())
    events = json.loads(known.command("journal", "staff", "--json").stdout)["events"]
    assert [one["kind"] for one in events] == ["import", "reset", "import"]
    assert (events[1]["actor"], events[1]["detail"]) == ("cli", {"objects": 60})


def test_ids_of_an_immutable_anchor_are_the_same_after_a_reset_that_nobody_had_to_make(staff: Any) -> None:
    changed(staff, 'anchor = "Number"', 'anchor = "Number"\nanchor_immutable = true')
    staff.command("import", "staff")
    before = people(staff)
    told = staff.command("reset", "staff", "--confirm")
    assert "gives them the same ones again" in told.stdout
    assert "nothing but this command asks for a reset" in told.stdout
    staff.command("import", "staff")
    assert people(staff) == before


@pytest.fixture
def entry(known: Any) -> Callable[[], None]:
    """An open write whose process died; the returned function settles it."""
    with open_store(known.path / "space.db", known.path / "run", writing=True) as store:
        users = SpaceType("staff", "User", "x")
        found = store.page(users, 0, 1)[0]
        keys = (LockKey(ID, found.id),)
        number = store.open_entry(WriteIntent(users, Operation.UPDATE, {}, keys, object_id=found.id)).number

    def settle() -> None:
        done = known.command("journal", "staff", "--settle", str(number), "--as", "not-applied")
        assert done.returncode == 0, done.stderr

    return settle


def test_while_a_write_is_open_nothing_is_reset_and_it_can_be_settled_although_nothing_fits(
    known: Any, entry: Callable[[], None]
) -> None:
    changed(known, 'anchor = "Number"', 'anchor = "Login"')
    refused = known.command("reset", "staff", "--confirm")
    assert refused.returncode == 1
    assert "1 writes are open" in refused.stdout
    assert "the outcome of 1 writes is unknown (ecmahost journal staff)" in refused.stderr
    entry()
    assert known.command("reset", "staff", "--confirm").returncode == 0


def test_the_people_of_a_connector_whose_file_is_gone_can_be_forgotten(known: Any) -> None:
    (known.path / "connectors.d" / "staff.toml").unlink()
    told = known.command("reset", "staff")
    assert "No connector of this name is configured" in told.stdout
    assert known.command("reset", "staff", "--confirm").returncode == 0
    again = known.command("reset", "staff", "--confirm")
    assert again.returncode == 1
    assert "there is no connector staff" in again.stderr


def test_a_target_that_moved_is_accepted_and_everybody_keeps_the_id(known: Any) -> None:
    before = people(known)
    move(known)
    assert known.command("import", "staff").returncode == 1
    told = known.command("accept", "staff")
    assert told.returncode == 1
    assert "of 20 that were compared, the target has 20" in told.stdout
    assert known.command("import", "staff").returncode == 1
    done = known.command("accept", "staff", "--confirm")
    assert done.returncode == 0, done.stderr
    assert "60 unchanged" in known.command("import", "staff").stdout
    assert people(known) == before
    again = known.command("accept", "staff")
    assert again.returncode == 1
    assert "fits the people" in again.stderr


def test_a_column_of_the_anchor_that_was_renamed_is_accepted(known: Any) -> None:
    before = people(known)
    known.execute("ALTER TABLE Staff RENAME COLUMN Number TO Id")
    changed(known, 'anchor = "Number"', 'anchor = "Id"')
    assert known.command("accept", "staff", "--confirm").returncode == 0
    assert known.command("import", "staff").returncode == 0
    assert people(known) == before


def test_other_people_with_the_same_numbers_are_not_accepted(known: Any) -> None:
    move(known)
    moved = known.database.with_name("moved.db")
    with closing(sqlite3.connect(moved)) as database, database:
        database.execute("UPDATE Staff SET Login = 'other' || Number, Name = 'Other ' || Number")
    refused = known.command("accept", "staff", "--confirm")
    assert refused.returncode == 1
    assert "of 20 objects User that were compared, 0 are known" in refused.stderr


@pytest.mark.parametrize("anchor", ['"Login"', '["Number", "Login"]'])
def test_other_people_are_not_accepted(known: Any, anchor: str) -> None:
    changed(known, 'anchor = "Number"', f"anchor = {anchor}")
    refused = known.command("accept", "staff", "--confirm")
    assert refused.returncode == 1
    assert "of 20 objects User that were compared, 0 are known" in refused.stderr
    assert "ecmahost reset staff" in refused.stderr
    assert known.command("import", "staff").returncode == 1


def test_an_attribute_that_no_import_has_brought_yet_is_named_by_check(known: Any) -> None:
    changed(known, '"name.familyName" = "Name"', '"name.familyName" = "Name"\ntitle = "Room"')
    changed(known, 'attributes.Room = { type = "String" }', "")
    assert "no import has brought" not in known.command("check", "staff").stdout  # Room was selected before
    known.execute("ALTER TABLE Staff ADD COLUMN Desk TEXT")
    changed(known, 'title = "Room"', 'title = "Desk"')
    assert "no import has brought User.Desk yet" in " ".join(known.command("check", "staff").stdout.split())
    known.command("import", "staff")
    assert "no import has brought" not in known.command("check", "staff").stdout
