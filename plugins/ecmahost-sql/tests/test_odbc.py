"""What is particular to ODBC and needs no server: naming a database, declared types, and what errors mean."""

import pytest
from ecmahost_sql.catalog import Column, Kind, Moment, Table
from ecmahost_sql.errors import DatabaseFailure, FailureKind
from ecmahost_sql.odbc.drivers import DB2, MARIADB, MYSQL, POSTGRESQL, SQL_SERVER, UNKNOWN, by_driver, by_product
from ecmahost_sql.odbc.errors import failure_of
from ecmahost_sql.odbc.source import OdbcSource, driver_in, keywords, parsed
from ecmahost_sql.odbc.types import typed
from ecmahost_sql.parameters import identity, understand

from ecmahost_core import ConnectorError, Secret

SECRET = Secret(lambda: "canary-31415")


def secret(text: str) -> Secret:
    return Secret(lambda: text)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "names no database: give exactly one of url, dsn, dsn_file, connection_string"),
        ({"url": "sqlite:///a.db", "dsn": "hr"}, "has url and dsn: give exactly one"),
        ({"dsn": "hr", "connection_string": SECRET}, "has dsn and connection_string"),
        ({"url": "sqlite:///a.db", "password": SECRET}, "password under [connectivity] means nothing for SQLite"),
        ({"dsn": "hr", "command_timeout": "soon"}, "command_timeout"),
    ],
)
def test_exactly_one_way_to_name_a_database_is_taken(parameters, words):
    with pytest.raises(ConnectorError) as caught:
        understand(parameters)
    assert words in str(caught.value)
    assert caught.value.nothing_sent
    assert "31415" not in str(caught.value)


def test_user_and_password_stand_before_the_data_sources_own_and_cannot_be_more_than_a_value():
    login = {"user": "a;b", "password": secret("p}w;Server=evil")}
    ours = ["UID={a;b}", "PWD={p}}w;Server=evil}"]
    assert list(keywords(OdbcSource(dsn="hr", **login)).values()) == ["DSN=hr", *ours]
    for other in ("UID=other;PWD={o;t}", "User = other; password=other", "Username={x;}}y};PWD=;uid=third"):
        found = keywords(OdbcSource(connection_string=secret(f"Driver={{X}};{other};Server=s"), **login))
        assert list(found.values()) == [*ours, "Driver={X}", "Server=s"]


def test_a_password_that_psqlodbc_would_decode_stands_in_braces():
    for password in ("100%41", "a+b"):
        assert keywords(OdbcSource(dsn="hr", password=secret(password)))["pwd"] == f"PWD={{{password}}}"


def test_a_dsn_file_gives_its_keywords_and_a_wrong_one_is_told_without_its_content(tmp_path):
    file = tmp_path / "hr.dsn"
    file.write_text("\ufeff[ODBC]\n; a comment\nDRIVER={Some Driver}\nServer=db;x\nUID = hr\n")
    assert list(keywords(OdbcSource(dsn_file=str(file))).values()) == [
        "DRIVER={Some Driver}",
        "Server={db;x}",
        "UID=hr",
    ]
    for content, words in (("PWD=31415", "no DSN file"), ("[Other]\nPWD=31415", "no section [ODBC]")):
        file.write_text(content)
        with pytest.raises(DatabaseFailure) as caught:
            keywords(OdbcSource(dsn_file=str(file)))
        assert words in str(caught.value)
        assert "31415" not in str(caught.value)
    for wrong, words in ((tmp_path / "none.dsn", "does not exist"), (tmp_path, "is a directory")):
        with pytest.raises(DatabaseFailure, match=words):
            keywords(OdbcSource(dsn_file=str(wrong)))


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"url": "sqlite:///people.db"}, "file=people.db"),
        ({"url": "sqlite:////srv/people.db"}, "file=/srv/people.db"),
        ({"dsn": "HR", "user": "sync", "password": SECRET}, "dsn=hr"),
        (
            {"connection_string": secret("DRIVER={X};SERVER=DB1;PORT=5432;DATABASE=Hr;UID=a;PWD={p}};SERVER=evil;}")},
            "server=db1; port=5432; database=Hr",
        ),
        (
            {"connection_string": secret("Initial Catalog={H;R}; Data Source = db1 ;Timeout=3")},
            "server=db1; database=H;R",
        ),
        ({"connection_string": secret("Driver=X;Server=first;Server=second")}, "server=first"),
        ({"connection_string": secret("Driver=X;UID=31415")}, ""),
        ({"url": "sqlite:///a.db", "dsn": "hr"}, ""),
        ({"dsn_file": "/none.dsn"}, ""),
        ({}, ""),
    ],
)
def test_a_database_is_named_by_its_place_and_never_by_a_login(parameters, expected):
    assert identity(parameters) == expected


