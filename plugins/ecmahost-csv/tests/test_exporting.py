"""Exports: what each change does to the file, what it leaves alone, what is refused."""

import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ecmahost_csv
import pytest
from ecmahost_csv.session import CsvSession
from ecmahost_csv.target import Version

from ecmahost_core import (
    AccessDenied,
    Anchor,
    AttributeChange,
    AttributeModificationType,
    AttributeType,
    ConnectorError,
    CSEntryChange,
    CSEntryChangeResult,
    MAExportError,
    ObjectModificationType,
    ObjectTypeNotSupported,
    RunStep,
    SchemaAttribute,
    ServerDown,
    UnexpectedData,
    Value,
)

Connect = Callable[..., CsvSession]
Step = Callable[..., RunStep]
ADD, REPLACE, DELETE = ObjectModificationType.ADD, ObjectModificationType.REPLACE, ObjectModificationType.DELETE


PEOPLE = "id,name,mail\n1,Ann,ann@example.com\n2,Bob,bob@example.com\n"


def add(identifier: str = "a", **attributes: Value | tuple[Value, ...]) -> CSEntryChange:
    values = {name: value if isinstance(value, tuple) else (value,) for name, value in attributes.items()}
    return CSEntryChange("User", ADD, attributes=values, identifier=identifier)


def update(anchor: str | Anchor, identifier: str = "u", **values: Value | tuple[Value, ...]) -> CSEntryChange:
    changes = tuple(
        AttributeChange(name, AttributeModificationType.REPLACE, value if isinstance(value, tuple) else (value,))
        for name, value in values.items()
    )
    found = anchor if isinstance(anchor, tuple) else (anchor,)
    return CSEntryChange("User", ObjectModificationType.UPDATE, found, attribute_changes=changes, identifier=identifier)


def delete(anchor: str, identifier: str = "d") -> CSEntryChange:
    return CSEntryChange("User", DELETE, (anchor,), identifier=identifier)


def one(session: CsvSession, step: RunStep, change: CSEntryChange) -> CSEntryChangeResult:
    (result,) = ecmahost_csv.export(session, step, [change])
    assert result.identifier == change.identifier
    return result


def code(result: CSEntryChangeResult) -> MAExportError | None:
    return result.error.code if result.error else None


def imported(session: CsvSession, step: RunStep) -> dict[Anchor, dict[str, Any]]:
    return {
        entry.anchor: dict(entry.attributes)
        for page in ecmahost_csv.full_import(session, step)
        for entry in page.entries
    }


def test_an_add_is_a_row_at_the_end_and_its_result_is_what_an_import_yields(
    people: Path, connect: Connect, step: Step
) -> None:
    session, step_ = connect(people), step("id", "name", "mail")
    result = one(session, step_, add(id="3 ", name='Cy "the, best"\r\nof'))
    assert result.error is None
    assert people.read_bytes() == PEOPLE.encode() + b'3 ,"Cy ""the, best""\r\nof",\n'
    assert imported(session, step_)[result.anchor] == result.attributes
    assert result.anchor == ("3 ",)


