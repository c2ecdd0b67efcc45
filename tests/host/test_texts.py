"""People have names of every kind: they come back as they were sent, and are found however they are spelt."""

import http.client
import json
import ssl
import unicodedata
from typing import Any

import pytest

NAMES = [
    "zoë@example.com",
    "ИВАН.Петров@example.com",
    "straße@example.com",
    "İstanbul@example.com",
    "王小明@example.com",
    "👩‍🚀@example.com",
    "o'brien@example.com",
    'a "quoted" name',
    "comma, semicolon; tab\there",
    "back\\slash",
    "plus+tag&amp=100%@example.com",
    "=cmd|'/c calc'!A0",
    "x'; DROP TABLE Employees; --",
    "*)(uid=*",
    "two\nlines",
    "carriage\r\nreturn",
    " leading blank",
    "null",
    "-1",
    "007",
    "1e5",
    "True",
    "x" * 180,
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_comes_back_as_it_was_sent_and_is_found_in_every_spelling(
    estate: Any, kind: str, name: str, named: Any
) -> None:
    client, target = estate.host.client(kind), estate.targets[kind]
    created = client.create({"userName": name, "displayName": name, "title": f"{name} "})
    assert created.status == 201, created
    user = created.json
    assert (user["userName"], user["displayName"], user["title"]) == (name, name, f"{name} ")

    for spelling in {name, name.upper(), name.lower(), f"{name}  ", unicodedata.normalize("NFD", name)}:
        assert client.matched(spelling) == [user], spelling
        assert client.create({"userName": spelling}).status == 409, spelling
    (row,) = [row for row in target.rows() if row["UserName"] == name]
    assert row["Title"] == f"{name} "
    changed = client.patch(user["id"], {"op": "Replace", "path": "displayName", "value": f"{name} too"}).json
    assert changed["displayName"] == f"{name} too"
    still = target.state()
    assert client.patch(user["id"], {"op": "Replace", "path": "displayName", "value": f"{name} too"}).json == changed
    assert target.state() == still
    assert client.delete(user["id"]).status == 204
    assert all(row["UserName"] != name for row in target.rows())
    assert client.matched(name) == []


def test_texts_are_the_same_after_an_import(home: Any, start: Any, kind: str) -> None:
    target = home.target(kind, "people")
    home.connect("people", target)
    host = start(home)
    client = host.client("people")
    created = {name: client.create({"userName": name, "title": f"{name} "}).json for name in NAMES}
    assert home.command("import", "people", "--json").stdout

    counts = json.loads(home.command("import", "people", "--json").stdout)

    assert (counts["seen"], counts["unchanged"], counts["failed"]) == (len(NAMES), len(NAMES), 0)
    assert {name: client.matched(name)[0] for name in NAMES} == created


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(estate: Any, kind: str, person: dict[str, Any]) -> None:
    client = estate.host.client(kind)
    body = json.dumps(person).encode()
    connection = client.connect()
    connection.putrequest("POST", f"{client.base}/Users")
    for name, value in {
        "Authorization": f"Bearer {client.token}",
        "Content-Type": "application/scim+json",
        "Content-Length": str(len(body)),
        "Expect": "100-continue",
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    told = receive_line(connection.sock)
    assert told.startswith(b"HTTP/1.1 100")

    connection.send(body)

    response = connection.getresponse()
    assert response.status == 201
    assert json.loads(response.read())["userName"] == person["userName"]


def receive_line(connection: ssl.SSLSocket) -> bytes:
    """Reads an interim answer, up to the empty line behind it."""
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += connection.recv(1)
    return received


def test_a_client_that_leaves_before_its_answer_changes_nothing_about_its_write(
    estate: Any, kind: str, person: dict[str, Any], eventually: Any, named: Any
) -> None:
    client = estate.host.client(kind)
    connection = client.connect()
    connection.request("POST", f"{client.base}/Users", json.dumps(person), {"Authorization": f"Bearer {client.token}"})
    assert isinstance(connection, http.client.HTTPSConnection)
    client.close()

    other = estate.host.client(kind)
    assert eventually(lambda: len(other.matched(person["userName"])) == 1)
    assert len(named(estate.targets[kind], person["userName"])) == 1
    assert other.create(person).status == 409
