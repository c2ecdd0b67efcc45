"""The brake: how much may disappear from the space before a person has to confirm it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import structlog

from ecmahost_core.configuration.model import Properties
from ecmahost_core.space.history import HeldRemovals
from ecmahost_core.space.import_run import MOST_LINKS, ImportRun
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.sync.endpoint import Endpoint

log = structlog.get_logger()

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


class Met(NamedTuple):
    """What an import met of one type.

    Attributes:
        space_type: the type.
        seen: how many objects.
        nameless: how many that could be neither read nor named.
        removals: of a delta, how many objects it tells to be gone; None where everything was read.
        unlinked: of a delta, how many links it tells to be gone one by one.
    """

    space_type: SpaceType
    seen: int
    nameless: int = 0
    removals: int | None = None
    unlinked: int = 0


def held_back(endpoint: Endpoint, run: ImportRun, met: Sequence[Met], lost: tuple[str, ...]) -> HeldRemovals | None:
    """Returns the alarm when a person has to say whether what is missing may go; None when it may.

    Objects are held when too many of them are missing, of all or of one type, and when the target has some that could
    be neither read nor named: what seems to be missing may be one of them. Links (memberships) are held when too many
    of one type's are. ``lost`` is what the target's schema has lost.
    """
    properties = endpoint.configuration.properties
    found = [(one, *_missing(endpoint, run, one)) for one in met]
    missing, live = sum(one for _, one, _ in found), sum(one for _, _, one in found)
    nameless = sum(one.nameless for one in met)
    too_much = exceeds(properties, missing, live) or any(
        # A delta that tells of nothing but removals is no empty source.
        exceeds(properties, gone, there, source_empty=one.removals is None and one.seen == 0)
        for one, gone, there in found
    )
    objects = missing if too_much or (missing and nameless) else 0
    unlinked = [run.missing_links(one.space_type, one.unlinked) for one in met]
    links = sum(gone for gone, there in unlinked if gone > MOST_LINKS or exceeds(properties, gone, there))
    if not (objects or links or lost):
        return None
    before = endpoint.store.status(endpoint.name).held
    if objects:
        log.error("import_removals_held", connector=endpoint.name, missing=missing, live=live, nameless=nameless)
    if links:
        log.error("import_links_held", connector=endpoint.name, links=links, of=sum(there for _, there in unlinked))
    if lost:
        log.error("import_schema_lost", connector=endpoint.name, lost=list(lost))
    return HeldRemovals(objects, live, before.since if before else datetime.now(UTC), links, lost)


def _missing(endpoint: Endpoint, run: ImportRun, met: Met) -> tuple[int, int]:
    if met.removals is None:
        return run.missing(met.space_type)
    return met.removals, endpoint.store.count(met.space_type)
