"""What each freshness costs, and what an index saves that follows the matches: ``python benchmarks/freshness.py``.

One host has six connectors: ``verify``, ``cache`` and ``live``, each to people in SQLite and to the same people in
PostgreSQL (where the column that is matched on has an index). Matches of somebody who is there, matches of nobody and
reads by id go to all of them in turns, over one kept-alive TLS connection each. Then people are matched by their
title, which is no query attribute: before the worker has indexed it, and after.
"""

import argparse
import json
import statistics
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from clients import Load, Request, drive, match
from people import COLUMNS, MAPPING, Target, person, target, user_name
from postgres import connected, postgresql
from running_host import RunningHost, eventually, temporary_home

FRESHNESS = ("verify", "cache", "live")


def fill_postgresql(text: str, size: int) -> None:
    """Makes the table of people, with an index on what is matched on."""
    with closing(connected(text)) as connection:
        columns = ", ".join(f'"{name}" VARCHAR(200)' for name in COLUMNS[1:-1])
        connection.execute(
            f'CREATE TABLE "Employees" ("EmployeeId" VARCHAR(20) PRIMARY KEY, {columns}, "IsActive" BOOLEAN)'
        )
        marks = ", ".join("?" * len(COLUMNS))
        cursor = connection.cursor()
        cursor.fast_executemany = True
        cursor.executemany(f'INSERT INTO "Employees" VALUES ({marks})', [person(number) for number in range(size)])
        connection.execute('CREATE INDEX names ON "Employees" ("UserName")')
        connection.commit()


def connect(host: RunningHost, text: str, size: int) -> list[str]:
    """Writes the six connectors; returns their names."""
    names = []
    for freshness in FRESHNESS:
        properties = f'freshness = "{freshness}"'
        one: Target = target(host, "sql", f"sqlite{freshness}", size)
        file = one.connect(host)
        file.write_text(file.read_text().replace("[connectivity]", f"{properties}\n[connectivity]"))
        name = f"postgresql{freshness}"
        secret = host.path / f"{name}.connection"
        secret.write_text(text)
        parameter = f'connection_string = {{ file = "{secret}" }}'
        settings = {"type": "sql", "target": "Employees", "anchor": "EmployeeId", "properties": properties}
        host.connect(name, parameter, MAPPING, **settings)
        names += [one.name, name]
    return names


def requests_of(host: RunningHost, name: str, options: argparse.Namespace) -> dict[str, list[Request]]:
    """What is sent to a connector, by what it is called."""
    count, size = options.requests, options.size
    some = [match(user_name(number * 7919 % size)) for number in range(20)]
    load = Load(host.port, host.certificate, name, host.token(name), some, repeat=False)
    ids = [json.loads(body)["Resources"][0]["id"] for body in drive(load).bodies]
    return {
        "match, hit": [match(user_name(number * 7919 % size)) for number in range(count)],
        "match, miss": [match(f"nobody{number}@example.com") for number in range(count)],
        "GET by id": [Request("GET", f"/Users/{ids[number % len(ids)]}") for number in range(count)],
    }


def costs(host: RunningHost, names: list[str], options: argparse.Namespace) -> None:
    """Prints what each operation costs with each connector: the median of the rounds' medians."""
    sent = {name: requests_of(host, name, options) for name in names}
    print(f"p50 ms | {' | '.join(names)}\n--- |{' ---: |' * len(names)}")
    for operation in next(iter(sent.values())):
        took: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(options.rounds):
            for name in names:
                load = Load(host.port, host.certificate, name, host.token(name), sent[name][operation])
                took[name].append(drive(replace(load, repeat=False)).p50)
        print(f"{operation} | {' | '.join(f'{statistics.median(one):.2f}' for one in took.values())}", flush=True)


def learned(host: RunningHost, name: str) -> None:
    """Prints what a match on an attribute costs that is no query attribute, before it is indexed and after."""
    text = quote('displayName eq "Ada Lovelace 64"')
    wanted = [Request("GET", f"/Users?count=1&filter={text}")]
    load = Load(host.port, host.certificate, name, host.token(name), wanted * 3, repeat=False)
    before = drive(replace(load, requests=wanted)).p50
    eventually(lambda: bool(host.events("matched_attributes_indexed")), 600, "the index", host)
    (event,) = host.events("matched_attributes_indexed")
    after = drive(replace(load, requests=wanted * 200)).p50
    print(f"\nmatch on displayName: {before:.1f} ms before, {after:.2f} ms after; indexed in {event['seconds']} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000, help="people (default %(default)s)")
    parser.add_argument("--requests", type=int, default=500, help="in a round (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    options = parser.parse_args()
    with temporary_home(options.directory, workers=1) as host, postgresql() as text:
        fill_postgresql(text, options.size)
        names = connect(host, text, options.size)
        host.start()
        for name in names:
            host.wait_for_import(name, 1)
        costs(host, names, options)
        learned(host, names[0])


if __name__ == "__main__":
    main()
