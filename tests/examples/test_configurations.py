"""The example configurations: read, checked against the tables beside them, and rehearsed."""

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CONFIGURATIONS = Path(__file__).parents[2] / "examples" / "configurations"
PASSWORD = "p;w}d {x=1"
"""Of the roles of the tests' server."""
IN_SQLITE = {
    "staff": "INSERT INTO Staff (Login, FirstName) VALUES ('ann@example.com', 'Ann')",
    "complete": "INSERT INTO Users (UserName, GivenName) VALUES ('ann@example.com', 'Ann')",
}
"""What puts somebody into the tables of the examples in SQLite."""
IN_POSTGRESQL = {
    "hr": (
        "hr",
        """INSERT INTO "Employees" ("Login", "LastName", "Notes") VALUES ('ann@example.com', 'Lee', 'canary')""",
    ),
    "teams": ("provisioning", """INSERT INTO "Users" ("Login", "FullName") VALUES ('ann@example.com', 'Ann Lee')"""),
}
"""The role that an example connects as, and what puts somebody into its tables."""
NAMES = sorted(path.stem for path in CONFIGURATIONS.glob("*.toml"))


@pytest.fixture
def home(environment: Any, request: pytest.FixtureRequest) -> Any:
    """A home with one of the configurations, ``request.param``, and its target."""
    name = request.param
    shutil.copy(CONFIGURATIONS / f"{name}.toml", environment.home / "connectors.d")
    if name in IN_SQLITE:
        with contextlib.closing(sqlite3.connect(environment.home / f"{name}.db")) as database:
            database.executescript(tables_of(name))
            database.execute(IN_SQLITE[name])
            database.commit()
    elif name in IN_POSTGRESQL:
        server_of: Callable[[str], Any] = request.getfixturevalue("server_of")
        fill(server_of("postgresql"), environment.home, name)
    else:
        shutil.copytree(CONFIGURATIONS / name, environment.home / name)
    return environment


def tables_of(name: str) -> str:
    return (CONFIGURATIONS / f"{name}.sql").read_text(encoding="utf-8")


def fill(server: Any, home: Path, name: str) -> None:
    """Makes the tables of an example, and the files with which it connects."""
    role, statement = IN_POSTGRESQL[name]
    made = server.fresh_database()
    with contextlib.closing(server.connect(made)) as database:
        if not database.execute("SELECT 1 FROM pg_roles WHERE rolname = ?", role).fetchall():
            database.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
        database.execute(tables_of(name))
        database.execute(statement)
    for file, text in {
        f"{name}.connection": server.connection_string(made, login=f"UID={role}"),
        f"{name}.password": PASSWORD,
    }.items():
        (home / file).write_text(text + "\n")
        (home / file).chmod(0o600)


@pytest.mark.parametrize("home", NAMES, indirect=True)
def test_an_example_fits_its_table_and_what_is_there_is_imported(home: Any, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.params["home"]
    checked = home.run("check", name, "--json")
    document = json.loads(checked.stdout)
    assert (checked.returncode, document["problems"]) == (0, []), checked.stderr
    assert {each["subject"] for each in document["connectors"][name] if each["severity"] != "info"} <= {"secret_tokens"}
    imported = home.run("import", name, "--json")
    assert imported.returncode == 0, imported.stderr
    assert json.loads(imported.stdout)["added"] == (4 if name == "club" else 1), "who is in the example's own files"
    known = home.run("objects", name, "--json").stdout
    assert "ann@example.com" in known
    assert "canary" not in known, "a column that is not selected"


@pytest.mark.parametrize("home", IN_SQLITE, indirect=True)
def test_a_rehearsal_of_the_example_is_green(home: Any, request: pytest.FixtureRequest) -> None:
    with home.serving():
        done = home.run("rehearse", request.node.callspec.params["home"])
    assert done.returncode == 0, done.stdout + done.stderr + home.log()


def test_every_example_is_described() -> None:
    text = (CONFIGURATIONS / "README.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"[{name}.toml]({name}.toml)" in text
        beside = name if (CONFIGURATIONS / name).is_dir() else f"{name}.sql"
        assert f"[{beside}]({beside})" in text
