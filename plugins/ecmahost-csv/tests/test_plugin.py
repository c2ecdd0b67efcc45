"""The package as the host sees it: its hooks, its parameters, its checks."""

import os
from collections.abc import Callable
from pathlib import Path

import ecmahost_csv
import pluggy
import pytest
from ecmahost_csv.session import CsvSession

from ecmahost_core import (
    AttributeType,
    Finding,
    RunStep,
    SchemaAttribute,
    SessionPurpose,
    Severity,
    hookspecs,
)

Connect = Callable[..., CsvSession]
Step = Callable[..., RunStep]


def test_every_hook_is_one_of_the_contract_and_the_capabilities_are_those_of_a_file() -> None:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(ecmahost_csv)
    manager.check_pending()
    found = manager.hook.capabilities(parameters={})
    assert (found.full_import, found.full_object_import) == (True, True)
    assert (found.concurrent_sessions, found.export_page_size_maximum, found.settle_seconds) == (1, 1000, 0.0)


def test_a_session_opens_with_the_defaults_of_the_declared_parameters(people: Path) -> None:
    defaults = {each.name: each.default for each in ecmahost_csv.connectivity_parameters() if each.default is not None}
    required = [each.name for each in ecmahost_csv.connectivity_parameters() if each.required]
    assert required == ["file"]
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(ecmahost_csv)
    parameters = {**defaults, "file": str(people)}
    with manager.hook.open_session(parameters=parameters, purpose=SessionPurpose.SCHEMA) as session:
        (only,) = manager.hook.schema(session=session).types
    assert only.name == "User"


def test_a_file_without_faults_has_no_findings(people: Path, connect: Connect, step: Step) -> None:
    assert list(ecmahost_csv.check(connect(people), step("id", "mail"))) == []


def test_rows_that_cannot_be_used_are_counted_with_the_first_line(people: Path, connect: Connect, step: Step) -> None:
    people.write_text('id,name,age\n1,A,1\n1,B,2\n,C,3\n,D,4\n2,"E"x,5\n3,F,6,7\n4,G,old\n5,H\n')
    findings = ecmahost_csv.check(connect(people), step("id", "name", SchemaAttribute("age", AttributeType.INTEGER)))
    assert [(each.severity, each.message.rpartition(": ")[2]) for each in findings] == [
        (Severity.WARNING, "1, the first on line 3"),
        (Severity.WARNING, "2, the first on line 4"),
        (Severity.WARNING, "2, the first on line 6"),
        (Severity.WARNING, "1, the first on line 8"),
        (Severity.INFO, "1, the first on line 9"),
    ]
    assert all(each.remedy for each in findings)


def test_missing_columns_are_errors(people: Path, connect: Connect, step: Step) -> None:
    findings = ecmahost_csv.check(connect(people), step("number", "phone", anchor=("number",)))
    assert [(each.severity, each.message) for each in findings] == [
        (Severity.ERROR, "the anchor column 'number' is missing"),
        (Severity.ERROR, "the column 'phone' is missing"),
    ]


@pytest.mark.parametrize("content", ["", "id,id\n", 'id\n"open\n'])
def test_an_unreadable_file_is_a_finding_and_not_a_crash(
    people: Path, connect: Connect, step: Step, content: str
) -> None:
    people.write_text(content)
    (only,) = ecmahost_csv.check(connect(people), step("id"))
    assert only.severity is Severity.ERROR
    assert str(people) in only.message


def test_a_hard_link_is_a_warning(people: Path, connect: Connect, step: Step) -> None:
    people.with_name("other.csv").hardlink_to(people)
    (only,) = ecmahost_csv.check(connect(people), step("id"))
    assert only.severity is Severity.WARNING
    assert "2 hard links" in only.message


def test_a_folder_that_cannot_be_written_to_is_an_error(
    people: Path, connect: Connect, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests may run as root, to whom every folder can be written to.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != people.parent)
    (only,) = ecmahost_csv.check(connect(people), step("id"))
    assert isinstance(only, Finding)
    assert (only.severity, only.subject) == (Severity.ERROR, str(people.parent))
