"""The line in the log before Entra's quarantine."""

from structlog.testing import capture_logs

from ecmahost_core.metrics.quarantine import Writes
from ecmahost_core.sync.examining.quarantine_watch import QuarantineWatch


def test_it_is_told_once_when_it_begins_and_once_when_it_is_over():
    watch = QuarantineWatch()
    with capture_logs() as logs:
        for failed in (0, 900, 950, 100, 100):
            watch.look({"hr": Writes(1000, failed), "it": Writes(1000, 0)})
        watch.look({})
    assert [(one["event"], one["connector"]) for one in logs] == [
        ("entra_quarantine_near", "hr"),
        ("entra_quarantine_far", "hr"),
    ]
    assert (logs[0]["writes"], logs[0]["failed"], logs[0]["share"]) == (1000, 900, 0.9)
