"""What a delta import costs where there are many people: ``python benchmarks/delta.py``.

A SQLite target with a watermark column and a space of the same people, in one process and without a running host. In
each round 100 of the people are changed, and a delta brings the changes in. The same delta is read from the target
alone just before; the difference is the host's share (wanted: at most 0.3 s among 1,000,000).
"""

import argparse
import sqlite3
import statistics
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from people import COLUMNS, MAPPING, person
from running_host import RunningHost, temporary_home

from ecmahost_core.configuration import home as homes
from ecmahost_core.host import open_host
from ecmahost_core.logs import configure_logs
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.importing.imports import delta_import, full_import

WANTED_SECONDS = 0.3
WATERMARK = """url = "sqlite:///{file}"
delta = "watermark"
watermark_column = "Changed"
watermark_overlap = "1\""""


def fill(file: Path, size: int) -> None:
    """Writes everybody, changed long ago."""
    columns = ", ".join(f"{name} VARCHAR(200)" for name in COLUMNS[1:-1])
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            f"CREATE TABLE Employees (EmployeeId VARCHAR(20) PRIMARY KEY, {columns}, IsActive BOOLEAN,"
            " Changed VARCHAR(30) NOT NULL)"
        )
        rows = ((*person(number), "2026-01-01 00:00:00") for number in range(size))
        connection.executemany("INSERT INTO Employees VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("CREATE INDEX names ON Employees (UserName)")
        connection.execute("CREATE INDEX changes ON Employees (Changed)")
        # One that is newer than all the others: the first delta begins there, and not with everybody.
        connection.execute("UPDATE Employees SET Changed = '2026-01-02 00:00:00' WHERE EmployeeId = 'E0000000'")


def change(file: Path, size: int, changes: int, round_: int) -> None:
    """Gives some of the people another title, all over the table."""
    now = f"{datetime.now(UTC).replace(tzinfo=None).isoformat(' ', 'milliseconds')}"
    with closing(sqlite3.connect(file, timeout=60)) as connection, connection:
        connection.executemany(
            "UPDATE Employees SET Title = ?, Changed = ? WHERE EmployeeId = ?",
            [(f"Title {round_}", now, f"E{number * (size // changes) + round_:07}") for number in range(changes)],
        )


def read_alone(endpoint: Endpoint) -> float:
    """Returns how many seconds the target takes for the delta that is due, its connection included."""
    status = endpoint.store.status(endpoint.name)
    (binding,) = endpoint.bindings().values()
    began = time.perf_counter()
    for _page in endpoint.connector.delta_import(binding.export_step, status.watermarks["User"]):
        pass
    return time.perf_counter() - began


def measure(host: RunningHost, options: argparse.Namespace) -> float:
    """Prints a line for each round; returns the median of the host's share."""
    file = host.path / "people.db"
    fill(file, options.size)
    settings = {"type": "sql", "target": "Employees", "anchor": "EmployeeId"}
    host.connect("people", WATERMARK.format(file=file), MAPPING, **settings)
    opened = open_host(homes.at(host.path), writing=True)
    try:
        endpoint = opened.endpoints["people"]
        began = time.perf_counter()
        counts, _ = full_import(endpoint)
        print(f"full import of {counts.seen:,}: {time.perf_counter() - began:.1f} s", flush=True)
        shares = []
        for number in range(options.rounds):
            change(file, options.size, options.changes, number)
            alone = read_alone(endpoint)
            began = time.perf_counter()
            done = delta_import(endpoint)
            took = time.perf_counter() - began
            if done.whole or done.counts.changed != options.changes:
                raise SystemExit(f"the delta brought something else: {done}")
            shares.append(took - alone)
            print(f"delta of {done.counts.changed}: {took * 1000:.1f} ms, the target alone {alone * 1000:.1f} ms")
            time.sleep(1.1)  # behind the overlap, or the next round would bring these again
    finally:
        opened.close()
    return statistics.median(shares)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--directory", type=Path, help="where the host is made")
    options = parser.parse_args()
    configure_logs("error")
    with temporary_home(options.directory, workers=1) as host:
        share = measure(host, options)
    print(f"the host's share: {share * 1000:.1f} ms (wanted: {WANTED_SECONDS * 1000:.0f})")


if __name__ == "__main__":
    main()
