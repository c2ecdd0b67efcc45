"""What the verbs take and give: a request and its answer, whoever asks them (a route, Bulk, a search)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecmahost_core.scim.messages import Query
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding


@dataclass(frozen=True, slots=True)
class Served:
    """One resource type of one connector, to whoever asks for its resources.

    Attributes:
        endpoint: the connector.
        binding: of the resource type.
        epoch: of the store, for entity tags.
        base_url: of the connector as the client reached it, without a trailing slash.
    """

    endpoint: Endpoint
    binding: TypeBinding
    epoch: str
    base_url: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, free of HTTP.

    Attributes:
        call: its deadline and id.
        query: its query parameters, or those of a SearchRequest.
        body: the JSON value that it carries; None where it carries none.
        if_match: the header as sent; None where it was not.
        if_none_match: likewise.
    """

    call: Call
    query: Query
    body: Any = field(default=None, repr=False)
    if_match: str | None = None
    if_none_match: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, free of HTTP; ``body`` is None where it has none."""

    status: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
