import os
import threading
from contextlib import contextmanager

import pytest
import structlog
from structlog.testing import capture_logs

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    BadServerCredentials,
    Capabilities,
    CSEntryChange,
    CSEntryChangeResult,
    ExportError,
    MAExportError,
    ObjectModificationType,
    RunStep,
    ServerDown,
)
from ecmahost_core.connectors import queue as queue_module
from ecmahost_core.connectors.queue import ExportQueue
from ecmahost_core.errors import BrokenContract, TargetBusy


class Recorder:
    """Keeps the outcomes by name, in the order in which they came."""

    def __init__(self):
        self.outcomes = {}
        self.threads = set()

    def of(self, name):
        def on_outcome(outcome):
            assert name not in self.outcomes, "an outcome comes once"
            self.outcomes[name] = outcome
            self.threads.add(threading.current_thread())

        return on_outcome


@pytest.fixture
def record():
    return Recorder()


@pytest.fixture
def make_queue(build):
    queues = []

    def make(export, *, name="hr", capabilities=None, page_size=100, open_session=None, **options):
        hooks = {"export": export, "capabilities": lambda: capabilities or Capabilities()}
        if open_session is not None:
            hooks["open_session"] = open_session
        queue = ExportQueue(build(name=name, settings={"export_page_size": page_size}, **hooks), **options)
        queues.append(queue)
        return queue

    yield make
    for queue in queues:
        queue.close(0)


def succeed(changes):
    return [CSEntryChangeResult(change.identifier, anchor=change.anchor) for change in changes]


def update(identifier, anchor):
    change = AttributeChange("Name", AttributeModificationType.REPLACE, (identifier,))
    return CSEntryChange(
        "Person", ObjectModificationType.UPDATE, (anchor,), attribute_changes=(change,), identifier=identifier
    )


def test_a_change_goes_at_once_and_the_ticket_is_done_after_its_outcome_was_handled(make_queue, tools, record):
    queue = make_queue(succeed)
    handled = []

    def on_outcome(outcome):
        record.of("a")(outcome)
        handled.append(ticket_done())

    def ticket_done():
        return tickets[0].wait(0) if tickets else False

    tickets = []
    tickets.append(queue.submit(tools.STEP, tools.add("a"), on_outcome))
    assert tickets[0].wait(10)
    assert handled == [False]
    outcome = record.outcomes["a"]
    assert (outcome.result.identifier, outcome.failure, outcome.sent) == ("a", None, True)
    assert threading.current_thread() not in record.threads


def test_what_waits_goes_in_one_call_up_to_the_page_size_in_order(make_queue, tools, record, gate):
    batches = []

    def export(changes):
        batches.append([change.identifier for change in changes])
        if len(batches) == 1:
            gate.pass_through()
        return succeed(changes)

    queue = make_queue(export, page_size=3)
    tickets = [queue.submit(tools.STEP, tools.add("0"), record.of("0"))]
    gate.wait_for()
    tickets += [queue.submit(tools.STEP, tools.add(str(n)), record.of(str(n))) for n in range(1, 8)]
    gate.open()
    assert all(ticket.wait(10) for ticket in tickets)
    assert batches == [["0"], ["1", "2", "3"], ["4", "5", "6"], ["7"]]
    assert list(record.outcomes) == list("01234567")


def test_a_plugin_s_own_limit_bounds_a_batch(make_queue, tools, record, gate):
    sizes = []

    def export(changes):
        sizes.append(len(changes))
        if len(sizes) == 1:
            gate.pass_through()
        return succeed(changes)

    queue = make_queue(export, capabilities=Capabilities(export_page_size_maximum=2))
    tickets = [queue.submit(tools.STEP, tools.add("0"), record.of("0"))]
    gate.wait_for()
    tickets += [queue.submit(tools.STEP, tools.add(str(n)), record.of(str(n))) for n in range(1, 5)]
    gate.open()
    assert all(ticket.wait(10) for ticket in tickets)
    assert sizes == [1, 2, 2]


