"""What holds for database servers and not for a file: logins, locks, lost connections, and the types of their own."""

import contextlib
import re
import sys
import threading
import tracemalloc
from collections import Counter
from datetime import UTC, datetime

import ecmahost_sql
import pytest
from ecmahost_sql.errors import DatabaseFailure, FailureKind

from ecmahost_core import (
    AttributeType,
    BadServerCredentials,
    ConnectorError,
    DeadlineExceeded,
    MAExportError,
    Secret,
    ServerDown,
    SessionPurpose,
    Severity,
)

pytestmark = pytest.mark.servers

PEOPLE = "CREATE TABLE People(Id INTEGER PRIMARY KEY, Login TEXT UNIQUE, Note TEXT);"
PASSWORD = "p;w}d {x=1"
CANARY = "canary-31415"


def opened(text: str, **more):
    parameters = {"connection_string": Secret(lambda: text), "command_timeout": "5", **more}
    return ecmahost_sql.open_session(parameters, SessionPurpose.READ)


def kill(target, database) -> None:
    """Ends the connector's connection in the server, as a restart of it or a firewall does."""
    if target.kind == "postgresql":
        ((number,),) = database.query("SELECT pg_backend_pid()")
        target.sql(f"SELECT pg_terminate_backend({number}, 5000)")
    else:
        ((number,),) = database.query("SELECT connection_id()")
        target.sql(f"KILL {number}")
        while target.sql(f"SELECT 1 FROM information_schema.processlist WHERE id = {number}"):
            pass


# Logging in -----------------------------------------------------------------------------------------------------------


def grant(target) -> None:
    if target.kind == "postgresql":
        target.sql("GRANT ALL ON People TO hr; GRANT USAGE ON SCHEMA public TO hr")
    else:
        target.sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {target.database}.* TO hr@'127.0.0.1'")


def test_a_user_and_a_password_with_every_special_character_are_used_with_each_way_to_name_a_database(
    make_target, tmp_path, monkeypatch
):
    target = make_target(PEOPLE)
    grant(target)
    login = {"user": "hr", "password": Secret(lambda: PASSWORD)}
    text = target.server.connection_string(target.database, login="Nothing=x")
    with opened(text, **login) as session:
        assert ecmahost_sql.session_alive(session)
    keywords = text.replace(";", "\n")
    file = tmp_path / "hr.dsn"
    file.write_text(f"[ODBC]\n{keywords}\n")
    with ecmahost_sql.open_session({"dsn_file": str(file), **login}, SessionPurpose.READ) as session:
        assert ecmahost_sql.session_alive(session)
    (tmp_path / "odbc.ini").write_text(
        "[hr data]\n" + re.sub("[{}]", "", keywords).replace("SERVER=", "Servername=127.0.0.1\nSERVER=") + "\n"
    )
    monkeypatch.setenv("ODBCINI", str(tmp_path / "odbc.ini"))
    with ecmahost_sql.open_session({"dsn": "hr data", **login}, SessionPurpose.READ) as session:
        assert ecmahost_sql.session_alive(session)
    with (
        pytest.raises(BadServerCredentials),
        ecmahost_sql.open_session(
            {"dsn": "hr data", "user": "hr", "password": Secret(lambda: "no")}, SessionPurpose.READ
        ),
    ):
        pass


@pytest.mark.parametrize("user", ["hr", "nobody"])
def test_a_refused_login_is_bad_credentials_and_repeats_neither_user_nor_password(make_target, user):
    target = make_target(PEOPLE)
    text = target.server.connection_string(target.database, login=f"UID={user};PWD={CANARY}")
    with pytest.raises(BadServerCredentials) as caught, opened(text):
        pass
    assert caught.value.nothing_sent
    assert CANARY not in str(caught.value)
    assert user not in str(caught.value).split()
    assert caught.value.__context__ is None or CANARY not in repr(caught.value.__context__)


def test_a_server_that_is_not_there_and_an_unknown_database_are_server_down(make_target):
    target = make_target(PEOPLE)
    text = target.server.connection_string(target.database)
    refused = "nothing listens" if target.kind == "postgresql" else "cannot be reached"
    for wrong, words in (
        (text.replace(f"PORT={target.server.port}", "PORT=9"), refused),
        (text.replace("127.0.0.1", "nowhere.invalid"), "DNS"),
        (text.replace(target.database, "nothing"), "no database of the name"),
    ):
        with pytest.raises(ServerDown, match=words) as caught, opened(wrong):
            pass
        assert not re.search("127.0.0.1|nowhere|nothing$", str(caught.value))


