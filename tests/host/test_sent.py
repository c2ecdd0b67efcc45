"""What was sent comes back as it was sent, over every kind of target, and sending it again writes nothing."""

import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from ecmahost_host_kit.homes import HomeDirectory, mapping_text
from ecmahost_host_kit.hosts import RunningHost, launch

ECMA = "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User"
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
    "Narrow": ("numeric(10,2)", "decimal(10,2)", "NUMERIC"),
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
        if self.kind == "csv":
            self.target.path.write_text(",".join(["UserName", *COLUMNS]) + "\n")
        mapping = {"userName": "UserName", "displayName": "Name", **{f"{CONTOSO}:{name}": name for name in COLUMNS}}
        self.connect(self.kind, f"[schema_mapping.User]\n{mapping_text(mapping)}")
        self.connect(f"{self.kind}App", "")

    def connect(self, connector: str, mapping: str) -> None:
        types = "\n".join(f'attributes.{name} = {{ type = "{kind}" }}' for name, kind in TYPES.items())
        self.home.connector(
            connector,
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
{mapping}
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

    def journaled(self) -> list[tuple[str, int]]:
        """How many journal entries and events there ever were."""
        query = "SELECT name, seq FROM sqlite_sequence WHERE name IN ('journal', 'event') ORDER BY name"
        with closing(sqlite3.connect(self.host.home.path / "space.db")) as connection:
            found: list[tuple[str, int]] = connection.execute(query).fetchall()
        assert len(found) == 2
        return found

    def kept(self, object_id: str) -> dict[str, Any]:
        """What the host keeps beside an object."""
        with closing(sqlite3.connect(self.host.home.path / "space.db")) as connection:
            ((text,),) = connection.execute("SELECT kept FROM object WHERE id = ?", (object_id,)).fetchall()
        found: dict[str, Any] = json.loads(text)
        return found


@pytest.fixture(scope="module")
def served(make_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = make_home(tmp_path_factory.mktemp("sent") / "home")
    tables = {kind: Table(kind, home) for kind in KINDS}
    host = launch(home)
    try:
        yield Served(host, tables)
    finally:
        host.kill()


GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
AS_TEXT = {"csv": set(COLUMNS) - set(TYPES), "sqlite": {"Hired", "Seen", "Second", "Zoned", "Daily", "Guid", "Badge"}}
"""Where a target keeps the text that it is sent, whatever it means: a file, and what has no type in SQLite."""

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
    ("Guid", [f"{{{GUID.upper()}}}", GUID, GUID.replace("-", "").upper()]),
    ("Moment", ["2026-01-31", "2026-01-31T01:00:00+01:00", "2026-01-31T00:00:00.0000000Z"]),
]
STRINGS = ("Name", "Salary", "Rate", "Ratio", "Single")
"""Columns that are announced as strings, of those that are sent anything else."""

DIFFERENT = {
    "Hired": ("2026-02-01", "2026-02-01"),
    "Second": ("2026-01-31 08:00:01", "2026-01-31 08:00:01"),
    "Daily": ("08:31:00", "08:31:00"),
    "Salary": ("1.51", "1.51"),
    "Ratio": ("0.5", "0.5"),
    "Level": (8, 8),
    "Badge": ("abd", "abd"),
}
"""What somebody else writes, and what is shown then."""


def name() -> str:
    return f"p{uuid.uuid4().hex[:12]}"


def shown(resource: dict[str, Any], column: str) -> Any:
    return resource.get(CONTOSO, {}).get(column)


def replacing(column: str, value: Any) -> dict[str, Any]:
    return {"op": "Replace", "path": f"{CONTOSO}:{column}", "value": value}


def text_of(value: Any) -> Any:
    """How JSON comes back under an attribute that is announced as a string."""
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("column", "forms"), EQUIVALENT)
def test_what_was_sent_comes_back_and_is_written_once(served: Served, kind: str, column: str, forms: list[Any]) -> None:
    client, table, user = served.host.client(kind), served.tables[kind], name()
    made = client.create({"userName": user, CONTOSO: {column: forms[0]}})
    assert made.status == 201, made.json
    assert shown(made.json, column) == forms[0]
    object_id = made.json["id"]
    as_text = column in AS_TEXT.get(kind, ())
    announced_as_string = as_text or column in STRINGS
    for form in (*forms, forms[0]):
        before = table.version(user)
        answer = client.patch(object_id, replacing(column, form))
        assert answer.status == 200, answer.json
        expected = text_of(form) if announced_as_string else form
        assert (shown(answer.json, column), type(shown(answer.json, column))) == (expected, type(expected))
        assert as_text or table.version(user) == before, form
        before, journaled = table.version(user), served.journaled()
        again = client.patch(object_id, replacing(column, form))
        assert again.json == answer.json
        assert (table.version(user), served.journaled()) == (before, journaled)
        assert client.user(object_id).json == answer.json
        if column in ("Guid", "Salary", "Level"):
            found = client.search(f'{CONTOSO}:{column} eq "{text_of(form)}" and userName eq "{user}"').resources
            assert found == [answer.json]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_holds_for_the_names_of_the_ecma_app(served: Served, kind: str) -> None:
    client, table, user = served.host.client(f"{kind}App"), served.tables[kind], name()
    typed = [(column, sent) for column, sent in EQUIVALENT if column not in AS_TEXT.get(kind, ())]
    rounds = [{column: sent[min(number, len(sent) - 1)] for column, sent in typed} for number in range(3)]
    made = client.create({ECMA: {"UserName": user, **rounds[0]}})
    assert made.status == 201, made.json
    object_id, before = made.json["id"], table.version(user)
    for forms in (rounds[0], rounds[1], rounds[2], rounds[0]):
        operations = [{**replacing(column, form), "path": f"{ECMA}:{column}"} for column, form in forms.items()]
        answer = client.patch(object_id, *operations)
        assert answer.status == 200, answer.json
        found = {column: answer.json[ECMA][column] for column in forms}
        expected = {column: text_of(form) if column in STRINGS else form for column, form in forms.items()}
        assert json.dumps(found) == json.dumps(expected)
        journaled = served.journaled()
        assert client.patch(object_id, *operations).json == answer.json == client.user(object_id).json
        assert (table.version(user), served.journaled()) == (before, journaled)


