"""Which import comes next, over a real endpoint and by clocks that the test winds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ecmahost_core import ConnectorError, ImportPage
from ecmahost_core.configuration.model import RunProfile
from ecmahost_core.space.history import ImportRequest
from ecmahost_core.sync.importing.imports import delta_import, full_import
from ecmahost_core.sync.importing.timetable import CONFIRM_SECONDS, Timetable

RETRIES = (5.0, 60.0)
DELTA = RunProfile(every=timedelta(minutes=10))


class Clock:
    def __init__(self):
        self.seconds = 1000.0
        self.wall = datetime.now(UTC)

    def go_on(self, seconds):
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds)


class Worker:
    """What the worker's thread does, step by step."""

    def __init__(self, desk, **profiles):
        configuration = desk.endpoint.configuration
        desk.endpoint.configuration = replace(configuration, **profiles)
        self.endpoint = desk.endpoint
        self.clock = Clock()
        clocks = {"monotonic": lambda: self.clock.seconds, "now": lambda: self.clock.wall}
        self.timetable = Timetable(desk.endpoint, RETRIES, **clocks)

    def step(self, seconds=0.0, takes=0.0):
        """Goes on by so many seconds and makes what is due: ``full why`` or ``delta why``, or nothing."""
        self.clock.go_on(seconds)
        due = self.timetable.due()
        if due is None:
            return ""
        self.timetable.begins()
        if due.delta:
            read_all = delta_import(self.endpoint, confirm=due.confirm).read_all
        else:
            full_import(self.endpoint, confirm=due.confirm)
            read_all = True
        self.clock.go_on(takes)
        self.timetable.done(due, read_all=read_all)
        return f"{'delta' if due.delta else 'full'} {due.why}"

    def within(self, seconds):
        """What is made within so many seconds, looked at once a second."""
        return [made for _ in range(int(seconds)) if (made := self.step(1.0))]


def with_watermarks():
    def whole(session, step):
        yield ImportPage(tuple(session.entries(step.types[0])), "0")

    def changes(session, step, watermark):
        yield ImportPage((), watermark + "1")

    return {"full_import": whole, "delta_import": changes}


def request(*, delta=False, confirm=False, name="1"):
    return ImportRequest(name, delta, confirm, datetime.now(UTC))


def test_a_connector_begins_with_a_full_import_and_goes_on_by_autosync(desk):
    desk.build()
    worker = Worker(desk)
    assert worker.step() == "full schedule"
    assert worker.within(3599) == []
    assert worker.within(362) == ["full schedule"]


def test_deltas_come_between_full_imports_which_count_for_both(desk):
    desk.build(hooks=with_watermarks())
    worker = Worker(desk, delta_import=DELTA)
    made = worker.within(2 * 3600)
    assert made[0] == "full schedule"
    assert made.count("full schedule") == 2
    assert 10 <= made.count("delta schedule") <= 11


def test_after_a_restart_a_delta_is_enough_while_no_full_import_is_due(desk):
    desk.ready(hooks=with_watermarks())
    worker = Worker(desk, delta_import=DELTA)
    assert worker.step() == "delta start"
    assert worker.within(300) == []


def test_where_no_schedule_asks_for_a_full_import_a_start_makes_one(desk):
    desk.ready(hooks=with_watermarks())
    desk.configured(autosync=None)
    worker = Worker(desk, delta_import=DELTA)
    assert worker.step() == "full start"
    assert set(worker.within(3600)) == {"delta schedule"}


def test_a_connector_that_cannot_tell_changes_begins_with_everything(desk):
    desk.ready()
    assert Worker(desk).step() == "full start"


def test_after_a_failure_the_same_is_tried_again_with_growing_pauses(desk):
    desk.build()
    worker = Worker(desk)
    for pause in (5, 60, 60):
        due = worker.timetable.due()
        assert due is not None
        worker.timetable.failed(due)
        worker.clock.go_on(pause - 1)
        assert worker.timetable.due() is None
        worker.clock.go_on(1.5)
    assert worker.step() == "full schedule"
    assert worker.within(60) == []