def test_two_changes_of_one_object_never_share_a_call_and_keep_their_order(make_queue, tools, record, gate):
    batches = []

    def export(changes):
        batches.append([change.identifier for change in changes])
        if len(batches) == 1:
            gate.pass_through()
        return succeed(changes)

    queue = make_queue(export)
    tickets = [queue.submit(tools.STEP, tools.add("first"), record.of("first"))]
    gate.wait_for()
    for identifier, anchor in [("x1", "x"), ("y1", "y"), ("x2", "x"), ("x3", "x"), ("y2", "y")]:
        tickets.append(queue.submit(tools.STEP, update(identifier, anchor), record.of(identifier)))
    gate.open()
    assert all(ticket.wait(10) for ticket in tickets)
    assert batches == [["first"], ["x1", "y1"], ["x2", "y2"], ["x3"]]


def test_with_several_sessions_a_change_waits_for_an_earlier_one_of_its_object_and_others_do_not(
    make_queue, tools, record, gate
):
    def export(changes):
        if changes[0].identifier == "x1":
            gate.pass_through()
        return succeed(changes)

    queue = make_queue(export, capabilities=Capabilities(concurrent_sessions=4))
    first = queue.submit(tools.STEP, update("x1", "x"), record.of("x1"))
    gate.wait_for()
    second = queue.submit(tools.STEP, update("x2", "x"), record.of("x2"))
    other = queue.submit(tools.STEP, update("y1", "y"), record.of("y1"))
    assert other.wait(10)
    assert not second.wait(0.05)
    gate.open()
    assert first.wait(10)
    assert second.wait(10)
    assert list(record.outcomes) == ["y1", "x1", "x2"]


def test_new_objects_whose_anchor_the_target_makes_do_not_wait_for_each_other(make_queue, tools, record, gate):
    batches = []

    def export(changes):
        batches.append(len(changes))
        if len(batches) == 1:
            gate.pass_through()
        return [CSEntryChangeResult(change.identifier, anchor=(change.identifier,)) for change in changes]

    def new(identifier):
        return CSEntryChange("Person", ObjectModificationType.ADD, identifier=identifier)

    queue = make_queue(export)
    tickets = [queue.submit(tools.STEP, new("0"), record.of("0"))]
    gate.wait_for()
    tickets += [queue.submit(tools.STEP, new(str(n)), record.of(str(n))) for n in range(1, 6)]
    gate.open()
    assert all(ticket.wait(10) for ticket in tickets)
    assert batches == [1, 5]


def test_changes_with_different_steps_do_not_share_a_call(make_queue, tools, record, gate):
    calls = []

    def export(step, changes):
        calls.append((step.page_size, [change.identifier for change in changes]))
        if len(calls) == 1:
            gate.pass_through()
        return succeed(changes)

    queue = make_queue(export)
    other = RunStep((tools.PERSON,), page_size=7)
    tickets = [queue.submit(tools.STEP, tools.add("0"), record.of("0"))]
    gate.wait_for()
    for name, step in [("a", tools.STEP), ("b", other), ("c", tools.STEP), ("d", other)]:
        tickets.append(queue.submit(step, tools.add(name), record.of(name)))
    gate.open()
    assert all(ticket.wait(10) for ticket in tickets)
    assert calls == [(100, ["0"]), (100, ["a", "c"]), (7, ["b", "d"])]


def test_no_more_calls_run_at_once_than_the_plugin_allows(make_queue, tools, record, gate):
    def export(changes):
        gate.pass_through()
        return succeed(changes)

    queue = make_queue(export, page_size=1, capabilities=Capabilities(concurrent_sessions=3))
    tickets = [queue.submit(tools.STEP, tools.add(str(n)), record.of(str(n))) for n in range(20)]
    gate.wait_for(3)
    assert not gate.arrived.acquire(timeout=0.05)
    gate.open()
    assert all(ticket.wait(20) for ticket in tickets)
    assert len(record.threads) <= 3


