"""Finds a pair in what an administrator was sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from ecmahost_core.configuration.certificates.chain import Chain, chain_of
from ecmahost_core.configuration.certificates.material import Material
from ecmahost_core.configuration.certificates.names import words_of
from ecmahost_core.configuration.certificates.pair import BadCertificate, Pair, belong_together


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be served, out of what was given.

    Attributes:
        pair: the key, the host's certificate, and those that vouch for it, in their order.
        chain: the same, and where it ends.
        left_out: certificates that were given and have no part in it.
    """

    pair: Pair
    chain: Chain
    left_out: tuple[x509.Certificate, ...]


def find_pair(
    given: Material,
    keys: Sequence[PrivateKeyTypes],
    present: Sequence[x509.Certificate],
    system: Sequence[x509.Certificate],
) -> Found:
    """Returns the pair that was given.

    Args:
        given: all that was read, of all the files.
        keys: the keys that are here already, used where none was given, the likeliest first.
        present: certificates that are here already and may vouch for the new one.
        system: the authorities that this machine knows.

    Raises:
        BadCertificate: there is no pair in it, or more than one.
    """
    if not given.certificates:
        raise BadCertificate("there is no certificate in what was given")
    matches = _matches(given.keys or keys, given.certificates)
    if not matches:
        subjects = "; ".join(words_of(one.subject) for one in given.certificates)
        whose = "the key that was given" if given.keys else "a key that is here; give the key's file, too"
        raise BadCertificate(f"none of the certificates is for {whose} (they are for: {subjects})")
    if given.keys and len(matches) > 1:
        raise BadCertificate("there is more than one private key with a certificate; give one pair at a time")
    key, certificates = matches[0]
    leaf = max(certificates, key=lambda one: one.not_valid_after_utc)
    chain = chain_of(leaf, (*given.certificates, *present), system)
    left_out = tuple(one for one in given.certificates if one not in chain.certificates and one != chain.root)
    return Found(Pair(chain.certificates, key), chain, left_out)


def _matches(
    keys: Sequence[PrivateKeyTypes], certificates: Sequence[x509.Certificate]
) -> list[tuple[PrivateKeyTypes, list[x509.Certificate]]]:
    """The keys that have a certificate, each once."""
    found: list[tuple[PrivateKeyTypes, list[x509.Certificate]]] = []
    for key in keys:
        fitting = [one for one in certificates if belong_together(one, key)]
        if fitting and fitting not in [others for _, others in found]:
            found.append((key, fitting))
    return found
