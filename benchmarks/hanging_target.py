"""What a target that hangs does to the others: ``python benchmarks/hanging_target.py``.

One connector answers match queries, from the space and, for users that nobody has, from its target. In turns it is
alone, and beside another connector whose target hangs while requests for it are in flight: half of them creations, half
of them match queries that have to ask the target.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clients import Answers, Load, Request, drive, match, under_way
from people import connect_instant, target, user_name
from running_host import RunningHost, temporary_home

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"


@dataclass(frozen=True)
class Sample:
    """The healthy connector's answers, alone and beside the other, and how many requests hung all the while."""

    alone: Answers
    beside: Answers
    in_flight: int


class Subject:
    """A host with a healthy connector ``people`` and one named ``hung``."""

    def __init__(self, host: RunningHost, options: argparse.Namespace) -> None:
        self._host = host
        self._options = options
        self._hold = host.path / "hold"
        self._sent = 0

    def prepare(self) -> None:
        """Starts the host and waits for the imports."""
        host = self._host
        target(host, "sql", "people", self._options.size)
        connect_instant(host, "hung", self._hold)
        host.start()
        host.wait_for_import("people", 1)
        host.wait_for_import("hung", 1)
        drive(self._load("hung", self._hanging(), concurrency=8, expected=0, repeat=False))

    def sample(self, requests: Sequence[Request]) -> Sample:
        """Measures the same requests alone, and while the other target hangs."""
        options = self._options
        load = self._load("people", requests, concurrency=options.clients, seconds=options.seconds)
        alone = drive(load)
        self._hold.touch()
        hanging = self._load("hung", self._hanging(), concurrency=options.in_flight, expected=0, repeat=False)
        try:
            with under_way(hanging) as waiting:
                time.sleep(1)
                beside = drive(load)
                end = time.monotonic()
                self._hold.unlink()
                answers = waiting.result()
        finally:
            self._hold.unlink(missing_ok=True)
        in_flight = sum(began + took > end for began, took in zip(answers.began, answers.took, strict=True))
        return Sample(alone, beside, in_flight)

    def _hanging(self) -> list[Request]:
        """New people, each created by one client and looked for by none."""
        self._sent += 1
        found = []
        for number in range(self._options.in_flight // 2):
            name = f"hung{self._sent}.{number}@example.com"
            body = json.dumps({"schemas": [CORE], "userName": name}).encode()
            found += [Request("POST", "/Users", body), match(f"nobody{self._sent}.{number}@example.com")]
        return found

    def _load(
        self,
        connector: str,
        requests: Sequence[Request],
        *,
        concurrency: int,
        seconds: float = 60.0,
        expected: int = 200,
        repeat: bool = True,
    ) -> Load:
        host = self._host
        token = host.token(connector)
        return Load(host.port, host.certificate, connector, token, requests, expected, concurrency, repeat, seconds)


def line(name: str, samples: Sequence[Sample]) -> str:
    def middle(figure: Callable[[Sample], float]) -> float:
        return statistics.median(map(figure, samples))

    cells = [
        name,
        f"{min(one.in_flight for one in samples)}",
        f"{middle(lambda one: one.alone.p50):.2f}",
        f"{middle(lambda one: one.beside.p50):.2f}",
        f"{middle(lambda one: one.alone.percentile(99)):.1f}",
        f"{middle(lambda one: one.beside.percentile(99)):.1f}",
        f"{middle(lambda one: one.beside.p50 / one.alone.p50):.2f}",
        f"{middle(lambda one: one.beside.percentile(99) / one.alone.percentile(99)):.2f}",
    ]
    return " | ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--size", type=int, default=20_000, help="people of the healthy connector (default %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds, of which the median counts (default %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each measurement (default %(default)s)")
    parser.add_argument("--in-flight", type=int, default=100, help="requests that hang (default %(default)s)")
    parser.add_argument("--clients", type=int, default=4, help="connections to the healthy one (default %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="web workers (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    options = parser.parse_args()
    with temporary_home(options.directory, workers=options.workers) as host:
        subject = Subject(host, options)
        subject.prepare()
        hits = [match(user_name(number * 7919 % options.size)) for number in range(5000)]
        misses = [match(f"nobody{number}@example.com") for number in range(5000)]
        found = [(subject.sample(hits), subject.sample(misses)) for _ in range(options.rounds)]
    print("healthy connector | hanging | p50 ms, alone | beside | p99 ms, alone | beside | p50 ratio | p99 ratio")
    print("--- | ---: | ---: | ---: | ---: | ---: | ---: | ---:")
    print(line("match (hit)", [hit for hit, _ in found]))
    print(line("match (miss, asks the target)", [miss for _, miss in found]))


if __name__ == "__main__":
    main()
