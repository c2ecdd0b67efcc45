"""The unit for systemd says what is true of the host."""

import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ecmahost_core.cli.serve import serve
from ecmahost_core.configuration.home import HOME_VARIABLE
from ecmahost_core.serving.settings import ServingSettings

CHECKOUT = Path(__file__).parents[2]
UNIT = CHECKOUT / "deploy" / "ecmahost.service"
MAIN = "from ecmahost_core.cli import main; main()"


@pytest.fixture(scope="module")
def unit() -> dict[str, dict[str, str]]:
    """The unit's keys by section; no key is there twice in one."""
    sections: dict[str, dict[str, str]] = {}
    for line in filter(None, map(str.strip, UNIT.read_text(encoding="ascii").splitlines())):
        if line.startswith("["):
            keys = sections.setdefault(line.strip("[]"), {})
        elif not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals
            assert key not in keys
            keys[key] = value
    return sections


def test_it_runs_the_command_with_the_home_that_it_may_write(unit: dict[str, dict[str, str]]) -> None:
    service = unit["Service"]
    program, *arguments = shlex.split(service["ExecStart"])
    assert (Path(program).name, arguments) == ("ecmahost", [serve.name])
    variable, _, home = service["Environment"].partition("=")
    assert (variable, home) == (HOME_VARIABLE, f"/var/lib/{service['StateDirectory']}")
    assert service["StateDirectoryMode"] == "0700"
    assert service["User"] == service["Group"] == "ecmahost"


def test_a_stop_leaves_the_host_the_time_that_it_takes_for_what_is_in_flight(unit: dict[str, dict[str, str]]) -> None:
    assert unit["Service"]["KillMode"] == "mixed"
    assert int(unit["Service"]["TimeoutStopSec"]) >= ServingSettings().graceful_seconds + 15


def test_a_reload_is_the_signal_that_the_host_takes_for_one(unit: dict[str, dict[str, str]]) -> None:
    assert unit["Service"]["ExecReload"] == "/bin/kill -HUP $MAINPID"


def test_it_is_started_again_however_often_it_fails(unit: dict[str, dict[str, str]]) -> None:
    assert unit["Service"]["Restart"] == "on-failure"
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"


def test_the_limit_of_open_files_is_above_what_a_worker_s_connections_take(unit: dict[str, dict[str, str]]) -> None:
    assert int(unit["Service"]["LimitNOFILE"]) >= 4 * ServingSettings().connections


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("ProtectKernelTunables", "yes"),
        ("RestrictNamespaces", "yes"),
        ("SystemCallFilter", "@system-service"),
        ("UMask", "0077"),
    ],
)
def test_it_is_hardened(key: str, value: str, unit: dict[str, dict[str, str]]) -> None:
    assert unit["Service"][key] == value


def test_the_families_of_addresses_are_those_that_the_host_uses(unit: dict[str, dict[str, str]]) -> None:
    assert {"AF_INET", "AF_INET6", "AF_UNIX"} <= set(unit["Service"]["RestrictAddressFamilies"].split())


def test_the_host_says_that_it_is_ready_when_its_address_is_bound(
    unit: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    assert unit["Service"]["Type"] == "notify"
    home = tmp_path / "home"
    command = [sys.executable, "-P", "-c", MAIN, "--home", str(home)]
    assert subprocess.run([*command, "init"], capture_output=True, timeout=60).returncode == 0
    (home / "ecmahost.toml").write_text("[host]\nport = 0\nworkers = 1\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications, (tmp_path / "log").open("wb") as log:
        notifications.settimeout(60)
        notifications.bind(str(tmp_path / "notify"))
        host = subprocess.Popen(
            [*command, "serve"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")},
        )
        try:
            assert b"READY=1" in notifications.recv(4096).splitlines()
            host.terminate()
            assert host.wait(40) == 0, (tmp_path / "log").read_text()
        finally:
            if host.poll() is None:
                os.killpg(host.pid, signal.SIGKILL)
                host.wait()


def test_the_guide_for_operators_names_it() -> None:
    assert "deploy/ecmahost.service" in (CHECKOUT / "docs" / "operating.md").read_text(encoding="utf-8")