def test_another_password_or_driver_names_the_same_database(tmp_path):
    file = tmp_path / "hr.dsn"
    file.write_text("[ODBC]\nDRIVER=A\nSERVER=db1\nDATABASE=hr\nPWD=old\n")
    before = identity({"dsn_file": str(file)})
    file.write_text("[ODBC]\nDRIVER=B\nServerName=DB1\nDATABASE=hr\nPWD=new\nUID=x\n")
    assert identity({"dsn_file": str(file)}) == before == "server=db1; database=hr"


def test_a_file_below_the_home_is_named_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert identity({"url": f"sqlite:///{tmp_path}/people.db"}) == "file=people.db"


def test_the_driver_of_a_connection_string_is_recognised():
    assert driver_in(parsed("Server=x;Driver={PostgreSQL Unicode};Driver={Other}")) == "PostgreSQL Unicode"
    assert driver_in(parsed("PWD={;driver=x}; DRIVER = psqlodbcw.so ;")) == "psqlodbcw.so"
    assert driver_in(parsed("DSN=hr")) == driver_in(parsed("")) == ""
    assert by_driver("PostgreSQL Unicode") is by_driver("/usr/lib/odbc/psqlodbcw.so") is POSTGRESQL
    assert by_driver("ODBC Driver 18 for SQL Server") is UNKNOWN
    assert by_product("Microsoft SQL Server") is SQL_SERVER
    assert by_product("DB2/LINUXX8664") is DB2
    assert (by_product("MariaDB"), by_product("MySQL")) == (MARIADB, MYSQL)


@pytest.mark.parametrize(
    ("declared", "kind", "expected"),
    [
        ("character varying(8)", Kind.TEXT, {"length": 8, "plain": True}),
        ("character varying", Kind.TEXT, {"length": None, "plain": True}),
        ("CHAR(5)", Kind.TEXT, {"length": 5, "plain": False}),
        ("text", Kind.TEXT, {"length": None, "plain": True}),
        ("int(10) unsigned", Kind.INTEGER, {"bits": 33}),
        ("bigint(20) unsigned", Kind.DECIMAL, {"scale": 0}),
        ("int identity", Kind.INTEGER, {"bits": 32}),
        ("smallint", Kind.INTEGER, {"bits": 16}),
        ("tinyint(1)", Kind.BOOLEAN, {}),
        ("tinyint(4)", Kind.INTEGER, {"bits": 8}),
        ("numeric(18,4)", Kind.DECIMAL, {"scale": 4}),
        ("numeric(18)", Kind.DECIMAL, {"scale": 0}),
        ("numeric", Kind.DECIMAL, {"scale": None}),
        ("double precision", Kind.DECIMAL, {"approximate": True}),
        ("timestamp(6) without time zone", Kind.TEXT, {"moment": Moment.WITHOUT_ZONE}),
        ("timestamp with time zone", Kind.TEXT, {"moment": Moment.NONE}),
        ("date", Kind.TEXT, {"moment": Moment.DATE}),
        ("bytea", Kind.BINARY, {}),
        ("uuid", Kind.TEXT, {"plain": False}),
        ("character varying(8)[]", Kind.TEXT, {"plain": False}),
        ("enum('a','b')", Kind.TEXT, {"plain": False}),
    ],
)
def test_a_declared_type_says_what_a_column_is_made_for(declared, kind, expected):
    found = typed(declared)
    assert found.kind is kind
    assert {name: getattr(found, name) for name in expected} == expected


TABLE = Table(
    "People",
    '"People"',
    "",
    "",
    (Column("Login"), Column("Name"), Column("Mail")),
    indexes=(("people_login", frozenset({"Login"})), ("people_both", frozenset({"Name", "Mail"}))),
)


