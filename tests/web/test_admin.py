"""``/admin/v1/``: off by default, for programs on this machine, with tokens of its own."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ecmahost_core.configuration.model import TokenHash
from ecmahost_core.configuration.tokens import PREFIX, Door, hash_door_token, hash_token, verify, verify_door
from ecmahost_core.scim import urns
from ecmahost_core.web.app import create_app

KEY = b"k" * 32
TOKEN = "token-of-the-administration"
CONNECTORS_TOKEN = "token-of-hr-000001"
EXPLAIN = "/admin/v1/connectors/hr/explain"
BODY = {"method": "POST", "path": "/Users", "body": {"userName": "bob"}}


@pytest.fixture
def ask(site, monkeypatch):
    """Asks a host whose administration is enabled."""
    monkeypatch.setattr(type(site), "accepts_admin", lambda _self, token: token == TOKEN, raising=False)
    site.configuration = replace(site.configuration, admin_enabled=True)
    client = create_app(site).test_client()

    def request(
        path: str = EXPLAIN, body: Any = BODY, token: str | None = TOKEN, method: str = "POST", **more: Any
    ) -> Any:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return client.open(path, method=method, json=body, headers=headers, **more)

    return request


def test_a_request_is_explained_and_nothing_is_written(ask, desk):
    answer = ask()
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    (told,) = answer.get_json()["requests"]
    assert told["answer"] == {"status": 201}
    assert told["resourceType"] == "User"
    assert desk.named("bob") == []
    assert desk.store.entries() == []


def test_a_list_of_requests_is_explained_in_its_order(ask):
    told = ask(body=[BODY, {"method": "GET", "path": "/Users/nobody"}]).get_json()["requests"]
    assert [one["answer"]["status"] for one in told] == [201, 404]


@pytest.mark.parametrize(
    "body", [[1], {"method": "GET"}, {"method": "GET", "path": "/ecma2host_it/scim/Users"}, "text"]
)
def test_what_is_no_request_is_400(ask, body):
    answer = ask(body=body)
    assert answer.status_code == 400
    assert answer.get_json()["schemas"] == [urns.ERROR]


@pytest.mark.parametrize("token", [None, "", "wrong-token-0000001", CONNECTORS_TOKEN])
@pytest.mark.parametrize("path", [EXPLAIN, "/admin/v1/connectors/nobody/explain", "/admin", "/admin/v2", "/admin//v1"])
def test_without_a_token_of_its_own_every_path_is_401(ask, token, path):
    answer = ask(path, token=token)
    assert answer.status_code == 401
    assert answer.get_json()["status"] == "401"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_of_the_administration_opens_no_connector(ask):
    assert ask("/ecma2host_hr/scim/Users", method="GET", body=None).status_code == 401
    assert ask("/ecma2host_hr/scim/Users", method="GET", body=None, token=CONNECTORS_TOKEN).status_code == 200


@pytest.mark.parametrize("address", ["10.0.0.7", "2001:db8::1", "::ffff:10.0.0.7", "nonsense"])
def test_from_another_machine_it_is_403_whatever_the_token(ask, address):
    answer = ask(environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 403
    assert answer.get_json()["status"] == "403"
    assert ask(environ_base={"REMOTE_ADDR": address}, token=None).status_code == 403


def test_through_a_proxy_on_this_machine_it_is_403_as_well(ask):
    forwarded = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}
    assert ask(environ_base=forwarded).status_code == 403


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", ""])
def test_from_this_machine_it_is_open(ask, address):
    assert ask(environ_base={"REMOTE_ADDR": address}).status_code == 200


def test_an_unknown_connector_is_404_and_a_broken_one_503(ask):
    assert ask("/admin/v1/connectors/nobody/explain").status_code == 404
    assert ask("/admin/v1/connectors/broken/explain").status_code == 503
    assert ask("/admin/v1/nothing").status_code == 404
    assert ask(method="GET", body=None).status_code == 405


def test_it_is_off_by_default(site):
    assert not site.configuration.admin_enabled
    client = create_app(site).test_client()
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}):
        assert client.post(EXPLAIN, json=BODY, headers=headers).status_code == 404


def test_no_kind_of_hash_is_good_for_another():
    now = datetime.now(UTC)
    (connectors,) = (TokenHash(hash_token(KEY, TOKEN).removeprefix(PREFIX)),)
    hashed = {door: TokenHash(hash_door_token(KEY, door, TOKEN).removeprefix(PREFIX)) for door in Door}
    assert verify(KEY, [connectors], TOKEN, now)
    for door, own in hashed.items():
        others = [connectors, *(one for other, one in hashed.items() if other is not door)]
        assert verify_door(KEY, door, [own], TOKEN, now)
        assert not verify_door(KEY, door, others, TOKEN, now)
        assert not verify(KEY, [own], TOKEN, now)
        assert not verify_door(KEY, door, (), TOKEN, now)
        assert not verify_door(b"another key" * 3, door, [own], TOKEN, now)
        with pytest.raises(ValueError, match="a secret token has"):
            hash_door_token(KEY, door, "short")
