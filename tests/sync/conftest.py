"""A target in memory behind a real plugin, a real store, and the sync engine between them."""

import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ecmahost_core.scim.errors import ScimError


def _in_memory() -> ModuleType:
    name = "ecmahost_tests_in_memory"
    if name not in sys.modules:
        spec = spec_from_file_location(name, Path(__file__).with_name("in_memory.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def memory() -> ModuleType:
    """The module ``in_memory``, for what needs more than a desk."""
    return _in_memory()


ON_BOTH_STORES = ("agreement", "groups", "imports", "provisioning_create", "recovery", "turns", "unknown_outcomes")
"""Of these files every test has a file and a PostgreSQL server for its store, of the others a file."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    name = metafunc.module.__name__.rpartition("test_")[2]
    if "desk" in metafunc.fixturenames and name in ON_BOTH_STORES:
        metafunc.parametrize("store_kind", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def store_kind(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def desk(tmp_path: Path, store_kind: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """An empty target; ``ready`` or ``build`` makes the endpoint."""
    location = request.getfixturevalue("postgresql").url("postgres") if store_kind == "postgresql" else ""
    with _in_memory().desk_in(tmp_path, location) as desk:
        yield desk


@pytest.fixture
def gate(desk: Any) -> Iterator[Any]:
    """Opens before the desk is cleared, so that nothing hangs in the end."""
    gate = _in_memory().Gate()
    yield gate
    gate.open()


@pytest.fixture
def refused() -> Any:
    """Calls a function that must be refused, with this status; returns the ScimError."""

    def call(status: int, function: Any, *arguments: Any, **more: Any) -> ScimError:
        with pytest.raises(ScimError) as caught:
            function(*arguments, **more)
        assert caught.value.status == status, caught.value
        return caught.value

    return call
