"""Who vouches for a certificate, as far as that can be known without asking anybody."""

import re
import ssl
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import AuthorityInformationAccessOID

from ecmahost_core.configuration.certificates.extensions import UNREADABLE, extension, sound
from ecmahost_core.configuration.files import Unreadable, read_bounded

_LONGEST = 10
_BROKEN_HASHES = ("md2", "md4", "md5", "sha1")
_BUNDLE_LIMIT = 8 * 1024 * 1024
_MOST_FILES = 2000
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")


@dataclass(frozen=True, slots=True)
class Chain:
    """A certificate and those who vouch for it.

    Attributes:
        certificates: from the host's own on upwards, each vouched for by the next; never empty.
        root: where it ends: itself or the last one's issuer, from the file or from the system's authorities; None when
            whoever issued the last one is not known here.
        public: whether the root is one of the system's authorities.
    """

    certificates: tuple[x509.Certificate, ...]
    root: x509.Certificate | None
    public: bool

    @property
    def leaf(self) -> x509.Certificate:
        """The host's own certificate."""
        return self.certificates[0]

    @property
    def top(self) -> x509.Certificate:
        """The last certificate that is at hand."""
        return self.certificates[-1]


def chain_of(leaf: x509.Certificate, others: Sequence[x509.Certificate], system: Sequence[x509.Certificate]) -> Chain:
    """Returns the chain from ``leaf`` upwards, out of ``others`` in whatever order they are.

    It ends as soon as one of ``system`` vouches: what a file adds above that, such as a cross-signature that has run
    out, is no client's concern.
    """
    found = [leaf]
    while len(found) < _LONGEST:
        top = found[-1]
        if is_issued_by(top, top):
            return Chain(tuple(found), top, public=top in system)
        root = _issuer(top, system)
        if root is not None:
            return Chain(tuple(found), root, public=True)
        issuer = _issuer(top, [one for one in others if one not in found])
        if issuer is None:
            break
        found.append(issuer)
    return Chain(tuple(found), None, public=False)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Returns whether the names fit and the signature is that of the issuer's key.

    A signature of a kind that the library does not check any more (SHA-1) is believed; ``findings`` has a word for it.
    """
    if certificate.issuer != issuer.subject:
        return False
    if has_broken_hash(certificate):
        return True
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True


def has_broken_hash(certificate: x509.Certificate) -> bool:
    """Returns whether a certificate is signed in a way that proves nothing any more, which clients do not accept."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return False
    return algorithm is not None and algorithm.name in _BROKEN_HASHES


def issuer_address(certificate: x509.Certificate) -> str:
    """Returns where the issuer's certificate is to be had, by RFC 5280 section 4.2.2.1; empty if it does not say."""
    try:
        access = extension(certificate, x509.AuthorityInformationAccess)
    except ValueError:
        return ""
    for one in access or ():
        location = one.access_location
        if one.access_method == AuthorityInformationAccessOID.CA_ISSUERS and isinstance(
            location, x509.UniformResourceIdentifier
        ):
            return location.value
    return ""


def system_authorities() -> tuple[x509.Certificate, ...]:
    """Returns the certificates that this machine's OpenSSL trusts; empty where there are none or none can be read."""
    places = ssl.get_default_verify_paths()
    files = [Path(place) for place in (places.cafile,) if place]
    if not files and places.capath:
        directory = Path(places.capath)
        bundle = directory / "ca-certificates.crt"
        files = [bundle] if bundle.exists() else _files_of(directory)
    found: dict[bytes, x509.Certificate] = {}
    with warnings.catch_warnings():
        # What is odd in other people's certificates is nobody's concern here.
        warnings.simplefilter("ignore")
        for file in files:
            for certificate in filter(_is_sound, _readable(file)):
                found[certificate.signature] = certificate
    return tuple(found.values())


def _files_of(directory: Path) -> list[Path]:
    try:
        return sorted({path.resolve() for path in directory.iterdir()})[:_MOST_FILES]
    except OSError:
        return []


def _readable(file: Path) -> Iterator[x509.Certificate]:
    try:
        content = read_bounded(file, _BUNDLE_LIMIT)
    except Unreadable:
        return
    for block in _PEM.findall(content):
        with suppress(*UNREADABLE):
            yield sound(x509.load_pem_x509_certificate(block))


def _is_sound(certificate: x509.Certificate) -> bool:
    """Whether the library will go on reading it: a few old roots have a serial number of 0 (RFC 5280 4.1.2.2)."""
    return certificate.serial_number > 0


def _issuer(certificate: x509.Certificate, among: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """Of several that have the same name and key, the one that lasts longest."""
    found = [one for one in among if is_issued_by(certificate, one) and _may_issue(one)]
    return max(found, key=lambda one: one.not_valid_after_utc, default=None)


def _may_issue(certificate: x509.Certificate) -> bool:
    """Whether it is an authority; certificates of version 1 do not say."""
    try:
        constraints = extension(certificate, x509.BasicConstraints)
    except ValueError:
        return False
    return certificate.version is x509.Version.v1 if constraints is None else constraints.ca
