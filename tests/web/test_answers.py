import io

import pytest
import structlog

from ecmahost_core.scim import errors
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.web import listing
from ecmahost_core.web.paths import normalised


@pytest.fixture
def fails(monkeypatch):
    """Makes every list of users fail with an exception."""

    def fail(error):
        def search(*_arguments, **_options):
            raise error

        monkeypatch.setattr(listing, "search", search)

    return fail


@pytest.mark.parametrize("error", [RuntimeError("canary"), KeyError("canary"), RecursionError("canary")])
def test_what_nobody_foresaw_is_500_and_says_nothing_but_the_requests_id(client, fails, error):
    fails(error)
    with structlog.testing.capture_logs() as logs:
        answer = client.get("/Users", headers={"X-Request-Id": "request-0001"})
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] == "request-0001"
    assert "canary" not in answer.text
    assert "canary" not in str(logs)
    (entry,) = [one for one in logs if one["event"] == "request_failed"]
    assert entry["error"] == type(error).__name__
    assert entry["where"].endswith("in search")


def test_a_refusal_is_logged_with_its_reason_but_for_filters_and_paths_which_hold_values(client, fails):
    for error, logged in (
        (errors.invalid_value("name.givenName must have a value."), "name.givenName must have a value."),
        (errors.invalid_path('emails[value eq "canary"] is no path.'), None),
        (errors.invalid_filter('expected eq at "canary"'), None),
    ):
        fails(error)
        with structlog.testing.capture_logs() as logs:
            assert client.get("/Users").status_code == 400
        (entry,) = [one for one in logs if one["event"] == "request_refused"]
        assert entry.get("detail") == logged
        assert "canary" not in str(logs)


def test_a_store_that_cannot_be_used_is_503_and_the_log_says_why(client, fails):
    fails(StoreUnavailable("the disk is full"))
    with structlog.testing.capture_logs() as logs:
        answer = client.get("/Users")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "disk" not in answer.text
    assert "the disk is full" in [one.get("detail") for one in logs]


def test_a_scim_error_is_answered_as_it_stands(client, fails):
    fails(ScimError(400, "the filter is too long", "tooMany", {"X-Reason": "length"}))
    answer = client.get("/Users")
    assert answer.get_json() == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "400",
        "scimType": "tooMany",
        "detail": "the filter is too long",
    }
    assert answer.headers["X-Reason"] == "length"


@pytest.mark.parametrize("name", ["X-Request-Id", "client-request-id"])
def test_a_clients_harmless_request_id_is_taken_over(client, name):
    assert client.get("/Users", headers={name: "5f7b0c9e-0001"}).headers["X-Request-Id"] == "5f7b0c9e-0001"


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "with blank 123", 'quote"quote"', "<script>123", "ünïcödé-123"]
)
def test_any_other_request_id_is_replaced_by_a_fresh_one(client, given):
    found = {client.get("/Users", headers={"X-Request-Id": given}).headers["X-Request-Id"] for _ in range(2)}
    assert len(found) == 2
    assert all(len(one) == 32 and one.isalnum() for one in found)


def test_one_line_is_logged_for_a_request_with_its_route_and_not_its_path(client):
    with structlog.testing.capture_logs() as logs:
        client.get("/Users/canary-id?filter=canary", headers={"X-Request-Id": "request-0001"})
    (entry,) = [one for one in logs if one["event"] == "request"]
    assert (entry["method"], entry["status"]) == ("GET", 404)
    assert entry["route"] == "/ecma2host_<connector>/scim/Users/<object_id>"
    assert entry["ms"] >= 0
    assert "canary" not in str(logs)


def test_nothing_of_one_request_is_logged_with_the_next(client):
    client.get("/Users", headers={"X-Request-Id": "request-0001"})
    assert structlog.contextvars.get_contextvars() == {"request_id": "request-0001", "connector": "hr"}
    client._client.get("/healthz", headers={"X-Request-Id": "request-0002"})
    assert structlog.contextvars.get_contextvars() == {"request_id": "request-0002"}


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/ecma2host_hr/scim/Users", "/ecma2host_hr/scim/Users"),
        ("//ecma2host_hr//scim//Users//", "/ecma2host_hr/scim/Users"),
        ("/ecma2host_hr/SCIM/users/", "/ecma2host_hr/scim/Users"),
        ("/ecma2host_hr/scim/resourcetypes/User", "/ecma2host_hr/scim/ResourceTypes/User"),
        ("/ecma2host_hr/scim/serviceproviderCONFIG", "/ecma2host_hr/scim/ServiceProviderConfig"),
        ("/ecma2host_HR/scim/USERS/AbC", "/ecma2host_HR/scim/Users/AbC"),
        ("/ECMA2HOST_hr/scim/users", "/ECMA2HOST_hr/scim/users"),
        ("/healthz/", "/healthz"),
        ("", "/"),
        ("/", "/"),
        ("/../../etc/passwd", "/../../etc/passwd"),
    ],
)
def test_a_path_has_one_canonical_form(path, canonical):
    assert normalised(path) == canonical
    assert normalised(canonical) == canonical