def test_a_change_that_still_waits_can_be_cancelled_and_is_never_sent(make_queue, tools, record, gate):
    sent = []

    def export(changes):
        sent.extend(change.identifier for change in changes)
        gate.pass_through()
        return succeed(changes)

    queue = make_queue(export)
    running = queue.submit(tools.STEP, tools.add("running"), record.of("running"))
    gate.wait_for()
    waiting = queue.submit(tools.STEP, tools.add("waiting"), record.of("waiting"))
    last = queue.submit(tools.STEP, tools.add("last"), record.of("last"))
    assert not waiting.wait(0.01)
    assert waiting.cancel()
    assert not waiting.cancel()
    assert not running.cancel()
    gate.open()
    assert last.wait(10)
    assert running.wait(10)
    assert not last.cancel()
    assert sent == ["running", "last"]
    assert list(record.outcomes) == ["running", "last"]


def test_a_change_whose_submitter_gave_up_is_completed_when_the_target_answers(make_queue, tools, record, gate):
    def export(changes):
        gate.pass_through()
        return succeed(changes)

    queue = make_queue(export)
    ticket = queue.submit(tools.STEP, tools.add("a"), record.of("a"))
    gate.wait_for()
    assert not ticket.wait(0.01)
    assert not ticket.cancel()
    assert record.outcomes == {}
    gate.open()
    assert ticket.wait(10)
    assert record.outcomes["a"].result.error is None


def test_a_target_that_hangs_stops_no_other_connector(make_queue, tools, record, gate):
    def hang(changes):
        gate.pass_through()
        return succeed(changes)

    hanging, healthy = make_queue(hang, name="one"), make_queue(succeed, name="two")
    stuck = hanging.submit(tools.STEP, tools.add("a"), record.of("stuck"))
    gate.wait_for()
    for number in range(20):
        ticket = healthy.submit(tools.STEP, tools.add(str(number)), record.of(number))
        assert ticket.wait(10)
    assert not stuck.wait(0)


def test_a_refused_object_is_a_result_and_the_others_succeed(make_queue, tools, record, gate):
    refused = ExportError(MAExportError.CONSTRAINT_VIOLATION, "too young")

    def export(changes):
        if len(changes) == 1:
            gate.pass_through()
        return [
            CSEntryChangeResult(change.identifier, refused if change.identifier == "b" else None, change.anchor)
            for change in changes
        ]

    queue = make_queue(export)
    queue.submit(tools.STEP, tools.add("0"), record.of("0"))
    gate.wait_for()
    tickets = [queue.submit(tools.STEP, tools.add(name), record.of(name)) for name in "abc"]
    gate.open()
    assert all(ticket.wait(10) for ticket in tickets)
    assert [record.outcomes[name].result.error for name in "abc"] == [None, refused, None]


@pytest.mark.parametrize(
    ("error", "kind", "sent"),
    [
        (ServerDown("it went away"), ServerDown, True),
        (ServerDown("it was away", nothing_sent=True), ServerDown, False),
        (TargetBusy("locked"), TargetBusy, False),
        (ValueError("hunter2"), BrokenContract, True),
        (SystemExit(1), BrokenContract, True),
    ],
)
def test_a_failed_call_is_the_outcome_of_all_its_changes(make_queue, tools, record, gate, error, kind, sent):
    calls = []

    def export(changes):
        calls.append(len(changes))
        if len(calls) == 1:
            gate.pass_through()
            return succeed(changes)
        raise error

    queue = make_queue(export)
    queue.submit(tools.STEP, tools.add("0"), record.of("0"))
    gate.wait_for()
    tickets = [queue.submit(tools.STEP, tools.add(name), record.of(name)) for name in "ab"]
    with capture_logs() as logs:
        gate.open()
        assert all(ticket.wait(10) for ticket in tickets)
    for name in "ab":
        outcome = record.outcomes[name]
        assert (outcome.result, type(outcome.failure), outcome.sent) == (None, kind, sent)
    assert calls == [1, 2]
    assert [(log["event"], log["changes"]) for log in logs] == [("export_failed", 2)]
    assert "hunter2" not in repr(logs)


def test_results_that_break_the_contract_leave_the_outcome_unknown(make_queue, tools, record):
    ticket = make_queue(lambda changes: []).submit(tools.STEP, tools.add("a"), record.of("a"))
    assert ticket.wait(10)
    assert isinstance(record.outcomes["a"].failure, BrokenContract)
    assert record.outcomes["a"].sent


