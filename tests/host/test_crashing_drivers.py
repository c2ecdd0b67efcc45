"""A driver that ends the process it is used in: others take its place, and nothing is lost, twice or half."""

import os
import signal
import uuid
from pathlib import Path
from typing import Any

import pytest
from ecmahost_host_kit.homes import GATE, PROGRAMS
from ecmahost_host_kit.targets import Gate

TITLE = {"op": "Replace", "path": "title", "value": "Countess"}
LOST = OSError


class Brittle(Gate):
    def crash(self, place: str) -> None:
        (self.directory / f"abort.{place}").touch()

    def mend(self, place: str) -> None:
        (self.directory / f"abort.{place}").unlink()

    def crashed(self, place: str) -> bool:
        return not (self.directory / f"abort.{place}").exists()


@pytest.fixture
def brittle(home: Any) -> Brittle:
    directory = home.path / "target.brittle"
    (directory / "objects").mkdir(parents=True)
    home.install("ecmahost_gate", (PROGRAMS / "gate_connector.py").read_text(), "gate")
    home.install("ecmahost_brittle", (Path(PROGRAMS) / "crashing_connector.py").read_text(), "brittle")
    text = GATE.format(instance=uuid.uuid4(), directory=directory, connectivity="", mapping="")
    home.connector("brittle", text.replace('type = "gate"', 'type = "brittle"'))
    home.connect("steady", home.sqlite("steady"))
    found = Brittle(directory)
    for number in range(20):
        found.add(f"known{number}")
    return found


def steady_is_well(host: Any) -> None:
    client = host.client("steady")
    name = f"n{uuid.uuid4().hex}"
    assert client.create({"userName": name}).status == 201
    assert len(client.matched(name)) == 1


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_change_whose_driver_ends_the_process_is_made_once(
    start: Any, home: Any, brittle: Brittle, eventually: Any, place: str
) -> None:
    host = start(home)
    client = host.client("brittle")
    (known,) = client.matched("known1")
    for number, request in enumerate(
        (
            lambda: client.create({"userName": "ada"}),
            lambda: client.patch(known["id"], TITLE),
            lambda: client.delete(known["id"]),
        )
    ):
        before = host.pids()["web"]
        brittle.crash(f"{place}.once")
        with pytest.raises(LOST):
            request()
        assert brittle.crashed(f"{place}.once")
        # Another process takes the place of the one that ended, and settles what that has left.
        assert eventually(lambda before=before: host.pids()["web"] - before, 20), host.trouble()
        assert eventually(lambda: host.is_ready() and host.open_entries() == 0, 20), host.trouble()
        steady_is_well(host)
        if number == 0:
            # As Entra does after a request that was lost: match, then create.
            there = client.matched("ada")
            assert len(there) == (place == "after")
            if not there:
                assert client.create({"userName": "ada"}).status == 201
            assert brittle.additions() == ["ada"]
        elif number == 1:
            assert client.user(known["id"]).json.get("title") == (None if place == "before" else "Countess")
            assert client.patch(known["id"], TITLE).status == 200
            assert brittle.object("known1")["Title"] == "Countess"
        else:
            assert client.delete(known["id"]).status == (404 if place == "after" else 204)
            assert "known1" not in brittle.names()
    assert len(client.matched("ada")) == 1


def test_a_match_whose_driver_ends_the_process_is_answered_by_another(
    start: Any, home: Any, brittle: Brittle, eventually: Any
) -> None:
    host = start(home)
    client = host.client("brittle")
    brittle.crash("read.once")
    with pytest.raises(LOST):
        client.match("nobody")
    assert brittle.crashed("read.once")
    assert client.matched("nobody") == []
    steady_is_well(host)
    assert eventually(lambda: len(host.pids()["web"]) == 2), host.trouble()


def test_an_import_whose_driver_ends_the_process_begins_anew_and_takes_nobody_away(
    start: Any, home: Any, brittle: Brittle
) -> None:
    brittle.crash("import.once")
    host = start(home)
    assert brittle.crashed("import.once")
    assert host.events("background_ended")
    client = host.client("brittle")
    assert client.get("/Users?count=0").json["totalResults"] == 20
    brittle.add("new")
    brittle.crash("import.once")
    assert home.command("import", "brittle").returncode != 0  # in a process of its own
    assert brittle.crashed("import.once")
    assert client.get("/Users?count=0").json["totalResults"] == 20
    done = home.command("import", "brittle")
    assert done.returncode == 0, done.stderr
    assert client.get("/Users?count=0").json["totalResults"] == 21


def test_while_every_import_ends_the_worker_process_everybody_is_served(
    start: Any, home: Any, brittle: Brittle, eventually: Any
) -> None:
    host = start(home)
    brittle.crash("import")
    (worker,) = host.pids()["worker"]
    os.kill(worker, signal.SIGKILL)
    assert eventually(lambda: len(host.events("background_ended")) >= 3, 30), host.trouble()
    steady_is_well(host)
    client = host.client("brittle")
    assert len(client.matched("known1")) == 1
    assert client.create({"userName": "ada"}).status == 201
    brittle.add("new")
    brittle.mend("import")
    assert eventually(lambda: client.get("/Users?count=0").json["totalResults"] == 22, 60), host.trouble()


def test_a_connector_whose_imports_always_end_the_worker_process_keeps_no_other_from_its_own(
    start: Any, home: Any, brittle: Brittle, eventually: Any
) -> None:
    brittle.crash("import")
    host = start(home, ready=False)
    assert eventually(lambda: host.client("steady").match("nobody").status == 200, 60), host.trouble()
    assert len(host.events("background_ended")) >= 2
    assert host.client("brittle").match("known1").status == 503  # nothing was imported yet: never "none"
    brittle.mend("import")
    assert eventually(host.is_ready, 60), host.trouble()
    assert len(host.client("brittle").matched("known1")) == 1
