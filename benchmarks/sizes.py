"""Whether a request costs more where there are more people: ``python benchmarks/sizes.py``.

One host has a connector to 1,000 people and one to 100,000, both in SQLite. Matches, reads by id and pages of 100 at
the start, in the middle and at the end go to the two in turns, over one kept-alive TLS connection each; the ratio of
the two medians is what counts (wanted: at most 1.2, and each page under 10 ms).
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clients import Load, Request, drive, match
from people import target, user_name
from running_host import RunningHost, temporary_home

WANTED_RATIO = 1.2
WANTED_PAGE_MS = 10.0


@dataclass(frozen=True)
class Crowd:
    """A connector with so many people, and the ids of some of them."""

    name: str
    size: int
    ids: Sequence[str]

    def requests(self, count: int) -> dict[str, list[Request]]:
        """What is sent to it, by what it is called."""
        matches = [match(user_name(number * 7919 % self.size)) for number in range(count)]
        reads = [Request("GET", f"/Users/{self.ids[number % len(self.ids)]}") for number in range(count)]
        pages = {"start": 1, "middle": self.size // 2, "end": self.size - 99}
        return {"match": matches, "GET by id": reads} | {
            f"page of 100, {place}": [Request("GET", f"/Users?startIndex={start}&count=100")] * (count // 5)
            for place, start in pages.items()
        }


def crowd(host: RunningHost, name: str, size: int) -> Crowd:
    """Waits for the import, and reads the ids of people of all parts of the crowd."""
    host.wait_for_import(name, 1)
    requests = [Request("GET", f"/Users?startIndex={start}&count=100") for start in range(1, size, max(1, size // 20))]
    load = Load(host.port, host.certificate, name, host.token(name), requests, repeat=False)
    return Crowd(name, size, [one["id"] for body in drive(load).bodies for one in json.loads(body)["Resources"]])


def measure(host: RunningHost, crowds: Sequence[Crowd], options: argparse.Namespace) -> tuple[float, float]:
    """Prints a line for each operation; returns the worst ratio and the slowest page's median."""
    sent = [one.requests(options.requests) for one in crowds]
    sizes = " | ".join(f"p50 ms, {one.size:,}" for one in crowds)
    print(f"operation | {sizes} | ratio (each round's)\n--- | ---: | ---: | ---:")
    worst, slowest = 0.0, 0.0
    for operation in sent[0]:
        took: list[list[float]] = [[] for _ in crowds]
        for _ in range(options.rounds):
            for place, one in enumerate(crowds):
                load = Load(host.port, host.certificate, one.name, host.token(one.name), sent[place][operation])
                took[place].append(drive(replace(load, repeat=False)).p50)
        ratios = [large / small for small, large in zip(*took, strict=True)]
        middle = [statistics.median(values) for values in took]
        ratio = statistics.median(ratios)
        worst = max(worst, ratio)
        slowest = max(slowest, *middle) if operation.startswith("page") else slowest
        cells = " | ".join(f"{value:.2f}" for value in middle)
        print(f"{operation} | {cells} | {ratio:.2f} ({', '.join(f'{one:.2f}' for one in ratios)})", flush=True)
    return worst, slowest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs=2, default=[1_000, 100_000], help="people (default 1000 100000)")
    parser.add_argument("--requests", type=int, default=1500, help="in a round; pages a fifth (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    options = parser.parse_args()
    with temporary_home(options.directory, workers=1) as host:
        names = [f"crowd{number}" for number in range(len(options.sizes))]
        for name, size in zip(names, options.sizes, strict=True):
            target(host, "sql", name, size)
        host.start()
        crowds = [crowd(host, name, size) for name, size in zip(names, options.sizes, strict=True)]
        worst, slowest = measure(host, crowds, options)
    print(f"\nworst ratio {worst:.2f} (wanted: {WANTED_RATIO} at most)")
    print(f"slowest page {slowest:.1f} ms (wanted: under {WANTED_PAGE_MS:.0f})")


if __name__ == "__main__":
    main()
