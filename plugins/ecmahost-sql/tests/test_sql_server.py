"""SQL Server as its ODBC driver 18 is documented to speak: no real part can be had here, so this is all that is held.

The texts of the errors are those of its manual with pyodbc's additions: every record that the driver gives, one behind
the other.
"""

import sys
from dataclasses import replace

import ecmahost_sql
import pytest
from ecmahost_sql.catalog import Column, Table
from ecmahost_sql.errors import FailureKind
from ecmahost_sql.odbc.drivers import SQL_SERVER
from ecmahost_sql.odbc.errors import failure_of

from ecmahost_core import (
    AttributeOperation,
    AttributeType,
    CSEntryChange,
    MAExportError,
    ObjectModificationType,
    RunStep,
    Secret,
    ServerDown,
    SessionPurpose,
)

TAGS = "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]"
ENDED = f" (SQLExecDirectW); [23000] {TAGS}The statement has been terminated. (3621)"
EMPLOYEES = Table(
    "Employees",
    '"dbo"."Employees"',
    "",
    "",
    (Column("ContosoLogin"), Column("LastName"), Column("Email")),
    indexes=(("UQ_Login", frozenset({"ContosoLogin"})), ("IX_Email", frozenset({"Email"}))),
)


@pytest.mark.parametrize(
    ("state", "text", "kind", "column"),
    [
        ("23000", ("Cannot insert the value NULL into column 'LastName', table 'CONTOSO.dbo.Employees'; column does "
                  f"not allow nulls. INSERT fails. (515){ENDED}"), FailureKind.NOT_NULL, "LastName"),
        ("23000", ("Cannot insert the value NULL into column 'LastName', table 'CONTOSO.dbo.Audit'; column does not "
                  f"allow nulls. INSERT fails. (515){ENDED}"), FailureKind.NOT_NULL, ""),
        ("23000", ("Violation of UNIQUE KEY constraint 'UQ_Login'. Cannot insert duplicate key in object "
                  f"'dbo.Employees'. The duplicate key value is (31415). (2627){ENDED}"),
         FailureKind.UNIQUE, "ContosoLogin"),
        ("23000", ("Cannot insert duplicate key row in object 'dbo.Employees' with unique index 'IX_Email'. The "
                  f"duplicate key value is (31415; [23000] [). (2601){ENDED}"), FailureKind.UNIQUE, "Email"),
        ("23000", ('The INSERT statement conflicted with the FOREIGN KEY constraint "FK_x". The conflict occurred in '
                  f'database "CONTOSO", table "dbo.D", column \'Id\'. (547){ENDED}'), FailureKind.CONSTRAINT, ""),
        ("42000", ("String or binary data would be truncated in table 'CONTOSO.dbo.Employees', column 'LastName'. "
                  f"Truncated value: '31415'. (2628){ENDED}"), FailureKind.INVALID_VALUE, "LastName"),
        ("42000", ("Conversion failed when converting from a character string to uniqueidentifier. (8169) "
                  "(SQLExecDirectW)"), FailureKind.INVALID_VALUE, ""),
        ("40001", ("Transaction (Process ID 52) was deadlocked on lock resources with another process and has been "
                  "chosen as the deadlock victim. Rerun the transaction. (1205) (SQLExecDirectW)"),
         FailureKind.BUSY, ""),
        ("HYT00", "Lock request time out period exceeded. (1222) (SQLExecDirectW)", FailureKind.BUSY, ""),
        ("HYT00", "Query timeout expired (0) (SQLExecDirectW)", FailureKind.TIMEOUT, ""),
        ("42000", ("The SELECT permission was denied on the object 'Employees', database 'CONTOSO', schema 'dbo'. "
                  "(229) (SQLExecDirectW)"), FailureKind.PERMISSION, ""),
        ("42S02", "Invalid object name 'Employees'. (208) (SQLExecDirectW)", FailureKind.NOT_IN_CATALOG, ""),
        ("28000", "Login failed for user '31415'. (18456) (SQLDriverConnect)", FailureKind.CREDENTIALS, ""),
        ("08S01", "Communication link failure (0) (SQLExecDirectW)", FailureKind.UNAVAILABLE, ""),
        ("25000", 'Failed to update database "CONTOSO" because the database is read-only. (3906) (SQLExecDirectW)',
         FailureKind.READ_ONLY, ""),
    ],
)  # fmt: skip
def test_what_the_driver_says_is_understood_and_no_value_of_it_repeated(state, text, kind, column):
    failure = failure_of(Exception(state, f"[{state}] {TAGS}{text}"), SQL_SERVER, EMPLOYEES)
    assert (failure.kind, failure.column) == (kind, column)
    assert "31415" not in failure.detail


