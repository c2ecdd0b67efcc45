"""A PostgreSQL server of one's own on 127.0.0.1, thrown away afterwards; by default with the settings it comes with."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ACCOUNT = "postgres"


@contextmanager
def postgresql() -> Iterator[str]:
    """Yields the ODBC connection string of an empty database. Durable: fsync is on, as where it counts."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    if programs is None or ACCOUNT not in {one.pw_name for one in pwd.getpwall()}:
        raise SystemExit("PostgreSQL is not installed: make servers")
    directory = Path(tempfile.mkdtemp(prefix="ecmahost-postgres-"))
    shutil.chown(directory, ACCOUNT, ACCOUNT)
    become = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", "--pdeathsig", "QUIT", "--"]
    data = directory / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*become, str(programs / "initdb"), "-D", str(data), *options], check=True, capture_output=True)
    settings = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={directory}"]
    with (directory / "log").open("wb") as log:
        command = [*become, str(programs / "postgres"), "-D", str(data), "-p", str(port), *settings]
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", env={"PATH": os.environ["PATH"]})
    text = f"DRIVER={{PostgreSQL Unicode}};SERVER=127.0.0.1;PORT={port};DATABASE=postgres;UID=postgres"
    try:
        connected(text, server).close()
        yield text
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        shutil.rmtree(directory)


def connected(text: str, server: "subprocess.Popen[bytes] | None" = None) -> Any:
    """A connection, as soon as the server takes one."""
    import pyodbc

    until = time.monotonic() + 60
    while True:
        try:
            return pyodbc.connect(text, timeout=10)
        except pyodbc.Error as error:
            if time.monotonic() > until or (server is not None and server.poll() is not None):
                raise SystemExit(f"PostgreSQL does not start: {error}") from None
            time.sleep(0.05)
