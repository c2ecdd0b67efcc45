"""Hosts that are killed with SIGKILL while clients provision: in the end target, space and ledgers say the same.

``ECMAHOST_CRASH_KILLS=200 pytest tests/crash/test_killed_hosts.py`` is the long run; ``ECMAHOST_CRASH_SEED`` repeats
the choices of another one.
"""

import itertools
import json
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ecmahost_crash_kit.killers import POINTS, Killer
from ecmahost_crash_kit.ledgers import SHARED, expected, ids
from ecmahost_crash_kit.offices import CsvOffice, Office, ServerOffice, SqlOffice
from ecmahost_crash_kit.provisioners import Provisioner
from ecmahost_crash_kit.sites import Site, store_settings

KILLS = int(os.environ.get("ECMAHOST_CRASH_KILLS", "5"))
CLIENTS = 2
"""Of each connector."""
SETTLE_SECONDS = 60.0
_NUMBERS = itertools.count()


@pytest.fixture
def offices(tmp_path: Path, postgresql: Any) -> dict[str, Office]:
    """A target of each kind, without anybody in it."""
    csv = CsvOffice(tmp_path / "csv")
    csv.write()
    return {
        "sqlite": SqlOffice(tmp_path / "office.db"),
        "postgresql": ServerOffice(tmp_path / "office.connection", postgresql),
        "csv": csv,
    }


@pytest.fixture
def site(make_home: Any, tmp_path: Path, offices: dict[str, Office]) -> Iterator[Site]:
    """One host with its own store."""
    site = Site([make_home(tmp_path / "home")], offices)
    yield site
    site.close()


@pytest.fixture
def two_hosts(make_home: Any, tmp_path: Path, offices: dict[str, Office], postgresql: Any) -> Iterator[Site]:
    """Two hosts on one store in PostgreSQL."""
    schema = f"crash_{next(_NUMBERS)}_{os.getpid()}"
    settings = store_settings(tmp_path / "store.url", postgresql.url("postgres"), schema)
    site = Site([make_home(tmp_path / name) for name in ("one", "other")], offices, settings)
    yield site
    site.close()


def test_whatever_is_killed_nothing_is_lost_and_nothing_there_twice(site: Site, seed: int) -> None:
    prove(site, seed, KILLS)


def test_whatever_is_killed_of_two_hosts_on_one_store_nothing_is_lost_and_nothing_there_twice(
    two_hosts: Site, seed: int
) -> None:
    prove(two_hosts, seed, max(3, KILLS // 2))


def prove(site: Site, seed: int, kills: int) -> None:
    """Lets clients work while processes are killed, and compares what they have made with what there is."""
    for place in range(len(site.homes)):
        site.start(place)
    clients = provisioners(site, seed)
    killer = Killer(site, [one for each in clients.values() for one in each], random.Random(f"{seed} kills"))
    work(killer, kills)
    print(report(killer, clients))  # noqa: T201 - what a long run is for
    wrong = [found for one in killer.clients for found in one.wrong]
    assert not wrong, "\n".join([*wrong, site.trouble()])
    assert site.settled(SETTLE_SECONDS), site.trouble()
    assert killer.done.total() == kills
    assert all(sum(one.steps for one in each) >= kills for each in clients.values())
    with ThreadPoolExecutor(len(clients)) as threads:
        for done in [threads.submit(agree, site, name, each) for name, each in clients.items()]:
            done.result()
    # Not before: whether what is there is right matters more than by which kills that was tried.
    if kills >= 100:
        assert {point for _, point in killer.done} == {*POINTS, "anywhere"}, killer.done


def provisioners(site: Site, seed: int) -> dict[str, list[Provisioner]]:
    """The clients of each connector, who share a group that is there already."""
    found: dict[str, list[Provisioner]] = {}
    for name in site.offices:
        body = {"displayName": SHARED, "externalId": "", "members": []}
        assert site.client(name).request("POST", "/Groups", body).status == 201
        dice = [random.Random(f"{seed} {name} {number}") for number in range(CLIENTS)]
        found[name] = [
            Provisioner(f"{name}{number}", site.connector(name, random.Random(f"{seed} ways {name} {number}")), one)
            for number, one in enumerate(dice)
        ]
    return found


def work(killer: Killer, kills: int) -> None:
    """Runs all clients while processes are killed; they finish what they have begun."""
    threads = [threading.Thread(target=one.run, name=one.name) for one in killer.clients]
    for thread in threads:
        thread.start()
    try:
        killer.run(kills)
    finally:
        for one in killer.clients:
            one.stop.set()
        for thread in threads:
            thread.join(120)


def agree(site: Site, name: str, clients: list[Provisioner]) -> None:
    """Target, listing, ``ecmahost objects`` and the ledgers say the same, and an import finds nothing to do."""
    ledgers = [one.ledger for one in clients]
    wanted = expected(ledgers)
    write(site, name)
    assert site.offices[name].picture() == wanted, name
    listed, told = site.listed(name)
    assert listed == wanted, name
    known = ids(ledgers)
    assert {each: told[each] for each in known} == known
    home = site.homes[0]
    space = json.loads(home.command("objects", name, "--json").stdout)
    assert space["total"] == len(space["objects"]) == len(wanted.people) + len(wanted.groups)
    assert {one["state"] for one in space["objects"]} == {"live"}
    assert {one["id"] for one in space["objects"]} == set(told.values())
    first, second = (json.loads(home.command("import", name, "--json").stdout) for _ in range(2))
    # Whether the target has followed a renamed member is for the next import to look at ("changed").
    assert {first[key] for key in ("added", "removed", "failed", "held")} == {0}, first
    assert {second[key] for key in ("added", "changed", "removed", "failed", "held")} == {0}, second
    assert site.listed(name) == (listed, told), name


def write(site: Site, name: str) -> None:
    """Lets somebody come and go: the next writer of CSV files does what a killed one has left to be done."""
    client = site.client(name)
    answer = client.request("POST", "/Users", {"userName": "last"})
    assert answer.status == 201, answer
    assert client.request("DELETE", f"/Users/{answer.json['id']}").status == 204


def report(killer: Killer, clients: dict[str, list[Provisioner]]) -> str:
    """What was killed, and what the clients of each kind of target went through."""
    lines = [f"{killer.done.total()} kills: {dict(killer.done)}"]
    for name, each in clients.items():
        seen = sum((one.seen for one in each[1:]), each[0].seen)
        lines.append(f"{name}: {sum(one.steps for one in each)} steps, {dict(seen)}")
    return "\n".join(lines)