def limited(target, rights: str) -> None:
    """Lets the connector be an account that has these rights only."""
    if target.kind == "postgresql":
        target.sql(f"GRANT {rights} ON People TO hr")
    else:
        target.sql(f"GRANT {rights} ON {target.database}.People TO hr@'127.0.0.1'")
    text = target.server.connection_string(target.database, login="Nothing=x")
    target.parameters |= {"connection_string": Secret(lambda: text), "user": "hr", "password": Secret(lambda: PASSWORD)}


def test_an_account_without_a_right_is_a_permission_issue_that_names_the_table(make_target, changes):
    target = make_target(PEOPLE)
    limited(target, "SELECT")
    error = target.one("People", changes.add("People", Login="a")).error
    assert error.code is MAExportError.PERMISSION_ISSUE
    assert "people" in error.detail.lower()
    assert "hr" not in re.findall("[a-z]+", error.detail)


def test_check_tells_each_right_that_the_account_lacks_and_runs_nothing(make_target):
    target = make_target(PEOPLE + "INSERT INTO People VALUES (1, 'a', 'n');")
    limited(target, "SELECT")
    findings = target.check(target.type("People"))
    assert [(found.severity, found.message.partition("right ")[2][:6]) for found in findings] == [
        (Severity.ERROR, "INSERT"),
        (Severity.ERROR, "UPDATE"),
        (Severity.WARNING, "DELETE"),
    ]
    assert target.sql("SELECT Login, Note FROM People") == [("a", "n")]


def test_rights_on_the_columns_that_are_written_are_enough_for_check(make_target):
    target = make_target(PEOPLE)
    limited(target, "SELECT, INSERT (Id, Login), UPDATE (Login), DELETE")
    assert target.check(target.type("People", only=("Login",))) == ()
    if target.kind == "postgresql":  # MariaDB looks at the rights on columns only when it may write
        assert len(target.check(target.type("People"))) == 2


@pytest.mark.parametrize("purpose", [SessionPurpose.SCHEMA, SessionPurpose.IMPORT, SessionPurpose.READ])
def test_only_an_export_session_can_write(make_target, purpose):
    target = make_target(PEOPLE)
    database = target.open(purpose).database
    with pytest.raises(DatabaseFailure) as caught:
        database.execute(f"DELETE FROM {database.quote('People')}")
    assert caught.value.kind is FailureKind.READ_ONLY


# Connections that are lost --------------------------------------------------------------------------------------------


def test_a_connection_that_was_lost_while_idle_is_not_alive(make_target):
    target = make_target(PEOPLE)
    session = target.open()
    assert ecmahost_sql.session_alive(session)
    kill(target, session.database)
    assert not ecmahost_sql.session_alive(session)
    assert not ecmahost_sql.session_alive(session)


def test_a_connection_that_was_lost_before_the_change_has_sent_nothing(make_target, changes):
    target = make_target(PEOPLE)
    people = target.type("People")
    kill(target, target.session().database)
    with pytest.raises(ServerDown) as caught:
        target.one(people, changes.add("People", Login="a"))
    assert caught.value.nothing_sent
    assert target.sql("SELECT count(*) FROM People") == [(0,)]


def test_a_connection_that_is_lost_in_the_middle_of_a_change_has_changed_nothing(make_target, changes, monkeypatch):
    target = make_target(PEOPLE)
    people = target.type("People")
    database = target.session().database
    insert = database.insert

    def insert_and_lose(*arguments):
        place = insert(*arguments)
        kill(target, database)
        return place

    monkeypatch.setattr(database, "insert", insert_and_lose)
    with pytest.raises(ServerDown) as caught:
        target.one(people, changes.add("People", Login="a"))
    assert caught.value.nothing_sent
    assert target.sql("SELECT count(*) FROM People") == [(0,)]


def test_a_commit_whose_answer_is_lost_leaves_the_outcome_open(make_target, changes, monkeypatch):
    target = make_target(PEOPLE)
    people = target.type("People")
    database = target.session().database
    commit = database.commit

    def lose_and_commit():
        kill(target, database)
        commit()

    monkeypatch.setattr(database, "commit", lose_and_commit)
    with pytest.raises(ServerDown) as caught:
        target.one(people, changes.add("People", Login="a"))
    assert not caught.value.nothing_sent


