"""Hostile requests to every endpoint: never a 500, never a traceback, never an answer that is not SCIM's.

``fuzz_requests.py`` sends far more of them, and measures what stays in memory.
"""

from random import Random
from typing import Any

import pytest
import structlog
from ecmahost_conformance_kit.hostile import Hostile
from ecmahost_conformance_kit.judge import Client, raise_on_errors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture
def client(served: Any) -> Any:
    """Asks, with every logged event looked at."""
    before = structlog.get_config()
    structlog.configure(processors=[raise_on_errors])
    try:
        yield Client(served)
    finally:
        structlog.configure(**before)


untimed = settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))


@untimed
@given(random=st.randoms(use_true_random=False), count=st.integers(1, 5))
def test_no_request_is_a_500_and_every_error_is_scims(client: Any, random: Random, count: int) -> None:
    for _ in range(count):
        client.send(Hostile(random).request())


def test_most_kinds_of_answers_are_among_those_to_hostile_requests(client: Any) -> None:
    """Otherwise the requests do not come past the door."""
    random = Random(8585)
    for _ in range(2000):
        client.send(Hostile(random).request())
    for status in (200, 201, 204, 400, 401, 404, 405, 409, 413):
        assert client.statuses[status], client.statuses
    good = sum(count for status, count in client.statuses.items() if status < 300)
    assert good > 200, client.statuses
