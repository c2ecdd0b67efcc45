"""Some seconds of everything at once: clients who create, change and delete the same people while processes are killed."""

import http.client
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from typing import Any

LOST = (OSError, http.client.HTTPException)
SECONDS = 8
PEOPLE = 25


def test_after_any_number_of_killed_processes_the_space_is_what_the_target_is(
    home: Any, start: Any, eventually: Any
) -> None:
    targets = {kind: home.target(kind, kind) for kind in ("csv", "sql")}
    for kind, target in targets.items():
        home.connect(kind, target)
    host = start(home)
    stop = threading.Event()
    statuses: Counter[str] = Counter()
    wrong: list[object] = []

    def entra(kind: str, seed: int) -> None:
        dice = random.Random(seed)
        client = host.client(kind)
        while not stop.is_set():
            name = f"user{dice.randrange(PEOPLE)}"
            try:
                match = client.match(dice.choice([name, name.upper(), f"{name} "]))
                statuses[f"match {match.status}"] += 1
                if match.status == 503:
                    continue
                found = match.resources
                if len(found) > 1:
                    wrong.append(found)
                if not found:
                    answer = client.create({"userName": name, "title": str(seed)})
                    allowed = (201, 409, 503)
                elif dice.random() < 0.3:
                    answer = client.delete(found[0]["id"])
                    allowed = (204, 404, 503)
                else:
                    operation = {"op": "Replace", "path": "title", "value": str(dice.random())}
                    answer = client.patch(found[0]["id"], operation)
                    allowed = (200, 404, 503)
                statuses[f"write {answer.status}"] += 1
                if answer.status not in allowed:
                    wrong.append(answer)
            except LOST:
                statuses["lost"] += 1
            except AssertionError as error:
                wrong.append(error)

    clients = [threading.Thread(target=entra, args=(kind, seed)) for seed in range(6) for kind in targets]
    for client in clients:
        client.start()
    dice = random.Random(7)
    until = time.monotonic() + SECONDS
    killed = 0
    while time.monotonic() < until:
        time.sleep(0.6)
        pids = host.pids()
        victims = [*pids["web"], *pids["web"], *pids["worker"]]
        if victims:
            os.kill(dice.choice(victims), signal.SIGKILL)
            killed += 1
    stop.set()
    for client in clients:
        client.join(60)

    assert wrong == []
    assert killed > 5
    assert statuses["lost"] > 0
    assert statuses["write 201"] > 10
    assert statuses["write 200"] > 10
    assert statuses["write 204"] > 5
    assert eventually(host.is_ready)
    assert eventually(lambda: host.open_entries() == 0), host.trouble()
    for kind, target in targets.items():
        names = [row["UserName"].casefold().rstrip() for row in target.rows()]
        assert len(names) == len(set(names)), kind
        counts = json.loads(home.command("import", kind, "--json").stdout)
        differences = {key: counts[key] for key in ("added", "changed", "removed", "failed", "held")}
        assert differences == dict.fromkeys(differences, 0), kind
        listed = host.client(kind).get("/Users").resources
        assert {one["userName"]: one["title"] for one in listed} == {
            row["UserName"]: row["Title"] for row in target.rows()
        }
        assert len(listed) == len(names)
