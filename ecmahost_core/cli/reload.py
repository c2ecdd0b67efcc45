"""``ecmahost reload``: lets the host that runs take what the connectors' files say now."""

import click

from ecmahost_core.cli import exit_codes
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.output import print_problems
from ecmahost_core.cli.reloading import reload_host
from ecmahost_core.configuration.home import require
from ecmahost_core.connectors.discovery import Catalogue
from ecmahost_core.serving.running import serving_pid


@click.command(name="reload", short_help="Let the host that runs read the connectors' files.")
@click.pass_context
@pass_context
def reload_(context: CommandContext, ctx: click.Context) -> None:
    """Let the host that runs read the connectors' files and what they point to anew, as SIGHUP does.

    Connectors whose file is as it was are left alone. One whose file has mistakes goes on with its last good
    configuration; the mistakes are printed, and the exit code is 3. The settings in ecmahost.toml and the installed
    connector packages are read at the start only: for those, restart the host.
    """
    require(context.home)
    if serving_pid(context.home.runtime) is None:
        raise click.ClickException("no host serves this home here and now; 'ecmahost serve' reads the files itself")
    loaded = Catalogue().configured(context.home)
    print_problems(loaded.problems)
    click.echo(reload_host(context.home))
    ctx.exit(exit_codes.CONFIGURATION if loaded.problems else exit_codes.OK)
