"""``ecmahost metrics-token``: a token for ``/metrics``."""

import click

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.door_tokens import RESTART, give_token
from ecmahost_core.configuration.tokens import Door


@click.command(name="metrics-token", short_help="Make a token for /metrics, or rotate it.")
@click.option("--rotate", is_flag=True, help="Replace the token that there is.")
@click.option("--keep-old", is_flag=True, help="With --rotate: the old token stays good, until the next rotation.")
@pass_context
def metrics_token(context: CommandContext, *, rotate: bool, keep_old: bool) -> None:
    """Make a token for /metrics and print it, once.

    ecmahost.toml keeps an HMAC of it only. With a token, /metrics is open to whoever shows it, from any address;
    without one it is open to programs on this machine. Either way [metrics] must have enabled = true.
    """
    new, enabled = give_token(context.home, Door.METRICS, rotate=rotate, keep_old=keep_old)
    click.echo(new)
    switch = "" if enabled else " Write enabled = true under [metrics] in ecmahost.toml, too."
    click.echo(f"This is the token of /metrics; it is not shown again.{switch} {RESTART}", err=True)
