"""Targets with people, managers, groups and memberships, none of which keeps a name from being there twice."""

import csv
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

PAGE_SIZE = 7
"""Of an import: small, so that an import of few objects has many pages to be killed between."""
REST = """
[run_profiles]
full_import = {{ page_size = {page_size} }}
[schema_mapping.User]
userName = "Login"
title = "Title"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager" = "ManagerId"
[schema_mapping.Group]
displayName = "Name"
externalId = "Note"
members = "{members}"
[deprovisioning.User]
delete = "delete"
[deprovisioning.Group]
delete = "delete"
"""
SQL = """
[properties]
instance = "{instance}"
type = "sql"
{properties}
[connectivity]
{connectivity}
value_tables = "Groups.Members = GroupMembers(GroupId, UserId) references Users"
[object_types.User]
target = "Users"
anchor = "Id"
anchor_immutable = true
query_attributes = ["Login"]
attributes.ManagerId = {{ type = "Reference", references = "Users" }}
[object_types.Group]
target = "Groups"
anchor = "Id"
anchor_immutable = true
query_attributes = ["Name"]
"""
CSV = """
[properties]
instance = "{instance}"
type = "csv"
{properties}
[connectivity]
file = "{people}"
groups_file = "{groups}"
memberships_file = "{memberships}"
[object_types.User]
target = "User"
anchor = "Login"
query_attributes = ["Login"]
attributes.ManagerId = {{ type = "Reference", references = "User" }}
[object_types.Group]
target = "Group"
anchor = "Name"
query_attributes = ["Name"]
"""


class Picture(NamedTuple):
    """What there is: everything in order, and everybody by name, so that whoever is there twice shows.

    Attributes:
        people: name, title, and the manager's name ("" for none).
        groups: name, note, and the members' names in order.
    """

    people: list[tuple[str, str, str]]
    groups: list[tuple[str, str, tuple[str, ...]]]


def picture(people: Iterable[tuple[str, str, str]], groups: Iterable[tuple[str, str, Iterable[str]]]) -> Picture:
    """Puts it in order."""
    return Picture(sorted(people), sorted((name, note, tuple(sorted(members))) for name, note, members in groups))


class SqlOffice:
    """People, groups and memberships in three tables of SQLite."""

    key = "INTEGER PRIMARY KEY AUTOINCREMENT"

    def __init__(self, path: Path) -> None:
        self.path = path
        for name in ("Users", "Groups"):
            others = {"Users": '"Login" VARCHAR(50), "Title" VARCHAR(50), "ManagerId" BIGINT'}
            columns = others.get(name, '"Name" VARCHAR(50), "Note" VARCHAR(50)')
            self.execute(f'CREATE TABLE "{name}" ("Id" {self.key}, {columns})')
            self.execute(f'CREATE INDEX "{name}ByName" ON "{name}" ("{"Login" if name == "Users" else "Name"}")')
        self.execute(
            'CREATE TABLE "GroupMembers" ("GroupId" BIGINT NOT NULL REFERENCES "Groups"("Id"),'
            ' "UserId" BIGINT NOT NULL REFERENCES "Users"("Id"), PRIMARY KEY ("GroupId", "UserId"))'
        )
        self.execute('CREATE INDEX "ByUser" ON "GroupMembers" ("UserId")')

    @property
    def connectivity(self) -> str:
        return f'url = "sqlite:///{self.path}"'

    def execute(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, timeout=20)) as connection, connection:
            return connection.execute(sql, parameters).fetchall()

    def connector(self, properties: str = "", page_size: int = PAGE_SIZE) -> str:
        """The connector's file."""
        return (SQL + REST).format(
            instance=uuid.uuid4(),
            connectivity=self.connectivity,
            properties=properties,
            page_size=page_size,
            members="Members",
        )

    def picture(self) -> Picture:
        people = self.execute(
            'SELECT u."Login", u."Title", u."ManagerId", m."Login" FROM "Users" u'
            ' LEFT JOIN "Users" m ON m."Id" = u."ManagerId"'
        )
        groups = self.execute('SELECT "Id", "Name", "Note" FROM "Groups"')
        members = self.execute(
            'SELECT g."GroupId", u."Login" FROM "GroupMembers" g LEFT JOIN "Users" u ON u."Id" = g."UserId"'
        )
        return picture(
            (
                (login, title or "", "" if manager is None else found or f"nobody {manager}")
                for login, title, manager, found in people
            ),
            (
                (name, note or "", [one or "nobody" for group, one in members if group == key])
                for key, name, note in groups
            ),
        )


class ServerOffice(SqlOffice):
    """The same in a database of its own on a PostgreSQL server."""

    key = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"

    def __init__(self, path: Path, server: Any) -> None:
        self.server, self.database = server, server.fresh_database()
        path.write_text(server.connection_string(self.database))
        super().__init__(path)

    @property
    def connectivity(self) -> str:
        return f'connection_string = {{ file = "{self.path}" }}'

    def execute(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(self.server.connect(self.database)) as connection:
            cursor = connection.execute(sql, parameters)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


@dataclass(frozen=True)
class CsvOffice:
    """The same in three files; the names are the anchors."""

    folder: Path

    @property
    def files(self) -> tuple[Path, Path, Path]:
        """Of people, of groups, and of who is in which."""
        people, groups, members = (self.folder / f"{name}.csv" for name in ("people", "groups", "members"))
        return people, groups, members

    def write(
        self,
        people: Iterable[Sequence[str]] = (),
        groups: Iterable[Sequence[str]] = (),
        members: Iterable[Sequence[str]] = (),
        folder: Path | None = None,
    ) -> None:
        """Makes the three files, by default where the connector has them."""
        place = folder or self.folder
        place.mkdir(exist_ok=True)
        headers = (("Login", "Title", "ManagerId"), ("Name", "Note"), ("group", "member"))
        for path, header, rows in zip(self.files, headers, (people, groups, members), strict=True):
            with (place / path.name).open("w", newline="") as file:
                csv.writer(file).writerows([header, *rows])

    def connector(self, properties: str = "", page_size: int = PAGE_SIZE) -> str:
        """The connector's file."""
        people, groups, memberships = self.files
        return (CSV + REST).format(
            instance=uuid.uuid4(),
            properties=properties,
            page_size=page_size,
            people=people,
            groups=groups,
            memberships=memberships,
            members="members",
        )

    def picture(self) -> Picture:
        people, groups, members = (self._rows(path) for path in self.files)
        names = {login for login, _, _ in people}
        return picture(
            (
                (login, title, manager if not manager or manager in names else f"nobody {manager}")
                for login, title, manager in people
            ),
            (
                (name, note, [one if one in names else f"nobody {one}" for group, one in members if group == name])
                for name, note in groups
            ),
        )

    def _rows(self, path: Path) -> list[list[str]]:
        with path.open(newline="") as file:
            return list(csv.reader(file))[1:]


Office = SqlOffice | CsvOffice
