"""The host's self-signed certificate, and what certificates say about themselves."""

import re
import socket
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ecmahost_core.configuration.files import CONFIGURATION_LIMIT, Unreadable, read_bounded, write_atomically
from ecmahost_core.errors import ConfigurationProblem

VALIDITY = timedelta(days=730)
_CLOCK_DIFFERENCE = timedelta(hours=1)
_NAME_LOOKUP_SECONDS = 2.0
# RFC 952 and RFC 1123 section 2.1, and the underscore, which Windows allows.
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


class BadCertificate(Exception):
    """A PEM file is missing or is not what it should be; the text says why."""


def host_names() -> tuple[str, ...]:
    """Returns the names under which clients may reach this machine.

    ``localhost``, both loopback addresses, the host name and, where the name service answers soon, the full name.
    """
    names = ["localhost", "127.0.0.1", "::1", socket.gethostname(), _full_name()]
    return tuple(dict.fromkeys(name for name in names if _general_name(name) is not None))


def invalid_names(names: Sequence[str]) -> tuple[str, ...]:
    """Returns those that cannot stand in a certificate: neither an address nor a host name."""
    return tuple(name for name in names if _general_name(name) is None)


def write_self_signed(certificate: Path, key: Path, names: Sequence[str], now: datetime) -> None:
    """Makes a new key (mode 0600) and a certificate for it, and puts them in the place of what is there.

    The key is written first: a process that dies between the two leaves a pair that does not match, which
    ``certificate_problems`` tells. A host that runs keeps its old pair until both are there.

    Raises OSError; ValueError when a name is invalid.
    """
    private = ec.generate_private_key(ec.SECP256R1())
    content = self_signed(private, names, now)
    write_atomically(
        key,
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        mode=0o600,
    )
    write_atomically(certificate, content, mode=0o644)


def make_missing_pair(certificate: Path, key: Path, names: Sequence[str], now: datetime) -> bool:
    """Makes a certificate and a key unless there is a certificate; returns whether it did.

    A key without a certificate, as a process leaves it that dies between the two, gets its certificate.

    Raises OSError; ValueError when a name is invalid; BadCertificate when the key is of another kind.
    """
    if certificate.exists():
        return False
    if not key.exists():
        write_self_signed(certificate, key, names, now)
        return True
    private = _load_key(key)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise BadCertificate(f"{key} is not a key that was made here, and {certificate} is missing")
    write_atomically(certificate, self_signed(private, names, now), mode=0o644)
    return True


def self_signed(key: ec.EllipticCurvePrivateKey, names: Sequence[str], now: datetime) -> bytes:
    """Returns a certificate for a TLS server in PEM form, good for two years from an hour before ``now``.

    Raises:
        ValueError: there is no name, or one is invalid.
    """
    general = [found for name in names if (found := _general_name(name)) is not None]
    if not general or len(general) != len(names):
        raise ValueError("a certificate is for one or more host names or IP addresses")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ecmahost")])
    public = key.public_key()
    start = now - _CLOCK_DIFFERENCE
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + VALIDITY)
        .add_extension(x509.SubjectAlternativeName(general), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def certificate_names(path: Path) -> tuple[str, ...]:
    """Returns the host names and addresses that a certificate is for; may be empty. Raises BadCertificate."""
    try:
        names = _load_certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    except ValueError:
        raise BadCertificate("its extensions cannot be read") from None
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def certificate_expiry(path: Path) -> datetime:
    """Returns when a certificate ends, in UTC. Raises BadCertificate."""
    return _load_certificate(path).not_valid_after_utc


def certificate_problems(certificate: Path, key: Path) -> tuple[ConfigurationProblem, ...]:
    """Returns why the pair cannot be served: a file that is missing or no PEM, or two that do not belong together.

    An expired certificate can be served; look at ``certificate_expiry``.
    """
    problems = []
    public = private = None
    try:
        public = _load_certificate(certificate).public_key()
    except BadCertificate as error:
        problems.append(_problem(certificate, "certificate", f"a certificate in PEM form, but {error}"))
    try:
        private = _load_key(key).public_key()
    except BadCertificate as error:
        problems.append(_problem(key, "key", f"a private key in PEM form without a passphrase, but {error}"))
    if public is not None and private is not None and public != private:
        problems.append(_problem(certificate, "certificate", f"the certificate of the key {key}, but it is another's"))
    return tuple(problems)


def _load_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(read_bounded(path, CONFIGURATION_LIMIT))
    except Unreadable as error:
        raise BadCertificate(str(error)) from None
    except ValueError:
        raise BadCertificate("it holds none") from None


def _load_key(path: Path) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(read_bounded(path, CONFIGURATION_LIMIT), password=None)
    except Unreadable as error:
        raise BadCertificate(str(error)) from None
    except TypeError:
        raise BadCertificate("it has one") from None
    except ValueError:
        raise BadCertificate("it holds none") from None


def _problem(path: Path, key: str, expected: str) -> ConfigurationProblem:
    return ConfigurationProblem(
        str(path), "tls", key, "", f"{expected}; make a new pair with: ecmahost certificate --force"
    )


def _general_name(name: str) -> x509.GeneralName | None:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    try:
        ascii_name = name.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return x509.DNSName(ascii_name) if all(map(_LABEL.fullmatch, ascii_name.split("."))) else None


def _full_name() -> str:
    """The machine's full name; empty when the name service takes its time, which it does where there is none."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(socket.getfqdn()), daemon=True)
    thread.start()
    thread.join(_NAME_LOOKUP_SECONDS)
    return found[0] if found else ""
