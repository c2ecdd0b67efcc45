"""What a first and an unchanged import take, beside a floor: ``python benchmarks/imports.py``.

``ecmahost import`` reads a table of SQLite into a new connector space, and reads it again when nothing has changed; the
*floor* fetches the same rows and ``executemany``s as many rows of the same sizes into the same tables, and does nothing
else. They take turns, each a process of its own, whose processor time and memory the system counts: on a machine that
others use too, seconds of the clock say more about them. At the end a host is started on the largest space, to see how
soon it answers.
"""

import argparse
import json
import os
import random
import sqlite3
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

from people import Target, target, user_name
from running_host import RunningHost, eventually, temporary_home

from ecmahost_core.space.sqlite import schema

FLOOR_BATCH = 2000
"""Rows in each of the floor's transactions, as in those of a first import."""
SECONDS_TO_ANSWER = 3.0
SETTINGS = ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -65536", "wal_autocheckpoint = 8192")
ATTRIBUTES = (
    '{{"EmployeeId":["{}"],"UserName":["{}"],"DisplayName":["{}"],"GivenName":["{}"],"FamilyName":["{}"],'
    '"Title":["{}"],"Department":["{}"],"IsActive":[{}]}}'
)


@dataclass(frozen=True)
class Figure:
    """What one process took for so many objects; ``seconds`` of the clock are those of the import alone."""

    size: int
    seconds: float
    processor: float
    megabytes: float

    @property
    def rate(self) -> float:
        return self.size / self.seconds

    @property
    def microseconds(self) -> float:
        return self.processor * 1e6 / self.size


def run(command: Sequence[str], size: int) -> tuple[Figure, dict[str, float]]:
    """Runs a command that prints a JSON object with its ``seconds``."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        output = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[-3:]} failed: {output.decode()[-500:]}")
    said = json.loads(output)
    return Figure(size, said["seconds"], usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024), said


def imported(host: RunningHost, people: Target, *, added: int) -> Figure:
    """Imports once; ends the benchmark when that did not do what it was meant to measure."""
    figure, said = run(host.command("import", people.name, "--json"), people.size)
    if (said["seen"], said["added"], said["changed"]) != (people.size, added, 0):
        raise SystemExit(f"{added} were to be added, and not so: {said}")
    return figure


def floor(source: Path, store: Path, batch: int) -> None:
    """What the process of the floor does: the tables and settings are the connector space's, the values stand-ins."""
    with closing(sqlite3.connect(source)) as rows, closing(sqlite3.connect(store, isolation_level=None)) as space:
        for setting in (
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "cache_size = -65536",
            "wal_autocheckpoint = 8192",
        ):
            space.execute(f"PRAGMA {setting}")
        space.execute("BEGIN")
        schema.migrate(space)
        space.execute("COMMIT")
        started = time.monotonic()
        found = rows.execute("SELECT * FROM Employees ORDER BY EmployeeId")
        key, digest = 0, bytes(16)
        while page := found.fetchmany(batch):
            space.execute("BEGIN IMMEDIATE")
            objects = [
                (
                    key + place, 1, 0, f"{random.getrandbits(144):036x}", key + place, digest, 1, 1, row[0], None,
                    row[0], None, "{}", ATTRIBUTES.format(*row),
                )
                for place, row in enumerate(page, 1)
            ]  # fmt: skip
            space.executemany("INSERT INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", objects)
            names = [(1, "UserName", row[1], key + place) for place, row in enumerate(page, 1)]
            space.executemany("INSERT INTO value_index VALUES (?, ?, ?, ?)", names)
            space.execute("COMMIT")
            key += len(page)
        print(json.dumps({"seconds": time.monotonic() - started}))


def measured(host: RunningHost, people: Target, rounds: int, batch: int) -> dict[str, list[Figure]]:
    """Runs host and floor in turns, each with an empty store."""
    found: dict[str, list[Figure]] = {"floor": [], "first": [], "unchanged": []}
    store = host.path / "floor.db"
    for _ in range(rounds):
        command = [sys.executable, __file__, "--floor", str(people.file), str(store), "--floor-batch", str(batch)]
        found["floor"].append(run(command, people.size)[0])
        for name in (store.name, "space.db"):
            for file in host.path.glob(f"{name}*"):
                file.unlink()
        found["first"].append(imported(host, people, added=people.size))
        found["unchanged"].append(imported(host, people, added=0))
    return found


def show(found: dict[str, list[Figure]], size: int) -> None:
    for name, figures in found.items():
        middle = [
            statistics.median(getattr(one, field) for one in figures) for field in ("rate", "microseconds", "megabytes")
        ]
        cells = [f"{size:,}", name, f"{middle[0]:,.0f}", f"{middle[1]:.1f}", f"{middle[2]:.0f}"]
        if name == "first":
            pairs = list(zip(found["floor"], figures, strict=True))
            cells += [f"{statistics.median(mine.rate / its.rate for its, mine in pairs):.2f}"]
            cells += [f"{statistics.median(its.processor / mine.processor for its, mine in pairs):.2f}"]
        print(" | ".join(cells), flush=True)


def first_answer(host: RunningHost, people: Target) -> float:
    """Returns the seconds from the start of ``ecmahost serve`` to the first answer that names somebody."""
    name = user_name(people.size // 2)
    path = f"/ecma2host_{people.name}/scim/Users?filter=userName%20eq%20%22{name.replace('@', '%40')}%22"
    headers = {"Authorization": f"Bearer {host.token(people.name)}"}
    context = ssl.create_default_context(cafile=str(host.certificate))
    context.check_hostname = False

    def answered() -> bool:
        with closing(HTTPSConnection("127.0.0.1", host.port, context=context, timeout=10)) as connection:
            try:
                connection.request("GET", path, headers=headers)
                return name in connection.getresponse().read().decode()
            except (OSError, HTTPException):
                return False

    started = time.monotonic()
    host.start()
    eventually(answered, 60, "an answer", host)
    took = time.monotonic() - started
    host.stop()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000], help="rows (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="of which the median counts (default %(default)s)")
    parser.add_argument("--floor-batch", type=int, default=FLOOR_BATCH, help="rows a transaction (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    parser.add_argument("--floor", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.floor:
        floor(*options.floor, options.floor_batch)
        return
    print("rows | import | objects/s | us of processor time an object | MiB | floor: objects/s | floor: processor")
    print("--- | --- | ---: | ---: | ---: | ---: | ---:")
    for size in sorted(options.sizes):
        with temporary_home(options.directory, workers=1) as host:
            people = target(host, "sql", "people", size)
            show(measured(host, people, options.rounds, options.floor_batch), size)
            if size == max(options.sizes):
                answer = first_answer(host, people)
                print(f"\nfirst answer {answer:.1f} s after the start (wanted: {SECONDS_TO_ANSWER:.0f} at most)")


if __name__ == "__main__":
    main()
