"""Passwords in a column: hashed as asked for, whole or not at all, and never seen again."""

import base64
import hashlib
import importlib.util
from dataclasses import replace
from typing import Any

import argon2
import bcrypt
import ecmahost_sql
import pytest
from ecmahost_sql.errors import DatabaseFailure, FailureKind
from ecmahost_sql.parameters import understand
from ecmahost_sql.passwords import CHANGES_AT_ONCE, PasswordHash, stored, without

from ecmahost_core import (
    Capabilities,
    ConnectorError,
    MAExportError,
    PasswordSupport,
    SchemaAttribute,
    Secret,
    SessionPurpose,
    Severity,
)

PEOPLE = "CREATE TABLE People(Id INTEGER PRIMARY KEY, Login TEXT NOT NULL UNIQUE, Hidden VARCHAR(255), Room TEXT)"
HUSH = "Пароль ünd 密码 \\' \" $1$ %s"
CANARY = "canary-31415"


def verified(way: str, kept: str, text: str) -> bool:
    """Whether a framework that reads this format lets somebody in with the password."""
    if way == "argon2":
        return argon2.PasswordHasher().verify(kept, text)
    if way == "bcrypt":
        return bcrypt.checkpw(text.encode(), kept.encode())
    if way == "pbkdf2":
        algorithm, iterations, salt, digest = kept.split("$")
        key = hashlib.pbkdf2_hmac("sha256", text.encode(), salt.encode(), int(iterations))
        return (algorithm, digest) == ("pbkdf2_sha256", base64.b64encode(key).decode())
    return kept == text


@pytest.fixture
def keeping(make_target: Any) -> Any:
    """Makes a target whose column ``Hidden`` takes passwords."""

    def make(way: str = "argon2", script: str = PEOPLE) -> Any:
        target = make_target(script)
        target.parameters |= {"password_column": "Hidden", "password_hash": way}
        return target

    return make


# The parameters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [{"url": "sqlite:///a.db"}, {"dsn": "hr"}])
def test_a_password_column_is_what_makes_the_connector_take_passwords(source):
    without_column: Capabilities = ecmahost_sql.capabilities({**source, "password_hash": "argon2"})
    assert without_column.password is PasswordSupport.NONE
    with_column: Capabilities = ecmahost_sql.capabilities({**source, "password_column": "Hidden"})
    assert with_column.password is PasswordSupport.WITH_EXPORT
    assert with_column.export_page_size_maximum == CHANGES_AT_ONCE < without_column.export_page_size_maximum


def test_the_hash_is_argon2_unless_another_is_named():
    assert understand({"url": "sqlite:///a.db", "password_column": "P"}).password.hash is PasswordHash.ARGON2
    assert understand({"url": "sqlite:///a.db", "password_hash": "plain"}).password is None
    with pytest.raises(ConnectorError, match="must be one of argon2, bcrypt, pbkdf2, plain"):
        understand({"url": "sqlite:///a.db", "password_column": "P", "password_hash": "md5"})


def test_bcrypt_that_is_not_installed_is_told_with_what_to_install(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "bcrypt" else found(name))
    parameters = {"url": "sqlite:///a.db", "password_column": "P", "password_hash": "bcrypt"}
    with pytest.raises(ConnectorError, match=r"pip install 'ecmahost-sql\[bcrypt\]'"):
        understand(parameters)
    assert understand(parameters | {"password_hash": "argon2"})


# Hashes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", list(PasswordHash))
def test_a_hash_is_salted_lets_in_with_its_password_only_and_has_the_length_that_is_promised(way):
    first, second = (stored(way, Secret(lambda: HUSH)) for _ in range(2))
    assert verified(way.value, first, HUSH)
    assert (first == second) == (way is PasswordHash.PLAIN)
    assert way is PasswordHash.PLAIN or len(first) == len(second) == way.length
    if way is not PasswordHash.ARGON2:
        assert not verified(way.value, first, HUSH.lower())
    else:
        with pytest.raises(argon2.exceptions.VerifyMismatchError):
            verified("argon2", first, HUSH.lower())


@pytest.mark.parametrize("way", list(PasswordHash))
@pytest.mark.parametrize("text", ["", "a\0b"])
def test_an_empty_password_and_one_with_nul_are_refused(way, text):
    with pytest.raises(Exception, match="an empty password, or one with a NUL character") as caught:
        stored(way, Secret(lambda: text))
    assert caught.value.error.code is MAExportError.PASSWORD_POLICY_VIOLATION


@pytest.mark.parametrize(("text", "taken"), [("x" * 72, True), ("ü" * 36, True), ("x" * 73, False), ("ü" * 37, False)])
def test_bcrypt_never_looks_at_only_a_part_of_a_password(text, taken):
    if taken:
        assert verified("bcrypt", stored(PasswordHash.BCRYPT, Secret(lambda: text)), text)
        return
    with pytest.raises(Exception, match="bytes is too long: bcrypt takes at most 72"):
        stored(PasswordHash.BCRYPT, Secret(lambda: text))


