"""``/scim/cache``: what the host knows of the target, as Microsoft's own troubleshooting script reads it."""

import threading
import time
from copy import copy
from dataclasses import replace
from typing import Any

import pytest

from ecmahost_core.serving.body import END_AT_STOP
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.sync.importing.imports import full_import
from ecmahost_core.web import cache as cache_module
from ecmahost_core.web.app import create_app

TOKEN = {"Authorization": "Bearer token-of-hr-000001"}
CACHE = "/ecma2host_hr/scim/cache"


@pytest.fixture
def ask(site) -> Any:
    client = create_app(site).test_client()
    return lambda path=CACHE, method="GET", headers=TOKEN, **more: client.open(
        path, method=method, headers=headers, **more
    )


@pytest.fixture
def crowd(desk, site):
    desk.target.rows = {(f"u{number:03}",): {"Login": (f"u{number:03}",), "Country": ("CH",)} for number in range(250)}
    full_import(desk.endpoint)
    return desk


def test_an_empty_cache_has_at_most_nine_characters(ask):
    answer = ask()
    assert answer.status_code == 200
    assert answer.get_data() == b"[]"


def test_every_object_is_told_by_the_targets_names_once_and_in_order(ask, crowd):
    answer = ask()
    assert answer.mimetype == "application/json"
    assert answer.headers["X-Request-Id"]
    entries = answer.get_json()
    assert [one["anchor"]["Login"] for one in entries] == [[f"u{number:03}"] for number in range(250)]
    first = entries[0]
    assert first["type"] == "User"
    assert first["id"] == crowd.match('userName eq "u000"')[0].id
    assert first["attributes"]["Country"] == ["CH"]
    assert set(first) == {"type", "id", "anchor", "dn", "modified", "attributes"}


def test_nothing_is_told_that_clients_cannot_read_as_a_resource(ask, crowd, memory, monkeypatch):
    mapping = {path: name for path, name in memory.MAPPING.items() if name != "Country"}
    crowd.restart(mapping=mapping)
    site_endpoint = crowd.endpoint
    monkeypatch.setattr(cache_module, "endpoint_of", lambda _site, _connector: site_endpoint)
    assert b"CH" not in ask().get_data()


@pytest.mark.parametrize(("query", "numbers"), [
    ("?count=2", [0, 1]),
    ("?startIndex=249", [248, 249]),
    ("?startIndex=150&count=3", [149, 150, 151]),
    ("?startIndex=251", []),
    ("?count=0", []),
    ("?filter=userName+eq+%22x%22&count=1", [0]),
])  # fmt: skip
def test_pages_may_be_asked_for(ask, crowd, query, numbers):
    told = ask(CACHE + query).get_json()
    assert [one["anchor"]["Login"] for one in told] == [[f"u{number:03}"] for number in numbers]


@pytest.mark.parametrize(
    "path", ["/ecma2host_hr/scim/Cache", "/ecma2host_hr/SCIM/CACHE/", "/ecma2host_hr/scim/v2/cache"]
)
def test_its_name_counts_in_any_case(ask, path):
    assert ask(path).get_data() == b"[]"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_it_is_for_reading_only(ask, method):
    answer = ask(method=method)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert ask(f"{CACHE}/u1", method=method).status_code in (404, 405)


def test_a_head_request_reads_nothing(ask, crowd, monkeypatch):
    monkeypatch.setattr(crowd.store, "page", None)
    answer = ask(method="HEAD")
    assert answer.status_code == 200
    assert answer.get_data() == b""


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer token-of-it-000002"}])
def test_it_opens_with_the_connectors_token_only(ask, headers):
    assert ask(headers=headers).status_code == 401


def test_until_the_first_import_is_complete_it_says_so(ask, desk):
    desk.build(disable="Enabled")
    desk.store.reset("hr", None, desk.store.events("hr", 1)[0].record)
    refused = ask()
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]


def test_one_is_read_at_a_time_and_a_reader_who_goes_makes_room(ask, crowd):
    reading = ask(buffered=False)
    parts = reading.iter_encoded()
    assert next(parts).startswith(b"[{")
    refused = ask()
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "10"
    reading.close()
    assert len(ask().get_json()) == 250


def test_a_slow_reader_of_one_connectors_cache_keeps_no_other_connectors(ask, crowd, site):
    reading = ask(buffered=False)
    assert next(reading.iter_encoded()).startswith(b"[{")
    configuration = crowd.endpoint.configuration
    site.endpoints["it"] = copy(crowd.endpoint)  # another connector's over the same objects
    site.endpoints["it"].configuration = replace(configuration, properties=replace(configuration.properties, name="it"))
    other = ask("/ecma2host_it/scim/cache", headers={"Authorization": "Bearer token-of-it-000002"})
    assert other.status_code == 200, other.get_data()
    assert ask().status_code == 503
    reading.close()


def test_the_server_is_told_that_a_stop_need_not_wait_for_it(ask, crowd):
    told = []
    ask(environ_base={END_AT_STOP: lambda: told.append(True)}).close()
    assert told == [True]


def test_little_is_read_ahead_of_the_client(ask, crowd, monkeypatch):
    read = []
    after = crowd.store.after
    monkeypatch.setattr(crowd.store, "after", lambda *given: (read.append(given), after(*given))[1])
    reading = ask(buffered=False)
    next(reading.iter_encoded())
    assert read == []
    reading.close()


@pytest.mark.parametrize("trouble", ["time", "store"])
def test_what_ends_early_is_never_taken_for_the_whole(ask, crowd, monkeypatch, trouble):
    def broken(*_arguments: object) -> None:
        raise StoreUnavailable("the disk is gone")

    if trouble == "store":
        monkeypatch.setattr(crowd.store, "after", broken)
    else:
        monkeypatch.setattr(cache_module, "SECONDS", -1.0)
    with pytest.raises((StoreUnavailable, cache_module.CacheNotWhole)):
        ask().get_data()
    monkeypatch.undo()
    assert len(ask().get_json()) == 250


def test_others_are_answered_while_it_is_read(ask, crowd):
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            ask().get_data()

    reader = threading.Thread(target=read)
    reader.start()
    begun = time.monotonic()
    for _ in range(20):
        assert ask("/ecma2host_hr/scim/Users?count=1").status_code == 200
    took = time.monotonic() - begun
    stop.set()
    reader.join()
    assert took < 10
