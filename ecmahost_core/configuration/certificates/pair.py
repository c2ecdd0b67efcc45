"""The two files that are served, the certificate with its chain and its key, and how they are replaced.

Two files cannot be replaced at one moment. The key comes first; a host that runs keeps what it has until both fit. For
a process that is killed between the two, the pair before stays beside them, and ``serve`` falls back on it.
"""

import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from ecmahost_core.configuration.certificates.extensions import UNREADABLE, sound
from ecmahost_core.configuration.certificates.keys import key_pem
from ecmahost_core.configuration.files import CONFIGURATION_LIMIT, Unreadable, read_bounded, write_atomically
from ecmahost_core.errors import ConfigurationProblem, EcmahostError

_OTHERS = 0o007


class BadCertificate(EcmahostError):
    """A file is missing or is not what it should be; the text says why, and may follow the name of the file."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A private key and its certificate.

    Attributes:
        certificates: the host's own first, then whatever else is in the file; never empty.
        key: belongs to the first of them.
    """

    certificates: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes


def previous(path: Path) -> Path:
    """Returns where the file that stood at ``path`` before is kept."""
    return path.with_name(f"{path.name}.previous")


def load_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Returns the certificates of a PEM file, the host's own first; never empty. Raises BadCertificate."""
    try:
        return tuple(map(sound, x509.load_pem_x509_certificates(read_bounded(path, CONFIGURATION_LIMIT))))
    except Unreadable as error:
        raise BadCertificate(str(error)) from None
    except UNREADABLE:
        raise BadCertificate("it holds none") from None


def load_key(path: Path) -> PrivateKeyTypes:
    """Returns the private key of a PEM file without a passphrase. Raises BadCertificate."""
    try:
        return serialization.load_pem_private_key(read_bounded(path, CONFIGURATION_LIMIT), password=None)
    except Unreadable as error:
        raise BadCertificate(str(error)) from None
    except TypeError:
        raise BadCertificate("it has one") from None
    except UNREADABLE:
        raise BadCertificate("it holds none") from None


def load_pair(certificate: Path, key: Path) -> Pair:
    """Returns what two files hold. Raises BadCertificate when they cannot be read or do not belong together."""
    try:
        certificates = load_certificates(certificate)
    except BadCertificate as error:
        raise BadCertificate(f"no certificate in PEM form: {error}") from None
    try:
        private = load_key(key)
    except BadCertificate as error:
        raise BadCertificate(f"no private key in PEM form without a passphrase: {error}") from None
    if not belong_together(certificates[0], private):
        raise BadCertificate("certificate and key do not belong together")
    return Pair(certificates, private)


def belong_together(certificate: x509.Certificate, key: PrivateKeyTypes) -> bool:
    """Returns whether the certificate is for this key."""
    try:
        return certificate.public_key() == key.public_key()
    except UNREADABLE:  # a kind of key that the library does not know
        return False


def write_pair(certificate: Path, key: Path, pair: Pair) -> None:
    """Puts a pair in the place of what is there; a pair that could be served is kept beside it.

    The key's file is for its owner only, or for a group that it was opened to before. Raises OSError.
    """
    _keep_pair(certificate, key, pair)
    chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in pair.certificates)
    if certificate.resolve() == key.resolve():
        write_private(key, key_pem(pair.key) + chain)
        return
    write_private(key, key_pem(pair.key))
    write_atomically(certificate, chain, mode=0o644)


def _keep_pair(certificate: Path, key: Path, successor: Pair) -> None:
    """Copies the pair that is there to its place as the previous one, if it can be served. Raises OSError."""
    try:
        present = load_pair(certificate, key)
        contents = read_bounded(certificate, CONFIGURATION_LIMIT), read_bounded(key, CONFIGURATION_LIMIT)
    except (BadCertificate, Unreadable):
        return  # what was kept before may still be good
    if present.certificates[0] == successor.certificates[0]:
        return  # given once more: the one before it is still the previous one
    write_private(previous(key), contents[1])
    if certificate.resolve() != key.resolve():
        write_atomically(previous(certificate), contents[0], mode=0o644)


def write_private(path: Path, content: bytes) -> None:
    """Writes a file with a key in it: mode 0600, or as it was before but not open to everybody. Raises OSError."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _OTHERS:
            path.chmod(mode & ~_OTHERS)
    except FileNotFoundError:
        pass
    write_atomically(path, content, mode=0o600)


def open_to_everybody(key: Path) -> bool:
    """Returns whether accounts that are neither the owner nor of the group can read a file."""
    try:
        return bool(key.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def certificate_problems(certificate: Path, key: Path) -> tuple[ConfigurationProblem, ...]:
    """Returns why the pair cannot be served: a file that is missing or no PEM, or two that do not belong together.

    What can be served and yet is refused by clients, as an expired one is, is for ``findings``.
    """
    problems = []
    first = private = None
    try:
        first = load_certificates(certificate)[0]
    except BadCertificate as error:
        problems.append(_problem(certificate, "certificate", f"a certificate in PEM form, but {error}"))
    try:
        private = load_key(key)
    except BadCertificate as error:
        problems.append(_problem(key, "key", f"a private key in PEM form without a passphrase, but {error}"))
    if first is not None and private is not None and not belong_together(first, private):
        problems.append(_problem(certificate, "certificate", f"the certificate of the key {key}, but it is another's"))
    return tuple(problems)


def _problem(path: Path, key: str, expected: str) -> ConfigurationProblem:
    way_out = "make a new pair with: ecmahost certificate create --force"
    return ConfigurationProblem(
        str(path), "tls", key, "", f"{expected}; {way_out}, or bring one with: ecmahost certificate import"
    )
