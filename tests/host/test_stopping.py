"""SIGTERM: what is in flight ends, what is new is refused, and nothing that was said is untrue afterwards."""

import contextlib
import http.client
import signal
import threading
import time
from typing import Any

BUDGET = 2.0


def test_a_stop_under_load_keeps_every_promise(home: Any, start: Any, kind: str) -> None:
    target = home.target(kind, "people")
    home.connect("people", target)
    host = start(home)
    promised: dict[str, str] = {}
    refused: list[int] = []
    begun = threading.Barrier(9)

    def work(place: int) -> None:
        client = host.client("people")
        client.connect()
        begun.wait(30)
        with contextlib.suppress(
            OSError, http.client.HTTPException
        ):  # the end of the connection is the end of the work
            for number in range(10_000):
                name = f"p{place}n{number}"
                answer = client.create({"userName": name})
                if answer.status == 201:
                    promised[name] = answer.json["id"]
                else:
                    refused.append(answer.status)

    workers = [threading.Thread(target=work, args=(place,)) for place in range(8)]
    for worker in workers:
        worker.start()
    begun.wait(30)
    time.sleep(1)
    stopped = time.monotonic()
    assert host.stop() == 0
    assert time.monotonic() - stopped < 15
    for worker in workers:
        worker.join(30)
    assert promised
    assert set(refused) <= {503}
    assert host.events("requests_abandoned") == []

    names = [row["UserName"] for row in target.rows()]
    assert len(names) == len(set(names))
    assert promised.keys() <= set(names)
    host = start(home)
    assert host.open_entries() == 0
    client = host.client("people")
    assert client.get("/Users?count=0").json["totalResults"] == len(names)
    for name, object_id in list(promised.items())[::25]:
        assert [one["id"] for one in client.matched(name)] == [object_id]


def hanging_write(host: Any, gate: Any, eventually: Any) -> tuple[threading.Thread, list[Any]]:
    """A creation that its target does not answer."""
    answers: list[Any] = []

    def create() -> None:
        try:
            answers.append(host.client("gate").create({"userName": "ada"}).status)
        except (OSError, http.client.HTTPException) as error:
            answers.append(type(error))

    thread = threading.Thread(target=create)
    gate.hold("export")
    thread.start()
    assert eventually(lambda: gate.held("export"))
    return thread, answers


def test_a_write_whose_target_hangs_ends_with_its_request_and_is_looked_at_after_the_restart(
    home: Any, start: Any, gate: Any, eventually: Any
) -> None:
    home.settings(request_budget_seconds=BUDGET)
    host = start(home)
    writing, answers = hanging_write(host, gate, eventually)
    begun = time.monotonic()
    host.signal(signal.SIGTERM)
    assert eventually(lambda: bool(host.events("host_stopping")))
    host.signal(signal.SIGTERM)  # a second one is no hurry
    assert host.process.wait(40) == 0
    assert time.monotonic() - begun < BUDGET + 8
    writing.join(10)
    assert answers == [503]

    gate.hold("read")
    host = start(home, ready=False)
    assert host.open_entries() == 1
    # Nobody says "none" about somebody who may just have been created.
    assert host.client("gate").match("ada").status == 503
    gate.release("export")
    gate.add("ada")  # the target has done it after all
    gate.release("read")
    assert eventually(lambda: host.open_entries() == 0, 20), host.trouble()
    assert eventually(host.is_ready, 20)
    assert len(host.client("gate").matched("ada")) == 1
    assert host.client("gate").create({"userName": "ada"}).status == 409


def test_a_second_signal_that_hurries_ends_the_host_at_once_and_loses_nothing(
    home: Any, start: Any, gate: Any, eventually: Any
) -> None:
    host = start(home)
    writing, answers = hanging_write(host, gate, eventually)
    host.signal(signal.SIGTERM)
    assert eventually(lambda: bool(host.events("host_stopping")))
    begun = time.monotonic()
    host.signal(signal.SIGINT)
    assert host.process.wait(40) == 0
    assert time.monotonic() - begun < 10
    writing.join(10)
    assert answers != [201]
    gate.release("export")

    host = start(home)
    assert eventually(lambda: host.open_entries() == 0, 20), host.trouble()
    assert host.client("gate").matched("ada") == []
    assert host.client("gate").create({"userName": "ada"}).status == 201
    assert gate.names() == ["ada"]


def test_who_comes_during_a_stop_is_refused_and_not_kept_waiting(
    home: Any, start: Any, gate: Any, eventually: Any
) -> None:
    home.settings(request_budget_seconds=8)
    host = start(home)
    idle = host.client("gate")
    assert idle.matched("nobody") == []
    writing, _ = hanging_write(host, gate, eventually)
    host.signal(signal.SIGTERM)
    assert eventually(lambda: bool(host.events("host_stopping")))
    time.sleep(1)
    for client in (idle, host.client("gate")):
        begun = time.monotonic()
        try:
            answer = client.match("nobody")
        except (OSError, http.client.HTTPException):
            pass
        else:
            assert answer.headers["Connection"] == "close"
        assert time.monotonic() - begun < 2
    gate.release("export")
    assert host.process.wait(40) == 0
    writing.join(10)


def test_after_an_orderly_stop_the_store_is_one_file(home: Any, start: Any) -> None:
    home.connect("people", home.sqlite("people"))
    host = start(home)
    known = host.client("people").created({"userName": "ada"})
    assert host.stop() == 0
    assert [one.name for one in home.path.glob("space*")] == ["space.db"]
    host = start(home)
    assert host.events("store_log_lost") == []
    assert host.client("people").user(known).status == 200


def test_a_stop_at_any_moment_of_the_start_ends_the_host_and_the_next_one_serves(home: Any, start: Any) -> None:
    home.connect("people", home.sqlite("people"))
    for pause in (0.0, 0.05, 0.15, 0.3, 0.6):
        host = start(home, ready=False)
        time.sleep(pause)
        begun = time.monotonic()
        assert host.stop() == 0, host.trouble()
        assert time.monotonic() - begun < 15
        assert [line["event"] for line in host.events("web_worker_failed") + host.events("background_killed")] == []
    known = start(home).client("people").created({"userName": "ada"})
    assert known


def test_a_stop_ends_an_import_and_the_next_start_makes_it_whole(
    home: Any, start: Any, gate: Any, eventually: Any
) -> None:
    for number in range(20):
        gate.add(f"u{number}")
    gate.hold("import")
    host = start(home, ready=False)
    assert eventually(lambda: gate.held("import"))
    begun = time.monotonic()
    assert host.stop() == 0
    assert time.monotonic() - begun < 15
    gate.release("import")
    host = start(home)
    assert host.client("gate").get("/Users?count=0").json["totalResults"] == 20


def test_a_stop_while_all_children_are_replaced_ends_the_host(
    home: Any, start: Any, gate: Any, eventually: Any
) -> None:
    home.settings(request_budget_seconds=BUDGET)
    host = start(home)
    writing, answers = hanging_write(host, gate, eventually)  # which the replacement waits for
    (home.path / "space.db").unlink()
    assert eventually(lambda: bool(host.events("children_replaced")), 20), host.trouble()
    begun = time.monotonic()
    assert host.stop() == 0, host.trouble()
    assert time.monotonic() - begun < 25
    writing.join(10)
    assert answers
    assert answers != [201]
    gate.release("export")
    host = start(home)
    assert host.client("gate").create({"userName": "ada"}).status in (201, 409)
    assert gate.names() == ["ada"]
