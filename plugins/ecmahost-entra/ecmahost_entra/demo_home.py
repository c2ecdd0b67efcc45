"""The home of a demo: a CSV file and a SQLite database with the same people, and a connector for each."""

import csv
import fcntl
import io
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import tomlkit

from ecmahost_core.configuration.home import Home
from ecmahost_core.errors import EcmahostError
from ecmahost_entra.people import Employee, company

CONNECTORS = ("hrcsv", "hrsql")
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
    "IsActive",
)

_NOT_NULL = ("GivenName", "FamilyName")

_TABLE = """
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
    IsActive        BOOLEAN NOT NULL DEFAULT 1
);
CREATE INDEX Employees_UserName ON Employees (UserName);
"""

_MAPPING = """
# SCIM attribute = column. Entra's "On-premises SCIM app" and non-gallery applications speak such names.
[schema_mapping.User]
userName = "UserName"
externalId = "ExternalId"
displayName = "DisplayName"
"name.givenName" = "GivenName"
"name.familyName" = "FamilyName"
title = "Title"
'emails[type eq "work"].value' = "Email"
'phoneNumbers[type eq "work"].value' = "Phone"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" = "Department"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber" = "EmployeeNumber"
"""

_FLOWS = """
# What it means that a person is disabled or deleted in Entra.
[deprovisioning.User]
disable = { set = "IsActive" } # receives false, and true again when the person comes back
delete = "delete"
"""

_CSV_CONNECTOR = """\
# The people of people.csv, as a SCIM service.

[properties]
instance = "{instance}" # made once; never change it
type = "csv"
autosync_minutes = 120 # how often the file is read anew

[connectivity]
file = "people.csv"

[run_profiles]
full_import = { page_size = 1000 }

[object_types.User]
target = "User"
anchor = ["UserName"] # a CSV file makes no keys, so the name identifies the row
query_attributes = ["UserName"] # what Entra matches on; no two people may share it
"""

_SQL_CONNECTOR = """\
# The table Employees of people.db, as a SCIM service.
#
# There is no [schema_mapping] here, so every column goes by its own name, as in Entra's "On-premises ECMA app":
# urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User:UserName and so on.

[properties]
instance = "{instance}" # made once; ids derive from it, so never change it
type = "sql"
autosync_minutes = 120 # how often the table is read anew

[connectivity]
url = "sqlite:///people.db"

[run_profiles]
full_import = { page_size = 1000 }

[object_types.User]
target = "Employees"
anchor = ["EmployeeId"] # the database makes it
anchor_immutable = true
query_attributes = ["UserName"] # what Entra matches on; no two people may share it
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
    people = company()
    _make(home.path / "people.csv", lambda path: _write_csv(path, people))
    _make(home.path / "people.db", lambda path: _write_database(path, people))
    for name, text in zip(CONNECTORS, (_CSV_CONNECTOR + _MAPPING, _SQL_CONNECTOR), strict=True):
        content = text.replace("{instance}", str(uuid.uuid4())) + _FLOWS
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


def _write_csv(path: Path, people: tuple[Employee, ...]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows((*_row(person), "True" if person.active else "False") for person in people)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")


def _write_database(path: Path, people: tuple[Employee, ...]) -> None:
    names = ", ".join(_COLUMNS)
    marks = ", ".join("?" * len(_COLUMNS))
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_TABLE)
        with database:
            for person in people:
                # Unknown is NULL, but the names must not be: single names have an empty given name.
                values = [
                    value if value or name in _NOT_NULL else None
                    for name, value in zip(_COLUMNS, _row(person), strict=False)
                ]
                statement = f"INSERT INTO Employees ({names}) VALUES ({marks})"  # noqa: S608 - constants only
                database.execute(statement, (*values, person.active))


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
