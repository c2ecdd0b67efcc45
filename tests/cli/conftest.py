"""Runs the command in this process, with a connector type that is not installed anywhere."""

from collections.abc import Callable, Sequence
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
