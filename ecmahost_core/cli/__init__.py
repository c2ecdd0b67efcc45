"""The ``ecmahost`` command. Each subcommand has a file of its own, imported when it is used."""

import gc
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import click

from ecmahost_core.cli.context import CommandContext, Plugins
from ecmahost_core.cli.group import CommandGroup
from ecmahost_core.configuration.home import HOME_VARIABLE, at, default_home

if TYPE_CHECKING:
    from ecmahost_core.connectors.discovery import Catalogue

COMMANDS: Final = MappingProxyType(
    {
        "accept": "ecmahost_core.cli.accept:accept",
        "admin-token": "ecmahost_core.cli.admin_token:admin_token",
        "backup": "ecmahost_core.cli.backup:backup",
        "certificate": "ecmahost_core.cli.certificate:certificate",
        "check": "ecmahost_core.cli.check:check",
        "connectors": "ecmahost_core.cli.connectors:connectors",
        "drift": "ecmahost_core.cli.drift:drift",
        "encrypt": "ecmahost_core.cli.encrypt:encrypt",
        "explain": "ecmahost_core.cli.explain:explain_",
        "extensions": "ecmahost_core.cli.extensions:extensions",
        "history": "ecmahost_core.cli.history:history",
        "import": "ecmahost_core.cli.import_:import_",
        "init": "ecmahost_core.cli.init:init",
        "journal": "ecmahost_core.cli.journal:journal",
        "log": "ecmahost_core.cli.log:log",
        "metrics-token": "ecmahost_core.cli.metrics_token:metrics_token",
        "objects": "ecmahost_core.cli.objects:objects",
        "release": "ecmahost_core.cli.release:release",
        "reload": "ecmahost_core.cli.reload:reload_",
        "reset": "ecmahost_core.cli.reset:reset",
        "restore": "ecmahost_core.cli.restore:restore",
        "serve": "ecmahost_core.cli.serve:serve",
        "token": "ecmahost_core.cli.token:token",
    }
)

_HELP = f"""An open ECMA Connector Host: Microsoft Entra ID provisions into any system.

Everything is kept in one home directory: --home, else the environment variable {HOME_VARIABLE}, else
/var/lib/ecmahost for root and ~/.local/share/ecmahost for anybody else.

\b
Exit codes:
  0   done
  1   failed; the message says why
  2   wrong usage of the command
  3   mistakes in the configuration, one on each line
  70  an error in ecmahost itself
"""


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's signature
    if not value or ctx.resilient_parsing:
        return
    try:
        installed = version("ecmahost-core")
    except PackageNotFoundError:
        installed = "(not installed as a package)"
    click.echo(f"ecmahost {installed}")
    ctx.exit()


@click.group(cls=CommandGroup, table=COMMANDS, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    envvar=HOME_VARIABLE,
    type=click.Path(file_okay=False, path_type=Path),
    help="The home directory.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version and leave.",
)
@click.pass_context
def cli(ctx: click.Context, home: Path | None) -> None:
    """The group itself; ``ctx.obj`` may be a Plugins, which then stand for the installed ones."""
    plugins = ctx.obj if isinstance(ctx.obj, Plugins) else _installed_plugins()
    ctx.obj = CommandContext(at(home) if home is not None else default_home(), plugins)


YOUNG_OBJECTS = 50_000
"""Objects made and not yet dropped, after which Python looks for reference cycles among the youngest.

Well above what a page of an import or of an answer is made of. With Python's own 700, each page is looked at several
times before it is dropped, which takes a fifth of an import's processor time. The host's processes inherit it.
"""


def main() -> None:
    """The console script."""
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
    cli(prog_name="ecmahost")


def _installed_plugins() -> Plugins:
    """The connector types of this Python environment; nothing is imported before it is asked for."""

    @cache
    def catalogue() -> "Catalogue":
        from ecmahost_core.connectors.discovery import Catalogue

        return Catalogue()

    return Plugins(
        installed=lambda: tuple(catalogue().installed()),
        definitions=lambda type_name: catalogue().definitions(type_name),
    )
