"""Whatever text is written comes back as it was, in every dialect."""

from collections.abc import Callable
from pathlib import Path

import ecmahost_csv
import pytest
from ecmahost_csv.session import CsvSession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecmahost_core import CSEntryChange, ObjectModificationType, RunStep

Connect = Callable[..., CsvSession]
Step = Callable[..., RunStep]

DIALECTS: tuple[dict[str, str], ...] = (
    {},
    {"delimiter": ";", "quoting": "all"},
    {"delimiter": "tab", "quote": "'"},
    {"encoding": "utf-16"},
    {"encoding": "utf-16-be", "delimiter": "|"},
    {"encoding": "cp1252"},
    {"encoding": "gb18030"},
)

AWKWARD = st.sampled_from(["\r", "\n", "\r\n", '"', "'", ",", ";", "\t", "|", " ", "=1+1", "\ufeff", "\u2028", "\x1a"])
ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
TEXT = st.lists(st.one_of(AWKWARD, ANY), max_size=6)


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(TEXT.map("".join), TEXT.map("".join)), min_size=1, max_size=8))
def test_arbitrary_text_round_trips(
    tmp_path: Path, connect: Connect, step: Step, dialect: dict[str, str], rows: list[tuple[str, str]]
) -> None:
    path = tmp_path / "round.csv"
    separator = {"tab": "\t"}.get(dialect.get("delimiter", ","), dialect.get("delimiter", ","))
    path.write_bytes(separator.join(("first", "id", "last")).encode(dialect.get("encoding", "utf-8")))
    session, step_ = connect(path, **dialect), step("first", "id", "last")
    changes = [
        CSEntryChange(
            "User",
            ObjectModificationType.ADD,
            attributes={"first": (first,), "id": (f"{number}{last[:20]}.",), "last": (last,)},
            identifier=str(number),
        )
        for number, (first, last) in enumerate(rows)
    ]
    results = ecmahost_csv.export(session, step_, changes)
    written = {result.anchor: result.attributes for result in results if result.error is None}
    assert dialect.get("encoding") == "cp1252" or len(written) == len(rows)
    for change, result in zip(changes, results, strict=True):
        if result.error is None:
            sent = {name: values if values[0] else () for name, values in change.attributes.items()}
            assert result.attributes == sent
    imported = [entry for page in ecmahost_csv.full_import(session, step_) for entry in page.entries]
    assert {entry.anchor: entry.attributes for entry in imported} == written
    assert all(entry.failure is None for entry in imported)
