"""Groups in a file of their own, and who is in them in a third."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import ecmahost_csv
import pytest
from ecmahost_csv.session import CsvSession

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    AttributeType,
    ConnectorError,
    CSEntryChange,
    CSEntryChangeResult,
    MAExportError,
    MAExportType,
    ObjectModificationType,
    ObjectQuery,
    ObjectTypeNotSupported,
    Reference,
    RunStep,
    ServerDown,
    Severity,
    UnexpectedData,
    Values,
)

ADD, REPLACE, DELETE = ObjectModificationType.ADD, ObjectModificationType.REPLACE, ObjectModificationType.DELETE
PEOPLE = "id,name\n1,Ann\n2,Bob\n3,Cyd\n"
GROUPS = "name,purpose\nstaff,all\nempty,none\n"
MEMBERSHIPS = "group,since,member\nstaff,2020,1\nstaff,2021,2\nSTAFF,2022,1\n"


class Files:
    """The three files, and the connector's hooks on them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.people, self.groups, self.memberships = (
            folder / f"{name}.csv" for name in ("people", "groups", "memberships")
        )
        self._stack = stack
        self.parameters = {
            "file": str(self.people),
            "groups_file": str(self.groups),
            "memberships_file": str(self.memberships),
            "membership_columns": "group,member",
        }

    def open(self, **parameters: str) -> CsvSession:
        return self._stack.enter_context(ecmahost_csv.open_session({**self.parameters, **parameters}))

    def step(self, session: CsvSession, *names: str, page_size: int = 100) -> RunStep:
        anchors = {"User": ("id",), "Group": ("name",)}
        found = {one.name: replace(one, anchor=anchors[one.name]) for one in ecmahost_csv.schema(session).types}
        return RunStep(tuple(found[name] for name in names or ("User", "Group")), page_size)

    def export(self, *changes: CSEntryChange) -> list[CSEntryChangeResult]:
        session = self.open()
        return list(ecmahost_csv.export(session, self.step(session), changes))

    def done(self, *changes: CSEntryChange) -> None:
        assert [result.error for result in self.export(*changes)] == [None] * len(changes)

    def members(self, group: str) -> list[str] | None:
        session = self.open()
        query = ObjectQuery("Group", (("name", (group,)),))
        found = ecmahost_csv.full_object_import(session, self.step(session), query)
        return [one.value for one in found[0].attributes["members"]] if found else None


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    with ExitStack() as stack:
        made = Files(tmp_path, stack)
        made.people.write_text(PEOPLE)
        made.groups.write_text(GROUPS)
        made.memberships.write_text(MEMBERSHIPS)
        yield made


def references(*texts: str) -> Values:
    return tuple(map(Reference, texts))


def change_members(group: str, added: Values = (), removed: Values = (), identifier: str = "m") -> CSEntryChange:
    part = AttributeChange("members", AttributeModificationType.UPDATE, added, removed)
    return CSEntryChange(
        "Group", ObjectModificationType.UPDATE, (group,), attribute_changes=(part,), identifier=identifier
    )


def rename(object_type: str, before: str, column: str, after: str) -> CSEntryChange:
    part = AttributeChange(column, AttributeModificationType.REPLACE, (after,))
    return CSEntryChange(
        object_type, ObjectModificationType.UPDATE, (before,), attribute_changes=(part,), identifier="r"
    )


def delete(object_type: str, anchor: str) -> CSEntryChange:
    return CSEntryChange(object_type, DELETE, (anchor,), identifier="d")


# What there is --------------------------------------------------------------------------------------------------------


def test_groups_are_a_second_object_type_with_their_members(files: Files) -> None:
    people, groups = ecmahost_csv.schema(files.open()).types
    assert (people.name, [one.name for one in people.attributes]) == ("User", ["id", "name"])
    assert (groups.name, [one.name for one in groups.attributes]) == ("Group", ["name", "purpose", "members"])
    members = groups.attribute("members")
    assert members is not None
    assert (members.type, members.multi_valued, members.references) == (AttributeType.REFERENCE, True, "User")


