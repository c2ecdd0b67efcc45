"""The brake: how much may disappear from the space before a person has to confirm it."""

from ecmahost_core.configuration.model import Properties


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
