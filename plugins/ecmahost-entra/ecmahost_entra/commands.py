"""The commands ``ecmahost rehearse`` and ``ecmahost demo``."""

import os
import signal
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from ecmahost_core.cli import exit_codes
from ecmahost_core.configuration.home import Home
from ecmahost_core.errors import EcmahostError
from ecmahost_core.logs import configure_logs
from ecmahost_entra.apps import App, WrongChoice
from ecmahost_entra.client import PATIENCE, ScimClient
from ecmahost_entra.demonstration import demonstrate
from ecmahost_entra.person import ANY_CHARACTERS
from ecmahost_entra.rehearsal import Silent, rehearse_connector
from ecmahost_entra.report import Printer, make_console, to_json
from ecmahost_entra.shapes import Dialect
from ecmahost_entra.stage import Stage, local_host, mint_token, open_stage
from ecmahost_entra.wire import Address, parse_address

TOKEN_VARIABLE = "ECMAHOST_REHEARSAL_TOKEN"  # noqa: S105 - the variable's name
_LONGEST_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where to rehearse and with which token.

    Attributes:
        address: the tenant URL.
        trust: which certificates are accepted.
        token: gives the bearer token.
    """

    address: Address
    trust: ssl.SSLContext
    token: Callable[[], str]


@click.command(short_help="Play Entra's part against a connector.")
@click.argument("name")
@click.option(
    "--app",
    type=click.Choice([each.value for each in App]),
    help="Which application of the portal is played: on-premises ECMA, on-premises SCIM, or non-gallery. "
    "Default: the on-premises one that fits the connector.",
)
@click.option(
    "--dialect",
    type=click.Choice([*(each.value for each in Dialect), "both"]),
    default="both",
    show_default=True,
    help="Entra's PATCH dialect; the flag of the second is part of the tenant URL.",
)
@click.option(
    "--url",
    metavar="URL",
    help="The tenant URL, when the host does not run here: "
    "https://host:8585/ecma2host_NAME/scim. Certificates of the system's authorities are accepted too.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"Holds the secret token; else the variable {TOKEN_VARIABLE}; else one is minted for ten minutes.",
)
@click.option(
    "--patience",
    type=click.FloatRange(0.1, 600),
    default=PATIENCE,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for an answer.",
)
@click.option(
    "--characters",
    type=click.Choice(["any", "latin-1", "ascii"]),
    default="any",
    show_default=True,
    help="What the person's values are made of, for a target that cannot hold every script.",
)
@click.option(
    "--without",
    metavar="ATTRIBUTE",
    multiple=True,
    help="Do not send this attribute (a SCIM path or the target's name), for one that takes special values only. "
    "May be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of tables.")
@click.option("--keep", is_flag=True, help="Do not delete the person at the end.")
@click.pass_context
def rehearse(
    ctx: click.Context,
    name: str,
    app: str | None,
    dialect: str,
    url: str | None,
    token_file: Path | None,
    patience: float,
    characters: str,
    without: tuple[str, ...],
    *,
    as_json: bool,
    keep: bool,
) -> None:
    """Play Entra's part against the connector NAME: one person's whole life, and a group's.

    Sends what the chosen application sends, in both PATCH dialects, from the test of the connection to the delete, and
    looks into the target itself for every effect. Where the connector has groups, one is made, and a second person for
    it. All are made up (ecmahost.rehearsal.<8 digits>) and are removed again, also when the command is interrupted.

    Exit codes: 0 when everything is as Entra needs it; 1 when a step failed (it says what was expected, what was found,
    and the way out); 3 for mistakes in the configuration.
    """
    configure_logs("error")
    home = _home(ctx)
    place = _whereabouts(home, name, url, token_file)
    dialects = list(Dialect) if dialect == "both" else [Dialect(dialect)]
    with signals_interrupt():
        listener = Silent() if as_json else Printer(make_console())
        codec = ANY_CHARACTERS if characters == "any" else characters
        with (
            _stage(home, name, patience, App(app) if app else None, without) as stage,
            ScimClient(place.address, place.token, place.trust, patience) as client,
        ):
            report = rehearse_connector(
                stage.plan,
                stage.target,
                client,
                dialects,
                listener,
                kept=keep,
                characters=codec,
                sample=stage.sample,
            )
    if as_json:
        sys.stdout.buffer.write(to_json(report))
        sys.stdout.buffer.flush()
    ctx.exit(exit_codes.OK if report.passed else exit_codes.FAILED)


@contextmanager
def _stage(home: Home, name: str, patience: float, app: App | None, without: tuple[str, ...]) -> Iterator[Stage]:
    """As ``open_stage``; what does not fit the connector is wrong usage."""
    with ExitStack() as stack:
        try:
            stage = stack.enter_context(open_stage(home, name, patience, app, without))
        except WrongChoice as error:
            raise click.UsageError(str(error)) from None
        yield stage


def _whereabouts(home: Home, name: str, url: str | None, token_file: Path | None) -> Whereabouts:
    """Works out address, trust and token; raises ConfigurationError or click's usage errors."""
    host = local_host(home)
    token = _token(home, name, token_file)
    if url is None:
        return Whereabouts(host.address(name), host.trust(), token)
    try:
        address = parse_address(url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None
    return Whereabouts(address, host.trust_with_system(), token)


def _token(home: Home, name: str, token_file: Path | None) -> Callable[[], str]:
    if token_file is not None:
        with token_file.open(encoding="utf-8", errors="replace") as file:
            token, where = file.read(_LONGEST_TOKEN).strip(), str(token_file)
    elif TOKEN_VARIABLE in os.environ:
        token, where = os.environ[TOKEN_VARIABLE].strip(), f"the variable {TOKEN_VARIABLE}"
    else:
        return partial(mint_token, home, name)
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise click.UsageError(f"{where} holds no secret token: one word of printable ASCII characters is expected")
    return lambda: token


@click.command(short_help="Show everything, with made-up people.")
@click.option("--once", is_flag=True, help="End when the rehearsal is over, with 0 when all is green and 1 otherwise.")
@click.option(
    "--home",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to make the demo; default: demo-home, with --once a directory that is deleted again.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Default: 8585; with --once, or for 0, one that is free. A demo that exists keeps its own.",
)
@click.pass_context
def demo(ctx: click.Context, directory: Path | None, port: int | None, *, once: bool) -> None:
    """Show everything: CSV files and a SQLite database of people and groups, served, and rehearsed in both dialects.

    Makes a home directory of its own (never in a directory that holds anything else), starts the host, plays Entra's
    part against each connector, and serves until Ctrl-C. A demo that was there before is used as it is.
    """
    configure_logs("error")
    if port is None and once:
        port = 0
    if directory is None:
        directory = _named_home(ctx) or (None if once else Path("demo-home"))
    with signals_interrupt():
        try:
            green = demonstrate(make_console(), directory, port, once=once)
        except KeyboardInterrupt:
            # Before it served: nothing was shown, and with --once nothing was proved.
            raise click.Abort from None
    ctx.exit(exit_codes.OK if green or not once else exit_codes.FAILED)


def _named_home(ctx: click.Context) -> Path | None:
    """The home that was named on the command line before the command; the environment's is no home for a demo."""
    root = ctx.find_root()
    named = root.get_parameter_source("home") is click.core.ParameterSource.COMMANDLINE
    return _home(ctx).path if named else None


def _home(ctx: click.Context) -> Home:
    """The home directory, from the context object that the ``ecmahost`` group gives every command."""
    home = getattr(ctx.obj, "home", None)
    if not isinstance(home, Home):
        raise EcmahostError("this command belongs to the ecmahost command: ecmahost --home DIRECTORY ...")
    return home


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Within, SIGTERM and SIGHUP interrupt as Ctrl-C does, so that they too end with the cleaning up."""
    previous = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
