"""Puts a new secret token into the text of a connector file and keeps everything else, comments included."""

import tomllib
from datetime import datetime
from typing import Any

import tomlkit
from marshmallow import ValidationError
from tomlkit.exceptions import TOMLKitError

from ecmahost_core.configuration.model import TokenHash
from ecmahost_core.configuration.schemas import secret_token
from ecmahost_core.configuration.tokens import PREFIX, Door
from ecmahost_core.errors import EcmahostError

_DOORS = frozenset(door.value for door in Door)
"""Tables that may be missing from the file."""


class NotEdited(EcmahostError):
    """The file cannot be changed by a program; the message says what to write into it by hand."""


def usable_tokens(document: dict[str, Any], now: datetime) -> tuple[TokenHash, ...]:
    """Returns the tokens of a connector file that are good and have not expired; what is no token is passed over."""
    properties = document.get("properties")
    configured = properties.get("secret_tokens") if isinstance(properties, dict) else None
    tokens = []
    for one in configured if isinstance(configured, list) else ():
        try:
            token = secret_token(one)
        except ValidationError:
            continue
        if token.expires is None or now < token.expires:
            tokens.append(token)
    return tuple(tokens)


def with_door_token(text: str, door: Door, digests: list[str]) -> str:
    """Returns the text of ``ecmahost.toml`` with these tokens in the door's table; raises NotEdited, see there."""
    return _with_tokens(text, door.value, "tokens", list(digests))


def with_token(text: str, digest: str, old: TokenHash | None) -> str:
    """Returns the text of a connector file with other ``secret_tokens``: the new one, and perhaps an old one.

    Args:
        text: a TOML file that has a table ``properties``.
        digest: the new token's ``hmac:...``.
        old: stays beside it, with the expiry that it says; None for none.

    Raises:
        NotEdited: the file is written in a way that the change cannot be made without changing something else.
    """
    tokens: list[Any] = [digest]
    if old is not None:
        tokens.append({"hash": PREFIX + old.digest, "expires": old.expires} if old.expires else PREFIX + old.digest)
    return _with_tokens(text, "properties", "secret_tokens", tokens)


def _with_tokens(text: str, table: str, key: str, tokens: list[Any]) -> str:
    by_hand = NotEdited(f"the file cannot be edited; write this into its [{table}] table: {_line(key, tokens)}")
    try:
        expected = tomllib.loads(text)
        if table in _DOORS:
            expected.setdefault(table, {})
        expected[table][key] = tokens
        document = tomlkit.parse(text)
        if table in _DOORS and table not in document:
            document[table] = tomlkit.table()
        document[table][key] = _array(tokens)
        edited = tomlkit.dumps(document)
        # The two libraries read TOML independently: only a change that both understand alike is written.
        unchanged = tomllib.loads(edited) == expected
    except (TOMLKitError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise by_hand from None
    if not unchanged:
        raise by_hand
    return edited


def _array(tokens: list[Any]) -> tomlkit.items.Array:
    array = tomlkit.array()
    for token in tokens:
        if isinstance(token, dict):
            table = tomlkit.inline_table()
            table.update(token)
            array.append(table)
        else:
            array.append(token)
    return array


def _line(key: str, tokens: list[Any]) -> str:
    return f"{key} = {_array(tokens).as_string()}"
