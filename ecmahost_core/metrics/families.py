"""What is counted: names, labels and buckets, as Prometheus will see them.

No label has a person's value, and each has few values: connectors and resource types are those of the configuration,
methods, status classes, outcomes and error names are fixed lists.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Family:
    """One metric.

    Attributes:
        name: without Prometheus's ``_total``.
        help: what it says, in one sentence.
        labels: their names.
        buckets: upper bounds of a histogram, ascending, without the infinite one; empty for a counter.
    """

    name: str
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()

    @property
    def length(self) -> int:
        """How many numbers a row has: the count; of a histogram, the count of each bucket, of all others, the sum."""
        return len(self.buckets) + 2 if self.buckets else 1


REQUESTS: Final = Family(
    "ecmahost_requests",
    "Requests answered, by connector, method, resource type and class of the status.",
    ("connector", "method", "type", "status"),
)
REQUEST_SECONDS: Final = Family(
    "ecmahost_request_duration_seconds",
    "How long requests took, from the end of their head to the beginning of the answer.",
    ("connector", "method"),
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
EXPORTS: Final = Family(
    "ecmahost_exports",
    "Changes handed to a connector, by outcome (ok, refused, failed, unknown) and ECMA2's name of the error.",
    ("connector", "outcome", "error"),
)
IMPORT_SECONDS: Final = Family(
    "ecmahost_import_duration_seconds",
    "How long imports took, by kind (full, delta) and outcome (ok, held, failed, stopped).",
    ("connector", "kind", "outcome"),
    (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0),
)
RESTARTS: Final = Family(
    "ecmahost_process_restarts",
    "Processes that were started in the place of one that had died, since the host was started.",
    ("process",),
)
BREAKERS: Final = "ecmahost_breaker_open"
"""Of each process: how many of its breakers of a connector are open now. Told by ``web/metrics``."""
FAMILIES: Final = (REQUESTS, REQUEST_SECONDS, EXPORTS, IMPORT_SECONDS, RESTARTS)
