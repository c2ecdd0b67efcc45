"""A target, or its connector, that says what is not so: what is caught at once, and what the next import finds."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from ecmahost_host_kit.homes import GATE, PROGRAMS
from ecmahost_host_kit.targets import Gate

TITLE = {"op": "Replace", "path": "title", "value": "Countess"}


class Liar(Gate):
    def lie(self, what: str) -> None:
        (self.directory / f"lie.{what}").touch()

    def repent(self, what: str) -> None:
        (self.directory / f"lie.{what}").unlink()


@pytest.fixture
def liar(home: Any) -> Liar:
    directory = home.path / "target.liar"
    (directory / "objects").mkdir(parents=True)
    home.install("ecmahost_gate", (PROGRAMS / "gate_connector.py").read_text(), "gate")
    home.install("ecmahost_liar", (Path(PROGRAMS) / "lying_connector.py").read_text(), "liar")
    text = GATE.format(instance=uuid.uuid4(), directory=directory, connectivity="", mapping="")
    home.connector("liar", text.replace('type = "gate"', 'type = "liar"'))
    steady = home.sqlite("steady")
    home.connect("steady", steady)
    found = Liar(directory)
    for number in range(20):
        found.add(f"known{number}")
    return found


@pytest.mark.parametrize("lie", ["twice", "another change", "too few"])
def test_answers_that_fit_no_change_are_a_broken_contract_and_the_target_is_looked_at(
    home: Any, start: Any, liar: Liar, eventually: Any, lie: str
) -> None:
    host = start(home)
    client = host.client("liar")
    (known,) = client.matched("known1")
    liar.lie(lie)
    for request in (
        lambda: client.create({"userName": "ada"}),
        lambda: client.patch(known["id"], TITLE),
    ):
        answer = request()
        assert answer.status == 503
        assert "failed" in answer.json["detail"]
    assert host.events("export_broke_contract")
    assert host.client("steady").create({"userName": "somebody"}).status == 201
    # The changes were made: recovery has seen them, and nobody is told otherwise.
    assert eventually(lambda: host.open_entries() == 0), host.trouble()
    assert len(client.matched("ada")) == 1
    assert client.user(known["id"]).json["title"] == "Countess"
    liar.repent(lie)
    assert client.create({"userName": "ada"}).status == 409
    assert liar.names().count("ada") == 1
    assert client.patch(known["id"], TITLE).status == 200


def test_another_object_than_the_one_that_was_asked_for_is_nobodys_answer(home: Any, start: Any, liar: Liar) -> None:
    host = start(home)
    client = host.client("liar")
    before = client.get("/Users?count=0").json["totalResults"]
    liar.lie("somebody else")
    assert client.matched("ada") == []
    created = client.created({"userName": "ada"})
    assert client.user(created).json["userName"] == "ada"
    assert client.get("/Users?count=0").json["totalResults"] == before + 1
    assert liar.names().count("ada") == 1


def test_a_success_that_was_none_is_found_by_the_next_import(home: Any, start: Any, liar: Liar) -> None:
    host = start(home)
    client = host.client("liar")
    (known,) = client.matched("known1")
    liar.lie("unwritten")
    created = client.created({"userName": "ada"})
    assert client.patch(known["id"], TITLE).status == 200
    assert "ada" not in liar.names()
    liar.repent("unwritten")

    done = home.command("import", "liar")

    assert done.returncode == 0, done.stderr
    assert client.user(created).status == 404
    assert client.matched("ada") == []
    assert client.user(known["id"]).json.get("title", "") == ""
    # Entra's next cycle, which compares, does it again, and now it is true.
    assert client.created({"userName": "ada"}) != created
    assert client.patch(known["id"], TITLE).json["title"] == "Countess"
    assert liar.names().count("ada") == 1
    assert liar.object("known1")["Title"] == "Countess"
