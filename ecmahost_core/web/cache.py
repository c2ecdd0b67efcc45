"""``/scim/cache``: what the host knows of the target, for the administrator.

Microsoft's own troubleshooting script (``TestECMA2HostConnection.ps1 -ObjectTypePath cache``) reads it with the
connector's token. Microsoft documents no form, and one thing: of an empty cache there are at most 9 characters. So it
is a JSON array with an object for each object of the space, ``[]`` when there is none. It is written while it is read,
a few objects at a time; what ends it early ends the connection, so that a part is never taken for the whole.
"""

import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from wsgiref.types import StartResponse, WSGIEnvironment

import orjson
import structlog
from flask import Blueprint, Response, request

from ecmahost_core.ecma.values import attributes_to_json
from ecmahost_core.scim.errors import unavailable
from ecmahost_core.scim.messages import Query, parse_query
from ecmahost_core.serving.body import END_AT_STOP
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.web.doors import endpoint_of
from ecmahost_core.web.resources import call_of
from ecmahost_core.web.site import Site

SECONDS = 600.0
"""How long one answer may take in all."""
BATCH = 100
PAUSE_SECONDS = 0.001
"""Between two batches, for the requests of others: writing JSON without a pause keeps the interpreter to itself."""
_ALL = 2**53

log = structlog.get_logger()


class CacheNotWhole(Exception):
    """The answer took too long; the connection ends before it does."""


def cache_routes(site: Site) -> Blueprint:
    """Returns the route, relative to the application's root."""
    routes = Blueprint("cache", __name__)
    busy: dict[str, threading.Lock] = {}  # by connector, of which there are few

    @routes.get("/ecma2host_<connector>/scim/cache")
    def cache(connector: str) -> Response:
        """GET, and HEAD without the work. ``startIndex`` and ``count`` as in a query; without them everything."""
        endpoint = endpoint_of(site, connector)
        bindings = list(endpoint.bindings_for_scim(call_of(site).remaining()).values())
        endpoint.require_visible()
        wanted = parse_query(_paging(), default_count=_ALL, max_count=_ALL)
        if request.method == "HEAD":
            return _Stream(iter(()), content_type="application/json")
        lock = busy.setdefault(endpoint.name, threading.Lock())
        if not lock.acquire(blocking=False):
            raise unavailable("Somebody else is reading this cache from this process; try again later.", 10)
        request.environ.get(END_AT_STOP, _nothing)()
        return _Stream(_Written(endpoint, bindings, wanted, lock), content_type="application/json")

    return routes


def _nothing() -> None:
    """What a server is told that waits for every answer."""


def _paging() -> dict[str, str]:
    given = request.args.to_dict() if request.query_string else {}
    return {name: value for name, value in given.items() if name.lower() in ("startindex", "count")}


class _Stream(Response):
    """An answer that is made while it is sent, and whose source is always closed."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:  # noqa: ARG002 - WSGI
        """WSGI: called by the server, once."""
        start_response(self.status, self.headers.to_wsgi_list())
        return self.response  # type: ignore[return-value]  # what it was made with


class _Written:
    """The array, in parts; gives the lock back when it has ended, or the server closes it, however far it came."""

    def __init__(
        self, endpoint: Endpoint, bindings: Sequence[TypeBinding], wanted: Query, busy: threading.Lock
    ) -> None:
        self._parts = _parts(endpoint, bindings, wanted)
        self._busy: threading.Lock | None = busy

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._parts
        finally:
            self.close()

    def close(self) -> None:
        """WSGI: called by the server, once the answer has been sent or given up."""
        self._parts.close()
        busy, self._busy = self._busy, None
        if busy is not None:
            busy.release()


def _parts(endpoint: Endpoint, bindings: Sequence[TypeBinding], wanted: Query) -> Generator[bytes, None, None]:
    until = time.monotonic() + SECONDS
    entries = islice(_entries(endpoint, bindings, wanted.start_index - 1), wanted.count)
    before = b"["
    while batch := list(islice(entries, BATCH)):
        if time.monotonic() > until:
            log.warning("cache_not_whole", connector=endpoint.name, seconds=SECONDS)
            raise CacheNotWhole(f"the cache of connector {endpoint.name} took longer than {SECONDS:.0f} s to read")
        yield before + b",\n".join(batch)
        before = b",\n"
        time.sleep(PAUSE_SECONDS)
    yield b"[]" if before == b"[" else b"]"


def _entries(endpoint: Endpoint, bindings: Sequence[TypeBinding], skipped: int) -> Iterator[bytes]:
    """Yields the live objects behind the first ``skipped``, type by type, in the order of listing, as JSON."""
    store = endpoint.store
    for binding in bindings:
        space_type = binding.space_type
        shown = frozenset(row.target.name for row in binding.mapping.rows)
        live = store.count(space_type)
        if skipped >= live:
            skipped -= live
            continue
        page = store.page(space_type, skipped, BATCH)
        skipped = 0
        while page:
            yield from (orjson.dumps(_entry(binding, shown, one)) for one in page)
            page = store.after(space_type, page[-1].key, BATCH)


def _entry(binding: TypeBinding, shown: frozenset[str], one: SpaceObject) -> dict[str, object]:
    """One object by the target's names: what names it, and what clients can read of it as a resource, no more.

    Links are not told, which may be thousands.
    """
    anchor = {name: (value,) for name, value in zip(binding.target.anchor, one.anchor, strict=False)}
    attributes = {name: values for name, values in one.attributes.items() if name in shown}
    return {
        "type": binding.object_type.resource_type,
        "id": one.id,
        "anchor": orjson.Fragment(attributes_to_json(anchor)),
        "dn": one.dn,
        "modified": one.modified,
        "attributes": orjson.Fragment(attributes_to_json(attributes)),
    }
