"""Processes that end in the middle of a write, as by a power cut or the kernel's killer of large processes.

Afterwards a client does what Entra does: it looks for the person, and creates only whom it was told is not there.
"""

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

POINTS = ["journal", "target", "space", "answer"]
KINDS = ("csv", "sql", "postgresql", "mariadb")
OPERATIONS = [(kind, verb) for kind in KINDS for verb in ("create", "update", "delete")]
LOST = (OSError, http.client.HTTPException)


@dataclass
class Scene:
    """A host that can be held at named points, with a connector for each kind of write to each kind of target."""

    home: Any
    launch: Callable[[], Any]
    targets: dict[str, Any] = field(default_factory=dict)
    host: Any = None

    def start(self) -> None:
        self.host = self.launch()

    def arm(self, point: str) -> None:
        (self.home.path / f"hold.{point}").touch()

    def release(self, point: str) -> None:
        (self.home.path / f"hold.{point}").unlink()

    def held(self, point: str) -> dict[int, int]:
        """How many threads wait at a point, by process."""
        found: dict[int, int] = {}
        for path in self.home.path.glob(f"held.{point}.*"):
            pid = int(path.name.split(".")[2])
            found[pid] = found.get(pid, 0) + 1
        return found

    def forget(self) -> None:
        for path in self.home.path.glob("held.*"):
            path.unlink()


