"""When imports are due, by clocks that the test winds."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day

import pytest

from ecmahost_core.configuration.model import RunProfile
from ecmahost_core.sync.importing.schedules import MOST_LATE, Schedule, share_of

HOUR = RunProfile(every=timedelta(hours=1))
NIGHT = RunProfile(at=(time_of_day(2, 30),))


class Clocks:
    """A monotonic clock and a wall clock that can be set."""

    def __init__(self, text: str) -> None:
        self.seconds = 1000.0
        self.wall = datetime.fromisoformat(text)

    def go_on(self, **span: float) -> None:
        passed = timedelta(**span)
        self.seconds += passed.total_seconds()
        self.wall += passed

    def schedule(self, profile: RunProfile, last: datetime | None, name: str = "hr") -> Schedule:
        return Schedule(name, profile, last, monotonic=lambda: self.seconds, now=lambda: self.wall.astimezone(UTC))


@pytest.fixture
def berlin() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def times_due(clocks: Clocks, schedule: Schedule, hours: float) -> list[datetime]:
    """The moments, to five minutes, at which a run was due within so many hours; each is made at once."""
    found = []
    for _ in range(int(hours * 12)):
        clocks.go_on(minutes=5)
        if schedule.due():
            found.append(clocks.wall.astimezone())
            schedule.done()
    return found


def test_what_was_never_run_is_due_at_once() -> None:
    clocks = Clocks("2026-06-01T12:00:00+00:00")
    assert clocks.schedule(HOUR, None).due()
    assert clocks.schedule(NIGHT, None).due()


def test_without_a_schedule_nothing_is_ever_due() -> None:
    clocks = Clocks("2026-06-01T12:00:00+00:00")
    schedule = clocks.schedule(RunProfile(), None)
    assert not schedule.due()
    schedule.done()
    clocks.go_on(days=9)
    assert not schedule.due()


def test_an_interval_goes_on_from_a_run_of_another_process() -> None:
    clocks = Clocks("2026-06-01T12:00:00+00:00")
    schedule = clocks.schedule(HOUR, clocks.wall - timedelta(minutes=50))
    assert not schedule.due()
    clocks.go_on(minutes=9)
    assert not schedule.due()
    clocks.go_on(minutes=8)
    assert schedule.due()


def test_an_interval_is_a_tenth_longer_at_most_and_differs_from_connector_to_connector() -> None:
    spread = set()
    for number in range(100):
        clocks = Clocks("2026-06-01T12:00:00+00:00")
        schedule = clocks.schedule(HOUR, None, f"hr{number}")
        schedule.done()
        clocks.go_on(minutes=59, seconds=59)
        assert not schedule.due()
        waited = 0
        while not schedule.due():
            clocks.go_on(seconds=1)
            waited += 1
        assert waited <= 362
        spread.add(waited // 36)
    assert len(spread) >= 9


def test_the_share_by_which_a_connector_is_late_stays_the_same() -> None:
    assert share_of("hr") == share_of("hr")
    assert 0 <= share_of("hr") <= 1


def test_a_clock_that_is_set_changes_no_interval() -> None:
    clocks = Clocks("2026-06-01T12:00:00+00:00")
    schedule = clocks.schedule(HOUR, clocks.wall + timedelta(days=300))  # it was ahead when the last run was noted
    clocks.wall -= timedelta(days=30)
    clocks.seconds += 4000
    assert schedule.due()
    schedule.done()
    clocks.wall -= timedelta(days=30)
    clocks.seconds += 4000
    assert schedule.due()


@pytest.mark.usefixtures("berlin")
def test_times_of_day_are_those_of_the_machine_and_up_to_a_minute_late() -> None:
    clocks = Clocks("2026-06-01T12:00:00+02:00")
    schedule = clocks.schedule(NIGHT, clocks.wall)
    clocks.wall = datetime.fromisoformat("2026-06-02T02:29:59+02:00")
    assert not schedule.due()
    clocks.go_on(seconds=1 + MOST_LATE * share_of("hr") + 0.001)
    assert schedule.due()
    schedule.done()
    assert not schedule.due()
    clocks.go_on(hours=23, minutes=50)
    assert not schedule.due()
    clocks.go_on(minutes=12)
    assert schedule.due()


@pytest.mark.usefixtures("berlin")
def test_a_time_that_was_missed_is_made_up_once() -> None:
    clocks = Clocks("2026-06-05T12:00:00+02:00")
    schedule = clocks.schedule(NIGHT, clocks.wall - timedelta(days=3))
    assert schedule.due()
    schedule.done()
    assert times_due(clocks, schedule, 14) == []


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        ("2026-03-29T00:00:00+01:00", ["03:30"]),  # 02:30 does not exist: the clocks go from 2 to 3
        ("2026-10-25T00:00:00+02:00", ["02:30"]),  # 02:30 comes twice
        ("2026-06-10T00:00:00+02:00", ["02:30"]),
    ],
)
def test_when_the_clocks_change_a_time_of_day_comes_once(begin: str, expected: list[str]) -> None:
    clocks = Clocks(begin)
    schedule = clocks.schedule(NIGHT, clocks.wall)
    # To five minutes, so that the minute by which it is late shows as one step.
    found = [one - timedelta(minutes=5) for one in times_due(clocks, schedule, 20)]
    assert [f"{one.astimezone():%H:%M}" for one in found] == expected


@pytest.mark.usefixtures("berlin")
def test_a_clock_that_goes_back_an_hour_repeats_no_time_and_one_that_was_ahead_for_months_stops_none() -> None:
    clocks = Clocks("2026-06-01T00:00:00+02:00")
    schedule = clocks.schedule(NIGHT, clocks.wall)
    assert len(times_due(clocks, schedule, 3)) == 1
    clocks.wall -= timedelta(hours=1)
    assert times_due(clocks, schedule, 3) == []
    clocks.wall -= timedelta(days=90)
    assert len(times_due(clocks, schedule, 48)) == 2


@pytest.mark.usefixtures("berlin")
def test_several_times_a_day() -> None:
    clocks = Clocks("2026-06-01T00:00:00+02:00")
    schedule = clocks.schedule(RunProfile(at=(time_of_day(6), time_of_day(18))), clocks.wall)
    assert [one.hour for one in times_due(clocks, schedule, 48)] == [6, 18, 6, 18]
