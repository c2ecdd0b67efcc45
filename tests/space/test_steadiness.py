import pytest
import structlog

from ecmahost_core.space.steadiness import Clock


class Times:
    wall, monotonic = 1_000_000.0, 50.0

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def clock(times: Times) -> Clock:
    return Clock(lambda: times.wall, lambda: times.monotonic)


def test_a_clock_that_goes_on_is_steady_for_longer_and_longer(clock: Clock, times: Times) -> None:
    for hours in range(1, 5):
        times.go(3600)
        times.wall += 0.5  # as a time service corrects it
        assert clock.steady_seconds() == 3600 * hours
    assert not clock.has_jumped(1e9)


@pytest.mark.parametrize("jump", [-86_400, 86_400, -100, 100])
def test_a_clock_that_was_set_begins_anew_and_is_told_of_once(clock: Clock, times: Times, jump: int) -> None:
    times.go(7200)
    with structlog.testing.capture_logs() as logged:
        times.wall += jump
        assert clock.steady_seconds() == 0
        times.go(600)
        assert clock.steady_seconds() == 600
        assert clock.has_jumped(3600)
    assert [(line["event"], line["seconds"]) for line in logged] == [("clock_jumped", jump)]
    times.go(3600)
    assert not clock.has_jumped(3600)
