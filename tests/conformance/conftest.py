"""The example that maps every attribute, served by the application in this process."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _make_kit_importable() -> None:
    """The modules in ``kit`` import each other as a package; the tests folder itself is none."""
    package = ModuleType("ecmahost_conformance_kit")
    package.__path__ = [str(Path(__file__).with_name("kit"))]
    sys.modules.setdefault(package.__name__, package)


_make_kit_importable()
# They can only be imported now, hence E402.
from ecmahost_conformance_kit.served import make_home, serving  # noqa: E402 - see above


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that the hosts get a copy of."""
    path = tmp_path_factory.mktemp("template") / "home"
    make_home(path)
    return path


@pytest.fixture
def served(template: Path, tmp_path: Path) -> Iterator[Any]:
    """The application over an empty database."""
    path = tmp_path / "home"
    shutil.copytree(template, path)
    with serving(path) as made:
        yield made
