"""How a request for several resources would be answered."""

from collections.abc import Iterator

from ecmahost_core.configuration.model import Freshness
from ecmahost_core.scim.filter import equalities, parse_filter
from ecmahost_core.scim.filter_text import filter_text
from ecmahost_core.scim.nodes import Filter
from ecmahost_core.sync.asked import Asked
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.explanation import Explanation
from ecmahost_core.sync.questions import row_of_equality

_TARGET = {
    Freshness.CACHE: "The target is not asked (freshness is cache).",
    Freshness.VERIFY: 'Where nobody is found there, the target is asked for that one object before "none" is said.',
    Freshness.LIVE: "The target is asked for that one object each time (freshness is live).",
}


def explain_query(endpoint: Endpoint, binding: TypeBinding, asked: Asked, told: Explanation) -> None:
    """Tells how a filter would be answered: by an id, an index, or by looking at everybody."""
    text = asked.query.get("filter")
    live = endpoint.store.count(binding.space_type)
    if not text:
        told.query.append(f"Without a filter: a page of the {live:,} live objects that the host knows.")
        return
    node = parse_filter(text, binding.resource_type)
    told.operations.append({"filter": filter_text(node)})
    told.query += _way(endpoint, binding, node, live)
    told.query.append("Whatever is found that way is then held against the whole filter.")


def _way(endpoint: Endpoint, binding: TypeBinding, node: Filter, live: int) -> Iterator[str]:
    for comparison in equalities(node):
        if comparison.path.urn is None and comparison.path.name == "id":
            yield "By the id: one look-up in what the host knows. The target is not asked."
            return
        row = row_of_equality(binding, comparison)
        if row is not None and row.target.name in binding.space_type.indexed:
            yield f"By the index of {row.target.name} ({row.text}), a query attribute: one look-up."
            yield _TARGET[endpoint.freshness]
            return
    yield f"By looking at all {live:,} objects that the host knows: the filter compares no query attribute with eq."
