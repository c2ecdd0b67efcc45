"""Uniqueness beyond the space: looking into the target itself before something is added to it."""

from collections.abc import Iterator, Sequence

from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.results import MAExportError
from ecmahost_core.ecma.values import Values
from ecmahost_core.scim.errors import ScimError, uniqueness
from ecmahost_core.space.journal import ANCHOR
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.target_reads import read_by_anchor, read_by_value
from ecmahost_core.sync.writing.exports import Delivery


def refuse_if_in_target(
    endpoint: Endpoint, binding: TypeBinding, change: CSEntryChange, delivery: Delivery, call: Call, *, certainly: bool
) -> None:
    """Looks for unique values in the target itself, where somebody else may have added them since the last import.

    Done while the keys are owned, so that of two requests only one can come through. What is found belongs into the
    space: the client's next match has to find it. ``certainly`` looks also where the space would do, and for the anchor
    too: what may have to be removed again must not have been there before.
    """
    for kind, values in looked_for(endpoint, binding, change, certainly=certainly):
        began = endpoint.store.change_seq()
        found = found_in_target(endpoint, binding, kind, values, call)
        if found:
            # Before adopting: what an open entry owns would be passed over.
            delivery.withdraw(MAExportError.DUPLICATE_ANCHOR.value)
            endpoint.store.adopt(binding.space_type, found, began)
            raise duplicate(binding, kind)


def looked_for(
    endpoint: Endpoint, binding: TypeBinding, change: CSEntryChange, *, certainly: bool
) -> Iterator[tuple[str, Values]]:
    """Yields what is looked for in the target before a creation: a key's kind, and its values."""
    if not endpoint.connector.capabilities.full_object_import:
        return
    if certainly and change.anchor:
        yield ANCHOR, change.anchor
    if endpoint.freshness is Freshness.CACHE and not certainly:
        return
    for query in binding.object_type.query_attributes:
        if not query.unique or binding.target.anchor == (query.name,):
            continue
        for value in change.attributes.get(query.name, ()):
            yield query.name, (value,)


def found_in_target(
    endpoint: Endpoint, binding: TypeBinding, kind: str, values: Values, call: Call
) -> Sequence[TargetObject]:
    """Returns what the target has under a key; raises ScimError 503 when it cannot be asked now."""
    if kind == ANCHOR:
        return read_by_anchor(endpoint, binding, values, call)
    return read_by_value(endpoint, binding, kind, values, call)


def duplicate(binding: TypeBinding, kind: str) -> ScimError:
    """Returns the error for a value that another object has; ``kind`` is that of its key."""
    names = binding.target.anchor if kind == ANCHOR else (kind,) if kind in binding.query_attributes else ()
    shown = " and ".join(map(binding.mapping.path_of, names)) or "name in the target"
    return uniqueness(f"Another {binding.object_type.resource_type} has the same {shown}.")
