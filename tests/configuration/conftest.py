"""A home directory with a key file, and a connector type with one parameter of every kind."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ecmahost_core.configuration import secrets
from ecmahost_core.configuration.home import Home, at
from ecmahost_core.configuration.load import LoadedConnectors, load_connectors
from ecmahost_core.ecma.parameters import ConfigParameterDefinition, ConfigParameterType
from ecmahost_core.errors import EcmahostError

INSTANCE = "6e0c1f7e-3c1c-4b7e-9d52-2f1f6f5d9a10"


class PluginBroken(EcmahostError):
    """What loading a broken plugin gives."""


@pytest.fixture
def definitions() -> tuple[ConfigParameterDefinition, ...]:
    kinds = ConfigParameterType
    return (
        ConfigParameterDefinition("", "Where it is", kinds.LABEL),
        ConfigParameterDefinition("server", "Server", required=True),
        ConfigParameterDefinition("timeout", "Timeout", default="30", validation="[0-9]{1,4}"),
        ConfigParameterDefinition("", "", kinds.DIVIDER),
        ConfigParameterDefinition(
            "binding", "Binding", kinds.DROP_DOWN, default="basic", choices=("basic", "anonymous")
        ),
        ConfigParameterDefinition("user", "User", depends_on=("binding", "basic")),
        ConfigParameterDefinition(
            "password", "Password", kinds.ENCRYPTED_STRING, required=True, depends_on=("binding", "basic")
        ),
        ConfigParameterDefinition("tls", "TLS", kinds.CHECK_BOX, default=True),
        ConfigParameterDefinition("trust", "Trusted certificates", kinds.FILE, depends_on=("tls", True)),
        ConfigParameterDefinition("script", "Script", kinds.TEXT),
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = at(tmp_path / "home")
    made.connectors.mkdir(parents=True)
    secrets.create_key_file(made)
    return made


@pytest.fixture
def keys(home: Home) -> secrets.Keys:
    return secrets.load_keys(home)


@pytest.fixture
def load(home: Home, definitions: Sequence[ConfigParameterDefinition]) -> Callable[[], LoadedConnectors]:
    """Loads the connectors of the home; ``demo`` and ``sql`` are installed, and ``crash`` cannot be loaded."""

    def of_type(name: str) -> Sequence[ConfigParameterDefinition]:
        if name == "crash":
            raise PluginBroken("plugin 'crash': its module raises ZeroDivisionError")
        return definitions

    return lambda: load_connectors(home, of_type, ("crash", "demo", "sql"))


@pytest.fixture
def good(keys: secrets.Keys) -> dict[str, str]:
    """The tables of a good connector file, by name."""
    return {
        "properties": f'[properties]\ninstance = "{INSTANCE}"\ntype = "demo"\n',
        "connectivity": f'[connectivity]\nserver = "dc1"\npassword = "{secrets.encrypt(keys, "canary-secret")}"\n',
        "object_types": '[object_types.User]\ntarget = "People"\nanchor = "Id"\n',
        "schema_mapping": '[schema_mapping.User]\nuserName = "Login"\n',
    }


@pytest.fixture
def write(home: Home, good: dict[str, str]) -> Callable[..., None]:
    """Writes a connector file; keyword arguments replace tables of the good one, or add to it."""

    def file(name: str = "hr", **tables: str) -> None:
        home.connector_file(name).write_text("".join((good | tables).values()), encoding="utf-8")

    return file


@pytest.fixture
def problems(load: Callable[[], LoadedConnectors], write: Callable[..., None]) -> Callable[..., list[str]]:
    """Gives the problems of the good file with other tables, one line each, without the file's path."""

    def lines(**tables: str) -> list[str]:
        write("hr", **tables)
        return [str(problem).partition("hr.toml: ")[2] for problem in load().problems]

    return lines
