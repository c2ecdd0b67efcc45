import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from ecmahost_core import ObjectQuery, ServerDown
from ecmahost_core.connectors.reads import ReadLane
from ecmahost_core.errors import BrokenContract, DeadlineExceeded, TargetBusy


def query(name):
    return ObjectQuery("Person", (("Name", (name,)),))


@pytest.fixture
def make_lane(build):
    lanes = []

    def make(read, *, name="hr", **options):
        lane = ReadLane(build(name=name, full_object_import=read), **options)
        lanes.append(lane)
        return lane

    yield make
    for lane in lanes:
        lane.close()


@pytest.fixture
def hang(gate, tools):
    """A read that hangs for queries by the name "hang" and answers others."""

    def read(query):
        if query.attributes[0][1] == ("hang",):
            gate.pass_through()
        return [tools.person("1")]

    return read


class Waiter:
    """A request that reads in a thread of its own."""

    def __init__(self, lane, step, name, timeout):
        self.error = self.answer = None
        self._work = (lane, step, name, timeout)
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        lane, step, name, timeout = self._work
        try:
            self.answer = lane.read(step, query(name), timeout)
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.error = error

    def join(self):
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self


def test_a_read_returns_what_the_target_says(make_lane, tools, hang):
    assert [entry.anchor for entry in make_lane(hang).read(tools.STEP, query("Ann"), 10)] == [("1",)]


def test_a_target_that_hangs_is_left_at_the_deadline(make_lane, tools, hang, gate):
    lane = make_lane(hang)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"connector 'hr': the target did not answer within 0\.05 s"):
        lane.read(tools.STEP, query("hang"), 0.05)
    assert 0.05 <= time.monotonic() - started < 5
    gate.wait_for()
    assert lane.read(tools.STEP, query("Ann"), 10)


def test_a_read_without_time_left_is_not_waited_for(make_lane, tools, hang):
    with pytest.raises(DeadlineExceeded):
        make_lane(hang).read(tools.STEP, query("hang"), -1)


@pytest.mark.parametrize(("error", "kind"), [(ServerDown("away"), ServerDown), (ValueError("hunter2"), BrokenContract)])
def test_what_a_read_raises_is_raised_where_it_is_waited_for(make_lane, tools, error, kind):
    def read():
        raise error

    with pytest.raises(kind) as caught:
        make_lane(read).read(tools.STEP, query("Ann"), 10)
    assert "hunter2" not in str(caught.value)


def test_when_all_threads_hang_others_fail_at_their_deadline_and_are_never_run(make_lane, tools, gate):
    seen = []

    def read(query):
        seen.append(query.attributes[0][1][0])
        gate.pass_through()
        return ()

    lane = make_lane(read, threads=2)
    stuck = [Waiter(lane, tools.STEP, "hang", 20) for _ in range(2)]
    gate.wait_for(2)
    with pytest.raises(DeadlineExceeded):
        lane.read(tools.STEP, query("Ann"), 0.05)
    gate.open()
    assert [waiter.join().answer for waiter in stuck] == [(), ()]
    assert lane.read(tools.STEP, query("Bob"), 10) == ()
    assert seen == ["hang", "hang", "Bob"]


def test_when_too_many_wait_a_read_is_refused_at_once(make_lane, tools, hang, gate, wait_until):
    lane = make_lane(hang, threads=1, waiting=2)
    waiters = [Waiter(lane, tools.STEP, "hang", 20)]
    gate.wait_for()
    waiters += [Waiter(lane, tools.STEP, "Ann", 20) for _ in range(2)]
    wait_until(lambda: len(lane._waiting) == 2)
    started = time.monotonic()
    with pytest.raises(TargetBusy, match="2 reads wait for the target already"):
        lane.read(tools.STEP, query("Ann"), 20)
    assert time.monotonic() - started < 5
    gate.open()
    assert all(waiter.join().answer for waiter in waiters)


def test_one_hanging_connector_never_stops_another(make_lane, tools, hang, gate):
    hanging, healthy = make_lane(hang, name="one", threads=2), make_lane(hang, name="two", threads=2)
    waiters = [Waiter(hanging, tools.STEP, "hang", 20) for _ in range(4)]
    gate.wait_for(2)
    for _ in range(20):
        assert healthy.read(tools.STEP, query("Ann"), 10)
    gate.open()
    for waiter in waiters:
        waiter.join()


