"""``ecmahost check``: ten mistakes and more, each told with the thing and the way out."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core.configuration.certificates.keys import KeyType
from ecmahost_core.configuration.certificates.making import new_pair
from ecmahost_core.configuration.certificates.pair import write_pair

OTHER = "6a9b6a29-6d61-4f3a-a9f5-8c6c2f2a1b11"

PLUGIN = """
from contextlib import contextmanager
from ecmahost_core import *
NAMES = ("Login", "Room")

@hookimpl
def connectivity_parameters():
    return []

@hookimpl
@contextmanager
def open_session():
    yield None

@hookimpl
def schema():
    attributes = (*map(SchemaAttribute, NAMES), SchemaAttribute("Active", BOOLEAN))
    return Schema((SchemaType("Staff", attributes, ("Login",)),))

@hookimpl
def full_import():
    yield ImportPage((CSEntryChange("Staff", ObjectModificationType.ADD, ("ann",), attributes=ATTRIBUTES),))

@hookimpl
def export():
    return []
""".replace("BOOLEAN", "AttributeType.BOOLEAN")


def findings(place: Any, name: str = "staff") -> dict[str, tuple[str, str]]:
    """What is found about a connector: subject to severity and message."""
    document = json.loads(place.command("check", name, "--json").stdout)
    return {one["subject"]: (one["severity"], one["message"]) for one in document["connectors"][name]}


def test_a_good_connector_ends_with_0_and_says_what_was_looked_at(staff: Any) -> None:
    done = staff.command("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("staff\n  info     target: can be reached, and its schema fits\n")
    assert "Staff: looked at its 60 objects" in done.stdout
    assert not (staff.path / "space.db").exists()


def test_findings_are_whole_lines_in_a_pipe(staff: Any) -> None:
    staff.connector("staff", query_attributes='query_attributes = ["Login", "Name"]')
    lines = staff.command("check").stdout.splitlines()
    (place,) = [number for number, line in enumerate(lines) if "has no index" in line]
    assert lines[place].startswith("  warning  Staff.Name: people are matched by this column and it has no index: ")
    assert lines[place + 1].strip() == "-> Create an index on Name."


MISTAKES = {
    "table": ("target", 'target = "Staf"', "expected an object type of the target; the nearest is 'Staff'"),
    "anchor": ("anchor", 'anchor = "Id"', "'Staff' in the target; there are: Number, Login, Name, Room, Active"),
    "column": ("userName", 'userName = "Lgin"', "schema_mapping.User.userName: found 'Lgin', expected an attribute of"),
    "path": ("userName", 'userNme = "Login"', "schema_mapping.User.userNme: expected a SCIM attribute of User"),
    "placeholder": ("userName", 'userName = "PLACEHOLDER"', "found 'PLACEHOLDER', expected an attribute of 'Staff'"),
    "flow": ("disable", 'disable = { set = "Actve" }', "deprovisioning.User.disable: found 'Actve'"),
    "kind": ("type", 'type = "sqll"', 'properties.type: found "sqll", expected an installed connector type'),
    "toml": ("type", "type = sql", "found a TOML syntax error at line 3"),
    "value": ("attributes.Room", 'attributes.Room = { type = "Strng" }', 'type: found "Strng", expected "String"'),
    "token": ("secret_tokens", 'secret_tokens = ["geheim"]', "never the token itself; make one with: ecmahost token"),
    "freshness": ("secret_tokens", 'freshness = "fresh"', 'properties.freshness: found "fresh", expected '),
    "key": ("secret_tokens", "autosnc_minutes = 5", "found an unknown key, expected the key autosync_minutes"),
    "mapping": ("[schema_mapping.User]", "[schema_mapping.Usr]", "found an unknown table, expected [schema_mapping"),
    "empty": ("url", 'url = ""', "connectivity.url: found an empty text, expected a text that matches sqlite:///"),
    "url": ("url", 'url = "mysql://u:geheim@h/d"', "expected a text that matches sqlite:///"),
}


@pytest.fixture(scope="module")
def mistaken(make_place: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One home with a connector for each mistake, checked once."""
    place = make_place(tmp_path_factory.mktemp("mistaken") / "workplace")
    for name, (line, written, _) in MISTAKES.items():
        place.connector(name, **{line: written})
    return place.command("check")


