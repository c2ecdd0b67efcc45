"""What the data source, the account and the server's own settings may say, and what must hold all the same."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ecmahost_sql
import pytest

from ecmahost_core import (
    AccessDenied,
    BadServerCredentials,
    ConnectorError,
    MAExportError,
    ObjectTypeNotSupported,
    Secret,
    ServerDown,
    SessionPurpose,
    Severity,
)

mariadb_only = pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
postgresql_only = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)

PEOPLE = "CREATE TABLE People(Id INTEGER PRIMARY KEY, Login TEXT UNIQUE, Note TEXT);"
PASSWORD = "p;w}d {x=1"


def say(target, keywords: str) -> None:
    """Adds keywords to the connection string, behind the others."""
    text = f"{target.server.connection_string(target.database)};{keywords}"
    target.parameters = {**target.parameters, "connection_string": Secret(lambda: text)}


def log_in(target, user: str = "hr", password: str = PASSWORD) -> None:
    text = target.server.connection_string(target.database, login="UID=other;PWD=other")
    target.parameters = {
        **target.parameters,
        "connection_string": Secret(lambda: text),
        "user": user,
        "password": Secret(lambda: password),
    }
    target._sessions.clear()


@pytest.mark.servers
def test_user_and_password_go_before_those_of_a_connection_string_and_of_a_dsn_file(make_target, tmp_path):
    target = make_target(PEOPLE)
    if target.kind == "mariadb":
        target.sql(f"GRANT SELECT ON {target.database}.* TO hr@'127.0.0.1'")
    log_in(target)
    assert ecmahost_sql.session_alive(target.open())
    file = tmp_path / "hr.dsn"
    text = target.server.connection_string(target.database, login="UID=other;PWD=other")
    file.write_text("[ODBC]\n" + text.replace(";", "\n"))
    login = {"user": "hr", "password": Secret(lambda: PASSWORD)}
    with ecmahost_sql.open_session({"dsn_file": str(file), **login}, SessionPurpose.READ) as session:
        assert ecmahost_sql.session_alive(session)


@pytest.mark.servers
@pytest.mark.parametrize("password", ["100%41x", "a+b", "%", "ü€\"'", "{abc}", "}", "a\\b", "x=y;UID=postgres"])
def test_every_password_is_itself(make_target, password):
    target = make_target(PEOPLE)
    quoted = password.replace("'", "''")
    if target.kind == "postgresql":
        target.raw("DROP ROLE IF EXISTS somebody")
        target.raw(f"CREATE ROLE somebody LOGIN PASSWORD '{quoted}'")
        file = target.server.directory / "data" / "pg_hba.conf"
        if "somebody" not in (rules := file.read_text()):
            file.write_text("host all somebody 127.0.0.1/32 scram-sha-256\n" + rules)
            target.raw("SELECT pg_reload_conf()")
    else:
        escaped = quoted.replace("\\", "\\\\")
        target.raw(f"CREATE OR REPLACE USER somebody@'127.0.0.1' IDENTIFIED BY '{escaped}'")
        target.raw(f"GRANT ALL ON {target.database}.* TO somebody@'127.0.0.1'")
    log_in(target, "somebody", password)
    assert ecmahost_sql.session_alive(target.open())


SPOILERS = {
    "postgresql": ["LFConversion=1", "LowerCaseIdentifier=1", "UseDeclareFetch=1;Fetch=1",
                   "BoolsAsChar=1;TrueIsMinus1=1", "MaxVarcharSize=3;MaxLongVarcharSize=5",
                   "Protocol=7.4-2;UseServerSidePrepare=0"],
    "mariadb": ["AUTO_RECONNECT=1", "CHARSET=latin1", "OPTION=67108864"],
}  # fmt: skip


@pytest.mark.servers
def test_no_keyword_of_a_data_source_changes_values(make_target, changes):
    target = make_target("CREATE TABLE People(Id INTEGER PRIMARY KEY, Note varchar(200), Active BOOLEAN)")
    text = "a\r\nb\nc 😀'\\" + "z" * 100
    for number, keywords in enumerate(SPOILERS[target.kind], 1):
        say(target, keywords)
        target._sessions.clear()
        added = target.done("People", changes.add("People", Id=number, Note=text, Active=True))
        assert added.attributes == {"Id": (number,), "Note": (text,), "Active": (True,)}, keywords
        assert len(target.entries("People", 1)) == number


@pytest.mark.parametrize("mode", ["EMPTY_STRING_IS_NULL", "PAD_CHAR_TO_FULL_LENGTH", "ANSI_QUOTES", "ORACLE", ""])
@mariadb_only
def test_no_sql_mode_of_the_server_changes_values(make_target, changes, mode):
    target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY, Padded char(9), Short varchar(50))")
    target.raw(f"SET GLOBAL sql_mode = '{mode}'")
    try:
        for value in ("", "a\\'b\"`"):
            result = target.done("P", changes.add("P", Padded=value, Short=value))
            assert (result.attributes["Padded"], result.attributes["Short"]) == ((value,), (value,))
        assert target.done("P", changes.add("P", Id=0)).anchor == (0,)
        error = target.refused("P", changes.add("P", Padded="x" * 10))
        assert error.code is MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE
    finally:
        target.raw("SET GLOBAL sql_mode = DEFAULT")


@pytest.mark.servers
def test_a_server_that_became_read_only_is_down_and_its_connections_are_not_used_again(make_target, changes):
    target = make_target(PEOPLE)
    if target.kind == "mariadb":
        target.sql(f"GRANT ALL ON {target.database}.* TO hr@'127.0.0.1'")
        log_in(target)
        target.session()
        target.raw("SET GLOBAL read_only = 1")
    else:
        target.raw(f"ALTER DATABASE {target.database} SET default_transaction_read_only = on")
    try:
        with pytest.raises(ServerDown, match="read-only") as caught:
            target.one("People", changes.add("People", Login="a"))
        assert caught.value.nothing_sent
        assert not ecmahost_sql.session_alive(target.session())
    finally:
        if target.kind == "mariadb":
            target.raw("SET GLOBAL read_only = 0")


POOLED = """
import sys, ecmahost_sql
from ecmahost_core import Secret, SessionPurpose
parameters = {"connection_string": Secret(lambda: sys.argv[1])}
for purpose in (SessionPurpose.READ, SessionPurpose.EXPORT):
    with ecmahost_sql.open_session(parameters, purpose) as session:
        database = session.database
        print(*database.query("SELECT " + sys.argv[2])[0])
        if purpose is SessionPurpose.EXPORT:
            database.execute(f"DELETE FROM {database.quote('People')}")
