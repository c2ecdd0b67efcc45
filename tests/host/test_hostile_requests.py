"""Requests that are meant to break the host, or were made by a broken client: 400, never 500, and nothing written."""

import json
from typing import Any

import pytest

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def body(**values: object) -> bytes:
    return json.dumps({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], **values}).encode()


HOSTILE = {
    "empty": b"",
    "broken": b'{"userName": "x"',
    "not utf-8": b'{"userName": "\xff\xfe"}',
    "array": b"[]",
    "string": b'"x"',
    "null": b"null",
    "number": b"1",
    "deep arrays": b'{"userName": "x", "emails": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "deep objects": b'{"userName":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}",
    "NaN": b'{"userName": NaN}',
    "lone surrogate": b'{"userName": "x\\ud800y"}',
    "nul": b'{"userName": "x\\u0000y"}',
    "no userName": body(displayName="Nobody"),
    "userName of blanks": body(userName="   "),
    "userName null": body(userName=None),
    "userName object": body(userName={"value": "x"}),
    "userName list": body(userName=["x", "y"]),
    "emails object": body(userName="hostile", emails={"type": ["work"], "value": "x"}),
    "emails of two types": body(userName="hostile", emails=[{"type": "work", "value": {}}]),
    "active object": body(userName="hostile", active={}),
    "nul in an email": body(userName="hostile", emails=[{"type": "work", "value": "a\0b"}]),
    "schemas text": b'{"schemas": 5, "userName": {"x": 1}}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_a_400_and_writes_nothing(estate: Any, kind: str, name: str) -> None:
    client, target = estate.host.client(kind), estate.targets[kind]
    still = target.state()

    for method, path in (("POST", "/Users"), ("PUT", "/Users/no-such-id"), ("PATCH", "/Users/no-such-id")):
        answer = client.request(method, path, HOSTILE[name])
        assert answer.status in ((400,) if method == "POST" else (400, 404)), answer
    assert target.state() == still


@pytest.mark.parametrize(
    "value",
    [10**400, -(10**30), 1e308, 2**63, -0.0, 1e-320],
    ids=["400digits", "30digits", "1e308", "2^63", "-0", "tiny"],
)
def test_a_huge_number_is_kept_as_text_or_refused_and_never_a_500(
    estate: Any, kind: str, value: float, person: dict[str, Any]
) -> None:
    client = estate.host.client(kind)
    answer = client.create(person | {"title": value})
    assert answer.status in (201, 400), answer
    object_id = client.created(person | {"userName": f"n-{person['userName']}"})
    patched = client.patch(object_id, {"op": "Add", "path": "title", "value": value})
    assert patched.status in (200, 400), patched
    assert client.user(object_id).status == 200


OPERATIONS: list[Any] = [
    None,
    {},
    [],
    "x",
    [None],
    [[]],
    [{"op": "Replace"}],
    [{"op": "copy", "path": "title", "value": "x"}],
    [{"op": "Replace", "path": 5, "value": "x"}],
    [{"op": "Replace", "path": "title[", "value": "x"}],
    [{"op": "Replace", "path": 'emails[type eq "work"', "value": "x"}],
    [{"op": "Replace", "path": "emails" + "[type eq 1]" * 500, "value": "x"}],
    [{"op": "Replace", "path": "(" * 20_000, "value": "x"}],
    [{"op": "Replace", "path": "id", "value": "mine"}],
    [{"op": "Replace", "path": "userName", "value": ""}],
    [{"op": "Remove", "path": "userName"}],
    [{"op": "Remove"}],
    [{"op": "Replace", "value": 5}],
    [{"op": "Replace", "path": "title", "value": {"a": [1]}}],
    [{"op": "Replace", "path": "title", "value": "a\0b"}],
    [{"op": "Replace", "path": "name", "value": "x"}],
]


@pytest.mark.parametrize("operations", OPERATIONS, ids=range(len(OPERATIONS)))
def test_a_hostile_patch_is_never_a_500_and_leaves_the_user_whole(
    estate: Any, kind: str, operations: Any, person: dict[str, Any]
) -> None:
    client = estate.host.client(kind)
    object_id = client.created(person)

    answer = client.request("PATCH", f"/Users/{object_id}", {"schemas": [PATCH_OP], "Operations": operations})

    assert answer.status in (200, 400), answer
    after = client.user(object_id).json
    assert (after["id"], after["userName"]) == (object_id, person["userName"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "userName",
        "userName eq",
        'userName eq "x',
        "userName eq x",
        'userName eq "\\ud800"',
        "userName eq 1e999",
        f"userName eq {'9' * 5000}",
        'userName eq "\\u0000"',
        "(" * 2000,
        "not " * 800,
        'emails[type eq "work"',
        "userName eq null",
        'nickName eq "x"',
        'userName regex "x"',
        " or ".join(['userName eq "x"'] * 150),
        "userName eq true",
        'active gt "a"',
        'meta.created gt "yesterday"',
    ],
    ids=range(19),
)
def test_a_hostile_filter_is_400_or_an_empty_list_and_never_a_500(estate: Any, kind: str, text: str) -> None:
    answer = estate.host.client(kind).search(text)
    assert answer.status in (200, 400), answer
    if answer.status == 400:
        assert answer.json["scimType"] in ("invalidFilter", "invalidValue")


@pytest.mark.parametrize(
    "object_id", ["%00", "..", "%2e%2e%2fUsers", "x" * 2000, "%ff", "a%20b", "%F0%9F%92%A9", "null"]
)
def test_an_id_that_nobody_has_is_404_whatever_it_looks_like(estate: Any, kind: str, object_id: str) -> None:
    client = estate.host.client(kind)
    for method in ("GET", "DELETE"):
        assert client.request(method, f"/Users/{object_id}").status == 404, object_id
    assert client.patch(object_id, {"op": "Replace", "path": "title", "value": "x"}).status == 404
