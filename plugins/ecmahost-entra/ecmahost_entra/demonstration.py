"""The demo: a home, a host, its connectors rehearsed, and a service to play with until Ctrl-C."""

import shlex
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ecmahost_core.configuration.home import Home
from ecmahost_entra.apps import App
from ecmahost_entra.client import PATIENCE, ScimClient
from ecmahost_entra.demo_connectors import CONNECTORS
from ecmahost_entra.demo_home import claimed, furnish
from ecmahost_entra.people import company
from ecmahost_entra.rehearsal import RehearsalReport, Silent, rehearse_connector
from ecmahost_entra.report import Printer, printable, summary_table
from ecmahost_entra.serving import HostProcess, run
from ecmahost_entra.shapes import Dialect
from ecmahost_entra.stage import local_host, mint_token, open_stage
from ecmahost_entra.step import Outcome

READY_SECONDS = 30.0
_CURL_LIFETIME = timedelta(hours=1)


def demonstrate(console: Console, directory: Path | None, port: int | None, *, once: bool) -> bool:
    """Runs the demo; returns whether everything was green.

    Ctrl-C ends it: while it serves that is the ordinary end, before that it raises KeyboardInterrupt. Raises NotADemo,
    HostFailed, and what a configuration or a connector raises.

    Args:
        console: where to print.
        directory: the home; None for a directory that is deleted at the end.
        port: None keeps the port of an earlier demo in that directory.
        once: end when the rehearsal is over.
    """
    with _directory(directory) as path, claimed(path) as home:
        run(home, "init")
        furnish(home, port)
        console.print(Text(f"home     {printable(str(home.path))}"))
        started = time.monotonic()
        with HostProcess(home) as host:
            host.wait_ready(READY_SECONDS)
            console.print(Text(f"host     ready after {time.monotonic() - started:.1f} s"))
            reports = [_rehearse(home, name) for name in CONNECTORS]
            _tell(console, reports)
            host.check()
            if not once:
                _tell_how_to_call(console, home, reports[0].url, reports[0].connector)
                _serve(console, host)
        return all(report.passed for report in reports)


@contextmanager
def _directory(directory: Path | None) -> Iterator[Path]:
    if directory is not None:
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="ecmahost-demo-") as made:
        yield Path(made)


def _rehearse(home: Home, name: str) -> RehearsalReport:
    host = local_host(home)
    client = ScimClient(host.address(name), partial(mint_token, home, name), host.trust())
    with client, open_stage(home, name, PATIENCE) as stage:
        report = rehearse_connector(stage.plan, stage.target, client, list(Dialect), Silent(), sample=stage.sample)
    if report.interrupted:
        raise KeyboardInterrupt
    return report


def _tell(console: Console, reports: list[RehearsalReport]) -> None:
    """Prints the results, what failed in full, and the URLs."""
    console.print()
    console.print(summary_table(reports))
    for report in reports:
        if report.app is App.ECMA:
            console.print(
                Text(f"{report.connector}: the {report.app.label} knows users only, so no group is rehearsed")
            )
    printer = Printer(console)
    for report in reports:
        for life in report.lives:
            for step in life.steps:
                if step.outcome is Outcome.FAILED:
                    console.print()
                    console.print(Text(f"{report.connector}, {life.dialect.value}: {step.name}", "bold red"))
                    printer.details(report.connector, step)
            if life.cleanup.message:
                console.print(Text(printable(life.cleanup.message), "yellow"))
    console.print()
    for report in reports:
        console.print(Text(f"{report.connector:8} {report.url}"))


def _tell_how_to_call(console: Console, home: Home, url: str, name: str) -> None:
    """Prints a command to copy. Its token is good for an hour and for this connector only."""
    person = company()[0].user_name
    lines = (
        f"curl --cacert {shlex.quote(str(local_host(home).certificate))} \\",
        f"  -H 'Authorization: Bearer {mint_token(home, name, _CURL_LIFETIME)}' \\",
        f"  '{url}/Users?filter=userName+eq+%22{person}%22'",
    )
    console.print()
    console.print("call it like this within the next hour:")
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    console.print()
    console.print("or play Entra's part again:")
    console.print(Text(f"ecmahost --home {shlex.quote(str(home.path))} rehearse {name}"), soft_wrap=True)
    console.print()


def _serve(console: Console, host: HostProcess) -> None:
    try:
        console.print("serving until Ctrl-C")
        host.wait()
    except KeyboardInterrupt:
        console.print("ending")
