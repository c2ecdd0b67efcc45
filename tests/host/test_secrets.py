"""What must stay secret, and where it must not be found: answers, logs, the store, the journal, the home directory."""

import uuid
from pathlib import Path
from typing import Any

import pytest


def canary() -> str:
    return f"canary{uuid.uuid4().hex}"


def files_with(directory: Path, text: str) -> set[str]:
    """The files below a directory in which a text stands, as UTF-8 or UTF-16."""
    marks = [text.encode(), text.encode("utf-16-le")]
    return {
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.is_file() and any(mark in path.read_bytes() for mark in marks)
    }


@pytest.mark.parametrize("way", ["encrypted", "environment", "file"])
def test_a_secret_parameter_is_nowhere_but_where_its_owner_put_it(
    home: Any, start: Any, connect_gate: Any, way: str, eventually: Any
) -> None:
    secret, expected = canary(), set()
    if way == "encrypted":
        encrypted = encrypt(home, secret)
        value = f'"{encrypted}"'
    elif way == "environment":
        value = '{ env = "GATE_PASSWORD" }'
        home.environment["GATE_PASSWORD"] = secret
    else:
        value = '{ file = "password.txt" }'
        (home.path / "password.txt").write_text(secret)
        (home.path / "password.txt").chmod(0o600)
        expected = {"password.txt"}
    gate = connect_gate(home, connectivity=f"password = {value}")
    gate.add("known")
    host = start(home)
    client = host.client("gate")
    assert [one["userName"] for one in client.matched("known")] == ["known"]

    for hook in ("open", "schema", "read", "export", "import"):
        gate.leak(hook)
    answers = [
        client.match("unknown"),
        client.create({"userName": "unknown"}),
        client.delete(client.matched("known")[0]["id"]),
    ]
    assert {answer.status for answer in answers} == {503}
    outputs = [
        home.command(*words) for words in (("check",), ("import", "gate"), ("objects", "gate"), ("journal", "gate"))
    ]
    _, states = host.ready()
    assert host.stop() == 0

    shown = "".join(answer.body.decode() for answer in answers) + str(states)
    shown += "".join(output.stdout + output.stderr for output in outputs)
    assert secret not in shown
    assert "Traceback" not in shown
    assert "RuntimeError" in shown
    assert files_with(home.path, secret) == expected


def encrypt(home: Any, secret: str) -> str:
    from ecmahost_core.configuration import home as homes
    from ecmahost_core.configuration import secrets

    return secrets.encrypt(secrets.load_keys(homes.at(home.path)), secret)


def test_tokens_are_in_no_log_no_file_and_no_answer(home: Any, start: Any) -> None:
    home.connect("people", home.csv("people"))
    token = home.command("token", "people").stdout.strip()
    wrong = canary()
    host = start(home)
    minted = home.minted("people")
    seen = b""
    for given in (token, minted, wrong):
        client = host.client("people", token=given)
        seen += client.get("/Users").body + client.create({"userName": f"user{len(given)}"}).body
    host.kill()

    for secret in (token, minted, wrong):
        assert secret.encode() not in seen
        assert files_with(home.path, secret) == set()


def test_what_a_refused_request_carried_is_kept_nowhere(home: Any, start: Any, kind: str) -> None:
    target = home.target(kind, "people")
    home.connect("people", target)
    host = start(home)
    client = host.client("people")
    client.created({"userName": "taken"})
    mark = canary()
    refused = [
        client.create({"userName": "taken", "title": mark}),
        client.create({"title": mark}),
        client.create({"userName": f"{mark}\0"}),
        client.request("POST", "/Users", b'{"userName": "' + mark.encode() + b'"'),
        client.request("POST", "/Users", {"userName": mark}, {"Content-Type": "text/plain"}),
        client.patch(mark, {"op": "Replace", "path": "title", "value": mark}),
        client.search(f'userName eq "{mark}'),
        client.user(mark),
        client.get(f"/Users?count={mark}"),
        client.request("PATCH", "/Users/1", {"Operations": [{"op": mark}]}),
        client.get("/Users", **{"X-Request-Id": f"{mark} {mark}", "User-Agent": mark, "X-Forwarded-For": mark}),
    ]
    assert {answer.status for answer in refused[:-1]} <= {400, 404, 409, 415}
    host.kill()

    assert files_with(home.path, mark) == set()


