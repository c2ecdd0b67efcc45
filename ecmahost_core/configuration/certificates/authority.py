"""The home's own certificate authority: trusted once, it signs the host's certificates of the next ten years.

Whoever has its key could pose as any server to the machines that trust it. So it is bound by its own certificate
(RFC 5280 sections 4.2.1.9 to 4.2.1.12) to TLS servers with the names that it was made for, and to nothing below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from ecmahost_core.configuration.certificates.extensions import extension
from ecmahost_core.configuration.certificates.issuing import CLOCK_DIFFERENCE, SERVER_AUTH, issued, key_usage
from ecmahost_core.configuration.certificates.keys import SigningKey
from ecmahost_core.configuration.certificates.names import general_names

VALIDITY = timedelta(days=3650)
SHORTEST_USE = timedelta(days=60)
"""An authority with less time left is not worth another certificate."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that can sign: its certificate and its key belong together."""

    certificate: x509.Certificate
    key: SigningKey


def new_authority(key: SigningKey, names: Sequence[str], now: datetime) -> Authority:
    """Returns an authority for servers of these names and of hosts below them.

    Raises ValueError when a name is invalid.
    """
    serial = x509.random_serial_number()
    # Not the same words for each one: a client that knows two authorities by one name may try the wrong key.
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"ecmahost local CA {serial >> 128:08x}")
    subject = x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, "ecmahost local CA")])
    public = key.public_key()
    start = now - CLOCK_DIFFERENCE
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + VALIDITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(authority=True), critical=True)
        .add_extension(SERVER_AUTH, critical=False)
        .add_extension(_constraints(names, organization), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def issue(authority: Authority, key: SigningKey, names: Sequence[str], now: datetime) -> x509.Certificate:
    """Returns a server's certificate. Raises ValueError when a name is invalid; see :func:`names_outside` before."""
    return issued(key, names, now, authority.certificate, authority.key)


def names_outside(authority: x509.Certificate, names: Sequence[str]) -> tuple[str, ...]:
    """Returns the names that the authority may not vouch for."""
    constraints = extension(authority, x509.NameConstraints)
    if constraints is None:
        return ()
    permitted = constraints.permitted_subtrees or ()
    return tuple(
        name
        for name, general in zip(names, general_names(names), strict=True)
        if not any(_within(general, tree) for tree in permitted)
    )


def _constraints(names: Sequence[str], organization: x509.NameAttribute[str]) -> x509.NameConstraints:
    """Each form of name that a server's certificate can have is listed: one that is not listed would be free."""
    general = general_names(names)
    hosts = [name for name in general if isinstance(name, x509.DNSName)]
    networks = [x509.IPAddress(ip_network(name.value)) for name in general if isinstance(name, x509.IPAddress)]
    trees: list[x509.GeneralName] = [
        x509.DirectoryName(x509.Name([organization])),
        *(hosts or [x509.DNSName("localhost")]),
        *(networks or [x509.IPAddress(ip_network("127.0.0.1"))]),
    ]
    return x509.NameConstraints(trees, None)


def _within(name: x509.GeneralName, tree: x509.GeneralName) -> bool:
    if isinstance(name, x509.DNSName) and isinstance(tree, x509.DNSName):
        host, domain = name.value.lower(), tree.value.lower()
        return host == domain or host.endswith(f".{domain}")
    if isinstance(name, x509.IPAddress) and isinstance(tree, x509.IPAddress):
        return ip_network(name.value).version == ip_network(tree.value).version and name.value in ip_network(tree.value)
    return False
