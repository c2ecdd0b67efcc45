"""What no client sends: heads and bodies by the byte, every JSON type in every attribute, texts that mean something
elsewhere. Each is answered in time, below 500 and in SCIM's words; the target holds what the answer says, or what it
held before; the next honest request is served; and the log has no mistake of the host's own.
"""

import json
import re
import socket
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from ecmahost_host_kit.hosts import launch

ECMA = "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LONGEST_SECONDS = 10.0
KINDS = ("csv", "sql", "postgresql", "csvEcma", "sqlEcma", "postgresqlEcma")


@dataclass
class Served:
    """A host with a connector of each kind, with and without a schema mapping."""

    host: Any
    targets: dict[str, Any]
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, kind: str) -> Any:
        return self.clients.setdefault(kind, self.host.client(kind))


@pytest.fixture(scope="module")
def served(make_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = make_home(tmp_path_factory.mktemp("hostile") / "home")
    home.settings(body_limit=65536)
    targets = {}
    for kind in KINDS:
        targets[kind] = home.target(kind.removesuffix("Ecma"), kind)
        file = home.connect(kind, targets[kind])
        if kind.endswith("Ecma"):
            file.write_text(re.sub(r"(?s)\[schema_mapping.User\].*(?=\[deprovisioning)", "", file.read_text()))
    host = launch(home)
    try:
        yield Served(host, targets)
        mistakes = [line for line in host.log().splitlines() if "Traceback" in line or '"level": "error"' in line]
        assert mistakes == []
    finally:
        host.kill()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def goes_on(served: Served, request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test ends in time, and with an honest request that is served."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LONGEST_SECONDS
    known = request.node.callspec.params.get("kind", "csv")
    assert served.client(known).get("/Users?count=1").status == 200


def someone(kind: str) -> tuple[str, dict[str, Any]]:
    """A new name, and somebody who is called so."""
    name = f"h{uuid.uuid4().hex[:12]}"
    return name, {ECMA: {"UserName": name}} if kind.endswith("Ecma") else {"userName": name}


def exchange(host: Any, sent: bytes) -> tuple[int, bytes, bytes]:
    """Sends bytes over TLS on a connection of their own; returns status, head and body of the one answer."""
    received = b""
    with (
        socket.create_connection(("127.0.0.1", host.port), LONGEST_SECONDS) as raw,
        closing(host.context.wrap_socket(raw)) as connection,
    ):
        connection.sendall(sent)
        with suppress(ssl.SSLError, ConnectionError):
            while data := connection.recv(65536):
                received += data
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), head, body


REQUEST = (
    b"%(method)s %(path)s HTTP/1.1\r\n%(host)s\r\nAuthorization: %(token)s\r\n"
    b"%(more)s\r\nConnection: close\r\n\r\n%(body)s"
)
GOOD: dict[str, bytes] = {
    "method": b"GET", "path": b"/Users?count=1", "host": b"Host: a.example", "more": b"X-Nothing: x", "body": b"",
}  # fmt: skip
POST = {"method": b"POST", "path": b"/Users"}
BODY = b'{"title": "of somebody who has no name at all...."}'  # 51 bytes
FLAG = b"?aadOptscim062020"

# What differs from an honest request, and the status that it gets.
WIRE: list[tuple[dict[str, bytes], int]] = [
    *[
        ({"path": path}, status)
        for path, status in {
            b"/Users/%00": 404, b"/Users/%": 404, b"/Users/%zz": 404, b"/Users/%ff%fe": 404, b"/Users/a%2Fb": 404,
            b"/../../etc/passwd": 404, b"/Users/%2e%2e/%2e%2e/x": 404, b"/Users/..%5c..%5c": 404, b"//Users//": 200,
            b"/Users/" + b"x" * 7000: 404, b"/Users/" + b"x" * 9000: 414, b"/Users/\xff\xfe": 400, b"/Users/a b": 505,
            b"/Users?filter=%zz": 400, b"/Users?filter=%ff": 400, b"/Users?filter=%00": 400, b"/Users?%00=%00": 200,
            b"/Users?filter=userName&filter=userName+pr": 400, b"/Users?" + b"a=1&" * 1900: 200, b"/Users?=&&;=": 200,
            b"/Users?count=" + b"9" * 18: 200, b"/Users?count=" + b"9" * 19: 400, b"/Users?startIndex=-9": 200,
            b"/Users?startIndex=" + b"9" * 18 + b"&count=" + b"9" * 18: 200, b"/Users?count=%D9%A3": 400,
            b"/Users?count=1e5": 400, b"/Users?attributes=" + b"a," * 3000: 200, b"/Users?attributes=%00,%0d%0a": 200,
            b"/Users?filter=" + b"(" * 7000: 400, b"/Users?filter=" + b"emails%5B" * 800: 400,
            b"/Users?filter=userName+eq+%22" + b"%5C" * 2000: 400, b"/Users?filter=userName" + b"+" * 7000 + b"pr": 200,
            b"/Users?filter=" + ECMA.encode() + b":a" + b"+a(" * 2000: 400,
            b"/Users?filter=" + b"title+co+%22x%22+or+" * 380 + b"title+pr": 200,
            b"/Users?filter=meta.created+gt+%220001-01-01T00:00:00%2B23:59%22": 200,
            b"/Users?filter=meta.created+lt+%229999-12-31T23:59:59-23:59%22": 200,
            b"/Users?filter=id+eq+%22%27%20or%201=1--%22": 200, b"/Users?filter=userName+eq+%22%5Cu0000%22": 200,
            FLAG + b"/Users/%ff%zz": 404, FLAG + b"/Users/%C3%A4%00": 404, FLAG + b"/../../x": 404,
            b"/Schemas/%00%ff": 404, b"/ResourceTypes/%0d%0aX:y": 404, b"": 200, b"/%00": 404, b"/Users/;a=b#c": 404,
        }.items()
    ],
    *[({"method": method}, status) for method, status in {
        b"TRACE": 405, b"CONNECT": 405, b"BREW": 405, b"get": 400, b"P\xff": 400, b"X" * 40: 400, b"": 400,
    }.items()],
    *[({"host": b"Host: " + host}, 400) for host in (
        b"a\r\nHost: b", b"\xff\xfe", b"a b", b"a/b@c", b"[::1", b"a:b", b"<script>", b"a..b", b"a\x00b", b"x" * 7000,
        b"a\r\n b", b"\xc3\xa4.example",
    )],
    *[({"token": token}, 401) for token in (
        b"", b"Bearer", b"Bearer \xff\xfe", b"Bearer " + b"x" * 7000, b"Basic YTpi", b"Bearer\t", b"Bearer a, Bearer b",
        b"Bearer ecmahost.csv.99999999999." + b"0" * 64, b"Bearer ecmahost.csv.0x1." + b"0" * 64,
    )],
    *[({**POST, "body": BODY, "more": more}, status) for more, status in {
        b"Content-Length: -1": 400, b"Content-Length: +5": 400, b"Content-Length: " + b"9" * 5000: 400,
        b"Content-Length: " + b"9" * 30: 413, b"Content-Length: 5\r\nContent-Length: 6": 400, b"Content-Length: 3": 400,
        b"Content-Length: 5\r\nTransfer-Encoding: chunked": 400, b"Transfer-Encoding: x": 501, b"X: y": 400,
        b"Transfer-Encoding: chunked, chunked": 400, b": x": 400, b"A : x": 400,
        b"A: b\x00c": 400, b"A: b\nC: d": 400, b"A: " + b"x" * 9000: 431, b"A: b\r\n" * 999 + b"A: b": 431,
        b"Expect: miracles": 417, b"Content-Length: 51\r\nContent-Type: \xff/\xff; charset=\xff": 415,
        b"Content-Length: 51\r\nContent-Type: text/xml": 415, b"Content-Length: 51\r\nContent-Encoding: gzip": 415,
        b"Content-Length: 51\r\nContent-Type: application/json; charset=utf-16": 400,
        b"Content-Length: 51\r\nX-Request-Id: \xff\xff\xff\xff\xff\xff\xff\xff\r\nIf-Match: \xff\r\nRange: x": 400,
    }.items()],
    *[({**POST, "body": body, "more": b"Transfer-Encoding: chunked"}, status) for body, status in {
        b"zz\r\n": 400, b"-1\r\n": 400, b"0x5\r\nhello\r\n0\r\n\r\n": 400, b"5\r\nhelloXX": 400, b"0\r\n\r\n": 400,
        b"f" * 9000 + b"\r\n" + b"x" * 70_000: 413,
    }.items()],
]  # fmt: skip


@pytest.mark.parametrize(("differs", "status"), WIRE, ids=range(len(WIRE)))
def test_a_request_by_the_byte_is_answered_in_time_and_in_scims_words(
    served: Served, differs: dict[str, bytes], status: int
) -> None:
    token = b"Bearer " + served.client("csv").token.encode()
    parts = GOOD | {"token": token} | differs
    prefix = b"" if differs.get("method") == b"" else b"/ecma2host_csv/scim"
    still = served.targets["csv"].state()

    parts["path"] = prefix + parts["path"]
    sent = REQUEST % {name.encode(): part for name, part in parts.items()}
    answered, head, body = exchange(served.host, sent)

    assert answered == status, (head, body)
    assert b"application/scim+json" in head
    if status >= 400:
        assert json.loads(body)["status"] == str(status)
    assert b"script" not in head.lower()
    assert served.targets["csv"].state() == still


BODIES = {
    "NaN": b'{"userName": "x", "title": NaN}',
    "Infinity": b'{"userName": "x", "title": -Infinity}',
    "beyond every number": b'{"userName": "x", "title": 1e400}',
    "a very long number": b'{"userName": "x", "title": ' + b"9" * 50_000 + b"}",
    "half a surrogate pair": b'{"userName": "x\\udc00"}',
    "byte order mark": b'\xef\xbb\xbf{"userName": "x"}',
    "UTF-16": '{"userName": "x"}'.encode("utf-16"),
    "gzip": bytes.fromhex("1f8b08000000000000ff"),
    "line end in a string": b'{"userName": "a\nb"}',
    "comment": b'{"userName": "x" /* y */}',
    "two documents": b'{"userName": "x"}{}',
    "very deep": b'{"userName": "x", "emails": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep": b'{"userName": "x", "emails": ' + b'[{"value":' * 200 + b"1" + b"}]" * 200 + b"}",
    "ten thousand of one type": b'{"userName": "x", "emails": [' + b'{"type":"work","value":"a"},' * 2000 + b"1]}",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_resource_is_400(served: Served, kind: str, name: str) -> None:
    answer = served.client(kind).request("POST", "/Users", BODIES[name])
    # In the profile ecma these names are nobody's, and nothing else identifies anybody.
    assert answer.status == 400, answer
    assert "x" not in [row["UserName"] for row in served.targets[kind].rows()]


def test_very_many_keys_and_operations_are_answered_in_time(served: Served, kind: str) -> None:
    client = served.client(kind)
    name, resource = someone(kind)
    object_id = client.created(resource | {f"k{number}": number for number in range(3000)} | {"k" * 9000: 1})
    for operations in (
        [{"op": "replace", "path": f"{ECMA}:k{number}", "value": 1} for number in range(500)],
        [{"op": "add", "path": "emails", "value": [{"value": str(number)}]} for number in range(900)],
        [{"op": "replace", "value": {"title": str(number)}} for number in range(1000)],
        [{"op": "replace", "path": "emails[" + " or ".join(['type eq "x"'] * 500) + "].value", "value": "x"}] * 6,
        [{"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User": {"name": {"name": [{}] * 99}}}}],
    ):
        answer = client.patch(object_id, *operations)
        assert answer.status in (200, 400, 413), answer
    assert [row["UserName"] for row in served.targets[kind].rows()].count(name) == 1


TEXTS = [
    "'; DROP TABLE Employees; --", "*)(uid=*))(|(uid=*", "=cmd|'/c calc'!A0", "@SUM(1+1)*cmd", "+1", "-1", '"',
    '","', "\r\n", "a\r\nb", "\t", "\\", "%s%n{0}${x}{{7*7}}", "../../etc/passwd", "\x7f", "\u202egnp.exe",
    "\u2028", "\ufeff", "\ufffe", "\U0010ffff", "👩‍👩‍👧‍👦", "a" + "\u0301\u0316" * 60, "ﷺ", "\U0001d573", "null",
    "NULL", "NaN", "true", "0x1F", "1e5", "0", " ", "x" * 200,
]  # fmt: skip
PATHS = {
    "displayName": "DisplayName", "title": "Title", "name.givenName": "GivenName", "name.familyName": "FamilyName",
    'emails[type eq "work"].value': "Email", 'phoneNumbers[type eq "work"].value': "Phone", "externalId": "ExternalId",
    f"{ENTERPRISE}:department": "Department", f"{ENTERPRISE}:employeeNumber": "EmployeeNumber",
}  # fmt: skip


def test_a_text_that_means_something_elsewhere_is_kept_to_the_letter_in_every_attribute(
    served: Served, kind: str
) -> None:
    client, target = served.client(kind), served.targets[kind]
    name, resource = someone(kind)
    object_id = client.created(resource)
    paths = {f"{ECMA}:{column}": column for column in PATHS.values()} if kind.endswith("Ecma") else PATHS
    before = len(target.rows())
    for number, text in enumerate(TEXTS):
        # Another text in each attribute, and in the end each text in several.
        sent = {path: TEXTS[(number + 7 * place) % len(TEXTS)] for place, path in enumerate(paths)}
        answer = client.patch(object_id, *({"op": "Replace", "path": path, "value": sent[path]} for path in paths))
        assert answer.status == 200, (text, answer)
        (row,) = [row for row in target.rows() if row["UserName"] == name]
        assert {path: row[column] for path, column in paths.items()} == sent
        assert client.user(object_id).json == answer.json
    assert len(target.rows()) == before


JSON_VALUES = [
    0, -1, 1.5, 1e308, 2**63, 2**64, 10**30, True, False, None, "", " ", "a\0b", "x" * 10_000, [], [[]], {}, [{}],
    ["a", "b"], [None], {"value": "v"}, {"value": {"value": "v"}}, [{"value": "v"}], {"a": 1},
]  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "sqlEcma", "postgresql"])
@pytest.mark.parametrize("place", range(len(PATHS) + 2))
def test_every_json_value_in_every_attribute_is_written_as_answered_or_not_at_all(
    served: Served, kind: str, place: int
) -> None:
    client, target = served.client(kind), served.targets[kind]
    path, column = list({"userName": "UserName", **PATHS, "active": "IsActive"}.items())[place]
    _name, resource = someone(kind)
    object_id = client.created(resource)
    for value in JSON_VALUES:
        before = target.rows()
        sent = f"{ECMA}:{column}" if kind.endswith("Ecma") else path
        answer = client.patch(object_id, {"op": "Replace", "path": sent, "value": value})
        assert answer.status in (200, 400), (value, answer)
        after = target.rows()
        changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        assert len(changed) <= (answer.status == 200), value
        assert all({name for name in old if old[name] != new[name]} == {column} for old, new in changed), value
        shown = client.user(object_id).json
        assert answer.status == 400 or shown == answer.json
        if kind.endswith("Ecma") and column != "IsActive" and changed:
            assert shown.get(ECMA, {}).get(column, "") == changed[0][1][column]
