"""Certificates and requests for a TLS server, as this host makes them (RFC 5280)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ecmahost_core.configuration.certificates.keys import SigningKey
from ecmahost_core.configuration.certificates.names import common_name, general_names

VALIDITY = timedelta(days=730)
CLOCK_DIFFERENCE = timedelta(hours=1)
"""How far behind a client's clock may be on the day that a certificate is made."""

SERVER_AUTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


def self_signed(key: SigningKey, names: Sequence[str], now: datetime) -> x509.Certificate:
    """Returns a certificate for a TLS server that is its own trust anchor, good for two years.

    It is no authority: whoever trusts it trusts this one key for these names.

    Raises:
        ValueError: there is no name, or one is invalid.
    """
    subject = _subject(names)
    start = now - CLOCK_DIFFERENCE
    public = key.public_key()
    return (
        _with_use(_builder(subject, start, start + VALIDITY, key), names, key)
        .issuer_name(subject)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def issued(
    key: SigningKey, names: Sequence[str], now: datetime, issuer: x509.Certificate, issuer_key: SigningKey
) -> x509.Certificate:
    """Returns a certificate for a TLS server in an authority's name, good for two years or as long as the authority.

    The organization of its subject is the authority's. Raises ValueError as :func:`self_signed`.
    """
    organization = issuer.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    start = max(now - CLOCK_DIFFERENCE, issuer.not_valid_before_utc)
    until = min(start + VALIDITY, issuer.not_valid_after_utc)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _with_use(_builder(_subject(names, organization), start, until, key), names, key)
        .issuer_name(issuer.subject)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )


def signing_request(key: SigningKey, names: Sequence[str]) -> x509.CertificateSigningRequest:
    """Returns a request (PKCS #10, RFC 2986) for a company's authority. Raises ValueError as :func:`self_signed`."""
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(_subject(names))
        .add_extension(x509.SubjectAlternativeName(general_names(names)), critical=False)
        .add_extension(server_usage(key), critical=True)
        .add_extension(SERVER_AUTH, critical=False)
        .sign(key, hashes.SHA256())
    )


def key_usage(*, signature: bool = False, encipherment: bool = False, authority: bool = False) -> x509.KeyUsage:
    """Returns the extension of RFC 5280 section 4.2.1.3 with these bits."""
    return x509.KeyUsage(
        digital_signature=signature,
        content_commitment=False,
        key_encipherment=encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def server_usage(key: SigningKey) -> x509.KeyUsage:
    """Returns what a TLS server's key is for; an RSA key also says key encipherment, which some clients look for."""
    return key_usage(signature=True, encipherment=isinstance(key, rsa.RSAPrivateKey))


def _subject(names: Sequence[str], before: Sequence[x509.NameAttribute[str | bytes]] = ()) -> x509.Name:
    common = x509.NameAttribute(NameOID.COMMON_NAME, common_name(general_names(names)))
    return x509.Name([*before, common])


def _builder(subject: x509.Name, start: datetime, until: datetime, key: SigningKey) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _with_use(builder: x509.CertificateBuilder, names: Sequence[str], key: SigningKey) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.SubjectAlternativeName(general_names(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(server_usage(key), critical=True)
        .add_extension(SERVER_AUTH, critical=False)
    )