def test_all_mistakes_are_told_at_once_on_standard_error_and_end_with_3(mistaken: Any) -> None:
    assert (mistaken.returncode, mistaken.stdout) == (3, "")
    assert {Path(line.split(":")[0]).stem for line in mistaken.stderr.splitlines()} == set(MISTAKES)
    assert "geheim" not in mistaken.stderr


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_with_its_place_and_the_way_out(mistaken: Any, name: str) -> None:
    told = [line for line in mistaken.stderr.splitlines() if f"/{name}.toml: " in line]
    assert any(MISTAKES[name][2] in line for line in told), told
    assert len(told) <= 2


def test_two_connectors_with_one_instance_are_both_told(place: Any) -> None:
    for name in ("one", "two"):
        place.connector(name, instance=f'instance = "{OTHER}"')
    done = place.command("check")
    assert done.returncode == 3
    assert "one.toml: properties.instance: found the instance of two.toml" in done.stderr
    assert "two.toml: properties.instance: found the instance of one.toml" in done.stderr


def test_a_mistake_in_one_file_hides_nothing_of_the_others(staff: Any) -> None:
    staff.connector("wrong", target='target = "Nothing"')
    done = staff.command("check")
    assert done.returncode == 3
    assert "wrong.toml" in done.stderr
    assert "staff\n  info     target: can be reached" in done.stdout
    assert "wrong" not in done.stdout


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: path.unlink(), "ServerDown: the database file of url under [connectivity] is not there"),
        (lambda path: path.write_bytes(b"no database" * 500), "is no SQLite database"),
    ],
)
def test_a_target_that_cannot_be_used_is_an_error_with_a_way_out_and_ends_with_1(
    staff: Any, damage: Any, told: str
) -> None:
    damage(staff.database)
    done = staff.command("check")
    assert (done.returncode, done.stderr) == (1, "")
    _, error, remedy = done.stdout.splitlines()
    assert error.startswith("  error    target: ")
    assert told in error
    assert remedy.strip().startswith("-> ")