def test_what_somebody_asks_for_is_made_once_even_while_a_failure_is_waited_out(desk):
    desk.build()
    worker = Worker(desk)
    worker.timetable.failed(worker.timetable.due())
    worker.timetable.failed(worker.timetable.due() or replace_due(worker))
    desk.store.request_import("hr", request())
    assert worker.within(3) == ["full request"]
    assert desk.store.status("hr").request is None
    assert worker.within(120) == []


def replace_due(worker):
    worker.clock.go_on(10)
    return worker.timetable.due()


def test_a_request_can_confirm_what_is_held(desk):
    for number in range(20):
        desk.target.put(f"user{number}", Login=f"user{number}")
    desk.build(objects=2)
    worker = Worker(desk)
    worker.step()
    for number in range(9):
        del desk.target.rows[f"user{number}",]
    desk.store.request_import("hr", request(name="1"))
    worker.within(2)
    assert desk.store.status("hr").held.count == 9
    desk.store.request_import("hr", request(name="2", confirm=True))
    worker.within(2)
    assert (desk.store.status("hr").held, desk.store.count(desk.space_type)) == (None, 11)


def test_a_request_that_fails_is_told_once_and_what_is_tried_again_confirms_nothing(desk):
    desk.build()
    worker = Worker(desk)
    worker.step()
    desk.store.request_import("hr", request(confirm=True))
    worker.clock.go_on(1)
    due = worker.timetable.due()
    assert (due.why, due.confirm) == ("request", True)
    worker.timetable.failed(due)
    assert desk.store.status("hr").request is None
    worker.clock.go_on(6)
    due = worker.timetable.due()
    assert (due.why, due.confirm) == ("retry", False)


def test_a_delta_that_somebody_asks_for_does_not_take_the_place_of_the_full_import_of_a_start(desk):
    desk.ready(hooks=with_watermarks())
    desk.configured(autosync=None)
    desk.store.request_import("hr", request(delta=True))
    worker = Worker(desk, delta_import=DELTA)
    assert [worker.step(), worker.step(1)] == ["delta request", "full start"]
    assert set(worker.within(1200)) == {"delta schedule"}


def test_a_delta_that_somebody_asks_for_and_that_fails_does_not_either(desk):
    desk.ready(hooks=with_watermarks())
    desk.configured(autosync=None)
    desk.store.request_import("hr", request(delta=True))
    worker = Worker(desk, delta_import=DELTA)
    worker.timetable.failed(worker.timetable.due())
    assert worker.within(10) == ["full retry"]


@pytest.mark.parametrize(("seconds", "confirm"), [(3500, True), (3700, False), (-3500, True), (-3700, False)])
def test_a_word_that_what_is_missing_may_go_does_not_count_for_ever(desk, seconds, confirm):
    desk.build()
    worker = Worker(desk)
    worker.step()
    desk.store.request_import("hr", request(confirm=True))
    worker.clock.seconds += 1
    worker.clock.wall += timedelta(seconds=seconds)
    due = worker.timetable.due()
    assert (due.why, due.confirm) == ("request", confirm)


def test_a_request_waits_while_another_process_imports(desk):
    desk.build()
    worker = Worker(desk)
    worker.step()
    desk.store.request_import("hr", request(delta=True))
    worker.clock.go_on(1)
    worker.timetable.failed(worker.timetable.due(), elsewhere=True)
    assert desk.store.status("hr").request is not None
    assert worker.within(4) == []
    assert worker.within(2) == ["delta request"]


@pytest.mark.parametrize(
    ("waiting", "coming", "merged"),
    [
        ((False, True), (True, False), (False, True)),
        ((False, False), (True, False), (False, False)),
        ((True, True), (True, False), (True, True)),
        ((True, True), (False, False), (False, True)),
        ((True, False), (False, True), (False, True)),
        ((True, False), (True, False), (True, False)),
    ],
)
def test_of_two_requests_that_wait_the_stronger_of_both_is_made(desk, waiting, coming, merged):
    desk.build()
    for name, (delta, confirm) in (("1", waiting), ("2", coming)):
        desk.store.request_import("hr", request(delta=delta, confirm=confirm, name=name))
    asked = desk.store.status("hr").request
    assert (asked.id, asked.delta, asked.confirm) == ("2", *merged)


