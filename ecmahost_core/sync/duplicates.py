"""Uniqueness beyond the space: looking into the target itself before something is added to it."""

from collections.abc import Sequence

from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.results import MAExportError
from ecmahost_core.scim.errors import ScimError, uniqueness
from ecmahost_core.space.journal import ANCHOR
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.exports import Delivery
from ecmahost_core.sync.target_reads import read_by_anchor, read_by_value


def refuse_if_in_target(
    endpoint: Endpoint, binding: TypeBinding, change: CSEntryChange, delivery: Delivery, call: Call, *, certainly: bool
) -> None:
    """Looks for unique values in the target itself, where somebody else may have added them since the last import.

    Done while the keys are owned, so that of two requests only one can come through. What is found belongs into the
    space: the client's next match has to find it. ``certainly`` looks also where the space would do, and for the anchor
    too: what may have to be removed again must not have been there before.
    """
    if not endpoint.connector.capabilities.full_object_import:
        return
    if certainly and change.anchor:
        began = endpoint.store.change_seq()
        _refuse_found(
            endpoint, binding, read_by_anchor(endpoint, binding, change.anchor, call), began, delivery, ANCHOR
        )
    if endpoint.freshness is Freshness.CACHE and not certainly:
        return
    for query in binding.object_type.query_attributes:
        if not query.unique or binding.target.anchor == (query.name,):
            continue
        for value in change.attributes.get(query.name, ()):
            began = endpoint.store.change_seq()
            found = read_by_value(endpoint, binding, query.name, (value,), call)
            _refuse_found(endpoint, binding, found, began, delivery, query.name)


def _refuse_found(
    endpoint: Endpoint,
    binding: TypeBinding,
    found: Sequence[TargetObject],
    began: int,
    delivery: Delivery,
    kind: str,
) -> None:
    if found:
        # Before adopting: what an open entry owns would be passed over.
        delivery.withdraw(MAExportError.DUPLICATE_ANCHOR.value)
        endpoint.store.adopt(binding.space_type, found, began)
        raise duplicate(binding, kind)


def duplicate(binding: TypeBinding, kind: str) -> ScimError:
    """Returns the error for a value that another object has; ``kind`` is that of its key."""
    names = binding.target.anchor if kind == ANCHOR else (kind,) if kind in binding.query_attributes else ()
    shown = " and ".join(map(binding.mapping.path_of, names)) or "name in the target"
    return uniqueness(f"Another {binding.object_type.resource_type} has the same {shown}.")