@pytest.mark.parametrize("way", [way for way in PasswordHash if way is not PasswordHash.BCRYPT])
def test_other_hashes_take_long_passwords_whole(way):
    text = "x" * 5000
    assert verified(way.value, stored(way, Secret(lambda: text)), text)


# In the database --------------------------------------------------------------------------------------------------


@pytest.mark.every_database
@pytest.mark.parametrize("way", [way.value for way in PasswordHash])
def test_a_password_is_written_with_its_row_and_changed_with_it_or_alone(keeping, changes, way):
    target = keeping(way)
    made = target.done("People", changes.add("People", Login="ada"), of1=HUSH)
    ((first,),) = target.sql("SELECT Hidden FROM People")
    assert verified(way, first, HUSH)

    target.done("People", changes.update("People", *made.anchor, Room="7"))
    assert target.sql("SELECT Hidden, Room FROM People") == [(first, "7")]

    for change, password in (
        (changes.update("People", *made.anchor, Room="8"), "one"),
        (changes.update("People", *made.anchor), "two"),
        (changes.update("People", *made.anchor), "two"),
        (changes.replace("People", *made.anchor, Login="ada", Room="8"), "three"),
    ):
        result = target.done("People", change, of1=password)
        ((kept, room),) = target.sql("SELECT Hidden, Room FROM People")
        assert verified(way, kept, password)
        assert room == "8"
        assert result.anchor == made.anchor


@pytest.mark.every_database
def test_each_of_many_rows_gets_its_own_password_and_one_that_fails_keeps_none(keeping, changes):
    target = keeping("plain")
    results = target.export(
        "People",
        changes.add("People", "1", Login="a"),
        changes.add("People", "2", Login="b"),
        changes.add("People", "3", Login="a"),
        changes.add("People", "4", Login="d"),
        of1="of a",
        of3="of nobody",
        of4="of d",
    )
    assert [result.error is None for result in results] == [True, True, False, True]
    found = target.sql("SELECT Login, Hidden FROM People ORDER BY Login")
    assert found == [("a", "of a"), ("b", None), ("d", "of d")]


@pytest.mark.every_database
def test_a_password_is_never_read_back(keeping, changes):
    target = keeping("plain")
    added = target.done("People", changes.add("People", Login="ada"), of1=CANARY)
    (anchor,) = added.anchor
    changed = target.done("People", changes.update("People", anchor), of1=CANARY)
    seen = [added, changed, target.entries("People"), target.find("People", Id=anchor), target.type("People")]
    assert CANARY not in repr(seen)
    assert "Hidden" not in repr(seen)


@pytest.mark.every_database
def test_the_column_is_no_attribute_any_more_however_it_is_asked_for(keeping, changes):
    target = keeping("plain")
    people = target.type("People")
    asking = replace(people, attributes=(*people.attributes, SchemaAttribute("Hidden")))
    target.done("People", changes.add("People", Login="ada"), of1=CANARY)
    with pytest.raises(ConnectorError, match="has no column Hidden"):
        target.entries(asking)
    error = target.refused("People", changes.update("People", 1, Hidden="mine"))
    assert (error.code, error.attribute) == (MAExportError.SCHEMA_VIOLATION, "Hidden")
    assert target.refused("People", changes.add("People", Login="eve", Hidden="mine")).code is error.code
    with pytest.raises(ConnectorError, match="has no column Hidden"):
        target.find("People", Hidden=CANARY)


@pytest.mark.every_database
@pytest.mark.parametrize(("way", "password"), [("argon2", CANARY), ("plain", f"{CANARY}{'x' * 30}")])
def test_a_column_that_is_too_short_is_refused_and_never_cut(keeping, changes, way, password):
    target = keeping(way, PEOPLE.replace("255", "20"))
    error = target.refused("People", changes.add("People", Login="ada"), of1=password)
    assert error.code is MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE
    assert "column Hidden of table People takes at most 20 characters" in error.detail
    assert CANARY not in error.detail


@pytest.mark.every_database
@pytest.mark.parametrize(
    ("script", "code"),
    [
        (PEOPLE.replace("VARCHAR(255)", "VARCHAR(255) CHECK (Hidden NOT LIKE 'canary%')"), "CONSTRAINT_VIOLATION"),
        (PEOPLE.replace("VARCHAR(255)", "VARCHAR(255) UNIQUE"), "DUPLICATE_ANCHOR"),
        (PEOPLE.replace("Room TEXT", "Room TEXT NOT NULL"), "MISSING_PROVISIONING_ATTRIBUTE"),
    ],
)
def test_no_refusal_of_the_database_quotes_the_password(keeping, changes, script, code):
    target = keeping("plain", script)
    target.export("People", changes.add("People", "1", Login="first", Room="1"), of1=CANARY)
    room = {} if "Room TEXT NOT NULL" in script else {"Room": "1"}
    error = target.refused("People", changes.add("People", Login="ada", **room), of1=CANARY)
    assert error.code is MAExportError[code]
    assert "31415" not in repr(error)


