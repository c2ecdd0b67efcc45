from datetime import UTC, datetime, timedelta

import pytest

from ecmahost_core import ServerDown, UnexpectedData
from ecmahost_core.configuration.certificates.authority import new_authority
from ecmahost_core.configuration.certificates.condition import Condition
from ecmahost_core.configuration.certificates.expiry import expiry_of
from ecmahost_core.configuration.certificates.keys import KeyType, new_key
from ecmahost_core.connectors.breaker import OPENS_AT
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.steadiness import Clock
from ecmahost_core.space.store import StoreUnavailable


@pytest.fixture
def ask(client):
    def answer(path):
        found = client._client.get(path)
        assert found.mimetype == "application/scim+json"
        return found.status_code, found.get_json()

    return answer


def test_a_process_that_answers_is_healthy(ask, site):
    site.endpoints.clear()
    assert ask("/healthz") == (200, {"status": "ok"})


def test_a_host_is_ready_when_every_connector_is(ask, site):
    site.broken.clear()
    status, body = ask("/readyz")
    assert (status, body["status"], body["connectors"]) == (200, "ready", {"hr": {"ready": True}})


def test_a_connector_that_cannot_be_used_makes_it_not_ready_and_says_no_more_than_that(ask):
    status, body = ask("/readyz")
    assert (status, body["status"]) == (503, "not ready")
    broken = body["connectors"]["broken"]
    assert (broken["ready"], broken["reason"]) == (False, "configuration")
    assert "nobody can load" not in str(body)
    assert body["connectors"]["hr"]["ready"]


def test_before_the_first_import_a_connector_is_not_ready(ask, site, desk, memory):
    other = memory.Desk(desk.directory / "other").build()
    try:
        site.endpoints = {"hr": other.endpoint}
        assert ask("/readyz")[1]["connectors"]["hr"] == {"ready": False, "reason": "first import has not completed"}
        run = other.store.begin_import("hr")
        assert ask("/readyz")[1]["connectors"]["hr"]["reason"] == "importing"
        run.complete(held=None)
        site.broken.clear()
        assert ask("/readyz")[0] == 200
    finally:
        other.end()


def test_held_removals_failed_imports_and_open_entries_are_told(ask, site, desk, memory, client):
    site.broken.clear()
    for number in range(3):
        client.post("/Users", {"userName": f"user{number}"})
    rows, desk.target.rows = desk.target.rows, {}
    memory.imports.full_import(desk.endpoint)
    desk.target.rows = rows

    def cut(_changes):
        raise UnexpectedData("cut")

    desk.target.after_export = cut
    client.post("/Users", {"userName": "ann"})
    status, body = ask("/readyz")
    assert status == 200
    assert body["connectors"]["hr"]["removals_held"] == 3
    assert body["connectors"]["hr"]["open_entries"] == 1
    desk.target.down = True
    with pytest.raises(memory.imports.ImportFailed):
        memory.imports.full_import(desk.endpoint)
    assert ask("/readyz")[1]["connectors"]["hr"]["last_import"] == "failed"


def test_somebody_who_was_left_without_a_password_is_named_by_id(ask, site, desk, memory):
    other = memory.Desk(desk.directory / "other").ready(passwords="alone")
    try:
        site.endpoints = {"hr": other.endpoint}
        site.broken.clear()
        refusal = memory.ExportError(memory.MAExportError.PERMISSION_ISSUE, "no")
        other.target.refuse_password = lambda _change, _password: refusal
        other.target.refuse = lambda change: refusal if change.modification_type == "Delete" else None
        with pytest.raises(ScimError):
            other.create(userName="ann", password="hush")
        (entry,) = other.store.entries()
        status, body = ask("/readyz")
        assert (status, body["connectors"]["hr"]["without_password"]) == (200, [entry.reserved_id])
        assert "ann" not in str(body)
    finally:
        other.end()


