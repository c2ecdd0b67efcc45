"""The worker process's loops, over a target in memory; the process itself is met in ``tests/host``."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ecmahost_core import worker
from ecmahost_core.space.history import EventRecord, ImportRequest
from ecmahost_core.space.steadiness import Clock
from ecmahost_core.sync.importing import timetable

BY_HAND = EventRecord("reset", "ok", actor="cli")


def _in_memory() -> Any:
    name = "ecmahost_tests_in_memory"
    if name not in sys.modules:
        spec = spec_from_file_location(name, Path(__file__).parent / "sync" / "in_memory.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(os, "nice", lambda _increment: 0)
    monkeypatch.setattr(worker, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(worker, "RETRY_SECONDS", (0.01,))
    monkeypatch.setattr(timetable, "LOOK_SECONDS", 0.01)
    with _in_memory().desk_in(tmp_path) as desk:
        yield desk


@contextmanager
def working(desk: Any) -> Iterator[Any]:
    """A worker over the desk's endpoint; yields the host that it serves."""
    missing = desk.directory / "missing"
    configuration = SimpleNamespace(certificate=missing, key=missing, event_days=90, runtime=desk.directory / "run")
    host = SimpleNamespace(
        endpoints={"hr": desk.endpoint}, store=desk.store, configuration=configuration, clock=Clock()
    )
    stop = threading.Event()
    thread = threading.Thread(target=worker.run_worker, args=(host, stop))
    thread.start()
    try:
        yield host
    finally:
        stop.set()
        thread.join(10)
        for one in threading.enumerate():
            if one.name in ("recovery hr", "import hr"):
                one.join(10)
                assert not one.is_alive()


def test_an_import_that_another_process_is_at_does_not_count_as_ones_own(desk: Any) -> None:
    desk.target.put("bob", Login="bob")
    desk.build()
    elsewhere = desk.store.begin_import("hr")
    with working(desk):
        assert not desk.store.status("hr").first_import_done
        elsewhere.fail("the other process was stopped")
        _in_memory().wait_until(lambda: desk.store.status("hr").first_import_done)
    assert desk.named("bob")


def test_the_import_of_an_endpoint_that_was_replaced_gives_way_to_its_successors(desk: Any) -> None:
    memory = _in_memory()
    gate = memory.Gate()
    desk.target.put("bob", Login="bob")
    desk.target.put("ann", Login="ann")
    desk.build(page_size=1)
    desk.target.on_page = gate
    with working(desk) as host:
        gate.wait_for()
        desk.target.on_page = memory.nothing
        successor = memory.Endpoint(
            desk.endpoint.configuration, desk.endpoint.connector, desk.store, desk.directory / "hr.json"
        )
        desk.endpoints.append(successor)
        host.endpoints = {"hr": successor}
        memory.wait_until(lambda: sum(one.name == "import hr" for one in threading.enumerate()) == 2)
        gate.open()
        memory.wait_until(lambda: desk.store.status("hr").first_import_done)
    assert ("import", "failed") in desk.events()
    assert desk.store.count(desk.space_type) == 2


def test_what_cannot_be_settled_is_tried_again_at_growing_intervals(desk: Any) -> None:
    memory = _in_memory()
    desk.build()
    tried: list[bool] = []

    class Stuck:
        """As Recovery is with an entry whose target stays down."""

        stuck = frozenset({1})

        def __init__(self, _endpoint: Any, _attempt: Any) -> None:
            pass

        def round(self, *, again: bool = True) -> int:
            tried.append(again)
            return 0

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(worker, "Recovery", Stuck)
        patched.setattr(worker, "time", SimpleNamespace(monotonic=lambda: 0.01 * len(tried)))  # ticks, not load
        with working(desk):
            memory.wait_until(lambda: tried.count(True) >= 4)
    first, second, third, fourth = [place for place, again in enumerate(tried) if again][:4]
    assert second - first < third - second < fourth - third


def at(place: str) -> dict[str, Any]:
    return {"target_identity": lambda: place}


def test_after_a_reset_by_another_process_it_imports_at_once(desk: Any) -> None:
    memory = _in_memory()
    desk.target.put("bob", Login="bob")
    desk.build()
    with working(desk):
        memory.wait_until(lambda: desk.store.status("hr").first_import_done)
        desk.store.reset("hr", desk.endpoint.agreement.fingerprint, BY_HAND)
        memory.wait_until(lambda: desk.store.status("hr").first_import_done)
        assert desk.named("bob")
    assert [one for one in desk.events() if one[0] != "recover"] == [
        ("import", "ok"),
        ("reset", "ok"),
        ("import", "ok"),
    ]


def test_what_does_not_fit_the_space_is_not_imported_before_it_is_accepted_and_then_at_once(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = _in_memory()
    monkeypatch.setattr(worker, "RETRY_SECONDS", (3600.0,))
    desk.target.put("bob", Login="bob")
    desk.ready(hooks=at("db1"))
    desk.build(hooks=at("db2"))
    imports = desk.target.imports
    with working(desk):
        memory.wait_until(lambda: any(one.name == "import hr" for one in threading.enumerate()))
        assert ("import", "failed") not in desk.events()
        desk.store.accept("hr", desk.endpoint.agreement.fingerprint, BY_HAND)
        memory.wait_until(lambda: desk.target.imports > imports)


def test_an_attribute_that_somebody_elses_import_left_out_is_imported_soon(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = _in_memory()
    monkeypatch.setattr(timetable, "SELECTION_SECONDS", 0.05)
    desk.target.put("bob", Login="bob", Level=3)
    older = {"userName": "Login"}
    desk.ready(mapping=older)
    with_older = desk.endpoint
    desk.build(mapping={"userName": "Login", "nickName": "Level"})
    with working(desk):
        memory.wait_until(lambda: desk.named("bob")[0].attributes.get("Level") == (3,))
        memory.wait_until(lambda: not desk.store.status("hr").importing)
        memory.imports.full_import(with_older)  # a command that was started with the older file
        imports = desk.target.imports
        memory.wait_until(lambda: desk.target.imports > imports)
        memory.wait_until(lambda: desk.named("bob")[0].attributes.get("Level") == (3,))


def test_what_breaks_in_the_timetable_does_not_end_the_imports(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    due = timetable.Timetable.due
    broken = iter([True, True])

    def sometimes(self: Any) -> Any:
        if next(broken, False):
            raise OverflowError
        return due(self)

    monkeypatch.setattr(timetable.Timetable, "due", sometimes)
    desk.target.put("bob", Login="bob")
    desk.build()
    with working(desk):
        _in_memory().wait_until(lambda: desk.store.status("hr").first_import_done)
    assert desk.named("bob")


def test_an_import_that_somebody_asks_for_is_made_by_the_worker(desk: Any) -> None:
    memory = _in_memory()
    desk.build()
    with working(desk):
        memory.wait_until(lambda: desk.store.status("hr").first_import_done)
        desk.target.put("bob", Login="bob")
        request = ImportRequest("1", delta=False, confirm=False, since=datetime.now(UTC))
        desk.store.request_import("hr", request)
        memory.wait_until(lambda: desk.store.status("hr").request is None)
        assert desk.named("bob")
