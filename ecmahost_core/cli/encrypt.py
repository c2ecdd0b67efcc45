"""``ecmahost encrypt``: makes an ``enc:`` text of a secret."""

import sys

import click

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.configuration import secrets
from ecmahost_core.configuration.files import SECRET_LIMIT


@click.command()
@pass_context
def encrypt(context: CommandContext) -> None:
    """Encrypt a secret for a connector file.

    Asks for the secret without showing it, or reads it from standard input (one line end at its end is left out). The
    result can be decrypted with this host's secret.key only.
    """
    keys = secrets.load_keys(context.home)
    if sys.stdin.isatty():
        secret = str(click.prompt("Secret", hide_input=True, confirmation_prompt="The same again", err=True))
    else:
        secret = _from_standard_input()
    if not secret or "\0" in secret:
        raise click.ClickException("a secret has at least one character, and no NUL")
    click.echo(secrets.encrypt(keys, secret))


def _from_standard_input() -> str:
    content = sys.stdin.buffer.read(SECRET_LIMIT + 1)
    if len(content) > SECRET_LIMIT:
        raise click.ClickException(f"a secret has at most {SECRET_LIMIT // 1024} KiB")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise click.ClickException("the secret on standard input is not UTF-8") from None
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")
