"""A running host: its processes, its log, and clients for it."""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecmahost_host_kit.clients import Client
from ecmahost_host_kit.homes import MAIN, PROGRAMS, HomeDirectory


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether the condition becomes true within the time; asks again and again."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@dataclass
class RunningHost:
    """``ecmahost serve`` in a process group of its own."""

    home: HomeDirectory
    process: subprocess.Popen[bytes]
    log_file: Path
    clients: list[Client] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int((self.home.path / "run" / "port").read_text())

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.home.path / "certificate.pem"))
        context.check_hostname = False
        return context

    def client(self, connector: str, *, token: str | None = None, timeout: float = 60) -> Client:
        """A new client, by default with a token that the host accepts; closed with the host."""
        given = self.home.minted(connector) if token is None else token
        client = Client(self.port, connector, given, self.context, timeout)
        self.clients.append(client)
        return client

    def plain(self) -> Client:
        """A client without a connector, for ``send``."""
        return self.client("none", token="")

    def ready(self) -> tuple[int, dict[str, Any]]:
        """What ``/readyz`` says: its status, and each connector's state."""
        client = self.plain()
        try:
            answer = client.send("GET", "/readyz", None, {})
        finally:
            client.close()
        return answer.status, answer.json["connectors"]

    def is_ready(self) -> bool:
        try:
            return self.ready()[0] == 200
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def open_entries(self) -> int:
        return sum(int(state.get("open_entries", 0)) for state in self.ready()[1].values())

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def trouble(self) -> str:
        """The last lines of the log that are not about a single request, for a failed assertion."""
        lines = [line for line in self.log().splitlines() if '"event": "request"' not in line]
        return "\n".join(lines[-30:])

    def events(self, name: str) -> list[dict[str, Any]]:
        """The logged events of this name. Every line of the log is JSON, or this raises."""
        found = (json.loads(line) for line in self.log().splitlines() if line)
        return [event for event in found if event["event"] == name]

    def pids(self) -> dict[str, set[int]]:
        """The living processes by what they do: ``arbiter``, ``web``, ``worker``."""
        workers = {event["pid"] for event in self.events("background_started")} & _group(self.process.pid)
        others = _group(self.process.pid) - workers - {self.process.pid}
        return {"arbiter": {self.process.pid}, "web": others, "worker": workers}

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """Ends every process at once, as a power cut does."""
        for client in self.clients:
            client.close()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert eventually(lambda: not _group(self.process.pid))

    def stop(self) -> int:
        """Asks the host to stop and returns its exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(40)


def _group(group: int) -> set[int]:
    """The living processes of a process group."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _parent, process_group = path.read_text().rpartition(")")[2].split()[:3]
            if int(process_group) == group and state != "Z":
                found.add(int(path.parent.name))
    return found


def launch(home: HomeDirectory, *, holds: bool = False, ready: bool = True) -> RunningHost:
    """Starts a host and waits until it listens, and until every connector can be served unless told otherwise."""
    (home.path / "run" / "port").unlink(missing_ok=True)
    log_file = home.path / f"log.{uuid.uuid4().hex[:8]}"
    program = [str(PROGRAMS / "holding_host.py")] if holds else ["-P", "-c", MAIN]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *program, "--home", str(home.path), "serve"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.path,
            env=os.environ | home.environment,
            start_new_session=True,
        )
    host = RunningHost(home, process, log_file)
    try:
        listening = eventually(lambda: (home.path / "run" / "port").exists() or process.poll() is not None, 20)
        assert listening, host.trouble()
        assert process.poll() is None, host.trouble()
        assert not ready or eventually(host.is_ready, 20), host.trouble()
    except BaseException:
        host.kill()
        raise
    return host