def test_a_confirmation_that_was_given_long_ago_is_not_prolonged_by_who_asks_for_something_else(desk):
    desk.build()
    given = datetime.now(UTC) - timedelta(seconds=CONFIRM_SECONDS - 10)
    desk.store.request_import("hr", replace(request(confirm=True), since=given))
    desk.store.request_import("hr", request(delta=True, name="2"))
    assert abs(desk.store.status("hr").request.since - given) < timedelta(milliseconds=1)
    newer = request(confirm=True, name="3")
    desk.store.request_import("hr", newer)
    assert abs(desk.store.status("hr").request.since - newer.since) < timedelta(milliseconds=1)


def test_what_was_confirmed_is_not_confirmed_once_more_for_who_comes_while_it_is_made(desk):
    desk.build()
    desk.store.request_import("hr", request(confirm=True, name="1"))
    made = desk.store.status("hr").request
    desk.store.request_import("hr", request(delta=True, name="2"))
    desk.store.settle_request("hr", made)
    asked = desk.store.status("hr").request
    assert (asked.id, asked.delta, asked.confirm) == ("2", True, False)
    for name in ("3", "4"):
        desk.store.request_import("hr", request(name=name))
    desk.store.settle_request("hr", desk.store.status("hr").request)
    assert desk.store.status("hr").request is None


def test_a_newer_request_is_not_taken_away_by_the_end_of_an_older_one(desk):
    desk.build()
    desk.store.request_import("hr", request(name="1"))
    desk.store.request_import("hr", request(name="2"))
    desk.store.settle_request("hr", request(name="1"))
    assert desk.store.status("hr").request.id == "2"


# Targets that tell that they have changed -----------------------------------------------------------------------------


@pytest.fixture
def watched(desk):
    """A worker over a target that has a stamp."""
    desk.stamp = "1"

    def change_stamp():
        if desk.stamp == "broken":
            raise ConnectorError("the file cannot be looked at")
        return desk.stamp

    desk.build(hooks={"change_stamp": change_stamp})
    worker = Worker(desk, delta_import=RunProfile())
    assert worker.step() == "full schedule"
    return worker


def test_a_change_is_imported_within_seconds_and_once(desk, watched):
    assert watched.within(60) == []
    desk.stamp = "2"
    assert watched.within(3) == ["delta change"]
    assert watched.within(600) == []


def test_whoever_is_still_writing_is_not_interrupted(desk, watched):
    for number in range(30):
        desk.stamp = f"writing {number}"
        assert watched.within(1) == []
    assert watched.within(2) == ["delta change"]


def test_a_target_that_never_comes_to_rest_is_imported_all_the_same_but_not_all_the_time(desk, watched):
    made = 0
    for number in range(600):
        desk.stamp = f"writing {number}"
        made += bool(watched.step(1.0, takes=20.0))
    assert 4 <= made <= 8


def test_a_change_during_an_import_leads_to_another(desk, watched):
    desk.stamp = "2"
    watched.clock.go_on(1)
    watched.timetable.due()
    watched.clock.go_on(1)
    due = watched.timetable.due()
    watched.timetable.begins()
    desk.stamp = "3"
    delta_import(desk.endpoint)
    watched.timetable.done(due, read_all=True)
    assert watched.within(3) == ["delta change"]


def test_a_scheduled_delta_of_a_target_that_has_not_changed_reads_nothing(desk, watched):
    imports = desk.target.imports
    worker = Worker(desk, delta_import=DELTA)
    worker.step()
    desk.target.imports = imports
    assert worker.within(1500) == []
    assert desk.target.imports == imports


def test_a_stamp_that_cannot_be_had_is_no_change_and_stops_nothing(desk, watched):
    desk.stamp = "broken"
    assert watched.within(60) == []
    desk.stamp = "1"
    assert watched.within(60) == []
    desk.stamp = "2"
    assert watched.within(3) == ["delta change"]


def test_without_a_profile_for_deltas_no_change_is_noticed(desk):
    stamps = iter(range(1000))
    desk.build(hooks={"change_stamp": lambda: str(next(stamps))})
    worker = Worker(desk)
    worker.step()
    assert worker.within(60) == []