def test_what_a_trigger_throws_is_told_in_its_own_words():
    error = Exception("42000", f"[42000] {TAGS}badge 13 is reserved (50000) (SQLExecDirectW); [42000] {TAGS}The trans"
                               "action ended in the trigger. The batch has been aborted. (3609)")  # fmt: skip
    failure = failure_of(error, SQL_SERVER)
    assert failure.detail == "the database forbids it: badge 13 is reserved"


# The tutorial's table -------------------------------------------------------------------------------------------------

PERSON = ("ada", "Ada", "Lovelace", None, "6F9619FF-8B86-D011-B42D-00C04FC964FF", 7, "0.1")
ANSWERS = (
    ("SCHEMA_NAME()", [("dbo",)]),
    ("sys.columns", [
        ("ContosoLogin", "nvarchar(128)", None, 0, 0),
        ("FirstName", "nvarchar(50)", None, 0, 0),
        ("LastName", "nvarchar(50)", None, 0, 0),
        ("Email", "nvarchar(128)", None, 0, 0),
        ("InternalGUID", "uniqueidentifier", "(newid())", 0, 0),
        ("Number", "int", None, 1, 1),
        ("Share", "float", None, 0, 0),
    ]),
    ("INSERT", []),
    ("dense_rank()", [(*PERSON, "ada", 1)]),
    ("count(*)", [(0,)]),
    ("IS NULL", []),
)  # fmt: skip


class Failed(Exception):
    """What pyodbc raises."""


class Cursor:
    """Answers by what a statement contains, and describes columns as the driver does."""

    messages = None
    rowcount = -1

    def __init__(self, server):
        self._server, self._rows, self.description = server, [], None

    def execute(self, sql, parameters=()):
        self._server.statements.append((sql, tuple(parameters)))
        self._rows = next((rows for words, rows in self._server.answers if words in sql), [])
        self.description = object() if sql.startswith("SELECT") else None

    def fetchall(self):
        return self._rows

    def close(self):
        pass

    def tables(self, **_):
        self._rows = [("CONTOSO", "dbo", "Employees", "TABLE", None), ("CONTOSO", "sys", "objects", "VIEW", None)]

    def columns(self, *_):
        required = {"FirstName", "LastName"}
        names = [row[0] for row in ANSWERS[1][1]]
        self._rows = [("CONTOSO", "dbo", "Employees", name, *[None] * 6, int(name not in required)) for name in names]

    def primaryKeys(self, *_):  # noqa: N802 -- pyodbc's own name
        self._rows = []

    def statistics(self, *_, **__):
        self._rows = [("CONTOSO", "dbo", "Employees", 0, None, "UQ_Login", 3, 1, "ContosoLogin")]


class Server:
    """The module pyodbc, a connection of it, and what was said on that."""

    SQL_DBMS_NAME, SQL_DRIVER_NAME, SQL_IDENTIFIER_QUOTE_CHAR = 17, 6, 29
    SQL_SEARCH_PATTERN_ESCAPE, SQL_TXN_ISOLATION_OPTION, SQL_DATABASE_NAME = 14, 72, 16
    SQL_ATTR_TXN_ISOLATION, SQL_TXN_READ_COMMITTED, SQL_TXN_REPEATABLE_READ = 108, 2, 4
    Error = Failed
    autocommit = True

    def __init__(self):
        self.statements, self.answers, self.attributes, self.ends, self.timeout = [], list(ANSWERS), {}, [], 0

    def connect(self, text, /, **_):
        self.text = text
        return self

    def dataSources(self):  # noqa: N802 -- pyodbc's own name
        return {}

    def getinfo(self, what):
        return {17: "Microsoft SQL Server", 6: "libmsodbcsql-18.so", 29: '"', 14: "\\", 72: 47, 16: "CONTOSO"}[what]

    def set_attr(self, attribute, value):
        self.attributes[attribute] = value

    def cursor(self):
        return Cursor(self)

    def commit(self):
        self.ends.append("commit")

    def rollback(self):
        self.ends.append("rollback")

    def close(self):
        pass

    def last(self, word):
        return next(sql for sql, _ in reversed(self.statements) if word in sql)


@pytest.fixture
def server(monkeypatch):
    server = Server()
    monkeypatch.setitem(sys.modules, "pyodbc", server)
    return server


@pytest.fixture
def session(server):
    text = "Driver={ODBC Driver 18 for SQL Server};Server=db;Database=CONTOSO;Encrypt=yes"
    parameters = {"connection_string": Secret(lambda: text), "command_timeout": "7"}
    with ecmahost_sql.open_session(parameters, SessionPurpose.EXPORT) as session:
        yield session


@pytest.fixture
def step(session):
    (found,) = ecmahost_sql.schema(session).types
    return RunStep((replace(found, anchor=("ContosoLogin",)),), 100)