"""


@pytest.mark.servers
def test_a_used_connection_of_the_driver_managers_pool_can_write_again(make_target, tmp_path):
    target = make_target(PEOPLE)
    drivers = Path("/etc/odbcinst.ini").read_text()
    kept = drivers.replace("Driver=", "CPTimeout=100\nDriver=")
    (tmp_path / "odbcinst.ini").write_text(f"[ODBC]\nPooling=Yes\n\n{kept}")
    number = {"postgresql": "pg_backend_pid()", "mariadb": "connection_id()"}[target.kind]
    done = subprocess.run(
        [sys.executable, "-c", POOLED, target.server.connection_string(target.database), number],
        env={**os.environ, "ODBCSYSINI": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split()
    assert first == second, "this is no pool"


@pytest.mark.servers
def test_what_an_account_may_not_touch_is_named(make_target):
    target = make_target(PEOPLE)
    if target.kind == "postgresql":
        target.sql("GRANT SELECT (Id, Login) ON People TO hr")
    else:
        target.sql("GRANT SELECT (Id, Login) ON People TO hr@'127.0.0.1'")
    people = target.type("People")
    log_in(target)
    # MariaDB does not even show columns that an account may not read.
    expected = {"postgresql": (AccessDenied, "People"), "mariadb": (ObjectTypeNotSupported, "Note")}[target.kind]
    with pytest.raises(expected[0], match=expected[1]):
        target.entries(people)
    assert target.entries(target.type("People", only=("Login",))) == []


@pytest.mark.parametrize("change", ["PASSWORD EXPIRE", "ACCOUNT LOCK", "REQUIRE SSL"])
@mariadb_only
def test_an_account_that_may_not_log_in_any_more_is_bad_credentials(make_target, change):
    target = make_target(PEOPLE)
    target.raw("CREATE OR REPLACE USER late@'127.0.0.1' IDENTIFIED BY 'late'")
    target.raw(f"GRANT ALL ON {target.database}.* TO late@'127.0.0.1'")
    target.raw(f"ALTER USER late@'127.0.0.1' {change}")
    log_in(target, "late", "late")
    with pytest.raises(BadServerCredentials):
        target.type("People")


@pytest.mark.servers
def test_tls_that_is_not_possible_is_told(make_target):
    target = make_target(PEOPLE)
    say(target, {"postgresql": "SSLmode=require", "mariadb": "FORCETLS=1;SSLVERIFY=1"}[target.kind])
    with pytest.raises(ServerDown, match="no TLS connection"):
        target.open()


@postgresql_only
def test_a_data_source_that_says_read_only_is_told(make_target):
    target = make_target(PEOPLE)
    say(target, "ReadOnly=1")
    with pytest.raises(ServerDown, match=r"a setting of .* the data source"):
        target.open()


@mariadb_only
def test_a_connection_that_is_in_no_database_is_told(make_target):
    target = make_target(PEOPLE)
    text = target.server.connection_string("").replace("DATABASE=;", "")
    target.parameters = {**target.parameters, "connection_string": Secret(lambda: text)}
    with pytest.raises(ConnectorError, match="in no database"):
        target.type("People")


@mariadb_only
def test_a_server_that_hangs_holds_nobody_for_ever(make_target):
    """The kernel of such a machine still answers, so only the driver's own clock helps. psqlODBC has none."""
    target = make_target(PEOPLE, timeout="1")
    session = target.open()
    os.kill(target.server.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(ServerDown):
            target.open()
        assert not ecmahost_sql.session_alive(session)
        assert time.monotonic() - began < 20
    finally:
        os.kill(target.server.process.pid, signal.SIGCONT)


@postgresql_only
def test_a_server_whose_machine_is_gone_holds_nobody_for_long(make_target):
    target = make_target(PEOPLE)
    sockets = Path(f"/proc/{os.getpid()}/net/tcp")

    def connections() -> dict[str, str]:
        """The timer of each connection to the server, by its own end."""
        lines = [line.split() for line in sockets.read_text().splitlines()]
        return {line[1]: line[5] for line in lines if line[2] == f"0100007F:{target.server.port:04X}"}

    before = connections()
    target.open()
    (timer,) = (timer for end, timer in connections().items() if end not in before)
    # Timer 2 is keepalive; what follows is when it ends, in hundredths of a second.
    assert timer.startswith("02:")
    assert int(timer.partition(":")[2], 16) <= 1500


# Columns that cannot be compared, or shown ----------------------------------------------------------------------------


@mariadb_only
def test_a_column_without_a_text_is_left_out_and_the_table_works(make_target, changes):
    target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY, Login varchar(9), Place point, Area polygon)")
    assert [one.name for one in target.type("P").attributes] == ["Id", "Login"]
    added = target.done("P", changes.add("P", Login="a"))
    assert [entry.attributes for entry in target.entries("P")] == [added.attributes]


