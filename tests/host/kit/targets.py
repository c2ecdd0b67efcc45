"""What connectors are connected to: a file, a table, and a target that can be held up."""

import csv
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

COLUMNS = (
    "UserName", "ExternalId", "DisplayName", "GivenName", "FamilyName", "Title", "Email", "Phone", "Department",
    "EmployeeNumber", "IsActive", "Terminated",
)  # fmt: skip
TABLE = f"""
CREATE TABLE Employees (
    EmployeeId INTEGER PRIMARY KEY AUTOINCREMENT,
    {", ".join(f"{name} VARCHAR(200)" for name in COLUMNS[:-2])},
    IsActive BOOLEAN, Terminated VARCHAR(20)
)
"""


@dataclass
class CsvTarget:
    """A file of people."""

    path: Path
    type_name: str = "csv"
    object_type: str = "User"
    anchor: str = "UserName"
    hidden: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.write([])

    @property
    def connectivity(self) -> str:
        return f'file = "{self.path}"'

    def write(self, rows: list[Mapping[str, str]]) -> None:
        """Replaces the file, as another program would."""
        new = self.path.with_suffix(".new")
        with new.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(rows)
        new.replace(self.path)

    def add(self, **row: str) -> None:
        self.write([*self.rows(), row])

    def hide(self, *names: str) -> None:
        """Takes people away, all of them when none is named."""
        if not self.hidden:
            self.hidden.append(self.path.read_bytes())
        self.write([row for row in self.rows() if names and row["UserName"] not in names])

    def retitle(self, name: str, title: str) -> None:
        self.write([row | {"Title": title} if row["UserName"] == name else row for row in self.rows()])

    def restore(self) -> None:
        """Makes the file what it was before ``hide``."""
        self.path.write_bytes(self.hidden.pop())

    def rows(self) -> list[dict[str, str]]:
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))

    def state(self) -> object:
        """What changes with every write, even one that puts the same content there."""
        found = self.path.stat()
        return found.st_ino, found.st_mtime_ns, self.path.read_bytes()


@dataclass
class SqliteTarget:
    """A table of people: a key that the database makes, and nothing that keeps names unique."""

    path: Path
    type_name: str = "sql"
    object_type: str = "Employees"
    anchor: str = "EmployeeId"
    _watcher: list[sqlite3.Connection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.execute(TABLE)

    @property
    def connectivity(self) -> str:
        return f'url = "sqlite:///{self.path}"'

    def execute(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, timeout=20)) as connection, connection:
            return connection.execute(sql, parameters).fetchall()

    def add(self, **row: str) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self.execute(f"INSERT INTO Employees ({names}) VALUES ({marks})", *row.values())

    def hide(self, *names: str) -> None:
        """Takes people away, all of them when none is named."""
        self.execute("CREATE TABLE IF NOT EXISTS Hidden AS SELECT * FROM Employees")
        chosen = f"WHERE UserName IN ({', '.join('?' * len(names))})" if names else ""
        self.execute(f"DELETE FROM Employees {chosen}", *names)

    def retitle(self, name: str, title: str) -> None:
        self.execute("UPDATE Employees SET Title = ? WHERE UserName = ?", title, name)

    def restore(self) -> None:
        """Puts those back who are hidden, under the keys that they had."""
        self.execute("INSERT OR IGNORE INTO Employees SELECT * FROM Hidden")
        self.execute("DROP TABLE Hidden")

    def rows(self) -> list[dict[str, str]]:
        found = self.execute(f"SELECT {', '.join(COLUMNS)} FROM Employees ORDER BY EmployeeId")
        return [
            {name: "" if value is None else str(value) for name, value in zip(COLUMNS, row, strict=True)}
            for row in found
        ]

    def state(self) -> object:
        """What changes with every write: SQLite's own count of commits by others, and the rows."""
        if not self._watcher:
            self._watcher.append(sqlite3.connect(self.path, timeout=20, check_same_thread=False))
        return self._watcher[0].execute("PRAGMA data_version").fetchone(), self.rows()

    def close(self) -> None:
        for connection in self._watcher:
            connection.close()


