"""Targets full of people, eight columns each: a table of SQLite, or a CSV file."""

import csv
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from running_host import ENTERPRISE, RunningHost

COLUMNS = ("EmployeeId", "UserName", "DisplayName", "GivenName", "FamilyName", "Title", "Department", "IsActive")
MAPPING = {
    "userName": "UserName",
    "displayName": "DisplayName",
    "name.givenName": "GivenName",
    "name.familyName": "FamilyName",
    "title": "Title",
    f"{ENTERPRISE}:department": "Department",
    f"{ENTERPRISE}:employeeNumber": "EmployeeId",
}
KINDS = ("sql", "csv")
_FIRST = ("Ada", "Grace", "Zoë", "Łucja", "Anna", "Bruno", "Chidi", "Dana")
_LAST = ("Lovelace", "Hopper", "Müller", "Nowak", "Svensson", "Okafor", "Rossi", "Tanaka")


def user_name(number: int) -> str:
    """The user name of the ``number``-th of the people."""
    return f"user{number}@example.com"


def person(number: int, title: str = "Engineer") -> tuple[str, ...]:
    """The values of one of the people, in the order of the columns."""
    first, last = _FIRST[number % 8], _LAST[number // 8 % 8]
    return (
        f"E{number:07}", user_name(number), f"{first} {last} {number}", first, f"{last}-{number}", title,
        f"Department {number % 40}", "1",
    )  # fmt: skip


@dataclass(frozen=True)
class Target:
    """People in a file, known to the host as connector ``name``."""

    kind: str
    name: str
    file: Path
    size: int

    def fill(self, changed: int = 0, title: str = "") -> None:
        """Writes everybody; with ``title``, every ``changed``-th of them has another one."""
        titles = ((title if title and number % changed == 0 else "Engineer") for number in range(self.size))
        rows = (person(number, has) for number, has in enumerate(titles))
        new = self.file.with_suffix(".new")
        if self.kind == "csv":
            with new.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                writer.writerows(rows)
            new.replace(self.file)
            return
        with closing(sqlite3.connect(self.file, timeout=60)) as connection, connection:
            columns = ", ".join(f"{name} VARCHAR(200)" for name in COLUMNS[1:-1])
            columns = f"EmployeeId VARCHAR(20) PRIMARY KEY, {columns}, IsActive BOOLEAN"
            connection.execute(f"CREATE TABLE IF NOT EXISTS Employees ({columns})")
            connection.execute("CREATE INDEX IF NOT EXISTS names ON Employees (UserName)")
            connection.executemany(
                "INSERT INTO Employees VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET Title = excluded.Title WHERE Title <> excluded.Title",
                rows,
            )

    def connect(self, host: RunningHost) -> Path:
        """Writes the connector's file."""
        parameter = f'file = "{self.file}"' if self.kind == "csv" else f'url = "sqlite:///{self.file}"'
        target = "User" if self.kind == "csv" else "Employees"
        return host.connect(self.name, parameter, MAPPING, type=self.kind, target=target, anchor="EmployeeId")


def connect_instant(host: RunningHost, name: str, hold: Path) -> None:
    """Writes the connector of a target that answers at once, and not at all while the file ``hold`` exists."""
    host.install("ecmahost_hanging", Path(__file__).with_name("hanging_connector.py"), "hanging")
    settings = {"type": "hanging", "target": "Person", "anchor": "UserName", "immutable": "false"}
    host.connect(name, f'hold = "{hold}"', MAPPING, **settings)


def target(host: RunningHost, kind: str, name: str, size: int) -> Target:
    """Returns a target in the host's directory, filled, with its connector's file written."""
    made = Target(kind, name, host.path / f"{name}.{kind}", size)
    made.fill()
    made.connect(host)
    return made
