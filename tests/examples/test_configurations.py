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
"""Of the role hr of the tests' server."""
IN_SQLITE = {
    "staff": "INSERT INTO Staff (Login, FirstName) VALUES ('ann@example.com', 'Ann')",
    "complete": "INSERT INTO Users (UserName, GivenName) VALUES ('ann@example.com', 'Ann')",
}
"""What puts somebody into the tables of the examples in SQLite."""
NAMES = sorted(path.stem for path in CONFIGURATIONS.glob("*.toml"))


@pytest.fixture
def home(environment: Any, request: pytest.FixtureRequest) -> Any:
    """A home with one of the configurations, ``request.param``, and its target."""
    name = request.param
    shutil.copy(CONFIGURATIONS / f"{name}.toml", environment.home / "connectors.d")
    tables = (CONFIGURATIONS / f"{name}.sql").read_text(encoding="utf-8")
    if name in IN_SQLITE:
        with contextlib.closing(sqlite3.connect(environment.home / f"{name}.db")) as database:
            database.executescript(tables)
            database.execute(IN_SQLITE[name])
            database.commit()
        return environment
    server_of: Callable[[str], Any] = request.getfixturevalue("server_of")
    server = server_of("postgresql")
    made = server.fresh_database()
    with contextlib.closing(server.connect(made)) as database:
        database.execute(tables)
        columns, values = '("Login", "LastName", "Notes")', "('ann@example.com', 'Lee', 'canary')"
        database.execute(f'INSERT INTO "Employees" {columns} VALUES {values}')
    for file, text in {
        "hr.connection": server.connection_string(made, login="UID=hr"),
        "hr.password": PASSWORD,
    }.items():
        (environment.home / file).write_text(text + "\n")
        (environment.home / file).chmod(0o600)
    return environment


@pytest.mark.parametrize("home", NAMES, indirect=True)
def test_an_example_fits_its_table_and_what_is_there_is_imported(home: Any, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.params["home"]
    checked = home.run("check", name, "--json")
    document = json.loads(checked.stdout)
    assert (checked.returncode, document["problems"]) == (0, []), checked.stderr
    assert {each["subject"] for each in document["connectors"][name] if each["severity"] != "info"} <= {"secret_tokens"}
    imported = home.run("import", name, "--json")
    assert (imported.returncode, json.loads(imported.stdout)["added"]) == (0, 1), imported.stderr
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
    assert [name for name in NAMES if f"[{name}.toml]" not in text or f"[{name}.sql]" not in text] == []
