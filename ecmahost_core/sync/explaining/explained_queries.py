"""How a request for several resources would be answered."""

from collections.abc import Iterator

from ecmahost_core.configuration.model import Freshness
from ecmahost_core.scim.filter import parse_filter
from ecmahost_core.scim.filter_text import filter_text
from ecmahost_core.scim.messages import Query
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.explaining.explanation import Explanation
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.reading.access import (
    Access,
    AnyOf,
    ByDn,
    ById,
    ByValue,
    Everybody,
    NamedBy,
    Naming,
    Single,
    access_to,
)
from ecmahost_core.sync.reading.questions import in_targets_terms

_TARGET = {
    Freshness.CACHE: "The target is not asked (freshness is cache).",
    Freshness.VERIFY: 'Where nobody is found, the target is asked for that one object before "none" is said.',
    Freshness.LIVE: "The target is asked for that one object each time (freshness is live).",
}


def explain_query(endpoint: Endpoint, binding: TypeBinding, query: Query, told: Explanation) -> None:
    """Tells how a query would be answered: by look-ups, or by looking at everybody; raises ScimError."""
    text = query.filter
    if query.sort_by:
        told.query.append("Whoever matches is looked at, to be sorted.")
    live = endpoint.store.count(binding.space_type)
    if not text:
        told.query.append(f"Without a filter: a page of the {live:,} live objects that the host knows.")
        return
    node = parse_filter(text, binding.resource_type)
    told.operations.append({"filter": filter_text(node)})
    meant = in_targets_terms(binding, node)
    if meant != node:
        told.operations.append({"filter": filter_text(meant)})
    access = access_to(binding, meant)
    told.query += _sentences(endpoint, binding, access, live)
    if access != AnyOf(()):
        told.query.append("What is found that way is then held against the whole filter.")


def _sentences(endpoint: Endpoint, binding: TypeBinding, access: Access, live: int) -> Iterator[str]:
    match access:
        case AnyOf(parts=()):
            yield "Nobody is looked at: an attribute that has to have a value is not mapped, so nobody has it."
        case AnyOf(parts=parts):
            yield f"By {len(parts)} look-ups, of which each may find somebody:"
            for part in parts:
                yield from _look_up(endpoint, binding, part)
        case Everybody(key=None):
            yield f"By looking at all {live:,} objects that the host knows: no query attribute has to equal a value."
        case Everybody(key=key) if key is not None:
            path = binding.mapping.path_of(key.attribute)
            yield f"By looking at all {live:,} objects that the host knows: {key.attribute} ({path}) has no index."
        case ById() | ByDn() | ByValue() | Naming() | NamedBy():
            yield from _look_up(endpoint, binding, access)


def _look_up(endpoint: Endpoint, binding: TypeBinding, access: Single) -> Iterator[str]:
    match access:
        case ById():
            yield "By the id: one look-up in what the host knows. The target is not asked."
        case ByDn():
            yield "By the DN: one look-up in what the host knows. The target is not asked."
        case ByValue(key=key, learned=True):
            path = binding.mapping.path_of(key.attribute)
            yield (
                f"By the index of {key.attribute} ({path}), which is there because clients match on it: one look-up in"
                " what the host knows. The target is not asked."
            )
        case ByValue(key=key):
            path = binding.mapping.path_of(key.attribute)
            yield f"By the index of {key.attribute} ({path}), a query attribute: one look-up in what the host knows."
            yield _TARGET[endpoint.freshness] if key.value is not None else "The target can hold no such value."
        case Naming():
            yield "By the rows of references: those who name that object. Nobody's members are read."
        case NamedBy():
            yield "By the rows of references: the members of that group."
