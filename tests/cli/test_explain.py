"""``ecmahost explain``, as people use it: explain, then really do it, and compare."""

import json
import sqlite3
from contextlib import closing

import pytest

SECRET = "c4n4ry-Wort"


@pytest.fixture
def ids(imported):
    done = imported.command("objects", "staff", "--json")
    return {one["anchor"]: one["id"] for one in json.loads(done.stdout)["objects"]}


@pytest.fixture
def explain(imported, tmp_path):
    """Explains requests with the connector ``staff``, as JSON; nothing in the home or the database changes by it."""

    def ask(*requests, options=()):
        file = tmp_path / "request.json"
        file.write_text(json.dumps(requests[0] if len(requests) == 1 else requests))
        before = _contents(imported)
        done = imported.command("explain", "staff", str(file), "--json", *options)
        assert done.returncode == 0, done.stderr
        assert _contents(imported) == before
        return json.loads(done.stdout)["requests"]

    return ask


def _contents(place):
    with closing(sqlite3.connect(place.database)) as target, closing(sqlite3.connect(place.path / "space.db")) as space:
        return list(target.iterdump()), list(space.iterdump())


def patch(path, *operations):
    return {"method": "PATCH", "path": path, "body": {"Operations": list(operations)}}


def test_a_request_is_told_in_lines_for_a_pipe(imported, ids, tmp_path):
    file = tmp_path / "request.json"
    operation = {"op": "Replace", "path": "name.familyName", "value": "New\u0007Name"}
    file.write_text(
        json.dumps(patch(f"/Users/{ids['7']}", operation, {"op": "Replace", "path": "active", "value": "False"}))
    )
    done = imported.command("explain", "staff", str(file))
    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    told = {(one[0], one[1]) for one in lines if len(one) == 2}
    assert ("asks", "replace active false") in told
    assert ("flow", "disable: set Active") in told
    assert ("sends", "UPDATE `Staff` SET `Name` = ?, `Active` = ? WHERE `rowid` = ?") in told
    assert ("answer", "200") in told
    assert "\x07" not in done.stdout
    assert "\x1b" not in done.stdout


def test_what_is_told_is_what_a_running_host_then_does(imported, ids, explain):
    (told,) = explain(patch(f"/Users/{ids['8']}", {"op": "Replace", "path": "name.familyName", "value": "Told"}))
    (step,) = told["steps"]
    assert step["differences"] == [
        {"path": "name.familyName", "attribute": "Name", "old": ["Müller 8"], "new": ["Told"]}
    ]
    (write,) = [one for one in step["statements"] if one["writes"]]
    with closing(sqlite3.connect(imported.database)) as database:
        database.execute(write["text"], write["parameters"])
        assert database.execute("SELECT Name FROM Staff WHERE Number = 8").fetchall() == [("Told",)]


def test_a_list_is_told_in_order_and_a_refusal_is_no_failure_of_the_command(explain, ids):
    new = {"method": "POST", "path": "/Users", "body": {"userName": "PERSON3@example.com", "name": {"familyName": "x"}}}
    told = explain(new, {"method": "DELETE", "path": "/Users/nobody"}, {"method": "GET", "path": f"/Users/{ids['1']}"})
    assert [one["answer"]["status"] for one in told] == [409, 404, 200]


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ('{"Operations": []}', ("--method", "patch", "--path", "/Users/nobody"), 0),
        ('{"Operations": []}', ("--method", "patch"), 2),
        ('{"Operations": []}', (), 1),
        ("{", (), 1),
        ("[]", (), 0),
        ('{"method": "GET", "path": "/ecma2host_other/scim/Users"}', (), 1),
    ],
)
def test_the_ways_to_ask(imported, tmp_path, text, options, code):
    file = tmp_path / "request.json"
    file.write_text(text)
    assert imported.command("explain", "staff", str(file), *options).returncode == code


def test_without_a_body_no_file_is_needed(imported, ids):
    done = imported.command("explain", "staff", "--method", "DELETE", "--path", f"/Users/{ids['1']}")
    assert done.returncode == 0
    assert "DELETE FROM `Staff`" in done.stdout
    assert imported.command("explain", "staff").returncode == 2
    assert imported.command("explain", "nobody", "--method", "GET", "--path", "/Users").returncode == 1


def test_standard_input_is_a_file(staff, run, home, monkeypatch, tmp_path):
    assert staff.command("import", "staff").returncode == 0
    monkeypatch.chdir(tmp_path)
    done = run("--home", str(staff.path), "explain", "staff", "-", stdin='{"method": "GET", "path": "/Users"}')
    assert done.exit_code == 0, done.output
    assert "60 live objects" in done.stdout


