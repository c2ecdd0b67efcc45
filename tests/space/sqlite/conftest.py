"""What is particular to this store."""

import pytest


@pytest.fixture
def store_kind() -> str:
    return "sqlite"
