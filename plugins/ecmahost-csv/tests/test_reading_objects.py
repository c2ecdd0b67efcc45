"""Reading single objects: equality, what comes back, and that the index follows the file whoever changes it."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import ecmahost_csv
import pytest
from ecmahost_csv import index, postings
from ecmahost_csv.columns import Column, Key, keys_of
from ecmahost_csv.dialect import Dialect
from ecmahost_csv.index import Index
from ecmahost_csv.session import CsvSession
from ecmahost_csv.target import open_target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecmahost_core import (
    AttributeType,
    CSEntryChange,
    ObjectModificationType,
    ObjectQuery,
    ObjectTypeNotSupported,
    RunStep,
    SchemaAttribute,
    UnexpectedData,
    Value,
)

Connect = Callable[..., CsvSession]
Step = Callable[..., RunStep]


def query(**values: Value) -> ObjectQuery:
    return ObjectQuery("User", tuple((name, (value,)) for name, value in values.items()))


def found(session: CsvSession, step: RunStep, **values: Value) -> list[str]:
    entries = ecmahost_csv.full_object_import(session, step, query(**values))
    assert all(entry.failure is None for entry in entries)
    return [str(entry.anchor[0]) for entry in entries]


def test_an_object_is_found_by_anchor_and_by_any_column(people: Path, connect: Connect, step: Step) -> None:
    session, step_ = connect(people), step("id", "mail")
    (by_anchor,) = ecmahost_csv.full_object_import(session, step_, query(id="2"))
    (by_name,) = ecmahost_csv.full_object_import(session, step_, query(name="Bob"))
    assert by_anchor == by_name
    assert by_anchor.attributes == {"id": ("2",), "mail": ("bob@example.com",)}
    assert found(session, step_, id="2", name="Ann") == []
    assert found(session, step_, id="2", name="Bob") == ["2"]


def test_case_and_trailing_blanks_and_composition_do_not_matter(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id,name\n1,Zo\u00eb \n2,STRASSE\n")
    session = connect(people)
    assert found(session, step("id"), name="zoe\u0308") == ["1"]
    assert found(session, step("id"), name="stra\u00dfe  ") == ["2"]


def test_typed_columns_compare_by_value(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id,active,hired\n007,yes,2024-01-31T12:00:00+02:00\n8,no,\n")
    typed = step(
        SchemaAttribute("id", AttributeType.INTEGER),
        SchemaAttribute("active", AttributeType.BOOLEAN),
        SchemaAttribute("hired", AttributeType.DATE_TIME),
    )
    session = connect(people)
    assert found(session, typed, id=7) == ["7"]
    assert found(session, typed, active=False) == ["8"]
    assert found(session, typed, hired=datetime(2024, 1, 31, 10, tzinfo=UTC)) == ["7"]
    assert found(session, typed, id="seven") == []


def test_each_value_of_a_multi_valued_cell_finds_the_row(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id,mail\n1,a@x|b@x\n2,c@x\n")
    session = connect(people, multi_value_separator="|", multi_valued="mail")
    step_ = step("id", SchemaAttribute("mail", multi_valued=True))
    assert found(session, step_, mail="B@x") == ["1"]
    assert found(session, step_, mail="a@x|b@x") == []


def test_at_most_as_many_objects_as_are_of_use_come_back(people: Path, connect: Connect, step: Step) -> None:
    people.write_text("id,name\n1,A\n2,A\n3,A\n")
    assert found(connect(people), step("id"), name="a") == ["1", "2"]


def test_a_row_that_an_import_refuses_is_refused_with_the_same_words(
    people: Path, connect: Connect, step: Step
) -> None:
    people.write_text('id,name\n1,"A\nB"\n2,C\n2,D\n3,x,y\n')
    session, step_ = connect(people), step("id", "name")
    imported = [entry for page in ecmahost_csv.full_import(session, step_) for entry in page.entries]
    for name in ("2", "3"):
        entries = ecmahost_csv.full_object_import(session, step_, query(id=name))
        assert list(entries) == [entry for entry in imported if entry.anchor == (name,)]
    (second,) = ecmahost_csv.full_object_import(session, step_, query(name="D"))
    assert second.failure is not None
    assert "also on line 4" in second.failure.detail


def test_a_query_for_a_column_that_is_not_there_is_an_error(people: Path, connect: Connect, step: Step) -> None:
    with pytest.raises(ObjectTypeNotSupported, match="'phone'"):
        found(connect(people), step("id"), phone="1")


def test_what_one_session_writes_another_finds(people: Path, connect: Connect, step: Step) -> None:
    writer, reader = connect(people), connect(people)
    for number in range(3, 20):
        name = f"new{number}"
        assert found(reader, step("id"), name=name) == []
        change = CSEntryChange(
            "User", ObjectModificationType.ADD, attributes={"id": (str(number),), "name": (name,)}, identifier="a"
        )
        (result,) = ecmahost_csv.export(writer, step("id", "name"), [change])
        assert result.error is None
        assert found(reader, step("id"), name=name) == [str(number)]


def test_an_edit_in_place_that_keeps_size_and_time_within_a_tick_is_noticed(
    people: Path, connect: Connect, step: Step
) -> None:
    session = connect(people)
    assert found(session, step("id"), name="bob") == ["2"]
    before = people.stat()
    with people.open("r+") as file:
        file.write(people.read_text().replace("Bob", "Rob"))
    os.utime(people, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert found(session, step("id"), name="bob") == []
    assert found(session, step("id"), name="rob") == ["2"]


def test_columns_that_move_are_followed(people: Path, connect: Connect, step: Step) -> None:
    session = connect(people)
    assert found(session, step("id"), name="ann") == ["1"]
    people.write_text("mail,name,id\nann@example.com,Ann,1\n")
    assert found(session, step("id"), name="ann") == ["1"]


def test_a_file_that_becomes_unreadable_names_the_line_and_heals(people: Path, connect: Connect, step: Step) -> None:
    session = connect(people)
    good = people.read_bytes()
    assert found(session, step("id"), name="ann") == ["1"]
    people.write_bytes(good + b"3,C,c\n4,\xff,d\n")
    with pytest.raises(UnexpectedData, match="line 5: "):
        found(session, step("id"), name="ann")
    people.write_bytes(good + b'3,"C,c\n')
    with pytest.raises(UnexpectedData, match="line 4: a quote"):
        found(session, step("id"), name="ann")
    people.write_bytes(good + b"3,C,c\n")
    assert found(session, step("id"), name="c") == ["3"]


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a few rows a segment, so that a small file has many."""
    monkeypatch.setattr(index, "SEGMENT_SIZE", 64)
    monkeypatch.setattr(postings, "SEGMENT_SIZE", 64)
    monkeypatch.setattr(index, "SMALL_SEGMENT", 16)


