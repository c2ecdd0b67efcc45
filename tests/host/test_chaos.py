"""Some seconds of everything at once: clients create, change and delete the same people while processes are killed."""

import http.client
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

LOST = (OSError, http.client.HTTPException)
SECONDS = 8
PEOPLE = 25
CLIENTS = 6
EXPECTED = {"create": (201, 409, 503), "delete": (204, 404, 503), "update": (200, 404, 503)}


@dataclass
class Crowd:
    """Clients who behave like Entra, all concerned with the same few people."""

    host: Any
    stop: threading.Event = field(default_factory=threading.Event)
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[object] = field(default_factory=list)

    def run(self, connector: str, seed: int) -> None:
        dice = random.Random(seed)
        client = self.host.client(connector)
        while not self.stop.is_set():
            try:
                self.step(client, dice)
            except LOST:
                self.seen["lost"] += 1
            except AssertionError as error:
                self.wrong.append(error)

    def step(self, client: Any, dice: random.Random) -> None:
        name = f"user{dice.randrange(PEOPLE)}"
        match = client.match(dice.choice([name, name.upper(), f"{name} "]))
        if match.status == 503:
            self.seen["no answer"] += 1
            return
        found = match.resources
        assert len(found) <= 1, found
        value = str(dice.random())
        if not found:
            verb, answer = "create", client.create({"userName": name, "title": value})
        elif dice.random() < 0.3:
            verb, answer = "delete", client.delete(found[0]["id"])
        else:
            operation = {"op": "Replace", "path": "title", "value": value}
            verb, answer = "update", client.patch(found[0]["id"], operation)
        assert answer.status in EXPECTED[verb], answer
        if answer.status == EXPECTED[verb][0]:
            self.seen[verb] += 1


def kill_at_random(host: Any, seconds: float) -> int:
    """Kills a web worker or the worker again and again; returns how often."""
    dice, killed, until = random.Random(7), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.6)
        pids = host.pids()
        victims = [*pids["web"], *pids["web"], *pids["worker"]]
        if victims:
            os.kill(dice.choice(victims), signal.SIGKILL)
            killed += 1
    return killed


def test_after_any_number_of_killed_processes_the_space_is_what_the_target_is(
    home: Any, start: Any, eventually: Any
) -> None:
    targets = {kind: home.target(kind, kind) for kind in ("csv", "sql")}
    for kind, target in targets.items():
        home.connect(kind, target)
    host = start(home)
    crowd = Crowd(host)
    clients = [threading.Thread(target=crowd.run, args=(kind, seed)) for seed in range(CLIENTS) for kind in targets]
    for client in clients:
        client.start()
    try:
        assert kill_at_random(host, SECONDS) > 5
    finally:
        crowd.stop.set()
        for client in clients:
            client.join(60)

    assert crowd.wrong == []
    assert min(crowd.seen[key] for key in ("create", "update", "delete", "lost")) > 5, crowd.seen
    assert eventually(host.is_ready)
    assert eventually(lambda: host.open_entries() == 0), host.trouble()
    for kind, target in targets.items():
        rows = {row["UserName"]: row["Title"] for row in target.rows()}
        assert len(target.rows()) == len({name.casefold().rstrip() for name in rows})
        listed = host.client(kind).get("/Users").resources
        assert {one["userName"]: one["title"] for one in listed} == rows
        assert len(listed) == len(rows)
        counts = json.loads(home.command("import", kind, "--json").stdout)
        assert {counts[key] for key in ("added", "changed", "removed", "failed", "held")} == {0}, counts
