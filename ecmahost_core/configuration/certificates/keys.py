"""Private keys: which kinds are made here, and what to call one."""

from enum import StrEnum

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

SMALLEST_RSA = 2048
CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
"""The curves that TLS clients on Windows and elsewhere take."""


class KeyType(StrEnum):
    """The kinds of key that are made here."""

    ECDSA_P256 = "ecdsa-p256"
    RSA_2048 = "rsa-2048"


def new_key(key_type: KeyType) -> SigningKey:
    """Returns a new private key."""
    if key_type is KeyType.RSA_2048:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: PrivateKeyTypes) -> bytes:
    """Returns the PEM form (PKCS #8) without a passphrase: a host has to start when nobody is there to type one."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def key_words(key: PublicKeyTypes) -> str:
    """Returns what a key is, for people: ``ECDSA P-256``, ``RSA 2048``."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {CURVES.get(key.curve.name, key.curve.name)}"
    return type(key).__name__.removesuffix("PublicKey").lstrip("_")
