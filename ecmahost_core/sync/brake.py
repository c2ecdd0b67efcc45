"""The brake: how much may disappear from the space before a person has to confirm it."""

from typing import Final

from ecmahost_core.configuration.model import Properties

SINGLE_LOSSES: Final = 100
"""How many objects may turn out to be lost one by one before that is more than people tidying up. A share of a large
directory would be far too many: a tenth of 400,000 people who hear 404 are 40,000 whom the client creates again."""


def exceeds(properties: Properties, removed: int, live: int, *, source_empty: bool = False) -> bool:
    """Returns whether removing ``removed`` of ``live`` objects needs a confirmation.

    It does when it is more than both thresholds, and always when the source suddenly has nothing at all: an empty
    source is far more often a truncated one than a company that has dismissed everybody.
    """
    if removed <= 0:
        return False
    if source_empty and live > 0:
        return True
    return removed > properties.deletion_threshold_objects and (
        removed * 100 > properties.deletion_threshold_percent * live
    )


def too_many_lost(properties: Properties, lost: int, live: int) -> bool:
    """Returns whether so many objects turned out to be lost one by one that the target itself is in doubt."""
    return lost > SINGLE_LOSSES or exceeds(properties, lost, live)
