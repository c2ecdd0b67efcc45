"""Entra's part played against every kind of target, as each application of the portal that fits the connector.

Each target has groups, which the applications with groups play as well.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ecmahost_host_kit.hosts import RunningHost, launch

KINDS = ("csv", "sqlite", "postgresql", "mariadb")
BADGES = "urn:ietf:params:scim:schemas:extension:Badges:2.0:User"
MAPPING = {
    "userName": "Login",
    "externalId": "Key",
    "name.givenName": "First Name",
    "name.familyName": "Last Name",
    'emails[type eq "work"].value': "E-Mail",
    'phoneNumbers[type eq "work"].value': "Tel",
    'phoneNumbers[type eq "mobile"].value': "Tel 2",
    'addresses[type eq "work"].streetAddress': "Straße",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter": "msDS-Cost:Center",
    f"{BADGES}:Card": "Card",
    f"{BADGES}:Born": "Born",
    f"{BADGES}:Seen": "Seen",
    f"{BADGES}:Rate": "Rate",
    f"{BADGES}:Room": "Room",
    f"{BADGES}:Remote": "Remote",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager": "Boss",
}
TEXTS = {
    "Key": 100,
    "E-Mail": 200,
    "Tel": 40,
    "Tel 2": 40,
    "Straße": 80,
    "msDS-Cost:Center": 12,
}
FORMATS = {"Card": "UUID", "Born": "DATE", "Seen": "TIMESTAMP NULL", "Rate": "DECIMAL(7,3)"}
GROUPS = """
[object_types.Group]
target = "{teams}"
anchor = "{anchor}"
query_attributes = ["Team Name"]
[schema_mapping.Group]
displayName = "Team Name"
externalId = "Key"
members = "members"
[deprovisioning.Group]
delete = "delete"
"""
PLAYED = {"manager", "create group", "same members again", "is member", "rename group", "delete member", "delete group"}
KEYS = {
    "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "postgresql": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "mariadb": "BIGINT AUTO_INCREMENT PRIMARY KEY",
}


def make_people(target: Any, kind: str) -> None:
    """Gives a target people with a key that it makes, where it can, and with names that no program would choose."""
    names = ["Login", "First Name", "Last Name", *TEXTS, *FORMATS, "Room", "Remote", "IsActive"]
    if kind == "csv":
        target.anchor = "Login"
        target.path.write_text(",".join(f'"{name}"' for name in [*names, "Boss"]) + "\n", encoding="utf-8")
        target.path.with_suffix(".groups").write_text("Team Name,Key\nStaff,1\n", encoding="utf-8")
        target.path.with_suffix(".members").write_text("group,member\n", encoding="utf-8")
        return
    target.object_type, target.anchor = "People", "PersonId"
    quote = "`" if kind == "mariadb" else '"'
    columns = {"PersonId": KEYS[kind], "Login": "VARCHAR(100) NOT NULL"}
    columns |= dict.fromkeys(("First Name", "Last Name"), "VARCHAR(50) NOT NULL")
    columns |= {name: f"VARCHAR({length})" for name, length in TEXTS.items()}
    columns |= FORMATS
    columns |= {"Room": "SMALLINT", "Remote": "BOOLEAN", "IsActive": "BOOLEAN DEFAULT TRUE NOT NULL"}
    number = "INTEGER" if kind == "sqlite" else "BIGINT"
    columns |= {"Boss": f"{number} NULL"}
    person, boss = (f"{quote}{name}{quote}" for name in ("PersonId", "Boss"))
    people = f"REFERENCES {quote}People{quote} ({person})"
    _make_table(target, quote, "People", columns, f"FOREIGN KEY ({boss}) {people}")
    teams = {"TeamId": KEYS[kind], "Team Name": "VARCHAR(60) NOT NULL", "Key": "VARCHAR(100)"}
    _make_table(target, quote, "Teams", teams)
    team = f"{quote}TeamId{quote}"
    _make_table(
        target,
        quote,
        "TeamPeople",
        dict.fromkeys(("TeamId", "PersonId"), f"{number} NOT NULL"),
        f"PRIMARY KEY ({team}, {person})",
        f"FOREIGN KEY ({team}) REFERENCES {quote}Teams{quote} ({team})",
        f"FOREIGN KEY ({person}) {people}",
    )
    target.execute(f"INSERT INTO {quote}Teams{quote} ({quote}Team Name{quote}) VALUES ('Staff')")


def _make_table(target: Any, quote: str, name: str, columns: Mapping[str, str], *constraints: str) -> None:
    described = [f"{quote}{column}{quote} {type_}" for column, type_ in columns.items()]
    target.execute(f"CREATE TABLE {quote}{name}{quote} ({', '.join([*described, *constraints])})")


def add_groups(file: Path, target: Any, kind: str) -> None:
    """Lets a connector have the target's groups, and its reference from person to person."""
    text = file.read_text(encoding="utf-8")
    if kind == "csv":
        where = f'''groups_file = "{target.path.with_suffix(".groups")}"
memberships_file = "{target.path.with_suffix(".members")}"'''
        teams, anchor = "Group", "Team Name"
    else:
        where = 'value_tables = "Teams.members = TeamPeople(TeamId, PersonId) references People"'
        teams, anchor = "Teams", "TeamId"
    boss = f'attributes.Boss = {{ type = "Reference", references = "{target.object_type}" }}'
    text = text.replace("[connectivity]\n", f"[connectivity]\n{where}\n", 1)
    text = text.replace('query_attributes = ["Login"]', f'query_attributes = ["Login"]\n{boss}', 1)
    file.write_text(text + GROUPS.format(teams=teams, anchor=anchor), encoding="utf-8")


