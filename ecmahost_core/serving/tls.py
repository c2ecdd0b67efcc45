"""The TLS context, kept as long as its files are the same.

Making one per handshake, as gunicorn does by default, costs more than the handshake and makes session resumption
impossible: the keys of session tickets belong to the context.
"""

import ssl
import stat
import threading
from pathlib import Path

import structlog

from ecmahost_core.configuration.certificates.pair import previous
from ecmahost_core.configuration.certificates.watch import WatchedFiles
from ecmahost_core.errors import EcmahostError

log = structlog.get_logger()


class CertificateError(EcmahostError):
    """Certificate and key cannot be used; the message names both files and says why."""


class TlsContexts:
    """Gives each handshake the context of the certificate that is on disk.

    A renewed certificate is served as soon as its files have been left alone for a second. While the two do not belong
    together (a renewal writes one after the other) or cannot be read, the last good context stays in use. Safe to call
    from any thread.

    Built before the fork, so that all web workers can resume each other's sessions. Where there is nothing good to
    start with, the previous pair is taken, which a replacement that was killed half-way leaves beside the files. Raises
    CertificateError when that is not there or no better.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._lock = threading.Lock()
        self._files = WatchedFiles(certificate, key)
        try:
            self._context = server_context(certificate, key)
        except (OSError, ValueError) as error:
            self._context = self._previous(_reason(error))

    def current(self) -> ssl.SSLContext:
        """Returns the context to shake hands with now. Never raises. Called by web workers, who keep silent."""
        with self._lock:
            if self._files.changed():
                self._replace()
            return self._context

    def refresh(self) -> None:
        """Does the same in the arbiter, and logs it: one process is enough to say so.

        A web worker that is forked later then begins with what the others have.
        """
        with self._lock:
            if not self._files.changed():
                return
            before = self._context
            reason = self._replace()
            taken = self._context is not before
        if reason:
            log.error("certificate_kept", certificate=str(self._certificate), key=str(self._key), reason=reason)
        elif taken:
            log.info("certificate_replaced", certificate=str(self._certificate))

    def _replace(self) -> str:
        """Takes what the files hold; returns why that cannot be done, or nothing."""
        try:
            context = server_context(self._certificate, self._key)
        except (OSError, ValueError) as error:
            return _reason(error)
        if self._files.still():  # otherwise it may be the beginning of one file; they are looked at again
            self._context = context
        return ""

    def _previous(self, reason: str) -> ssl.SSLContext:
        files = previous(self._certificate), previous(self._key)
        try:
            context = server_context(*files)
        except (OSError, ValueError):
            raise CertificateError(
                f"the certificate {self._certificate} and the key {self._key} cannot be used: {reason}; both must be "
                f"readable PEM files, the key without a pass phrase and belonging to the certificate"
            ) from None
        log.error(
            "previous_certificate_served",
            certificate=str(self._certificate),
            key=str(self._key),
            reason=reason,
            served=str(files[0]),
        )
        return context


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Returns a server context for the two PEM files: TLS 1.2 with forward secrecy and AEAD suites only, and TLS 1.3.

    Raises OSError (ssl.SSLError is one) or ValueError when the files are unreadable or do not match.
    """
    for file in (certificate, key):
        if not stat.S_ISREG(file.stat().st_mode):
            raise ValueError(f"{file.name} is not a regular file")  # OpenSSL would wait for a named pipe's writer
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


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)
