"""Who is let in, by which address, with what in the body: nobody else, no other, and nothing that breaks the host."""

import json
import socket
from typing import Any

import pytest

SCIM = "/ecma2host_csv/scim"
BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9"}


@pytest.mark.parametrize("path", ["/Users", "/users", "//Users", "/Users/", "/USERS//", "/?aadOptscim062020/Users"])
def test_an_address_means_the_same_however_it_is_put_together(estate: Any, path: str, person: dict[str, Any]) -> None:
    client = estate.host.client("csv")
    object_id = client.created(person)

    found = client.get(path)

    assert object_id in [one["id"] for one in found.resources]
    assert client.get("/schemas").json == client.get("/Schemas/").json
    assert client.get(f"//users//{object_id}/").json["id"] == object_id


@pytest.mark.parametrize("path", ["", "/", "/Users", "/Schemas", "/nothing"])
def test_a_browser_without_a_token_sees_a_sign_of_life_at_a_known_connector_only(estate: Any, path: str) -> None:
    client = estate.host.plain()

    known = client.send("GET", f"{SCIM}{path}", None, BROWSER)
    assert (known.status, known.headers["Content-Type"]) == (405, "application/scim+json")
    assert "alive" in known.json["detail"]
    assert client.send("GET", f"/ecma2host_nobody/scim{path}", None, BROWSER).status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong-token-wrong-token"},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": f"Bearer {'x' * 7000}"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer wrong-token-wrong-token", **BROWSER},
    ],
)
@pytest.mark.parametrize("path", ["/Users", "/Users/1", "/Schemas", "/nothing", ""])
def test_without_the_token_every_address_of_a_connector_is_401(estate: Any, path: str, headers: dict[str, str]) -> None:
    client = estate.host.plain()
    for method in ("GET", "POST", "PATCH", "DELETE"):
        answer = client.send(method, f"{SCIM}{path}", b"{}" if method in ("POST", "PATCH") else None, headers)
        assert answer.status == 401, answer
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.headers["Content-Type"] == "application/scim+json"


def test_an_unknown_connector_is_404_with_any_token_and_names_are_case_sensitive(estate: Any) -> None:
    client = estate.host.client("csv")
    for name in ("nobody", "CSV", "Csv", "csv%00", "csv.toml", "..%2fcsv"):
        answer = client.send("GET", f"/ecma2host_{name}/scim/Users", None, {"Authorization": f"Bearer {client.token}"})
        assert answer.status == 404, name
        assert answer.headers["Content-Type"] == "application/scim+json"
    assert client.send("GET", "/", None, {}).status == 404
    assert client.send("GET", "/scim/Users", None, {"Authorization": f"Bearer {client.token}"}).status == 404


def test_a_token_opens_the_door_of_its_own_connector_only_and_only_until_it_expires(estate: Any) -> None:
    host = estate.host
    assert host.client("csv").get("/Users").status == 200
    assert host.client("csv", token=host.home.minted("sql")).get("/Users").status == 401
    assert host.client("csv", token=host.home.minted("csv", lifetime=60, age=61)).get("/Users").status == 401
    forged = host.home.minted("sql").replace("sql", "csv", 1)
    assert host.client("csv", token=forged).get("/Users").status == 401


def test_two_tokens_are_good_during_a_rotation_and_the_old_one_until_it_expires(
    home: Any, start: Any, eventually: Any
) -> None:
    home.connect("people", home.csv("people"))
    made = home.command("token", "people")
    assert made.returncode == 0, made.stderr
    first = made.stdout.strip()
    host = start(home)

    def status(token: str) -> int:
        client = host.client("people", token=token)
        try:
            return int(client.get("/Users?count=0").status)
        finally:
            client.close()

    def all_statuses(token: str) -> set[int]:
        return {status(token) for _ in range(8)}

    assert status(first) == 200
    second = home.command("token", "people", "--rotate", "--keep-old-for", "30m").stdout.strip()
    assert eventually(lambda: all_statuses(second) == {200})  # the command has told the host
    assert all_statuses(first) == {200}
    third = home.command("token", "people", "--rotate").stdout.strip()
    assert eventually(lambda: all_statuses(third) == {200})
    assert eventually(lambda: all_statuses(second) == {401})
    assert all_statuses(first) == {401}
    log = host.log()
    assert all(token not in log for token in (first, second, third))


def test_a_body_beyond_the_limit_is_413_however_it_is_sent_and_nothing_is_written(
    estate: Any, kind: str, person: dict[str, Any], named: Any
) -> None:
    client, target = estate.host.client(kind), estate.targets[kind]
    still = target.state()
    body = json.dumps(person | {"title": "x" * 70_000}).encode()

    assert client.request("POST", "/Users", body).status == 413
    client.close()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:30_000], body[30_000:])) + b"0\r\n\r\n"
    head = (
        f"POST /ecma2host_{kind}/scim/Users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {client.token}\r\n"
        "Content-Type: application/scim+json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    received = exchange(client, head.encode() + chunks)
    assert received.startswith(b"HTTP/1.1 413 "), received[:200]
    assert b"application/scim+json" in received
    assert target.state() == still
    assert client.matched(person["userName"]) == []

    # The same way, within the limit: it was the size that was refused.
    body = json.dumps(person).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:100], body[100:])) + b"0\r\n\r\n"
    assert exchange(client, head.encode() + chunks).startswith(b"HTTP/1.1 201 ")
    assert len(named(target, person["userName"])) == 1


def exchange(client: Any, sent: bytes) -> bytes:
    """Sends bytes over TLS and returns the beginning of what comes back."""
    with (
        socket.create_connection(("127.0.0.1", client.port), timeout=20) as raw,
        client._context.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        connection.sendall(sent)
        return bytes(connection.recv(65536))


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x"])
def test_a_body_of_another_media_type_is_415(estate: Any, media_type: str, person: dict[str, Any]) -> None:
    client = estate.host.client("csv")
    answer = client.request("POST", "/Users", person, {"Content-Type": media_type})
    assert answer.status == 415
    assert client.matched(person["userName"]) == []


@pytest.mark.parametrize("media_type", ["application/json", "application/scim+json", "application/json; charset=utf-8"])
def test_a_body_of_json_is_taken_under_any_of_its_media_types(
    estate: Any, media_type: str, person: dict[str, Any]
) -> None:
    answer = estate.host.client("csv").request("POST", "/Users", person, {"Content-Type": media_type})
    assert answer.status == 201


def test_methods_that_are_not_there_are_405_with_allow_and_head_is_a_get_without_a_body(
    estate: Any, person: dict[str, Any]
) -> None:
    client = estate.host.client("csv")
    object_id = client.created(person)
    for method, path in (("PUT", "/Users"), ("DELETE", "/Users"), ("POST", f"/Users/{object_id}")):
        answer = client.request(method, path, {} if method != "DELETE" else None)
        assert answer.status == 405
        assert "GET" in answer.headers["Allow"]
    head = client.request("HEAD", f"/Users/{object_id}")
    assert (head.status, head.body) == (200, b"")