@dataclass(frozen=True)
class Scene:
    """A running host, and the targets by the names of their connectors."""

    host: RunningHost
    targets: Mapping[str, Any]


@pytest.fixture(scope="module")
def scene(make_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A connector of each profile to a target of each kind."""
    home = make_home(tmp_path_factory.mktemp("rehearsals") / "home")
    targets = {}
    for kind in KINDS:
        for profile, mapping in (("mapped", MAPPING), ("plain", None)):
            name = f"{kind}{profile}"
            targets[name] = home.target(kind, name)
            make_people(targets[name], kind)
            add_groups(home.connect(name, targets[name], mapping=mapping, query="Login"), targets[name], kind)
    host = launch(home)
    try:
        yield Scene(host, targets)
    finally:
        host.kill()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("app", "profile"), [("ecma", "plain"), ("scim", "mapped"), ("nongallery", "mapped")])
def test_a_rehearsal_is_green_in_both_dialects_and_leaves_nobody_behind(
    scene: Scene, kind: str, app: str, profile: str
) -> None:
    done = scene.host.home.command("rehearse", f"{kind}{profile}", "--app", app, "--json", timeout=120)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    faults = [(step["name"], fault) for life in document["lives"] for step in life["steps"] for fault in step["faults"]]
    assert faults == []
    assert (done.returncode, document["outcome"], document["app"]) == (0, "passed", app)
    assert len(document["lives"]) == 2
    assert not [reason for reason in document["not_sent"] if reason["path"].rpartition(":")[2] in TEXTS | FORMATS]
    assert left(scene.targets[f"{kind}{profile}"], kind) == [0, 1, 0]
    played = {step["name"] for step in document["lives"][0]["steps"]}
    assert played & PLAYED == (set() if app == "ecma" else PLAYED)
    assert any("users only" in each["reason"] for each in document["not_sent"]) == (app == "ecma")


def left(target: Any, kind: str) -> list[int]:
    """How many people, groups and memberships there are."""
    if kind == "csv":
        paths = (target.path, target.path.with_suffix(".groups"), target.path.with_suffix(".members"))
        return [len(path.read_text(encoding="utf-8").splitlines()) - 1 for path in paths]
    quote = "`" if kind == "mariadb" else '"'
    tables = ("People", "Teams", "TeamPeople")
    return [int(target.execute(f"SELECT count(*) FROM {quote}{table}{quote}")[0][0]) for table in tables]
