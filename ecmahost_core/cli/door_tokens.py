"""The tokens of the host's own doors: made, or rotated, and written into ``ecmahost.toml`` as HMACs."""

from pathlib import Path

import click

from ecmahost_core.configuration import secrets, tokens
from ecmahost_core.configuration.documents import UTF8_BOM
from ecmahost_core.configuration.files import CONFIGURATION_LIMIT, Unreadable, editing, read_bounded, write_atomically
from ecmahost_core.configuration.home import Home, require
from ecmahost_core.configuration.load import load_host
from ecmahost_core.configuration.model import HostConfiguration
from ecmahost_core.configuration.token_rotation import with_door_token
from ecmahost_core.configuration.tokens import Door

RESTART = "Restart a host that runs: it reads ecmahost.toml at its start."


def give_token(home: Home, door: Door, *, rotate: bool, keep_old: bool) -> tuple[str, bool]:
    """Puts a new token into the door's table; returns it, and whether the door is enabled.

    Raises ConfigurationError for mistakes in the home, ClickException where there is a token and ``rotate`` is not
    said, NotEdited where a program cannot change the file.
    """
    if keep_old and not rotate:
        raise click.UsageError("--keep-old goes with --rotate")
    require(home)
    new = tokens.new_token()
    with editing(home):
        old, enabled = _found(load_host(home), door)
        if old and not rotate:
            raise click.ClickException("there is a token; --rotate makes another")
        kept = [tokens.PREFIX + digest for digest in old[:1]] if keep_old else []
        content = _content(home.host_file)
        bom = content[: len(UTF8_BOM)] if content.startswith(UTF8_BOM) else b""
        digest = tokens.hash_door_token(secrets.load_keys(home).token, door, new)
        edited = with_door_token(content.removeprefix(UTF8_BOM).decode(), door, [digest, *kept])
        write_atomically(home.host_file, bom + edited.encode(), mode=0o600)
    return new, enabled


def _found(configuration: HostConfiguration, door: Door) -> tuple[list[str], bool]:
    """The digests of a door's tokens, and whether it is enabled."""
    if door is Door.ADMIN:
        found, enabled = configuration.admin_tokens, configuration.admin_enabled
    else:
        found, enabled = configuration.metrics_tokens, configuration.metrics_enabled
    return [one.digest for one in found], enabled


def _content(file: Path) -> bytes:
    try:
        return read_bounded(file, CONFIGURATION_LIMIT)
    except Unreadable as error:
        raise click.ClickException(f"{file} cannot be read: {error}") from None
