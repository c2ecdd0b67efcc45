"""Stamps: another text when somebody else has written a file, and the same when this host has."""

import os
import shutil
import time
from pathlib import Path

import ecmahost_csv
import pytest
from ecmahost_csv import stamps, target

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    ConnectorError,
    CSEntryChange,
    ObjectModificationType,
)

NO_ATTRIBUTES = OSError(95, "Operation not supported")


def stamp(path: Path, **parameters: str) -> str:
    return ecmahost_csv.change_stamp({"file": str(path), **parameters})


@pytest.fixture(autouse=True)
def a_while_later(monkeypatch):
    """Files of a test were written long ago, as far as their times are looked at."""
    now = time.time_ns
    monkeypatch.setattr(target.time, "time_ns", lambda: now() + 2 * target.SETTLED_NS)


@pytest.fixture
def noted(tmp_path):
    """Whether this file system keeps extended attributes, without which every write is a change."""
    try:
        os.setxattr(tmp_path, stamps.NOTE, b"")
    except OSError:
        return False
    return True


@pytest.fixture
def rename(connect, step):
    """Gives the person with the number 1 another name, as the host does."""

    def renamed(path, name):
        change = AttributeChange("name", AttributeModificationType.REPLACE, (name,))
        update = CSEntryChange(
            "User", ObjectModificationType.UPDATE, ("1",), attribute_changes=(change,), identifier="1"
        )
        (result,) = ecmahost_csv.export(connect(path), step("id", "name", "mail"), [update])
        assert result.error is None

    return renamed


def replaced_by_another_program(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def test_a_file_that_nobody_writes_keeps_its_stamp(people):
    assert stamp(people)
    assert stamp(people) == stamp(people)


def test_another_programs_write_is_another_stamp_however_it_writes(people):
    seen = [stamp(people)]
    replaced_by_another_program(people, people.read_text(encoding="utf-8"))
    seen.append(stamp(people))
    with people.open("a", encoding="utf-8") as file:
        file.write("3,Cem,\n")
    seen.append(stamp(people))
    os.truncate(people, 20)
    seen.append(stamp(people))
    assert len(set(seen)) == len(seen)


def test_a_file_that_was_written_a_moment_ago_does_not_come_to_rest(people, monkeypatch):
    """Another write of as many bytes within the same tick of the clock has the same size, time and place."""
    later = target.time.time_ns
    written = people.stat().st_ctime_ns
    monkeypatch.setattr(target.time, "time_ns", lambda: written + target.SETTLED_NS // 2)
    seen = {stamp(people) for _ in range(5)}
    assert len(seen) == 5
    monkeypatch.setattr(target.time, "time_ns", later)
    assert stamp(people) == stamp(people)
    assert stamp(people) not in seen


def test_a_clock_that_is_set_back_hides_no_change(people, monkeypatch):
    monkeypatch.setattr(target.time, "time_ns", lambda: people.stat().st_mtime_ns - 3_600_000_000_000)
    before = stamp(people)
    assert stamp(people) == before
    past = people.stat().st_mtime_ns - 3_600_000_000_000
    replaced_by_another_program(people, people.read_text(encoding="utf-8"))
    os.utime(people, ns=(past, past))
    assert stamp(people) != before


def test_what_the_host_writes_leaves_the_stamp_as_it_was(people, rename, noted):
    before = stamp(people)
    for name in ("Anna", "Anne", "Anita"):
        rename(people, name)
        assert (stamp(people) == before) == noted
    assert "Anita" in people.read_text(encoding="utf-8")


def test_a_write_of_another_program_is_noticed_behind_and_before_one_of_the_host(people, rename):
    before = stamp(people)
    rename(people, "Anna")
    with people.open("a", encoding="utf-8") as file:
        file.write("3,Cem,\n")
    behind = stamp(people)
    assert behind != before
    replaced_by_another_program(people, people.read_text(encoding="utf-8") + "4,Dan,\n")
    rename(people, "Anne")  # before anybody has looked
    assert stamp(people) not in (before, behind)


def test_what_another_host_writes_is_a_change(people, rename, noted, tmp_path, monkeypatch):
    before = stamp(people)
    (tmp_path / "other").mkdir()
    with monkeypatch.context() as elsewhere:
        elsewhere.chdir(tmp_path / "other")
        rename(people, "Anna")
        theirs = stamp(people)
    ours = stamp(people)
    assert (theirs == before, ours == before) == (noted, False)
    rename(people, "Anne")
    assert (stamp(people) == ours) == noted


def test_where_files_have_no_attributes_every_write_is_a_change_and_still_a_write(people, rename, monkeypatch):
    def refuse(*_arguments):
        raise NO_ATTRIBUTES

    monkeypatch.setattr(stamps.os, "setxattr", refuse)
    before = stamp(people)
    rename(people, "Anna")
    assert stamp(people) != before
    assert "Anna" in people.read_text(encoding="utf-8")


@pytest.mark.parametrize("note", [b"", b"[]", b"{}", b'{"by": 7}', b"\xff"])
def test_a_note_that_is_none_of_ours_means_nothing(people, note, noted):
    plain = stamp(people)
    if noted:
        os.setxattr(people, stamps.NOTE, note)
    assert stamp(people).rpartition(".")[0] == plain.rpartition(".")[0]


@pytest.mark.parametrize("in_place", [True, False])
def test_a_backup_that_is_restored_with_all_its_attributes_is_a_change(people, rename, in_place):
    rename(people, "Anna")
    before = stamp(people)
    copy = people.with_suffix(".copy")
    shutil.copy2(people, copy)
    rename(people, "Anne")
    if in_place:
        shutil.copy2(copy, people)
    else:
        copy.replace(people)
    assert stamp(people) != before


def test_the_files_of_groups_are_watched_too(people, tmp_path):
    groups, members = tmp_path / "groups.csv", tmp_path / "members.csv"
    groups.write_text("name\nstaff\n", encoding="utf-8")
    members.write_text("group,member\nstaff,1\n", encoding="utf-8")
    named = {"groups_file": str(groups), "memberships_file": str(members)}
    seen = [stamp(people, **named)]
    for file in (groups, members, people):
        replaced_by_another_program(file, file.read_text(encoding="utf-8"))
        seen.append(stamp(people, **named))
    assert len(set(seen)) == 4


def test_a_file_that_is_not_there_has_no_stamp_and_one_that_is_none_is_told(people):
    people.unlink()
    assert stamp(people) == ""
    people.mkdir()
    with pytest.raises(ConnectorError):
        stamp(people)
