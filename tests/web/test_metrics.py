"""``/metrics``: off by default, behind a token of its own or for this machine; counts, and no people."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ecmahost_core.configuration.certificates.expiry import Stage
from ecmahost_core.configuration.model import TokenHash
from ecmahost_core.connectors.breaker import OPENS_AT
from ecmahost_core.ecma.results import ExportError, MAExportError
from ecmahost_core.errors import ServerDown
from ecmahost_core.metrics import meter, quarantine
from ecmahost_core.space.history import HeldRemovals
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.sync.importing.imports import delta_import, full_import

TOKEN = "token-of-the-metrics-1"
FAR = {"REMOTE_ADDR": "10.0.0.7"}


@pytest.fixture
def measured(site, monkeypatch):
    """A site whose metrics are enabled, without a token."""
    monkeypatch.setattr(type(site), "accepts_metrics", lambda _self, token: token == TOKEN, raising=False)
    site.configuration = replace(site.configuration, metrics_enabled=True)
    return site


@pytest.fixture
def client(measured, request):
    module = request.config.pluginmanager.get_plugin(str(request.path.parent / "conftest.py"))
    return module.Client(measured)


def scrape(client: Any, **more: Any) -> Any:
    return client.app.test_client().get("/metrics", **more)


def samples(client: Any) -> dict[tuple[str, ...], float]:
    """Every sample: its name and the values of its labels, in the order of their names, to its value."""
    text = scrape(client).get_data(as_text=True)
    found = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            found[one.name, *(value for _, value in sorted(one.labels.items()))] = one.value
    return found


def test_requests_are_counted_by_connector_method_type_and_class_of_status(client):
    client.post("/Users", {"userName": "bob"})
    client.get('/Users?filter=userName eq "bob"')
    client.get("/Users/nobody")
    client.get("/Schemas")
    client.get("/Users", token="wrong-token-0000001")
    client.get("/Users", base="/ecma2host_nobody/scim")
    found = samples(client)
    assert found["ecmahost_requests_total", "hr", "POST", "2xx", "User"] == 1
    assert found["ecmahost_requests_total", "hr", "GET", "2xx", "User"] == 1
    assert found["ecmahost_requests_total", "hr", "GET", "4xx", "User"] == 2
    assert found["ecmahost_requests_total", "hr", "GET", "2xx", ""] == 1
    assert found["ecmahost_requests_total", "", "GET", "4xx", "User"] == 1
    assert found["ecmahost_request_duration_seconds_count", "hr", "GET"] == 4
    assert found["ecmahost_request_duration_seconds_bucket", "hr", "+Inf", "GET"] == 4
    assert 0 < found["ecmahost_request_duration_seconds_sum", "hr", "GET"] < 5


def test_nothing_that_a_client_writes_becomes_a_label(client):
    web = client.app.test_client()
    for number in range(50):
        web.open(f"/ecma2host_c{number}/scim/T{number}", method=f"M{number}")
        client.ask("GET", f"/Things{number}/x{number}")
        client.ask(f"M{number}", f"/Users/u{number}")
    client.post("/Users", {"userName": "bob.secretperson"})
    text = scrape(client).get_data(as_text=True)
    assert "secretperson" not in text
    requests = [line for line in text.splitlines() if line.startswith("ecmahost_requests_total")]
    assert len(requests) < 8
    assert any('method="other"' in line for line in requests)


def test_exports_are_counted_by_outcome_and_by_ecmas_name_of_the_error(client, desk):
    client.post("/Users", {"userName": "bob"})
    refusal = ExportError(MAExportError.CONSTRAINT_VIOLATION, "no", name="eve is not wanted")
    desk.target.refuse = lambda _change: refusal
    client.post("/Users", {"userName": "eve"})
    found = samples(client)
    assert found["ecmahost_exports_total", "hr", "", "ok"] == 1
    assert found["ecmahost_exports_total", "hr", "ExportErrorConstraintViolation", "refused"] == 1


def test_an_import_is_counted_and_the_space_has_an_age(client, desk):
    full_import(desk.endpoint)
    found = samples(client)
    assert found["ecmahost_import_duration_seconds_count", "hr", "full", "ok"] >= 1
    assert 0 <= found["ecmahost_space_age_seconds", "hr"] < 60
    assert found["ecmahost_last_import_objects", "hr", "failed"] == 0
    assert found["ecmahost_import_running", "hr"] == 0


def test_the_space_and_its_journal_are_told(client, desk):
    client.post("/Users", {"userName": "bob"})
    found = samples(client)
    assert found["ecmahost_space_objects", "hr", "User"] == 1
    assert found["ecmahost_journal_open_entries", "hr"] == 0
    assert found["ecmahost_store_up",] == 1
    assert found["ecmahost_metrics_incomplete",] == 0
    assert found["ecmahost_connector_served", "hr"] == 1
    assert found["ecmahost_connector_served", "broken"] == 0


def test_a_target_that_is_not_asked_any_more_is_told(client, desk):
    assert samples(client)["ecmahost_breaker_open", "hr"] == 0
    for _ in range(OPENS_AT):
        desk.endpoint.breaker.admit().ended(ServerDown("nobody listens"))
    assert samples(client)["ecmahost_breaker_open", "hr"] == 1
    desk.endpoint.breaker.close()
    assert samples(client)["ecmahost_breaker_open", "hr"] == 0


def test_a_delta_import_is_counted_as_one(client, desk):
    delta_import(desk.endpoint)
    found = samples(client)
    assert found["ecmahost_import_duration_seconds_count", "hr", "delta", "ok"] == 1


def test_held_removals_are_told_and_a_clock_that_was_set_back_makes_no_negative_age(client, desk, monkeypatch):
    status = replace(
        desk.store.status("hr"),
        held=HeldRemovals(30, 100, datetime.now(UTC)),
        last_import=datetime.now(UTC) + timedelta(hours=2),
    )
    monkeypatch.setattr(desk.store, "status", lambda _name: status)
    found = samples(client)
    assert found["ecmahost_removals_held", "hr"] == 30
    assert found["ecmahost_space_age_seconds", "hr"] == 0


def test_a_store_that_cannot_be_read_is_told_beside_what_is_counted(client, desk, monkeypatch):
    def broken(_name: str) -> None:
        raise StoreUnavailable("the disk is gone")

    monkeypatch.setattr(desk.store, "figures", broken)
    found = samples(client)
    assert found["ecmahost_store_up",] == 0
    assert ("ecmahost_space_objects", "hr", "User") not in found
    assert found["ecmahost_connector_served", "hr"] == 1


def test_the_certificate_has_its_days(client, measured):
    until = datetime.now(UTC) + timedelta(days=12, hours=1)
    expiry = SimpleNamespace(stage=Stage.NEAR, until=until, days=12)
    measured.certificate = SimpleNamespace(expiry=expiry)
    assert samples(client)["ecmahost_certificate_days",] == 12


def test_failing_writes_are_told_in_entras_terms_in_the_metrics_and_in_readyz(client, desk, monkeypatch):
    monkeypatch.setattr(quarantine, "WARN_FAILURES", 3)
    monkeypatch.setattr(meter, "LOOK_SECONDS", 0.0)
    client.post("/Users", {"userName": "bob"})
    client.ask("DELETE", "/Users/nobody")
    client.post("/Users", {"userName": "eve"}, token="wrong-token-0000001")
    assert "entra_quarantine" not in client.app.test_client().get("/readyz").get_json()["connectors"]["hr"]
    for _ in range(3):
        client.post("/Users", {"userName": "bob"})
    found = samples(client)
    assert found["ecmahost_entra_writes", "hr"] == 5
    assert found["ecmahost_entra_failed_writes", "hr"] == 3
    assert found["ecmahost_entra_failing_share", "hr"] == pytest.approx(0.6)
    assert found["ecmahost_entra_quarantine_ratio", "hr"] == pytest.approx(3 / 5000)
    state = client.app.test_client().get("/readyz").get_json()["connectors"]["hr"]
    assert state["ready"]
    assert state["entra_quarantine"] == {"level": "warning", "writes": 5, "failed": 3}


def entras(client: Any) -> tuple[float, float]:
    found = samples(client)
    return found["ecmahost_entra_writes", "hr"], found["ecmahost_entra_failed_writes", "hr"]


def test_a_query_that_fails_is_an_object_that_entra_could_not_write(client, desk):
    match = '/Users?filter=userName eq "bob"'
    assert client.get(match).status_code == 200
    assert entras(client) == (0, 0)

    def down() -> None:
        raise ServerDown("nobody listens")

    desk.target.on_read = down
    assert client.get(match).status_code == 503
    assert entras(client) == (1, 1)


def test_what_anybody_sends_without_a_token_is_no_write_of_entras(client):
    web = client.app.test_client()
    path = "/ecma2host_hr/scim/Users"
    assert web.post(path, json={}).status_code == 401
    assert web.post(path, json={}, headers={"Host": "no host"}).status_code == 400
    assert web.get(path, headers={"Accept": "text/html"}).status_code == 405
    assert entras(client) == (0, 0)


def test_prometheus_gets_the_format_that_it_asks_for(client):
    plain = scrape(client)
    assert plain.status_code == 200
    assert plain.mimetype == "text/plain"
    open_metrics = scrape(client, headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert open_metrics.mimetype == "application/openmetrics-text"
    assert open_metrics.get_data(as_text=True).endswith("# EOF\n")


def test_it_is_off_by_default(site, request):
    module = request.config.pluginmanager.get_plugin(str(request.path.parent / "conftest.py"))
    assert scrape(module.Client(site)).status_code == 404


def test_without_a_token_it_is_for_this_machine_only(client):
    assert scrape(client).status_code == 200
    assert scrape(client, environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
    refused = scrape(client, environ_base=FAR)
    assert refused.status_code == 403
    assert "ecmahost metrics-token" in refused.get_json()["detail"]


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via"])
@pytest.mark.parametrize("value", ["203.0.113.9", "127.0.0.1", ""])
def test_whoever_comes_through_a_proxy_on_this_machine_is_not_on_it(client, name, value):
    assert scrape(client, headers={name: value}).status_code == 403


def test_with_a_token_only_its_owner_comes_in_from_anywhere(client, measured):
    measured.configuration = replace(measured.configuration, metrics_tokens=(TokenHash("0" * 64),))
    for token in (None, "wrong-token-0000001", "token-of-hr-000001"):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        for where in ({}, FAR):
            refused = scrape(client, headers=headers, environ_base=where)
            assert refused.status_code == 401
            assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert scrape(client, headers={"Authorization": f"Bearer {TOKEN}"}, environ_base=FAR).status_code == 200
    assert client.get("/Users", token=TOKEN).status_code == 401


def test_a_request_that_never_reached_a_connector_is_counted_without_one(client):
    web = client.app.test_client()
    web.get("/healthz")
    web.get("/nowhere")
    found = samples(client)
    assert found["ecmahost_requests_total", "", "GET", "2xx", ""] == 1
    assert found["ecmahost_requests_total", "", "GET", "4xx", ""] == 1