@dataclass
class ServerTarget:
    """The same table in a database of its own on a server; the server makes the keys."""

    server: Any
    file: Path
    type_name: str = "sql"
    object_type: str = "Employees"
    anchor: str = "EmployeeId"

    def __post_init__(self) -> None:
        self.database = self.server.fresh_database()
        self.file.write_text(self.server.connection_string(self.database))
        key = {"postgresql": "GENERATED ALWAYS AS IDENTITY", "mariadb": "AUTO_INCREMENT"}[self.server.kind]
        columns = ", ".join(f"{self._quoted(name)} VARCHAR(200)" for name in COLUMNS[:-2])
        active, terminated, table = (self._quoted(name) for name in ("IsActive", "Terminated", "Employees"))
        self.execute(
            f"CREATE TABLE {table} ({self._quoted('EmployeeId')} BIGINT {key} PRIMARY KEY, {columns},"
            f" {active} BOOLEAN, {terminated} VARCHAR(20))"
        )

    @property
    def connectivity(self) -> str:
        return f'connection_string = {{ file = "{self.file}" }}'

    def execute(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(self.server.connect(self.database)) as connection:
            cursor = connection.execute(sql, parameters)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def rows(self) -> list[dict[str, str]]:
        names = ", ".join(map(self._quoted, COLUMNS))
        found = self.execute(f"SELECT {names} FROM {self._quoted('Employees')} ORDER BY {self._quoted('EmployeeId')}")
        return [
            {name: "" if value is None else str(value) for name, value in zip(COLUMNS, row, strict=True)}
            for row in found
        ]

    def _quoted(self, name: str) -> str:
        return f'"{name}"' if self.server.kind == "postgresql" else f"`{name}`"


Target = CsvTarget | SqliteTarget | ServerTarget


def named(target: Target, user_name: str) -> list[dict[str, str]]:
    """The rows of a person, whatever the case and the blanks behind the name."""
    wanted = user_name.rstrip().casefold()
    return [row for row in target.rows() if row["UserName"].rstrip().casefold() == wanted]


@dataclass(frozen=True)
class Gate:
    """The target of a connector ``gate``, which can be held up at each of the plugin's hooks."""

    directory: Path

    def hold(self, hook: str) -> None:
        (self.directory / f"hold.{hook}").touch()

    def release(self, hook: str) -> None:
        (self.directory / f"hold.{hook}").unlink()

    def held(self, hook: str) -> bool:
        return (self.directory / f"held.{hook}").exists()

    def leak(self, hook: str) -> None:
        """Lets the hook raise an exception that quotes the connector's password."""
        (self.directory / f"leak.{hook}").touch()

    def refuse(self, what: str) -> None:
        """Lets the target refuse passwords or deletions; ``quoting``: in words that quote the password."""
        (self.directory / f"refuse.{what}").touch()

    def allow(self, what: str) -> None:
        (self.directory / f"refuse.{what}").unlink()

    def has_password(self, name: str, password: str) -> bool:
        kept = self.directory / "passwords" / sha256(name.casefold().encode()).hexdigest()
        return kept.exists() and kept.read_text() == sha256(password.encode()).hexdigest()

    def add(self, name: str) -> None:
        (self.directory / "objects" / sha256(name.encode()).hexdigest()).write_text(json.dumps({"UserName": name}))

    def objects(self) -> list[dict[str, str]]:
        return [json.loads(path.read_text()) for path in (self.directory / "objects").iterdir()]

    def object(self, name: str) -> dict[str, str]:
        (found,) = (one for one in self.objects() if one["UserName"] == name)
        return found

    def names(self) -> list[str]:
        return sorted(one["UserName"] for one in self.objects())

    def additions(self) -> list[str]:
        """Everybody who was ever added through the connector, in order."""
        file = self.directory / "additions"
        return file.read_text().splitlines() if file.exists() else []
