"""Two hosts on one PostgreSQL store: two homes with the same key file and the same connectors."""

import http.client
import itertools
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ecmahost_host_kit.hosts import eventually
from ecmahost_host_kit.rivals import together
from ecmahost_host_kit.targets import SqliteTarget

CLIENTS = 16
EACH = 12
_NUMBERS = itertools.count()


@dataclass
class Pair:
    """Both hosts, the table that both write to, and the target's whereabouts."""

    first: Any
    second: Any
    target: Any

    def leader(self) -> tuple[Any, Any]:
        """The host that imports, and the other one."""
        assert eventually(lambda: any(host.events("store_leader") for host in (self.first, self.second)))
        return (self.first, self.second) if self.first.events("store_leader") else (self.second, self.first)


@pytest.fixture
def pair(make_home: Any, start: Any, postgresql: Any, tmp_path: Path) -> Iterator[Pair]:
    first = make_home(tmp_path / "first")
    target = SqliteTarget(tmp_path / "people.db")
    first.connect("sql", target)
    _use_server(first, postgresql.url("postgres"), f"pair_{next(_NUMBERS)}_{tmp_path.name}"[:63].lower())
    second = make_home(tmp_path / "second")
    for name in ("ecmahost.toml", "store.url", "secret.key", "connectors.d/sql.toml"):
        shutil.copy(first.path / name, second.path / name)
    hosts = [start(home) for home in (first, second)]
    yield Pair(*hosts, target)
    target.close()


def _use_server(home: Any, url: str, schema: str) -> None:
    (home.path / "store.url").write_text(url)
    with (home.path / "ecmahost.toml").open("a") as file:
        file.write(f'[store]\nurl = {{ file = "store.url" }}\nschema = "{"".join(filter(str.isidentifier, schema))}"\n')


def test_who_is_created_at_one_host_is_found_at_the_other_at_once(pair: Pair, person: dict[str, Any]) -> None:
    one, other = pair.first.client("sql"), pair.second.client("sql")
    for number in range(10):
        made = one.create(person | {"userName": f"shared{number}"})
        assert made.status == 201
        assert other.matched(f"shared{number}") == [
            made.json | {"meta": made.json["meta"] | {"location": _at(other, made.json["id"])}}
        ]
        one, other = other, one
    changed = one.request(
        "PUT", f"/Users/{made.json['id']}", person | {"title": "Changed"}, {"If-Match": made.json["meta"]["version"]}
    )
    assert changed.status == 200
    assert other.user(made.json["id"]).json["title"] == "Changed"
    assert other.delete(made.json["id"]).status == 204
    assert one.user(made.json["id"]).status == 404


def _at(client: Any, identifier: str) -> str:
    return f"https://127.0.0.1:{client.port}{client.base}/Users/{identifier}"


def test_of_many_who_create_one_user_at_both_hosts_exactly_one_succeeds(pair: Pair) -> None:
    clients = [host.client("sql") for host in (pair.first, pair.second) for _ in range(8)]
    together([client.connect for client in clients])
    for number in range(10):
        bodies = [{"userName": f"same{number}"} for _ in clients]
        answers = together([partial(client.create, body) for client, body in zip(clients, bodies, strict=True)])
        assert Counter(answer.status for answer in answers) == {201: 1, 409: len(clients) - 1}
        assert len([row for row in pair.target.rows() if row["UserName"] == f"same{number}"]) == 1


def _matched_or_created(client: Any, name: str) -> str | None:
    """The id of a person, found or made as Entra does it; None where it has to be tried again."""
    found = client.match(name)
    if found.status != 200:
        return None
    if found.resources:
        return str(found.resources[0]["id"])
    made = client.create({"userName": name, "title": name})
    return str(made.json["id"]) if made.status == 201 else None


def test_nothing_is_lost_and_nothing_there_twice_when_one_of_two_hosts_is_killed(pair: Pair) -> None:
    dying, living = pair.leader()
    killed = threading.Event()
    begun = threading.Barrier(CLIENTS + 1)
    ledger: dict[str, str] = {}

    def provision(place: int) -> None:
        client = (dying, living)[place % 2].client("sql", timeout=20)
        begun.wait(30)
        for number in range(EACH):
            name = f"p{place}x{number}"
            while name not in ledger:
                try:
                    found = _matched_or_created(client, name)
                except (OSError, http.client.HTTPException):
                    assert killed.wait(20)
                    client = living.client("sql", timeout=20)
                    continue
                if found is None:
                    time.sleep(0.1)
                else:
                    ledger[name] = found

    threads = [threading.Thread(target=provision, args=(place,)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    begun.wait(30)
    assert eventually(lambda: len(ledger) > CLIENTS * EACH // 4, 60)
    dying.kill()
    killed.set()
    for thread in threads:
        thread.join(90)
    assert len(ledger) == CLIENTS * EACH, living.trouble()
    assert eventually(lambda: living.open_entries() == 0, 30)
    assert Counter(row["UserName"] for row in pair.target.rows()) == dict.fromkeys(ledger, 1)
    client = living.client("sql")
    assert {name: client.matched(name)[0]["id"] for name in ledger} == ledger


def test_the_import_is_taken_over_within_five_seconds_of_a_kill(pair: Pair) -> None:
    leading, other = pair.leader()
    client = other.client("sql")
    assert eventually(other.is_ready)
    assert not other.events("store_leader")
    leading.kill()
    pair.target.add(UserName="newcomer", Title="Behind the host's back")
    assert eventually(lambda: client.get("/Users?count=10").json["totalResults"] == 1, 5)
    assert other.events("store_leader")


def test_a_host_that_means_another_target_serves_nobody(pair: Pair) -> None:
    home = pair.second.home
    file = home.path / "connectors.d" / "sql.toml"
    others = SqliteTarget(pair.target.path.with_name("others.db"))
    file.write_text(file.read_text().replace(str(pair.target.path), str(others.path)))
    assert home.command("reload").returncode == 0
    refused = pair.second.client("sql")
    assert eventually(lambda: refused.match("anybody").status == 503)
    assert pair.first.client("sql").match("anybody").status == 200


def test_the_commands_of_each_host_see_the_shared_space(pair: Pair, person: dict[str, Any]) -> None:
    created = pair.first.client("sql").created(person)
    for host in (pair.first, pair.second):
        checked = host.home.command("check")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        imported = host.home.command("import", "sql")
        assert imported.returncode == 0, imported.stderr
        listed = host.home.command("objects", "sql", "--json")
        assert created in listed.stdout, listed.stderr
        history = host.home.command("journal", "sql", "--events", "9", "--json")
        assert '"create"' in history.stdout, history.stderr
    assert not (pair.first.home.path / "space.db").exists()
    url = (pair.first.home.path / "store.url").read_text()
    assert url not in pair.first.log() + pair.second.log()
