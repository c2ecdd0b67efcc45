"""Entra's part played against every kind of target, as each application of the portal that fits the connector."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
        target.path.write_text(",".join(f'"{name}"' for name in names) + "\n", encoding="utf-8")
        return
    target.object_type, target.anchor = "People", "PersonId"
    quote = "`" if kind == "mariadb" else '"'
    columns = {"PersonId": KEYS[kind], "Login": "VARCHAR(100) NOT NULL"}
    columns |= dict.fromkeys(("First Name", "Last Name"), "VARCHAR(50) NOT NULL")
    columns |= {name: f"VARCHAR({length})" for name, length in TEXTS.items()}
    columns |= FORMATS
    columns |= {"Room": "SMALLINT", "Remote": "BOOLEAN", "IsActive": "BOOLEAN DEFAULT TRUE NOT NULL"}
    described = ", ".join(f"{quote}{name}{quote} {column}" for name, column in columns.items())
    target.execute(f"CREATE TABLE {quote}People{quote} ({described})")


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
            home.connect(name, targets[name], mapping=mapping, query="Login")
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
    assert people(scene.targets[f"{kind}{profile}"], kind) == 0


def people(target: Any, kind: str) -> int:
    if kind == "csv":
        return len(target.path.read_text(encoding="utf-8").splitlines()) - 1
    table = "`People`" if kind == "mariadb" else '"People"'
    ((count,),) = target.execute(f"SELECT count(*) FROM {table}")
    return int(count)
