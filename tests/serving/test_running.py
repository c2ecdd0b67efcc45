"""The lock that says which process serves a home."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from ecmahost_core.serving.running import PID_FILE, AlreadyServed, claimed, serving_pid


def test_whoever_serves_is_known_while_it_does_and_not_afterwards(tmp_path: Path) -> None:
    assert serving_pid(tmp_path) is None
    with claimed(tmp_path):
        assert serving_pid(tmp_path) == os.getpid()
    assert serving_pid(tmp_path) is None


def test_a_second_claim_is_refused_and_the_first_stays(tmp_path: Path) -> None:
    with claimed(tmp_path):
        with pytest.raises(AlreadyServed, match=f"the process {os.getpid()} serves the home"), claimed(tmp_path):
            pass
        assert serving_pid(tmp_path) == os.getpid()
    with claimed(tmp_path):
        assert serving_pid(tmp_path) == os.getpid()


def test_a_holder_that_has_not_said_its_pid_is_somebody(tmp_path: Path) -> None:
    with (tmp_path / PID_FILE).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert serving_pid(tmp_path) == 0
        with pytest.raises(AlreadyServed, match="another process serves"), claimed(tmp_path):
            pass


def test_somebody_who_only_asks_does_not_keep_a_host_from_starting(tmp_path: Path) -> None:
    with (tmp_path / PID_FILE).open("w") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        timer = threading.Timer(0.2, lambda: fcntl.flock(asking, fcntl.LOCK_UN))
        timer.start()
        with claimed(tmp_path):
            assert serving_pid(tmp_path) == os.getpid()
        timer.join()


def test_a_child_that_outlives_its_parents_claim_holds_nothing(tmp_path: Path) -> None:
    from_child, to_parent = os.pipe()
    from_parent, to_child = os.pipe()
    with claimed(tmp_path) as claim:
        child = os.fork()
        if child == 0:
            claim.leave_to_parent()
            os.write(to_parent, b"x")
            os.close(to_child)
            os.read(from_parent, 1)
            os._exit(0)
        assert os.read(from_child, 1) == b"x"
    try:
        assert serving_pid(tmp_path) is None
        with claimed(tmp_path):
            assert serving_pid(tmp_path) == os.getpid()
    finally:
        for descriptor in (to_child, from_child, to_parent, from_parent):
            os.close(descriptor)
        os.waitpid(child, 0)


def test_a_child_does_not_end_its_parents_claim(tmp_path: Path) -> None:
    with claimed(tmp_path) as claim:
        child = os.fork()
        if child == 0:
            claim.leave_to_parent()
            os._exit(0)
        os.waitpid(child, 0)
        assert serving_pid(tmp_path) == os.getpid()
