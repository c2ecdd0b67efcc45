"""``ecmahost admin-token``: a token for the host's administration, ``/admin/v1/``."""

import click

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.configuration import secrets, tokens
from ecmahost_core.configuration.documents import UTF8_BOM
from ecmahost_core.configuration.files import CONFIGURATION_LIMIT, Unreadable, editing, read_bounded, write_atomically
from ecmahost_core.configuration.home import require
from ecmahost_core.configuration.load import load_host
from ecmahost_core.configuration.token_rotation import with_admin_token


@click.command(name="admin-token", short_help="Make a token for /admin/v1/, or rotate it.")
@click.option("--rotate", is_flag=True, help="Replace the token that there is.")
@click.option("--keep-old", is_flag=True, help="With --rotate: the old token stays good, until the next rotation.")
@pass_context
def admin_token(context: CommandContext, *, rotate: bool, keep_old: bool) -> None:
    """Make a token for the host's administration and print it, once.

    ecmahost.toml keeps an HMAC of it only. The token opens /admin/v1/ where [admin] has enabled = true, and no
    connector. A host that runs takes it when it is restarted.
    """
    if keep_old and not rotate:
        raise click.UsageError("--keep-old goes with --rotate")
    home = context.home
    require(home)
    new = tokens.new_token()
    with editing(home):
        configuration = load_host(home)
        old = configuration.admin_tokens
        if old and not rotate:
            raise click.ClickException("there is a token; --rotate makes another")
        kept = [tokens.PREFIX + one.digest for one in old[:1]] if keep_old else []
        try:
            content = read_bounded(home.host_file, CONFIGURATION_LIMIT)
        except Unreadable as error:
            raise click.ClickException(f"{home.host_file} cannot be read: {error}") from None
        bom = content[: len(UTF8_BOM)] if content.startswith(UTF8_BOM) else b""
        digest = tokens.hash_admin_token(secrets.load_keys(home).token, new)
        edited = with_admin_token(content.removeprefix(UTF8_BOM).decode(), [digest, *kept])
        write_atomically(home.host_file, bom + edited.encode(), mode=0o600)
    click.echo(new)
    switch = "" if configuration.admin_enabled else " Write enabled = true under [admin] in ecmahost.toml, too."
    told = f"This is the token of /admin/v1/; it is not shown again.{switch}"
    click.echo(f"{told} Restart a host that runs: it reads ecmahost.toml at its start.", err=True)
