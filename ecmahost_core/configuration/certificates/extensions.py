"""Reads what certificates say of themselves, whoever made them."""

from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

Kind = TypeVar("Kind", bound=x509.ExtensionType)

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises about a certificate or key that is damaged, or of a kind that it does not know."""


def sound(certificate: x509.Certificate) -> x509.Certificate:
    """Returns the certificate if its names can be read, which the library does only when it is asked for them.

    Raises one of UNREADABLE otherwise.
    """
    certificate.subject.rfc4514_string()
    certificate.issuer.rfc4514_string()
    return certificate


def extension(certificate: x509.Certificate, kind: type[Kind]) -> Kind | None:
    """Returns an extension, None where there is none. Raises ValueError when the extensions cannot be read."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except UNREADABLE:
        raise ValueError("its extensions cannot be read") from None
