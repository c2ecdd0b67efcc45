"""What the commands say of certificates."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from ecmahost_core.cli.group import printable
from ecmahost_core.configuration.certificates.names import invalid_names, names_of
from ecmahost_core.configuration.certificates.pair import BadCertificate, load_certificates
from ecmahost_core.ecma.results import Finding


def describe(certificate: x509.Certificate) -> str:
    """Returns what a certificate is for and when it ends, in words."""
    return f"for {', '.join(names(certificate)) or 'no host name'}, until {certificate.not_valid_after_utc:%Y-%m-%d}"


def names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Returns the names that a certificate is for; none when they cannot be read, which ``check`` explains."""
    try:
        return tuple(map(printable, names_of(certificate)))
    except ValueError:
        return ()


def thumbprints(certificate: x509.Certificate) -> tuple[str, str]:
    """Returns the digests of a certificate by SHA-1, which Windows calls its thumbprint, and by SHA-256."""
    sha1 = certificate.fingerprint(hashes.SHA1())  # noqa: S303 - a name that Windows gives, no protection
    return sha1.hex().upper(), certificate.fingerprint(hashes.SHA256()).hex().upper()


def present_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Returns the certificates that are served now; empty where there are none or they cannot be read."""
    try:
        return load_certificates(path)
    except BadCertificate:
        return ()


def require_names(given: Sequence[str]) -> None:
    """Raises click.UsageError for the first that is no name of a host."""
    wrong = invalid_names(given)
    if wrong:
        raise click.UsageError(f"{wrong[0]!r} is neither a host name nor an IP address")


def tell_findings(findings: Iterable[Finding]) -> None:
    """Prints findings on standard error, a line each."""
    for one in findings:
        way_out = f"; {one.remedy}" if one.remedy else ""
        click.echo(printable(f"{one.severity.value}: {one.message}{way_out}"), err=True)
