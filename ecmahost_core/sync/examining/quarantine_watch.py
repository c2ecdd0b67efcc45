"""Tells the operator that Entra's writes fail, well before Entra puts the job into quarantine."""

from collections.abc import Mapping

import structlog

from ecmahost_core.metrics.quarantine import ENTRAS_FAILURES, ENTRAS_SHARE, Writes

log = structlog.get_logger()


class QuarantineWatch:
    """Remembers which connectors were told of: one line when it begins and one when it is over."""

    def __init__(self) -> None:
        """Nobody was told of anything yet."""
        self._near: set[str] = set()

    def look(self, writes: Mapping[str, Writes]) -> None:
        """Logs what has changed since the last look; ``writes`` of the last hour, by connector."""
        near = {name for name, one in writes.items() if one.near}
        for name in sorted(near - self._near):
            one = writes[name]
            log.warning(
                "entra_quarantine_near",
                connector=name,
                writes=one.total,
                failed=one.failed,
                share=round(one.share, 2),
                entra_acts_above={"share": ENTRAS_SHARE, "failed": ENTRAS_FAILURES},
                remedy="the log's request_refused and export lines say why",
            )
        for name in sorted(self._near - near):
            log.info("entra_quarantine_far", connector=name)
        self._near = near
