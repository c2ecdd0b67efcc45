"""A home directory, its connector files, and the commands that work on it."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ecmahost_host_kit.targets import CsvTarget, Gate, ServerTarget, SqliteTarget, Target

from ecmahost_core.configuration import home as homes
from ecmahost_core.configuration import secrets, tokens

PROGRAMS = Path(__file__).parents[1] / "programs"
MAIN = "from ecmahost_core.cli import main; main()"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

MAPPING = {
    "userName": "UserName",
    "externalId": "ExternalId",
    "displayName": "DisplayName",
    "name.givenName": "GivenName",
    "name.familyName": "FamilyName",
    "title": "Title",
    'emails[type eq "work"].value': "Email",
    'phoneNumbers[type eq "work"].value': "Phone",
    f"{ENTERPRISE}:department": "Department",
    f"{ENTERPRISE}:employeeNumber": "EmployeeNumber",
}
GATE = """
[properties]
instance = "{instance}"
type = "gate"
[connectivity]
directory = "{directory}"
{connectivity}
[run_profiles]
full_import = {{}}
[object_types.User]
target = "Person"
anchor = "UserName"
query_attributes = ["UserName"]
[schema_mapping.User]
userName = "UserName"
title = "Title"
{mapping}
[deprovisioning.User]
disable = {{ set = "IsActive" }}
delete = "delete"
"""


@dataclass
class HomeDirectory:
    """A home, and the commands that work on it."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    server_of: Callable[[str], Any] = lambda kind: None

    def command(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return self.command_in(self.path, *arguments, timeout=timeout)

    def command_in(self, directory: Path, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """The same from another directory: the home need not exist."""
        return subprocess.run(
            [sys.executable, "-P", "-c", MAIN, "--home", str(self.path), *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            cwd=directory,
            env=os.environ | self.environment,
        )

    def settings(self, **host: object) -> None:
        """Writes ``ecmahost.toml``: a free port, and logs at level debug, because nothing secret is in them either."""
        lines = [f"{key} = {value}" for key, value in {"port": 0, "workers": 2, **host}.items()]
        text = "[host]\n" + "\n".join(lines) + '\n[logs]\nlevel = "debug"\n'
        (self.path / "ecmahost.toml").write_text(text)

    def csv(self, name: str) -> CsvTarget:
        target = CsvTarget(self.path / f"{name}.csv")
        self.targets.append(target)
        return target

    def sqlite(self, name: str) -> SqliteTarget:
        target = SqliteTarget(self.path / f"{name}.db")
        self.targets.append(target)
        return target

    def server(self, kind: str, name: str) -> ServerTarget:
        return ServerTarget(self.server_of(kind), self.path / f"{name}.connection")

    def target(self, kind: str, name: str) -> Target:
        if kind in ("postgresql", "mariadb"):
            return self.server(kind, name)
        return self.csv(name) if kind == "csv" else self.sqlite(name)

    def connect(
        self,
        name: str,
        target: Target,
        *,
        properties: str = "",
        disable: str = '{ set = "IsActive" }',
        delete: str = '"delete"',
        mapping: Mapping[str, str] | None = MAPPING,
        query: str = "UserName",
        imports: bool = True,
    ) -> Path:
        """Writes the file of a connector to a target; None as mapping leaves the names to the target."""
        immutable = "anchor_immutable = true" if isinstance(target, SqliteTarget | ServerTarget) else ""
        return self.connector(
            name,
            f"""
[properties]
instance = "{uuid.uuid4()}"
type = "{target.type_name}"
{properties}
[connectivity]
{target.connectivity}
[run_profiles]
{"full_import = { page_size = 1000 }" if imports else ""}
[object_types.User]
target = "{target.object_type}"
anchor = "{target.anchor}"
{immutable}
query_attributes = ["{query}"]
{"" if mapping is None else f"[schema_mapping.User]{chr(10)}{mapping_text(mapping)}"}
[deprovisioning.User]
disable = {disable}
delete = {delete}
""",
        )

    def connector(self, name: str, text: str) -> Path:
        path = self.path / "connectors.d" / f"{name}.toml"
        path.write_text(text)
        path.chmod(0o600)
        return path

    def install(self, module: str, source: str, type_name: str) -> None:
        """Installs a connector package for this home's processes: a module and its metadata on their path."""
        site = self.path / "site"
        metadata = site / f"{module}-1.0.dist-info"
        metadata.mkdir(parents=True, exist_ok=True)
        (site / f"{module}.py").write_text(source)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[ecmahost.connectors]\n{type_name} = {module}\n")
        self.environment["PYTHONPATH"] = str(site)

    def minted(self, name: str, lifetime: float = 3600, *, age: float = 0) -> str:
        """A token as the host's own commands make it, ``age`` seconds ago."""
        key = secrets.load_keys(homes.at(self.path)).token
        now = datetime.now(UTC) - timedelta(seconds=age)
        return tokens.mint(key, name, timedelta(seconds=lifetime), now)

    def close(self) -> None:
        for target in self.targets:
            if isinstance(target, SqliteTarget):
                target.close()


def mapping_text(mapping: Mapping[str, str]) -> str:
    return "\n".join(f"'{path}' = \"{name}\"" for path, name in mapping.items())


def connect_gate(home: HomeDirectory, name: str = "gate", connectivity: str = "", mapping: str = "") -> Gate:
    directory = home.path / f"target.{name}"
    (directory / "objects").mkdir(parents=True)
    home.install("ecmahost_gate", (PROGRAMS / "gate_connector.py").read_text(), "gate")
    text = GATE.format(instance=uuid.uuid4(), directory=directory, connectivity=connectivity, mapping=mapping)
    home.connector(name, text)
    return Gate(directory)