def test_a_database_that_is_gone_is_said(staff):
    assert staff.command("import", "staff").returncode == 0
    ids = json.loads(staff.command("objects", "staff", "--json").stdout)["objects"]
    staff.database.rename(staff.database.with_name("away.db"))
    done = staff.command("explain", "staff", "--method", "DELETE", "--path", f"/Users/{ids[0]['id']}")
    assert done.returncode == 0, done.stderr
    assert "could not be found out" in done.stdout
    assert "answer    503" in done.stdout


def test_no_password_is_told(place, tmp_path):
    place.connector(
        "staff",
        url=f'url = "sqlite:///{place.database}"\npassword_column = "Room"\npassword_hash = "plain"',
        userName='userName = "Login"\npassword = "export_password"',
        **{"attributes.Room": ""},
    )
    assert place.command("import", "staff").returncode == 0
    file = tmp_path / "request.json"
    body = {"userName": "new@example.com", "name": {"familyName": "x"}, "password": SECRET}
    file.write_text(json.dumps({"method": "POST", "path": "/Users", "body": body}))
    for options in ((), ("--json",)):
        done = place.command("explain", "staff", str(file), *options)
        assert done.returncode == 0, done.stderr
        assert "a secret" in done.stdout
        assert "`Room`" in done.stdout
        assert SECRET not in done.stdout + done.stderr


TEAMS = """
CREATE TABLE Teams (Id INTEGER PRIMARY KEY AUTOINCREMENT, Name TEXT UNIQUE NOT NULL);
CREATE TABLE TeamMembers (
    TeamId INTEGER NOT NULL REFERENCES Teams (Id), Number INTEGER NOT NULL REFERENCES Staff (Number),
    PRIMARY KEY (TeamId, Number)
);
INSERT INTO Teams (Name) VALUES ('All');
INSERT INTO TeamMembers SELECT 1, Number FROM Staff WHERE Number <= 10;
"""
GROUP = """
[object_types.Group]
target = "Teams"
anchor = "Id"
query_attributes = ["Name"]
[schema_mapping.Group]
displayName = "Name"
members = "members"
[deprovisioning.Group]
delete = "delete"
"""


def test_members_are_told_as_what_differs(place, tmp_path):
    place.execute(TEAMS)
    file = place.connector(
        "staff",
        url=f'url = "sqlite:///{place.database}"\n'
        'value_tables = "Teams.members = TeamMembers(TeamId, Number) references Staff"',
    )
    file.write_text(file.read_text() + GROUP)
    assert place.command("import", "staff").returncode == 0
    found = json.loads(place.command("objects", "staff", "--json").stdout)["objects"]
    people = {one["anchor"]: one["id"] for one in found if one["type"] == "User"}
    (team,) = [one["id"] for one in found if one["type"] == "Group"]
    operations = [
        {"op": "Add", "path": "members", "value": [{"value": people["1"]}, {"value": people["21"]}]},
        {"op": "Remove", "path": f'members[value eq "{people["2"]}"]'},
    ]
    request = tmp_path / "request.json"
    request.write_text(
        json.dumps(
            [
                patch(f"/Groups/{team}", *operations),
                patch(f"/Groups/{team}", {"op": "Add", "path": "members", "value": [{"value": people["3"]}]}),
                patch(f"/Groups/{team}", {"op": "Add", "path": "members", "value": [{"value": "nobody"}]}),
                {"method": "GET", "path": f'/Groups?filter=members eq "{people["3"]}"'},
            ]
        )
    )
    done = place.command("explain", "staff", str(request), "--json")
    assert done.returncode == 0, done.stderr
    changed, same, unknown, asked = json.loads(done.stdout)["requests"]
    assert [one["answer"]["status"] for one in (changed, same, unknown, asked)] == [204, 204, 400, 200]
    (difference,) = changed["steps"][0]["differences"]
    assert (difference["path"], difference["attribute"]) == ("members", "members")
    assert (difference["added"], difference["removed"]) == ([{"reference": "21"}], [{"reference": "2"}])
    with closing(sqlite3.connect(place.database)) as database:
        for one in changed["steps"][0]["statements"]:
            for parameters in (one["parameters"], *one.get("more", ())):
                database.execute(one["text"], parameters)
        members = [number for (number,) in database.execute("SELECT Number FROM TeamMembers ORDER BY Number")]
    assert members == [1, 3, 4, 5, 6, 7, 8, 9, 10, 21]
    assert same["steps"] == []
    assert "there already" in same["nothing_because"][0]
    assert "nobody" in unknown["answer"]["detail"]
    assert "rows of references" in asked["query"][0]