LINES = st.sampled_from(
    [
        *(f"{number},name{number % 7},x\n" for number in range(12)),
        "\n",
        '1,"two\nlines",x\n',
        '2,"quoted ""more""",x\n',
        '3,"open\n',
        'close",y\n',
        '"wrong"x,1,2\n',
        "short\n",
        "5,long,x,y\n",
        f"6,{'w' * 100},x\n",
    ]
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.lists(LINES, max_size=40), st.booleans()), min_size=1, max_size=4), st.data())
def test_after_any_foreign_edits_the_index_finds_what_a_scan_finds(
    small_segments: None, tmp_path: Path, versions: list[tuple[list[str], bool]], data: st.DataObject
) -> None:
    path = tmp_path / "foreign.csv"
    columns = ((Column(0, "id"),), (Column(1, "name"),), (Column(0, "id"), Column(1, "name")))
    followed = Index()
    lines: list[str] = []
    for fresh, ended in versions:
        # Keeps a part of the last version at both ends, as an edit does.
        first = data.draw(st.integers(0, len(lines)))
        last = data.draw(st.integers(first, len(lines)))
        lines = lines[:first] + fresh + lines[last:]
        content = "id,name,more\n" + "".join(lines)
        path.write_text(content if ended else content.rstrip("\n"), newline="")
        with open_target(path, Dialect()) as target:
            try:
                rows = list(target.records())
            except UnexpectedData:
                with pytest.raises(UnexpectedData):
                    followed.prepare(target, *columns)
                continue
            for each in columns:
                expected: dict[Key, list[int]] = {}
                for row in rows:
                    for key in dict.fromkeys(keys_of(each, row.cells)):
                        expected.setdefault(key, []).append(row.offset)
                for key, offsets in expected.items():
                    assert [row.offset for row in followed.find(target, each, key)] == offsets
                repeated = {offset: all_[0] for all_ in expected.values() for offset in all_[1:]}
                assert followed.repeats(target, each) == repeated
