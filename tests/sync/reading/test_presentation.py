from datetime import datetime, timedelta, timezone

from ecmahost_core.scim import urns
from ecmahost_core.space.objects import ObjectState, SpaceObject
from ecmahost_core.sync.reading.presentation import location_of, presented_page, resource_of, version_of

CREATED = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
BASE = "https://host:8585/ecma2host_hr/scim"


def stored(**attributes):
    return SpaceObject(1, "id-1", ObjectState.LIVE, ("bob",), None, attributes, {}, 42, CREATED, CREATED)


def test_a_resource_has_what_the_host_adds(desk):
    resource = resource_of(desk.build().binding, stored(Login=("bob",), First=("Bob",)))
    assert resource == {
        "userName": "bob",
        "name": {"givenName": "Bob"},
        "id": "id-1",
        "active": True,
        "meta": {
            "resourceType": "User",
            "created": "2026-01-31T08:30:00.123Z",
            "lastModified": "2026-01-31T08:30:00.123Z",
        },
    }


def test_an_answer_has_schemas_location_and_version_besides(desk, memory):
    binding = desk.build().binding
    page = [stored(Login=("bob",), Country=("AT",)), stored(Login=("bob",))]
    shown, other = presented_page(desk.endpoint, binding, page, lambda _path: True, BASE)
    assert shown["schemas"] == [urns.USER, memory.CUSTOM]
    assert shown["meta"]["location"] == location_of(shown) == f"{BASE}/Users/id-1"
    assert shown["meta"]["version"] == f'W/"{desk.store.epoch}-42"'
    assert other["schemas"] == [urns.USER]


def test_a_version_is_another_after_every_change_and_in_every_store():
    assert version_of(stored(), "a") != version_of(stored(), "b")


def test_a_mapped_active_that_the_target_leaves_empty_is_shown_as_active(desk, memory):
    binding = desk.build(mapping={**memory.MAPPING, "active": "Enabled"}).binding
    assert resource_of(binding, stored(Login=("bob",)))["active"] is True
    assert resource_of(binding, stored(Enabled=(False,)))["active"] is False
