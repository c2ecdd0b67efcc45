"""The demo as a user runs it: in a process of its own."""

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ecmahost_entra.serving import HostFailed, HostProcess, command, run
from ecmahost_entra.stage import running_port

from ecmahost_core.configuration.home import Home


def test_demo_once_is_green_and_ends_by_itself(tmp_path: Path) -> None:
    started = time.monotonic()
    done = subprocess.run(
        command(Home(tmp_path / "demo"), "demo", "--once"), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(" green") == 6
    assert done.stdout.count(" 15/15 ") == 4
    assert "hrecma: the On-premises ECMA app knows users only" in done.stdout
    assert time.monotonic() - started < 30
    assert not listening(running_port(Home(tmp_path / "demo")))


@contextlib.contextmanager
def serving_demo(path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    child = subprocess.Popen(command(Home(path), "demo", "--port", "0"), stdout=subprocess.PIPE, text=True)
    with child:
        try:
            assert child.stdout is not None
            assert any("serving until Ctrl-C" in line for line in child.stdout)
            port = running_port(Home(path))
            assert port is not None
            assert listening(port)
            yield child, port
        finally:
            child.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_demo_and_host_with_success(tmp_path: Path, number: signal.Signals) -> None:
    with serving_demo(tmp_path / "demo") as (child, port):
        child.send_signal(number)
        assert child.wait(30) == 0
        assert not listening(port)


def test_the_host_does_not_outlive_a_demo_that_is_killed(tmp_path: Path) -> None:
    with serving_demo(tmp_path / "demo") as (child, port):
        child.kill()
        child.wait(10)
        deadline = time.monotonic() + 20
        while listening(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not listening(port)


def test_a_host_that_dies_under_the_demo_is_told_with_its_last_lines(tmp_path: Path) -> None:
    with serving_demo(tmp_path / "demo") as (child, _):
        children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text(encoding="ascii").split()
        subprocess.run(["kill", *children], check=True)
        assert child.wait(30) == 1


def test_a_host_that_cannot_start_is_told_with_its_last_lines(tmp_path: Path) -> None:
    home = Home(tmp_path)
    run(home, "init")
    home.host_file.write_text("[host]\nport = 'none'\n", encoding="utf-8")
    with HostProcess(home) as host, pytest.raises(HostFailed, match="port") as caught:
        host.wait_ready(30)
    assert "the host ended with code 3" in str(caught.value)


def test_a_foreign_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    done = subprocess.run(command(Home(tmp_path), "demo", "--once"), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "was not made by a demo" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def listening(port: int | None) -> bool:
    if port is None:
        return False
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
