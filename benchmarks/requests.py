"""What each SCIM operation costs, beside the floor of the same server: ``python benchmarks/requests.py``.

The host has a SQL connector on SQLite, and one to a target that answers at once, which shows what the host itself takes
for a write. Reads are also sent to ``floor.py``, in turns with the host; the ratio of the two rates says what the host
adds to its web server. All connections are kept alive, over TLS; the host's access log is on.
"""

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from clients import Answers, Load, Request, drive, match
from people import COLUMNS, connect_instant, person, target
from running_host import ENTERPRISE, RunningHost, eventually, temporary_home

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True)
class Figure:
    """What one operation came to at one concurrency, over all rounds."""

    host: Sequence[Answers]
    floor: Sequence[Answers] = ()

    def line(self) -> str:
        rate = statistics.median(one.rate for one in self.host)
        cells = [f"{rate:,.0f}"]
        cells += [f"{statistics.median(one.percentile(percent) for one in self.host):.1f}" for percent in (50, 99)]
        if self.floor:
            floor = statistics.median(one.rate for one in self.floor)
            ratios = [mine.rate / its.rate for mine, its in zip(self.host, self.floor, strict=True)]
            cells += [f"{floor:,.0f}", f"{statistics.median(ratios):.2f}"]
        else:
            cells += ["", ""]
        return " | ".join(cells)


class Measurement:
    """One host, one floor, and the loads for both."""

    def __init__(self, host: RunningHost, floor_port: int, options: argparse.Namespace) -> None:
        self._options = options
        self._floor_port = floor_port
        self._host = host
        self._next_new: int = options.size

    def read(self, requests: Sequence[Request], concurrency: int, floor: Sequence[Request] = ()) -> Figure:
        """Sends reads to the host and, where it can answer them, to the floor, in turns."""
        mine, its = [], []
        for _ in range(self._options.rounds):
            load = self._load(requests, concurrency)
            mine.append(drive(load))
            if floor:
                its.append(drive(replace(load, port=self._floor_port, connector="floor", requests=floor)))
        return Figure(mine, its)

    def lives(self, connector: str, concurrency: int) -> dict[str, Figure]:
        """Creates people, changes each of them, and deletes them."""
        created, changed, deleted = [], [], []
        for _ in range(self._options.rounds):
            numbers = range(self._next_new, self._next_new + self._options.writes)
            self._next_new += self._options.writes
            load = self._load((), concurrency)
            load = replace(load, connector=connector, token=self._host.token(connector), repeat=False, seconds=600.0)
            creations = [Request("POST", "/Users", new(number)) for number in numbers]
            created.append(drive(replace(load, requests=creations, expected=201)))
            ids = [json.loads(body)["id"] for body in created[-1].bodies]
            changes = [Request("PATCH", f"/Users/{one}", patch(one)) for one in ids]
            changed.append(drive(replace(load, requests=changes)))
            removals = [Request("DELETE", f"/Users/{one}") for one in ids]
            deleted.append(drive(replace(load, requests=removals, expected=204)))
        return {"create": Figure(created), "PATCH": Figure(changed), "DELETE": Figure(deleted)}

    def _load(self, requests: Sequence[Request], concurrency: int) -> Load:
        host = self._host
        return Load(
            host.port, host.certificate, "people", host.token("people"), requests,
            concurrency=concurrency, seconds=self._options.seconds,
        )  # fmt: skip


def new(number: int) -> bytes:
    """Somebody new, as Entra sends them."""
    row = dict(zip(COLUMNS, person(number), strict=True))
    name = {"givenName": row["GivenName"], "familyName": row["FamilyName"], "formatted": row["DisplayName"]}
    user = {
        "schemas": [CORE, ENTERPRISE],
        "externalId": f"external{number}",
        "userName": row["UserName"],
        "active": True,
        "displayName": row["DisplayName"],
        "title": row["Title"],
        "emails": [{"primary": True, "type": "work", "value": row["UserName"]}],
        "meta": {"resourceType": "User"},
        "name": name,
        ENTERPRISE: {"department": row["Department"], "employeeNumber": row["EmployeeId"]},
        "roles": [],
    }
    return json.dumps(user).encode()


