"""How much slower a match is while the host imports: ``python benchmarks/match_during_import.py``.

One connector answers match queries (``userName eq``, users that exist) all the time. In turns the host does nothing
else, imports another connector for the first time, imports the same one again unchanged, and imports it with every
tenth object changed. Each import's latencies are set against those of the idle times right before and after it. The
imports are run by the host's worker process, as in production.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clients import Answers, Clients, Load, match, under_way
from people import KINDS, Target, target, user_name
from running_host import RunningHost, forget_peak, peak_memory, temporary_home

CHANGED = 10
SETTLE_SECONDS = 1.0


@dataclass(frozen=True)
class Phase:
    """One import, and the match queries during it.

    Attributes:
        name: of the kind of import.
        start: monotonic seconds when it was asked for.
        end: when it had completed.
        rate: objects a second, as the host reports it.
        memory: the largest resident size of the worker process, in MiB.
    """

    name: str
    start: float
    end: float
    rate: float
    memory: float


class Subject:
    """A host with the connector that is asked, and the imports that it runs."""

    def __init__(self, host: RunningHost, people: Target, options: argparse.Namespace) -> None:
        self._host = host
        self._people = people
        self._options = options
        self._round = 0

    def round(self) -> list[Phase]:
        """Runs the three imports with idle times between them."""
        self._round += 1
        time.sleep(self._options.idle)
        phases = [self._first_import_of_another()]
        time.sleep(self._options.idle)
        phases.append(self._again("the same, unchanged", 0))
        self._people.fill(CHANGED, f"Title {self._round}")
        time.sleep(self._options.idle)
        changed = len(range(0, self._people.size, CHANGED))
        phases.append(self._again(f"the same, 1 of {CHANGED} changed", changed))
        time.sleep(self._options.idle)
        return phases

    def _first_import_of_another(self) -> Phase:
        name = f"other{self._round}"
        other = Target(self._people.kind, name, self._people.file.with_stem(name), self._people.size)
        other.fill()
        time.sleep(self._options.idle)  # what filling it took of the machine is no idle time
        file = other.connect(self._host)
        phase = self._import("another, for the first time", name, added=other.size)
        file.unlink()
        self._host.reload()
        other.file.unlink()
        return phase

    def _again(self, name: str, changed: int) -> Phase:
        # A changed run profile makes the host build the connector anew, and its worker process import at once.
        file = self._host.path / "connectors.d" / f"{self._people.name}.toml"
        text = file.read_text()
        old, new = ("1000", "999") if "page_size = 1000" in text else ("999", "1000")
        file.write_text(text.replace(f"page_size = {old}", f"page_size = {new}"))
        return self._import(name, self._people.name, changed=changed)

    def _import(self, name: str, connector: str, *, added: int = 0, changed: int = 0) -> Phase:
        host = self._host
        number = len(host.imports(connector)) + 1
        forget_peak(host.worker)
        start = time.monotonic()
        host.reload()
        completed = host.wait_for_import(connector, number)
        end = time.monotonic()
        if (completed["added"], completed["changed"]) != (added, changed):
            raise SystemExit(f"{name}: {added} to be added and {changed} to be changed, and not so: {completed}")
        return Phase(name, start, end, completed["seen"] / completed["seconds"], peak_memory(host.worker))


def idle_around(phase: Phase, answers: Answers, seconds: float) -> Answers:
    """The answers of the idle times before and after an import."""
    before = answers.between(phase.start - seconds + SETTLE_SECONDS, phase.start)
    after = answers.between(phase.end + SETTLE_SECONDS, phase.end + seconds)
    return Answers(before.began + after.began, before.took + after.took)


def measure(kind: str, options: argparse.Namespace) -> float:
    """Prints the figures of one kind of target; returns the worst ratio."""
    with temporary_home(options.directory, workers=options.workers) as host:
        people = target(host, kind, "people", options.size)
        host.start()
        first = host.wait_for_import("people", 1)
        rate = first["seen"] / first["seconds"]
        print(f"\n{kind}: {options.size:,} rows; first import with nothing beside it {rate:,.0f} objects/s,", end=" ")
        print(f"worker process {peak_memory(host.worker):.0f} MiB")
        names = [match(user_name(number * 7919 % options.size)) for number in range(20_000)]
        token = host.token("people")
        load = Load(host.port, host.certificate, "people", token, names, concurrency=options.clients)
        with under_way(load) as clients:
            return report(clients, Subject(host, people, options), options)


def report(clients: Clients, subject: Subject, options: argparse.Namespace) -> float:
    rounds = [subject.round() for _ in range(options.rounds)]
    answers = clients.stop()
    print("import | objects/s | worker MiB | match p50 ms, idle | during | p99 ms, idle | during | p50 during/idle")
    print("--- | ---: | ---: | ---: | ---: | ---: | ---: | ---:")
    return max(line(phases, answers, options.idle) for phases in zip(*rounds, strict=True))


def line(phases: Sequence[Phase], answers: Answers, seconds: float) -> float:
    during = [answers.between(phase.start, phase.end) for phase in phases]
    idle = [idle_around(phase, answers, seconds) for phase in phases]
    ratios = [busy.p50 / free.p50 for busy, free in zip(during, idle, strict=True)]
    middle = statistics.median
    cells = [
        phases[0].name,
        f"{middle(phase.rate for phase in phases):,.0f}",
        f"{middle(phase.memory for phase in phases):.0f}",
        f"{middle(one.p50 for one in idle):.2f}",
        f"{middle(one.p50 for one in during):.2f}",
        f"{middle(one.percentile(99) for one in idle):.1f}",
        f"{middle(one.percentile(99) for one in during):.1f}",
        f"{middle(ratios):.2f} ({', '.join(f'{ratio:.2f}' for ratio in ratios)})",
    ]
    print(" | ".join(cells), flush=True)
    return middle(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=300_000, help="rows in each target (default %(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="targets (default: sql csv)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds, of which the median counts (default %(default)s)"
    )
    parser.add_argument("--idle", type=float, default=6.0, help="seconds of each idle time (default %(default)s)")
    parser.add_argument("--clients", type=int, default=1, help="connections that ask (default %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="web workers (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    options = parser.parse_args()
    worst = max(measure(kind, options) for kind in options.kinds)
    print(f"\nworst: a match takes {worst:.2f} times as long while an import runs (wanted: 3 at most)")


if __name__ == "__main__":
    main()
