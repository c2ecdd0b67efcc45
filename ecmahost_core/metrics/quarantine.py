"""How near a connector is to Entra's quarantine: the share of its writes that fail.

Entra puts a job into quarantine when more than 40 % of a cycle's objects fail and there are more than 5,000 of them, or
40,000, whatever the share. It then calls once a day, and switches the job off after four weeks. A cycle takes about 40
minutes and its ends are not told, so the host looks at an hour, in steps of five minutes on the machine's monotonic
clock, which nobody can set.

Entra asks for somebody before it creates them. Where that fails it does not get as far as writing, and the object has
failed all the same: while a target is down, most failures are queries. So a query counts where it fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ENTRAS_SHARE: Final = 0.4
ENTRAS_FAILURES: Final = 5_000
ENTRAS_FAILURES_ALONE: Final = 40_000
"""Whatever the share."""
WARN_SHARE: Final = 0.2
WARN_FAILURES: Final = 500
WARN_FAILURES_ALONE: Final = 4_000
"""Well before Entra: half of its share, a tenth of its counts."""

STEP_SECONDS: Final = 300
STEPS: Final = 13
"""The one that runs, and the twelve before it: an hour, and up to five minutes."""
WINDOW_LENGTH: Final = 3 * STEPS
"""Numbers in a row: for each step which one it is, writes, failures."""

WRITES: Final = "ecmahost_entra_writes"
"""The name of the rows; the connector follows."""


@dataclass(frozen=True, slots=True)
class Writes:
    """The writes of the last hour.

    Attributes:
        total: how many there were, with the queries that failed before one.
        failed: how many of them Entra takes for a failure.
    """

    total: int = 0
    failed: int = 0

    @property
    def share(self) -> float:
        """The share that failed; 0 where there were none."""
        return self.failed / self.total if self.total else 0.0

    @property
    def ratio(self) -> float:
        """How near Entra's limits are: at 1 one of them is reached, share and count together or the count alone."""
        both = min(self.share / ENTRAS_SHARE, self.failed / ENTRAS_FAILURES)
        return max(both, self.failed / ENTRAS_FAILURES_ALONE)

    @property
    def near(self) -> bool:
        """Whether somebody should look now, while Entra still waits."""
        return self.failed >= WARN_FAILURES_ALONE or (self.failed >= WARN_FAILURES and self.share >= WARN_SHARE)


def is_failure(method: str, status: int) -> bool:
    """Whether Entra takes the answer to a write, or to the query before one, for a failure of that object.

    Whoever is to be deleted and is not there is deleted. A refused token and a query that is 404 concern the job, which
    Entra stops at once.
    """
    return status >= 400 and status != 401 and not (method in ("DELETE", "GET") and status == 404)


def place_of(now: float) -> tuple[int, float]:
    """Returns at which of a window's steps ``now`` (monotonic seconds) counts, and the number that marks it."""
    step = int(now // STEP_SECONDS) + 1
    return 3 * (step % STEPS), float(step)


def of_window(numbers: Sequence[float], now: float) -> Writes:
    """Returns what a row says of the hour before ``now``."""
    newest = int(now // STEP_SECONDS) + 1
    total = failed = 0
    for place in range(0, WINDOW_LENGTH, 3):
        step, writes, failures = numbers[place : place + 3]
        if newest - STEPS < step <= newest:
            total, failed = total + int(writes), failed + int(failures)
    return Writes(total, failed)