def patch(object_id: str) -> bytes:
    """A change of two attributes."""
    operations = [
        {"op": "Replace", "path": "title", "value": f"Head of {object_id[:8]}"},
        {"op": "Replace", "path": "name.familyName", "value": f"Family {object_id[:8]}"},
    ]
    return json.dumps({"schemas": [PATCH_OP], "Operations": operations}).encode()


@dataclass(frozen=True)
class Stored:
    """Somebody as the host shows them."""

    id: str
    name: str
    json: bytes


def everybody(host: RunningHost) -> list[Stored]:
    """Everybody the host knows, read page by page."""
    found: list[Stored] = []
    while True:
        page = Request("GET", f"/Users?startIndex={len(found) + 1}&count=1000")
        load = Load(host.port, host.certificate, "people", host.token("people"), [page], repeat=False)
        resources = json.loads(drive(load).bodies[0]).get("Resources", [])
        if not resources:
            return found
        for one in resources:
            text = json.dumps(one, separators=(",", ":"), ensure_ascii=False)
            found.append(Stored(one["id"], one["userName"], text.encode()))


@contextmanager
def floor(host: RunningHost, people: Sequence[Stored]) -> Iterator[int]:
    """Runs the floor on the same people, and yields its port."""
    database = host.path / "floor.db"
    with closing(sqlite3.connect(database)) as made, made:
        made.execute("CREATE TABLE person (id TEXT, name TEXT, resource BLOB)")
        made.executemany("INSERT INTO person VALUES (?, ?, ?)", ((one.id, one.name, one.json) for one in people))
        made.execute("CREATE UNIQUE INDEX ids ON person (id)")
        made.execute("CREATE INDEX names ON person (name)")
    port_file = host.path / "floor.port"
    program = str(Path(__file__).with_name("floor.py"))
    certificate, key = str(host.certificate), str(host.path / "certificate.key")
    process = subprocess.Popen(
        [sys.executable, program, str(database), certificate, key, str(port_file), str(host.workers)],
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(port_file.exists, 30, "the floor's port")
        yield int(port_file.read_text())
    finally:
        process.terminate()
        process.wait(40)


def measure(host: RunningHost, options: argparse.Namespace) -> None:
    people = everybody(host)
    chosen = [people[number * 7919 % len(people)] for number in range(2000)]
    hits = [match(one.name) for one in chosen]
    misses = [match(f"nobody{number}@example.com") for number in range(2000)]
    by_id = [Request("GET", f"/Users/{one.id}") for one in chosen]
    pages = [
        Request("GET", f"/Users?startIndex={number * 97 % (len(people) - 100) + 1}&count=100") for number in range(50)
    ]
    print("operation | clients | requests/s | p50 ms | p99 ms | floor: requests/s | host/floor")
    print("--- | ---: | ---: | ---: | ---: | ---: | ---:")
    with floor(host, people) as port:
        measurement = Measurement(host, port, options)
        measurement.read(hits, 8, hits)  # so that the first line is not about threads and caches that are made
        for concurrency in options.concurrency:
            show("match (hit)", concurrency, measurement.read(hits, concurrency, hits))
            show("match (miss, asks the target)", concurrency, measurement.read(misses, concurrency))
            show("GET by id", concurrency, measurement.read(by_id, concurrency, by_id))
            show("page of 100", concurrency, measurement.read(pages, concurrency, pages))
            for connector, target_name in (("people", "SQLite"), ("instant", "instant target")):
                for name, figure in measurement.lives(connector, concurrency).items():
                    show(f"{name} ({target_name})", concurrency, figure)


def show(name: str, concurrency: int, figure: Figure) -> None:
    print(f"{name} | {concurrency} | {figure.line()}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=50_000, help="people in the target (default %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds, of which the median counts (default %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each reading round (default %(default)s)")
    parser.add_argument("--writes", type=int, default=300, help="people created in a round (default %(default)s)")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 32], help="connections (default 1 8 32)")
    parser.add_argument("--workers", type=int, default=2, help="web workers (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    options = parser.parse_args()
    with temporary_home(options.directory, workers=options.workers) as host:
        target(host, "sql", "people", options.size)
        connect_instant(host, "instant", host.path / "hold")
        host.start()
        host.wait_for_import("people", 1)
        host.wait_for_import("instant", 1)
        measure(host, options)


if __name__ == "__main__":
    main()
