"""What a host that runs says of the certificate on its disk."""

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ecmahost_core.configuration.certificates.chain import Chain, chain_of, system_authorities
from ecmahost_core.configuration.certificates.expiry import Expiry, expiry_of
from ecmahost_core.configuration.certificates.pair import BadCertificate, load_pair
from ecmahost_core.configuration.certificates.watch import WatchedFiles


@dataclass(frozen=True, slots=True)
class Condition:
    """The files as they are now.

    Attributes:
        unusable: why they cannot be served, empty when they can; the host goes on with the last pair that could.
        expiry: of what is in them; None when unusable.
    """

    unusable: str
    expiry: Expiry | None


class CertificateWatch:
    """Reads the two files when they have changed, and counts the days. Safe to call from any thread."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._lock = threading.Lock()
        self._files = WatchedFiles(certificate, key)
        self._found: Chain | str | None = None

    def condition(self, now: datetime) -> Condition:
        """Returns the files' condition; while they are being replaced, what it was before. Never raises."""
        with self._lock:
            if self._files.changed() or self._found is None:
                self._found = self._read()
            found = self._found
        if isinstance(found, Chain):
            return Condition("", expiry_of(found.certificates, now))
        return Condition(found, None)

    def _read(self) -> Chain | str:
        try:
            certificates = load_pair(self._certificate, self._key).certificates
        except BadCertificate as error:
            return str(error)
        # The system's authorities matter for where a chain ends, and are slow to read.
        return chain_of(certificates[0], certificates[1:], system_authorities() if len(certificates) > 1 else ())