QUOTING = {
    "postgresql": """
        CREATE FUNCTION quote_it() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN RAISE EXCEPTION ''% is no password'', NEW."Hidden"; END';
        CREATE TRIGGER t BEFORE INSERT ON People FOR EACH ROW EXECUTE FUNCTION quote_it()
    """,
    "mariadb": """
        CREATE TRIGGER t BEFORE INSERT ON People FOR EACH ROW BEGIN
            SET @words = concat(left(new.Hidden, 100), ' is no password')\\;
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = @words\\; END
    """,
}


@pytest.mark.servers
@pytest.mark.parametrize("way", ["plain", "argon2"])
def test_a_trigger_that_quotes_the_column_is_not_repeated(keeping, changes, way):
    target = keeping(way)
    target.sql(QUOTING[target.kind])
    error = target.refused("People", changes.add("People", Login="ada"), of1=CANARY)
    assert error.code is MAExportError.CONSTRAINT_VIOLATION
    assert error.detail == (
        "the database forbids it, and its words are not repeated, because they quote the password column"
    )


def test_words_of_the_database_without_the_password_are_kept():
    failure = DatabaseFailure(FailureKind.CONSTRAINT, "badge 13 is reserved", "Badge")
    assert without(failure, ["hush"]) is failure
    assert without(failure, ["badge 13"]).detail != failure.detail


def test_a_table_without_the_column_or_with_one_that_holds_no_text_refuses_passwords_only(keeping, changes):
    script = "CREATE TABLE P(Id INTEGER PRIMARY KEY, N TEXT);CREATE TABLE Q(Id INTEGER PRIMARY KEY, Hidden INT)"
    target = keeping("argon2", script)
    error = target.refused("P", changes.add("P", N="x"), of1=CANARY)
    assert (error.code, "Hidden of table P is not there" in error.detail) == (MAExportError.SCHEMA_VIOLATION, True)
    error = target.refused("Q", changes.add("Q"), of1=CANARY)
    assert "holds no text" in error.detail
    target.done("P", changes.add("P", N="x"))


def test_a_column_that_was_added_later_takes_passwords_without_a_restart(keeping, changes):
    target = keeping("plain", "CREATE TABLE P(Id INTEGER PRIMARY KEY, N TEXT)")
    target.refused("P", changes.add("P", N="x"), of1=CANARY)
    target.sql("ALTER TABLE P ADD COLUMN Hidden TEXT")
    target.done("P", changes.add("P", N="x"), of1=CANARY)
    assert target.sql("SELECT Hidden FROM P") == [(CANARY,)]


# check ------------------------------------------------------------------------------------------------------------


def findings(target):
    found = target.check(target.type("People"))
    return {one.subject: one for one in found if one.subject == "People.Hidden"}


@pytest.mark.every_database
@pytest.mark.parametrize(
    ("way", "column", "severity", "words"),
    [
        ("argon2", "VARCHAR(96)", Severity.ERROR, "takes 96 characters where argon2 makes 97"),
        ("bcrypt", "VARCHAR(59)", Severity.ERROR, "takes 59 characters where bcrypt makes 60"),
        ("argon2", "INT", Severity.ERROR, "holds no text"),
        ("plain", "VARCHAR(20)", Severity.WARNING, "kept there as they are"),
        ("argon2", "VARCHAR(97) NOT NULL", Severity.INFO, "creations without a password will fail"),
    ],
)
def test_what_will_not_work_is_told_before_it_happens(keeping, way, column, severity, words):
    found = findings(keeping(way, PEOPLE.replace("VARCHAR(255)", column)))["People.Hidden"]
    assert found.severity is severity
    assert words in found.message


def test_a_column_that_is_not_there_is_told(keeping):
    target = keeping("argon2", PEOPLE.replace("Hidden", "Other"))
    assert "there is no such column" in findings(target)["People.Hidden"].message


@pytest.mark.every_database
def test_a_good_column_needs_no_word(keeping):
    target = keeping("argon2")
    assert findings(target) == {}
    assert "Hidden" not in repr(target.check(target.type("People")))


def test_a_session_for_reading_knows_nothing_of_the_column(keeping):
    target = keeping("plain")
    session = target.session(SessionPurpose.READ)
    assert [table.column("Hidden") for table in session.tables()] == [None]
