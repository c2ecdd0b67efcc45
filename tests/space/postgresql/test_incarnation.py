"""Who lives, who leads, and what the dead leave behind, where processes are on several hosts."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core.space.journal import EntryState
from ecmahost_core.space.postgresql import incarnation
from ecmahost_core.space.store import ImportRunning, StoreUnavailable

ELSEWHERE = """
runtime = runtime.with_name("elsewhere")
store = open_store(path, runtime, writing=True)
"""


@pytest.fixture
def other(desk: Any, tmp_path: Path) -> Any:
    """The store as another host sees it."""
    return desk.open_at(tmp_path / "another host")


def end_session(store: Any) -> None:
    """Ends the session that proves the process's life, and no other."""
    session = store._incarnation._session.raw
    with store._database.read() as connection:
        connection.execute(f"SELECT pg_terminate_backend({session.info.backend_pid})")
    while session.info.backend_pid in [pid for (pid,) in _sessions(store)]:
        pass


def _sessions(store: Any) -> Any:
    with store._database.read() as connection:
        return connection.execute("SELECT pid FROM pg_stat_activity").fetchall()


def test_a_process_of_another_host_is_alive_until_it_ends(desk: Any, other: Any, eventually: Any) -> None:
    child = desk.run(ELSEWHERE + "say(store.incarnation); time.sleep(60)")
    name = child.stdout.readline().strip()
    assert other.is_alive(desk.store.incarnation)
    assert desk.store.is_alive(other.incarnation)
    assert desk.store.is_alive(name)
    child.kill()
    assert eventually(lambda: not desk.store.is_alive(name))
    assert not desk.store.is_alive("nobody")


def test_what_a_dead_process_of_another_host_was_at_is_taken_over_after_a_while(
    desk: Any, monkeypatch: Any, eventually: Any
) -> None:
    child = desk.run(ELSEWHERE + "say(store.open_entry(intent('bob')).number); time.sleep(60)")
    number = int(child.stdout.readline())
    assert desk.store.claim_orphans("hr") == []
    child.kill()
    owner = desk.store.entries()[0].incarnation
    assert eventually(lambda: not desk.store.is_alive(owner))
    assert desk.store.claim_orphans("hr") == []
    assert [one.state for one in desk.store.entries()] == [EntryState.OPEN]
    monkeypatch.setattr(incarnation, "GRACE", 0.2)
    assert eventually(lambda: [one.number for one in desk.store.claim_orphans("hr")] == [number])
    desk.store.abandon(desk.store.entries()[0], desk.ok)
    desk.store.prune(1)
    assert desk.rows("SELECT * FROM lost") == []
    assert desk.rows("SELECT id FROM incarnation") == [(desk.store.incarnation,)]


def test_what_a_dead_process_of_this_host_was_at_is_taken_over_at_once(desk: Any) -> None:
    child = desk.run("say(open_store(path, runtime, writing=True).open_entry(intent('bob')).number); time.sleep(60)")
    number = int(child.stdout.readline())
    child.kill()
    child.wait()
    assert [one.number for one in desk.store.claim_orphans("hr")] == [number]
    desk.store.abandon(desk.store.entries()[0], desk.ok)


def test_a_process_that_is_cut_off_and_comes_back_keeps_what_it_is_at(desk: Any, other: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(incarnation, "PULSE", 600)
    desk.store = desk.open_at(desk.directory / "watched by hand")
    entry = desk.store.open_entry(desk.adding(desk.user("bob")))
    end_session(desk.store)
    assert not other.is_alive(desk.store.incarnation)
    assert other.claim_orphans("hr") == []
    with pytest.raises(StoreUnavailable, match="cut off"):
        desk.store.open_entry(desk.adding(desk.user("eve")))
    with pytest.raises(StoreUnavailable, match="cut off"):
        desk.store.begin_import("hr")
    desk.store._incarnation.look()
    desk.store._incarnation.look()
    assert other.is_alive(desk.store.incarnation)
    monkeypatch.setattr(incarnation, "GRACE", 0)
    assert other.claim_orphans("hr") == []
    assert desk.rows("SELECT * FROM lost") == []
    assert desk.store.complete(entry, desk.user("bob"), desk.ok) is not None
    desk.add(desk.user("eve"))


def test_a_lost_session_is_noticed_by_itself(desk: Any, other: Any, eventually: Any) -> None:
    end_session(desk.store)
    assert eventually(lambda: other.is_alive(desk.store.incarnation))
    desk.add(desk.user("bob"))


def test_one_of_several_leads_and_another_when_it_ends(desk: Any, other: Any, eventually: Any) -> None:
    child = desk.run(ELSEWHERE + "store.leads(); say(store.leads()); time.sleep(60)")
    assert "store_leader" in child.stdout.readline()
    assert child.stdout.readline() == "True\n"
    assert not desk.store.leads()
    assert not other.leads()
    child.send_signal(signal.SIGKILL)
    assert eventually(desk.store.leads, 5)
    assert desk.store.leads()
    assert not other.leads()
    end_session(desk.store)
    assert eventually(lambda: other.leads() and not desk.store.leads())


def test_an_import_that_was_taken_over_writes_nothing_more(desk: Any, other: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(incarnation, "PULSE", 600)
    desk.load(desk.user("bob"))
    cut_off = desk.open_at(desk.directory / "watched by hand")
    run = cut_off.begin_import("hr")
    run.compare(desk.users, [desk.user("eve")])
    with pytest.raises(ImportRunning, match=r"process \d+ on .+ is importing hr"):
        other.begin_import("hr")
    end_session(cut_off)
    newer = other.begin_import("hr")
    bob = desk.named("bob")
    acts = [
        lambda: run.compare(desk.users, [desk.user("mallory")]),
        lambda: run.apply(desk.users, [desk.user("mallory")]),
        lambda: run.adopt(desk.users, [desk.user("mallory")], 0),
        lambda: run.move(desk.users, ("bob",), desk.user("mallory")),
        lambda: run.remove(desk.users, [bob.key]),
        lambda: run.remove_missing(desk.users),
        lambda: run.complete(held=None),
    ]
    for act in acts:
        with pytest.raises(StoreUnavailable, match="taken over"):
            act()
    newer.compare(desk.users, [desk.user("bob")])
    newer.remove_missing(desk.users)
    newer.complete(held=None)
    run.fail("cut off")
    assert desk.named("bob") == bob
    assert desk.names() == ["bob"]
    assert desk.store.status("hr").last_failure == ""


def test_a_forked_child_neither_ends_the_session_nor_keeps_it(desk: Any, other: Any, eventually: Any) -> None:
    child = desk.run(
        ELSEWHERE
        + """
import gc
if os.fork() == 0:
    del store
    gc.collect()
    say("child")
    time.sleep(60)
    os._exit(0)
say(store.incarnation)
time.sleep(60)
"""
    )
    lines = {child.stdout.readline().strip() for _ in range(2)}
    (name,) = lines - {"child"}
    assert other.is_alive(name)
    children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
    child.kill()
    assert eventually(lambda: not other.is_alive(name), 5)
    for pid in children:
        os.kill(int(pid), signal.SIGKILL)
