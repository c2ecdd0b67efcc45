"""A company that issues certificates."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _kit() -> ModuleType:
    name = "ecmahost_tests_company"
    if name not in sys.modules:
        spec = spec_from_file_location(
            name, Path(__file__).parents[2] / "configuration" / "certificates" / "company.py"
        )
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def kit() -> ModuleType:
    """``issue`` for certificates of any kind."""
    return _kit()


@pytest.fixture(scope="session")
def company(kit: ModuleType) -> Any:
    """Root, issuing authority, and servers' certificates."""
    return kit.Company()