@postgresql_only
def test_a_column_that_cannot_be_compared_is_read_and_written_and_check_says_it_cannot_match(make_target, changes):
    target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY, Doc json, Place point, Tree xml)")
    values = {"Doc": '{"a": 1}', "Place": "(1,2)", "Tree": "<a/>"}
    assert target.done("P", changes.add("P", **values)).attributes == {"Id": (1,)} | {
        name: (value,) for name, value in values.items()
    }
    found = target.check(target.type("P"), query_attributes=tuple(values))
    assert [(one.subject, one.severity) for one in found] == [(f"P.{name}", Severity.ERROR) for name in values]
    found = target.check(target.type("P", "Doc"))
    assert "Choose another anchor." in [one.remedy for one in found]


@postgresql_only
def test_a_row_whose_text_is_no_text_is_not_taken_for_missing(make_target, changes):
    target = make_target(PEOPLE)
    encoding = "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
    target.raw(f"CREATE DATABASE {target.database}_ascii TEMPLATE template0 {encoding}")
    target.database += "_ascii"
    target.sql(PEOPLE + "INSERT INTO People(Login) VALUES ('a'), (convert_from('\\xe9'::bytea, 'SQL_ASCII'))")
    say(target, "")
    people = target.type("People")
    error = target.one(people, changes.update("People", 2, Note="n")).error
    assert error.code is MAExportError.CONNECTED_DIRECTORY_ERROR
    assert target.done(people, changes.update("People", 1, Note="n")).attributes["Note"] == ("n",)
    with pytest.raises(ConnectorError, match="correct the rows"):
        target.entries(people)


@mariadb_only
def test_a_text_that_the_columns_character_set_does_not_know_matches_nobody_and_is_refused(make_target, changes):
    target = make_target("CREATE TABLE P(Login varchar(20) CHARACTER SET latin1 PRIMARY KEY, N INT)")
    target.done("P", changes.add("P", Login="zoë"))
    assert len(target.find("P", Login="zoë")) == 1
    for text in ("жук", "😀"):
        assert target.find("P", Login=text) == ()
        error = target.refused("P", changes.add("P", Login=text))
        assert error.code is MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE
        assert target.one("P", changes.delete("P", text)).error.code is MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT
