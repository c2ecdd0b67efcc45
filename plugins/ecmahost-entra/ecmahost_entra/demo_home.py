"""The home of a demo: CSV files and a SQLite database with the same people and groups, and connectors for both."""

import csv
import fcntl
import io
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import tomlkit

from ecmahost_core.configuration.home import Home
from ecmahost_core.errors import EcmahostError
from ecmahost_entra.demo_connectors import connectors
from ecmahost_entra.people import Employee, Team, company, heads, teams

_MARKER = ".ecmahost-demo"
_MARKER_TEXT = "This directory was made by 'ecmahost demo'. Delete it as a whole to start afresh.\n"

_COLUMNS = (
    "UserName",
    "ExternalId",
    "DisplayName",
    "GivenName",
    "FamilyName",
    "Title",
    "Email",
    "Phone",
    "Department",
    "EmployeeNumber",
    "ManagerId",
    "IsActive",
)
_TEAM_COLUMNS = ("Name", "Description")
_MEMBER_COLUMNS = ("group", "member")

_NOT_NULL = ("GivenName", "FamilyName")

_TABLES = """
CREATE TABLE Employees (
    EmployeeId      INTEGER PRIMARY KEY AUTOINCREMENT,  -- made by the database, never used twice
    UserName        VARCHAR(100) NOT NULL,              -- not unique here: the host sees to that
    ExternalId      VARCHAR(100),
    DisplayName     VARCHAR(200),
    GivenName       VARCHAR(100) NOT NULL,
    FamilyName      VARCHAR(100) NOT NULL,
    Title           VARCHAR(100),
    Email           VARCHAR(200),
    Phone           VARCHAR(40),
    Department      VARCHAR(100) DEFAULT 'Unassigned',
    EmployeeNumber  VARCHAR(20),
    ManagerId       INTEGER REFERENCES Employees (EmployeeId),
    IsActive        BOOLEAN NOT NULL DEFAULT 1
);
CREATE INDEX Employees_UserName ON Employees (UserName);
CREATE TABLE Teams (
    TeamId          INTEGER PRIMARY KEY AUTOINCREMENT,
    Name            VARCHAR(100) NOT NULL,
    Description     VARCHAR(200)
);
CREATE TABLE TeamMembers (
    TeamId          INTEGER NOT NULL REFERENCES Teams (TeamId),
    EmployeeId      INTEGER NOT NULL REFERENCES Employees (EmployeeId),
    PRIMARY KEY (TeamId, EmployeeId)
);
CREATE INDEX TeamMembers_EmployeeId ON TeamMembers (EmployeeId);
"""


class NotADemo(EcmahostError):
    """The directory holds something that the demo did not make, or another demo is using it."""


@contextmanager
def claimed(path: Path) -> Iterator[Home]:
    """Makes the directory, or takes one that a demo made before, and keeps other demos out until the end.

    Raises NotADemo when it holds anything else: nothing is ever written into a foreign directory.
    """
    marker = path / _MARKER
    if path.exists() and not marker.is_file() and (not path.is_dir() or any(path.iterdir())):
        raise NotADemo(f"{path} was not made by a demo: name an empty directory or one that does not exist (--home)")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with marker.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise NotADemo(f"another demo is using {path}: end it, or name another directory (--home)") from None
        if marker.stat().st_size == 0:
            lock.write(_MARKER_TEXT)
            lock.flush()
        yield Home(path.absolute())


def furnish(home: Home, port: int | None) -> None:
    """Makes what is missing of data and connectors, after ``init``; what is there stays, with its changes.

    Args:
        home: claimed, and made by ``init``.
        port: written into the settings; None keeps what they say.
    """
    people, joined = company(), teams()
    _make(home.path / "people.csv", lambda path: _write_csv(path, _COLUMNS, _people(people)))
    purposes = [(team.name, team.purpose) for team in joined]
    _make(home.path / "groups.csv", lambda path: _write_csv(path, _TEAM_COLUMNS, purposes))
    members = [(team.name, person.user_name) for team in joined for person in team.members]
    _make(home.path / "members.csv", lambda path: _write_csv(path, _MEMBER_COLUMNS, members))
    _make(home.path / "people.db", lambda path: _write_database(path, people, joined))
    for name, content in connectors().items():
        _make(home.connector_file(name), partial(_write_text, content=content))
    if port is not None:
        _set_port(home.host_file, port)


def _make(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file under another name first, so that a demo that was killed leaves no half of one."""
    if path.exists():
        return
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    write(unfinished)
    unfinished.replace(path)


def _write_text(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")


def _people(people: tuple[Employee, ...]) -> Iterator[Sequence[str]]:
    """The rows of the file: managers by their names, because those are the anchor there."""
    managers = heads(people)
    for person in people:
        manager = managers.get(person.login)
        yield *_row(person), manager.user_name if manager else "", str(person.active)


def _write_database(path: Path, people: tuple[Employee, ...], joined: tuple[Team, ...]) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_TABLES)
        with database:
            _insert_people(database, people)
            keys = dict(database.execute("SELECT UserName, EmployeeId FROM Employees"))
            for number, team in enumerate(joined, 1):
                database.execute("INSERT INTO Teams VALUES (?, ?, ?)", (number, team.name, team.purpose))
                database.executemany(
                    "INSERT INTO TeamMembers VALUES (?, ?)", [(number, keys[each.user_name]) for each in team.members]
                )


def _insert_people(database: sqlite3.Connection, people: tuple[Employee, ...]) -> None:
    managers = heads(people)
    numbers = {person.login: number for number, person in enumerate(people, 1)}  # as the database will count
    statement = f"INSERT INTO Employees ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - constants only
    for person in people:
        # Unknown is NULL, but the names must not be: single names have an empty given name.
        values = [
            value if value or name in _NOT_NULL else None for name, value in zip(_COLUMNS, _row(person), strict=False)
        ]
        manager = managers.get(person.login)
        database.execute(statement, (*values, numbers[manager.login] if manager else None, person.active))


def _row(person: Employee) -> tuple[str, ...]:
    return (
        person.user_name,
        person.login,
        person.display_name,
        person.given_name,
        person.family_name,
        person.title,
        person.email,
        person.phone,
        person.department,
        person.number,
    )


def _set_port(host_file: Path, port: int) -> None:
    document = tomlkit.parse(host_file.read_text(encoding="utf-8"))
    host = document.setdefault("host", tomlkit.table())
    if host.get("port") == port:
        return
    host["port"] = port
    unfinished = host_file.with_name(f".{host_file.name}.unfinished")
    unfinished.write_text(tomlkit.dumps(document), encoding="utf-8")
    unfinished.replace(host_file)
