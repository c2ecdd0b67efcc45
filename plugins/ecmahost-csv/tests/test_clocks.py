import time

import pytest
from ecmahost_csv.target import SETTLED_NS, Version

NOW = 1_700_000_000_000_000_000


@pytest.fixture(autouse=True)
def a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: NOW)


@pytest.mark.parametrize(
    ("written", "changed", "settled"),
    [
        (NOW - 2 * SETTLED_NS, NOW - 2 * SETTLED_NS, True),
        (NOW, NOW, False),
        (NOW - SETTLED_NS // 2, NOW - SETTLED_NS // 2, False),
        (NOW - 2 * SETTLED_NS, NOW, False),
        (NOW + 86_400 * 10**9, NOW + 86_400 * 10**9, True),
        (NOW + SETTLED_NS // 2, NOW, False),
    ],
    ids=[
        "long ago",
        "now",
        "a moment ago",
        "an old time given now",
        "the clock was set back",
        "a clock a little ahead",
    ],
)
def test_a_version_is_told_from_the_next_unless_it_was_written_within_a_tick_of_now(
    written: int, changed: int, settled: bool
) -> None:
    assert Version(1, 2, 3, written, changed).settled is settled