@pytest.mark.parametrize(
    "path",
    [
        "/users",
        "//Users",
        "/Users/",
        "/USERS//",
        "?aadOptscim062020/Users",
        "/Users?aadOptscim062020&count=5",
        "/Users?x=y",
    ],
)
def test_every_spelling_of_users_is_answered_without_a_redirect(client, path):
    assert client.get(path).status_code == 200


def test_a_query_behind_the_feature_flag_is_read(client):
    client.post("/Users", {"userName": "bob"})
    client.post("/Users", {"userName": "ann"})
    answer = client.get('?aadOptscim062020/Users?filter=userName eq "bob"')
    assert [one["userName"] for one in answer.get_json()["Resources"]] == ["bob"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/Users", {"GET", "POST"}),
        ("POST", "/Users/x", {"DELETE", "GET", "PATCH", "PUT"}),
        ("TRACE", "/Users", {"GET"}),
    ],
)
def test_a_method_that_a_route_does_not_know_is_405_with_those_that_it_knows(client, method, path, allowed):
    answer = client.ask(method, path)
    assert answer.status_code == 405
    assert allowed <= set(answer.headers["Allow"].split(", "))
    assert "header Allow" in answer.get_json()["detail"]


def test_a_path_that_leads_nowhere_is_told_where_resources_are(client):
    assert "/Users/{id}" in client.get("/Users/x/y").get_json()["detail"]


@pytest.mark.parametrize("path", ["/nothing", "/Users/x/y", "/Groups", "/Groups/x", "/nothing/x", "/Users/.search/x"])
def test_what_is_not_there_is_404(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/scim+json", 201),
        ("application/json", 201),
        ("APPLICATION/SCIM+JSON; charset=UTF-8", 201),
        ("", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
    ],
)
def test_a_body_is_json_by_whatever_name(client, media_type, status):
    headers = {"Content-Type": media_type} if media_type else {}
    assert client.post("/Users", b'{"userName": "bob"}', headers=headers).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"7",
        b'{"userName": NaN}',
        b'{"userName": "\xff"}',
        b'{"userName": "\\ud800"}',
        b"{'userName': 'bob'}",
        b'{"userName": "bob"} x',
        b"[" * 5000,
        '{"userName": "bob"}'.encode("utf-16"),
    ],
)
def test_a_body_that_is_no_json_object_is_400(client, desk, body):
    headers = {"Content-Type": "application/scim+json"}
    for method, path in (("POST", "/Users"), ("PATCH", "/Users/x"), ("PUT", "/Users/x")):
        answer = client.ask(method, path, body, headers=headers)
        assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidSyntax")
    assert desk.target.sent == []


def test_a_body_that_is_too_long_is_413(client, desk):
    answer = client.post("/Users", {"userName": "x" * 20_000})
    assert answer.status_code == 413
    assert desk.target.sent == []


def test_a_body_that_ends_early_is_400(client, desk):
    answer = client.ask(
        "POST", "/Users", headers={"Content-Type": "application/scim+json"},
        input_stream=io.BytesIO(b'{"userName": "bob"}'), environ_overrides={"CONTENT_LENGTH": "500"},
    )  # fmt: skip
    assert answer.status_code == 400
    assert desk.target.sent == []


@pytest.mark.parametrize("host", ["a b", "<script>", "x" * 300, "ö.example"])
def test_a_strange_host_is_never_a_500(client, host):
    answer = client.get("/Users", environ_overrides={"HTTP_HOST": host})
    assert answer.status_code < 500


@pytest.mark.parametrize(
    "host", ["a b", "a/b", "u@a", "<script>", '"', "[::1", "[x]", "a:b", "a:123456", "\xe4.example"]
)
def test_a_host_that_is_none_is_400_and_never_in_an_answer(client, host):
    answer = client.post("/Users", {"userName": "bob"}, environ_overrides={"HTTP_HOST": host})
    assert answer.status_code == 400
    assert f"//{host}" not in answer.text
    assert client.get("/Users").get_json()["totalResults"] == 0


@pytest.mark.parametrize("host", ["a", "a.example:8585", "127.0.0.1", "[::1]:8585", "scim_gateway", ""])
def test_a_host_is_a_name_or_an_address(client, host):
    assert client.get("/Users", environ_overrides={"HTTP_HOST": host}).status_code == 200


@pytest.mark.parametrize("coding", ["gzip", "deflate", "identity, gzip", "x"])
def test_a_compressed_body_is_415(client, coding):
    answer = client.post("/Users", b"{}", headers={"Content-Encoding": coding})
    assert answer.status_code == 415
    assert answer.headers["Accept-Encoding"] == "identity"


def test_an_id_behind_a_feature_flag_may_be_any_bytes(client):
    assert client.get("?aadOptscim062020/Users/%C3%A4%ff%zz").status_code == 404
