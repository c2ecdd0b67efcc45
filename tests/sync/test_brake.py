import pytest

from ecmahost_core.configuration.model import Properties
from ecmahost_core.sync.brake import exceeds, too_many_lost

PROPERTIES = Properties("hr", "", "memory", deletion_threshold_percent=10.0, deletion_threshold_objects=5)


@pytest.mark.parametrize(
    ("removed", "live", "held"),
    [
        (0, 0, False),
        (0, 100, False),
        (5, 5, False),  # few, whatever the share
        (6, 60, False),  # exactly ten percent
        (6, 59, True),
        (6, 6, True),
        (40_000, 400_000, False),
        (40_001, 400_000, True),
        (6, 0, True),
    ],
)
def test_removals_are_held_above_both_thresholds(removed, live, held):
    assert exceeds(PROPERTIES, removed, live) is held


@pytest.mark.parametrize(("removed", "live", "held"), [(1, 1, True), (5, 5, True), (0, 0, False), (0, 5, False)])
def test_an_empty_source_is_always_held(removed, live, held):
    assert exceeds(PROPERTIES, removed, live, source_empty=True) is held


def test_single_losses_are_in_doubt_beyond_a_hundred_however_large_the_directory_is() -> None:
    assert not too_many_lost(PROPERTIES, 100, 400_000)
    assert too_many_lost(PROPERTIES, 101, 400_000)
    assert too_many_lost(PROPERTIES, 6, 50)
