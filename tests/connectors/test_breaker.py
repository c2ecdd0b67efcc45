"""The circuit breaker: when calls are refused, who may try again, and what closes it."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import structlog

from ecmahost_core import CSEntryChangeResult, ObjectQuery
from ecmahost_core.connectors.breaker import FIRST_PAUSE, LONGEST_PAUSE, OPENS_AT, Breaker, BreakerState, TargetAway
from ecmahost_core.connectors.failures import nothing_was_sent
from ecmahost_core.connectors.queue import ExportQueue
from ecmahost_core.connectors.reads import ReadLane
from ecmahost_core.errors import (
    AccessDenied,
    BadServerCredentials,
    BrokenContract,
    ConnectorError,
    DeadlineExceeded,
    ServerDown,
    TargetBusy,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("hr", clock=clock, jitter=lambda low, high: (low + high) / 2)


DOWN = ServerDown("nobody listens")


def fail(breaker: Breaker, error: BaseException = DOWN, times: int = 1) -> None:
    for _ in range(times):
        breaker.admit().ended(error)


def opened(breaker: Breaker) -> Breaker:
    fail(breaker, times=OPENS_AT)
    assert breaker.state is BreakerState.OPEN
    return breaker


def test_it_opens_after_some_failures_in_a_row_and_then_refuses_at_once(breaker: Breaker) -> None:
    fail(breaker, times=OPENS_AT - 1)
    assert breaker.state is BreakerState.CLOSED
    fail(breaker)
    assert breaker.state is BreakerState.OPEN
    with pytest.raises(TargetAway) as refused:
        breaker.admit()
    assert refused.value.retry_after >= 1
    assert nothing_was_sent(refused.value)
    with pytest.raises(TargetAway):
        breaker.require()


def test_an_answer_in_between_begins_the_count_anew(breaker: Breaker) -> None:
    for _ in range(3):
        fail(breaker, times=OPENS_AT - 1)
        breaker.admit().answered()
    assert breaker.state is BreakerState.CLOSED


def test_three_calls_that_nobody_answers_weigh_as_much_as_many_that_are_refused(breaker: Breaker) -> None:
    for _ in range(3):
        assert breaker.state is BreakerState.CLOSED
        breaker.admit().timed_out()
    assert breaker.state is BreakerState.OPEN


def test_a_call_that_timed_out_and_fails_later_counts_once(breaker: Breaker) -> None:
    for _ in range(2):
        permit = breaker.admit()
        permit.timed_out()
        permit.ended(DeadlineExceeded("late"))
        permit.ended(DOWN)
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize(
    "error",
    [TargetBusy("locked"), BadServerCredentials("no"), BrokenContract("x", "export", "no"), ConnectorError("odd")],
    ids=lambda error: type(error).__name__,
)
def test_what_says_nothing_about_whether_the_target_is_there_neither_opens_nor_closes(
    breaker: Breaker, clock: Clock, error: BaseException
) -> None:
    fail(breaker, error, times=100)
    assert breaker.state is BreakerState.CLOSED
    opened(breaker)
    clock.now += 10
    breaker.admit().ended(error)
    assert breaker.state is BreakerState.OPEN
    breaker.admit().answered()  # its place is free for the next, without another pause
    assert breaker.state is BreakerState.CLOSED


def test_a_target_that_refuses_a_right_is_there(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 10
    breaker.admit().ended(AccessDenied("no"))
    assert breaker.state is BreakerState.CLOSED


def test_one_call_at_a_time_looks_whether_the_target_is_back(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = FIRST_PAUSE - 0.01
    with pytest.raises(TargetAway):
        breaker.admit()
    clock.now = FIRST_PAUSE
    breaker.require()
    probe = breaker.admit()
    assert breaker.state is BreakerState.HALF_OPEN
    with pytest.raises(TargetAway):
        breaker.admit()
    with pytest.raises(TargetAway):
        breaker.require()
    probe.answered()
    assert breaker.state is BreakerState.CLOSED
    breaker.admit().answered()


def test_of_many_threads_one_is_the_probe(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 10
    barrier, admitted = threading.Barrier(16), []

    def come() -> None:
        barrier.wait()
        try:
            admitted.append(breaker.admit())
        except TargetAway:
            return

    threads = [threading.Thread(target=come) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 1


def test_the_pause_grows_while_probes_fail_and_is_short_again_after_an_answer(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    pauses = []
    for _ in range(8):
        begun = clock.now
        while True:
            try:
                probe = breaker.admit()
            except TargetAway:
                clock.now += 0.25
            else:
                break
        pauses.append(clock.now - begun)
        probe.ended(DOWN)
    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    clock.now += LONGEST_PAUSE
    breaker.admit().answered()
    opened(breaker)
    clock.now += FIRST_PAUSE
    breaker.admit().answered()


def test_a_probe_that_nobody_answers_makes_room_for_the_next_one(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 10
    breaker.admit().timed_out()
    assert breaker.state is BreakerState.OPEN
    clock.now += 10
    assert breaker.admit().probe


def test_an_answer_that_comes_late_closes_it(breaker: Breaker) -> None:
    hanging = breaker.admit()
    opened(breaker)
    hanging.timed_out()
    hanging.answered()
    assert breaker.state is BreakerState.CLOSED


def test_what_ends_an_earlier_change_goes_through_in_any_case(breaker: Breaker) -> None:
    opened(breaker)
    permit = breaker.admit(always=True)
    assert not permit.probe
    permit.answered()
    assert breaker.state is BreakerState.CLOSED


def test_who_counts_open_breakers_is_told_by_turns_and_not_of_one_that_is_given_up() -> None:
    told: list[bool] = []
    breaker = Breaker("hr", on_change=told.append)
    fail(breaker, times=OPENS_AT)
    assert told == [True]
    breaker.close()
    breaker.close()
    assert told == [True, False]
    fail(breaker, times=OPENS_AT)
    breaker.end()
    assert told == [True, False, True, False]
    fail(breaker)
    breaker.close()
    assert len(told) == 4


def test_the_pauses_of_two_processes_differ() -> None:
    waits = set()
    for _ in range(20):
        clock = Clock()
        breaker = opened(Breaker("hr", clock=clock))
        while True:
            clock.now += 0.001
            try:
                breaker.require()
            except TargetAway:
                continue
            break
        waits.add(round(clock.now, 3))
    assert len(waits) > 5
    assert min(waits) >= 0.75 * FIRST_PAUSE
    assert max(waits) <= 1.25 * FIRST_PAUSE + 0.01


def test_each_change_is_logged_once(breaker: Breaker, clock: Clock) -> None:
    with structlog.testing.capture_logs() as logged:
        opened(breaker)
        for _ in range(5):
            with pytest.raises(TargetAway):
                breaker.admit()
        clock.now += 10
        fail(breaker)
        clock.now += 10
        breaker.admit().answered()
        breaker.admit().answered()
    assert [(line["event"], line["log_level"], line["connector"]) for line in logged] == [
        ("target_is_away", "error", "hr"),
        ("target_is_back", "info", "hr"),
    ]


@pytest.fixture
def endings() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_the_lane_for_reads_and_the_export_queue_share_what_they_learn(
    build: Any, tools: Any, breaker: Breaker, clock: Clock, endings: ExitStack
) -> None:
    down, exported = [True], []

    def read() -> list[Any]:
        if down:
            raise ServerDown("nobody listens")
        return []

    def export(changes: Any) -> list[Any]:
        exported.append(len(changes))
        return [CSEntryChangeResult(change.identifier, anchor=change.anchor) for change in changes]

    connector = build(full_object_import=read, export=export)
    lane = ReadLane(connector, breaker=breaker)
    endings.callback(lane.close)
    queue = ExportQueue(connector, breaker=breaker)
    endings.callback(queue.close, 5)
    query = ObjectQuery("Person", (("Name", ("Ann",)),))
    for _ in range(OPENS_AT):
        with pytest.raises(ServerDown, match="nobody listens"):
            lane.read(tools.STEP, query, 10)
    with pytest.raises(TargetAway):
        lane.read(tools.STEP, query, 10)
    outcomes: list[Any] = []
    with pytest.raises(TargetAway):
        queue.submit(tools.STEP, tools.add("1"), outcomes.append)
    # What undoes an addition is not kept back, and its answer tells that the target is there.
    assert queue.submit(tools.STEP, tools.add("2"), outcomes.append, follows=True).wait(10)
    assert (exported, len(outcomes)) == ([1], 1)
    assert breaker.state is BreakerState.CLOSED
    down.clear()
    assert lane.read(tools.STEP, query, 10) == ()


def test_a_request_whose_time_was_over_before_it_came_to_the_target_says_nothing(
    build: Any, tools: Any, breaker: Breaker, endings: ExitStack
) -> None:
    def read() -> list[Any]:
        raise AssertionError("the target is asked")

    lane = ReadLane(build(full_object_import=read), breaker=breaker)
    endings.callback(lane.close)
    query = ObjectQuery("Person", (("Name", ("Ann",)),))
    for _ in range(OPENS_AT):
        with pytest.raises(DeadlineExceeded):
            lane.read(tools.STEP, query, 0.0)
    assert breaker.state is BreakerState.CLOSED


def test_calls_that_hang_open_it_and_their_late_answers_close_it(
    build: Any, tools: Any, breaker: Breaker, gate: Any, wait_until: Any, endings: ExitStack
) -> None:
    def read() -> list[Any]:
        gate.pass_through()
        return []

    lane = ReadLane(build(full_object_import=read), breaker=breaker)
    endings.callback(lane.close)
    query = ObjectQuery("Person", (("Name", ("Ann",)),))
    for _ in range(3):
        with pytest.raises(DeadlineExceeded):
            lane.read(tools.STEP, query, 0.02)
    assert breaker.state is BreakerState.OPEN
    gate.open()
    wait_until(lambda: breaker.state is BreakerState.CLOSED)


def test_a_change_whose_request_is_over_counts_and_one_that_was_taken_back_before_does_not(
    build: Any, tools: Any, breaker: Breaker, gate: Any, wait_until: Any, endings: ExitStack
) -> None:
    def export(changes: Any) -> list[Any]:
        gate.pass_through()
        return [CSEntryChangeResult(change.identifier, anchor=change.anchor) for change in changes]

    queue = ExportQueue(build(export=export), breaker=breaker)
    endings.callback(queue.close, 5)
    endings.callback(gate.open)
    first = queue.submit(tools.STEP, tools.add("0"), lambda _outcome: None)
    gate.wait_for()
    for number in range(1, 40):
        assert queue.submit(tools.STEP, tools.add(str(number)), lambda _outcome: None).cancel()
    assert breaker.state is BreakerState.CLOSED
    late = [first, *(queue.submit(tools.STEP, tools.add(f"x{number}"), lambda _outcome: None) for number in range(2))]
    for ticket in late:
        ticket.overdue()
    assert breaker.state is BreakerState.OPEN
    gate.open()
    wait_until(lambda: breaker.state is BreakerState.CLOSED)
