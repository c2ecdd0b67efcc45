import pytest

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize(
    "base", ["/ecma2host_nobody/scim", "/ecma2host_HR/scim", "/ecma2host_/scim", "/ecma2host_h/scim"]
)
@pytest.mark.parametrize("token", [None, "token-of-hr-000001"])
def test_an_unknown_connector_is_404_for_everybody(client, base, token):
    for path in ("/Users", "/nothing", ""):
        assert client.get(path, base=base, token=token, headers=HTML).status_code == 404


def test_a_browser_without_credentials_gets_a_sign_of_life(client):
    for path in ("/Users", "", "/nothing"):
        answer = client.get(path, token=None, headers=HTML)
        assert answer.status_code == 405
        assert "alive" in answer.get_json()["detail"]
    assert client.get("", base="/ecma2host_hr", token=None, headers=HTML).status_code == 405
    assert client.post("/Users", {}, token=None, headers=HTML).status_code == 401
    assert client.get("/Users", token="wrong", headers=HTML).status_code == 401


@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        (None, False),
        ("Bearer", True),
        ("Bearer ", True),
        ("Bearer wrong", True),
        ("Bearer token-of-it-000002", True),
        ("Basic token-of-hr-000001", True),
        ("token-of-hr-000001", True),
        ("Bearer token-of-hr-000001x", True),
        ("Bearer \xe4\xf6", True),
        ("Bearer " + "x" * 5000, True),
    ],
)
def test_without_the_connectors_own_token_everything_is_401(client, authorization, error):
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in (
        ("GET", "/Users"),
        ("POST", "/Users"),
        ("GET", "/nothing"),
        ("DELETE", "/Schemas"),
        ("OPTIONS", "/Users"),
    ):
        answer = client.ask(method, path, token=None, headers=headers)
        assert answer.status_code == 401
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith('Bearer realm="ecmahost"')
        assert ('error="invalid_token"' in challenge) == error
        assert "token-of" not in answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(client, scheme):
    headers = {"Authorization": f"{scheme}  token-of-hr-000001 "}
    assert client.get("/Users", token=None, headers=headers).status_code == 200


def test_a_connector_that_cannot_be_used_says_so_behind_its_own_door(client):
    base = "/ecma2host_broken/scim"
    assert client.get("/Users", base=base).status_code == 401
    answer = client.get("/Users", base=base, token="token-of-broken-03")
    assert answer.status_code == 503
    assert "ecmahost check broken" in answer.get_json()["detail"]
    assert "nobody can load" not in answer.text
    assert answer.headers["Retry-After"]
