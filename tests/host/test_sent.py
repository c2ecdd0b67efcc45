"""What was sent comes back as it was sent, over every kind of target, and sending it again writes nothing."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from ecmahost_host_kit.homes import HomeDirectory, mapping_text
from ecmahost_host_kit.hosts import RunningHost, launch

CONTOSO = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"
KEYS = {"postgresql": "bigint GENERATED ALWAYS AS IDENTITY", "mariadb": "bigint AUTO_INCREMENT", "sqlite": "INTEGER"}
COLUMNS = {
    "Name": ("varchar(50)", "varchar(50)", "VARCHAR(50)"),
    "Hired": ("date", "date", "DATE"),
    "Seen": ("timestamp", "datetime(6)", "DATETIME"),
    "Second": ("timestamp(0)", "datetime", "DATETIME"),
    "Zoned": ("timestamp(3) with time zone", "timestamp(3) NULL", "TIMESTAMP"),
    "Daily": ("time", "time", "TIME"),
    "Salary": ("numeric(10,2)", "decimal(10,2)", "DECIMAL(10,2)"),
    "Rate": ("numeric", "decimal(20,6)", "NUMERIC"),
    "Ratio": ("double precision", "double", "REAL"),
    "Single": ("real", "float", "REAL"),
    "Level": ("smallint", "smallint", "INTEGER"),
    "Flag": ("boolean", "tinyint(1)", "BOOLEAN"),
    "Bit": ("boolean", "bit(1)", "BIT"),
    "Small": ("smallint", "smallint", "SMALLINT"),
    "Letter": ("char(1)", "char(1)", "CHAR(1)"),
    "Badge": ("char(10)", "char(10)", "CHAR(10)"),
    "Guid": ("uuid", "uuid", "UUID"),
    "Moment": ("timestamp", "datetime(6)", "DATETIME"),
}
TYPES = {"Small": "Boolean", "Letter": "Boolean", "Moment": "DateTime"}
SERVERS = ("postgresql", "mariadb")
DATABASES = (*SERVERS, "sqlite")
KINDS = (*DATABASES, "csv")


@dataclass
class Table:
    """A target with a column of each type, and what tells that a row was written."""

    kind: str
    home: HomeDirectory
    target: Any = None

    def __post_init__(self) -> None:
        self.target = self.home.target("sql" if self.kind == "sqlite" else self.kind, self.kind)
        if self.kind != "csv":
            place = DATABASES.index(self.kind)
            columns = ", ".join(f"{self.quoted(name)} {types[place]}" for name, types in COLUMNS.items())
            self.target.execute(
                f"CREATE TABLE {self.quoted('Things')} ({self.quoted('Id')} {KEYS[self.kind]} PRIMARY KEY,"
                f" {self.quoted('UserName')} varchar(100), {self.quoted('Version')} integer DEFAULT 0, {columns})"
            )
        if self.kind == "mariadb":
            self.target.execute(
                "CREATE TRIGGER counted BEFORE UPDATE ON `Things` FOR EACH ROW SET NEW.`Version` = OLD.`Version` + 1"
            )
        if self.kind == "sqlite":
            self.target.execute(
                "CREATE TRIGGER counted AFTER UPDATE ON Things BEGIN"
                " UPDATE Things SET Version = Version + 1 WHERE Id = new.Id; END"
            )
        self.connect()

    def connect(self) -> None:
        names = ["UserName", *COLUMNS]
        if self.kind == "csv":
            self.target.path.write_text(",".join(names) + "\n")
        types = "\n".join(f'attributes.{name} = {{ type = "{kind}" }}' for name, kind in TYPES.items())
        self.home.connector(
            self.kind,
            f"""
