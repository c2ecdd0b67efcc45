"""How a host that runs is told that a file has changed."""

import os
import signal
from pathlib import Path

from ecmahost_core.configuration.home import Home
from ecmahost_core.serving.running import PID_FILE, serving_pid


def reload_host(home: Home) -> str:
    """Tells the host that serves this home to reload, where that is possible; returns a sentence for the person.

    A pid of another PID namespace (a container that shares the home) means another process here, so one is signalled
    only when it holds the home's own pid file open.
    """
    pid = serving_pid(home.runtime)
    if pid is None:
        return "No host serves this home here and now; the next 'ecmahost serve' takes it."
    if pid and _has_open(pid, home.runtime / PID_FILE):
        try:
            os.kill(pid, signal.SIGHUP)
        except (ProcessLookupError, PermissionError):
            pass
        else:
            return f"The host that runs (process {pid}) has been told to take it."
    return f"The host that runs takes it after: kill -HUP {pid or '<pid of ecmahost serve>'}"


def _has_open(pid: int, path: Path) -> bool:
    """Whether a process has this file open; False where that cannot be seen."""
    try:
        wanted = path.stat()
        return any(os.path.samestat(wanted, entry.stat()) for entry in os.scandir(f"/proc/{pid}/fd"))
    except OSError:
        return False
