"""Real database servers for the tests: started when a test asks for one, on loopback, in a directory that goes away.

A server ends with the test run, also when the run is killed: it is told to die with its parent. A server or a driver
that is missing fails the tests that need it, never skips them.
"""

import contextlib
import getpass
import logging
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog

PACKAGES = "postgresql mariadb-server unixodbc odbc-postgresql odbc-mariadb"
INSTALL = f"apt-get install --no-install-recommends {PACKAGES} (or: make servers)"
PASSWORD = "p;w}d {x=1"
"""Of the role hr: every character that means something in a connection string."""


@dataclass
class Server:
    """A running database server.

    Attributes:
        kind: ``postgresql`` or ``mariadb``.
        directory: all that it writes.
        port: on 127.0.0.1.
    """

    kind: str
    directory: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    count: int = 0
    command: Sequence[str] = field(default_factory=tuple)

    def connection_string(self, database: str, login: str = "") -> str:
        """The keywords of a connection, by default as the superuser; the only place where they are written down."""
        driver, user = {"postgresql": ("PostgreSQL Unicode", "postgres"), "mariadb": ("MariaDB Unicode", "root")}[
            self.kind
        ]
        return (
            f"DRIVER={{{driver}}};SERVER=127.0.0.1;PORT={self.port};DATABASE={database};"
            + (login or f"UID={user}")
            + (";CHARSET=utf8mb4" if self.kind == "mariadb" else "")
        )

    def url(self, database: str) -> str:
        """A URL of PostgreSQL, as the superuser."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str) -> Any:
        """A connection of another program's, in autocommit mode."""
        import pyodbc

        text = self.connection_string(database) + ";BoolsAsChar=0"
        connection = pyodbc.connect(text, autocommit=True, timeout=10)
        connection.maxwrite = 2**30
        return connection

    def fresh_database(self) -> str:
        """Makes an empty database and returns its name."""
        self.count += 1
        name = f"t{self.count}"
        with contextlib.closing(self.connect("postgres" if self.kind == "postgresql" else "mysql")) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + 60
        while True:
            try:
                self.connect("postgres" if self.kind == "postgresql" else "mysql").close()
            except Exception as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"{self.kind} does not start ({error}):\n{self.log()}", pytrace=False)
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Ends the server, whoever is connected."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT if self.kind == "postgresql" else signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Has all the server's processes stand still, with their connections as they are."""
        assert self.process is not None
        parent = self.process.pid
        os.kill(parent, signal.SIGSTOP)  # first, so that it makes no more
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        processes = [int(child) for child in children] + [parent]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def log(self) -> str:
        return "\n".join((self.directory / "log").read_text(errors="replace").splitlines()[-20:])


def pytest_configure() -> None:
    """Lets Ctrl-C be what the tests expect, in them and in what they start.

    A shell starts what runs in its background with Ctrl-C ignored, and a process hands that on to its children.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def logs_as_they_were(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that runs in the tests' process sends the logs to its own standard error, and ends with that.

    Nothing remembers how it was configured, or the tests that come after it would see none of what is logged.
    """
    configure = structlog.configure

    def forgettable(**options: Any) -> None:
        configure(**options | {"cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", forgettable)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server whose superuser needs no password, and whose role hr does."""
    with _directory("postgres") as (directory, account):
        programs = _directory_of("postgres", "/usr/lib/postgresql/*/bin")
        data = directory / "data"
        options = ["-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
        _run([*account, str(programs / "initdb"), "-D", str(data), *options], directory)
        login = "host all hr 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
        (data / "pg_hba.conf").write_text(login)
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(directory),
            "fsync": "off",
            "max_connections": "200",
        }
        server = Server("postgresql", directory, _free_port())
        extra = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server.command = [*account, str(programs / "postgres"), "-D", str(data), "-p", str(server.port), *extra]
        try:
            server.start()
            with contextlib.closing(server.connect("postgres")) as connection:
                connection.execute(f"CREATE ROLE hr LOGIN PASSWORD '{PASSWORD}'")
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A MariaDB server whose root needs no password, and whose user hr does."""
    with _directory("mysql") as (directory, account):
        data = directory / "data"
        server = Server("mariadb", directory, _free_port())
        install = _program("mariadb-install-db")
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        _run([*account, install, "--no-defaults", f"--datadir={data}", *options], directory)
        server.command = [
            *account,
            _program("mariadbd"),
            "--no-defaults",
            f"--datadir={data}",
            f"--port={server.port}",
            "--bind-address=127.0.0.1",
            f"--socket={directory}/socket",
            f"--pid-file={directory}/pid",
            "--character-set-server=utf8mb4",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=1",
            "--innodb-buffer-pool-size=64M",
        ]
        try:
            server.start()
            with contextlib.closing(server.connect("mysql")) as connection:
                connection.execute(f"CREATE USER hr@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def server_of(request: pytest.FixtureRequest) -> Callable[[str], Server]:
    """The server of a kind, started when it is first asked for."""
    return request.getfixturevalue


@contextlib.contextmanager
def _directory(owner: str) -> Iterator[tuple[Path, list[str]]]:
    """A directory that a server's own account can use, and what starts a program under that account.

    The account's programs die with us: ``setpriv`` tells the kernel so.
    """
    directory = Path(tempfile.mkdtemp(prefix="ecmahost-"))
    directory.chmod(0o755)
    setpriv = [_program("setpriv"), "--pdeathsig", "QUIT" if owner == "postgres" else "KILL"]
    if os.geteuid() == 0:
        if owner not in {entry.pw_name for entry in pwd.getpwall()}:
            _missing(f"the account {owner}")
        shutil.chown(directory, owner, owner)
        setpriv += [f"--reuid={owner}", f"--regid={owner}", "--clear-groups"]
    else:
        owner = getpass.getuser()
    try:
        yield directory, [*setpriv, "--", "env", "-i", f"PATH={os.environ['PATH']}", f"HOME={directory}"]
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _directory_of(program: str, pattern: str) -> Path:
    """Where a program is that is not on the PATH; the newest of several."""
    found = shutil.which(program)
    places = [Path(found).parent] if found else sorted(Path("/").glob(pattern.lstrip("/")), key=_version)
    if not places or not (places[-1] / program).exists():
        _missing(program)
    return places[-1]


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.parent.name.split(".") if part.isdigit())


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        _missing(name)
    return str(found)


def _missing(what: str) -> None:
    pytest.fail(f"{what} is not installed, and these tests need it: {INSTALL}", pytrace=False)


def _run(command: Sequence[str], directory: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=directory, stdin=subprocess.DEVNULL)
    if done.returncode:
        pytest.fail(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}", pytrace=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