def test_no_more_reads_run_at_once_than_there_are_threads(make_lane, tools, gate):
    running, most, lock = [0], [0], threading.Lock()

    def read():
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        gate.pass_through()
        with lock:
            running[0] -= 1
        return ()

    lane = make_lane(read, threads=3)
    waiters = [Waiter(lane, tools.STEP, "Ann", 20) for _ in range(12)]
    gate.wait_for(3)
    gate.open()
    for waiter in waiters:
        assert waiter.join().answer == ()
    assert most[0] == 3


def test_every_waiting_read_gets_a_thread_of_its_own_while_there_are_any(make_lane, tools, hang, gate, wait_until):
    lane = make_lane(hang, threads=4)
    assert lane.read(tools.STEP, query("Ann"), 10)
    wait_until(lambda: len(lane._crew._resting) == 1)
    waiters = [Waiter(lane, tools.STEP, "hang", 20) for _ in range(4)]
    gate.wait_for(4)
    gate.open()
    for waiter in waiters:
        assert waiter.join().answer


def test_a_late_answer_is_dropped_and_logged(make_lane, tools, hang, gate):
    lane = make_lane(hang, threads=1)
    with capture_logs() as logs:
        with pytest.raises(DeadlineExceeded):
            lane.read(tools.STEP, query("hang"), 0.05)
        gate.wait_for()
        gate.open()
        assert lane.read(tools.STEP, query("Ann"), 10)
    assert [(log["event"], log["failed"]) for log in logs] == [("answer_came_too_late", False)]


def test_threads_end_after_a_rest_and_end_idle_sessions(build, tools):
    now, asked = [0.0], []
    connector = build(full_object_import=lambda: (), clock=lambda: now[0])
    retire = connector.retire_idle_sessions
    ended = threading.Event()

    def retire_idle_sessions():
        retire()
        asked.append(threading.current_thread())
        ended.set()

    connector.retire_idle_sessions = retire_idle_sessions
    lane = ReadLane(connector, rest_seconds=0.01)
    lane.read(tools.STEP, query("Ann"), 10)
    assert ended.wait(10)
    asked[0].join(10)
    assert not asked[0].is_alive()
    assert lane.read(tools.STEP, query("Ann"), 10) == ()
    lane.close()


def test_when_no_thread_can_be_started_the_target_is_busy(make_lane, tools, hang, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    lane = make_lane(hang)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(TargetBusy, match="no thread can be started"):
            lane.read(tools.STEP, query("Ann"), 10)
    assert lane.read(tools.STEP, query("Ann"), 10)


def test_a_closed_lane_answers_what_runs_and_refuses_the_rest(make_lane, tools, hang, gate, wait_until):
    lane = make_lane(hang, threads=1)
    running = Waiter(lane, tools.STEP, "hang", 20)
    gate.wait_for()
    waiting = Waiter(lane, tools.STEP, "Ann", 20)
    wait_until(lambda: lane._waiting)
    lane.close()
    assert isinstance(waiting.join().error, TargetBusy)
    with pytest.raises(TargetBusy, match="closed or reloaded"):
        lane.read(tools.STEP, query("Ann"), 10)
    gate.open()
    assert running.join().answer


def test_a_forked_child_is_told_instead_of_waiting_for_ever(make_lane, tools, hang):
    lane = make_lane(hang)
    lane.read(tools.STEP, query("Ann"), 10)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            lane.read(tools.STEP, query("Ann"), 1)
        except RuntimeError:
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_read_runs_in_the_context_of_its_request(make_lane, tools):
    seen = []

    def read():
        seen.append(structlog.contextvars.get_contextvars()["request_id"])
        return ()

    lane = make_lane(read)
    for request_id in ("r1", "r2"):
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            lane.read(tools.STEP, query("Ann"), 10)
    assert seen == ["r1", "r2"]


def test_any_call_to_the_target_can_have_a_deadline(make_lane, hang, gate):
    lane = make_lane(hang)
    assert lane.call(lambda: None, 10) is None
    with pytest.raises(DeadlineExceeded):
        lane.call(gate.pass_through, 0.01)


def test_a_driver_call_that_hangs_does_not_keep_the_process_from_ending(tmp_path):
    script = tmp_path / "hanging.py"
    script.write_text(
        f"""
import sys, threading
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[2])!r}]
import conftest
from ecmahost_core.connectors.connector import Connector
from ecmahost_core.connectors.reads import ReadLane
from ecmahost_core.errors import DeadlineExceeded
lane = ReadLane(Connector(conftest.make_configuration(), conftest.make_plugin()))
try:
    lane.call(threading.Event().wait, 0.05)
except DeadlineExceeded:
    print("left")
"""
    )
    done = subprocess.run([sys.executable, str(script)], timeout=30, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "left\n"), done.stderr
