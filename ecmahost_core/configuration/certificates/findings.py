"""What is wrong with a pair that could be served: why a client would refuse it, now or soon."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from ecmahost_core.configuration.certificates.chain import (
    Chain,
    chain_of,
    has_broken_hash,
    is_issued_by,
    issuer_address,
)
from ecmahost_core.configuration.certificates.expiry import Stage, expiry_of
from ecmahost_core.configuration.certificates.extensions import UNREADABLE, extension
from ecmahost_core.configuration.certificates.keys import CURVES, SMALLEST_RSA, key_words
from ecmahost_core.configuration.certificates.names import names_of, words_of
from ecmahost_core.configuration.certificates.pair import Pair, open_to_everybody
from ecmahost_core.ecma.results import Finding, Severity

SUBJECT = "certificate"
_SERVER = frozenset((ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE))
_RENEW = "renew it: ecmahost certificate create --force, or request and import"


def pair_findings(pair: Pair, system: Sequence[x509.Certificate], now: datetime) -> tuple[Finding, ...]:
    """Returns why clients refuse a pair (ERROR), and what will become a reason (WARNING); empty for a good one.

    Args:
        pair: what is served, or is to be.
        system: the authorities that this machine knows.
        now: the time, in UTC.
    """
    chain = chain_of(pair.certificates[0], pair.certificates[1:], system)
    return (*_end(chain, now), *faults(chain, now))


def faults(chain: Chain, now: datetime) -> tuple[Finding, ...]:
    """Returns what is wrong with a chain besides that it ends one day."""
    try:
        return (*_start(chain, now), *_use(chain.leaf), *_strength(chain), *_completeness(chain))
    except UNREADABLE:
        return (_error("it has parts that cannot be read", "have it made anew"),)


def key_findings(key: Path) -> tuple[Finding, ...]:
    """Returns what is wrong with the file of the key; one that a group may read is the administrator's choice."""
    if not open_to_everybody(key):
        return ()
    message = "every account of this machine can read the key, and could pose as this host"
    remedy = f"chmod 600 {key}, and a new pair if somebody may have read it"
    return (Finding(Severity.ERROR, key.name, message, remedy),)


def _start(chain: Chain, now: datetime) -> Iterator[Finding]:
    for one in chain.certificates:
        if one.not_valid_before_utc > now:
            message = f"{_which(chain, one)} is not valid before {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
            yield _error(message, "see whether this machine's clock is right; otherwise keep another one until then")


def _end(chain: Chain, now: datetime) -> Iterator[Finding]:
    expiry = expiry_of(chain.certificates, now)
    which = _which(chain, expiry.certificate)
    if expiry.stage is Stage.EXPIRED:
        yield _error(f"{which} expired on {expiry.until:%Y-%m-%d}; clients refuse it", _RENEW)
    elif expiry.stage is not Stage.FAR:
        message = f"{which} expires on {expiry.until:%Y-%m-%d}, in {expiry.days} days"
        yield Finding(Severity.WARNING, SUBJECT, message, _RENEW)


def _use(leaf: x509.Certificate) -> Iterator[Finding]:
    if not names_of(leaf):
        message = "it names no host (no subject alternative name); clients do not look at the subject any more"
        yield _error(message, "have it made with the name in the tenant URL: ecmahost certificate create --name NAME")
    # One without these extensions is good for everything (RFC 5280 sections 4.2.1.3 and 4.2.1.12).
    extended, usage = extension(leaf, x509.ExtendedKeyUsage), extension(leaf, x509.KeyUsage)
    remedy = "have it made for a web server: ecmahost certificate request asks for that"
    if extended is not None and not _SERVER.intersection(extended):
        yield _error("it is not for TLS servers (extended key usage without serverAuth)", remedy)
    if usage is not None and not usage.digital_signature:
        yield _error("its key may not sign (key usage without digitalSignature), as TLS does", remedy)


def _strength(chain: Chain) -> Iterator[Finding]:
    for one in chain.certificates:
        which, key = _which(chain, one), one.public_key()
        if not _key_is_good(key):
            remedy = "have it made with another key: ECDSA P-256, or RSA with 2048 bits or more"
            yield _error(f"{which} has a key that clients do not accept ({key_words(key)})", remedy)
        ends_here = one is not chain.leaf and is_issued_by(one, one)  # nobody looks at an anchor's own signature
        if has_broken_hash(one) and not ends_here:
            yield _error(f"{which} is signed with SHA-1 or MD5, which clients do not accept", _RENEW)


def _key_is_good(key: PublicKeyTypes) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= SMALLEST_RSA
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES


def _completeness(chain: Chain) -> Iterator[Finding]:
    if chain.root is not None:
        return
    top = chain.top
    issuer = words_of(top.issuer)
    address = issuer_address(top)
    where = f" (the certificate says that it is at {address})" if address else ""
    remedy = f"import it again together with that certificate{where}: ecmahost certificate import FILE..."
    if top is chain.leaf:
        message = f"its issuer's certificate is not in the file, and this machine does not know it: {issuer}"
        yield _error(message, remedy)
        return
    message = (
        f"the chain ends with {words_of(top.subject)}, whose issuer is not in the file and not known to this "
        f"machine: {issuer}; clients that do not trust exactly that one refuse it"
    )
    yield Finding(Severity.WARNING, SUBJECT, message, remedy)


def _which(chain: Chain, certificate: x509.Certificate) -> str:
    return "it" if certificate is chain.leaf else f"the certificate of {words_of(certificate.subject)}"


def _error(message: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, SUBJECT, message, remedy)