def test_without_the_files_there_is_one_type_and_changes_come_as_before(files: Files) -> None:
    alone = {"file": str(files.people)}
    with ecmahost_csv.open_session(alone) as session:
        assert [one.name for one in ecmahost_csv.schema(session).types] == ["User"]
    assert ecmahost_csv.capabilities(alone).export_type is MAExportType.ATTRIBUTE_REPLACE
    links = MAExportType.MULTIVALUED_REFERENCE_ATTRIBUTE_UPDATE
    assert ecmahost_csv.capabilities(files.parameters).export_type is links


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"memberships_file": ""}, "belong together"),
        ({"groups_file": ""}, "belong together"),
        ({"groups_file": "people.csv"}, "three different files"),
        ({"group_object_type": "User"}, "choose two names"),
        ({"membership_columns": "group"}, "two columns"),
        ({"membership_columns": "member,member"}, "two columns"),
    ],
)
def test_parameters_that_cannot_be_used_are_named(files: Files, changed: dict[str, str], words: str) -> None:
    paths = {name: value and str(files.people.parent / value) for name, value in changed.items() if "file" in name}
    with pytest.raises(ConnectorError, match=words):
        files.open(**{**changed, **paths})


def test_a_file_that_is_missing_and_a_column_that_is_missing_are_named(files: Files) -> None:
    session = files.open(membership_columns="group,who")
    with pytest.raises(ObjectTypeNotSupported, match="'who'"):
        list(ecmahost_csv.full_import(session, files.step(session, "Group")))
    files.memberships.unlink()
    with pytest.raises(ServerDown, match=r"memberships\.csv"):
        files.open()


def test_a_column_of_groups_called_members_is_refused(files: Files) -> None:
    files.groups.write_text("name,members\nstaff,x\n")
    with pytest.raises(ObjectTypeNotSupported, match="rename it"):
        ecmahost_csv.schema(files.open())


# Reading --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [1, 100])
def test_an_import_reads_people_and_groups_and_each_member_once(files: Files, page_size: int) -> None:
    session = files.open()
    pages = list(ecmahost_csv.full_import(session, files.step(session, page_size=page_size)))
    entries = {(one.object_type, *one.anchor): one.attributes for page in pages for one in page.entries}
    assert entries["Group", "staff"] == {"name": ("staff",), "purpose": ("all",), "members": references("1", "2")}
    assert entries["Group", "empty"]["members"] == ()
    assert entries["User", "1"] == {"id": ("1",), "name": ("Ann",)}
    assert len(entries) == 5


def test_members_that_are_not_selected_are_not_read(files: Files) -> None:
    session = files.open()
    (groups,) = files.step(session, "Group").types
    own = tuple(one for one in groups.attributes if one.name != "members")
    step = RunStep((replace(groups, attributes=own),), 100)
    (page,) = ecmahost_csv.full_import(session, step)
    assert set(page.entries[0].attributes) == {"name", "purpose"}


# Writing --------------------------------------------------------------------------------------------------------------


def test_members_are_added_and_removed_and_other_rows_stay_to_the_byte(files: Files) -> None:
    before = files.groups.read_bytes()
    (result,) = files.export(change_members("staff", references("3"), references("1")))
    assert result.error is None
    assert result.attributes == {"name": ("staff",), "purpose": ("all",)}
    assert files.memberships.read_text() == "group,since,member\nstaff,2021,2\nstaff,,3\n"
    assert files.groups.read_bytes() == before


def test_who_is_there_is_not_added_and_who_is_not_there_is_removed_in_peace(files: Files) -> None:
    before = files.memberships.stat()
    files.done(change_members("staff", references("1", "2"), references("9")))
    assert os.path.samestat(files.memberships.stat(), before)
    files.done(change_members("staff", references("3", "3")))
    assert files.members("staff") == ["1", "2", "3"]


def test_later_changes_of_a_batch_see_the_earlier_ones(files: Files) -> None:
    files.done(
        change_members("empty", references("1", "2"), identifier="1"),
        change_members("empty", references("1", "3"), references("2"), identifier="2"),
        delete("User", "3"),
    )
    assert files.members("empty") == ["1"]
    assert files.members("staff") == ["1", "2"]


