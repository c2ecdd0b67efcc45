"""Reading from the target by itself what an import has passed over, and taking it over under the same rule."""

import time
from enum import Enum, auto

from ecmahost_core.ecma.values import Anchor
from ecmahost_core.errors import ConnectorError
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.import_run import ImportRun
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.target_reads import ObjectUnreadable, read_by_anchor

SINGLE_READS = 1_000
"""How many objects one import reads singly; for more of them, reading everything is cheaper."""
ATTEMPTS = 3
READ_SECONDS = 30.0


class Fate(Enum):
    """What became of an object that was read by itself."""

    TAKEN = auto()
    GONE = auto()
    UNREADABLE = auto()
    UNSETTLED = auto()
    """Something newer came in between, each time."""


def read_singly(endpoint: Endpoint, binding: TypeBinding, anchor: Anchor) -> list[TargetObject]:
    """Returns the target's objects with an anchor: mostly one, or none.

    Raises ObjectUnreadable, and ConnectorError when the target cannot be asked now.
    """
    try:
        return read_by_anchor(endpoint, binding, anchor, Call(time.monotonic() + READ_SECONDS, "", "worker"))
    except ObjectUnreadable:
        raise
    except ScimError as error:
        raise ConnectorError(f"an object could not be read by itself: {error}") from error


def settle(endpoint: Endpoint, run: ImportRun, binding: TypeBinding, anchor: Anchor) -> Fate:
    """Brings what the target holds under an anchor into the space; raises ConnectorError and StoreUnavailable.

    Whoever is gone is left for the caller to remove.
    """
    store = endpoint.store
    for _attempt in range(ATTEMPTS):
        began = store.change_seq()
        try:
            found = read_singly(endpoint, binding, anchor)
        except ObjectUnreadable:
            return Fate.UNREADABLE
        if not found:
            return Fate.GONE
        if not run.adopt(binding.space_type, found[:1], began):
            return Fate.TAKEN
    return Fate.UNSETTLED
