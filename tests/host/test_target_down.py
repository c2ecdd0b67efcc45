"""A target that cannot be reached: what is known is served, what is not known is never called "none"."""

import http.client
import time
from pathlib import Path
from typing import Any

import pytest

IMPORTING = "The ECMA host is currently importing data from the target application"


@pytest.fixture
def people(home: Any, kind: str) -> Any:
    target = home.target(kind, "people")
    target.add(UserName="known")
    home.connect("people", target)
    return target


def away(target: Any) -> Path:
    return Path(f"{target.path}.away")


def test_while_the_target_is_down_misses_and_writes_are_503_and_hits_are_served(
    home: Any, start: Any, people: Any, person: dict[str, Any]
) -> None:
    host = start(home)
    client = host.client("people")
    (known,) = client.matched("known")
    people.path.rename(away(people))

    missed = client.match("unknown")
    assert missed.status == 503
    assert client.create(person).status == 503
    assert client.patch(known["id"], {"op": "Replace", "path": "title", "value": "x"}).status == 503
    assert client.put(known["id"], {"userName": "known", "title": "x"}).status == 503
    assert client.delete(known["id"]).status == 503
    assert client.matched("KNOWN ") == [known]
    assert client.user(known["id"]).json == known
    assert client.get("/Users").resources == [known]
    assert client.get("/Schemas").status == 200
    # What changes nothing asks nobody.
    assert client.patch(known["id"], {"op": "Replace", "path": "userName", "value": "known"}).status == 200
    assert not people.path.exists(), "a target that was away must not be made anew"
    assert host.ready()[0] == 200
    assert host.open_entries() == 0

    away(people).rename(people.path)
    assert client.matched("unknown") == []
    assert client.create(person).status == 201
    assert client.patch(known["id"], {"op": "Replace", "path": "title", "value": "x"}).json["title"] == "x"
    assert client.delete(known["id"]).status == 204


def test_a_host_whose_target_is_down_at_start_serves_what_it_knew_and_works_when_the_target_is_back(
    home: Any, start: Any, people: Any, person: dict[str, Any], eventually: Any
) -> None:
    host = start(home)
    (known,) = host.client("people").matched("known")
    assert host.stop() == 0
    people.path.rename(away(people))

    host = start(home)
    client = host.client("people")

    (again,) = client.matched("known")
    assert (again["id"], again["meta"]["version"]) == (known["id"], known["meta"]["version"])
    assert client.match("unknown").status == 503
    assert client.create(person).status == 503
    away(people).rename(people.path)
    assert eventually(lambda: client.create(person).status == 201)
    assert client.matched("unknown") == []


def test_a_host_that_never_reached_its_target_says_that_it_imports_and_recovers_by_itself(
    home: Any, start: Any, people: Any, eventually: Any
) -> None:
    people.path.rename(away(people))
    host = start(home, ready=False)
    client = host.client("people")

    assert client.match("known").status == 503
    assert client.get("/Users").status == 503
    assert client.user("1").status == 503
    assert client.create({"userName": "known"}).status == 503
    status, states = host.ready()
    assert (status, states["people"]["ready"]) == (503, False)
    checked = home.command("check", "people")
    assert checked.returncode == 1
    assert "Traceback" not in checked.stderr + checked.stdout

    away(people).rename(people.path)
    # The import that failed is tried again after some seconds.
    assert eventually(host.is_ready, 15), host.trouble()
    # A web worker that has just failed to learn the columns asks the target again after some seconds.
    assert eventually(lambda: client.match("known").status == 200)
    assert [one["userName"] for one in client.matched("known")] == ["known"]
    assert client.create({"userName": "known"}).status == 409


def test_a_directory_without_rights_is_a_target_that_is_down(home: Any, start: Any, people: Any) -> None:
    # The account that runs the tests may be root, whom no mode stops: a directory in the file's place stops everybody.
    host = start(home)
    client = host.client("people")
    (known,) = client.matched("known")
    people.path.rename(away(people))
    people.path.mkdir()

    assert client.match("unknown").status == 503
    assert client.create({"userName": "unknown"}).status == 503
    assert client.matched("known") == [known]

    people.path.rmdir()
    away(people).rename(people.path)
    assert client.matched("unknown") == []
    assert client.create({"userName": "unknown"}).status == 201


def test_until_the_first_import_is_complete_everything_is_503_in_microsofts_words(
    home: Any, start: Any, gate: Any, eventually: Any
) -> None:
    gate.add("known")
    gate.hold("import")
    host = start(home, ready=False)
    client = host.client("gate")
    assert eventually(lambda: gate.held("import"))

    for answer in (
        client.match("known"),
        client.match("unknown"),
        client.get("/Users"),
        client.user("1"),
        client.create({"userName": "new"}),
        client.patch("1", {"op": "Replace", "path": "title", "value": "x"}),
        client.delete("1"),
    ):
        assert answer.status == 503
        assert answer.json["detail"] == IMPORTING
        assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/Schemas").status == 200
    assert host.ready() == (503, {"gate": {"ready": False, "reason": "importing"}})
    assert "new" not in gate.names()

    gate.release("import")
    assert eventually(host.is_ready)
    assert [one["userName"] for one in client.matched("known")] == ["known"]
    assert client.create({"userName": "new"}).status == 201


def test_a_later_import_hides_nothing_and_overwrites_nothing_that_was_written_meanwhile(
    home: Any, start: Any, gate: Any, eventually: Any
) -> None:
    for name in ("stays", "changes", "goes"):
        gate.add(name)
    host = start(home)
    client = host.client("gate")
    ids = {one["userName"]: one["id"] for one in client.get("/Users").resources}
    host.stop()
    gate.hold("import.page")
    host = start(home)
    client = host.client("gate")
    assert eventually(lambda: gate.held("import.page"))

    # The import has read its page and not handed it over yet.
    assert client.patch(ids["changes"], {"op": "Replace", "path": "title", "value": "newer"}).status == 200
    assert client.delete(ids["goes"]).status == 204
    new_id = client.created({"userName": "comes"})
    gate.release("import.page")
    assert eventually(lambda: host.events("import_completed"))

    assert client.user(ids["changes"]).json["title"] == "newer"
    assert client.user(ids["goes"]).status == 404
    assert client.matched("goes") == []
    assert [one["id"] for one in client.matched("comes")] == [new_id]
    assert client.get("/Users?count=0").json["totalResults"] == 3


def test_two_imports_of_one_connector_never_run_together(home: Any, start: Any, gate: Any, eventually: Any) -> None:
    gate.hold("import")
    host = start(home, ready=False)
    assert eventually(lambda: gate.held("import"))

    second = home.command("import", "gate")

    assert second.returncode == 1
    assert "is importing gate" in second.stderr
    gate.release("import")
    assert eventually(host.is_ready)
    assert home.command("import", "gate").returncode == 0


def test_a_stopping_host_answers_what_it_has_begun(home: Any, start: Any, gate: Any, eventually: Any) -> None:
    host = start(home)
    client = host.client("gate")
    connection = client.connect()
    gate.hold("export")
    connection.request(
        "POST",
        f"{client.base}/Users",
        b'{"userName": "late"}',
        {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"},
    )
    assert eventually(lambda: gate.held("export"))
    host.process.terminate()
    time.sleep(0.5)
    gate.release("export")

    response = connection.getresponse()

    assert isinstance(response, http.client.HTTPResponse)
    assert response.status == 201
    response.read()
    assert host.process.wait(40) == 0
    assert gate.additions() == ["late"]
