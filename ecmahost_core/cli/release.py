"""``ecmahost release``: lets a connector's clients disable and delete on."""

import click

from ecmahost_core.cli.account import require_account
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.output import configured
from ecmahost_core.host import open_host
from ecmahost_core.logs import configure_logs
from ecmahost_core.sync.writing.leaving import most_leaving, released


@click.command(short_help="Let Entra disable and delete on.")
@click.argument("name")
@pass_context
def release(context: CommandContext, name: str) -> None:
    """Let clients of connector NAME disable and delete as many objects once more as its incoming_brake allows an hour.

    Works beside a running host, at once. Look first at whom they want to delete: `ecmahost log NAME`.
    """
    require_account(context.home)
    configure_logs("error")
    host = open_host(context.home, writing=True)
    try:
        endpoint = configured(host, name)
        most = most_leaving(endpoint)
        if not most:
            raise click.ClickException(f"connector {name} has no incoming_brake: nothing is held back")
        gone = released(endpoint)
    finally:
        host.close()
    click.echo(f"{name}: {gone:,} were disabled or deleted within the last hour; from now on {most:,} more may be")