def test_a_password_of_a_person_is_nowhere_but_in_the_target(
    home: Any, start: Any, connect_gate: Any, eventually: Any
) -> None:
    extension = "urn:ietf:params:scim:schemas:extension:Gate:2.0:User"
    gate = connect_gate(home, mapping='password = "export_password"')
    other = connect_gate(home, "other", mapping=f'"{extension}:export_password" = "export_password"')
    host = start(home)
    client, second = host.client("gate"), host.client("other")
    mark = canary()
    object_id = client.created({"userName": "ada", "password": mark})
    second.created({"userName": "ada", extension: {"export_password": mark}})
    assert gate.has_password("ada", mark)
    assert other.has_password("ada", mark)

    def changes() -> list[Any]:
        path = {"op": "Replace", "path": "password"}
        return [
            client.patch(object_id, path | {"value": mark}),
            client.patch(object_id, path | {"value": mark}, {"op": "Replace", "path": "title", "value": "Countess"}),
            client.patch(object_id, {"op": "Add", "value": {"password": mark}}),
            client.put(object_id, {"userName": "ada", "password": mark}),
            client.create({"userName": "ada", "password": mark}),
            client.create({"userName": "eve", "password": mark}),
        ]

    answers = changes()
    assert [one.status for one in answers] == [200, 200, 200, 200, 409, 201]
    for fault in ("refuse.password", "refuse.quoting", "leak.set"):
        (gate.directory / fault).touch()
        failed = changes()
        assert {one.status for one in failed} <= {400, 409, 503}, failed
        answers += failed
        assert eventually(lambda: host.open_entries() == 0), host.trouble()
    answers += [
        client.request("POST", "/Users", b'{"userName": "x", "password": "' + mark.encode() + b'"'),
        client.request("POST", "/Users", b'{"userName": "x", "password": "' + mark.encode() + b'\\ud800"}'),
        *(
            client.create({"userName": "x", "password": value})
            for value in ([mark], {"value": mark}, [{"value": mark}], f"{mark}\0", mark * 100_000)
        ),
        client.create({"userName": "x", "password": mark, "title": 7, "emails": mark}),
        client.patch(object_id, {"op": "Replace", "path": "password", "value": [mark, mark]}),
        client.patch(object_id, {"op": "Remove", "path": "password", "value": mark}),
        client.patch(object_id, {"op": "Replace", "path": f'password[value eq "{mark}"]', "value": mark}),
        client.request("PATCH", f"/Users/{object_id}", {"Operations": [{"op": "Replace", "password": mark}]}),
        *(
            client.search(text)
            for text in (f'password eq "{mark}"', f'userName eq "ada" and password eq "{mark}"', f"password {mark}")
        ),
        client.get(f"/Users?password={mark}"),
        client.get(f"/Users/{object_id}?attributes=password"),
        second.search(f'{extension}:export_password eq "{mark}"'),
    ]
    outputs = [
        home.command(*words) for words in (("check",), ("objects", "gate", "--json"), ("journal", "gate", "--json"))
    ]
    _, states = host.ready()
    assert host.stop() == 0

    shown = "".join(answer.body.decode() for answer in answers) + str(states)
    shown += "".join(output.stdout + output.stderr for output in outputs)
    assert mark not in shown
    assert "not repeated" in shown
    assert files_with(home.path, mark) == set()


def test_values_of_people_are_in_no_log_at_any_level(home: Any, start: Any, kind: str, person: dict[str, Any]) -> None:
    mark = canary()
    target = home.target(kind, "people")
    home.connect("people", target)
    host = start(home)
    client = host.client("people")
    object_id = client.created(person | {"title": mark, "userName": f"{mark}@example.com", "nickName": mark})
    client.patch(object_id, {"op": "Replace", "path": "displayName", "value": f"{mark} too"})
    ignored = f'ims[value eq "{mark}"].display'
    assert client.patch(object_id, {"op": "Replace", "path": ignored, "value": mark}).status == 200
    client.matched(f"{mark}@example.com")
    client.delete(object_id)

    assert mark not in host.log()
    assert "attributes_ignored" in host.log()


def test_files_that_the_host_makes_are_its_owners_alone(home: Any, start: Any) -> None:
    home.connect("people", home.csv("people"))
    host = start(home)
    host.client("people").created({"userName": "somebody"})

    made = [*home.path.glob("space.db*"), *(home.path / "run").rglob("*"), home.path / "run"]
    assert len(made) >= 6
    open_to_others = {str(path) for path in made if path.stat().st_mode & 0o077 and not is_inside(path, made)}
    assert open_to_others == set()


def is_inside(path: Path, made: list[Path]) -> bool:
    """Whether a directory that only its owner can enter is above the path."""
    return any(parent in made and not parent.stat().st_mode & 0o077 for parent in path.parents)
