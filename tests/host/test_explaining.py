"""``ecmahost explain`` and ``/admin/v1/`` beside a host that runs: what is told is what then happens."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from typing import Any

import pytest
from ecmahost_host_kit.hosts import RunningHost, launch

KINDS = ("csv", "sqlite", "postgresql")


@pytest.fixture(scope="module")
def served(make_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningHost, Any, str]]:
    """A host with a connector of each kind, whose administration is enabled, and its token."""
    home = make_home(tmp_path_factory.mktemp("explaining") / "home")
    targets = {kind: home.target(kind, kind) for kind in KINDS}
    for kind, target in targets.items():
        home.connect(kind, target)
    database = targets["postgresql"].database
    targets["postgresql"].execute(f"ALTER DATABASE {database} SET log_statement = 'mod'")
    done = home.command("admin-token")
    assert done.returncode == 0, done.stderr
    settings = home.path / "ecmahost.toml"
    settings.write_text(settings.read_text().replace("[admin]", "[admin]\nenabled = true"))
    host = launch(home)
    try:
        yield host, targets, done.stdout.strip()
    finally:
        host.kill()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def asked(host: RunningHost, kind: str, token: str, request: dict[str, Any]) -> dict[str, Any]:
    """What both doors tell, which is the same but for the identifiers of the changes."""
    body = json.dumps(request).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    client = host.plain()
    over_http = client.send("POST", f"/admin/v1/connectors/{kind}/explain", body, headers)
    assert over_http.status == 200, over_http.body
    file = host.home.path / "request.json"
    file.write_bytes(body)
    done = host.home.command("explain", kind, str(file), "--json")
    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)["requests"]
    (same,) = over_http.json["requests"]
    assert _nameless(told) == _nameless(same)
    return dict(told)


def _nameless(told: dict[str, Any]) -> dict[str, Any]:
    return json.loads(re.sub(r'"identifier": "\w+"', '"identifier": ""', json.dumps(told)))


def written(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for step in told["steps"] for one in step["statements"] if one["writes"]]


def changes_of(target: Any, kind: str) -> Callable[[dict[str, Any]], None]:
    """Remembers how the target stands; what is returned compares what happened since with what was told."""
    if kind == "csv":
        before = target.path.read_text().splitlines()

        def compare(told: dict[str, Any]) -> None:
            after = target.path.read_text().splitlines()
            lines = [line for one in written(told) for line in one["text"].splitlines() if line[:2] in ("- ", "+ ")]
            removed, added = ([line for line in a if line not in b] for a, b in ((before, after), (after, before)))
            assert [f"- {line}" for line in removed] + [f"+ {line}" for line in added] == lines

    elif kind == "sqlite":
        copy = shutil.copy(target.path, target.path.with_suffix(".copy"))

        def compare(told: dict[str, Any]) -> None:
            with closing(sqlite3.connect(copy)) as mine, closing(sqlite3.connect(target.path)) as done:
                for one in written(told):
                    mine.execute(one["text"], one["parameters"])
                mine.commit()
                assert list(mine.iterdump()) == list(done.iterdump())

    else:
        log = target.server.directory / "log"
        size = log.stat().st_size

        def compare(told: dict[str, Any]) -> None:
            # The driver sends numbers for booleans, and the server logs what it takes them for.
            text = log.read_text()[size:].replace("= 'f'", "= '0'").replace("= 't'", "= '1'")
            logged = re.findall(r"execute \S+: (.*)\n.*DETAIL: +parameters: (.*)", text)
            assert logged == [(_numbered(one["text"]), _shown(one["parameters"])) for one in written(told)]

    return compare


def _numbered(text: str) -> str:
    numbers = count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", text)


def _shown(parameters: list[Any]) -> str:
    shown = ("NULL" if one is None else "'" + str(one).replace("'", "''") + "'" for one in parameters)
    return ", ".join(f"${number} = {one}" for number, one in enumerate(shown, 1))


def test_what_is_told_is_what_then_happens(served: Any, kind: str) -> None:
    host, targets, token = served
    client = host.client(kind)
    created = client.create({"userName": "ada", "displayName": "Ada", "active": True})
    assert created.status == 201, created
    path = f"/Users/{created.json['id']}"
    operations = [
        {"op": "Replace", "path": "displayName", "value": "Ada, Countess"},
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "ada@example.com"},
        {"op": "Replace", "path": "active", "value": "False"},
    ]
    for method, where, body in (
        ("PATCH", path, {"Operations": operations}),
        ("PATCH", path, {"Operations": operations}),
        ("PUT", path, {"userName": "ada", "title": "Dr."}),
        ("POST", "/Users", {"userName": "bob", "displayName": "B'ob; --"}),
        ("POST", "/Users", {"userName": "BOB"}),
        ("DELETE", path, None),
        ("DELETE", path, None),
    ):
        state = targets[kind].rows()
        told = asked(host, kind, token, {"method": method, "path": where, "body": body})
        assert targets[kind].rows() == state
        compare = changes_of(targets[kind], kind)
        answer = client.request(method, where, body)
        assert answer.status == told["answer"]["status"], (method, told, answer.body)
        if answer.status >= 400:
            assert answer.json["detail"] == told["answer"]["detail"]
            assert targets[kind].rows() == state
        else:
            compare(told)
        assert host.open_entries() == 0


def test_no_token_and_no_value_of_an_explained_request_is_in_the_log(served: Any) -> None:
    host, _targets, token = served
    canary = "c4n4ry-Value"
    asked(host, "sqlite", token, {"method": "POST", "path": "/Users", "body": {"userName": canary}})
    assert canary not in host.log()
    assert token not in host.log()
    assert any(one["route"].startswith("/admin/v1/") for one in host.events("request"))


def test_the_doors_stay_apart(served: Any) -> None:
    host, _targets, token = served
    assert host.client("sqlite", token=token).get("/Users").status == 401
    headers = {"Authorization": f"Bearer {host.home.minted('sqlite')}", "Content-Type": "application/json"}
    refused = host.plain().send("POST", "/admin/v1/connectors/sqlite/explain", b"{}", headers)
    assert refused.status == 401