def test_a_connection_that_is_lost_after_a_commit_reports_that_change_and_refuses_the_others(
    make_target, changes, monkeypatch
):
    target = make_target(PEOPLE)
    people = target.type("People")
    database = target.session().database
    begin, begun = database.begin, []

    def lose_the_second():
        begun.append(1)
        if len(begun) == 2:
            kill(target, database)
        begin()

    monkeypatch.setattr(database, "begin", lose_the_second)
    first, second, third = (
        changes.add("People", "1", Login="a"),
        changes.add("People", "2", Login="b"),
        changes.add("People", "3", Login="c"),
    )
    with contextlib.suppress(ServerDown):
        results = target.export(people, first, second, third)
        assert [result.error is None for result in results] == [True, False, False]
    assert target.sql("SELECT Login FROM People") == [("a",)]


def test_an_import_whose_connection_is_lost_does_not_end_normally(make_target):
    target = make_target(PEOPLE + "INSERT INTO People(Login) VALUES ('a'), ('b'), ('c');")
    session = target.session(SessionPurpose.IMPORT)
    pages = target.pages("People", 1)
    next(pages)
    kill(target, session.database)
    with pytest.raises(ServerDown):
        list(pages)


# Locks and time -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def another_program(target, statement: str):
    with contextlib.closing(target.server.connect(target.database)) as connection:
        connection.autocommit = False
        connection.execute(target.spoken(statement))
        yield connection
        connection.rollback()


def test_a_row_that_another_program_has_locked_is_asked_for_a_retry_and_the_others_of_the_call_do_not_wait(
    make_target, changes
):
    target = make_target(PEOPLE + "INSERT INTO People(Login) VALUES ('a'), ('b');", timeout="1")
    people = target.type("People")
    target.session()
    with another_program(target, "UPDATE People SET Note = 'x'"):
        began = datetime.now(UTC)
        results = target.export(
            people, *(changes.update("People", 1 + n % 2, identifier=str(n), Note="y") for n in range(5))
        )
        waited = (datetime.now(UTC) - began).total_seconds()
    assert {result.error.code for result in results} == {MAExportError.LOCKING_ERROR_NEEDS_RETRY}
    assert 0.9 < waited < 3.0
    target.done(people, changes.update("People", 1, Note="y"))


