"""``ecmahost restore``: a home from a backup."""

import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click

from ecmahost_core.cli.account import require_account
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.configuration.archive import SPACE, extract, occupants
from ecmahost_core.configuration.files import make_directory, reason
from ecmahost_core.configuration.home import Home
from ecmahost_core.logs import configure_logs
from ecmahost_core.serving.running import claimed
from ecmahost_core.space.sqlite.succession import begin_anew

_MADE_ANEW = ("connectors.json", "last_good", "schemas", "incarnations", "packages.json")
"""Of ``run``: what belongs to the host that was here before."""
_UNDER_WAY = ".restore-"


@click.command(short_help="Put a backup into an empty home.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Set aside what is in the home now, in a directory of its own there.")
@pass_context
def restore(context: CommandContext, file: Path, *, force: bool) -> None:
    """Put what "ecmahost backup" has written to FILE into the home, which no host serves meanwhile.

    The targets have moved on since the backup was made. So connectors with an import answer 503 until one is complete,
    what was being written then is looked at in the targets, and no ETag of before counts. People whom the backup knows
    keep their ids.
    """
    require_account(context.home)
    configure_logs("error")
    home = context.home
    file = file.absolute()
    try:
        make_directory(home.path)
        make_directory(home.runtime)
        with claimed(home.runtime):
            made = _restore(home, file, force=force)
    except OSError as error:
        raise click.ClickException(f"{home.path} cannot be restored: {reason(error)}") from None
    click.echo(f"{home.path} is as it was at {made}. Next: ecmahost check, then ecmahost serve")


def _restore(home: Home, file: Path, *, force: bool) -> str:
    """Returns when the backup was made. Nothing in the home changes before the backup was looked at as a whole."""
    there = occupants(home)
    if there and not force:
        raise click.ClickException(
            f"{home.path} is not empty ({there[0].name}): name another home with --home, or set aside what is there "
            "with --force"
        )
    for left in home.path.glob(f"{_UNDER_WAY}*"):  # of somebody who was killed: it holds the key file
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_UNDER_WAY, dir=home.path) as name:
        new = Path(name)
        manifest = extract(file, new)
        if (new / SPACE).exists():
            begin_anew(new / SPACE, "restored from a backup")
        files = [one.relative_to(new) for one in new.rglob("*") if one.is_file()]
        there += [home.path / one for one in files if (home.path / one).exists() and home.path / one not in there]
        if there:
            click.echo(f"what was here is in {_set_aside(home, there)}", err=True)
        for leftover in _MADE_ANEW:
            path = home.runtime / leftover
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        # The host's own settings last, as they went first: without them nothing starts, should this be cut short.
        for one in sorted(files, key=lambda path: path.name == home.host_file.name):
            make_directory((home.path / one).parent)
            (new / one).replace(home.path / one)
    return str(manifest["made"])


def _set_aside(home: Home, there: Iterable[Path]) -> Path:
    aside = home.path / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
    for one in sorted(there, key=lambda path: path != home.host_file):
        place = aside / one.relative_to(home.path)
        make_directory(place.parent)
        one.replace(place)
    return aside
