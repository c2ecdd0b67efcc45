"""``ecmahost backup``: a home in one file, taken while its host runs."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.group import printable
from ecmahost_core.configuration.archive import collected, write_backup
from ecmahost_core.configuration.files import reason
from ecmahost_core.configuration.home import Home, require
from ecmahost_core.configuration.load import load_host
from ecmahost_core.errors import ConfigurationError
from ecmahost_core.logs import configure_logs
from ecmahost_core.space.sqlite.copies import copy


@click.command(short_help="Write a backup of the home into one file.")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@pass_context
def backup(context: CommandContext, file: Path | None) -> None:
    """Write everything that it takes to begin again elsewhere into FILE (tar.gz).

    The configuration, the key file, certificates and their keys, and the connector space with its journal, of one
    moment: the host may run meanwhile. Targets are not in it. The file opens every connector and every secret: keep it
    like a password. Without FILE it is called ecmahost-TIME.tar.gz, in the current directory. Nothing is overwritten.
    """
    configure_logs("error")
    home = context.home
    require(home)
    if file is None:
        file = Path(f"ecmahost-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz")
    file = file.absolute()
    if file.exists():
        raise click.ClickException(f"{file} is there already; nothing was written")
    found = collected(home)
    there = home.store.exists() and not _kept_elsewhere(home)
    try:
        with tempfile.TemporaryDirectory(prefix=".ecmahost-backup-", dir=file.parent) as directory:
            space = Path(directory) / home.store.name
            if there:
                copy(home.store, space)
            write_backup(file, found, space if space.exists() else None)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {reason(error)}") from None
    click.echo(f"{file}: {len(found.files)} files{' and the connector space' if there else ''}")
    if _kept_elsewhere(home):
        click.echo("not in it, because [store] names a server: the connector space; back that database up", err=True)
    click.echo("It holds the key file: whoever has it can read every secret of this host.", err=True)
    for where in found.elsewhere:
        click.echo(printable(f"not in it, because it is outside the home: {where}"), err=True)


def _kept_elsewhere(home: Home) -> bool:
    """Whether a server keeps the connector space; of settings with mistakes, what lies there is taken along."""
    try:
        return load_host(home).server is not None
    except ConfigurationError:
        return False
