"""What members cost: ``python benchmarks/groups.py``. Needs PostgreSQL (``make servers``), or ``--kinds sqlite``.

A host has people in a table, a group of 50,000 of them and one of 50. One person more is added to the two groups in
turns, and taken out again; both groups are read without their members; and a group without members is given 15,000 by
one PATCH, then the same once more, and loses them by another. One client over one kept-alive TLS connection; times are
the client's.
"""

import argparse
import json
import sqlite3
import statistics
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients import Answers, Load, Request, drive
from postgres import connected, postgresql
from running_host import RunningHost, temporary_home

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
KINDS = ("sqlite", "postgresql")
NAMES = ("large", "small", "empty")
TABLES = """
CREATE TABLE People (Id INTEGER PRIMARY KEY, UserName VARCHAR(100) NOT NULL UNIQUE, DisplayName VARCHAR(200));
CREATE TABLE Teams (Id INTEGER PRIMARY KEY, Name VARCHAR(100) NOT NULL UNIQUE);
CREATE TABLE Members (TeamId INTEGER NOT NULL REFERENCES Teams (Id), PersonId INTEGER NOT NULL REFERENCES People (Id),
    PRIMARY KEY (TeamId, PersonId));
CREATE INDEX ByPerson ON Members (PersonId);
"""
CONNECTOR = """
[properties]
instance = "{instance}"
type = "sql"
[connectivity]
{parameter}
value_tables = "{teams}.{members} = {table}({team}, {person}) references {people}"
[run_profiles]
full_import = {{ page_size = 1000 }}
[object_types.User]
target = "{people}"
anchor = "{id}"
anchor_immutable = true
query_attributes = ["{user_name}"]
[object_types.Group]
target = "{teams}"
anchor = "{id}"
anchor_immutable = true
query_attributes = ["{name}"]
[schema_mapping.User]
userName = "{user_name}"
displayName = "{display_name}"
[schema_mapping.Group]
displayName = "{name}"
members = "{members}"
[deprovisioning.User]
delete = "delete"
[deprovisioning.Group]
delete = "delete"
"""
COLUMNS = {
    "people": "People", "teams": "Teams", "table": "Members", "id": "Id", "user_name": "UserName", "name": "Name",
    "display_name": "DisplayName", "team": "TeamId", "person": "PersonId", "members": "MemberList",
}  # fmt: skip


@dataclass(frozen=True)
class Office:
    """A running host with the groups, and the ids of everybody in them."""

    host: RunningHost
    groups: dict[str, str]
    outsiders: Sequence[str]

    def send(self, requests: Sequence[Request], expected: int) -> Answers:
        """Sends requests one after the other; the times are in their order."""
        host = self.host
        token = host.token("office")
        return drive(Load(host.port, host.certificate, "office", token, requests, expected, repeat=False))

    def patch(self, group: str, op: str, ids: Sequence[str]) -> Request:
        operation = {"op": op, "path": "members", "value": [{"value": one} for one in ids]}
        body = json.dumps({"schemas": [PATCH_OP], "Operations": [operation]}).encode()
        return Request("PATCH", f"/Groups/{self.groups[group]}", body)


def fill(connection: Any, people: int, large: int) -> None:
    """Makes the tables, with 50 in the small group, and nobody in the empty one."""
    cursor = connection.cursor()
    for statement in TABLES.split(";\n"):
        if statement.strip():
            cursor.execute(statement)
    numbers = range(1, people + 1)
    rows = [(number, f"user{number}@example.com", f"Person {number}") for number in numbers]
    members = [(1, number) for number in numbers[:large]] + [(2, number) for number in numbers[:50]]
    teams = [(place, name) for place, name in enumerate(NAMES, 1)]
    for table, values in (("People", rows), ("Teams", teams), ("Members", members)):
        marks = ", ".join("?" * len(values[0]))
        for start in range(0, len(values), 10_000):
            cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", values[start : start + 10_000])
    connection.commit()


