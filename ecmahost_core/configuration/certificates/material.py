"""Certificates and keys in the forms in which people are given them: PEM, DER, PKCS #7 and PKCS #12."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from ecmahost_core.configuration.certificates.extensions import UNREADABLE, sound
from ecmahost_core.configuration.certificates.pair import BadCertificate

Passphrase = Callable[[], bytes]
"""Called when one is needed, at most once for each key; raises whatever the caller wants when there is none."""

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(?:(?!-----).)*-----END \1-----", re.DOTALL)
_NOT_OPENED = "its passphrase is another one, or it is encrypted in a way that is not supported here"


@dataclass(frozen=True, slots=True)
class Material:
    """What a file holds, in its order; both may be empty."""

    keys: tuple[PrivateKeyTypes, ...] = ()
    certificates: tuple[x509.Certificate, ...] = ()

    def __add__(self, other: "Material") -> "Material":
        """What two files hold."""
        return Material(self.keys + other.keys, self.certificates + other.certificates)


def read_material(content: bytes, passphrase: Passphrase) -> Material:
    """Returns the keys and certificates of a file, whatever it is called.

    Raises BadCertificate, whose text follows the name of the file, when there are none or they cannot be read.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):  # text that went through Windows PowerShell's >
        content = content.decode("utf-16", errors="replace").encode("ascii", errors="replace")
    if b"-----BEGIN " not in content:
        return _from_der(content, passphrase)
    found = Material()
    for label, block in _blocks(content):
        found += _from_block(label, block, passphrase)
    if not found.keys and not found.certificates:
        raise BadCertificate("it holds neither a certificate nor a private key")
    return found


def _blocks(content: bytes) -> Iterator[tuple[str, bytes]]:
    for match in _BLOCK.finditer(content):
        yield match[1].decode("ascii"), match[0]
    if _BLOCK.sub(b"", content).find(b"-----BEGIN ") >= 0:
        raise BadCertificate("it is cut off or damaged: a block of it does not end")


def _from_block(label: str, block: bytes, passphrase: Passphrase) -> Material:
    try:
        if label in ("CERTIFICATE", "X509 CERTIFICATE"):
            return Material(certificates=(sound(x509.load_pem_x509_certificate(block)),))
        if label == "PKCS7":
            return Material(certificates=tuple(map(sound, pkcs7.load_pem_pkcs7_certificates(block))))
        if label.endswith("PRIVATE KEY"):
            return Material(keys=(_key(serialization.load_pem_private_key, block, passphrase),))
    except UNREADABLE:
        raise BadCertificate(f"its block {label} is damaged, or of a kind that is not supported here") from None
    return Material()  # parameters, requests, public keys


def _from_der(content: bytes, passphrase: Passphrase) -> Material:
    """The first element inside the outer one tells the forms apart."""
    inner = _inside(content)
    try:
        if inner.startswith(b"\x02\x01\x03"):  # RFC 7292 section 4: PFX, version 3
            return _from_pkcs12(content, passphrase)
        if inner.startswith(b"\x02"):  # RFC 5958 section 2, RFC 5915, RFC 8017: a key's version
            return Material(keys=(_key(serialization.load_der_private_key, content, passphrase),))
        if inner.startswith(b"\x06"):  # RFC 2315 section 7: the type of the content
            return Material(certificates=tuple(map(sound, pkcs7.load_der_pkcs7_certificates(content))))
        try:
            return Material(certificates=(sound(x509.load_der_x509_certificate(content)),))
        except UNREADABLE:  # RFC 5958 section 3: an encrypted key begins as a certificate does
            return Material(keys=(_key(serialization.load_der_private_key, content, passphrase),))
    except UNREADABLE:
        raise BadCertificate("it is no certificate, no private key, no PKCS #7 and no PKCS #12 (.pfx) file") from None


def _inside(content: bytes) -> bytes:
    """What follows the header of the outermost SEQUENCE (X.690 section 8.1); empty when there is none."""
    if len(content) < 2 or content[0] != 0x30:
        return b""
    length = content[1] & 0x7F if content[1] > 0x80 else 0
    return content[2 + length : 8 + length]


def _from_pkcs12(content: bytes, passphrase: Passphrase) -> Material:
    for given in (lambda: None, lambda: b"", passphrase):
        password = given()
        try:
            key, certificate, others = pkcs12.load_key_and_certificates(content, password)
            certificates = tuple(map(sound, (*([certificate] if certificate is not None else []), *others)))
        except UNREADABLE:
            continue
        return Material((key,) if key is not None else (), certificates)
    raise BadCertificate(_NOT_OPENED)


def _key(
    load: Callable[[bytes, bytes | None], PrivateKeyTypes], content: bytes, passphrase: Passphrase
) -> PrivateKeyTypes:
    """Raises what ``load`` raises for what is no key, and BadCertificate for a passphrase that does not open it."""
    try:
        return load(content, None)
    except TypeError:  # it has a passphrase
        pass
    try:
        return load(content, passphrase())
    except UNREADABLE:
        raise BadCertificate(_NOT_OPENED) from None
