"""``ecmahost admin-token``: a token for the host's administration, ``/admin/v1/``."""

import click

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.door_tokens import RESTART, give_token
from ecmahost_core.configuration.tokens import Door


@click.command(name="admin-token", short_help="Make a token for /admin/v1/, or rotate it.")
@click.option("--rotate", is_flag=True, help="Replace the token that there is.")
@click.option("--keep-old", is_flag=True, help="With --rotate: the old token stays good, until the next rotation.")
@pass_context
def admin_token(context: CommandContext, *, rotate: bool, keep_old: bool) -> None:
    """Make a token for the host's administration and print it, once.

    ecmahost.toml keeps an HMAC of it only. The token opens /admin/v1/ where [admin] has enabled = true, and no
    connector. A host that runs takes it when it is restarted.
    """
    new, enabled = give_token(context.home, Door.ADMIN, rotate=rotate, keep_old=keep_old)
    click.echo(new)
    switch = "" if enabled else " Write enabled = true under [admin] in ecmahost.toml, too."
    click.echo(f"This is the token of /admin/v1/; it is not shown again.{switch} {RESTART}", err=True)