@pytest.mark.parametrize(
    ("driver", "state", "message", "kind", "column"),
    [
        (POSTGRESQL, "23505", 'ERROR: unique constraint "people_login"\nDETAIL: (31415);', FailureKind.UNIQUE, "Login"),
        (POSTGRESQL, "23505", 'ERROR: unique constraint "people_both"', FailureKind.UNIQUE, ""),
        (POSTGRESQL, "23505", "FEHLER: doppelter Schlüsselwert verletzt Unique-Constraint »people_login«",
         FailureKind.UNIQUE, "Login"),
        (POSTGRESQL, "23502", "FEHLER: NULL-Wert in Spalte »Login« von Relation »People« verletzt Not-Null-Constraint",
         FailureKind.NOT_NULL, "Login"),
        (POSTGRESQL, "23502", "ERREUR: valeur NULL dans la colonne « Login » de la relation « People »",
         FailureKind.NOT_NULL, "Login"),
        (POSTGRESQL, "23502", 'ERROR: "31415" of "31415"', FailureKind.NOT_NULL, ""),
        (POSTGRESQL, "25006", "ERROR: cannot execute INSERT in a read-only transaction", FailureKind.READ_ONLY, ""),
        (MARIADB, "HY000", "[ma]The MariaDB server is running with the --read-only option (1290) (SQLExecDirectW)",
         FailureKind.READ_ONLY, ""),
        (MARIADB, "08S01", "[ma]WSREP has not yet prepared node for application use (1047) (SQLExecDirectW)",
         FailureKind.UNAVAILABLE, ""),
        (POSTGRESQL, "40P01", "ERROR: deadlock detected", FailureKind.BUSY, ""),
        (POSTGRESQL, "53300", "FATAL: too many connections", FailureKind.UNAVAILABLE, ""),
        (POSTGRESQL, "08001", 'FATAL: password authentication failed for user "31415"', FailureKind.CREDENTIALS, ""),
        (MARIADB, "23000", "[ma][10]Duplicate entry '31415' for key 'people_login' (1062) (SQLExecDirectW)",
         FailureKind.UNIQUE, "Login"),
        (MYSQL, "23000", "[m]Duplicate entry 'x' for key 'P.people_login' (1062)", FailureKind.UNIQUE, "Login"),
        (MARIADB, "23000", "[ma]Duplicate entry '' for key 'Name'' for key 'people_login' (1062) (SQLExecDirectW)",
         FailureKind.UNIQUE, "Login"),
        (MARIADB, "HY000", "[ma]Field 'Name' doesn't have a default value (1364) (SQLExecDirectW)",
         FailureKind.NOT_NULL, "Name"),
        (MARIADB, "HY000", "[ma]Can't connect to server on '31415' (115) (2002) (SQLDriverConnect)",
         FailureKind.UNAVAILABLE, ""),
        (POSTGRESQL, "42501", "ERROR: permission denied to create extension", FailureKind.PERMISSION, ""),
        (MARIADB, "40001", "[ma]Deadlock found (1213) (SQLExecDirectW)", FailureKind.BUSY, ""),
        (SQL_SERVER, "23000", "[Microsoft][SQL Server]Violation of 31415 (2627) (SQLExecDirectW)",
         FailureKind.UNIQUE, ""),
        (SQL_SERVER, "42000", "[Microsoft][SQL Server]Login failed (18456) (SQLDriverConnect)",
         FailureKind.CREDENTIALS, ""),
        (UNKNOWN, "08S01", "[x]link failure 31415 (0) (SQLExecDirectW)", FailureKind.UNAVAILABLE, ""),
        (UNKNOWN, "22001", "[x]31415 too long (0) (SQLExecDirectW)", FailureKind.INVALID_VALUE, ""),
        (UNKNOWN, "23000", "[x]31415 (0) (SQLExecDirectW)", FailureKind.CONSTRAINT, ""),
        (UNKNOWN, "HYT00", "[x]timeout (0) (SQLExecDirectW)", FailureKind.TIMEOUT, ""),
        (UNKNOWN, "XYZ12", "[x]31415 (0) (SQLExecDirectW)", FailureKind.OTHER, ""),
    ],
)  # fmt: skip
def test_an_error_is_understood_by_database_state_number_and_words_and_repeats_no_value(
    driver, state, message, kind, column
):
    failure = failure_of(Exception(state, f"[{state}] {message}"), driver, TABLE)
    assert (failure.kind, failure.column) == (kind, column)
    assert "31415" not in failure.detail


def test_an_exception_without_a_state_is_a_failure_too():
    assert failure_of(Exception(), UNKNOWN).kind is FailureKind.OTHER
    assert "canary" not in failure_of(Exception("No results. Canary"), UNKNOWN).detail.lower()
