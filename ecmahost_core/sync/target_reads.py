"""Asking the target for single objects, and taking over what it says."""

from collections.abc import Callable, Sequence

import structlog

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.run_profiles import ObjectQuery
from ecmahost_core.ecma.values import Anchor, Attributes, Values, text_of
from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.dn import dn_of
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.errors import RETRY_AFTER_SECONDS
from ecmahost_core.text import fold

log = structlog.get_logger()

ENOUGH = 2
"""How many objects are asked for: one, and another that tells that it is not the only one."""
MOST = 1000
"""How many are asked for where the target takes more for equal than the host does."""


class ObjectUnreadable(ScimError):
    """The target has an object that may be the one, and it cannot be read: neither "found" nor "none" would be true."""


def read_by_value(
    endpoint: Endpoint, binding: TypeBinding, attribute: str, value: Values, call: Call, *, every: bool = False
) -> list[TargetObject]:
    """Returns the target's objects whose attribute has this value, by the host's one fold as well as by the target's.

    At least two of them where there are more; all of them with ``every``. Raises ScimError 503 when the target cannot
    be asked now, or has an object that cannot be read.
    """
    wanted = binding.match_text(attribute, value[0])

    def same(one: TargetObject) -> bool:
        return any(binding.match_text(attribute, have) == wanted for have in one.attributes.get(attribute, ()))

    return _read(endpoint, binding, ((attribute, value),), same, call, every=every)


def read_by_anchor(endpoint: Endpoint, binding: TypeBinding, anchor: Anchor, call: Call) -> list[TargetObject]:
    """Returns the target's objects with this anchor: none, one, or more where the target does not keep it unique."""
    attributes = tuple((name, (value,)) for name, value in zip(binding.target.anchor, anchor, strict=True))
    wanted = [fold(text_of(value)) for value in anchor]

    def same(one: TargetObject) -> bool:
        return [fold(text_of(value)) for value in one.anchor] == wanted

    return _read(endpoint, binding, attributes, same, call)


def target_objects(binding: TypeBinding, entries: Sequence[CSEntryChange]) -> list[TargetObject]:
    """Returns what can be taken over of imported entries: all but those that could not be read."""
    return [
        TargetObject(entry.anchor, entry.dn or dn_of(binding, entry.anchor), readable(binding, entry.attributes))
        for entry in entries
        if entry.failure is None and entry.anchor
    ]


def readable(binding: TypeBinding, attributes: Attributes) -> Attributes:
    """Returns attributes as far as a reading can tell of them: an attribute that is only exported was not read."""
    never = binding.space_type.export_only
    return {name: values for name, values in attributes.items() if name not in never} if never else attributes


def _read(
    endpoint: Endpoint,
    binding: TypeBinding,
    attributes: tuple[tuple[str, Values], ...],
    same: Callable[[TargetObject], bool],
    call: Call,
    *,
    every: bool = False,
) -> list[TargetObject]:
    """Asks for a few objects, and for many when those few are not the ones: ``muller`` may hide ``müller``."""
    for limit in (ENOUGH, MOST):
        found = _asked(endpoint, binding, ObjectQuery(binding.target.name, attributes, limit), call)
        wanted = [one for one in found if same(one)]
        if len(found) < limit or (wanted and not every):
            return wanted
    log.error("target_takes_too_many_for_equal", connector=endpoint.name, attributes=[name for name, _ in attributes])
    detail = f"The target of connector {endpoint.name} has too many objects that it takes for equal to the one wanted."
    raise ObjectUnreadable(503, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def _asked(endpoint: Endpoint, binding: TypeBinding, query: ObjectQuery, call: Call) -> list[TargetObject]:
    try:
        entries = endpoint.reads.call(
            lambda: endpoint.connector.read(binding.export_step, query), timeout=call.remaining()
        )
    except (ConnectorError, BrokenContract) as error:
        raise endpoint.unavailable(error) from None
    for entry in entries:
        if entry.failure is not None:
            log.warning("target_object_unreadable", connector=endpoint.name, error=entry.failure.code.value)
            detail = (
                f"The target of connector {endpoint.name} has an object that cannot be read; the host's log says why."
            )
            raise ObjectUnreadable(503, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    return target_objects(binding, entries)
