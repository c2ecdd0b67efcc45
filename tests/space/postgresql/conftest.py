"""What is particular to this store."""

import time
from collections.abc import Callable

import pytest


@pytest.fixture
def store_kind() -> str:
    return "postgresql"


@pytest.fixture
def eventually() -> Callable[..., bool]:
    """Whether a condition becomes true within ten seconds, or the number given."""

    def ask(condition: Callable[[], bool], seconds: float = 10) -> bool:
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    return ask