def test_of_two_changes_that_block_each_other_one_is_asked_for_a_retry_and_the_other_goes_on(make_target):
    target = make_target(PEOPLE + "INSERT INTO People(Login) VALUES ('a'), ('b');")
    databases = [target.open().database, target.open().database]
    logins = ["a", "b"]
    barrier = threading.Barrier(2)
    outcomes: list[FailureKind | None] = []

    def change(place: int) -> None:
        database = databases[place]
        try:
            database.begin()
            for login in (logins[place], logins[1 - place]):
                database.execute(target.spoken(f"UPDATE People SET Note = '{place}' WHERE Login = '{login}'"))
                if login == logins[place]:
                    barrier.wait(10)
            database.commit()
            outcomes.append(None)
        except DatabaseFailure as failure:
            database.rollback()
            outcomes.append(failure.kind)

    threads = [threading.Thread(target=change, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes, key=str) == [None, FailureKind.BUSY]
    assert len(set(target.sql("SELECT Note FROM People"))) == 1


def test_a_statement_that_takes_too_long_is_stopped(make_target):
    target = make_target(PEOPLE, timeout="1")
    slow = {"postgresql": "SELECT 1 AS N FROM pg_sleep(30)", "mariadb": "SELECT 1 AS N, sleep(30) AS S"}[target.kind]
    target.sql(f"CREATE VIEW Slow AS {slow}")
    with pytest.raises(DeadlineExceeded, match="command_timeout"):
        target.find(target.type("Slow", "N"), N=1)


# Values ---------------------------------------------------------------------------------------------------------------

TYPES = {
    "postgresql": """
        CREATE TYPE mood AS ENUM ('sad', 'ok');
        CREATE TABLE Things(Id INTEGER PRIMARY KEY, Tiny smallint, Big bigint, Exact numeric(20, 4), Loose numeric,
            Approx double precision, Flag boolean, Day date, Moment timestamp, Zoned timestamptz, Guid uuid,
            Padded char(6), Short varchar(5), Long text, Raw bytea, Mood mood, Words text[], Json jsonb, Clock time)
    """,
    "mariadb": """
        CREATE TABLE Things(Id INTEGER PRIMARY KEY, Tiny smallint, Big bigint, Exact decimal(20, 4),
            Approx double, Flag boolean, Day date, Moment datetime(6), Zoned timestamp(6) NULL, Guid uuid,
            Padded char(6), Short varchar(5), Long longtext, Raw varbinary(300), Mood enum('sad', 'ok'), Clock time,
            Unsigned bigint unsigned, One bit(1))
    """,
}
LONG = "é😀\r\n'\"\\?%s{}" * 3000
VALUES = [
    ("Tiny", -32768, -32768),
    ("Big", 2**63 - 1, 2**63 - 1),
    ("Big", -(2**63), -(2**63)),
    ("Exact", "1234567890123456.7891", "1234567890123456.7891"),
    ("Exact", "-0.5", "-0.5000"),
    ("Approx", "0.1", "0.1"),
    ("Flag", True, True),
    ("Flag", "False", False),
    ("Day", "2024-02-29", "2024-02-29"),
    ("Moment", "2024-02-29 10:30:00.123456", "2024-02-29 10:30:00.123456"),
    ("Moment", "2024-02-29T12:30:00+02:00", "2024-02-29 10:30:00"),
    ("Guid", "6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
    ("Padded", "ab", "ab"),
    ("Padded", " a", " a"),
    ("Short", "12345", "12345"),
    ("Short", "😀é' \\", "😀é' \\"),
    ("Short", "", ""),
    ("Long", LONG, LONG),
    ("Long", "'; DROP TABLE Things; --", "'; DROP TABLE Things; --"),
    ("Raw", b"", b""),
    ("Raw", bytes(range(256)), bytes(range(256))),
    ("Mood", "ok", "ok"),
    ("Clock", "10:30:00", "10:30:00"),
]
ONLY = {
    "postgresql": [
        ("Loose", "12345678901234567890.123456789", "12345678901234567890.123456789"),
        ("Words", "{a,b}", "{a,b}"),
        ("Json", '{"a": 1}', '{"a": 1}'),
        ("Moment", "infinity", "infinity"),
    ],
    "mariadb": [("Unsigned", str(2**64 - 1), str(2**64 - 1)), ("One", True, True)],
}


def test_every_value_comes_back_as_it_is_stored_and_finds_its_row(make_target, changes):
    target = make_target(TYPES["mariadb"] if make_target.kind == "mariadb" else TYPES["postgresql"])
    things = target.type("Things")
    for column, value, stored in VALUES + ONLY[target.kind]:
        whole = target.kind == "mariadb" and column == "Moment" and "." not in stored
        expected = f"{stored}.000000" if whole else stored
        result = target.done(things, changes.add("Things", **{column: value}))
        assert result.attributes[column] == (expected,), column
        assert type(result.attributes[column][0]) is type(expected)
        found = target.find(things, Id=result.anchor[0], **{column: value})
        assert [entry.attributes for entry in found] == [result.attributes], column
    imported = {entry.anchor: entry for entry in target.entries(things, 3)}
    assert all(entry.failure is None for entry in imported.values())
    assert imported[result.anchor].attributes == result.attributes


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Tiny", 40000),
        ("Exact", "1.23456"),
        ("Exact", "ten"),
        ("Day", "2024-02-30"),
        ("Day", "2024-02-29T10:00:00Z"),
        ("Moment", "soon"),
        ("Guid", CANARY),
        ("Short", CANARY),
        ("Padded", CANARY),
        ("Mood", CANARY),
        ("Flag", "perhaps"),
        ("Exact", "9" * 17),
    ],
)
def test_a_value_that_the_column_would_not_keep_is_refused_and_never_repeated(make_target, changes, column, value):
    target = make_target(TYPES["mariadb"] if make_target.kind == "mariadb" else TYPES["postgresql"])
    error = target.refused("Things", changes.add("Things", **{column: value}))
    assert error.code is MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE
    assert CANARY not in error.detail
    assert target.find("Things", **{column: value}) == () or target.kind == "mariadb"


def test_a_date_time_of_the_configuration_is_the_same_moment_in_every_column(make_target, changes):
    target = make_target(TYPES["mariadb"] if make_target.kind == "mariadb" else TYPES["postgresql"])
    names = ("Moment", "Zoned")
    things = target.type("Things", types=dict.fromkeys((*names, "Day"), AttributeType.DATE_TIME))
    moment = datetime(2024, 2, 29, 10, 30, 0, 123456, tzinfo=UTC)
    midnight = datetime(2024, 3, 1, tzinfo=UTC)
    result = target.done(
        things, changes.add("Things", Moment=moment, Zoned="2024-02-29T12:30:00.123456+02:00", Day=midnight)
    )
    assert [result.attributes[name] for name in names] == [(moment,), (moment,)]
    assert result.attributes["Day"] == (midnight,)


