"""Full imports: what of a file becomes an object, what becomes a failure, what stops the run."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import ecmahost_csv
import pytest
from ecmahost_csv.records import RECORD_LIMIT
from ecmahost_csv.session import CsvSession

from ecmahost_core import (
    AccessDenied,
    AttributeType,
    ConnectorError,
    CSEntryChange,
    MAImportError,
    ObjectModificationType,
    ObjectTypeNotSupported,
    RunStep,
    SchemaAttribute,
    SchemaType,
    ServerDown,
    UnexpectedData,
)

Connect = Callable[..., CsvSession]
Step = Callable[..., RunStep]


def entries(session: CsvSession, step: RunStep) -> list[CSEntryChange]:
    return [entry for page in ecmahost_csv.full_import(session, step) for entry in page.entries]


def test_every_row_is_an_add_with_every_selected_attribute(people: Path, connect: Connect, step: Step) -> None:
    first, second = entries(connect(people), step("id", "mail"))
    assert first.modification_type is ObjectModificationType.ADD
    assert (first.object_type, first.anchor, first.failure) == ("User", ("1",), None)
    assert first.attributes == {"id": ("1",), "mail": ("ann@example.com",)}
    assert second.anchor == ("2",)


def test_an_empty_cell_is_an_attribute_without_a_value(tmp_path: Path, connect: Connect, step: Step) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id,name\n1,\n")
    assert entries(connect(path), step("id", "name"))[0].attributes == {"id": ("1",), "name": ()}


def test_pages_hold_at_most_the_page_size(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id\n" + "".join(f"{number}\n" for number in range(5)))
    pages = list(ecmahost_csv.full_import(connect(people), step("id", page_size=2)))
    assert [len(page.entries) for page in pages] == [2, 2, 1]


def test_a_header_alone_is_an_import_without_objects(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id,name")
    assert entries(connect(people), step("id", "name")) == []


def test_blank_lines_are_no_objects(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("\nid\n\n1\n\n\n2\n\n")
    assert [entry.anchor for entry in entries(connect(people), step("id"))] == [("1",), ("2",)]


def test_a_row_with_more_cells_than_the_header_fails_with_its_line(people: Path, connect: Connect, step: Step) -> None:
    people.write_text('id,name\n1,"two\nlines"\n2,Bob,extra\n3,Cy\n')
    first, second, third = entries(connect(people), step("id", "name"))
    assert first.attributes["name"] == ("two\nlines",)
    assert second.failure is not None
    assert second.failure.code is MAImportError.PARSE_ERROR
    assert second.failure.detail.startswith("line 4 ('2'): 3 cells under 2 columns")
    assert second.anchor == ("2",)
    assert third.failure is None


def test_a_shorter_row_reads_as_if_its_last_cells_were_empty(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id,name,mail\n1,Ann\n")
    (only,) = entries(connect(people), step("id", "name", "mail"))
    assert only.failure is None
    assert only.attributes == {"id": ("1",), "name": ("Ann",), "mail": ()}


def test_wrong_quoting_fails_for_that_row_only(people: Path, connect: Connect, step: Step) -> None:
    people.write_text('id,name\n1,"Ann"x\n2,Bob\n')
    first, second = entries(connect(people), step("id", "name"))
    assert first.failure is not None
    assert first.failure.detail.startswith("line 2: wrong quoting")
    assert second.attributes["name"] == ("Bob",)


def test_a_row_with_a_nul_fails_for_that_row_only(people: Path, connect: Connect, step: Step) -> None:
    people.write_bytes(b'id,name\n1,a\0b\n2,"c\n\0d"\n3,e\n')
    first, second, third = entries(connect(people), step("id", "name"))
    assert [one.failure.detail for one in (first, second) if one.failure] == [
        "line 2: a NUL character; is this the file's encoding?",
        "line 3: a NUL character; is this the file's encoding?",
    ]
    assert third.attributes["name"] == ("e",)


def test_a_second_row_with_an_anchor_fails_and_names_both_lines(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id,name\nann,Ann\nbob,Bob\nANN ,Other\nann,Third\n")
    found = entries(connect(people), step("id", "name"))
    assert [entry.failure is None for entry in found] == [True, True, False, False]
    details = [entry.failure.detail for entry in found if entry.failure]
    assert details[0].startswith("line 4 ('ANN ')")
    assert all("also on line 2" in detail for detail in details)


def test_a_row_without_an_anchor_fails(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id,name\n ,Ann\n")
    (only,) = entries(connect(people), step("id", "name"))
    assert only.failure is not None
    assert only.failure.detail == "line 2: the anchor 'id' is empty"


def test_an_anchor_of_two_columns_needs_both_to_be_equal(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("company,id\nA,1\nB,1\nA,2\na,1\nA,\n")
    found = entries(connect(people), step("company", "id", anchor=("company", "id")))
    assert [entry.failure is None for entry in found] == [True, True, True, False, False]
    assert found[1].anchor == ("B", "1")


def test_cells_are_read_by_the_types_of_the_configuration(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id,active,hired,key\n007,yes,2024-01-31,AAE=\n")
    typed = step(
        SchemaAttribute("id", AttributeType.INTEGER),
        SchemaAttribute("active", AttributeType.BOOLEAN),
        SchemaAttribute("hired", AttributeType.DATE_TIME),
        SchemaAttribute("key", AttributeType.BINARY),
    )
    (only,) = entries(connect(people), typed)
    assert only.anchor == (7,)
    assert only.attributes == {
        "id": (7,),
        "active": (True,),
        "hired": (datetime(2024, 1, 31, tzinfo=UTC),),
        "key": (b"\x00\x01",),
    }


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (AttributeType.BOOLEAN, "perhaps"),
        (AttributeType.INTEGER, "1.5"),
        (AttributeType.INTEGER, "9223372036854775808"),
        (AttributeType.INTEGER, "9" * 5000),
        (AttributeType.DATE_TIME, "31.01.2024"),
        (AttributeType.BINARY, "?"),
    ],
)
def test_a_cell_that_does_not_parse_fails_naming_column_and_anchor_but_not_the_cell(
    people: Path, connect: Connect, step: Step, kind: AttributeType, cell: str
) -> None:
    people.write_text(f"id,value\nann,{cell}\nbob,\n")
    first, second = entries(connect(people), step("id", SchemaAttribute("value", kind)))
    assert first.failure is not None
    assert first.failure.code is MAImportError.INVALID_ATTRIBUTE_VALUE
    assert "'value'" in first.failure.detail
    assert "'ann'" in first.failure.detail
    assert cell not in first.failure.detail
    assert second.attributes["value"] == ()


def test_a_multi_valued_cell_is_split(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id,groups\n1,a|b||c\n2,\n")
    session = connect(people, multi_value_separator="|", multi_valued="groups")
    found = entries(session, step("id", SchemaAttribute("groups", multi_valued=True)))
    assert [entry.attributes["groups"] for entry in found] == [("a", "b", "c"), ()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "latin-1", "cp1252"])
def test_encodings_and_byte_order_marks_are_read(tmp_path: Path, connect: Connect, step: Step, encoding: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes('id,name\r\n1,"J\u00fcrgen\r\nM\u00fcller"\r\n'.encode(encoding))
    configured = "utf-8" if encoding == "utf-8-sig" else encoding
    (only,) = entries(connect(path, encoding=configured), step("id", "name"))
    assert only.attributes == {"id": ("1",), "name": ("J\u00fcrgen\r\nM\u00fcller",)}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_line_feed_byte_inside_a_utf_16_character_ends_no_line(
    tmp_path: Path, connect: Connect, step: Step, encoding: str
) -> None:
    path = tmp_path / "people.csv"
    name = "\u0a0a\u010a\u0a00\u0a0d"
    path.write_bytes(f"id,name\n1,{name}\n2,x\n".encode(encoding))
    first, second = entries(connect(path, encoding=encoding), step("id", "name"))
    assert first.attributes["name"] == (name,)
    assert second.attributes["name"] == ("x",)


def test_delimiter_and_quote_are_the_configured_ones(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id\tname\n1\t'a\tb''c'\n")
    (only,) = entries(connect(people, delimiter="tab", quote="'"), step("id", "name"))
    assert only.attributes["name"] == ("a\tb'c",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"id,,x\n", "column 2 has no name"),
        (b"id,x,x\n", "'x' is named twice"),
        (b'id,name\n1,"open\n2,b\n', "line 2: a quote is opened and never closed"),
        (b"id,name\n1,a\n2,\xff\xfe\n", "line 3: these bytes are not utf-8"),
        (b"\xff\xfei\x00d\x00", "byte order mark of utf-16-le"),
        (b"id\rname\r1\r2\r", "header cannot be read: a carriage return that ends no line"),
        (b"i\0d\0,\0x\0\n\0", "header cannot be read: a NUL character"),
        (b"id,name\n1," + b"x" * RECORD_LIMIT + b"\n", "line 2: the record is longer than 4 MiB"),
        (b'id,name\n1,"' + b"x\n" * (RECORD_LIMIT // 2) + b'"\n', "line 2: the record is longer than 4 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_stops_the_run_before_anything_is_yielded(
    people: Path, connect: Connect, step: Step, content: bytes, words: str
) -> None:
    session = connect(people)
    people.write_bytes(content)
    pages = ecmahost_csv.full_import(session, step("id", page_size=1))
    with pytest.raises(UnexpectedData, match=words) as caught:
        next(pages)
    assert str(caught.value).startswith(str(people))


def test_a_vanished_file_is_a_target_that_is_down(people: Path, connect: Connect, step: Step) -> None:
    session = connect(people)
    assert ecmahost_csv.session_alive(session)
    people.unlink()
    assert not ecmahost_csv.session_alive(session)
    with pytest.raises(ServerDown, match="is not there"):
        entries(session, step("id"))
    with pytest.raises(ServerDown):
        connect(people)


def test_a_folder_and_a_pipe_are_no_file(tmp_path: Path, connect: Connect) -> None:
    with pytest.raises(AccessDenied, match="not a regular file"):
        connect(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AccessDenied, match="not a regular file"):
        connect(tmp_path / "pipe")


def test_an_import_reads_one_version_also_when_another_is_renamed_over_it(
    people: Path, connect: Connect, step: Step
) -> None:
    pages = ecmahost_csv.full_import(connect(people), step("id", page_size=1))
    assert next(pages).entries[0].anchor == ("1",)
    replacement = people.with_name("new")
    replacement.write_text("id,name,mail\n9,Zoe,z@example.com\n")
    replacement.replace(people)
    assert [entry.anchor for page in pages for entry in page.entries] == [("2",)]


def test_an_import_of_a_file_that_is_written_to_meanwhile_does_not_end_normally(
    people: Path, connect: Connect, step: Step
) -> None:
    pages = ecmahost_csv.full_import(connect(people), step("id", page_size=1))
    next(pages)
    with people.open("a") as file:
        file.write("3,Cy,cy@example.com\n")
    with pytest.raises(UnexpectedData, match="changed while being read"):
        list(pages)


def test_an_import_notices_a_write_that_the_times_of_the_file_do_not_show(
    people: Path, connect: Connect, step: Step
) -> None:
    pages = ecmahost_csv.full_import(connect(people), step("id", page_size=1))
    next(pages)
    before = people.stat()
    with people.open("r+") as file:
        file.write(people.read_text().replace("Bob", "Rob"))
    os.utime(people, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (people.stat().st_size, people.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    with pytest.raises(UnexpectedData, match="changed while being read"):
        list(pages)


def test_an_import_minds_no_other_owner_mode_or_name_of_the_file(people: Path, connect: Connect, step: Step) -> None:
    pages = ecmahost_csv.full_import(connect(people), step("id", page_size=1))
    next(pages)
    people.chmod(0o600)
    people.rename(people.with_name("moved"))
    assert len(list(pages)) == 1


def test_a_step_may_only_ask_for_what_the_file_has(people: Path, connect: Connect, step: Step) -> None:
    with pytest.raises(ObjectTypeNotSupported, match="'phone'"):
        entries(connect(people), step("id", "phone"))
    other = RunStep((SchemaType("Group", (SchemaAttribute("id"),), ("id",)),), 10)
    with pytest.raises(ObjectTypeNotSupported, match="'Group'"):
        entries(connect(people), other)


def test_the_schema_is_the_header_all_text(people: Path, connect: Connect) -> None:
    session = connect(people, object_type="Person", multi_value_separator="|", multi_valued="mail")
    (only,) = ecmahost_csv.schema(session).types
    assert (only.name, only.anchor) == ("Person", ())
    assert only.attributes == (
        SchemaAttribute("id"),
        SchemaAttribute("name"),
        SchemaAttribute("mail", multi_valued=True),
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"delimiter": ";;"},
        {"delimiter": '"'},
        {"quote": "\n"},
        {"encoding": "utf-7"},
        {"encoding": "no such"},
        {"encoding": "x" * 100_000},
        {"quote": "\N{DOUBLE LOW-9 QUOTATION MARK}", "encoding": "ascii"},
        {"delimiter": "\N{RIGHTWARDS ARROW}", "encoding": "cp1252"},
        {"multi_valued": "mail"},
        {"multi_value_separator": "\n"},
    ],
)
def test_parameters_that_cannot_be_used_are_named(people: Path, connect: Connect, parameters: dict[str, str]) -> None:
    with pytest.raises(ConnectorError, match=next(iter(parameters))) as caught:
        connect(people, **parameters)
    assert len(str(caught.value)) < 200


PEAK = """
import resource, sys
from pathlib import Path
import ecmahost_csv
from ecmahost_core import RunStep, SchemaAttribute, SchemaType

names = ("id", "name", "mail")
step = RunStep((SchemaType("User", tuple(map(SchemaAttribute, names)), ("id",)),), 1000)
peaks = []
for path in sys.argv[1:]:
    with ecmahost_csv.open_session({"file": path}) as session:
        count = sum(len(page.entries) for page in ecmahost_csv.full_import(session, step))
    peaks.append((count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
print(*(number for peak in peaks for number in peak))
"""


def test_an_import_of_300_000_rows_takes_hardly_more_memory_than_one_of_3_000(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    for count in (3_000, 300_000):
        with (tmp_path / f"{count}.csv").open("w") as file:
            file.write("id,name,mail\n")
            file.writelines(f"{number},Name {number},user{number}@example.com\n" for number in range(count))
    files = [str(tmp_path / "3000.csv"), str(tmp_path / "300000.csv")]
    done = subprocess.run([sys.executable, "-c", PEAK, *files], env=environment, capture_output=True, text=True)
    few, before, many, after = map(int, done.stdout.split())
    assert (few, many) == (3_000, 300_000)
    assert after - before < 48 * 1024, "kilobytes"
