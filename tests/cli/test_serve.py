"""``ecmahost serve``: one to a home, told apart by a lock and not by a file's content."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Start = Callable[[], "subprocess.Popen[bytes]"]


def eventually(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def start(place: Any, tmp_path: Path) -> Iterator[Start]:
    """Starts hosts and waits until they listen; ends them after the test."""
    processes: list[subprocess.Popen[bytes]] = []

    def started() -> "subprocess.Popen[bytes]":
        source = "from ecmahost_core.cli import main; main()"
        with (tmp_path / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", source, "--home", str(place.path), "serve"], stderr=log
            )
        processes.append(process)
        assert eventually((place.path / "run" / "port").exists), (tmp_path / "log").read_text()
        return process

    yield started
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(40)


def test_a_second_one_is_refused_with_the_pid_of_the_first_and_touches_nothing(place: Any, start: Start) -> None:
    first = start()
    port = (place.path / "run" / "port").read_bytes()
    refused = place.command("serve")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert (
        f"the process {first.pid} serves the home {place.path} already: stop it first (kill {first.pid})"
        in refused.stderr
    )
    assert (place.path / "run" / "port").read_bytes() == port
    assert (place.path / "run" / "serve.pid").read_text() == f"{first.pid}\n"
    first.terminate()
    assert first.wait(40) == 0
    assert (place.path / "run" / "serve.pid").read_text() == ""


def test_a_new_token_is_taken_by_the_host_that_runs(place: Any, start: Start, tmp_path: Path) -> None:
    place.connector("staff")
    first = start()
    before = (tmp_path / "log").read_text().count("reload_requested")
    done = place.command("token", "staff", "--rotate")
    assert f"(process {first.pid}) has been told to take it" in done.stderr
    assert eventually(lambda: (tmp_path / "log").read_text().count("reload_requested") > before)
    assert first.poll() is None
    first.terminate()
    first.wait(40)
    assert "No host serves this home" in place.command("token", "staff", "--rotate").stderr


def test_a_process_that_only_has_the_hosts_number_is_never_signalled(place: Any) -> None:
    # As where the host runs in a container that shares the home: its pid is somebody else's here.
    place.connector("staff")
    (place.path / "run").mkdir(exist_ok=True)
    with (
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger,
        (place.path / "run" / "serve.pid").open("w") as file,
    ):
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{stranger.pid}\n")
        file.flush()
        for arguments in (("token", "staff", "--rotate"), ("reload",)):
            done = place.command(*arguments)
            assert f"kill -HUP {stranger.pid}" in done.stdout + done.stderr
        assert stranger.poll() is None
        stranger.kill()


def test_a_reload_tells_of_mistakes_and_of_a_host_that_is_not_there(place: Any, start: Start) -> None:
    path = place.connector("staff")
    missing = place.command("reload")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "no host serves this home" in missing.stderr
    first = start()
    good = place.command("reload")
    assert (good.returncode, good.stderr) == (0, "")
    assert f"(process {first.pid}) has been told" in good.stdout
    path.write_text(path.read_text().replace("anchor", "anchors"))
    broken = place.command("reload")
    assert broken.returncode == 3
    assert "anchors" in broken.stderr
    assert "has been told" in broken.stdout


def test_a_package_that_was_upgraded_under_a_host_that_runs_is_told_until_it_is_restarted(
    place: Any, start: Start
) -> None:
    place.connector("staff")
    start()
    assert "restart it" not in place.command("check").stderr
    packages = place.path / "run" / "packages.json"
    versions = json.loads(packages.read_text())
    packages.write_text(json.dumps(versions | {"ecmahost-sql": "0.0.1"}))
    for command in ("check", "connectors"):
        told = place.command(command).stderr
        assert f"ecmahost-sql {versions['ecmahost-sql']} is installed" in told
        assert "was started with 0.0.1: restart it" in told


def test_after_a_kill_the_next_one_starts_although_the_file_still_names_the_dead_one(place: Any, start: Start) -> None:
    first = start()
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert (place.path / "run" / "serve.pid").read_text() == f"{first.pid}\n"
    (place.path / "run" / "port").unlink()
    second = start()
    assert (place.path / "run" / "serve.pid").read_text() == f"{second.pid}\n"


def test_a_pid_in_the_file_alone_stops_nobody(place: Any, start: Start) -> None:
    (place.path / "run").mkdir(exist_ok=True)
    (place.path / "run" / "serve.pid").write_text(f"{os.getpid()}\n")
    assert start().poll() is None


def test_a_port_in_use_is_named_and_ends_with_1(place: Any) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        (place.path / "ecmahost.toml").write_text(f"[host]\nport = {address.partition(':')[2]}\n")
        done = place.command("serve")
    assert done.returncode == 1
    assert "address_unavailable" in done.stderr
    assert address in done.stderr


@pytest.mark.parametrize(
    ("damage", "code", "told"),
    [
        (lambda home: (home / "secret.key").unlink(), 3, "init makes one, or put back the backup: a new one voids"),
        (lambda home: (home / "secret.key").chmod(0o644), 3, "chmod 600"),
        (lambda home: (home / "certificate.key").write_text("x"), 1, "certificate_unusable"),
        (lambda home: (home / "ecmahost.toml").write_text("[host]\nprot = 1\n"), 3, "expected the key port"),
    ],
)
def test_what_keeps_it_from_starting_is_told_with_the_file(place: Any, damage: Any, code: int, told: str) -> None:
    damage(place.path)
    done = place.command("serve")
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert str(place.path) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_that_takes_no_files_is_named_with_the_way_out(place: Any) -> None:
    """A process that may make no file longer than nothing stands for a disk that is full or mounted read-only."""
    source = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    source += "from ecmahost_core.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", source, "--home", str(place.path), "serve"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert f"the home {place.path} cannot be written" in done.stderr
    assert "make room" in done.stderr
    assert "Traceback" not in done.stderr