@pytest.mark.parametrize("declared", ["char(6)", "date", "numeric(10, 2)", "smallint", "GUID", "STAMP", "varbinary(8)"])
def test_anchors_of_every_type_page_and_find_their_rows(make_target, changes, declared):
    kind = make_target.kind
    declared = {
        "GUID": "uuid",
        "STAMP": "timestamp(6)" if kind == "postgresql" else "datetime(6)",
        "varbinary(8)": "bytea" if kind == "postgresql" else "varbinary(8)",
    }.get(declared, declared)
    values = {
        "char(6)": ["a", " b", "c", "d e", "f"],
        "date": ["2024-01-01", "2023-12-31", "1999-05-05", "2024-01-02", "2030-10-10"],
        "numeric(10, 2)": ["-1.50", "10.00", "9.99", "0.00", "2.00"],
        "smallint": [-5, 10, 9, 0, 300],
        "uuid": [f"{n}f9619ff-8b86-d011-b42d-00c04fc964ff" for n in range(5)],
        "bytea": [b"\0", b"\xff", b"\0\0", b"a", b"b"],
    }
    values["varbinary(8)"] = values["bytea"]
    values["timestamp(6)"] = values["datetime(6)"] = [f"2024-01-01 00:00:00.00000{n}" for n in range(1, 6)]
    target = make_target(f"CREATE TABLE T(A {declared} PRIMARY KEY, N INT)")
    anchors = [target.done("T", changes.add("T", A=value, N=1)).anchor for value in values[declared]]
    for page_size in (1, 2, 100):
        found = [entry.anchor for entry in target.entries("T", page_size)]
        assert Counter(found) == Counter(anchors), page_size
    for anchor in anchors:
        assert target.done("T", changes.update("T", *anchor, N=2)).anchor == anchor
        assert target.done("T", changes.delete("T", *anchor)).anchor == anchor
    assert target.entries("T") == []


COLLATIONS = {
    "postgresql": ["", 'COLLATE "C"', 'COLLATE "und-x-icu"', "COLLATE nocase", "CHAR"],
    "mariadb": ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_nopad_bin", "latin1_swedish_ci", "CHAR"],
}
SPELLINGS = [
    "bob",
    "Bob",
    "bob ",
    "BOB  ",
    "böb",
    "b",
    "",
    " bob",
    "b-ob",
    "b_ob",
    "straße",
    "strasse",
    "Z",
    "a",
    "é",
    "e",
]


def _login_column(kind, number):
    collation = COLLATIONS[kind][number]
    if collation == "CHAR":
        return "Login char(12)"
    if kind == "mariadb":
        return f"Login varchar(12) CHARACTER SET {collation.partition('_')[0]} COLLATE {collation}"
    return f"Login varchar(12) {collation}"


@pytest.mark.parametrize("number", range(5))
def test_a_key_of_any_collation_is_read_whole_and_once(make_target, number):
    column = _login_column(make_target.kind, number)
    target = make_target(f"CREATE TABLE T({column}, N INT, PRIMARY KEY (Login))")
    ignore, end = ("", "ON CONFLICT DO NOTHING") if make_target.kind == "postgresql" else ("IGNORE", "")
    for place, spelling in enumerate(SPELLINGS):
        target.sql(f"INSERT {ignore} INTO T VALUES (?, ?) {end}", spelling, place)
    kept = sorted(row[0] for row in target.sql("SELECT N FROM T"))
    assert target.session(SessionPurpose.IMPORT).selection(target.type("T")).distinct
    for page_size in (1, 2, 3, 100):
        assert sorted(entry.attributes["N"][0] for entry in target.entries("T", page_size)) == kept


