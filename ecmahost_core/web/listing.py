"""Queries: a page of the resources of one type (RFC 7644 section 3.4.2)."""

from ecmahost_core.scim.messages import list_response
from ecmahost_core.sync.presentation import presented_page
from ecmahost_core.sync.queries import search
from ecmahost_core.web.exchange import Asked, Reply, Served
from ecmahost_core.web.verbs import shown_of


def query(served: Served, asked: Asked) -> Reply:
    """GET of a resource type's endpoint, or a search of it; raises ScimError."""
    shown = shown_of(served.binding, asked)
    wanted = asked.query
    found = search(served.endpoint, served.binding, wanted.filter, wanted.start_index, wanted.count, asked.call)
    resources = presented_page(served.endpoint, served.binding, found.objects, shown.wants, served.base_url)
    page = [shown.of(one) for one in resources]
    return Reply(200, list_response(page, found.total, wanted.start_index))
