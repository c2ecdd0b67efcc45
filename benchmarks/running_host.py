"""A host in a directory of its own: made by ``ecmahost init``, run by ``ecmahost serve``, and thrown away."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ecmahost_core.configuration import home as homes
from ecmahost_core.configuration import secrets, tokens

MAIN = "from ecmahost_core.cli import main; main()"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CONNECTOR = """
[properties]
instance = "{instance}"
type = "{type}"
{properties}
[connectivity]
{connectivity}
[run_profiles]
full_import = {{ page_size = 1000 }}
[object_types.User]
target = "{target}"
anchor = "{anchor}"
anchor_immutable = {immutable}
query_attributes = ["UserName"]
[schema_mapping.User]
{mapping}
[deprovisioning.User]
disable = {{ set = "IsActive" }}
delete = "delete"
"""


def eventually(condition: Callable[[], bool], seconds: float, what: str, host: "RunningHost | None" = None) -> None:
    """Waits until the condition holds.

    Ends the benchmark, naming ``what``, when it does not within the time, and when the host ends meanwhile.
    """
    until = time.monotonic() + seconds
    while not condition():
        if host is not None and host.process is not None and host.process.poll() is not None:
            raise SystemExit(f"the host ended before there was: {what}\n{host.log_file.read_text()[-2000:]}")
        if time.monotonic() > until:
            raise SystemExit(f"waited {seconds:.0f} s in vain for: {what}")
        time.sleep(0.05)


@dataclass
class RunningHost:
    """``ecmahost serve`` in a process group of its own."""

    path: Path
    workers: int
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _read: int = 0
    _events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def certificate(self) -> Path:
        return self.path / "certificate.pem"

    @property
    def port(self) -> int:
        return int((self.path / "run" / "port").read_text())

    @property
    def log_file(self) -> Path:
        return self.path / "log"

    def command(self, *arguments: str) -> list[str]:
        """The command line of an ``ecmahost`` command for this home."""
        return [sys.executable, "-P", "-c", MAIN, "--home", str(self.path), *arguments]

    def connect(self, name: str, connectivity: str, mapping: Mapping[str, str], **settings: str) -> Path:
        """Writes the file of a connector: ``type``, ``target``, ``anchor``, and if need be ``properties``."""
        rows = "\n".join(f"'{path}' = \"{attribute}\"" for path, attribute in mapping.items())
        values = {"immutable": "true", "properties": "", **settings}
        text = CONNECTOR.format(instance=uuid.uuid4(), connectivity=connectivity, mapping=rows, **values)
        file = self.path / "connectors.d" / f"{name}.toml"
        file.write_text(text)
        file.chmod(0o600)
        return file

    def install(self, module: str, source: Path, type_name: str) -> None:
        """Makes a connector type known to this host's processes: a module and its metadata on their path."""
        site = self.path / "site"
        metadata = site / f"{module}-1.0.dist-info"
        metadata.mkdir(parents=True)
        shutil.copy(source, site / f"{module}.py")
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[ecmahost.connectors]\n{type_name} = {module}\n")
        self.environment["PYTHONPATH"] = str(site)

    def token(self, connector: str) -> str:
        """A bearer token that is good for an hour."""
        key = secrets.load_keys(homes.at(self.path)).token
        return tokens.mint(key, connector, timedelta(minutes=59), datetime.now(UTC))

    def start(self) -> None:
        """Starts the host and waits until it listens."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.path,
                env=os.environ | self.environment,
                start_new_session=True,
            )
        eventually((self.path / "run" / "port").exists, 30, "the host's port", self)

    def reload(self) -> None:
        """Lets the host take over new, changed and removed connector files."""
        if self.process is not None:
            self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Asks the host to stop, and ends it when it does not."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def events(self, name: str) -> list[dict[str, Any]]:
        """The logged events of this name so far. Reads only what is new of the log, and keeps nothing of requests."""
        with self.log_file.open("rb") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                if b'"event": "request"' not in line:
                    self._events.append(json.loads(line))
        return [event for event in self._events if event["event"] == name]

    def imports(self, connector: str) -> list[dict[str, Any]]:
        """The completed imports of a connector, in order; ends the benchmark when one has failed."""
        failed = [event for event in self.events("import_failed") if event["connector"] == connector]
        if failed:
            raise SystemExit(f"an import failed: {failed[-1]}")
        return [event for event in self.events("import_completed") if event["connector"] == connector]

    def wait_for_import(self, connector: str, number: int, seconds: float = 1800) -> dict[str, Any]:
        """Waits for the ``number``-th completed import of a connector and returns its event."""
        eventually(lambda: len(self.imports(connector)) >= number, seconds, f"import {number} of {connector}", self)
        return self.imports(connector)[number - 1]

    @property
    def worker(self) -> int:
        """The pid of the process that imports."""
        eventually(lambda: bool(self.events("background_started")), 30, "the worker process", self)
        return int(self.events("background_started")[-1]["pid"])


@contextmanager
def temporary_home(directory: Path | None = None, *, workers: int = 2, keep: bool = False) -> Iterator[RunningHost]:
    """Yields a host that is not started yet, in a new directory; stops and removes it afterwards.

    Args:
        directory: where the new directory is made; None for the system's place for temporary files.
        workers: web worker processes.
        keep: leaves the directory, and says where it is.
    """
    place = Path(tempfile.mkdtemp(prefix="ecmahost-benchmark-", dir=directory))
    host = RunningHost(place / "home", workers)
    try:
        subprocess.run(host.command("init"), check=True, capture_output=True, stdin=subprocess.DEVNULL)
        (host.path / "ecmahost.toml").write_text(f'[host]\nport = 0\nworkers = {workers}\n[logs]\nlevel = "info"\n')
        yield host
    finally:
        host.stop()
        if keep:
            print(f"kept: {place}")
        else:
            shutil.rmtree(place)


def peak_memory(pid: int) -> float:
    """Returns the largest resident size of a process since ``forget_peak``, in MiB (Linux: VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def forget_peak(pid: int) -> None:
    """Lets ``peak_memory`` start again (Linux: clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
