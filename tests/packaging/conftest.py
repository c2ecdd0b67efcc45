"""The distributions, built once."""

import runpy
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def script() -> Mapping[str, Any]:
    """The names of ``packaging/write-distributions``."""
    return MappingProxyType(runpy.run_path(str(CHECKOUT / "packaging" / "write-distributions")))


@pytest.fixture(scope="session")
def sources(script: Mapping[str, Any]) -> Mapping[str, tuple[str, Sequence[str]]]:
    """Where each distribution is in the checkout, and what belongs to it."""
    found: Mapping[str, tuple[str, Sequence[str]]] = script["SOURCES"]
    return found


@pytest.fixture(scope="session")
def build(script: Mapping[str, Any]) -> Callable[[Path, str, Path], None]:
    """Builds a distribution of a checkout into a folder."""
    write: Callable[[Path, str, Path], None] = script["write"]
    return write


@pytest.fixture(scope="session")
def built(
    build: Callable[[Path, str, Path], None],
    sources: Mapping[str, tuple[str, Sequence[str]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """All of them, from a copy of the checkout in which earlier builds have left their traces."""
    checkout, folder = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("dist")
    for name, (place, parts) in sources.items():
        for part in parts:
            source, copy = CHECKOUT / place / part, checkout / place / part
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, copy)
        _leave_traces(checkout / place, name.replace("-", "_"))
    for name in sources:
        build(checkout, name, folder)
    return folder


def _leave_traces(project: Path, package: str) -> None:
    for folder in (project / "build" / "lib" / package, project / package / "__pycache__", project / "tests"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "gone.py").write_text("")
    information = project / f"{package}.egg-info"
    information.mkdir()
    (information / "SOURCES.txt").write_text("tests/gone.py\nstray.py\n")
    (project / "stray.py").write_text("")
