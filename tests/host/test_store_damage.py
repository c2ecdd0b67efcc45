"""A host whose store is damaged or lost, at its start or while it runs: it begins another and reads the targets."""

import random
import sqlite3
from contextlib import closing
from typing import Any

import pytest


def set_aside(home: Any) -> list[Any]:
    return sorted(home.path.glob("space.db.corrupt-*[0-9]"))


def test_a_damaged_store_is_rebuilt_with_the_same_ids_where_anchors_are_immutable_and_new_ones_elsewhere(
    home: Any, start: Any, eventually: Any
) -> None:
    lasting, named = home.sqlite("lasting"), home.csv("named")
    home.connect("lasting", lasting)
    home.connect("named", named)
    host = start(home)
    kept = host.client("lasting").created({"userName": "ann", "title": "Countess"})
    lost = host.client("named").created({"userName": "ann", "title": "Countess"})
    version = host.client("lasting").user(kept).version
    host.kill()
    (home.path / "space.db").write_bytes(random.Random(1).randbytes(100_000))
    # The name has passed to somebody else since.
    named.write([row | {"DisplayName": "Somebody Else"} for row in named.rows()])

    host = start(home)

    assert len(set_aside(home)) == 1
    assert len(host.events("store_set_aside")) == 1
    client = host.client("lasting")
    assert client.user(kept).json["title"] == "Countess"
    assert client.user(kept).version != version
    assert [one["id"] for one in client.matched("ann")] == [kept]
    client = host.client("named")
    # Whoever holds the old id never meets the one who has the name now.
    assert client.user(lost).status == 404
    assert client.patch(lost, {"op": "Replace", "path": "title", "value": "x"}).status == 404
    assert client.delete(lost).status == 404
    (found,) = client.matched("ann")
    assert found["id"] != lost
    assert found["displayName"] == "Somebody Else"
    assert client.patch(found["id"], {"op": "Replace", "path": "title", "value": "Boss"}).status == 200
    checked = home.command("check")
    assert set_aside(home)[0].name in checked.stdout


@pytest.mark.parametrize("way", ["damaged", "removed"])
def test_a_store_that_breaks_while_the_host_runs_is_replaced_without_a_restart(
    home: Any, start: Any, eventually: Any, way: str
) -> None:
    target = home.sqlite("people")
    home.connect("people", target)
    host = start(home)
    client = host.client("people")
    ids = [client.created({"userName": f"p{number}", "title": "x" * 150}) for number in range(40)]
    before = host.pids()
    store = home.path / "space.db"
    if way == "removed":
        store.unlink()
    else:
        # What the processes have in memory and in the log goes with the file, as when a disk breaks.
        for name in ("space.db-wal", "space.db"):
            path = home.path / name
            with path.open("r+b") as file:
                file.write(b"\xa5" * path.stat().st_size)

    def is_back() -> bool:
        try:
            fresh = host.client("people")
            return all(fresh.user(one).status == 200 for one in ids)
        except (OSError, AssertionError):
            return False
        finally:
            fresh.close()

    assert eventually(lambda: bool(host.events("children_replaced")), 20), host.trouble()
    assert eventually(is_back, 40), host.trouble()
    assert host.process.poll() is None
    assert len(set_aside(home)) == (1 if way == "damaged" else 0)
    after = host.pids()
    assert after["arbiter"] == before["arbiter"]
    assert not after["web"] & before["web"]
    assert eventually(host.is_ready)
    assert host.client("people").created({"userName": "new"})
    assert host.stop() == 0


def test_a_write_that_was_open_in_a_damaged_store_is_looked_at_in_the_target(
    home: Any, start: Any, gate: Any, eventually: Any
) -> None:
    home.settings(request_budget_seconds=1)
    for number in range(50):
        gate.add(f"p{number}")
    host = start(home)
    gate.hold("export")
    assert host.client("gate").create({"userName": "under way"}).status == 503
    host.kill()
    # Into the file with everything that is in the log, so that the journal outlives what is broken below.
    assert home.command("journal", "gate", "--events", "0").returncode == 0
    assert home.command("import", "gate").returncode == 0
    gate.release("export")
    gate.add("under way")  # the target has taken the change after all
    break_the_objects(home.path / "space.db")

    host = start(home)

    assert len(set_aside(home)) == 1
    assert [event["open_entries"] for event in host.events("store_set_aside")] == [1]
    assert eventually(lambda: host.open_entries() == 0), host.trouble()
    assert len(host.client("gate").matched("under way")) == 1
    assert host.client("gate").create({"userName": "under way"}).status == 409


def break_the_objects(store: Any) -> None:
    """Overwrites the first page of the table of objects."""
    with closing(sqlite3.connect(store)) as connection:
        ((page,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'object'").fetchall()
        ((size,),) = connection.execute("PRAGMA page_size").fetchall()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with store.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
