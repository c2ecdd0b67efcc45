"""The host as processes: one to a home, stopped without a loss, and never left behind half dead."""

import http.client
import os
import signal
import threading
from pathlib import Path
from typing import Any

LOST = (OSError, http.client.HTTPException)


def test_a_second_host_on_the_same_home_is_refused_and_harms_nothing(home: Any, start: Any) -> None:
    home.connect("people", home.csv("people"))
    host = start(home)
    pids = host.pids()

    second = home.command("serve")

    assert second.returncode == 1
    assert str(host.process.pid) in second.stderr
    assert "Traceback" not in second.stderr
    assert host.pids() == pids
    assert host.client("people").create({"userName": "somebody"}).status == 201


def test_a_stop_under_load_loses_no_write_that_was_answered_and_doubles_none(
    home: Any, start: Any, kind: str, eventually: Any
) -> None:
    target = home.target(kind, "people")
    home.connect("people", target)
    host = start(home)
    created: list[str] = []
    unknown: list[str] = []

    def create(place: int) -> None:
        client = host.client("people")
        for number in range(10_000):
            name = f"user{place}x{number}"
            try:
                answer = client.create({"userName": name})
            except LOST:
                unknown.append(name)
                return
            assert answer.status in (201, 503)
            (created if answer.status == 201 else unknown).append(name)

    threads = [threading.Thread(target=create, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: len(created) > 40)

    assert host.stop() == 0

    for thread in threads:
        thread.join(30)
    names = [row["UserName"] for row in target.rows()]
    assert len(names) == len(set(names))
    assert set(created) <= set(names) <= {*created, *unknown}
    assert not (home.path / "run" / "port").exists()
    host = start(home)
    assert host.open_entries() == 0
    assert host.client("people").get("/Users?count=0").json["totalResults"] == len(names)


def test_when_the_first_process_is_killed_the_others_end_and_a_new_host_takes_over(
    home: Any, start: Any, kind: str, eventually: Any
) -> None:
    target = home.target(kind, "people")
    home.connect("people", target)
    host = start(home)
    object_id = host.client("people").created({"userName": "somebody"})
    others = host.pids()["web"] | host.pids()["worker"]

    os.kill(host.process.pid, signal.SIGKILL)
    host.process.wait()

    new = start(home)
    assert [one["id"] for one in new.client("people").matched("somebody")] == [object_id]
    assert new.client("people").create({"userName": "SOMEBODY"}).status == 409
    assert new.client("people").create({"userName": "another"}).status == 201
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in others), 20)
    assert len(target.rows()) == 2


def test_a_web_worker_that_ends_is_replaced_and_its_clients_find_the_others(
    home: Any, start: Any, eventually: Any
) -> None:
    home.connect("people", home.csv("people"))
    host = start(home)
    web = host.pids()["web"]
    assert len(web) == 2

    for pid in web:
        os.kill(pid, signal.SIGKILL)

    assert eventually(lambda: len(host.pids()["web"] - web) == 2), host.trouble()
    assert eventually(host.is_ready)
    assert host.client("people").create({"userName": "somebody"}).status == 201
