"""Hosts that are killed again and again, and targets that are written to while they are imported.

The host's own kit is that of ``tests/host``: its fixtures are taken over here, its modules are imported as they are
there.
"""

import os
import random
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent


def _host_tests() -> ModuleType:
    """The conftest file of ``tests/host``, which also makes its kit importable."""
    spec = spec_from_file_location("ecmahost_host_conftest", HERE.parent / "host" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _make_kit_importable() -> None:
    package = ModuleType("ecmahost_crash_kit")
    package.__path__ = [str(HERE / "kit")]
    sys.modules.setdefault(package.__name__, package)


_host = _host_tests()
_make_kit_importable()
template = _host.template
make_home = _host.make_home
home = _host.home
eventually_fixture = _host.eventually_fixture


@pytest.fixture
def seed() -> int:
    """What every choice of a test comes from: ECMAHOST_CRASH_SEED, or a new one. A failing test's report shows it."""
    given = os.environ.get("ECMAHOST_CRASH_SEED")
    chosen = int(given) if given else random.SystemRandom().randrange(10**6)
    print(f"ECMAHOST_CRASH_SEED={chosen}")  # noqa: T201 - pytest shows it with a failure
    return chosen