def test_rows_of_inheriting_tables_with_the_same_key_are_a_failure_together(postgresql, make_target):
    """Each of PostgreSQL's tables that inherit has a key of its own; MariaDB has no such tables."""
    if make_target.kind == "mariadb":
        target = make_target("CREATE TABLE P(Id INT, N INT)")
        target.sql("INSERT INTO P VALUES (1, 1), (2, 2), (2, 3), (4, 5)")
    else:
        target = make_target("CREATE TABLE P(Id INT PRIMARY KEY, N INT); CREATE TABLE C(PRIMARY KEY (Id)) INHERITS (P)")
        target.sql("INSERT INTO P VALUES (1, 1), (2, 2)")
        target.sql("INSERT INTO C VALUES (2, 3), (4, 5)")
    for page_size in (1, 2, 3, 100):
        one, two, four = target.entries(target.type("P", "Id"), page_size)
        assert [entry.attributes for entry in (one, four)] == [{"Id": (1,), "N": (1,)}, {"Id": (4,), "N": (5,)}]
        assert (two.anchor, two.attributes) == ((2,), {})
        assert "rows have the same anchor" in two.failure.detail


@pytest.mark.parametrize("number", range(5))
def test_no_collation_loses_or_repeats_a_row(make_target, number):
    collation = COLLATIONS[make_target.kind][number]
    target = make_target(f"CREATE TABLE T({_login_column(make_target.kind, number)}, N INT)")
    for place, spelling in enumerate(SPELLINGS):
        target.sql("INSERT INTO T VALUES (?, ?)", spelling, place)
    groups = target.sql("SELECT count(*), min(N) FROM T GROUP BY Login")
    single = sorted(row[1] for row in groups if row[0] == 1)
    for page_size in (1, 2, 3, 100):
        entries = target.entries(target.type("T", "Login"), page_size)
        read = sorted(entry.attributes["N"][0] for entry in entries if "N" in entry.attributes)
        assert read == single, (collation, page_size)
        assert len([entry for entry in entries if entry.failure]) >= len(groups) - len(single)


def test_composite_anchors_with_few_first_values_are_paged_completely(make_target):
    target = make_target("CREATE TABLE T(A INT, B INT, C INT, PRIMARY KEY (A, B, C))")
    rows = [(a, b, c) for a in range(2) for b in range(3) for c in range(4)]
    for row in rows:
        target.sql("INSERT INTO T VALUES (?, ?, ?)", *row)
    for page_size in (1, 2, 5, 100):
        assert [entry.anchor for entry in target.entries("T", page_size)] == rows


# Keys, rules and views ------------------------------------------------------------------------------------------------


def test_a_generated_guid_beside_the_key_comes_back(make_target, changes):
    made = {"postgresql": "uuid DEFAULT gen_random_uuid()", "mariadb": "uuid DEFAULT uuid()"}[make_target.kind]
    target = make_target(f"CREATE TABLE P(Login varchar(20) PRIMARY KEY, Guid {made} NOT NULL UNIQUE)")
    result = target.done("P", changes.add("P", Login="a"))
    assert result.attributes == target.entries("P")[0].attributes
    by_guid = target.type("P", "Guid")
    added = target.done(by_guid, changes.add("P", Login="b"))
    assert [entry.anchor for entry in target.find(by_guid, Login="b")] == [added.anchor]
    assert target.done(by_guid, changes.update("P", *added.anchor, Login="c")).anchor == added.anchor


def test_a_broken_rule_is_a_constraint_violation_that_names_the_rule_and_no_value(make_target, changes):
    target = make_target(
        "CREATE TABLE P(Id INTEGER PRIMARY KEY, Pay INT, Login TEXT, CONSTRAINT pay_is_positive CHECK (Pay > 0))"
    )
    error = target.refused("P", changes.add("P", Pay=-31415, Login=CANARY))
    assert error.code is MAExportError.CONSTRAINT_VIOLATION
    assert "pay_is_positive" in error.detail
    assert "31415" not in error.detail


def test_a_foreign_key_is_a_constraint_violation_that_names_no_value(make_target, changes):
    target = make_target("CREATE TABLE D(Id INT PRIMARY KEY); CREATE TABLE P(Id INT PRIMARY KEY, D INT, "
                         "FOREIGN KEY (D) REFERENCES D(Id))")  # fmt: skip
    error = target.refused("P", changes.add("P", Id=1, D=31415))
    assert (error.code, "foreign key" in error.detail) == (MAExportError.CONSTRAINT_VIOLATION, True)
    assert "31415" not in error.detail


def test_columns_that_are_unique_together_are_told_together_and_without_the_values(make_target, changes):
    target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY, A varchar(40), B varchar(40), UNIQUE (A, B))")
    tricky = f"{CANARY}' for key 'A"
    target.done("P", changes.add("P", A=tricky, B="b"))
    error = target.refused("P", changes.add("P", A=tricky, B="b"))
    assert (error.code, error.attribute) == (MAExportError.DUPLICATE_ANCHOR, "")
    assert error.detail == "another row already has this value in columns that must be unique (A, B)"