def test_a_new_group_has_the_members_that_it_comes_with_and_no_others(files: Files) -> None:
    files.memberships.write_text(MEMBERSHIPS + "new,,2\n")
    values = {"name": ("new",), "members": references("3", "1")}
    files.done(CSEntryChange("Group", ADD, attributes=values, identifier="a"))
    assert files.members("new") == ["3", "1"]
    files.done(CSEntryChange("Group", ADD, attributes={"name": ("bare",)}, identifier="a"))
    assert files.members("bare") == []


def test_a_whole_set_of_members_touches_only_who_comes_and_goes(files: Files) -> None:
    part = AttributeChange("members", AttributeModificationType.REPLACE, references("2", "3"))
    change = CSEntryChange("Group", ObjectModificationType.UPDATE, ("staff",), attribute_changes=(part,))
    files.done(change)
    assert files.memberships.read_text() == "group,since,member\nstaff,2021,2\nstaff,,3\n"
    files.done(CSEntryChange("Group", REPLACE, ("staff",), attributes={"name": ("staff",)}))
    assert files.members("staff") == ["2", "3"]


def test_a_deleted_person_and_a_deleted_group_take_their_rows_along(files: Files) -> None:
    files.done(delete("User", "1"))
    assert files.members("staff") == ["2"]
    files.done(delete("Group", "staff"))
    assert files.members("staff") is None
    assert files.memberships.read_text() == "group,since,member\n"


def test_rows_follow_a_group_and_a_person_whose_anchor_changes(files: Files) -> None:
    files.done(rename("Group", "staff", "name", "everybody"), rename("User", "2", "id", "two"))
    assert files.members("everybody") == ["1", "two"]
    assert "everybody,2021,two" in files.memberships.read_text()


def test_a_member_that_the_file_cannot_hold_is_refused_with_its_place_and_the_group_stays_as_it_was(
    files: Files,
) -> None:
    before = files.memberships.read_bytes()
    change = rename("Group", "staff", "purpose", "other")
    part = AttributeChange("members", AttributeModificationType.UPDATE, references("1", "a\0b"))
    (result,) = files.export(replace(change, attribute_changes=(*change.attribute_changes, part)))
    assert result.error is not None
    assert result.error.code is MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE
    assert result.error.attribute == "members"
    assert "value 2 of 2" in result.error.detail
    assert files.memberships.read_bytes() == before
    assert files.groups.read_text() == GROUPS


def test_a_change_of_a_group_that_is_not_there_writes_no_memberships(files: Files) -> None:
    (result,) = files.export(change_members("nobody", references("1")))
    assert result.error is not None
    assert result.error.code is MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT
    assert files.memberships.read_text() == MEMBERSHIPS


WRITER = """
import sys
from pathlib import Path
import ecmahost_csv
from ecmahost_csv import writing
folder, kind = Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, sys.argv[3])
from test_groups import CSEntryChange, Files, ExitStack, delete, references, rename, ADD
put = Path.replace
left = int(sys.argv[5]) if len(sys.argv) > 5 else 1
def killed(self, target):
    global left
    put(self, target)
    left -= 1
    if not left:
        print("replaced", flush=True)
        sys.stdin.read()
Path.replace = killed
with ExitStack() as stack:
    values = {"name": ("new",), "members": references("1", "3")}
    change = CSEntryChange("Group", ADD, attributes=values) if kind == "add" else delete(kind, sys.argv[4])
    if kind == "rename":
        column = {"User": "id", "Group": "name"}[sys.argv[4]]
        change = rename(sys.argv[4], sys.argv[6], column, "new")
    Files(folder, stack).export(change)
"""


