"""Queries: a page of resources, of one type or of all of them (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865)."""

import time
from collections.abc import Sequence
from typing import Any

from ecmahost_core.scim.errors import invalid_value
from ecmahost_core.scim.messages import cursor_response, list_response
from ecmahost_core.scim.sorting import Sort, parse_sort
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.reading.presentation import presented_page
from ecmahost_core.sync.reading.queries import following, search
from ecmahost_core.web.cursors import CursorOffice, Place
from ecmahost_core.web.exchange import Asked, Reply, Served
from ecmahost_core.web.verbs import shown_of


def query(types: Sequence[Served], asked: Asked, secret: bytes) -> Reply:
    """Returns one page of what matches among the resources of these types, one type after the other.

    ``secret`` is what cursors are signed with. Raises ScimError.
    """
    for served in types:
        served.endpoint.require_visible()
        shown_of(served.binding, asked)
    if asked.query.cursor is None:
        return _by_index(types, asked)
    return _by_cursor(types, asked, asked.query.cursor, secret)


def _by_index(types: Sequence[Served], asked: Asked) -> Reply:
    wanted = asked.query
    sort = _sort(types, asked)
    skipped, left, total = wanted.start_index - 1, wanted.count, 0
    page: list[dict[str, Any]] = []
    for served in types:
        found = search(
            served.endpoint,
            served.binding,
            wanted.filter,
            skipped + 1,
            left,
            asked.call,
            sort=sort,
            base_url=served.base_url,
        )
        total += found.total
        skipped = max(0, skipped - found.total)
        left -= len(found.objects)
        page += _presented(served, asked, found.objects)
    return Reply(200, list_response(page, total, wanted.start_index))


def _sort(types: Sequence[Served], asked: Asked) -> Sort | None:
    wanted = asked.query
    if wanted.sort_by and len(types) > 1:
        raise invalid_value("Resources of several types have no common order; sort those of one type, at its endpoint.")
    return parse_sort(wanted.sort_by, wanted.sort_order, types[0].binding.resource_type)


def _by_cursor(types: Sequence[Served], asked: Asked, cursor: str, secret: bytes) -> Reply:
    wanted = asked.query
    if wanted.sort_by:
        raise invalid_value(
            "A query with a cursor has the order of the server; leave out sortBy, or page by startIndex."
        )
    now = time.time()
    office = _office(types, wanted.filter, secret)
    place = office.read(cursor, now)
    begins: Place | None = None
    page: list[dict[str, Any]] = []
    for number in range(place.number, len(types)):
        served, room = types[number], wanted.count - len(page)
        behind = following(
            served.endpoint, served.binding, wanted.filter, place.key, room + 1, asked.call, base_url=served.base_url
        )
        page += _presented(served, asked, behind[:room])
        if len(behind) > room:
            begins = Place(number, behind[room - 1].key if room else place.key)
            break
        place = Place(number + 1)
    total = None if wanted.filter else sum(served.endpoint.store.count(served.binding.space_type) for served in types)
    return Reply(200, cursor_response(page, total, None if begins is None else office.give(begins, now)))


def _office(types: Sequence[Served], wanted: str | None, secret: bytes) -> CursorOffice:
    endpoint = types[0].endpoint
    names = [served.binding.resource_type.name for served in types]
    space = f"{types[0].epoch}:{types[0].binding.space_type.space}"
    return CursorOffice(secret, (endpoint.name, wanted, *names), space)


def _presented(served: Served, asked: Asked, objects: Sequence[SpaceObject]) -> list[dict[str, Any]]:
    shown = shown_of(served.binding, asked)
    page = presented_page(served.endpoint, served.binding, objects, shown.wants, served.base_url)
    return [shown.of(resource) for resource in page]
