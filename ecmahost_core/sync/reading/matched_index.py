"""The index follows what clients match on: the portal chooses the matching attribute, not the host's configuration.

A match on a mapped attribute without an index looks at everybody, and notes the attribute. The worker puts it in the
index, in short transactions that everybody else passes between; from then on such a match is a look-up, in every
process and after a restart. When the mapping has the attribute no more, the index goes. It is no index of a query
attribute: nothing becomes unique by it, and the target is not asked.
"""

import time
from collections.abc import Mapping
from dataclasses import replace

import structlog

from ecmahost_core.errors import BrokenContract, ConfigurationError, ConnectorError
from ecmahost_core.space.fingerprint import MatchedIndex
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.reading.questions import one_text

log = structlog.get_logger()


def follow_matches(endpoint: Endpoint) -> None:
    """Builds what is noted and not indexed yet, and drops what is mapped no more; may take minutes.

    Called by the worker process, again and again; does nothing while the connector cannot be used, which others tell,
    and where another host leads: two whose mappings differ for a while would undo each other's work. Raises
    StoreUnavailable.
    """
    standing = endpoint.agreement.standing()
    if not standing.matched or standing.differences or not endpoint.store.leads():
        return
    try:
        bindings = endpoint.bindings()
    except (ConnectorError, BrokenContract, ConfigurationError):
        return
    for binding in bindings.values():
        _follow(endpoint, binding, standing.matched)


def _follow(endpoint: Endpoint, binding: TypeBinding, noted: Mapping[str, MatchedIndex]) -> None:
    space_type = binding.space_type
    prefix = f"{space_type.resource_type}."
    mapped = {row.target.name for row in binding.mapping.rows if one_text(row.target)}
    names = {name.removeprefix(prefix): state for name, state in noted.items() if name.startswith(prefix)}
    for name, state in names.items():
        if name in space_type.indexed or name not in mapped or state is MatchedIndex.GOING:
            log.info("matched_attribute_forgotten", connector=endpoint.name, attribute=f"{prefix}{name}")
            endpoint.store.forget_matched(space_type, name, keep_index=name in space_type.indexed)
    wanted = {name for name, state in names.items() if state is MatchedIndex.WANTED}
    building = tuple(sorted(wanted & mapped - set(space_type.indexed)))
    if not building:
        return
    started = time.monotonic()
    endpoint.store.prepare(replace(space_type, matched=(*space_type.matched, *building)))
    log.info(
        "matched_attributes_indexed",
        connector=endpoint.name,
        attributes=[f"{prefix}{name}" for name in building],
        seconds=round(time.monotonic() - started, 2),
    )