def test_a_connection_bounds_every_statement_and_hears_the_errors_of_triggers(server, session):
    assert (server.timeout, server.attributes) == (7, {108: 2})
    assert [sql for sql, _ in server.statements] == ["SET NOCOUNT ON", "SET LOCK_TIMEOUT 7000", "SET XACT_ABORT ON"]
    assert ecmahost_sql.session_alive(session)


def test_the_schema_has_the_tables_own_columns(step):
    (employees,) = step.types
    found = {one.name: one for one in employees.attributes}
    assert [*found] == [row[0] for row in ANSWERS[1][1]]
    assert {name for name, one in found.items() if one.required} == {"FirstName", "LastName"}
    assert {name for name, one in found.items() if one.generated} == {"InternalGUID", "Number"}
    assert found["Number"].operation is AttributeOperation.IMPORT_ONLY
    assert (found["Number"].type, found["InternalGUID"].type) == (AttributeType.INTEGER, AttributeType.STRING)
    assert found["ContosoLogin"].unique
    assert found["LastName"].max_length == 50


def test_an_import_is_limited_by_top_and_prints_what_the_driver_would_round(server, session, step):
    (page,) = ecmahost_sql.full_import(session, step)
    assert page.entries[0].anchor == ("ada",)
    assert page.entries[0].attributes["Number"] == (7,)
    assert server.last("dense_rank()") == (
        'SELECT "ContosoLogin", "FirstName", "LastName", "Email", CONVERT(nvarchar(max), "InternalGUID", 121), '
        '"Number", CONVERT(nvarchar(max), "Share", 3), "ContosoLogin", dense_rank() OVER (ORDER BY "ContosoLogin") '
        'FROM (SELECT TOP (101) "ContosoLogin", "FirstName", "LastName", "Email", "InternalGUID", "Number", "Share" '
        'FROM "dbo"."Employees" page WHERE "ContosoLogin" IS NOT NULL ORDER BY "ContosoLogin") page ORDER BY 9'
    )


def test_a_person_is_added_and_read_back_in_one_transaction(server, session, step):
    add = CSEntryChange(
        "Employees",
        ObjectModificationType.ADD,
        attributes={"ContosoLogin": ("ada",), "FirstName": ("Ada",), "LastName": ("Lovelace",)},
        identifier="1",
    )
    rows = iter([[], [(*PERSON, "ada")], [(*PERSON, "ada")]])
    ordinary = server.answers
    server.answers = _Answers(ordinary, rows)
    (result,) = ecmahost_sql.export(session, step, [add], {})
    assert (result.error, result.anchor, result.attributes["InternalGUID"]) == (None, ("ada",), (PERSON[4],))
    assert server.ends == ["commit"]
    assert ('INSERT INTO "dbo"."Employees"("ContosoLogin", "FirstName", "LastName") VALUES (?, ?, ?)',
            ("ada", "Ada", "Lovelace")) in server.statements  # fmt: skip


class _Answers(list):
    """The ordinary answers, and one after the other those to a look at one row."""

    def __init__(self, ordinary, rows):
        super().__init__(ordinary)
        self._rows = rows

    def __iter__(self):
        yield from super().__iter__()
        yield "SELECT TOP (2)", next(self._rows)


def test_a_refused_addition_is_undone_and_names_the_column(server, session, step, monkeypatch):
    said = f"[23000] {TAGS}Cannot insert the value NULL into column 'LastName', table 'C.dbo.Employees'; (515){ENDED}"
    ordinary = Cursor.execute

    def refuse(cursor, sql, parameters=()):
        if sql.startswith("INSERT"):
            raise Failed("23000", said)
        ordinary(cursor, sql, parameters)

    monkeypatch.setattr(Cursor, "execute", refuse)
    add = CSEntryChange("Employees", ObjectModificationType.ADD, attributes={"ContosoLogin": ("ada",)}, identifier="1")
    (result,) = ecmahost_sql.export(session, step, [add], {})
    assert (result.error.code, result.error.attribute) == (MAExportError.MISSING_PROVISIONING_ATTRIBUTE, "LastName")
    assert server.ends == ["rollback"]


@pytest.mark.parametrize(
    ("state", "text", "words"),
    [
        ("HYT00", "Login timeout expired (0) (SQLDriverConnect)", "does not answer"),
        ("08001", ("SSL Provider: [error:0A000086:SSL routines::certificate verify failed:self-signed certificate] "
                  "(-1) (SQLDriverConnect)"), "no TLS connection"),
    ],
)  # fmt: skip
def test_a_server_that_cannot_be_reached_is_down(server, monkeypatch, state, text, words):
    def fail(*_, **__):
        raise Failed(state, f"[{state}] [Microsoft][ODBC Driver 18 for SQL Server]{text}")

    monkeypatch.setattr(server, "connect", fail)
    with (
        pytest.raises(ServerDown, match=words),
        ecmahost_sql.open_session({"dsn": "hr"}, SessionPurpose.READ),
    ):
        pass
