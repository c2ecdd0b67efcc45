"""Processes that are killed anywhere leave whole transactions only; ``desk.check`` looks at all of them."""

import random
import select
from typing import Any

import pytest

from ecmahost_core.space.history import EventRecord

_WRITER = """
store = open_store(path, runtime, writing=True)
say("ready")
turn = 0
while True:
    turn += 1
    name = f"u{turn % 40}"
    found = store.by_anchor(users, (name,))
    if found is None:
        entry = store.open_entry(intent(name))
        store.complete(entry, user(name, Email=f"{name}@mail", Manager=f"u{(turn + 1) % 40}"), ok)
    else:
        keys = (LockKey(ID, found.id), LockKey(ANCHOR, name))
        delete = turn % 3 == 0
        entry = store.open_entry(WriteIntent(users, Operation.DELETE if delete else Operation.UPDATE, {"turn": turn},
            keys, object_id=found.id, unlink=turn % 2 == 0))
        store.complete(entry, None if delete else user(name, Email=f"{turn}@mail", Manager="u1"), ok)
"""

_IMPORTER = """
store = open_store(path, runtime, writing=True)
say("ready")
turn = 0
while True:
    turn += 1
    run = store.begin_import("hr")
    run.compare(users, [user(f"i{number}", Email=f"{turn}", Manager=f"u{number}") for number in range(turn % 7 * 90)])
    run.remove_missing(users)
    run.complete(held=None)
"""

_GROUPS = """
from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.sql import links
links.ROWS = 20
groups = SpaceType("hr", "Group", sys.argv[2], links=("members",), scopes=(("members", "User"),))

def group(name, first, count):
    members = tuple(Reference(f"i{number}") for number in range(first, first + count))
    return TargetObject((name,), None, {"members": members})

store = open_store(path, runtime, writing=True)
say("ready")
turn = 0
while True:
    turn += 1
    run = store.begin_import("hr")
    run.compare(users, [user(f"i{number}") for number in range(turn % 3 * 60)])
    run.compare(groups, [group(f"g{number}", turn * 7 % 50, 90 - number) for number in range(turn % 4)])
    run.remove_missing(users)
    run.remove_missing(groups)
    run.complete(held=None)
    for found in list(store.scan(groups)):
        keys = (LockKey(ID, found.id), LockKey(ANCHOR, found.anchor[0]))
        entry = store.open_entry(WriteIntent(groups, Operation.UPDATE, {}, keys, object_id=found.id))
        change = {"members": LinkChange((f"i{turn}", "x"), (f"i{turn + 1}",))}
        store.complete(entry, TargetObject(found.anchor, None, found.attributes, change), ok)
"""


@pytest.mark.parametrize("code", [_WRITER, _IMPORTER, _GROUPS], ids=["writer", "importer", "groups"])
def test_a_process_killed_at_any_moment_leaves_no_half_transaction(desk: Any, code: str) -> None:
    moments = random.Random(20260301)
    for _ in range(6):
        child = desk.run(code)
        assert child.stdout.readline() == "ready\n"
        # Nothing is said any more: this waits a random time, or notices at once that the child has failed.
        assert select.select([child.stdout], [], [], moments.uniform(0.01, 0.25))[0] == []
        child.kill()
        child.wait()
        desk.check()
        for orphan in desk.store.claim_orphans("hr"):
            desk.store.complete(orphan, None, EventRecord("recover", "not_applied"))
        assert desk.store.entries() == []
        assert desk.rows("SELECT count(*) FROM incarnation") in ([(1,)], [(2,)])
    desk.load()
    assert desk.store.count(desk.users) == 0


def test_a_space_whose_processes_were_all_killed_opens_for_reading(desk: Any) -> None:
    desk.store.close()
    child = desk.run("""
store = open_store(path, runtime, writing=True)
store.complete(store.open_entry(intent("bob")), user("bob"), ok)
say("written")
time.sleep(60)
""")
    assert child.stdout.readline() == "written\n"
    child.kill()
    child.wait()
    with desk.open(writing=False) as reader:
        assert reader.by_anchor(desk.users, ("bob",)) is not None


@pytest.mark.parametrize("moment", ["after the entry", "after the export"])
def test_what_recovery_needs_survives_the_process(desk: Any, moment: str) -> None:
    child = desk.run("""
store = open_store(path, runtime, writing=True)
store.open_entry(WriteIntent(users, Operation.ADD, {"name": "bob"}, intent("bob").keys, kept={"active": True}))
say("opened")
time.sleep(60)
""")
    assert child.stdout.readline() == "opened\n"
    child.kill()
    child.wait()
    (orphan,) = desk.store.claim_orphans("hr")
    outcome = desk.user("bob") if moment == "after the export" else None
    found = desk.store.complete(orphan, outcome, EventRecord("recover", "ok"))
    if outcome is None:
        assert found is None
    else:
        assert found is not None
        assert (found.id, found.kept) == (orphan.reserved_id, {"active": True})
    desk.add(desk.user("eve"))