@pytest.mark.parametrize(("kind", "anchor"), [("add", "new"), ("Group", "staff"), ("User", "1")])
def test_killed_between_two_files_nothing_is_there_that_is_not_true_and_once_more_does_the_rest(
    files: Files, environment: dict[str, str], kind: str, anchor: str
) -> None:
    command = [sys.executable, "-c", WRITER, str(files.people.parent), kind, str(Path(__file__).parent), anchor]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"replaced\n"
        os.kill(writer.pid, signal.SIGKILL)
    if kind == "add":
        assert files.members("new") is None
        values = {"name": ("new",), "members": references("1", "3")}
        files.done(CSEntryChange("Group", ADD, attributes=values))
        assert files.members("new") == ["1", "3"]
        return
    if kind == "Group":
        assert files.members("staff") == []
    else:
        assert files.members("staff") == ["2"]
        assert files.people.read_text() == PEOPLE
    files.done(delete(kind, anchor))
    assert files.members("staff") == (None if kind == "Group" else ["2"])
    assert not list(files.people.parent.glob(".*ecmahost*"))


@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize(("kind", "before"), [("Group", "staff"), ("User", "1")])
def test_killed_while_an_anchor_changes_nobody_loses_memberships(
    files: Files, environment: dict[str, str], kind: str, before: str, after: int
) -> None:
    command = [sys.executable, "-c", WRITER, str(files.people.parent), "rename", str(Path(__file__).parent), kind]
    command += [str(after), before]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"replaced\n"
        os.kill(writer.pid, signal.SIGKILL)
    now = before if after == 1 else "new"
    if kind == "Group":
        assert files.members(now) == ["1", "2"]
        files.done(rename("Group", now, "name", "other"))
        assert files.members("other") == ["1", "2"]
        return
    assert now in (files.members("staff") or [])
    files.done(rename("User", now, "id", "other"))
    assert "other" in (files.members("staff") or [])


