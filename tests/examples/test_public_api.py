"""The examples stand outside: what they take of the host is its public API."""

import ast
import sys
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[2] / "examples").glob("*/*/*.py"))


def imported(source: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.parent.name)
def test_an_example_imports_the_public_api_and_nothing_below_it(source: Path) -> None:
    assert imported(source) - {"structlog"} == {"ecmahost_core"}


def test_every_example_package_is_looked_at() -> None:
    assert {source.parents[1].name for source in SOURCES} == {"ecmahost-audit", "ecmahost-badges", "ecmahost-folder"}
