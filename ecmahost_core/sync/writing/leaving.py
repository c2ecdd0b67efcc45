"""Who is disabled and deleted by clients: held back when they are too many within an hour.

What Entra calls accidental deletions prevention, on the side of the target: an edited scope or a broken source of
people must not empty a system over night. Off unless the configuration says how many.
"""

from typing import Final

import structlog

from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.store import TooManyLeaving
from ecmahost_core.sync.endpoint import Endpoint

log = structlog.get_logger()

RELEASE: Final = "ecmahost release"


def most_leaving(endpoint: Endpoint) -> int:
    """Returns how many clients may disable and delete within an hour; 0 for as many as they like."""
    return endpoint.configuration.properties.disables_and_deletes_per_hour or 0


def is_holding_back(endpoint: Endpoint) -> bool:
    """Returns whether the next disable or delete would be refused."""
    most = most_leaving(endpoint)
    return most > 0 and endpoint.store.leaving(endpoint.name).count >= most


def held_back(endpoint: Endpoint, error: TooManyLeaving) -> ScimError:
    """Returns what a client is told whose disable or delete would be one too many: 429 with Retry-After."""
    log.error(
        "disables_and_deletes_held_back",
        connector=endpoint.name,
        within_an_hour=error.count,
        retry_after=error.retry_after,
        remedy=f"{RELEASE} {endpoint.name}",
    )
    detail = (
        f"{error.count} objects of connector {endpoint.name} were disabled or deleted within the last hour, which is "
        f"as many as its incoming_brake lets go. If that is right, an administrator runs: {RELEASE} {endpoint.name}"
    )
    return ScimError(429, detail, headers={"Retry-After": str(error.retry_after)})


def released(endpoint: Endpoint) -> int:
    """Lets as many more go from now on, because a person has said so; returns how many had gone."""
    gone = endpoint.store.leaving(endpoint.name).count
    event = EventRecord(kind="release", outcome="ok", actor="cli", detail={"gone": gone})
    endpoint.store.release(endpoint.name, event)
    log.info("disables_and_deletes_released", connector=endpoint.name, gone=gone)
    return gone
