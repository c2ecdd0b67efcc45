"""The key file, and the secrets that are encrypted under it.

``secret.key`` holds 32 random bytes. Three keys are derived from them (HKDF, RFC 5869), so that what opens one kind of
thing says nothing about the others: one encrypts the secrets of connector files (Fernet, written ``enc:...``), one
hashes SCIM tokens, and one signs the cursors of paged queries.
"""

import base64
import binascii
import os
import stat
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ecmahost_core.configuration.files import Unreadable, read_bounded, write_atomically
from ecmahost_core.configuration.home import Home
from ecmahost_core.errors import ConfigurationError, ConfigurationProblem, EcmahostError

PREFIX = "enc:"
_KEY_BYTES = 32
_WAY_OUT = "init makes one, or put back the backup: a new one voids the tokens and secrets made with the old one"


class Undecryptable(EcmahostError):
    """An ``enc:`` text was made under another key file, or has been damaged."""


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The keys that derive from the key file. They cannot be printed by accident.

    Attributes:
        encryption: for ``encrypt`` and ``decrypt``.
        token: for the functions of ``tokens``.
        cursor: for the cursors that clients get.
    """

    encryption: bytes
    token: bytes
    cursor: bytes

    def __repr__(self) -> str:
        """Never the keys."""
        return "Keys('***')"


def create_key_file(home: Home) -> bool:
    """Makes ``secret.key`` (mode 0600) unless there is one; returns whether it was made. Raises OSError."""
    content = base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)) + b"\n"
    return write_atomically(home.secret_key, content, mode=0o600, replace=False)


def load_keys(home: Home) -> Keys:
    """Reads the key file.

    Raises:
        ConfigurationError: it is missing, no key file, or open to others.
    """
    path = home.secret_key
    try:
        content = read_bounded(path, 1024)
        mode = stat.S_IMODE(path.stat().st_mode)
    except Unreadable as error:
        raise _problem(home, "", f"the host's key file, but {error}; {_WAY_OUT}") from None
    except OSError:
        raise _problem(home, "", "the host's key file, which has just gone") from None
    if mode & 0o077:
        raise _problem(home, f"mode {mode:04o}", f"a key file that only its owner can read: chmod 600 {path}")
    try:
        secret = base64.b64decode(content.strip(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != _KEY_BYTES:
        raise _problem(home, "something else", "the 44 characters that init wrote; put back the backup")
    return Keys(
        encryption=_derive(secret, b"ecmahost secrets"),
        token=_derive(secret, b"ecmahost tokens"),
        cursor=_derive(secret, b"ecmahost cursors"),
    )


def encrypt(keys: Keys, text: str) -> str:
    """Returns ``enc:...``, different each time."""
    return PREFIX + _fernet(keys).encrypt(text.encode()).decode("ascii")


def decrypt(keys: Keys, text: str) -> str:
    """Returns what ``encrypt`` was given. Raises Undecryptable."""
    try:
        return _fernet(keys).decrypt(text.removeprefix(PREFIX).encode()).decode()
    except (InvalidToken, UnicodeError):
        raise Undecryptable(
            "a secret cannot be decrypted with this host's secret.key; encrypt it again: ecmahost encrypt"
        ) from None


def _fernet(keys: Keys) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(keys.encryption))


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)


def _problem(home: Home, found: str, expected: str) -> ConfigurationError:
    return ConfigurationError((ConfigurationProblem(str(home.secret_key), "", "", found, expected),))
