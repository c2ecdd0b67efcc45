"""Whether any page of the list costs the same: ``python benchmarks/listing.py``.

The connector space alone, without a host: pages of 100 of a million objects at the start, in the middle, at the end and
at random places, by index and behind a key as a cursor does, in a process that has just opened the store; then again
after 10,000 random objects have gone. Processor time and time on the clock; wanted: under 10 ms.
"""

import argparse
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from ecmahost_core.space.objects import SpaceType, TargetObject
from ecmahost_core.space.sqlite import open_store
from ecmahost_core.space.store import Store

PEOPLE = SpaceType("crowd", "User", str(uuid.UUID(int=1)), indexed=("UserName",))
PAGE = 100


def bring(store: Store, numbers: list[int]) -> None:
    """An import that brings these people and nobody else."""
    run = store.begin_import(PEOPLE.connector)
    for start in range(0, len(numbers), 1000):
        run.compare(PEOPLE, [somebody(number) for number in numbers[start : start + 1000]])
    run.remove_missing(PEOPLE)
    run.complete(held=None)


def somebody(number: int) -> TargetObject:
    """One of the people."""
    attributes = {"UserName": (f"user{number}",), "Name": (f"Person {number}",), "Mail": (f"m{number}@example.com",)}
    return TargetObject((f"E{number:07}",), None, attributes)


def measured(read: Callable[[], object], count: int) -> str:
    """The median and the longest of some reads, in milliseconds of the processor and of the clock."""
    cpu, clock = [], []
    for _ in range(count):
        began, first = time.perf_counter(), time.thread_time()
        read()
        cpu.append((time.thread_time() - first) * 1000)
        clock.append((time.perf_counter() - began) * 1000)
    return " | ".join(f"{statistics.median(one):.2f} | {max(one):.2f}" for one in (cpu, clock))


def reads(store: Store) -> Iterator[tuple[str, Callable[[], object], int]]:
    """What is read, by what it is called; each place first by a process that knows nothing yet."""
    live = store.count(PEOPLE)
    for name, start in (("start", 0), ("middle", live // 2), ("end", live - PAGE)):
        yield f"page, {name}, for the first time", lambda start=start: store.page(PEOPLE, start, PAGE), 1
        yield f"page, {name}", lambda start=start: store.page(PEOPLE, start, PAGE), 20
    yield "page, anywhere", lambda: store.page(PEOPLE, random.randrange(live - PAGE), PAGE), 300
    key = store.page(PEOPLE, live // 2, 1)[0].key
    yield "cursor, middle", lambda: store.after(PEOPLE, key, PAGE), 20


def show(directory: Path, title: str) -> None:
    print(f"\n{title} | cpu ms, median | longest | clock ms, median | longest\n--- | ---: | ---: | ---: | ---:")
    with open_store(directory / "space.db", directory / "run", writing=True) as store:
        for name, read, count in reads(store):
            print(f"{name} | {measured(read, count)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000_000, help="people (default %(default)s)")
    parser.add_argument("--removed", type=int, default=10_000, help="of them who go (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as place:
        directory = Path(place)
        numbers = list(range(options.size))
        for title, wanted in (
            (f"{options.size:,} people", numbers),
            (f"{options.removed:,} of them have gone", sorted(random.sample(numbers, options.size - options.removed))),
        ):
            with open_store(directory / "space.db", directory / "run", writing=True) as store:
                bring(store, wanted)
            show(directory, title)


if __name__ == "__main__":
    main()
