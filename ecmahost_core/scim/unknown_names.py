"""What of a request the resource type has no place for: passed over and logged, or refused.

RFC 7644 section 3.5.2 refuses them in a PATCH, and says nothing of POST and PUT. Clients send what other servers have,
and a refusal stops everything else of the same request in every cycle; so they are passed over unless the connector is
strict.
"""

from collections.abc import Collection, Iterable, Sequence

from ecmahost_core.scim.errors import invalid_path, invalid_value
from ecmahost_core.scim.operations import Operation
from ecmahost_core.scim.values import LONGEST_NAME

_SHOWN = 20
_READ_ONLY_EVERYWHERE = "groups"
"""Of a User: sent back by whoever sends whole resources, also to a server that has none (RFC 7643 section 4.1.2)."""


def shown_names(names: Sequence[str]) -> list[str]:
    """The first of the names, for a log or a message. A path can hold a filter, and a filter somebody's value."""
    return list(dict.fromkeys(name.partition("[")[0][:100] for name in names[:_SHOWN]))


def refuse_unknown(names: Sequence[str], operations: Iterable[Operation] = ()) -> None:
    """Refuses unknown attributes for a strict connector.

    Args:
        names: of the unknown attributes, as they were sent.
        operations: of a PATCH; empty for POST and PUT.

    Raises:
        ScimError: 400 ``invalidPath`` where one of the names is the path of an operation, ``invalidValue`` otherwise.
    """
    names = [name for name in names if name.lower() != _READ_ONLY_EVERYWHERE]
    if not names:
        return
    paths = {operation.path.strip()[:LONGEST_NAME] for operation in operations if operation.path}
    kind = invalid_path if any(_is_of(name.strip(), paths) for name in names) else invalid_value
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise kind(f"The resource type has no attribute {', '.join(shown_names(names))}{more}; this connector is strict.")


def _is_of(name: str, paths: Collection[str]) -> bool:
    """Whether a name is one of the paths, or in one that has a filter: ``emails.x`` in ``emails[x eq "y"]``."""
    owner = name.rpartition(".")[0].lower()
    filtered = (path.partition("[")[0].lower() for path in paths if "[" in path)
    return name in paths or (bool(owner) and any(path.endswith(owner) for path in filtered))


def refuse_without_room(names: Sequence[str]) -> None:
    """Refuses values for a strict connector, of which the attribute is known and has no room for them.

    Raises:
        ScimError: 400 ``invalidValue``.
    """
    if names:
        listed = ", ".join(dict.fromkeys(names[:_SHOWN]))
        raise invalid_value(f"{listed}: a value is of a type that this connector, which is strict, has no place for.")