def killed_after_two_renames(files: Files, environment: dict[str, str], kind: str, before: str) -> None:
    """A writer gives somebody the name ``new`` and is killed before it takes away the rows of the old name."""
    command = [sys.executable, "-c", WRITER, str(files.people.parent), "rename", str(Path(__file__).parent), kind]
    with subprocess.Popen(
        [*command, "2", before], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"replaced\n"
        os.kill(writer.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("kind", "before", "kept"),
    [
        ("User", "1", ["group,since,member", "staff,2021,2", "staff,2020,new"]),
        ("Group", "staff", ["group,since,member", "new,2020,1", "new,2021,2"]),
    ],
)
def test_the_next_writer_takes_away_the_rows_of_the_old_name_that_a_killed_one_has_left(
    files: Files, environment: dict[str, str], kind: str, before: str, kept: list[str]
) -> None:
    killed_after_two_renames(files, environment, kind, before)
    assert any(before in line.split(",") for line in files.memberships.read_text().lower().splitlines())
    files.done(CSEntryChange("User", ADD, attributes={"id": ("4",), "name": ("Dan",)}))
    assert files.memberships.read_text().splitlines() == kept
    assert not list(files.people.parent.glob(".*ecmahost*"))


@pytest.mark.parametrize("written", ["people", "memberships"])
def test_what_a_killed_writer_has_left_to_do_is_left_where_somebody_has_written_since(
    files: Files, environment: dict[str, str], written: str
) -> None:
    killed_after_two_renames(files, environment, "User", "1")
    path: Path = getattr(files, written)
    with path.open("a") as file:
        file.write({"people": "9,Ida\n", "memberships": "empty,2022,3\n"}[written])
    before = files.memberships.read_text()
    files.done(CSEntryChange("User", ADD, attributes={"id": ("4",), "name": ("Dan",)}))
    assert files.memberships.read_text() == before
    assert not list(files.people.parent.glob(".*ecmahost*"))


def test_a_group_that_gets_a_name_has_none_of_the_members_that_an_earlier_one_left_behind(files: Files) -> None:
    with files.memberships.open("a") as file:
        file.write("old,2019,3\nOLD,2019,2\n")
    files.done(rename("Group", "staff", "name", "old"))
    assert files.members("old") == ["2", "1"]


def test_a_person_who_is_new_or_gets_a_name_is_in_none_of_the_groups_that_an_earlier_one_was_in(files: Files) -> None:
    with files.memberships.open("a") as file:
        file.write("empty,2019,4\nstaff,2019,4\nempty,2019,5\nstaff,2019,5\n")
    files.done(CSEntryChange("User", ADD, attributes={"id": ("4",), "name": ("Dan",)}))
    assert (files.members("staff"), files.members("empty")) == (["1", "2", "5"], ["5"])
    files.done(rename("User", "2", "id", "5"))
    assert (files.members("staff"), files.members("empty")) == (["1", "5"], [])


ADDER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_groups import ExitStack, Files, change_members, references
with ExitStack() as stack:
    files = Files(Path(sys.argv[1]), stack)
    for number in range(int(sys.argv[2]), int(sys.argv[2]) + 20):
        files.done(change_members("empty", references(f"m{number}")))
"""


def test_several_processes_that_write_memberships_lose_and_repeat_none(
    files: Files, environment: dict[str, str]
) -> None:
    command = [sys.executable, "-c", ADDER, str(files.people.parent)]
    writers = [
        subprocess.Popen([*command, str(10 * number), str(Path(__file__).parent)], env=environment)
        for number in range(3)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    found = files.members("empty")
    assert found is not None
    assert sorted(found) == sorted({f"m{number}" for number in range(40)})


def test_large_groups_are_written_and_read(files: Files) -> None:
    everybody = references(*(f"p{number}" for number in range(15_000)))
    files.done(change_members("empty", everybody))
    found = files.members("empty")
    assert found is not None
    assert len(found) == 15_000
    files.done(change_members("empty", (), everybody[1:]))
    assert files.members("empty") == ["p0"]


def test_an_import_notices_that_somebody_writes_into_the_file_of_memberships(files: Files) -> None:
    session = files.open()
    pages = ecmahost_csv.full_import(session, files.step(session, "Group", page_size=1))
    next(pages)
    before = files.memberships.stat()
    with files.memberships.open("r+") as file:
        file.write(MEMBERSHIPS.replace("2021,2", "2021,3"))
    os.utime(files.memberships, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(UnexpectedData, match="changed while being read"):
        list(pages)


# Checking -------------------------------------------------------------------------------------------------------------


def test_files_without_faults_have_no_findings(files: Files) -> None:
    files.memberships.write_text("group,member\nstaff,1\n")
    session = files.open()
    assert list(ecmahost_csv.check(session, files.step(session))) == []


def test_rows_of_memberships_that_mean_nothing_are_counted_with_the_first_line(files: Files) -> None:
    files.memberships.write_text('group,member\nstaff,1\nstaff,1\nghosts,1\nstaff,\nstaff,77\nstaff,1,2\n,"a"b\n')
    session = files.open()
    found = {one.message.rpartition(":")[0]: one for one in ecmahost_csv.check(session, files.step(session))}
    assert {each.rpartition(" ")[2] for each in (one.message for one in found.values())} == {"3", "4", "5", "6", "7"}
    assert sorted(one.severity for one in found.values()) == [Severity.INFO, *[Severity.WARNING] * 4]


@pytest.mark.parametrize(("name", "expected"), [("User", []), ("Group", ["ghosts", "77"])])
def test_the_check_of_groups_alone_looks_at_memberships_and_takes_any_cell_for_a_members_anchor(
    files: Files, name: str, expected: list[str]
) -> None:
    files.memberships.write_text("group,member\nstaff,1\nstaff,Bob\nghosts,1\nstaff,77\n")
    session = files.open()
    found = ecmahost_csv.check(session, files.step(session, name))
    lines = files.memberships.read_text().splitlines()
    named = [lines[int(one.message.rpartition(" ")[2]) - 1] for one in found]
    assert len(named) == len(expected)
    assert all(word in line for word, line in zip(expected, named, strict=True))


def test_a_memberships_file_without_its_columns_is_an_error(files: Files) -> None:
    files.memberships.write_text("a,b\n")
    session = files.open()
    (found,) = ecmahost_csv.check(session, files.step(session))
    assert found.severity is Severity.ERROR
    assert "membership_columns" in found.message