def test_an_unknown_connector_and_a_home_without_any_are_told(place: Any) -> None:
    done = place.command("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no connector is configured; make one with: ecmahost init --connector NAME --type TYPE" in done.stdout
    done = place.command("check", "hr")
    assert done.returncode == 1
    assert "there is no connector hr (configured: none)" in done.stderr


def test_a_certificate_that_is_not_its_keys_is_a_mistake(staff: Any) -> None:
    (staff.path / "certificate.key").unlink()
    done = staff.command("check")
    assert done.returncode == 3
    assert "certificate.key" in done.stderr
    assert "ecmahost certificate create --force" in done.stderr


@pytest.fixture
def serve(staff: Any) -> Any:
    """Puts a certificate with so many days left into the home."""

    def put(days: float, names: tuple[str, ...] = ("localhost",)) -> Any:
        made = datetime.now(UTC) - timedelta(days=730 - days)
        pair = new_pair(KeyType.ECDSA_P256, names, made)
        write_pair(staff.path / "certificate.pem", staff.path / "certificate.key", pair)
        return staff

    return put


def test_a_certificate_that_clients_refuse_is_an_error_and_ends_with_1(serve: Any) -> None:
    done = serve(-3).command("check")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("the host itself\n  error    certificate: it expired on ")
    assert "-> renew it: ecmahost certificate create --force" in done.stdout
    assert "\nstaff\n  info     target: can be reached" in done.stdout


@pytest.mark.parametrize(("days", "told"), [(59.5, "in 59 days"), (29.5, "in 29 days"), (6.5, "in 6 days")])
def test_a_certificate_that_ends_soon_is_a_warning(days: float, told: str, serve: Any) -> None:
    done = serve(days).command("check", "--json")
    assert done.returncode == 0
    (found,) = json.loads(done.stdout)["host"]
    assert (found["severity"], found["subject"]) == ("warning", "certificate")
    assert told in found["message"]


def test_a_key_that_everybody_can_read_is_an_error(staff: Any) -> None:
    (staff.path / "certificate.key").chmod(0o644)
    done = staff.command("check")
    assert done.returncode == 1
    assert "  error    certificate.key: every account of this machine can read the key" in done.stdout


def test_the_json_document_has_problems_and_findings(place: Any) -> None:
    place.connector("wrong", target='target = "Staf"')
    done = place.command("check", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (3, "")
    (problem,) = document["problems"]
    assert (problem["table"], problem["key"], problem["found"]) == ("object_types.User", "target", "'Staf'")


@pytest.mark.parametrize(
    ("line", "written", "subject", "told"),
    [
        ("secret_tokens", "secret_tokens = []", "secret_tokens", "no secret token that is still good"),
        ("query_attributes", "query_attributes = []", "Staff.Login", "is no query attribute"),
        ("userName", 'nickName = "Login"', "[schema_mapping.User]", "userName is not mapped"),
        ("anchor", 'anchor = "Room"', "Staff.Room", "the anchor is not mapped"),
    ],
)
def test_what_only_the_host_can_know_is_a_warning(place: Any, line: str, written: str, subject: str, told: str) -> None:
    place.connector("staff", **{line: written})
    severity, message = findings(place)[subject]
    assert severity == "warning"
    assert told in message


def test_flows_that_leave_the_target_alone_are_mentioned(place: Any) -> None:
    place.connector("staff", disable='disable = "none"', delete='delete = "none"')
    messages = [message for _, message in findings(place).values()]
    assert sum("stays in the target" in message or "changes nothing" in message for message in messages) == 1
    done = place.command("check", "staff")
    assert done.returncode == 0
    assert "disabling a person in Entra changes nothing in the target" in done.stdout
    assert "a person who is deleted in Entra stays in the target" in done.stdout


def test_a_text_that_says_neither_true_nor_false_would_disable_people_and_is_an_error(staff: Any) -> None:
    staff.connector("staff", disable='disable = { set = "Room" }')
    assert "Staff.Room" not in findings(staff)
    staff.execute("UPDATE Staff SET Room = 'ja' WHERE Number = 3; UPDATE Staff SET Room = 'True' WHERE Number = 4")
    severity, message = findings(staff)["Staff.Room"]
    assert severity == "error"
    assert "for 1 of its 60 objects it says neither true nor false (the first: 3)" in message
    assert "ja" not in message.split()
    assert staff.command("check").returncode == 1


def test_objects_that_an_import_could_not_read_are_counted_with_the_first_reason(staff: Any) -> None:
    staff.execute("UPDATE Staff SET Active = 'perhaps' WHERE Number > 40")
    severity, message = findings(staff)["Staff"]
    assert severity == "warning"
    assert message.startswith("20 of its 60 objects cannot be read, the first because: ")


@pytest.mark.parametrize(
    ("attributes", "subject", "told"),
    [
        (
            '{"Login": ("ann",), "Room": (), "Active": ("True",)}',
            "Staff.Active",
            "yields str where Boolean was asked for",
        ),
        ('{"Login": ("ann",), "Active": (True,)}', "Staff.Room", "leaves this attribute out"),
        ('{"Login": (True,), "Room": (), "Active": ()}', "Staff.Login", "yields bool where String was asked for"),
    ],
)
def test_a_plugin_whose_import_does_not_keep_its_own_schema_is_an_error(
    place: Any, tmp_path: Path, attributes: str, subject: str, told: str
) -> None:
    metadata = tmp_path / "site" / "ecmahost_odd-1.0.dist-info"
    metadata.mkdir(parents=True)
    (tmp_path / "site" / "ecmahost_odd.py").write_text(PLUGIN.replace("ATTRIBUTES", attributes))
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ecmahost-odd\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[ecmahost.connectors]\nodd = ecmahost_odd\n")
    place.environment["PYTHONPATH"] = str(tmp_path / "site")
    mapping = '"name.familyName" = "Room"'
    place.connector("staff", type='type = "odd"', url="", anchor='anchor = "Login"', **{'"name.familyName"': mapping})
    severity, message = findings(place)[subject]
    assert severity == "error"
    assert told in message


def test_a_link_table_that_holds_something_else_than_the_anchor_is_an_error(place: Any) -> None:
    place.execute(
        "CREATE TABLE Teams (Id INTEGER PRIMARY KEY AUTOINCREMENT, Name VARCHAR(40) NOT NULL UNIQUE);"
        "CREATE TABLE TeamMembers (TeamId INTEGER, Number INTEGER, PRIMARY KEY (TeamId, Number));"
    )
    file = place.connector(
        "staff",
        anchor='anchor = "Login"',
        url=f'url = "sqlite:///{place.database}"\n'
        'value_tables = "Teams.members = TeamMembers(TeamId, Number) references Staff"',
    )
    teams = '[object_types.Group]\ntarget = "Teams"\nanchor = "Id"\n[schema_mapping.Group]\ndisplayName = "Name"\n'
    file.write_text(f'{file.read_text()}\n{teams}members = "members"\n')
    severity, message = findings(place)["TeamMembers.Number"]
    assert (severity, message) == (
        "error",
        "its type is another one than that of the anchor of Staff, which it is to hold",
    )
