"""A host without processes: the example that maps everything, its database, and the application in this process."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner
from flask import Flask

from ecmahost_core.cli import cli
from ecmahost_core.configuration import home as homes
from ecmahost_core.configuration import secrets, tokens
from ecmahost_core.host import Host, open_host
from ecmahost_core.sync.importing.imports import full_import
from ecmahost_core.web.app import create_app

EXAMPLES = Path(__file__).parents[3] / "examples" / "configurations"
NAME = "complete"
PATH = f"/ecma2host_{NAME}/scim"
BODY_LIMIT = 200_000


@dataclass(frozen=True)
class Served:
    """The application that serves the connector, and what opens its door.

    Attributes:
        host: what the application serves.
        app: the application itself.
        database: the target.
    """

    host: Host
    app: Flask
    database: Path

    @property
    def headers(self) -> dict[str, str]:
        """With a new token, good for an hour."""
        key = secrets.load_keys(self.host.home).token
        return {"Authorization": f"Bearer {tokens.mint(key, NAME, timedelta(minutes=59), datetime.now(UTC))}"}


def make_home(path: Path) -> None:
    """Makes a home as ``ecmahost init`` does, with the example and its empty database."""
    done = CliRunner().invoke(cli, ["--home", str(path), "init"])
    if done.exit_code:
        raise RuntimeError(done.output)
    (path / "ecmahost.toml").write_text(f"[host]\nbody_limit = {BODY_LIMIT}\n")
    connector = path / "connectors.d" / f"{NAME}.toml"
    shutil.copy(EXAMPLES / f"{NAME}.toml", connector)
    connector.chmod(0o600)
    with closing(sqlite3.connect(path / f"{NAME}.db")) as database:
        database.executescript((EXAMPLES / f"{NAME}.sql").read_text(encoding="utf-8"))


@contextmanager
def serving(path: Path) -> Iterator[Served]:
    """Yields the host of a home, imported, so that it answers. The home is the working directory meanwhile."""
    home = homes.at(path)
    before = Path.cwd()
    os.chdir(path)  # the example names its database as it lies in the home
    try:
        with closing(open_host(home, writing=True)) as host:
            full_import(host.endpoints[NAME])
            yield Served(host, create_app(host), path / f"{NAME}.db")
    finally:
        os.chdir(before)