@pytest.mark.parametrize(
    ("error", "kind"), [(BadServerCredentials("no"), BadServerCredentials), (KeyError(), BrokenContract)]
)
def test_a_session_that_cannot_be_opened_sends_nothing(make_queue, tools, record, error, kind):
    @contextmanager
    def open_session():
        raise error
        yield

    ticket = make_queue(succeed, open_session=open_session).submit(tools.STEP, tools.add("a"), record.of("a"))
    assert ticket.wait(10)
    outcome = record.outcomes["a"]
    assert isinstance(outcome.failure, kind)
    assert not outcome.sent


def test_what_an_outcome_s_handler_raises_is_logged_and_the_thread_goes_on(make_queue, tools, record):
    def on_outcome(outcome):
        raise SystemExit("hunter2")

    queue = make_queue(succeed)
    with capture_logs() as logs:
        assert queue.submit(tools.STEP, tools.add("a"), on_outcome).wait(10)
        assert queue.submit(tools.STEP, tools.add("b"), record.of("b")).wait(10)
    assert [(log["event"], log["error"]) for log in logs] == [("outcome_not_handled", "SystemExit")]
    assert "hunter2" not in repr(logs)
    assert record.outcomes["b"].result


def test_an_outcome_is_handled_in_the_context_of_its_request(make_queue, tools):
    queue, seen = make_queue(succeed), []

    def on_outcome(outcome):
        seen.append(structlog.contextvars.get_contextvars()["request_id"])

    for request_id in ("r1", "r2"):
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            assert queue.submit(tools.STEP, tools.add(request_id), on_outcome).wait(10)
    assert seen == ["r1", "r2"]


def test_beyond_the_backlog_a_change_is_refused_at_once_and_nothing_was_sent(make_queue, tools, record, gate):
    def export(changes):
        gate.pass_through()
        return succeed(changes)

    queue = make_queue(export, backlog=3)
    queue.submit(tools.STEP, tools.add("0"), record.of("0"))
    gate.wait_for()
    tickets = [queue.submit(tools.STEP, tools.add(name), record.of(name)) for name in "abc"]
    with pytest.raises(TargetBusy, match="3 changes wait for the target already") as caught:
        queue.submit(tools.STEP, tools.add("d"), record.of("d"))
    assert caught.value.nothing_sent
    assert tickets[0].cancel()
    queue.submit(tools.STEP, tools.add("e"), record.of("e"))


def test_when_the_target_has_stalled_fewer_changes_may_wait(make_queue, tools, record, gate, monkeypatch):
    monkeypatch.setattr(queue_module, "STALLED_BACKLOG", 2)
    now = [0.0]

    def export(changes):
        gate.pass_through()
        return succeed(changes)

    queue = make_queue(export, clock=lambda: now[0])
    queue.submit(tools.STEP, tools.add("0"), record.of("0"))
    gate.wait_for()
    tickets = [queue.submit(tools.STEP, tools.add(name), record.of(name)) for name in "abc"]
    now[0] = queue_module.STALLED_SECONDS
    with pytest.raises(TargetBusy):
        queue.submit(tools.STEP, tools.add("d"), record.of("d"))
    gate.open()
    assert all(ticket.wait(10) for ticket in tickets)
    assert queue.submit(tools.STEP, tools.add("e"), record.of("e")).wait(10)


def test_when_no_thread_can_be_started_nothing_is_sent_and_the_change_does_not_stay(
    make_queue, tools, record, monkeypatch
):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    queue = make_queue(succeed)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(TargetBusy, match="no thread can be started"):
            queue.submit(tools.STEP, tools.add("a"), record.of("a"))
    assert queue.submit(tools.STEP, tools.add("b"), record.of("b")).wait(10)
    assert list(record.outcomes) == ["b"]


def test_threads_end_when_there_is_nothing_to_do_and_start_again(make_queue, tools, record):
    queue = make_queue(succeed, rest_seconds=0.01)
    assert queue.submit(tools.STEP, tools.add("a"), record.of("a")).wait(10)
    (thread,) = record.threads
    assert thread.daemon
    thread.join(10)
    assert not thread.is_alive()
    assert queue.submit(tools.STEP, tools.add("b"), record.of("b")).wait(10)
    assert thread not in {each for each in record.threads if each.is_alive()}