TRIGGERS = {
    "postgresql": """
        CREATE FUNCTION forbid() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN RAISE EXCEPTION ''badge 13 is reserved''; END';
        CREATE TRIGGER t BEFORE INSERT ON P FOR EACH ROW WHEN (NEW.N = 13) EXECUTE FUNCTION forbid()
    """,
    "mariadb": """
        CREATE TRIGGER t BEFORE INSERT ON P FOR EACH ROW
            IF new.N = 13 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'badge 13 is reserved'\\; END IF
    """,
}


def test_what_a_trigger_raises_is_told_in_its_own_words(make_target, changes):
    target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY, N INT)")
    target.sql(TRIGGERS[target.kind])
    error = target.refused("P", changes.add("P", N=13))
    assert error.code is MAExportError.CONSTRAINT_VIOLATION
    assert error.detail == "the database forbids it: badge 13 is reserved"


def test_a_view_that_the_database_can_write_is_written_and_one_that_it_cannot_is_read_only(make_target, changes):
    target = make_target(
        "CREATE TABLE P(Id INTEGER PRIMARY KEY, Login TEXT, Active BOOLEAN);"
        "CREATE VIEW Current AS SELECT Id, Login FROM P;"
        "CREATE VIEW Counted AS SELECT Login, count(*) AS Number FROM P GROUP BY Login"
    )
    current = target.type("Current", "Id")
    result = target.done(current, changes.add("Current", Id=1, Login="a"))
    assert result.anchor == (1,)
    assert target.done(current, changes.update("Current", 1, Login="b")).attributes["Login"] == ("b",)
    target.done(current, changes.delete("Current", 1))
    error = target.refused(target.type("Counted", "Login"), changes.add("Counted", Login="b"))
    assert error.code is MAExportError.PERMISSION_ISSUE


def test_a_table_that_changes_meanwhile_is_a_schema_violation_and_read_anew(make_target, changes):
    target = make_target(PEOPLE)
    people = target.type("People")
    target.done(people, changes.add("People", Login="a", Note="n"))
    target.sql("ALTER TABLE People RENAME COLUMN Note TO Remark")
    first = target.one(people, changes.add("People", Login="b", Note="n")).error
    second = target.one(people, changes.add("People", Login="b", Note="n")).error
    assert first.code is second.code is MAExportError.SCHEMA_VIOLATION
    assert second.attribute == "Note"


NASTY = ["a b", "a.b", "sélect", "select", "日本", "%s", "a_b", "x'; DROP TABLE P; --", 'a"b', "a`b", "a\\b", "?1"]


@pytest.mark.parametrize("name", NASTY)
def test_names_of_any_kind_work_for_tables_and_columns(make_target, changes, name):
    target = make_target("SELECT 1")
    quote = target.session().database.quote
    other = name.replace("_", "x").replace("%", "y")
    target.raw(f"CREATE TABLE {quote(name)}({quote('Id')} int PRIMARY KEY, {quote(name)} varchar(99))")
    if other != name:
        target.raw(f"CREATE TABLE {quote(other)}({quote('Id')} int PRIMARY KEY, {quote('wrong')} varchar(99))")
    found = target.type(name)
    assert [attribute.name for attribute in found.attributes] == ["Id", name]
    assert target.done(found, changes.add(name, Id=1, **{name: name})).attributes == {"Id": (1,), name: (name,)}
    assert target.done(found, changes.update(name, 1, **{name: "y"})).attributes == {"Id": (1,), name: ("y",)}
    assert [entry.anchor for entry in target.find(found, **{name: "y"})] == [(1,)]
    target.done(found, changes.delete(name, 1))


def test_a_table_of_another_schema_is_named_with_it(postgresql, make_target, changes):
    target = make_target("CREATE SCHEMA Hr; CREATE TABLE Hr.People(Id INTEGER PRIMARY KEY, Login TEXT)"
                         if make_target.kind == "postgresql" else PEOPLE)  # fmt: skip
    name = "Hr.People" if target.kind == "postgresql" else "People"
    assert target.done(name, changes.add(name, Login="a")).anchor == (1,)
    assert [found.name for found in ecmahost_sql.schema(target.open(tables=name)).types] == [name]


