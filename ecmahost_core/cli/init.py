"""``ecmahost init``: makes the home directory, and a connector's file to fill in."""

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

import click

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.configuration import secrets, starter, tokens
from ecmahost_core.configuration.certificates.making import make_missing_pair
from ecmahost_core.configuration.certificates.names import host_names
from ecmahost_core.configuration.certificates.pair import BadCertificate
from ecmahost_core.configuration.connector_file import NAME
from ecmahost_core.configuration.files import editing, make_directory, write_atomically
from ecmahost_core.configuration.home import CONNECTOR_SUFFIX, HOME_VARIABLE, Home, default_home
from ecmahost_core.configuration.load import load_host
from ecmahost_core.configuration.mistakes import choice_of


@click.command(short_help="Make the home directory, or a connector's file.")
@click.option("--connector", "name", metavar="NAME", help="Also write a file to fill in for a connector of this name.")
@click.option("--type", "connector_type", metavar="TYPE", help="The connector's type.")
@pass_context
def init(context: CommandContext, name: str | None, connector_type: str | None) -> None:
    """Make the home directory of a host: key, settings, certificate.

    With --connector and --type also the file of a connector, and its secret token, which is printed once. Nothing that
    is there already is changed.
    """
    if (name is None) != (connector_type is None):
        raise click.UsageError("--connector and --type go together")
    if name is not None and not NAME.fullmatch(name):
        raise click.UsageError("a connector's name has 1 to 64 ASCII letters and digits")
    _check_type(context, connector_type)
    home = context.home
    _tell(home.path, made=make_directory(home.path))
    with editing(home):
        _tell(home.connectors, made=make_directory(home.connectors))
        _key(home)
        host_file = starter.HOST_FILE.encode()
        _tell(home.host_file, made=write_atomically(home.host_file, host_file, mode=0o644, replace=False))
        _certificate(context)
        if name is not None and connector_type is not None:
            _connector(context, name, connector_type)


def _check_type(context: CommandContext, connector_type: str | None) -> None:
    """Before anything is made: a misspelt type should leave nothing behind."""
    installed = context.plugins.installed() if connector_type is not None else ()
    if connector_type is not None and connector_type not in installed:
        known = f"expected {choice_of(connector_type, tuple(installed))}" if installed else "none is: pip install one"
        raise click.ClickException(f"{connector_type!r} is not an installed connector type; {known}")


def _key(home: Home) -> None:
    """Makes the key file; says what a new one means where there are connectors already."""
    made = secrets.create_key_file(home)
    _tell(home.secret_key, made=made)
    if made and any(home.connectors.glob(f"*{CONNECTOR_SUFFIX}")):
        click.echo(
            "The connectors' secret tokens and encrypted secrets were made with another key and are void: put that "
            f"secret.key back, or make them anew ({_command(home, 'token NAME --rotate')}, and encrypt).",
            err=True,
        )


def _certificate(context: CommandContext) -> None:
    """Makes the pair, unless the settings name files of somebody else's."""
    home = context.home
    host = load_host(home)
    if (host.certificate, host.key) != (home.certificate, home.certificate_key):
        return
    try:
        made = make_missing_pair(host.certificate, host.key, host_names(), datetime.now(UTC))
    except BadCertificate as error:
        raise click.ClickException(f"{error}; a new pair: ecmahost certificate create --force") from None
    _tell(host.certificate, made=made)


def _connector(context: CommandContext, name: str, connector_type: str) -> None:
    home = context.home
    path = home.connector_file(name)
    if path.exists():
        _tell(path, made=False)
        return
    definitions = context.plugins.definitions(connector_type)
    token = tokens.new_token()
    digest = tokens.hash_token(secrets.load_keys(home).token, token)
    text = starter.starter_file(name, connector_type, str(uuid.uuid4()), digest, definitions)
    made = write_atomically(path, text.encode(), mode=0o600, replace=False)
    _tell(path, made=made)
    if made:
        click.echo(token)
        click.echo(
            f"This is the secret token of {name}; it is not shown again.\n"
            f"Next: fill in {path}, then: {_command(home, f'check {name}')}",
            err=True,
        )


def _command(home: Home, words: str) -> str:
    """Returns a command line that means this home wherever it is typed."""
    named = "" if os.environ.get(HOME_VARIABLE) == str(home.path) or default_home() == home else f"--home {home.path} "
    return f"ecmahost {named}{words}"


def _tell(path: Path, *, made: bool) -> None:
    click.echo(f"{'made' if made else 'kept'}  {path}", err=True)