def test_an_update_changes_its_cells_and_a_delete_its_row_and_nothing_else_moves(
    people: Path, connect: Connect, step: Step
) -> None:
    people.write_bytes(
        b'\xef\xbb\xbfid,note,name,mail\r\n1,"kept, as it is","Ann",a@x\r\n'
        b'\r\n2,x,Bob,b@x\n3,"unparsable"!,C,c\r\n4,"y",Dee\r\n5,z,Eve,e@x,too,many\r\n6,,"Fay",f@x'
    )
    session, step_ = connect(people), step("id", "name", "mail")
    results = ecmahost_csv.export(
        session, step_, [update("2", name="Rob"), delete("4"), update("6", "v", mail=()), add(id="7")]
    )
    assert [code(result) for result in results] == [None] * 4
    assert people.read_bytes() == (
        b'\xef\xbb\xbfid,note,name,mail\r\n1,"kept, as it is","Ann",a@x\r\n'
        b'\r\n2,x,Rob,b@x\n3,"unparsable"!,C,c\r\n5,z,Eve,e@x,too,many\r\n6,,Fay,\r\n7,,,'
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("ending", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_byte_order_mark_line_endings_and_the_last_one_are_kept(
    people: Path, connect: Connect, step: Step, newline: str, ending: bool, encoding: str
) -> None:
    def content(*lines: str) -> bytes:
        return (newline.join(lines) + newline * ending).encode(encoding)

    people.write_bytes(content("id,name", "1,J\u00f6", "2,B"))
    session = connect(people, encoding="utf-8" if encoding == "utf-8-sig" else encoding)
    for changes, lines in (
        ([add(id="3", name="\u00fc")], ("1,J\u00f6", "2,B", "3,\u00fc")),
        ([delete("3")], ("1,J\u00f6", "2,B")),
        ([update("2", name="\u00e9")], ("1,J\u00f6", "2,\u00e9")),
        ([delete("2"), add(id="4")], ("1,J\u00f6", "4,")),
    ):
        results = ecmahost_csv.export(session, step("id", "name"), changes)
        assert [code(result) for result in results] == [None] * len(changes)
        assert people.read_bytes() == content("id,name", *lines)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_whose_last_row_is_removed_still_says_how_its_lines_end(
    people: Path, connect: Connect, step: Step, newline: str
) -> None:
    people.write_bytes(f"id{newline}1".encode())
    session = connect(people)
    one(session, step("id"), delete("1"))
    assert people.read_bytes() == f"id{newline}".encode()
    one(session, step("id"), add(id="2"))
    assert people.read_bytes() == f"id{newline}2{newline}".encode()


def test_a_file_with_a_header_alone_takes_rows(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id")
    assert one(connect(people), step("id"), add(id="1")).error is None
    assert people.read_text() == "id\n1"


def test_quoting_all_quotes_what_is_written(people: Path, connect: Connect, step: Step) -> None:
    session = connect(people, quoting="all", delimiter="\\t", quote="'")
    people.write_text("id\tname\n1\tAnn\n")
    one(session, step("id", "name"), add(id="2", name="O'Hara"))
    assert people.read_text() == "id\tname\n1\tAnn\n'2'\t'O''Hara'\n"


def test_changes_of_a_batch_see_those_before_them(people: Path, connect: Connect, step: Step) -> None:
    session, step_ = connect(people), step("id", "name", "mail")
    results = ecmahost_csv.export(
        session,
        step_,
        [
            add("1", id="9", name="Zoe"),
            add("2", id="9"),
            update("9", "3", name="Zoey"),
            update("9", "4", id="8"),
            update("9", "5", name="x"),
            delete("1", "6"),
            delete("1", "7"),
            add("8", id="1", name="New"),
            delete("8", "9"),
        ],
    )
    assert [code(result) for result in results] == [
        None,
        MAExportError.DUPLICATE_ANCHOR,
        None,
        None,
        MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT,
        None,
        MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT,
        None,
        None,
    ]
    assert results[3].anchor == ("8",)
    assert people.read_text() == "id,name,mail\n2,Bob,bob@example.com\n1,New,\n"


def test_a_replace_is_the_whole_object_and_leaves_unselected_columns_alone(
    people: Path, connect: Connect, step: Step
) -> None:
    people.write_text("id,name,mail,note\n1,Ann,a@x,keep\n")
    change = CSEntryChange("User", REPLACE, ("1",), attributes={"name": ("Anna",)}, identifier="r")
    result = one(connect(people), step("id", "name", "mail"), change)
    assert result.attributes == {"id": ("1",), "name": ("Anna",), "mail": ()}
    assert people.read_text() == "id,name,mail,note\n1,Anna,,keep\n"


def test_the_kinds_of_attribute_change(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id,name,groups\n1,Ann,a|b|c\n")
    session = connect(people, multi_value_separator="|", multi_valued="groups")
    step_ = step("id", "name", SchemaAttribute("groups", multi_valued=True))
    kind = AttributeModificationType

    def after(*changes: AttributeChange) -> str:
        change = CSEntryChange("User", ObjectModificationType.UPDATE, ("1",), attribute_changes=changes, identifier="x")
        assert one(session, step_, change).error is None
        return people.read_text().splitlines()[1]

    assert after(AttributeChange("groups", kind.UPDATE, ("d", "a"), ("b",))) == "1,Ann,a|c|d"
    assert after(AttributeChange("groups", kind.REPLACE, ("d", "c", "a"))) == "1,Ann,a|c|d"
    assert after(AttributeChange("groups", kind.DELETE)) == "1,Ann,"
    assert after(AttributeChange("groups", kind.ADD, ("x", "y"))) == "1,Ann,x|y"
    assert after(AttributeChange("name", kind.UPDATE, ("Anna",), ("Other",))) == "1,Anna,x|y"
    assert after(AttributeChange("name", kind.UPDATE, (), ("Anna",))) == "1,,x|y"


@pytest.mark.parametrize(
    ("change", "expected", "attribute"),
    [
        (add(id="1"), MAExportError.DUPLICATE_ANCHOR, ""),
        (add(id="ANN"), MAExportError.DUPLICATE_ANCHOR, ""),
        (add(id="ann  "), MAExportError.DUPLICATE_ANCHOR, ""),
        (add(name="x"), MAExportError.MISSING_PROVISIONING_ATTRIBUTE, "id"),
        (add(id="  "), MAExportError.MISSING_PROVISIONING_ATTRIBUTE, "id"),
        (add(id="9", phone="1"), MAExportError.SCHEMA_VIOLATION, "phone"),
        (add(id="9", groups=("a|b",)), MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, "groups"),
        (add(id="9", name=("a", "b")), MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, "name"),
        (add(id="9", name="a\0b"), MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, "name"),
        (add(id="9", name="\ud800"), MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, "name"),
        (add(id="9", name="x" * 5_000_000), MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, ""),
        (add(id="9", active="perhaps"), MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, "active"),
        (update("7", name="x"), MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT, ""),
        (delete("7"), MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT, ""),
        (update("1", id="ann"), MAExportError.DUPLICATE_ANCHOR, ""),
        (update("1", id=()), MAExportError.MISSING_PROVISIONING_ATTRIBUTE, "id"),
        (update("two", name="x"), MAExportError.AMBIGUOUS_UPDATE, ""),
        (delete("two"), MAExportError.AMBIGUOUS_UPDATE, ""),
        (update("long", name="x"), MAExportError.CONNECTED_DIRECTORY_ERROR, ""),
        (add(id="long"), MAExportError.DUPLICATE_ANCHOR, ""),
        (update((), name="x"), MAExportError.SCHEMA_VIOLATION, ""),
        (CSEntryChange("Group", ADD, identifier="g"), MAExportError.SCHEMA_VIOLATION, ""),
    ],
)
def test_a_refused_change_is_a_result_and_the_file_is_not_rewritten(
    people: Path, connect: Connect, step: Step, change: CSEntryChange, expected: MAExportError, attribute: str
) -> None:
    people.write_text("id,name,groups,active\n1,One,a,\nAnn,Ann,,\ntwo,A,,\ntwo,B,,\nlong,x,y,True,more\n")
    session = connect(people, multi_value_separator="|", multi_valued="groups")
    before = Version.of(people.stat())
    typed = (SchemaAttribute("groups", multi_valued=True), SchemaAttribute("active", AttributeType.BOOLEAN))
    result = one(session, step("id", "name", *typed), change)
    assert result.error is not None
    assert (result.error.code, result.error.attribute) == (expected, attribute)
    assert Version.of(people.stat()) == before


def test_a_value_that_the_encoding_lacks_is_refused_and_the_others_of_the_batch_are_written(
    people: Path, connect: Connect, step: Step
) -> None:
    session = connect(people, encoding="latin-1")
    first, second = ecmahost_csv.export(
        session, step("id", "name"), [add("1", id="8", name="\u0141"), add("2", id="9", name="\u00e9")]
    )
    assert (code(first), code(second)) == (MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, None)
    assert people.read_bytes().endswith(b"\n9,\xe9,\n")


def test_of_two_rows_that_differ_in_case_the_one_of_exactly_this_text_is_changed(
    people: Path, connect: Connect, step: Step
) -> None:
    people.write_text("id,name\nBob,B\nbob,b\n")
    session = connect(people)
    assert one(session, step("id", "name"), update("bob", name="x")).error is None
    assert people.read_text() == "id,name\nBob,B\nbob,x\n"
    assert code(one(session, step("id", "name"), update("BOB", name="x"))) is MAExportError.AMBIGUOUS_UPDATE


def test_an_update_that_changes_nothing_does_not_rewrite_the_file(people: Path, connect: Connect, step: Step) -> None:
    people.write_text('id,active\n"1",yes\n')
    before = Version.of(people.stat())
    typed = step("id", SchemaAttribute("active", AttributeType.BOOLEAN))
    result = one(connect(people), typed, update("1", active=True))
    assert (result.error, result.anchor, result.attributes) == (None, ("1",), {"id": ("1",), "active": (True,)})
    assert Version.of(people.stat()) == before


@pytest.mark.parametrize(
    ("cell", "true", "false"),
    [
        ("yes", "yes", "no"),
        ("0", "1", "0"),
        ("TRUE", "TRUE", "FALSE"),
        ("false", "true", "false"),
        ("", "True", "False"),
    ],
)
def test_booleans_are_spelled_as_the_column_spells_them(
    people: Path, connect: Connect, step: Step, cell: str, true: str, false: str
) -> None:
    people.write_text(f"id,active\n1,\n2,{cell}\n3,\n")
    session, typed = connect(people), step("id", SchemaAttribute("active", AttributeType.BOOLEAN))
    result = one(session, typed, update("3", active=True))
    assert result.attributes == {"id": ("3",), "active": (True,)}
    one(session, typed, add(id="4", active=False))
    assert people.read_text() == f"id,active\n1,\n2,{cell}\n3,{true}\n4,{false}\n"


def test_booleans_are_read_and_written_in_the_words_that_the_configuration_gives(
    people: Path, connect: Connect, step: Step
) -> None:
    people.write_text("id,active\n1,ja\n2,NEIN\n3,\n")
    session = connect(people, true_and_false="ja, nein")
    typed = step("id", SchemaAttribute("active", AttributeType.BOOLEAN))
    assert [found["active"] for found in imported(session, typed).values()] == [(True,), (False,), ()]
    one(session, typed, update("3", active=False))
    one(session, typed, add(id="4", active=True))
    assert people.read_text() == "id,active\n1,ja\n2,NEIN\n3,nein\n4,ja\n"


@pytest.mark.parametrize("words", ["ja", "ja,", "ja,nein,vielleicht", "ja,JA"])
def test_words_for_true_and_false_that_cannot_be_told_apart_are_refused_by_name(
    people: Path, connect: Connect, words: str
) -> None:
    with pytest.raises(ConnectorError, match="true_and_false: expected two different words"):
        connect(people, true_and_false=words)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("2024-01-31", "2025-02-01"),
        ("2024-01-31 10:00:00", "2025-02-01 00:00:00"),
        ("2024-01-31T10:00:00Z", "2025-02-01T00:00:00Z"),
        ("2024-01-31T10:00:00+01:00", "2025-02-01T00:00:00+00:00"),
        ("", "2025-02-01T00:00:00+00:00"),
    ],
)
def test_times_are_spelled_as_the_column_spells_them(
    people: Path, connect: Connect, step: Step, cell: str, written: str
) -> None:
    people.write_text(f"id,hired\n1,{cell}\n")
    moment = datetime(2025, 2, 1, tzinfo=UTC)
    typed = step("id", SchemaAttribute("hired", AttributeType.DATE_TIME))
    assert one(connect(people), typed, add(id="2", hired=moment)).attributes == {"id": ("2",), "hired": (moment,)}
    assert people.read_text().splitlines()[-1] == f"2,{written}"


def test_a_cell_of_another_column_that_does_not_parse_does_not_stop_an_update(
    people: Path, connect: Connect, step: Step
) -> None:
    people.write_text("id,name,age\n1,Ann,old\n")
    result = one(
        connect(people), step("id", "name", SchemaAttribute("age", AttributeType.INTEGER)), update("1", name="A")
    )
    assert (result.error, result.anchor, result.attributes) == (None, ("1",), None)
    assert people.read_text() == "id,name,age\n1,A,old\n"


def test_an_integer_anchor_is_found_however_it_is_spelled(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id,name\n007,Bond\n")
    session, typed = connect(people), step(SchemaAttribute("id", AttributeType.INTEGER), "name")
    assert code(one(session, typed, add(id=7))) is MAExportError.DUPLICATE_ANCHOR
    assert one(session, typed, update((7,), name="James")).anchor == (7,)
    assert people.read_text() == "id,name\n007,James\n"


def test_mode_and_links_of_the_file_are_kept(tmp_path: Path, people: Path, connect: Connect, step: Step) -> None:
    people.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(people)
    assert one(connect(link), step("id"), add(id="3")).error is None
    assert stat.S_IMODE(people.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert people.read_text().endswith("\n3,,\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", "people.csv", "people.csv.lock"]


def test_a_temporary_file_that_a_killed_writer_left_is_removed(people: Path, connect: Connect, step: Step) -> None:
    stale = people.with_name(".people.csv.ecmahost-tmp")
    stale.write_text("half")
    assert one(connect(people), step("id"), add(id="1")).error is not None
    assert not stale.exists()


def test_a_folder_in_the_way_is_told_and_nothing_was_sent(people: Path, connect: Connect, step: Step) -> None:
    session = connect(people)
    people.with_name("people.csv.lock").mkdir()
    people.with_name(".people.csv.ecmahost-tmp").mkdir()
    with pytest.raises(AccessDenied, match="make files in this folder") as caught:
        one(session, step("id"), add(id="3"))
    assert caught.value.nothing_sent


def test_a_full_disk_leaves_the_old_file_and_no_temporary_one(people: Path, environment: dict[str, str]) -> None:
    script = """
import resource, signal, sys
import ecmahost_csv
from ecmahost_core import CSEntryChange, ObjectModificationType, RunStep, SchemaAttribute, SchemaType, ServerDown

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
step = RunStep((SchemaType("User", (SchemaAttribute("id"),), ("id",)),), 1)
change = CSEntryChange("User", ObjectModificationType.ADD, attributes={"id": ("x" * 5000,)}, identifier="a")
with ecmahost_csv.open_session({"file": sys.argv[1]}) as session:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        ecmahost_csv.export(session, step, [change])
    except ServerDown as error:
        print(error.nothing_sent, error)
"""
    before = people.read_bytes()
    done = subprocess.run([sys.executable, "-c", script, str(people)], env=environment, capture_output=True, text=True)
    assert done.stdout.startswith(f"True {people.parent}: File too large"), done.stderr
    assert people.read_bytes() == before
    assert not people.with_name(".people.csv.ecmahost-tmp").exists()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (None, ServerDown),
        ("", UnexpectedData),
        ('id,name\n1,"open\n', UnexpectedData),
        ("x,y\n", ObjectTypeNotSupported),
    ],
)
def test_a_file_that_cannot_be_read_is_not_written_to(
    people: Path, connect: Connect, step: Step, content: str | None, kind: type[ServerDown]
) -> None:
    session = connect(people)
    if content is None:
        people.unlink()
    else:
        people.write_text(content)
    with pytest.raises(kind) as caught:
        one(session, step("id"), add(id="3"))
    assert caught.value.nothing_sent
    assert content is None or people.read_text() == content