[properties]
instance = "{uuid.uuid4()}"
type = "{self.target.type_name}"
[connectivity]
{self.target.connectivity}
[run_profiles]
full_import = {{}}
[object_types.User]
target = "{"User" if self.kind == "csv" else "Things"}"
anchor = "{"UserName" if self.kind == "csv" else "Id"}"
query_attributes = ["UserName", {{ name = "Guid", unique = false }}, {{ name = "Salary", unique = false }}]
{types}
[schema_mapping.User]
{mapping_text({"userName": "UserName", "displayName": "Name", **{f"{CONTOSO}:{name}": name for name in COLUMNS}})}
[deprovisioning.User]
disable = "none"
delete = "delete"
""",
        )

    def quoted(self, name: str) -> str:
        return f"`{name}`" if self.kind == "mariadb" else f'"{name}"'

    def stored(self, name: str, user: str) -> Any:
        ((found,),) = self.target.execute(
            f"SELECT {self.quoted(name)} FROM {self.quoted('Things')} WHERE {self.quoted('UserName')} = ?", user
        )
        return found

    def store(self, name: str, value: object, user: str) -> None:
        """Somebody else writes."""
        self.target.execute(
            f"UPDATE {self.quoted('Things')} SET {self.quoted(name)} = ? WHERE {self.quoted('UserName')} = ?",
            value,
            user,
        )

    def version(self, user: str) -> object:
        """What changes with every write of the row, one that puts the same there included."""
        if self.kind == "csv":
            return self.target.state()
        column = "xmin::text" if self.kind == "postgresql" else self.quoted("Version")
        return self.target.execute(
            f"SELECT {column} FROM {self.quoted('Things')} WHERE {self.quoted('UserName')} = ?", user
        )


@dataclass
class Served:
    host: RunningHost
    tables: dict[str, Table]

    def journaled(self) -> list[int]:
        """How many journal entries and events there ever were."""
        with closing(sqlite3.connect(self.host.home.path / "space.db")) as connection:
            return connection.execute(
                "SELECT name, seq FROM sqlite_sequence WHERE name IN ('journal', 'event')"
            ).fetchall()


@pytest.fixture(scope="module")
def served(make_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = make_home(tmp_path_factory.mktemp("sent") / "home")
    tables = {kind: Table(kind, home) for kind in KINDS}
    host = launch(home)
    try:
        yield Served(host, tables)
    finally:
        host.kill()


EQUIVALENT = [
    ("Name", ["007"]),
    ("Name", ["1.50"]),
    ("Name", ["True"]),
    ("Name", ["cafe\u0301"]),
    ("Hired", ["2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00.0000000Z"]),
    ("Seen", ["2026-01-31", "2026-01-31T00:00:00", "2026-01-31 00:00:00Z", "2026-01-31T01:00:00+01:00"]),
    ("Seen", ["2026-01-31T08:00:00.1234567Z", "2026-01-31T09:00:00.123456+01:00"]),
    ("Second", ["2026-01-31T08:00:00.7Z", "2026-01-31T08:00:00Z"]),
    ("Zoned", ["2026-07-31T08:00:00.5004Z", "2026-07-31T10:00:00.5+02:00", "2026-07-31 08:00:00.5"]),
    ("Daily", ["08:30", "08:30:00", "08:30:00.0"]),
    ("Salary", ["1.50", "01.5", "+1.5", "1.5000", "0.15e1"]),
    ("Salary", ["1000", "1e3", "1000.00"]),
    ("Rate", ["0.250000", ".25", "2.5e-1"]),
    ("Ratio", ["0.1", "0.10", "1e-1"]),
    ("Single", ["0.125", "0.1250", "00.125"]),
    ("Level", ["007", "7", 7, 7.0, "+7"]),
    ("Level", ["True", "1", True, 1]),
    ("Flag", ["True", "1", True, "TRUE"]),
    ("Flag", ["0", "false", False]),
    ("Bit", ["1", "True", True]),
    ("Small", ["True", "1", True]),
    ("Letter", ["True", "1", True]),
    ("Letter", ["False", "0", False]),
    ("Badge", ["abc   ", "abc"]),
    (
        "Guid",
        [
            "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}",
            "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
            "6F9619FF8B86D011B42D00CF4FC964FF",
        ],
    ),
    ("Moment", ["2026-01-31", "2026-01-31T01:00:00+01:00", "2026-01-31T00:00:00.0000000Z"]),
]


def name() -> str:
    return f"p{uuid.uuid4().hex[:12]}"


def shown(resource: dict[str, Any], column: str) -> Any:
    return resource.get(CONTOSO, {}).get(column)


def of_csv(kind: str, column: str) -> bool:
    """A file has text only, as far as the configuration gives it no other type."""
    return kind == "csv" and column not in TYPES


def of_sqlite(kind: str, column: str) -> bool:
    """SQLite keeps the text of dates and GUIDs as it was sent."""
    return kind == "sqlite" and column in ("Hired", "Seen", "Second", "Zoned", "Daily", "Guid", "Badge")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("column", "forms"), EQUIVALENT)
def test_what_was_sent_comes_back_and_is_written_once(served: Served, kind: str, column: str, forms: list[Any]) -> None:
    client, table, user = served.host.client(kind), served.tables[kind], name()
    first, *others = forms
    if isinstance(first, str) and column == "Ratio" and kind == "mariadb":
        pass
    made = client.create({"userName": user, CONTOSO: {column: first}})
    assert made.status == 201, made.json
    assert shown(made.json, column) == first
    object_id = made.json["id"]
    path = f"{CONTOSO}:{column}"
    for form in (first, *others, first):
        assert client.search(f'userName eq "{user}"').resources[0]["id"] == object_id
        text_only = of_csv(kind, column) or of_sqlite(kind, column)
        before = table.version(user)
        answer = client.patch(object_id, {"op": "Replace", "path": path, "value": form})
        assert answer.status == 200, answer.json
        expected = (
            form
            if not of_csv(kind, column) or isinstance(form, str)
            else {True: "true", False: "false"}.get(form, str(form))
            if isinstance(form, bool)
            else str(form)
        )
        assert shown(answer.json, column) == expected, (form, answer.json)
        assert type(shown(answer.json, column)) is type(expected)
        if not text_only:
            assert table.version(user) == before, form
        before, journaled = table.version(user), served.journaled()
        again = client.patch(object_id, {"op": "Replace", "path": path, "value": form})
        assert again.json == answer.json
        assert (table.version(user), served.journaled()) == (before, journaled)
        assert client.user(object_id).json == answer.json
