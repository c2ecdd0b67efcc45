"""The secret tokens of a connector (RFC 6750: bearer tokens), of which the configuration holds HMACs only.

A second kind is *minted*: it names its connector and its expiry and is signed under the key file, so that a command can
speak to the host for a few minutes without anything being stored.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from ecmahost_core.configuration.model import Properties, TokenHash

PREFIX = "hmac:"
HASHED = re.compile(re.escape(PREFIX) + r"[0-9a-f]{64}")
"""What stands in a file for a token."""
MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 512
MAXIMUM_TOKENS = 2
LONGEST_LIFETIME = timedelta(hours=1)


class Door(StrEnum):
    """What a token opens beside a connector, by its table in ``ecmahost.toml``."""

    ADMIN = "admin"
    """``/admin/``."""
    METRICS = "metrics"
    """``/metrics``."""


_ACCEPTABLE = re.compile(r"[!-~]+")
_MINTED = re.compile(r"ecmahost\.(?P<connector>[A-Za-z0-9]+)\.(?P<expiry>[1-9][0-9]{0,11})\.(?P<mark>[0-9a-f]{64})")


def new_token() -> str:
    """Returns a random token: 43 ASCII letters, digits, hyphens and underscores, 256 bits."""
    return secrets.token_urlsafe(32)


def hash_token(key: bytes, token: str) -> str:
    """Returns ``hmac:<hex>``, as ``secret_tokens`` takes it.

    Raises:
        ValueError: the token is not 12 to 512 printable ASCII characters without blanks.
    """
    if not MINIMUM_LENGTH <= len(token) <= MAXIMUM_LENGTH or not _ACCEPTABLE.fullmatch(token):
        raise ValueError(
            f"a secret token has {MINIMUM_LENGTH} to {MAXIMUM_LENGTH} printable ASCII characters and no blanks"
        )
    return PREFIX + _digest(key, token.encode("ascii"))


def hash_door_token(key: bytes, door: Door, token: str) -> str:
    """Returns ``hmac:<hex>``, as the door's ``tokens`` takes it: another one for each door, and than ``hash_token``'s.

    So a hash that is copied from elsewhere opens nothing here, nor the other way round. ValueError as there.
    """
    hash_token(key, token)
    return PREFIX + _digest(key, _before(door) + token.encode("ascii"))


def verify_door(key: bytes, door: Door, tokens: Sequence[TokenHash], presented: str, now: datetime) -> bool:
    """Returns whether ``presented`` is one of a door's tokens; as ``verify`` does for a connector's."""
    return _is_one_of(_digest(key, _before(door) + _bytes(presented)), tokens, now)


def verify(key: bytes, tokens: Sequence[TokenHash], presented: str, now: datetime) -> bool:
    """Returns whether ``presented`` is one of the configured tokens and has not expired.

    Takes the same time whichever token fits, if any. ``presented`` may be any text; ``now`` has a zone.
    """
    return _is_one_of(_digest(key, _bytes(presented)), tokens, now)


def _is_one_of(digest: str, tokens: Sequence[TokenHash], now: datetime) -> bool:
    accepted = False
    for token in tokens:
        fits = hmac.compare_digest(digest, token.digest)
        accepted |= fits and (token.expires is None or now < token.expires)
    return accepted


def mint(key: bytes, connector: str, lifetime: timedelta, now: datetime) -> str:
    """Returns a token for one connector that expires by itself: ``ecmahost.<connector>.<expiry>.<hmac>``.

    Raises:
        ValueError: the lifetime is not between a second and an hour, or the name is no connector name.
    """
    if not timedelta(seconds=1) <= lifetime <= LONGEST_LIFETIME:
        raise ValueError(f"a minted token lives for at least a second and at most {LONGEST_LIFETIME}")
    expiry = int((now + lifetime).timestamp())
    token = f"ecmahost.{connector}.{expiry}.{_mark(key, connector, str(expiry))}"
    if not _MINTED.fullmatch(token):
        raise ValueError("a connector name has ASCII letters and digits only")
    return token


def verify_minted(key: bytes, connector: str, presented: str, now: datetime) -> bool:
    """Returns whether ``presented`` was minted under this key, for this connector, and is still good.

    One whose remaining lifetime is longer than ``mint`` gives is refused, whatever its signature.
    """
    parts = _MINTED.fullmatch(presented) if len(presented) <= MAXIMUM_LENGTH else None
    if parts is None or parts["connector"] != connector:
        return False
    genuine = hmac.compare_digest(parts["mark"], _mark(key, connector, parts["expiry"]))
    remaining = int(parts["expiry"]) - now.timestamp()
    return genuine and 0 < remaining <= LONGEST_LIFETIME.total_seconds()


def accepts(key: bytes, properties: Properties, presented: str, now: datetime) -> bool:
    """Returns whether ``presented`` opens the connector's door, as a configured token or as a minted one."""
    configured = verify(key, properties.tokens, presented, now)
    return configured or verify_minted(key, properties.name, presented, now)


def _digest(key: bytes, message: bytes) -> str:
    # Not hmac.digest, which lets other threads run meanwhile: the way back costs more than so short a text.
    return hmac.new(key, message, "sha256").hexdigest()


def _mark(key: bytes, connector: str, expiry: str) -> str:
    # The leading NUL, which no token has, keeps the two kinds apart: the hash of a configured token, which stands in a
    # file, never is the signature of a minted one.
    return _digest(key, f"\0minted\0{connector}\0{expiry}".encode())


def _before(door: Door) -> bytes:
    """What stands before a door's token when it is hashed; the leading NUL is in no token."""
    return f"\0{door.value}\0".encode()


def _bytes(presented: str) -> bytes:
    """A header's text as bytes; too long a text becomes one that fits nothing, so that hashing it costs little."""
    return presented.encode("utf-8", "surrogatepass") if len(presented) <= MAXIMUM_LENGTH else b""
