"""What a client asked for and was told, as it is kept of the past: what is mapped, and never a secret."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.values import text_of
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.operations import Operation, changes
from ecmahost_core.secret import Secret
from ecmahost_core.space.past import NOT_KEPT, listed, shortened, sounds_secret
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.text import fold

LISTED_OPERATIONS: Final = 100


def asked_by_body(binding: TypeBinding, method: str, resource: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a POST or PUT, from its canonical resource."""
    return {"method": method, "resource": _shown(resource, _secret_names(binding))}


def asked_by_patch(binding: TypeBinding, operations: Sequence[Operation]) -> dict[str, Any]:
    """Returns a PATCH: each single change that it comes to; what is wrong with it is left for others to tell."""
    secret = _secret_names(binding)
    told: list[dict[str, Any]] = []
    count = 0
    try:
        for operation in operations:
            for one in changes(operation, binding.resource_type, []):
                count += 1
                if count > LISTED_OPERATIONS:
                    continue
                entry: dict[str, Any] = {"op": one.op, "path": shortened(one.path.text)}
                if one.has_value:
                    hidden = one.attribute.returned == "never" or _is_secret(one.path.text, secret)
                    entry["value"] = NOT_KEPT if hidden else _shown(one.value, secret)
                told.append(entry)
    except ScimError:
        return {"method": "PATCH"}
    more = {"more": count - LISTED_OPERATIONS} if count > LISTED_OPERATIONS else {}
    return {"method": "PATCH", "operations": told, **more}


def told_of(detail: str, change: CSEntryChange | None, unkept: Collection[str]) -> str:
    """Returns what is kept of what a client was told of a failure; a target may repeat what it was sent.

    ``change`` is what was sent, None for nothing; ``unkept`` as in ``SpaceType``.
    """
    sent = {} if change is None else dict(change.attributes)
    parts = () if change is None else change.attribute_changes
    named = [*sent.items(), *((part.name, (*part.added, *part.removed)) for part in parts)]
    hidden = (values for name, values in named if name in unkept or sounds_secret(name))
    secret = (text_of(value) for values in hidden for value in values)
    return NOT_KEPT if any(text and text in detail for text in secret) else shortened(detail)


def _secret_names(binding: TypeBinding) -> frozenset[str]:
    """Returns the SCIM attributes whose values go where the target keeps what sounds secret, folded."""
    rows = (row for row in binding.mapping.rows if sounds_secret(row.target.name))
    return frozenset(fold(row.path.name) for row in rows)


def _is_secret(text: str, secret: Iterable[str]) -> bool:
    folded = fold(text)
    return sounds_secret(text) or any(name in folded for name in secret)


def _shown(data: Any, secret: frozenset[str]) -> Any:
    if isinstance(data, Secret):
        return NOT_KEPT
    if isinstance(data, Mapping):
        return {
            shortened(name): NOT_KEPT if sounds_secret(name) or fold(name) in secret else _shown(value, secret)
            for name, value in data.items()
        }
    if isinstance(data, list | tuple):
        return listed((_shown(value, secret) for value in data), len(data))
    return shortened(data) if isinstance(data, str) else data
