"""What there is beside people and groups, each in a file of its own."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import ecmahost_csv
import pytest
from ecmahost_csv.session import CsvSession

from ecmahost_core import (
    ConnectorError,
    CSEntryChange,
    ObjectModificationType,
    ObjectQuery,
    ObjectTypeNotSupported,
    RunStep,
    ServerDown,
)

CONTENT = {
    "people": "id,name\n1,Ann\n",
    "groups": "name\nstaff\n",
    "memberships": "group,member\nstaff,1\nstaff,D1\n",
    "devices": "id,owner\nD1,1\n",
    "rooms": "id,floor\n",
}


class Files:
    """The five files, and the connector's hooks on them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.paths = {name: folder / f"{name}.csv" for name in CONTENT}
        for name, text in CONTENT.items():
            self.paths[name].write_text(text)
        self._stack = stack
        self.parameters = {
            "file": str(self.paths["people"]),
            "groups_file": str(self.paths["groups"]),
            "memberships_file": str(self.paths["memberships"]),
            "further_files": f"\nDevice = {self.paths['devices']}\n\n Room={self.paths['rooms']}\n",
        }

    def open(self, **parameters: str) -> CsvSession:
        return self._stack.enter_context(ecmahost_csv.open_session({**self.parameters, **parameters}))

    def step(self, session: CsvSession) -> RunStep:
        anchors = {"Group": ("name",)}
        types = ecmahost_csv.schema(session).types
        return RunStep(tuple(replace(one, anchor=anchors.get(one.name, ("id",))) for one in types), 100)

    def texts(self) -> dict[str, str]:
        return {name: path.read_text() for name, path in self.paths.items()}


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    with ExitStack() as stack:
        yield Files(tmp_path, stack)


def device(kind: ObjectModificationType, anchor: str, **attributes: str) -> CSEntryChange:
    values = {name: (value,) for name, value in attributes.items()}
    return CSEntryChange("Device", kind, (anchor,), attributes=values)


def test_each_file_is_an_object_type_and_is_imported(files: Files) -> None:
    session = files.open()
    step = files.step(session)
    assert [one.name for one in step.types] == ["User", "Group", "Device", "Room"]
    found = [entry for page in ecmahost_csv.full_import(session, step) for entry in page.entries]
    assert [(one.object_type, one.anchor[0]) for one in found] == [
        ("User", "1"),
        ("Group", "staff"),
        ("Device", "D1"),
    ]
    (read,) = ecmahost_csv.full_object_import(session, step, ObjectQuery("Device", (("owner", ("1",)),)))
    assert read.attributes["id"] == ("D1",)


def test_a_change_touches_its_own_file_and_no_membership(files: Files) -> None:
    session = files.open()
    changes = (
        device(ObjectModificationType.ADD, "D2", id="D2", owner="1"),
        device(ObjectModificationType.DELETE, "D1"),
    )
    results = ecmahost_csv.export(session, files.step(session), changes)
    assert [result.error for result in results] == [None, None]
    assert files.texts() == CONTENT | {"devices": "id,owner\nD2,1\n"}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("Device", "expected lines such as Device = "),
        ("= /tmp/a.csv", "expected lines such as Device = "),
        ("Group = rooms.csv", "'Group' is what the rows of two files are called"),
        ("Device = {people}", "expected files that no other parameter and no other line names"),
        ("A = {rooms}\nB = {rooms}", "expected files that no other parameter and no other line names"),
    ],
)
def test_lines_that_cannot_be_used_are_told(files: Files, lines: str, told: str) -> None:
    with pytest.raises(ConnectorError, match=told):
        files.open(further_files=lines.format(**files.paths))


def test_a_file_that_is_not_there_is_told_and_a_type_without_one_says_where_to_name_it(files: Files) -> None:
    session = files.open()
    with pytest.raises(ObjectTypeNotSupported, match=r"'User' or 'Group' or 'Device' or 'Room'.* further_files"):
        session.of("Printer")
    assert ecmahost_csv.session_alive(session)
    files.paths["rooms"].unlink()
    assert not ecmahost_csv.session_alive(session)
    with pytest.raises(ServerDown, match=r"rooms\.csv"):
        files.open()