@contextmanager
def office(kind: str, options: argparse.Namespace) -> Iterator[Office]:
    """Yields a host that has imported everybody."""
    with temporary_home(options.directory, workers=1) as host:
        if kind == "sqlite":
            file = host.path / "office.db"
            with closing(sqlite3.connect(file)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                fill(connection, options.people, options.large)
            yield started(host, f'url = "sqlite:///{file}"', str)
            return
        with postgresql() as text:
            with closing(connected(text)) as connection:
                fill(connection, options.people, options.large)
            # PostgreSQL folds the names that were made without quotes.
            secret = host.path / "office.connection"
            secret.write_text(text)
            secret.chmod(0o600)
            yield started(host, f'connection_string = {{ file = "{secret.name}" }}', str.lower)
            host.stop()


def started(host: RunningHost, parameter: str, spelled: Callable[[str], str]) -> Office:
    names = {key: spelled(name) for key, name in COLUMNS.items()}
    file = host.path / "connectors.d" / "office.toml"
    file.write_text(CONNECTOR.format(instance=uuid.uuid4(), parameter=parameter, **names))
    file.chmod(0o600)
    host.start()
    host.wait_for_import("office", 1)
    groups = {one["displayName"]: one["id"] for one in pages(host, "/Groups?excludedAttributes=members")}
    people = pages(host, "/Users?attributes=userName")
    newest = sorted(people, key=lambda one: int(one["userName"][4:].partition("@")[0]), reverse=True)
    return Office(host, groups, [one["id"] for one in newest])


def pages(host: RunningHost, path: str) -> list[dict[str, Any]]:
    """Everybody there is, read page by page."""
    found: list[dict[str, Any]] = []
    while True:
        page = Request("GET", f"{path}&startIndex={len(found) + 1}&count=1000")
        load = Load(host.port, host.certificate, "office", host.token("office"), [page], repeat=False)
        answer = json.loads(drive(load).bodies[0])
        found += answer["Resources"]
        if len(found) >= answer["totalResults"] or not answer["Resources"]:
            return found


def measure(kind: str, options: argparse.Namespace) -> None:
    with office(kind, options) as made:
        print(f"\n{kind}: {options.people:,} people, groups of {options.large:,} and of 50")
        print("operation | p50 ms, large | p50 ms, small | ratio\n--- | ---: | ---: | ---:")
        some = made.outsiders[: options.changes]
        for name, op in (("add one member", "add"), ("remove one member", "remove")):
            both = [made.patch(group, op, [one]) for one in some for group in ("large", "small")]
            line(name, made.send(both, 204))
        path = "/Groups/{}?excludedAttributes=members"
        line("GET without members", made.send([
            Request("GET", path.format(made.groups[group])) for _ in some for group in ("large", "small")
        ], 200))  # fmt: skip
        many = made.outsiders[: options.many]
        print(f"\nPATCH of {len(many):,} members | s\n--- | ---:")
        for name, op in (("add them", "add"), ("add them again", "add"), ("remove them", "remove")):
            took = made.send([made.patch("empty", op, many)], 204).took[0]
            print(f"{name} | {took:.2f}", flush=True)


def line(name: str, answers: Answers) -> None:
    """Large and small took turns."""
    large, small = answers.took[::2], answers.took[1::2]
    middle = [statistics.median(values) * 1000 for values in (large, small)]
    print(f"{name} | {middle[0]:.2f} | {middle[1]:.2f} | {middle[0] / middle[1]:.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="targets (default: both)")
    parser.add_argument("--people", type=int, default=70_000, help="in the target (default %(default)s)")
    parser.add_argument("--large", type=int, default=50_000, help="members of the large group (default %(default)s)")
    parser.add_argument("--many", type=int, default=15_000, help="members of the one PATCH (default %(default)s)")
    parser.add_argument("--changes", type=int, default=300, help="members added one by one (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    options = parser.parse_args()
    for kind in options.kinds:
        measure(kind, options)


if __name__ == "__main__":
    main()
