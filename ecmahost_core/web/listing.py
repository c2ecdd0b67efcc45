"""Queries: a page of the resources of one type (RFC 7644 section 3.4.2)."""

from ecmahost_core.scim.messages import list_response
from ecmahost_core.sync.presentation import presented
from ecmahost_core.sync.queries import search
from ecmahost_core.web.exchange import Asked, Reply, Served
from ecmahost_core.web.verbs import shown_of


def query(served: Served, asked: Asked) -> Reply:
    """GET of a resource type's endpoint, or a search of it; raises ScimError."""
    shown = shown_of(served.binding, asked)
    wanted = asked.query
    found = search(served.endpoint, served.binding, wanted.filter, wanted.start_index, wanted.count, asked.call)
    page = [shown.of(presented(served.binding, one, served.base_url, served.epoch)) for one in found.objects]
    return Reply(200, list_response(page, found.total, wanted.start_index))
