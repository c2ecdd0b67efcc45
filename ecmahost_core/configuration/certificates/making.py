"""What the commands make in a home: a pair, and the authority that signs it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from ecmahost_core.configuration.certificates.authority import Authority, issue, new_authority
from ecmahost_core.configuration.certificates.issuing import self_signed
from ecmahost_core.configuration.certificates.keys import KeyType, SigningKey, key_pem, new_key
from ecmahost_core.configuration.certificates.pair import (
    BadCertificate,
    Pair,
    load_key,
    load_pair,
    write_pair,
    write_private,
)
from ecmahost_core.configuration.files import write_atomically
from ecmahost_core.configuration.home import Home


def new_pair(key_type: KeyType, names: Sequence[str], now: datetime, authority: Authority | None = None) -> Pair:
    """Returns a new key with its certificate: self-signed, or followed by the authority that issued it.

    Raises ValueError when there is no name, or one is invalid.
    """
    key = new_key(key_type)
    if authority is None:
        return Pair((self_signed(key, names, now),), key)
    return Pair((issue(authority, key, names, now), authority.certificate), key)


def make_missing_pair(certificate: Path, key: Path, names: Sequence[str], now: datetime) -> bool:
    """Makes a self-signed certificate and a key unless there is a certificate; returns whether it did.

    A key without a certificate, as a process leaves it that dies between the two, gets its certificate.

    Raises OSError; ValueError when a name is invalid; BadCertificate when the key is of a kind that is not made here.
    """
    if certificate.exists():
        return False
    if not key.exists():
        write_pair(certificate, key, new_pair(KeyType.ECDSA_P256, names, now))
        return True
    private = signing_key(load_key(key))
    if private is None:
        raise BadCertificate(f"{key} is not a key that was made here, and {certificate} is missing")
    content = self_signed(private, names, now).public_bytes(serialization.Encoding.PEM)
    write_atomically(certificate, content, mode=0o644)
    return True


def make_authority(home: Home, key_type: KeyType, names: Sequence[str], now: datetime) -> Authority:
    """Makes the home's authority, in the place of one that is there. Raises OSError; ValueError for invalid names.

    One that is killed between the two files leaves an authority that cannot be used; what it signed stays good.
    """
    made = new_authority(new_key(key_type), names, now)
    write_private(home.local_ca_key, key_pem(made.key))
    write_atomically(home.local_ca, made.certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return made


def load_authority(home: Home) -> Authority | None:
    """Returns the home's authority, None where there is none. Raises BadCertificate when it cannot be used."""
    if not home.local_ca.exists() and not home.local_ca_key.exists():
        return None
    pair = load_pair(home.local_ca, home.local_ca_key)
    key = signing_key(pair.key)
    if key is None:
        raise BadCertificate("its key is of a kind that is not made here")
    return Authority(pair.certificates[0], key)


def signing_key(key: PrivateKeyTypes) -> SigningKey | None:
    """Returns the key if it is of a kind with which certificates are made here."""
    return key if isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) else None