def test_a_store_that_cannot_be_read_is_not_ready(ask, desk, monkeypatch):
    def broken(*_arguments):
        raise StoreUnavailable("the disk is gone")

    monkeypatch.setattr(desk.store, "status", broken)
    status, body = ask("/readyz")
    assert status == 503
    assert "disk" not in str(body)


@pytest.mark.parametrize(
    ("left", "level", "state"),
    [
        (61, "ok", "good"),
        (59, "info", "expires soon"),
        (29, "warning", "expires soon"),
        (6, "error", "expires soon"),
        (-1, "error", "expired"),
    ],
)
def test_the_end_of_the_certificate_is_told_and_never_makes_it_not_ready(ask, site, left, level, state):
    site.broken.clear()
    now = datetime.now(UTC)
    authority = new_authority(new_key(KeyType.ECDSA_P256), ("localhost",), now - timedelta(days=3650 - left))
    site.certificate = Condition("", expiry_of((authority.certificate,), now))
    status, body = ask("/readyz")
    until = authority.certificate.not_valid_after_utc
    assert (status, body["status"]) == (200, "ready")
    assert body["certificate"] == {
        "level": level,
        "state": state,
        "expires": f"{until:%Y-%m-%dT%H:%M:%SZ}",
        "days": (until - now).days,
    }


def test_a_certificate_that_cannot_be_used_is_told_without_the_reason(ask, site):
    site.broken.clear()
    site.certificate = Condition("no private key in PEM form: permission denied", None)
    status, body = ask("/readyz")
    assert (status, body["certificate"]) == (200, {"level": "error", "state": "unusable"})


def test_a_space_of_other_people_is_told_without_naming_them(ask, site, desk, memory):
    other = memory.Desk(desk.directory)
    site.broken.clear()
    try:
        other.build(anchor=("Id",))
        site.endpoints = {"hr": other.endpoint}
        status, body = ask("/readyz")
        assert status == 503
        expected = {"ready": False, "reason": "space", "changed": ["object_types.User.anchor"]}
        assert body["connectors"]["hr"] == expected
    finally:
        other.end()


def test_attributes_that_are_still_to_be_imported_are_told_and_the_connector_is_ready(ask, site, desk, memory):
    other = memory.Desk(desk.directory)
    site.broken.clear()
    try:
        other.build(mapping={"userName": "Login", "nickName": "Level"})
        site.endpoints = {"hr": other.endpoint}
        assert other.binding
        assert ask("/readyz")[1]["connectors"]["hr"] == {"ready": True, "attributes": "importing"}
        memory.imports.full_import(other.endpoint)
        memory.wait_until(lambda: ask("/readyz")[1]["connectors"]["hr"] == {"ready": True})
    finally:
        other.end()


def test_a_store_that_takes_no_writes_is_not_ready_and_says_why(ask, site):
    site.broken.clear()
    site.store_trouble = "the disk is full: make room, nothing was written"
    status, body = ask("/readyz")
    assert (status, body["status"], body["store"]) == (503, "not ready", site.store_trouble)


def test_a_clock_that_was_set_is_told_and_keeps_nobody_from_being_served(ask, site):
    site.broken.clear()
    wall = [1e9]
    site.clock = Clock(lambda: wall[0], lambda: 50.0)
    assert "clock" not in ask("/readyz")[1]
    wall[0] -= 86_400
    status, body = ask("/readyz")
    assert (status, body["clock"]) == (200, "jumped")


def test_a_target_that_is_not_asked_any_more_is_told(ask, client, site):
    site.broken.clear()
    breaker = site.endpoints["hr"].breaker
    for _ in range(OPENS_AT):
        breaker.admit().ended(ServerDown("nobody listens"))
    status, body = ask("/readyz")
    assert (status, body["connectors"]["hr"]) == (200, {"ready": True, "breaker": "open"})
    missed = client.get('/Users?filter=userName eq "nobody"')
    assert missed.status_code == 503
    assert 1 <= int(missed.headers["Retry-After"]) <= 2
    breaker.close()
    assert "breaker" not in ask("/readyz")[1]["connectors"]["hr"]
