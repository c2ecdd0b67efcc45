"""SIGHUP: connectors come, change and go while the others answer, in the processes that are there."""

import signal
import threading
from typing import Any

import pytest

BROKEN = {"ready": False, "reason": "configuration", "configuration": "broken"}


@pytest.fixture
def busy(home: Any, start: Any) -> Any:
    """A host with a connector ``steady`` that is asked without a pause; the test fails when it ever gets no 200."""
    steady = home.sqlite("steady")
    steady.add(UserName="somebody")
    home.connect("steady", steady)
    host = start(home)
    stop = threading.Event()
    statuses: list[int] = []

    def ask() -> None:
        client = host.client("steady")
        while not stop.is_set():
            statuses.append(client.match("somebody").status)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    yield host
    stop.set()
    for thread in threads:
        thread.join(20)
    assert len(statuses) > 20
    assert set(statuses) == {200}


def reload(host: Any, eventually: Any) -> None:
    """Sends SIGHUP and waits until all three processes have read the files anew."""
    before = len(host.events("connectors_loaded"))
    host.signal(signal.SIGHUP)
    assert eventually(lambda: len(host.events("connectors_loaded")) >= before + 3), host.trouble()


def test_a_new_connector_is_served_and_imported_and_no_process_is_replaced(
    home: Any, busy: Any, kind: str, eventually: Any
) -> None:
    pids = busy.pids()
    target = home.target(kind, "people")
    target.add(UserName="newcomer")
    home.connect("people", target)
    assert busy.client("people").get("/Users").status == 404

    reload(busy, eventually)

    assert eventually(busy.is_ready)
    client = busy.client("people")
    assert [one["userName"] for one in client.get("/Users").resources] == ["newcomer"]
    assert client.create({"userName": "another"}).status == 201
    assert busy.pids() == pids


def test_a_changed_connector_changes_and_a_broken_one_goes_on_as_it_was(home: Any, busy: Any, eventually: Any) -> None:
    target = home.csv("people")
    target.add(UserName="somebody", Title="Countess", DisplayName="Ada")
    path = home.connect("people", target)
    reload(busy, eventually)
    assert eventually(busy.is_ready)
    client = busy.client("people")
    (before,) = client.matched("somebody")
    assert before["title"] == "Countess"
    good = path.read_text()

    path.write_text(good.replace("'title' = \"Title\"", "'title' = \"DisplayName\""))
    reload(busy, eventually)
    (changed,) = client.matched("somebody")
    assert (changed["title"], changed["id"]) == ("Ada", before["id"])

    path.write_text(good.replace('anchor = "UserName"', 'anchors = "UserName"'))
    reload(busy, eventually)
    assert client.matched("somebody") == [changed]
    assert client.create({"userName": "served-as-before"}).status == 201
    problems = [event["problem"] for event in busy.events("configuration_problem")]
    assert any("anchors" in problem and str(path) in problem for problem in problems)
    assert home.command("check").returncode == 3
    assert busy.ready()[1]["people"] == {"ready": True, "configuration": "broken"}

    path.write_text(good)
    reload(busy, eventually)
    # The column is read again by the import that follows every change of a connector.
    assert eventually(lambda: client.matched("somebody")[0].get("title") == "Countess")
    assert home.command("check").returncode == 0
    assert "configuration" not in busy.ready()[1]["people"]


def test_a_removed_connector_is_404_afterwards_and_comes_back_with_its_people(
    home: Any, busy: Any, eventually: Any
) -> None:
    path = home.connect("people", home.sqlite("people"))
    reload(busy, eventually)
    assert eventually(busy.is_ready)
    client = busy.client("people")
    object_id = client.created({"userName": "somebody"})
    content = path.read_text()

    path.unlink()
    reload(busy, eventually)
    assert client.get("/Users").status == 404
    assert "people" not in busy.ready()[1]

    path.write_text(content)
    path.chmod(0o600)
    reload(busy, eventually)
    assert eventually(busy.is_ready)
    assert [one["id"] for one in client.matched("somebody")] == [object_id]


def test_a_connector_that_was_broken_from_the_start_is_503_and_served_after_it_is_mended(
    home: Any, start: Any, eventually: Any
) -> None:
    path = home.connect("people", home.csv("people"))
    good = path.read_text()
    path.write_text(good.replace("[connectivity]", "[connectivity]\nflie = 'x'"))
    home.connect("steady", home.csv("steady"))
    host = start(home, ready=False)
    assert eventually(lambda: host.ready()[1].get("steady", {}).get("ready") is True)

    # Its tokens are in the file that cannot be used, so nobody is let in; what is wrong is in /readyz and the log.
    assert host.client("people").get("/Users").status in (401, 503)
    assert host.ready() == (503, {"people": BROKEN, "steady": {"ready": True}})
    assert any("flie" in event["problem"] for event in host.events("configuration_problem"))

    path.write_text(good)
    reload(host, eventually)
    assert eventually(host.is_ready)
    assert host.client("people").create({"userName": "somebody"}).status == 201


def test_a_write_under_way_during_a_reload_of_its_connector_ends_well(
    home: Any, start: Any, gate: Any, eventually: Any
) -> None:
    home.settings(request_budget_seconds=5)
    host = start(home)
    client = host.client("gate")
    gate.hold("export")
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(client.create({"userName": "midway"})))
    thread.start()
    assert eventually(lambda: gate.held("export"))
    path = home.path / "connectors.d" / "gate.toml"
    path.write_text(path.read_text().replace('title = "Title"', 'title = "Title"\ndisplayName = "Title"'))

    host.signal(signal.SIGHUP)
    assert eventually(lambda: len(host.events("connectors_loaded")) >= 6), host.trouble()
    gate.release("export")
    thread.join(30)

    (answer,) = answers
    assert answer.status == 201
    assert gate.additions() == ["midway"]
    assert [one["id"] for one in host.client("gate").matched("midway")] == [answer.json["id"]]
    assert eventually(lambda: host.open_entries() == 0)
