from datetime import UTC, datetime
from pathlib import Path

import pytest
from ecmahost_entra.target import Target, differences, equal_value

from ecmahost_core.ecma.csentry import CSEntryChange, ImportPage, ObjectModificationType
from ecmahost_core.ecma.results import ImportFailure, MAImportError
from ecmahost_core.ecma.values import Value


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        ("O'Brien", "O'Brien", True),
        ("O'Brien", "O'BRIEN", False),
        ("padded   ", "padded", True),
        (7, "7", True),
        (7, "007", True),
        (7, "8", False),
        (7, "seven", False),
        (True, "True", True),
        (False, "True", False),
        (True, True, True),
        (1, True, True),
        (0, False, True),
        ("FALSE", False, True),
        ("", False, False),
        (datetime(2024, 2, 29, 8, 30, tzinfo=UTC), "2024-02-29T08:30:00Z", True),
        (datetime(2024, 2, 29, 8, 30, tzinfo=UTC), "2024-02-29T08:31:00Z", False),
        (datetime(2024, 2, 29, 8, 30, tzinfo=UTC), "yesterday", False),
    ],
)
def test_a_targets_value_is_compared_by_its_meaning(found: Value, wanted: str | bool, same: bool) -> None:
    assert equal_value(found, wanted) is same


def test_a_value_that_is_missing_or_was_not_read_is_a_difference(bench) -> None:
    entry = CSEntryChange("Employees", ObjectModificationType.ADD, (1,), attributes={"Title": ()})
    assert differences(bench.plan, entry, {"Title": "x", "Phone": "y"}) == [
        "Title holds no value instead of 'x'",
        "Phone was not read",
    ]


def test_an_entry_that_could_not_be_read_is_nobody(bench) -> None:
    failure = ImportFailure(MAImportError.PARSE_ERROR, "line 3")
    entry = CSEntryChange("Employees", ObjectModificationType.ADD, (1,), failure=failure)

    class Broken:
        capabilities = type("C", (), {"full_object_import": False})()

        def full_import(self, step: object) -> object:
            yield ImportPage((entry,))

    assert Target(Broken(), bench.plan).find("UserName", "x") == []


def test_a_text_that_is_no_number_is_not_looked_for_in_a_column_of_numbers(bench) -> None:
    assert Target(bench.reader, bench.plan).find("EmployeeId", "ecmahost") == []


def test_a_file_that_is_not_there_has_no_state(bench, tmp_path: Path) -> None:
    assert Target(bench.reader, bench.plan, (tmp_path / "none.csv",)).files() == ()
