"""Changes that must not become an outage: tokens, half an edit, another target, a reset; with all processes running."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ecmahost_host_kit.hosts import eventually


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def reload(host: Any, processes: int = 3) -> None:
    before = len(host.events("connectors_loaded"))
    host.signal(signal.SIGHUP)
    assert eventually(lambda: len(host.events("connectors_loaded")) >= before + processes), host.trouble()


@contextmanager
def asking(client: Any, name: str) -> Iterator[Counter[int]]:
    """Asks for somebody without a pause; yields the count of each status."""
    stop = threading.Event()
    statuses: Counter[int] = Counter()

    def ask() -> None:
        while not stop.is_set():
            statuses[client.match(name).status] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        thread.join(30)


def rotated(home: Any, *arguments: str) -> str:
    done = home.command("token", "people", *arguments)
    assert done.returncode == 0, done.stderr
    return str(done.stdout.strip())


@pytest.fixture
def people(home: Any) -> Any:
    """The connector ``people``, with one of them."""
    target = home.sqlite("people")
    target.add(UserName="somebody")
    target.file = home.connect("people", target)
    return target


def test_a_token_is_rotated_while_both_are_in_use_and_nobody_is_refused(home: Any, people: Any, start: Any) -> None:
    first = rotated(home)
    host = start(home)
    imports = len(host.events("import_completed"))
    with asking(host.client("people", token=first), "somebody") as with_first:
        second = rotated(home, "--rotate", "--keep-old-for", "1h")
        client = host.client("people", token=second)
        assert eventually(lambda: client.match("somebody").status == 200)
        with asking(host.client("people", token=second), "somebody") as with_second:
            assert eventually(lambda: with_first[200] > 200 and with_second[200] > 200, 30)
            assert set(with_first) == {200}
        third = rotated(home, "--rotate")  # at most two, and without a time none of the old ones
        assert eventually(lambda: with_first[401] > 5)
    # For a moment one process knows the second token already and another does not; afterwards all do.
    assert eventually(
        lambda: [host.client("people", token=third).match("somebody").status for _ in range(20)] == [200] * 20
    )
    assert {host.client("people", token=second).match("somebody").status for _ in range(20)} == {401}
    assert len(host.events("import_completed")) == imports  # nothing was built anew for it


def test_a_machine_that_reboots_over_half_an_edit_serves_what_it_served(home: Any, people: Any, start: Any) -> None:
    host = start(home)
    (before,) = host.client("people").matched("somebody")
    assert host.stop() == 0
    edit(people.file, "[schema_mapping.User]", "[schema_mapping.User")
    host = start(home)
    assert [one["id"] for one in host.client("people").matched("somebody")] == [before["id"]]
    assert host.client("people").create({"userName": "another"}).status == 201
    assert host.ready() == (200, {"people": {"ready": True, "configuration": "broken"}})
    assert host.events("connector_on_last_good_configuration")
    assert home.command("check").returncode == 3
    edit(people.file, "[schema_mapping.User", "[schema_mapping.User]")
    reload(host)
    assert host.ready() == (200, {"people": {"ready": True}})


def test_a_process_that_is_replaced_does_not_take_what_nobody_asked_to_be_taken(
    home: Any, people: Any, start: Any
) -> None:
    home.settings(workers=1)
    host = start(home)
    edit(people.file, "'title' = \"Title\"", "'title' = \"UserName\"")
    (web,) = host.pids()["web"]
    os.kill(web, signal.SIGKILL)
    assert eventually(lambda: host.pids()["web"] not in ({web}, set()))
    assert eventually(host.is_ready)
    assert "title" not in host.client("people").matched("somebody")[0]
    reload(host, processes=2)
    assert host.client("people").matched("somebody")[0]["title"] == "somebody"


def test_another_target_is_refused_put_back_accepted_and_reset_without_a_restart(
    home: Any, people: Any, start: Any
) -> None:
    other = home.sqlite("other")
    other.add(UserName="stranger")
    steady = home.csv("steady")
    home.connect("steady", steady)
    edit(people.file, "anchor_immutable = true", "")
    host = start(home)
    client, pids = host.client("people"), host.pids()
    (before,) = client.matched("somebody")
    with asking(host.client("steady"), "nobody") as others:
        # Half an edit, or a mistake: nobody is answered for, nobody is lost, and put back it serves again.
        edit(people.file, str(people.path), str(other.path))
        reload(host)
        refused = client.user(before["id"])
        assert refused.status == 503
        assert "ecmahost check people" in refused.json["detail"]
        assert str(other.path) not in refused.json["detail"]
        assert client.match("stranger").status == client.create({"userName": "new"}).status == 503
        state = host.ready()[1]["people"]
        assert (state["ready"], state["reason"], state["changed"]) == (False, "space", ["connectivity"])
        assert home.command("accept", "people", "--confirm").returncode == 1
        edit(people.file, str(other.path), str(people.path))
        reload(host)
        assert client.matched("somebody") == [before]

        # The same database under another name: everybody keeps the id.
        moved = people.path.with_name("moved.db")
        people.path.rename(moved)
        edit(people.file, str(people.path), str(moved))
        reload(host)
        assert client.user(before["id"]).status == 503
        assert home.command("accept", "people", "--confirm").returncode == 0
        assert eventually(lambda: client.user(before["id"]).status == 200)
        assert client.matched("somebody") == [before]

        # Really another one: a reset, and the first import makes it visible.
        edit(people.file, str(moved), str(other.path))
        reload(host)
        done = home.command("reset", "people", "--confirm")
        assert done.returncode == 0, done.stderr
        assert eventually(lambda: client.match("stranger").status == 200), host.trouble()
        assert [one["userName"] for one in client.get("/Users").resources] == ["stranger"]
        assert client.user(before["id"]).status == 404
        assert eventually(host.is_ready)
    assert set(others) == {200}
    assert host.pids() == pids
    assert host.open_entries() == 0


def test_a_reset_of_a_connector_that_is_being_used_never_says_that_somebody_is_not_there(
    home: Any, people: Any, start: Any
) -> None:
    # Its anchor is immutable, so the same id comes back; between the two it is 503 and never 404 or an empty list.
    host = start(home)
    client = host.client("people")
    (before,) = client.matched("somebody")
    stop = threading.Event()
    seen: list[tuple[int, int]] = []

    def ask() -> None:
        mine = host.client("people")
        while not stop.is_set():
            answer = mine.match("somebody")
            seen.append((answer.status, len(answer.json["Resources"]) if answer.status == 200 else 0))
            seen.append((mine.user(before["id"]).status, 1))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        done = home.command("reset", "people", "--confirm")
        assert done.returncode == 0, done.stderr
        assert eventually(lambda: len(host.events("import_completed")) == 2, 30), host.trouble()
        # Within a second every process knows of the reset.
        done_at = len(seen)
        assert eventually(lambda: len(seen) > done_at + 300 and seen[-1] == (200, 1), 30), host.trouble()
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert {status for status, _ in seen} <= {200, 503}
    assert (200, 0) not in seen
    assert client.matched("somebody")[0]["id"] == before["id"]


def test_a_reset_while_no_host_runs_leaves_nothing_of_the_people_behind(home: Any, people: Any, start: Any) -> None:
    host = start(home)
    assert host.client("people").create({"userName": "canary-somebody"}).status == 201
    assert host.stop() == 0
    done = home.command("reset", "people", "--confirm")
    assert done.returncode == 0, done.stderr
    assert "No host serves this home" in done.stderr
    people.execute("DELETE FROM Employees")
    host = start(home)
    assert host.client("people").get("/Users").json["totalResults"] == 0


def test_an_attribute_that_is_selected_by_a_reload_is_there_after_the_import_that_follows(
    home: Any, people: Any, start: Any
) -> None:
    people.execute("UPDATE Employees SET Title = 'Countess'")
    edit(people.file, "'title' = \"Title\"\n", "")
    host = start(home)
    client = host.client("people")
    assert "title" not in client.matched("somebody")[0]
    edit(people.file, "[schema_mapping.User]\n", "[schema_mapping.User]\n'title' = \"Title\"\n")
    edit(people.file, 'query_attributes = ["UserName"]', 'query_attributes = ["UserName", "Title"]')
    reload(host)
    answer = client.match("Countess", "title")  # by the target itself until the import has come
    assert [one["userName"] for one in answer.resources] == ["somebody"]
    assert eventually(lambda: client.matched("somebody")[0].get("title") == "Countess")
    assert eventually(lambda: "attributes" not in host.ready()[1]["people"])