@pytest.fixture(scope="module")
def scene(make_home: Any, start_module: Any, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    home = make_home(tmp_path_factory.mktemp("crashes") / "home")
    scene = Scene(home, lambda: start_module(home))
    for kind, verb in OPERATIONS:
        scene.targets[f"{kind}{verb}"] = home.target(kind, f"{kind}{verb}")
        home.connect(f"{kind}{verb}", scene.targets[f"{kind}{verb}"])
    scene.start()
    return scene


@pytest.fixture(scope="module")
def start_module(launch_host: Any) -> Iterator[Callable[[Any], Any]]:
    """Starts hosts that can be held; ends what is left of them after the module."""
    with ExitStack() as stack:

        def started(home: Any) -> Any:
            host = launch_host(home, holds=True)
            stack.callback(host.kill)
            return host

        yield started


def write(client: Any, verb: str, name: str, object_id: str) -> Any:
    """Sends the write once; None when the answer was lost."""
    try:
        if verb == "create":
            return client.create({"userName": name, "title": "new"})
        if verb == "update":
            return client.patch(object_id, {"op": "Replace", "path": "title", "value": "new"})
        return client.delete(object_id)
    except LOST:
        return None


def patiently(request: Callable[[], Any], seconds: float = 20) -> Any:
    """Repeats a request while the host asks for patience or is just being replaced."""
    until = time.monotonic() + seconds
    while True:
        try:
            answer = request()
            if answer.status != 503:
                return answer
        except LOST:
            answer = None
        assert time.monotonic() < until, answer
        time.sleep(0.05)


def resume(client: Any, verb: str, name: str, object_id: str, rows: Callable[[], list[Any]]) -> None:
    """Goes on after a lost answer as Entra does, and proves that the write has happened just once."""
    if verb == "create":
        match = patiently(lambda: client.match(name))
        if match.json["totalResults"] == 0:
            assert rows() == [], "a match said that somebody is not there who is"
            assert patiently(lambda: client.create({"userName": name, "title": "new"})).status == 201
            match = patiently(lambda: client.match(name))
        (found,) = match.resources
        object_id = found["id"]
    elif verb == "update":
        answer = patiently(lambda: client.patch(object_id, {"op": "Replace", "path": "title", "value": "new"}))
        assert answer.status == 200, answer
    else:
        assert patiently(lambda: client.delete(object_id)).status in (204, 404)
        assert patiently(lambda: client.match(name)).json["totalResults"] == 0
        assert patiently(lambda: client.user(object_id)).status == 404
        assert rows() == []
        return
    assert patiently(lambda: client.user(object_id)).json["title"] == "new"
    (row,) = rows()
    assert row["Title"] == "new"


@pytest.mark.parametrize("victim", ["a_web_worker", "everything"])
@pytest.mark.parametrize("point", POINTS)
def test_a_write_that_is_killed_at_any_point_happens_once_and_is_never_denied(
    scene: Scene, point: str, victim: str, named: Any, eventually: Any
) -> None:
    scene.forget()
    ids = {
        (kind, verb): scene.host.client(f"{kind}{verb}").created({"userName": f"{point}{victim}", "title": "old"})
        for kind, verb in OPERATIONS
        if verb != "create"
    }
    name = f"{point}{victim}"
    clients = {(kind, verb): scene.host.client(f"{kind}{verb}") for kind, verb in OPERATIONS}
    scene.arm(point)
    with ThreadPoolExecutor(len(OPERATIONS)) as threads:
        writes = [
            threads.submit(write, clients[kind, verb], verb, name, ids.get((kind, verb), ""))
            for kind, verb in OPERATIONS
        ]
        # One alone can be in the middle of the store's commit.
        wanted = 1 if point == "space" else len(OPERATIONS)
        assert eventually(lambda: sum(scene.held(point).values()) >= wanted), scene.host.trouble()
        killed = max(scene.held(point).items(), key=lambda item: item[1])[0]
        if victim == "everything":
            scene.host.kill()
        else:
            os.kill(killed, signal.SIGKILL)
        scene.release(point)
        answers = [one.result(30) for one in writes]
    assert None in answers
    assert {answer.status for answer in answers if answer is not None} <= {200, 201, 204, 503}

    began = time.monotonic()
    if victim == "everything":
        scene.start()
        began = time.monotonic()
        assert eventually(lambda: scene.host.open_entries() == 0), scene.host.trouble()
        for kind, verb in OPERATIONS:
            # Recovered without any client's help: the space is what the target is.
            client, rows = scene.host.client(f"{kind}{verb}"), named(scene.targets[f"{kind}{verb}"], name)
            assert [one["title"] for one in client.matched(name)] == [row["Title"] for row in rows], (kind, verb)
    with ThreadPoolExecutor(len(OPERATIONS)) as threads:
        resumed = [
            threads.submit(
                resume,
                scene.host.client(f"{kind}{verb}"),
                verb,
                name,
                ids.get((kind, verb), ""),
                lambda target=scene.targets[f"{kind}{verb}"]: named(target, name),
            )
            for kind, verb in OPERATIONS
        ]
        for one in resumed:
            one.result(40)
    assert eventually(lambda: scene.host.open_entries() == 0, 10 - (time.monotonic() - began)), scene.host.trouble()
    assert eventually(scene.host.is_ready)


def test_a_worker_that_is_killed_while_it_recovers_is_followed_by_one_that_does(
    scene: Scene, named: Any, eventually: Any
) -> None:
    scene.forget()
    scene.arm("target")
    scene.arm("recovery")
    client = scene.host.client("sqlcreate")
    with ThreadPoolExecutor(1) as threads:
        lost = threads.submit(write, client, "create", "twice", "")
        assert eventually(lambda: scene.held("target"))
        os.kill(next(iter(scene.held("target"))), signal.SIGKILL)
        assert lost.result(30) is None
    scene.release("target")
    assert eventually(lambda: scene.held("recovery"))
    ((worker, _),) = scene.held("recovery").items()
    assert worker in scene.host.pids()["worker"]

    os.kill(worker, signal.SIGKILL)

    scene.release("recovery")
    resume(scene.host.client("sqlcreate"), "create", "twice", "", lambda: named(scene.targets["sqlcreate"], "twice"))
    assert eventually(lambda: scene.host.open_entries() == 0), scene.host.trouble()


def test_a_worker_that_is_killed_while_it_imports_is_followed_by_one_that_imports_everything(
    home: Any, start: Any, kind: str, eventually: Any
) -> None:
    target = home.target(kind, "people")
    for number in range(30):
        target.add(UserName=f"user{number}")
    home.connect("people", target)
    (home.path / "hold.import").touch()
    host = start(home, holds=True, ready=False)
    assert eventually(lambda: list(home.path.glob("held.import.*")))
    assert host.ready()[1]["people"] == {"ready": False, "reason": "importing"}
    assert host.client("people").match("user1").status == 503
    (worker,) = host.pids()["worker"]

    os.kill(worker, signal.SIGKILL)

    (home.path / "hold.import").unlink()
    assert eventually(host.is_ready), host.trouble()
    assert host.client("people").get("/Users?count=0").json["totalResults"] == 30
    assert [one["userName"] for one in host.client("people").matched("user29")] == ["user29"]


def test_a_worker_that_is_killed_while_a_later_import_runs_leaves_everybody_served(
    scene: Scene, eventually: Any
) -> None:
    client = scene.host.client("csvupdate")
    everybody = client.get("/Users?count=0").json["totalResults"]
    assert everybody > 0
    (worker,) = scene.host.pids()["worker"]
    seen: set[int] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.add(client.get("/Users?count=0").json["totalResults"])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        os.kill(worker, signal.SIGKILL)
        assert eventually(lambda: scene.host.pids()["worker"] - {worker})
        assert eventually(lambda: len(scene.host.events("import_completed")) >= 2 * len(OPERATIONS)), (
            scene.host.trouble()
        )
    finally:
        stop.set()
        watcher.join(20)
    assert seen == {everybody}


def test_files_of_a_killed_host_do_not_grow_in_number(scene: Scene, eventually: Any) -> None:
    locks = scene.home.path / "run" / "incarnations"
    assert eventually(lambda: len(list(locks.glob("*.lock"))) == 3), sorted(Path(locks).iterdir())
