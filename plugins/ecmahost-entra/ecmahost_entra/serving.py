"""A host as a child process: started, waited for, and ended in every case."""

import contextlib
import ctypes
import http.client
import os
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from ecmahost_core.configuration.home import Home
from ecmahost_core.errors import EcmahostError
from ecmahost_entra.stage import local_host, running_port

LOG = "demo.log"
_PR_SET_PDEATHSIG = 1
_LAST_LINES = 15
_GRACE = 20.0


class HostFailed(EcmahostError):
    """The host did not start, did not become ready, or ended by itself; the message holds its last log lines."""


def command(home: Home, *arguments: str) -> list[str]:
    """Returns how to run an ecmahost command in this Python environment. -P: the current directory is no library."""
    program = "from ecmahost_core.cli import main; main()"
    return [sys.executable, "-P", "-c", program, "--home", str(home.path), *arguments]


def run(home: Home, *arguments: str) -> None:
    """Runs an ecmahost command to its end; HostFailed, with what it said, when it fails."""
    done = subprocess.run(  # noqa: S603 - our own program and arguments
        command(home, *arguments), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60
    )
    if done.returncode != 0:
        raise HostFailed(f"'ecmahost {' '.join(arguments)}' failed: {done.stderr.strip()}")


class HostProcess:
    """``ecmahost serve`` for one home, in a process group of its own, its log in ``demo.log``.

    Leaving the context ends it: SIGTERM, and SIGKILL for the whole group when that is not enough.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._log = home.path / LOG
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        (self._home.runtime / "port").unlink(missing_ok=True)  # of an earlier host: it would be asked in vain
        with self._log.open("wb") as log:
            # A demo that is killed must not leave a host behind: on Linux the kernel ends the child then.
            self._process = subprocess.Popen(  # noqa: S603 - our own program and arguments
                command(self._home, "serve"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._home.path,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads yet
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the host and everything that it started; does nothing when it has ended."""
        process = self._process
        if process is None:
            return
        try:
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_GRACE)
        finally:  # also when somebody is impatient and interrupts the waiting
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._process = None

    def wait_ready(self, seconds: float) -> None:
        """Waits until every connector can be served; HostFailed when that takes longer or the host ends."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            if self._ready():
                return
            time.sleep(0.05)
        raise HostFailed(f"the host was not ready after {seconds:g} s; {self._last_lines()}")

    def check(self) -> None:
        """Raises HostFailed when the host has ended by itself."""
        if self._process is None or self._process.poll() is not None:
            code = "" if self._process is None else f" with code {self._process.returncode}"
            raise HostFailed(f"the host ended{code}; {self._last_lines()}")

    def wait(self) -> None:
        """Waits until the host ends by itself, which it should not: raises HostFailed then."""
        if self._process is not None:
            self._process.wait()
        self.check()

    def _ready(self) -> bool:
        if running_port(self._home) is None:
            return False
        host = local_host(self._home)
        return ask_ready(host.name, host.port, host.trust())

    def _last_lines(self) -> str:
        return f"the last lines of {self._log}:\n{_tail(self._log)}"


def ask_ready(host: str, port: int, trust: ssl.SSLContext) -> bool:
    """Returns whether ``/readyz`` answers 200 now."""
    connection = http.client.HTTPSConnection(host, port, timeout=5, context=trust)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join(lines[-_LAST_LINES:]) or "(nothing was logged)"


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
