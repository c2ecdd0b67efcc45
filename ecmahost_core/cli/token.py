"""``ecmahost token``: gives a connector a new secret token."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.reloading import reload_host
from ecmahost_core.configuration import secrets, tokens
from ecmahost_core.configuration.connector_file import NAME
from ecmahost_core.configuration.documents import UTF8_BOM, parse_document
from ecmahost_core.configuration.files import CONFIGURATION_LIMIT, Unreadable, editing, read_bounded, write_atomically
from ecmahost_core.configuration.home import require
from ecmahost_core.configuration.model import TokenHash
from ecmahost_core.configuration.token_rotation import usable_tokens, with_token
from ecmahost_core.errors import ConfigurationError, ConfigurationProblem

_DURATION = re.compile(r"(?P<number>[1-9][0-9]{0,4})(?P<unit>[mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST = timedelta(days=366)


def _duration(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> timedelta | None:
    """Reads a length of time such as ``30m``, ``12h`` or ``7d``, at most a year."""
    if value is None:
        return None
    parts = _DURATION.fullmatch(value)
    length = int(parts["number"]) * _UNITS[parts["unit"]] if parts else None
    if length is None or length > _LONGEST:
        raise click.BadParameter(f"{value!r} is no length of time up to a year, such as 30m, 12h or 7d")
    return length


@click.command(short_help="Make a secret token, or rotate one.")
@click.argument("name")
@click.option("--rotate", is_flag=True, help="Replace the token that the connector has.")
@click.option(
    "--keep-old-for",
    metavar="TIME",
    callback=_duration,
    help="With --rotate: how long the old token stays good (30m, 12h, 7d).",
)
@pass_context
def token(context: CommandContext, name: str, *, rotate: bool, keep_old_for: timedelta | None) -> None:
    """Make a secret token for the connector NAME and print it, once.

    The connector's file keeps an HMAC of it only. A host that runs is told to take it (as "ecmahost reload" does);
    where that cannot be done from here, the command to give is printed with the token.
    """
    if not NAME.fullmatch(name):
        raise click.UsageError("a connector's name has ASCII letters and digits only")
    if keep_old_for is not None and not rotate:
        raise click.UsageError("--keep-old-for goes with --rotate")
    require(context.home)
    keys = secrets.load_keys(context.home)
    path = context.home.connector_file(name)
    new = tokens.new_token()
    with editing(context.home):
        now = datetime.now(UTC).replace(microsecond=0)
        content = _content(path, name)
        document = parse_document(path, content)
        if isinstance(document, ConfigurationProblem):
            raise ConfigurationError((document,))
        old = usable_tokens(document, now)
        if old and not rotate:
            raise click.ClickException(f"the connector {name} has a token; --rotate makes another")
        kept = _kept(old[0], now + keep_old_for) if old and keep_old_for else None
        bom = content[: len(UTF8_BOM)] if content.startswith(UTF8_BOM) else b""
        edited = with_token(content.removeprefix(UTF8_BOM).decode(), tokens.hash_token(keys.token, new), kept)
        write_atomically(path, bom + edited.encode(), mode=0o600)
    click.echo(new)
    _explain(context, name, kept)


def _content(path: Path, name: str) -> bytes:
    if not path.exists():
        raise click.ClickException(
            f"there is no connector {name} ({path}); make one with: ecmahost init --connector {name} --type TYPE"
        )
    try:
        return read_bounded(path, CONFIGURATION_LIMIT)
    except Unreadable as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from None


def _kept(old: TokenHash, until: datetime) -> TokenHash:
    """The old token with an expiry, which is never later than the one that it has."""
    return replace(old, expires=until if old.expires is None else min(until, old.expires))


def _explain(context: CommandContext, name: str, kept: TokenHash | None) -> None:
    until = f" The old one is good until {kept.expires:%Y-%m-%d %H:%M} UTC." if kept and kept.expires else ""
    click.echo(
        f"This is the secret token of {name}; it is not shown again.{until}\n{reload_host(context.home)}",
        err=True,
    )
