"""What is said about tables of values before anything goes wrong: the parameter, the schema, ``check``."""

from dataclasses import replace

import ecmahost_sql
import pytest
from ecmahost_sql.value_tables import ValueTable, declared

from ecmahost_core import (
    AttributeOperation,
    ConnectorError,
    ObjectTypeNotSupported,
    RunStep,
    Secret,
    SessionPurpose,
    Severity,
)

GOOD = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE Users (Id INTEGER PRIMARY KEY AUTOINCREMENT, Login TEXT NOT NULL UNIQUE);
    CREATE TABLE Groups (Id INTEGER PRIMARY KEY AUTOINCREMENT, Name TEXT NOT NULL UNIQUE);
    INSERT INTO Users VALUES (1, 'ann');
    INSERT INTO Groups VALUES (10, 'staff');
"""
LINKS = "CREATE TABLE Links (G INTEGER REFERENCES Groups, U INTEGER REFERENCES Users, PRIMARY KEY (G, U));"
INDEX = "CREATE INDEX LinksOfUser ON Links (U);"
PASSWORD = "p;w}d {x=1"
DECLARED = "Groups.members = Links(G, U) references Users"


def test_declarations_are_separated_by_semicolons_or_lines_and_blanks_do_not_count():
    text = " hr.Groups.members=hr.Links ( GroupId,UserId )references Users ;\n\nUsers.phones = Phones(User Id, Number)"
    assert declared(text) == (
        ValueTable("hr.Groups", "members", "hr.Links", "GroupId", "UserId", "Users"),
        ValueTable("Users", "phones", "Phones", "User Id", "Number"),
    )
    assert declared(" \n;") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("members = Links(G, U)", "not of the form"),
        ("Groups.members = Links", "not of the form"),
        ("Groups.members = Links(G, U) references", "not of the form"),
        ("Groups.members = Links(G, U); Groups.members = Others(G, U)", "declared twice"),
        ("Groups.members = Links(G, H, U)", "an anchor of several columns"),
        ("Groups.members = Links(G)", "two columns"),
        ("Groups.members = Links(G, G)", "two columns"),
        ("Groups.members = Users(G, U) references Users", "an object type itself"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused_and_named(make_target, text, words):
    target = make_target(GOOD + LINKS)
    with pytest.raises(ConnectorError, match=words) as caught:
        target.open(SessionPurpose.SCHEMA, value_tables=text)
    assert "value_tables under [connectivity]" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Groups.members = Missing(G, U) references Users", "no table Missing"),
        ("Groups.members = Links(G, Who) references Users", "no column Who"),
        ("Groups.members = Links(G, U) references People", "names People"),
        ("Teams.members = Links(G, U) references Users", "names Teams"),
        ("Groups.Name = Links(G, U)", "choose another name"),
    ],
)
def test_what_a_declaration_names_has_to_be_there(make_target, text, words):
    target = make_target(GOOD + LINKS)
    with pytest.raises(ObjectTypeNotSupported, match=words):
        ecmahost_sql.schema(target.open(SessionPurpose.SCHEMA, value_tables=text))


def test_a_value_table_need_not_be_among_the_tables_on_offer(make_target):
    target = make_target(GOOD + LINKS)
    session = target.open(SessionPurpose.SCHEMA, value_tables=DECLARED, tables="Groups, Users")
    assert [one.name for one in ecmahost_sql.schema(session).types] == ["Groups", "Users"]
    with pytest.raises(ObjectTypeNotSupported, match="names Users"):
        ecmahost_sql.schema(target.open(SessionPurpose.SCHEMA, value_tables=DECLARED, tables="Groups"))


def checked(target, script: str, text: str = DECLARED, **anchors: str):
    target.sql(script)
    target.parameters["value_tables"] = text
    types = [target.type(name, *([anchors[name]] if name in anchors else [])) for name in ("Users", "Groups")]
    return target.check(*types)


def about(findings, words):
    (finding,) = [found for found in findings if words in found.message]
    return finding


def test_nothing_is_said_about_a_value_table_that_is_as_it_should_be(make_target):
    target = make_target(GOOD)
    assert checked(target, LINKS + INDEX + "INSERT INTO Links VALUES (10, 1)") == ()


def test_a_value_table_that_is_gone_is_an_error(make_target):
    target = make_target(GOOD + LINKS)
    target.parameters["value_tables"] = DECLARED
    groups = target.type("Groups")
    target.sql("DROP TABLE Links")
    finding = about(target.check(groups), "no table Links")
    assert (finding.severity, finding.subject) == (Severity.ERROR, "Groups.members")


def test_missing_indexes_and_pairs_that_may_be_repeated_are_warned_about(make_target):
    findings = checked(make_target(GOOD), "CREATE TABLE Links (G INTEGER, U INTEGER)")
    assert about(findings, "does not keep this pair unique").subject == "Links (G, U)"
    assert about(findings, "every change of members reads the whole table").subject == "Links.G"
    assert about(findings, "deleting an object of Users reads the whole table").subject == "Links.U"
    assert {found.severity for found in findings} == {Severity.WARNING}


def test_rows_that_name_nobody_are_counted(make_target):
    script = LINKS + INDEX + "INSERT INTO Links VALUES (10, 1), (11, 1), (10, 2), (10, 3)"
    findings = checked(make_target(GOOD), script)
    assert "not in Groups: 1;" in about(findings, "not in Groups").message
    assert "not in Users: 2;" in about(findings, "not in Users").message


def test_a_column_that_does_not_hold_the_anchor_of_its_objects_is_an_error(make_target):
    findings = checked(make_target(GOOD), LINKS + INDEX, Users="Login")
    finding = about(findings, "anchor of Users")
    assert (finding.severity, finding.subject) == (Severity.ERROR, "Links.U")
    findings = checked(make_target(GOOD, name="other.db"), LINKS + INDEX, Groups="Name")
    assert about(findings, "has another type than G").severity is Severity.ERROR


def test_values_may_be_of_any_unique_column_where_the_anchor_of_their_objects_is_not_known(make_target):
    logins = "CREATE TABLE Links (G INTEGER, U TEXT, PRIMARY KEY (G, U));" + INDEX
    target = make_target(GOOD + logins + "INSERT INTO Links VALUES (10, 'ann'), (10, 'gone')")
    target.parameters["value_tables"] = DECLARED
    (finding,) = target.check(target.type("Groups"))
    assert "not in Users: 1;" in finding.message
    other = make_target(GOOD + logins.replace("U TEXT", "U BLOB"), name="other.db")
    other.parameters["value_tables"] = DECLARED
    assert about(other.check(other.type("Groups")), "anchor of Users").severity is Severity.ERROR


def test_an_anchor_of_several_columns_is_refused_with_clear_words(make_target):
    target = make_target(GOOD + LINKS + INDEX)
    target.parameters["value_tables"] = DECLARED
    groups = target.type("Groups", "Id", "Name")
    assert about(target.check(groups), "has several columns (Id, Name)").severity is Severity.ERROR
    with pytest.raises(ObjectTypeNotSupported, match="has several columns"):
        target.entries(groups)
    people = target.type("Users", "Id", "Login")
    finding = about(target.check(people, target.type("Groups")), "has several columns (Id, Login)")
    assert (finding.severity, finding.subject) == (Severity.ERROR, "Links.U")
    only = replace(groups, attributes=tuple(one for one in groups.attributes if one.name != "members"))
    assert len(target.entries(only)) == 1


def test_a_column_of_a_value_table_that_nothing_fills_in_is_an_error(make_target):
    script = "CREATE TABLE Links (G INTEGER, U INTEGER, Since TEXT NOT NULL, PRIMARY KEY (G, U));" + INDEX
    finding = about(checked(make_target(GOOD), script), "no value of members can be added")
    assert (finding.severity, finding.subject) == (Severity.ERROR, "Links.Since")


def test_a_view_of_values_is_only_read_where_it_cannot_be_written_and_warned_about_where_half_of_it_can(make_target):
    target = make_target(GOOD + LINKS + "CREATE VIEW Seen AS SELECT G, U FROM Links;")
    target.parameters["value_tables"] = "Groups.members = Seen(G, U) references Users"
    assert target.type("Groups").attribute("members").operation is AttributeOperation.IMPORT_ONLY
    other = make_target(GOOD + LINKS, name="other.db")
    trigger = "CREATE TRIGGER T INSTEAD OF INSERT ON Seen BEGIN INSERT INTO Links VALUES (new.G, new.U); END;"
    script = f"CREATE VIEW Seen AS SELECT G, U FROM Links; {trigger}"
    findings = checked(other, script, "Groups.members = Seen(G, U) references Users")
    assert about(findings, "values of members cannot be removed").subject == "Seen"


def limited(target, **rights: str) -> None:
    """Lets the connector be an account that has these rights only."""
    mark, home = ('"', "") if target.kind == "postgresql" else ("`", f"{target.database}.")
    account = "hr" if target.kind == "postgresql" else "hr@'127.0.0.1'"
    for table, right in rights.items():
        target.raw(f"GRANT {right} ON {home}{mark}{table}{mark} TO {account}")
    text = target.server.connection_string(target.database, login="Nothing=x")
    target.parameters |= {"connection_string": Secret(lambda: text), "user": "hr", "password": Secret(lambda: PASSWORD)}


@pytest.mark.servers
def test_rights_that_the_account_lacks_on_a_value_table_are_named(make_target):
    target = make_target("""
        CREATE TABLE Users (Id INTEGER PRIMARY KEY, Login VARCHAR(100) NOT NULL UNIQUE);
        CREATE TABLE Groups (Id INTEGER PRIMARY KEY, Name VARCHAR(100) NOT NULL UNIQUE);
        CREATE TABLE Links (G INTEGER REFERENCES Groups (Id), U INTEGER REFERENCES Users (Id), PRIMARY KEY (G, U));
        CREATE INDEX LinksOfUser ON Links (U);
    """)
    target.parameters["value_tables"] = DECLARED
    limited(target, Users="ALL", Groups="ALL", Links="SELECT")
    lacking = [found for found in target.check(target.type("Groups")) if "lacks the right" in found.message]
    assert [(found.severity, found.subject) for found in lacking] == [(Severity.ERROR, "Links")] * 2
    assert ["INSERT" in lacking[0].message, "DELETE" in lacking[1].message] == [True, True]


def test_a_session_reads_the_schema_of_a_step_without_values_as_before(make_target):
    target = make_target(GOOD + LINKS)
    with_links = target.type("Groups")
    assert [one.name for one in with_links.attributes] == ["Id", "Name"]
    assert target.check(with_links) == ()
    step = RunStep((target.type("Links"),), 10)
    assert step.types[0].anchor == ("G", "U")
