"""What the processes of a host count together."""

import os
import signal
import subprocess
import sys
import threading
from mmap import mmap
from pathlib import Path

import pytest

from ecmahost_core.metrics import cells, meter, quarantine, slots
from ecmahost_core.metrics.meter import Meter

REQUEST = ("ecmahost_requests", "hr", "GET", "User", "2xx")
SECONDS = ("ecmahost_request_duration_seconds", "hr", "GET")
OTHER = (
    "import sys, pathlib; from ecmahost_core.metrics.meter import Meter\n"
    "meter = Meter(pathlib.Path(sys.argv[1]), 'web')\n"
    "for _ in range(3): meter.request('hr', 'GET', 'User', 200, 0.004)\n"
    "print('counted', flush=True); sys.stdin.read()\n"
)


@pytest.fixture
def make(tmp_path):
    made = []

    def one(role: str = "web", directory: Path | None = tmp_path / "metrics") -> Meter:
        made.append(Meter(directory, role))
        return made[-1]

    yield one
    for each in made:
        each.close()


def other_process(tmp_path: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(tmp_path / "metrics")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"counted\n"
    return process


def test_what_a_killed_process_has_counted_counts_and_its_successor_goes_on(tmp_path, make):
    first = make()
    first.request("hr", "GET", "User", 204, 0.004)
    with other_process(tmp_path) as process:
        assert first.totals().rows[REQUEST] == [4]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert first.totals().rows[REQUEST] == [4]
    assert ("ecmahost_process_restarts", "web") not in first.totals().rows
    make().request("hr", "GET", "User", 200, 0.004)
    totals = first.totals().rows
    assert totals[REQUEST] == [5]
    assert totals["ecmahost_process_restarts", "web"] == [1]
    assert len(list((tmp_path / "metrics").iterdir())) == 2


def test_processes_that_die_again_and_again_leave_one_file(tmp_path, make):
    for _ in range(20):
        make("worker").close()
    assert [file.name for file in (tmp_path / "metrics").iterdir()] == ["worker-0"]
    assert make("command").totals().rows["ecmahost_process_restarts", "worker"] == [19]


def test_commands_that_come_and_go_are_no_restarts(make):
    for _ in range(3):
        make("command").close()
    assert make("web").totals().rows == {}


def test_a_start_of_the_host_begins_anew_and_disturbs_nobody(tmp_path, make):
    before = make()
    before.export("hr", "ok")
    slots.clear(tmp_path / "metrics")
    before.export("hr", "ok")
    after = make()
    after.export("hr", "ok")
    assert after.totals().rows == {("ecmahost_exports", "hr", "ok", ""): [1]}


def test_a_histogram_counts_each_value_once_and_sums_them(make):
    one = make()
    for value in (0.0005, 0.001, 0.002, 61.0):
        one.request("hr", "GET", "User", 200, value)
    numbers = one.totals().rows[SECONDS]
    assert numbers[:2] == [2, 1]
    assert sum(numbers[:-1]) == 4
    assert numbers[-2] == 1
    assert numbers[-1] == pytest.approx(61.0035)


def test_threads_lose_no_count(make):
    one = make()

    def count() -> None:
        for _ in range(2000):
            one.request("hr", "GET", "User", 200, 0.004)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.totals().rows[REQUEST] == [8000]


def test_the_memory_is_bounded_and_what_finds_no_room_is_told(tmp_path, make):
    one = make()
    for number in range(10_000):
        one.request(f"c{number}", "GET", "User", 200, 0.004)
    totals = one.totals()
    assert totals.spilled
    assert 1000 < len(totals.rows) < 10_000
    assert (tmp_path / "metrics" / "web-0").stat().st_size == cells.SIZE


@pytest.mark.parametrize("content", [b"", b"x" * cells.SIZE, b"ecmacnt1" + b"\xff" * (cells.SIZE - 8), b"short"])
def test_a_file_that_holds_anything_else_is_begun_anew(tmp_path, make, content):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "web-0").write_bytes(content)
    (tmp_path / "metrics" / "web-1").write_bytes(content)
    one = make()
    one.export("hr", "ok")
    assert one.totals().rows["ecmahost_exports", "hr", "ok", ""] == [1]


def test_a_further_row_does_not_write_the_head_anew_for_whoever_reads_meanwhile_or_inherits():
    """Packing the head as a whole writes zeros first, which other processes see, and a kill leaves."""
    memory = mmap(-1, cells.SIZE)
    rows = cells.Cells(memory)
    magic = memory[:8]
    memory[:8] = b"anything"
    rows.start(("ecmahost_exports", "hr"), 1)
    assert memory[:8] == b"anything"
    memory[:8] = magic
    assert [name for name, _ in cells.rows_of(memory[:])] == [cells.SPILL, ("ecmahost_exports", "hr")]
    rows.close()


def test_the_files_are_allocated_so_that_a_full_disk_kills_nobody(tmp_path, make):
    make()
    assert (tmp_path / "metrics" / "web-0").stat().st_blocks * 512 >= cells.SIZE


