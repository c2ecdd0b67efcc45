"""``ecmahost serve``: runs the host."""

import signal
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from wsgiref.types import WSGIApplication

import click
import structlog

from ecmahost_core.cli.account import require_account
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.upgrades import note_packages
from ecmahost_core.configuration.files import reason
from ecmahost_core.configuration.home import Home, enter
from ecmahost_core.configuration.load import load_host
from ecmahost_core.configuration.model import HostConfiguration
from ecmahost_core.configuration.sources import publish
from ecmahost_core.connectors.discovery import Catalogue
from ecmahost_core.errors import EcmahostError
from ecmahost_core.host import Host
from ecmahost_core.logs import configure_logs
from ecmahost_core.metrics.slots import DIRECTORY as METRICS
from ecmahost_core.metrics.slots import clear
from ecmahost_core.serving.arbiter import serve as serve_processes
from ecmahost_core.serving.running import Claim, claimed
from ecmahost_core.serving.settings import ServingSettings
from ecmahost_core.space.sqlite.mending import Watch, mend, tidy
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.web.answers import unread_refusal
from ecmahost_core.worker import run_worker
from ecmahost_core.wsgi import application

log = structlog.get_logger()


class UnusableHome(EcmahostError):
    """The home directory takes no files: nothing can be served from there."""


@click.command(short_help="Run the host.")
@click.pass_context
@pass_context
def serve(context: CommandContext, ctx: click.Context) -> None:
    """Run the host until SIGTERM or Ctrl-C.

    Each connector is at https://<bind>:<port>/ecma2host_<name>/scim. SIGHUP, or "ecmahost reload", takes the connectors
    whose file changed; a connector package that was upgraded takes a restart. Logs go to standard error. A home is
    served by one process at a time.
    """
    ctx.exit(serve_home(context.home))


def serve_home(home: Home) -> int:
    """Serves a home directory in the foreground and returns the exit code.

    Raises ConfigurationError for mistakes in it, WrongAccount for root in somebody else's, AlreadyServed while another
    process serves it, UnusableHome for one that cannot be written: all before anything of a running host is touched.
    """
    require_account(home)
    enter(home)
    configuration = load_host(home)
    configure_logs(configuration.log_level)
    # Somebody who finds the pid file may ask for a reload before there is anything to reload.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with ExitStack() as stack:
        try:
            configuration.runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
            claim = stack.enter_context(claimed(configuration.runtime))
        except OSError as error:
            raise UnusableHome(
                f"the home {home.path} cannot be written: {reason(error)}; make room there, or see to its owner and to "
                "how it is mounted"
            ) from None
        return _serve(home, configuration, claim)


def _serve(home: Home, configuration: HostConfiguration, claim: Claim) -> int:
    port_file = configuration.runtime / "port"
    port_file.unlink(missing_ok=True)
    process = _Process(home, configuration, claim)
    process.publish()
    clear(configuration.runtime / METRICS)
    note_packages(home)
    store = _Store(configuration.store) if configuration.server is None else None
    if store is not None:
        store.prepare()
    try:
        return serve_processes(
            ServingSettings(
                host=configuration.bind,
                port=configuration.port,
                certificate=configuration.certificate,
                key=configuration.key,
                workers=configuration.workers,
            ),
            process.application,
            background=process.work,
            shared=store,
            before_reload=process.publish,
            on_reload=process.reload,
            on_ready=lambda _host, port: _write(port_file, f"{port}\n"),
            refusal=unread_refusal,
        )
    finally:
        port_file.unlink(missing_ok=True)
        if store is not None:
            store.close()


class _Store:
    """The file that all processes share: looked at before they are started, and replaced when it is damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._watch: Watch | None = None

    def prepare(self) -> None:
        """Raises StoreUnavailable where no file can be made."""
        self._watch = None
        self._watch = mend(self._path)

    def close(self) -> None:
        """Called when no process uses the file any more: all that is in its log goes into it."""
        with suppress(StoreUnavailable):
            tidy(self._path)

    def is_over(self) -> bool:
        return self._watch is None or self._watch.is_over()


class _Process:
    """What each child process builds for itself, once, after the fork."""

    def __init__(self, home: Home, configuration: HostConfiguration, claim: Claim) -> None:
        self._home = home
        self._claim = claim
        self._published = configuration.runtime / "connectors.json"
        # Read once: a child that is replaced while somebody edits the file must not stop the host.
        self._configuration = configuration
        self._host: Host | None = None
        self._told_early = False

    def application(self) -> WSGIApplication:
        """In a web worker."""
        return application(self._open("web"))

    def work(self, stop: threading.Event) -> None:
        """In the worker process."""
        run_worker(self._open("worker"), stop)

    def _open(self, role: str) -> Host:
        # Otherwise a child that outlives a killed parent would keep the next host from starting.
        self._claim.leave_to_parent()
        host = Host(self._home, self._configuration, Catalogue(), writing=True, published=self._published, role=role)
        self._host = host
        if self._told_early:
            host.reload()
        return host

    def publish(self) -> None:
        """In the process that starts the others, before they are started and before they are told to reload."""
        try:
            publish(self._home, self._published)
        except OSError as error:
            # Most likely the directory: connectors go on with what was published before, also after a restart.
            log.error("configuration_not_published", directory=str(self._home.connectors), detail=str(error))

    def reload(self) -> None:
        """In either, on SIGHUP; while the host is being built, it is done afterwards."""
        self._told_early = True
        if self._host is not None:
            self._host.reload()


def _write(file: Path, text: str) -> None:
    temporary = file.with_suffix(".tmp")
    temporary.write_text(text, encoding="ascii")
    temporary.replace(file)
