"""Runs the command in this process, with a connector type that is not installed anywhere, or as people do."""

import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecmahost_core.cli import cli
from ecmahost_core.cli.context import Plugins
from ecmahost_core.configuration.home import Home, at
from ecmahost_core.ecma.parameters import ConfigParameterDefinition, ConfigParameterType


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that has not been made."""
    return at(tmp_path / "home")


@pytest.fixture
def run(home: Home) -> Callable[..., Result]:
    """Runs ``ecmahost --home <home> ...``; the type ``demo`` is installed."""

    def definitions(_type: str) -> Sequence[ConfigParameterDefinition]:
        return (
            ConfigParameterDefinition("url", "Where it is", required=True),
            ConfigParameterDefinition("password", "Password", ConfigParameterType.ENCRYPTED_STRING),
        )

    def invoke(*arguments: str, stdin: str | bytes | None = None) -> Result:
        plugins = Plugins(lambda: ("demo", "sql"), definitions)
        return CliRunner().invoke(cli, ["--home", str(home.path), *arguments], obj=plugins, input=stdin)

    return invoke


MAIN = "from ecmahost_core.cli import main; main()"


@dataclass(frozen=True)
class Workplace:
    """A home that ``init`` has made, used as people do: each command is a process of its own, in a pipe."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-c", MAIN, "--home", str(self.path), *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            env=os.environ | self.environment,
        )

    def connector(self, name: str, **replaced: str) -> Path:
        """Writes the file of a connector to the database of ``staff``; a replacement's key is the line's first word."""
        lines = [
            next((new for key, new in replaced.items() if line.split(" ")[0] == key), line)
            for line in STAFF.format(instance=uuid.uuid4(), database=self.database).splitlines()
        ]
        path = self.path / "connectors.d" / f"{name}.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    @property
    def database(self) -> Path:
        return self.path.parent / "staff.db"

    def execute(self, script: str) -> None:
        with closing(sqlite3.connect(self.database)) as database:
            database.executescript(script)


STAFF = """\
[properties]
instance = "{instance}"
type = "sql"
secret_tokens = ["hmac:{{}}"]
[connectivity]
url = "sqlite:///{database}"
[run_profiles]
full_import = {{ page_size = 20 }}
[object_types.User]
target = "Staff"
anchor = "Number"
query_attributes = ["Login"]
attributes.Room = {{ type = "String" }}
[schema_mapping.User]
userName = "Login"
"name.familyName" = "Name"
[deprovisioning.User]
disable = {{ set = "Active" }}
delete = "delete"
""".replace("{{}}", "0" * 64)

TABLE = """
CREATE TABLE Staff (
    Number INTEGER PRIMARY KEY AUTOINCREMENT, Login VARCHAR(64) NOT NULL UNIQUE COLLATE NOCASE,
    Name TEXT NOT NULL, Room VARCHAR(8), Active BOOLEAN
);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
INSERT INTO Staff (Login, Name, Active) SELECT 'person' || i || '@example.com', 'Müller ' || i, 1 FROM n;
"""


@pytest.fixture(scope="session")
def make_place(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Workplace]:
    """Makes a home without connectors, and a database of sixty people beside it, in a directory."""
    template = tmp_path_factory.mktemp("made") / "home"
    done = Workplace(template).command("init")
    assert done.returncode == 0, done.stderr

    def make(directory: Path) -> Workplace:
        shutil.copytree(template, directory / "home")
        place = Workplace(directory / "home")
        (place.path / "ecmahost.toml").write_text("[host]\nport = 0\n")
        place.execute(TABLE)
        return place

    return make


@pytest.fixture
def place(make_place: Callable[[Path], Workplace], tmp_path: Path) -> Workplace:
    """A home without connectors, and the database."""
    return make_place(tmp_path / "workplace")


@pytest.fixture
def staff(place: Workplace) -> Workplace:
    """The same with the connector ``staff`` to that database."""
    place.connector("staff")
    return place


@pytest.fixture(scope="session")
def imported(make_place: Callable[[Path], Workplace], tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The same after one import; for tests that change nothing."""
    place = make_place(tmp_path_factory.mktemp("imported") / "workplace")
    place.connector("staff")
    done = place.command("import", "staff")
    assert done.returncode == 0, done.stderr
    return place
