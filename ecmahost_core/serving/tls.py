"""The TLS context, kept as long as its files are the same.

Making one per handshake, as gunicorn does by default, costs more than the handshake and makes session resumption
impossible: the keys of session tickets belong to the context.
"""

import ssl
import threading
from pathlib import Path

import structlog

from ecmahost_core.errors import EcmahostError

log = structlog.get_logger()

FileIdentity = tuple[int, int, int, int, int]


class CertificateError(EcmahostError):
    """Certificate and key cannot be used; the message names both files and says why."""


class TlsContexts:
    """Gives each handshake the context of the certificate that is on disk at that moment.

    A renewed certificate is served to the next handshake. While the two files do not belong together (a renewal writes
    one after the other) or cannot be read, the last good context stays in use, and that is logged once for each state
    of the files. Safe to call from any thread.

    Built before the fork, so that all web workers can resume each other's sessions. Raises CertificateError when there
    is nothing good to start with.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._lock = threading.Lock()
        self._seen = self._identities()
        try:
            self._context = server_context(certificate, key)
        except (OSError, ValueError) as error:
            raise CertificateError(
                f"the certificate {certificate} and the key {key} cannot be used: {_reason(error)}; both must be "
                f"readable PEM files, the key without a pass phrase and belonging to the certificate"
            ) from None

    def current(self) -> ssl.SSLContext:
        """Returns the context to shake hands with now. Never raises."""
        identities = self._identities()
        if identities == self._seen:
            return self._context
        with self._lock:
            if identities != self._seen:
                self._replace()
                # Afterwards: who finds these identities seen must also find their context.
                self._seen = identities
            return self._context

    def _replace(self) -> None:
        try:
            self._context = server_context(self._certificate, self._key)
        except (OSError, ValueError) as error:
            log.warning(
                "certificate_kept",
                certificate=str(self._certificate),
                key=str(self._key),
                reason=_reason(error),
            )
        else:
            log.info("certificate_replaced", certificate=str(self._certificate))

    def _identities(self) -> tuple[FileIdentity | None, FileIdentity | None]:
        return (_identity(self._certificate), _identity(self._key))


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Returns a server context for the two PEM files: TLS 1.2 with forward secrecy and AEAD suites only, and TLS 1.3.

    Raises OSError (ssl.SSLError is one) or ValueError when the files are unreadable or do not match.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    # A client that renegotiates in a loop makes the server do the expensive half each time.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key, password=_no_pass_phrase)
    return context


def _no_pass_phrase() -> bytes:
    """Called by OpenSSL for an encrypted key; without it, OpenSSL would ask on the terminal and wait."""
    raise ValueError("the key has a pass phrase")


def _identity(path: Path) -> FileIdentity | None:
    """What changes when a file is replaced, rewritten or made readable; None while it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)
