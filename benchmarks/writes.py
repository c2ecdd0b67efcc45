"""What the connector space adds to a write: ``python benchmarks/writes.py``.

The store alone, without a host and a target, with as many people in it: the transaction that writes the journal and
takes the keys, and the one that completes, for an addition and for a change of two attributes. In SQLite as each
``durability`` has it, and in PostgreSQL, in turns. Beside them a *floor*: two transactions of SQLite that insert a row
each. Wanted: both together under 1 ms at the median.
"""

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

from listing import PEOPLE, bring, somebody
from postgres import postgresql

from ecmahost_core.configuration.model import Durability
from ecmahost_core.secret import Secret
from ecmahost_core.space import postgresql as on_postgresql
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import ANCHOR, ID, LockKey, Operation, WriteIntent
from ecmahost_core.space.objects import SpaceObject, TargetObject
from ecmahost_core.space.sqlite import open_store
from ecmahost_core.space.store import Store

DONE = EventRecord("write", "ok")
BLOCK = 50
"""Writes to one store, one after the other, before it is the next one's turn."""


def written(store: Store, intent: WriteIntent, outcome: TargetObject) -> tuple[float, float, SpaceObject]:
    """Milliseconds for the entry and for its completion."""
    began = time.perf_counter()
    entry = store.open_entry(intent)
    opened = time.perf_counter()
    found = store.complete(entry, outcome, DONE)
    ended = time.perf_counter()
    assert found is not None
    return (opened - began) * 1000, (ended - opened) * 1000, found


def pair(store: Store, number: int) -> dict[str, tuple[float, float]]:
    """Adds somebody and changes them."""
    new = somebody(number)
    keys = (LockKey(ANCHOR, str(new.anchor[0])), LockKey("UserName", f"user{number}"))
    told: dict[str, Any] = {
        "modification_type": "add",
        "attributes": {name: list(new.attributes[name]) for name in new.attributes},
    }
    adding = WriteIntent(PEOPLE, Operation.ADD, told, keys, keys, request_id="0" * 32)
    *added, found = written(store, adding, new)
    after = new._replace(attributes={**new.attributes, "Name": ("Somebody Else",), "Mail": (f"n{number}@example.com",)})
    told = {"modification_type": "update", "changes": {"Name": ["Somebody Else"], "Mail": [f"n{number}@example.com"]}}
    changing = WriteIntent(
        PEOPLE,
        Operation.UPDATE,
        told,
        (LockKey(ID, found.id), *keys),
        object_id=found.id,
        expected_seq=found.change_seq,
        request_id="0" * 32,
    )
    *changed, _ = written(store, changing, after)
    return {"add": (added[0], added[1]), "change": (changed[0], changed[1])}


def floor(path: Path) -> Callable[[int], dict[str, tuple[float, float]]]:
    """Two transactions a write, one row each, on a file of its own."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE row (told TEXT)")

    def insert(number: int) -> float:
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO row VALUES (?)", (str(somebody(number)),))
        connection.execute("COMMIT")
        return (time.perf_counter() - began) * 1000

    return lambda number: {"one row, twice": (insert(number), insert(number))}


def stores(stack: ExitStack, directory: Path) -> Iterator[tuple[str, Store]]:
    for durability in Durability:
        place = directory / durability.value
        place.mkdir()
        opened = open_store(place / "space.db", place / "run", writing=True, durability=durability)
        yield f"SQLite, {durability.value}", stack.enter_context(opened)
    parts = dict(part.split("=") for part in stack.enter_context(postgresql()).split(";"))
    url = f"postgresql://{quote(parts['UID'])}@{parts['SERVER']}:{parts['PORT']}/{parts['DATABASE']}"
    remote = on_postgresql.open_store(Secret(lambda: url), "ecmahost", directory / "run", writing=True)
    yield "PostgreSQL", stack.enter_context(remote)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000, help="people who are there before (default %(default)s)")
    parser.add_argument("--writes", type=int, default=500, help="of each kind (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as place, ExitStack() as stack:
        writers: dict[str, Callable[[int], dict[str, tuple[float, float]]]] = {"floor": floor(Path(place) / "floor.db")}
        for name, store in stores(stack, Path(place)):
            bring(store, list(range(options.size)))
            writers[name] = lambda number, store=store: pair(store, number)  # type: ignore[misc]  # the loop's store
        taken: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for start in range(options.size, options.size + options.writes, BLOCK):
            for name, writer in writers.items():
                for number in range(start, start + BLOCK):
                    for kind, times in writer(number).items():
                        taken.setdefault((name, kind), []).append(times)
    print("store | write | entry, ms | completion, ms | both, median | longest of 100")
    print("--- | --- | ---: | ---: | ---: | ---:")
    for (name, kind), times in taken.items():
        both = sorted(sum(one) for one in times)
        entry, done = (statistics.median(column) for column in zip(*times, strict=True))
        long = both[len(both) * 99 // 100]
        print(f"{name} | {kind} | {entry:.2f} | {done:.2f} | {statistics.median(both):.2f} | {long:.2f}")


if __name__ == "__main__":
    main()