@pytest.mark.parametrize("kind", DATABASES)
def test_it_comes_back_after_an_import_and_until_somebody_else_writes_something_else(served: Served, kind: str) -> None:
    client, table, user = served.host.client(kind), served.tables[kind], name()
    forms = {column: sent[0] for column, sent in EQUIVALENT if column != "Name"}
    made = client.create({"userName": user, CONTOSO: forms})
    assert made.status == 201, made.json
    assert made.json[CONTOSO] == forms
    imported = served.host.home.command("import", kind)
    assert imported.returncode == 0, imported.stderr
    assert client.user(made.json["id"]).json == made.json  # the version as well: the import had nothing to write
    for column, (written, _) in DIFFERENT.items():
        table.store(column, written, user)
    assert served.host.home.command("import", kind).returncode == 0
    found = client.user(made.json["id"]).json[CONTOSO]
    assert found == forms | {column: seen for column, (_, seen) in DIFFERENT.items()}
    kept = served.kept(made.json["id"]).get("sent", {})
    assert not {column for column in DIFFERENT if f"{CONTOSO}:{column}" in kept}


@pytest.mark.parametrize("kind", SERVERS)
def test_a_plain_person_costs_the_host_nothing_to_keep(served: Served, kind: str) -> None:
    client, user = served.host.client(kind), name()
    object_id = client.created(
        {
            "userName": user,
            "displayName": "Zo\u00eb",
            CONTOSO: {"Hired": "2026-01-31", "Salary": "1.50", "Level": 7, "Flag": True, "Badge": "abc", "Guid": GUID},
        }
    )
    assert served.kept(object_id) == {}


REFUSED = [
    ("Hired", "2026-02-30", "a date such as 2026-01-31"),
    ("Seen", "yesterday", "a date-time such as"),
    ("Daily", "25:00", "a time of day"),
    ("Salary", "1,000", "a number such as 12.5"),
    ("Salary", "1.505", "at most 2 digits behind the point"),
    ("Salary", "123456789", "at most 8 digits before the point"),
    ("Ratio", "0.1234567890123456", "at most 15 digits"),
    ("Single", "1.234567", "at most 6 digits"),
    ("Level", "40000", "an integer from -32768 to 32767"),
    ("Level", "seven", "an integer from -32768 to 32767"),
    ("Flag", "perhaps", "true or false"),
    ("Badge", "12345678901", "at most 10 characters, not 11"),
    ("Name", "x" * 51, "at most 50 characters, not 51"),
    ("Guid", "{nonsense}", "a GUID such as"),
    ("Moment", "2026-13-01", "a date-time such as"),
]


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize(("column", "sent", "takes"), REFUSED)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    served: Served, kind: str, column: str, sent: str, takes: str
) -> None:
    client, table, user = served.host.client(kind), served.tables[kind], name()
    object_id = client.created({"userName": user, "displayName": "Bob"})
    before, journaled = table.version(user), served.journaled()
    other = name()
    for answer in (
        client.patch(object_id, {"op": "Replace", "path": "displayName", "value": "Rob"}, replacing(column, sent)),
        client.create({"userName": other, CONTOSO: {column: sent}}),
    ):
        assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")
        assert answer.json["detail"].startswith(f"{CONTOSO}:{column}: the target attribute '{column}' ("), answer.json
        assert takes in answer.json["detail"]
        assert sent not in answer.json["detail"]
    assert (table.version(user), served.journaled()) == (before, journaled)
    assert table.version(other) == []
    assert client.user(object_id).json["displayName"] == "Bob"


NARROWED = {
    "postgresql": 'ALTER TABLE "Things" ALTER "Narrow" TYPE numeric(4,2)',
    "mariadb": "ALTER TABLE `Things` MODIFY `Narrow` decimal(4,2)",
}


@pytest.mark.parametrize("kind", SERVERS)
def test_what_the_database_itself_refuses_is_400_with_the_column_and_leaves_nothing_behind(
    served: Served, kind: str
) -> None:
    client, table, user = served.host.client(kind), served.tables[kind], name()
    object_id = client.created({"userName": user, "displayName": "Bob", CONTOSO: {"Narrow": "01.5"}})
    table.target.execute(NARROWED[kind])  # the host knows the column as it was
    before = table.version(user)
    answer = client.patch(
        object_id, {"op": "Replace", "path": "displayName", "value": "Rob"}, replacing("Narrow", "12345.5")
    )
    assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")
    assert "column Narrow" in answer.json["detail"]
    assert "12345.5" not in answer.json["detail"]
    assert table.version(user) == before
    found = client.user(object_id).json
    assert (found["displayName"], shown(found, "Narrow")) == ("Bob", "01.5")
