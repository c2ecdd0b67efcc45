"""What the CSV connector's tests share: a file on disk, a session on it, and steps."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import ecmahost_csv
import pytest
from ecmahost_csv.session import CsvSession

from ecmahost_core import RunStep, SchemaAttribute, SchemaType

PEOPLE = "id,name,mail\n1,Ann,ann@example.com\n2,Bob,bob@example.com\n"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A small file with a number as the anchor."""
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE, encoding="utf-8")
    return path


@pytest.fixture
def connect() -> Iterator[Callable[..., CsvSession]]:
    """Opens sessions as the host does, with defaults for what is not given."""
    with ExitStack() as stack:

        def opened(path: Path, **parameters: str) -> CsvSession:
            manager = ecmahost_csv.open_session({"file": str(path), **parameters})
            return stack.enter_context(manager)

        yield opened


@pytest.fixture
def step() -> Callable[..., RunStep]:
    """Builds a run step from attribute names, or attributes."""

    def built(*attributes: str | SchemaAttribute, anchor: tuple[str, ...] = ("id",), page_size: int = 100) -> RunStep:
        chosen = tuple(SchemaAttribute(each) if isinstance(each, str) else each for each in attributes)
        return RunStep((SchemaType("User", chosen, anchor),), page_size)

    return built


@pytest.fixture
def environment() -> dict[str, str]:
    """For child processes: they import what this one imports."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
