"""What the log says of the certificate once a day."""

from datetime import datetime
from pathlib import Path

import structlog

from ecmahost_core.configuration.certificates.chain import chain_of, system_authorities
from ecmahost_core.configuration.certificates.expiry import Stage, expiry_of
from ecmahost_core.configuration.certificates.findings import faults, key_findings
from ecmahost_core.configuration.certificates.names import words_of
from ecmahost_core.configuration.certificates.pair import BadCertificate, load_pair
from ecmahost_core.ecma.results import Severity

log = structlog.get_logger()

_LEVELS = {Stage.SOON: "info", Stage.NEAR: "warning", Stage.IMMINENT: "error", Stage.EXPIRED: "error"}


def remind(certificate: Path, key: Path, now: datetime) -> None:
    """Logs that the certificate ends soon or has ended, and whatever else keeps clients from accepting it.

    Nothing is logged about a good one. Called by the worker process when it starts and once a day.
    """
    try:
        pair = load_pair(certificate, key)
    except BadCertificate as error:
        log.error("certificate_unusable", certificate=str(certificate), key=str(key), message=str(error))
        return
    chain = chain_of(pair.certificates[0], pair.certificates[1:], system_authorities())
    expiry = expiry_of(chain.certificates, now)
    if expiry.stage is not Stage.FAR:
        tell = getattr(log, _LEVELS[expiry.stage])
        tell(
            "certificate_expired" if expiry.stage is Stage.EXPIRED else "certificate_expires",
            certificate=str(certificate),
            subject=words_of(expiry.certificate.subject),
            until=f"{expiry.until:%Y-%m-%dT%H:%M:%SZ}",
            days=expiry.days,
        )
    for one in (*faults(chain, now), *key_findings(key)):
        refused = one.severity is Severity.ERROR
        tell = log.error if refused else log.warning
        tell(
            "certificate_refused" if refused else "certificate_doubtful",
            certificate=str(certificate),
            message=one.message,
            remedy=one.remedy,
        )
