"""A source that has suddenly lost its people: nobody is taken as gone before a person has said so."""

import json
from pathlib import Path
from typing import Any

import pytest

PEOPLE = [f"user{number}" for number in range(20)]


@pytest.fixture
def filled(home: Any, kind: str) -> Any:
    """A target with twenty people, connected as ``people``."""
    target = home.target(kind, "people")
    for name in PEOPLE:
        target.add(UserName=name, Title="here")
    home.connect("people", target)
    return target


def test_an_emptied_source_is_held_served_reported_and_forgiven_when_it_is_whole_again(
    home: Any, start: Any, filled: Any
) -> None:
    host = start(home)
    client = host.client("people")
    (found,) = client.matched("user7")
    filled.hide()

    held = home.command("import", "people", "--json")

    assert held.returncode == 1
    counts = json.loads(held.stdout)
    assert (counts["held"], counts["removed"]) == (20, 0)
    assert "--confirm" in home.command("import", "people").stderr
    assert client.matched("user7") == [found]
    assert client.user(found["id"]).json == found
    assert client.get("/Users?count=0").json["totalResults"] == 20
    status, states = host.ready()
    assert (status, states["people"]["removals_held"]) == (200, 20)
    # A write notices that this one person is missing; with the alarm up, that is not taken as a deletion either.
    refused = client.patch(found["id"], {"op": "Replace", "path": "title", "value": "gone?"})
    assert refused.status == 503
    assert "--confirm" in refused.json["detail"]
    assert client.user(found["id"]).json == found

    filled.restore()
    mended = home.command("import", "people", "--json")

    assert mended.returncode == 0, mended.stderr
    assert json.loads(mended.stdout)["held"] == 0
    assert "removals_held" not in host.ready()[1]["people"]
    assert client.get("/Users?count=0").json["totalResults"] == 20
    assert client.matched("user7")[0]["title"] == "here"
    assert host.events("request_failed") == []


def test_a_confirmation_removes_what_was_held(home: Any, start: Any, filled: Any) -> None:
    host = start(home)
    client = host.client("people")
    (gone,) = client.matched("user7")
    filled.hide(*PEOPLE[2:])
    assert home.command("import", "people").returncode == 1

    confirmed = home.command("import", "people", "--confirm", "--json")

    assert confirmed.returncode == 0, confirmed.stderr
    assert json.loads(confirmed.stdout)["removed"] == 18
    assert "removals_held" not in host.ready()[1]["people"]
    assert client.get("/Users?count=0").json["totalResults"] == 2
    assert client.matched("user7") == []
    assert client.user(gone["id"]).status == 404
    assert len(client.matched("user1")) == 1


def test_additions_and_changes_of_a_held_import_count_at_once(home: Any, start: Any, filled: Any) -> None:
    client = start(home).client("people")
    filled.hide(*PEOPLE[1:])
    filled.retitle("user0", "changed")
    filled.add(UserName="newcomer")

    held = home.command("import", "people", "--json")

    assert (held.returncode, json.loads(held.stdout)["held"]) == (1, 19)
    assert [one["title"] for one in client.matched("user0")] == ["changed"]
    assert {one["userName"] for one in client.get("/Users").resources} == {"newcomer", *PEOPLE}


def test_a_few_removals_need_no_confirmation(home: Any, start: Any, filled: Any) -> None:
    client = start(home).client("people")
    filled.hide(*PEOPLE[-3:])

    done = home.command("import", "people", "--json")

    assert (done.returncode, json.loads(done.stdout)["removed"]) == (0, 3)
    assert client.matched("user18") == []


def test_the_worker_holds_the_same_way_when_it_imports_at_start(
    home: Any, start: Any, filled: Any, eventually: Any
) -> None:
    host = start(home)
    (found,) = host.client("people").matched("user3")
    assert host.stop() == 0
    filled.hide()

    host = start(home)

    assert eventually(lambda: host.ready()[1]["people"].get("removals_held") == 20)
    (again,) = host.client("people").matched("user3")
    assert (again["id"], again["meta"]["version"]) == (found["id"], found["meta"]["version"])
    (event,) = host.events("import_removals_held")
    assert (event["connector"], event["missing"], event["live"]) == ("people", 20, 20)


def test_a_source_that_is_gone_fails_the_import_and_removes_nothing(home: Any, start: Any, filled: Any) -> None:
    host = start(home)
    client = host.client("people")
    (found,) = client.matched("user7")
    away = Path(f"{filled.path}.away")
    filled.path.rename(away)

    failed = home.command("import", "people")

    assert failed.returncode == 1
    assert "nothing was removed" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert client.matched("user7") == [found]
    assert host.ready()[1]["people"]["last_import"] == "failed"
    assert not filled.path.exists()

    away.rename(filled.path)
    assert home.command("import", "people").returncode == 0
    assert "last_import" not in host.ready()[1]["people"]
