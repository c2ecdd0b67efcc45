"""What an export would make of the file, told without making it."""

from dataclasses import replace

import ecmahost_csv
import pytest

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    ExportExplanation,
    MAExportError,
    ObjectModificationType,
    Reference,
    RunStep,
    ServerDown,
)

ADD, UPDATE, DELETE = ObjectModificationType.ADD, ObjectModificationType.UPDATE, ObjectModificationType.DELETE
REPLACE = AttributeModificationType.REPLACE


def add(**values: str) -> CSEntryChange:
    return CSEntryChange("User", ADD, attributes={name: (one,) for name, one in values.items()}, identifier="1")


def update(anchor: str, **values: str) -> CSEntryChange:
    parts = tuple(AttributeChange(name, REPLACE, (one,)) for name, one in values.items())
    return CSEntryChange("User", UPDATE, (anchor,), attribute_changes=parts, identifier="1")


@pytest.fixture
def explain(people, connect, step):
    def explained(change: CSEntryChange) -> ExportExplanation:
        before, folder = people.read_bytes(), sorted(people.parent.iterdir())
        (told,) = ecmahost_csv.explain_export(connect(people), step("id", "name", "mail"), [change])
        assert people.read_bytes() == before
        assert sorted(people.parent.iterdir()) == folder
        return told

    return explained


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (update("2", name="Rob, jr."), 'people.csv\nline 3\n- 2,Bob,bob@example.com\n+ 2,"Rob, jr.",bob@example.com'),
        (add(id="3", name="Cyd"), "people.csv\nat the end\n+ 3,Cyd,"),
        (CSEntryChange("User", DELETE, ("1",), identifier="1"), "people.csv\nline 2\n- 1,Ann,ann@example.com"),
    ],
)
def test_the_rows_that_are_told_are_those_that_an_export_removes_and_adds(explain, people, connect, step, change, text):
    told = explain(change)
    (statement,) = told.statements
    assert statement.text == text
    assert statement.writes
    assert told.error is None
    assert str(people) in told.note
    before = people.read_text().splitlines()
    (result,) = ecmahost_csv.export(connect(people), step("id", "name", "mail"), [change])
    assert result.error is None
    after = people.read_text().splitlines()
    lines = text.splitlines()
    assert [f"- {line}" for line in before if line not in after] == [line for line in lines if line.startswith("-")]
    assert [f"+ {line}" for line in after if line not in before] == [line for line in lines if line.startswith("+")]


def test_a_change_to_what_is_there_already_writes_nothing(explain):
    told = explain(update("1", name="Ann"))
    assert (told.statements, told.error, told.note) == ((), None, "")


def test_what_would_be_refused_is_told(explain):
    missing, taken = explain(update("9", name="x")), explain(add(id="1", name="x"))
    assert missing.error is not None
    assert missing.error.code is MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT
    assert taken.error is not None
    assert taken.error.code is MAExportError.DUPLICATE_ANCHOR
    assert missing.statements == taken.statements == ()


def test_each_change_is_told_as_if_it_were_alone(people, connect, step):
    changes = [add(id="3", name="Cyd"), add(id="3", name="Dan")]
    told = ecmahost_csv.explain_export(connect(people), step("id", "name", "mail"), changes)
    assert [one.error for one in told] == [None, None]


def test_a_file_that_is_gone_cannot_be_asked(people, connect, step):
    session = connect(people)
    people.unlink()
    with pytest.raises(ServerDown):
        ecmahost_csv.explain_export(session, step("id", "name", "mail"), [add(id="3", name="x")])


# Groups ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def club(tmp_path, connect):
    """A session on three files, and what is in them."""
    texts = {
        "people": "id,name\n1,Ann\n2,Bob\n3,Cyd\n",
        "groups": "name,purpose\nstaff,all\n",
        "memberships": "group,since,member\nstaff,2020,1\nstaff,2021,2\n",
    }
    paths = {name: tmp_path / f"{name}.csv" for name in texts}
    for name, text in texts.items():
        paths[name].write_text(text, encoding="utf-8")
    files = {"groups_file": str(paths["groups"]), "memberships_file": str(paths["memberships"])}
    session = connect(paths["people"], membership_columns="group,member", **files)
    anchors = {"User": ("id",), "Group": ("name",)}
    types = tuple(replace(one, anchor=anchors[one.name]) for one in ecmahost_csv.schema(session).types)
    return session, RunStep(types, 100), paths


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        (
            CSEntryChange(
                "Group",
                UPDATE,
                ("staff",),
                attribute_changes=(
                    AttributeChange(
                        "members", AttributeModificationType.UPDATE, (Reference("3"),), (Reference("1"), Reference("9"))
                    ),
                ),
                identifier="1",
            ),
            ["memberships.csv\nline 2\n- staff,2020,1\nat the end\n+ staff,,3"],
        ),
        (
            CSEntryChange("User", DELETE, ("2",), identifier="1"),
            ["memberships.csv\nline 3\n- staff,2021,2", "people.csv\nline 3\n- 2,Bob"],
        ),
    ],
)
def test_members_are_told_file_by_file_in_the_order_of_the_rewrites(club, change, texts):
    session, step, paths = club
    before = {path: path.read_text().splitlines() for path in paths.values()}
    (told,) = ecmahost_csv.explain_export(session, step, [change])
    assert {path: path.read_text().splitlines() for path in paths.values()} == before
    assert [one.text for one in told.statements] == texts
    (result,) = ecmahost_csv.export(session, step, [change])
    assert result.error is None
    lines = [line for text in texts for line in text.splitlines() if line[:2] in ("- ", "+ ")]
    done = []
    for path in (paths["memberships"], paths["people"], paths["groups"]):
        after = path.read_text().splitlines()
        done += [f"- {line}" for line in before[path] if line not in after]
        done += [f"+ {line}" for line in after if line not in before[path]]
    assert done == lines