def test_a_process_that_gets_no_file_counts_for_itself(tmp_path, make, monkeypatch):
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(slots.os, "posix_fallocate", full)
    one = make()
    one.export("hr", "ok")
    assert one.totals().rows == {("ecmahost_exports", "hr", "ok", ""): [1]}


def test_without_a_directory_nothing_is_shared(make):
    one, other = make(directory=None), make(directory=None)
    one.export("hr", "ok")
    assert len(one.totals().rows) == 1
    assert other.totals().rows == {}


def test_a_closed_meter_counts_nothing_and_breaks_nothing(make):
    one = make(directory=None)
    one.close()
    one.request("hr", "GET", "User", 200, 0.1)
    one.write("hr", failed=True)
    one.imported("hr", "full", "ok", 1.0)
    assert one.totals().rows == {}
    one.close()


def breakers(meter: Meter) -> float:
    return sum(meter.totals().rows.get(("ecmahost_breaker_open", "hr"), [0]))


def test_a_breaker_that_is_open_is_told_by_whichever_process_is_asked_and_goes_with_its_process(tmp_path, make):
    first, other, command = make(), make("worker"), make("command")
    for one in (first, other, command):
        one.breaker("hr", opened=True)
    assert breakers(first) == breakers(other) == 2  # a command that is killed may leave nobody behind
    first.breaker("hr", opened=False)
    assert breakers(first) == 1
    other.close()
    assert breakers(first) == 0


def test_of_a_process_that_was_killed_its_successor_says_that_no_breaker_is_open(tmp_path, make):
    program = OTHER.replace("print(", "meter.breaker('hr', opened=True); print(")
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "metrics")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert breakers(make("worker")) == 1
    assert breakers(make()) == 0


# The hour of Entra's writes


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1_000_000.0

        def monotonic(self) -> float:
            return self.now

    one = Clock()
    monkeypatch.setattr(meter, "time", one)
    return one


def test_the_share_of_failures_is_that_of_the_last_hour(make, clock):
    one, other = make(), make("worker")
    for failed in (True, True, False):
        one.write("hr", failed=failed)
    other.write("hr", failed=False)
    assert one.totals().writes == {"hr": quarantine.Writes(4, 2)}
    assert one.totals().writes["hr"].share == 0.5
    clock.now += 3000
    one.write("hr", failed=True)
    assert one.totals().writes == {"hr": quarantine.Writes(5, 3)}
    clock.now += 1000
    assert one.totals().writes == {"hr": quarantine.Writes(1, 1)}
    clock.now += 3600
    assert one.totals().writes == {"hr": quarantine.Writes(0, 0)}
    one.write("hr", failed=False)
    assert one.totals().writes == {"hr": quarantine.Writes(1, 0)}


def test_the_operator_is_told_before_entra_acts_and_not_for_every_failure():
    assert not quarantine.Writes(499, 499).near
    assert quarantine.Writes(1000, 500).near
    assert not quarantine.Writes(10_000, 1_999).near
    assert quarantine.Writes(10_000, 2_000).near
    assert quarantine.WARN_SHARE <= quarantine.ENTRAS_SHARE / 2
    assert quarantine.WARN_FAILURES <= quarantine.ENTRAS_FAILURES / 2


def test_who_needs_no_token_to_ask_has_the_files_read_once_a_second(make, clock, monkeypatch):
    one = make()
    assert one.writes() == {}
    one.write("hr", failed=True)
    monkeypatch.setattr(meter, "read_slots", None)
    assert one.writes() == {}
    monkeypatch.undo()
    monkeypatch.setattr(meter, "time", clock)
    clock.now += meter.LOOK_SECONDS
    assert one.writes() == {"hr": quarantine.Writes(1, 1)}


def test_entras_two_limits_are_reached_by_share_and_count_or_by_count_alone():
    assert quarantine.Writes().ratio == 0
    assert quarantine.Writes(12_500, 5_000).ratio == pytest.approx(1)
    assert quarantine.Writes(5_000, 2_500).ratio == pytest.approx(0.5)
    assert quarantine.Writes(500_000, 5_000).ratio == pytest.approx(5 / 40)
    assert quarantine.Writes(500_000, 40_000).ratio == pytest.approx(1)
    assert quarantine.Writes(500_000, 4_000).near
    assert quarantine.WARN_FAILURES_ALONE <= quarantine.ENTRAS_FAILURES_ALONE / 2


@pytest.mark.parametrize(
    ("method", "status", "fails"),
    [
        ("POST", 201, False),
        ("POST", 409, True),
        ("PATCH", 404, True),
        ("PATCH", 503, True),
        ("DELETE", 204, False),
        ("DELETE", 404, False),
        ("DELETE", 500, True),
        ("POST", 401, False),
        ("GET", 200, False),
        ("GET", 503, True),
        ("GET", 404, False),
    ],
)
def test_a_failure_is_what_entra_takes_for_one(method, status, fails):
    assert quarantine.is_failure(method, status) is fails