def test_a_thread_at_rest_is_used_again(make_queue, tools, record, wait_until):
    queue = make_queue(succeed, capabilities=Capabilities(concurrent_sessions=4))
    for number in range(20):
        assert queue.submit(tools.STEP, tools.add(str(number)), record.of(number)).wait(10)
        wait_until(lambda: len(queue._crew._resting) == queue._crew._threads)
    assert len(record.threads) == 1


def test_closing_finishes_what_is_queued(make_queue, tools, record, gate, wait_until):
    def export(changes):
        if changes[0].identifier == "0":
            gate.pass_through()
        return succeed(changes)

    queue = make_queue(export)
    queue.submit(tools.STEP, tools.add("0"), record.of("0"))
    gate.wait_for()
    queue.submit(tools.STEP, tools.add("a"), record.of("a"))
    closer = threading.Thread(target=queue.close, args=(30,))
    closer.start()
    wait_until(lambda: queue._closed)
    with pytest.raises(TargetBusy, match="closed or reloaded") as caught:
        queue.submit(tools.STEP, tools.add("b"), record.of("b"))
    assert caught.value.nothing_sent
    gate.open()
    closer.join(10)
    assert not closer.is_alive()
    assert [outcome.failure for outcome in record.outcomes.values()] == [None, None]
    assert list(record.outcomes) == ["0", "a"]


def test_closing_gives_up_at_its_limit_what_waits_was_never_sent_and_what_runs_is_completed_late(
    make_queue, tools, record, gate
):
    def export(changes):
        gate.pass_through()
        return succeed(changes)

    queue = make_queue(export)
    running = queue.submit(tools.STEP, tools.add("running"), record.of("running"))
    gate.wait_for()
    waiting = queue.submit(tools.STEP, tools.add("waiting"), record.of("waiting"))
    queue.close(0.05)
    assert waiting.wait(0)
    outcome = record.outcomes["waiting"]
    assert (outcome.result, type(outcome.failure), outcome.sent) == (None, TargetBusy, False)
    gate.open()
    assert running.wait(10)
    assert record.outcomes["running"].result.identifier == "running"
    for thread in record.threads - {threading.current_thread()}:
        thread.join(10)
        assert not thread.is_alive()


def test_a_forked_child_is_told_instead_of_waiting_for_ever(make_queue, tools, record):
    queue = make_queue(succeed)
    assert queue.submit(tools.STEP, tools.add("a"), record.of("a")).wait(10)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            queue.submit(tools.STEP, tools.add("b"), record.of("b"))
        except RuntimeError:
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


def test_640_changes_from_many_threads_each_have_one_outcome(make_queue, tools, record):
    calls = []

    def export(changes):
        calls.append(len(changes))
        return succeed(changes)

    queue = make_queue(export, capabilities=Capabilities(concurrent_sessions=2))
    waited = []

    def submit(start):
        for number in range(start, start + 40):
            waited.append(queue.submit(tools.STEP, tools.add(str(number)), record.of(number)).wait(20))  # noqa: PERF401 - one after the other is the point

    threads = [threading.Thread(target=submit, args=(start,)) for start in range(0, 640, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert waited == [True] * 640
    assert sorted(record.outcomes) == list(range(640))
    assert sum(calls) == 640


def test_the_order_of_an_object_s_changes_survives_many_threads_and_sessions(make_queue, tools):
    applied, lock = {}, threading.Lock()

    def export(changes):
        with lock:
            for change in changes:
                applied.setdefault(change.anchor[0], []).append(int(change.identifier.split("-")[1]))
        return succeed(changes)

    queue = make_queue(export, page_size=7, capabilities=Capabilities(concurrent_sessions=4))
    tickets, handled = [], []
    for number in range(50):
        for anchor in "abcdefgh":
            change = update(f"{anchor}-{number}", anchor)
            tickets.append(queue.submit(tools.STEP, change, handled.append))
    assert all(ticket.wait(20) for ticket in tickets)
    assert applied == {anchor: list(range(50)) for anchor in "abcdefgh"}
    assert len(handled) == 400
