"""A company's authorities, for tests: a root, one below it, and what they sign, good or bad."""

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

ISSUER_URL = "http://pki.corp.example/issuing.crt"


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.sealed(None)

    def sealed(self, passphrase: bytes | None) -> bytes:
        """The key in PEM form, encrypted where there is a passphrase."""
        encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        return bytes(self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def issue(
    subject: str,
    issuer: Issued | None,
    *,
    key: Any = None,
    start: timedelta = timedelta(days=-10),
    days: float = 700,
    authority: bool = False,
    names: tuple[str, ...] = (),
    purpose: Any = ExtendedKeyUsageOID.SERVER_AUTH,
    usage: x509.KeyUsage | None = None,
    public: Any = None,
) -> Issued:
    """A certificate with ``days`` left, signed by the issuer or by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(issuer.certificate.subject if issuer else name(subject))
        .public_key(public or key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + start)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    if purpose is not None and not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    if issuer is not None:
        place = x509.UniformResourceIdentifier(ISSUER_URL)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def with_sha1(issued: Issued, issuer: Issued, directory: Path) -> Issued:
    """A self-signed certificate signed by ``issuer`` as was usual before 2016; the library does not do that now."""
    for file, content in (("c", issued.pem), ("ca", issuer.pem), ("key", issuer.key_pem)):
        (directory / file).write_bytes(content)
    signer = ["-signkey", "key"] if issuer is issued else ["-CA", "ca", "-CAkey", "key", "-CAcreateserial"]
    command = ["openssl", "x509", "-in", "c", *signer, "-sha1", "-preserve_dates", "-out", "signed"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)
    return Issued(x509.load_pem_x509_certificate((directory / "signed").read_bytes()), issued.key)


@dataclass(frozen=True)
class Company:
    """Root and issuing authority."""

    root: Issued = field(default_factory=lambda: issue("Corp Root", None, authority=True, days=3000))
    issuing: Issued = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "issuing", issue("Corp Issuing", self.root, authority=True, days=1500))

    def server(self, host: str = "host.corp.example", **options: Any) -> Issued:
        """A server's certificate by the issuing authority, unless told otherwise."""
        return issue(host, options.pop("issuer", self.issuing), **{"names": (host,), **options})