def test_check_tells_what_the_planner_says_whatever_the_size_of_the_table(make_target):
    target = make_target(PEOPLE + "INSERT INTO People(Login) VALUES ('a'), ('b');")
    assert target.check(target.type("People"), query_attributes=("Login",)) == ()
    target.sql("ALTER TABLE People ADD COLUMN Number INT")
    target._sessions.clear()
    slow = target.check(target.type("People"), query_attributes=("Note", "Number"))
    assert [(found.severity, found.subject) for found in slow] == [
        (Severity.WARNING, "People.Note"),
        (Severity.WARNING, "People.Number"),
    ]


def test_check_names_what_makes_changes_less_than_whole(make_target):
    if make_target.kind == "mariadb":
        target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY, N INT) ENGINE = MyISAM")
        (finding,) = target.check(target.type("P"))
        assert (finding.severity, "no transactions" in finding.message) == (Severity.ERROR, True)
    else:
        target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY, N INT)")
        target.sql(f"ALTER DATABASE {target.database} SET synchronous_commit = off")
        assert target.session().database.query("SHOW synchronous_commit") == [("on",)]


def test_check_names_columns_that_cannot_hold_every_name(make_target):
    if make_target.kind == "mariadb":
        target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY, A VARCHAR(9) CHARACTER SET latin1, B VARCHAR(9))")
        (finding,) = target.check(target.type("P"))
        assert finding.severity is Severity.INFO
        assert "latin1 only" in finding.message
        assert finding.message.endswith(": A")
    else:  # one encoding for a whole database
        target = make_target("CREATE TABLE P(Id INTEGER PRIMARY KEY, A VARCHAR(9))")
        assert target.check(target.type("P")) == ()


def test_a_view_whose_rows_make_the_server_warn_is_read_all_the_same(make_target):
    target = make_target("CREATE TABLE T(Id INTEGER PRIMARY KEY, N INT); INSERT INTO T(N) VALUES (0), (2)")
    divided = "10 / N" if target.kind == "mariadb" else "10 / nullif(N, 0)"
    target.sql(f"CREATE VIEW V AS SELECT Id, {divided} AS Share FROM T")
    assert [len(entry.attributes["Share"]) for entry in target.entries(target.type("V", "Id"), 1)] == [0, 1]


def test_memory_stays_flat_however_many_rows_there_are(make_target):
    target = make_target("CREATE TABLE People(Id int PRIMARY KEY, Login varchar(40))")
    series = {"postgresql": "generate_series(1, 20000)", "mariadb": "seq_1_to_20000"}[target.kind]
    column = {"postgresql": "s", "mariadb": "seq"}[target.kind]
    target.sql(f"INSERT INTO People SELECT {column}, concat('user', {column}) FROM {series} s")
    pages = target.pages("People", 500)
    next(pages)
    tracemalloc.start()
    count = sum(len(page) for page in pages)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 19_500
    assert peak < 4_000_000


def test_many_sessions_add_the_same_person_and_one_succeeds(make_target, changes):
    target = make_target(PEOPLE)
    people = target.type("People")
    sessions = [target.open() for _ in range(4)]
    step = target.step(people)
    barrier = threading.Barrier(4)
    outcomes: list[object] = []

    def add(session) -> None:
        barrier.wait(10)
        for number in range(20):
            (result,) = ecmahost_sql.export(session, step, [changes.add("People", Login=f"p{number}")], {})
            outcomes.append(result.error.code if result.error else None)

    threads = [threading.Thread(target=add, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outcomes.count(None) == 20
    assert set(outcomes) <= {None, MAExportError.DUPLICATE_ANCHOR, MAExportError.LOCKING_ERROR_NEEDS_RETRY}
    assert target.sql("SELECT count(*) FROM People") == [(20,)]


def test_the_server_being_stopped_and_started_again_is_survived_by_the_next_session(make_target, changes):
    target = make_target(PEOPLE)
    people = target.type("People")
    target.done(people, changes.add("People", Login="a"))
    target.server.stop()
    try:
        with pytest.raises(ServerDown) as caught:
            target.one(people, changes.add("People", Login="b"))
        assert caught.value.nothing_sent
        with pytest.raises(ServerDown):
            target.open()
    finally:
        target.server.start()
    target._sessions.clear()
    assert target.done(people, changes.add("People", Login="b")).anchor[0] > 1


def test_pyodbc_or_libodbc_that_is_missing_is_told_with_what_to_install(make_target, monkeypatch):
    target = make_target(PEOPLE)
    monkeypatch.setitem(sys.modules, "pyodbc", None)
    with pytest.raises(ConnectorError, match="apt install unixodbc"):
        target.open()
