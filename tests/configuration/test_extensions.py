"""``properties.extensions`` and ``[extensions.<name>]``."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ecmahost_core.configuration import secrets
from ecmahost_core.configuration.extensions import OfferedExtensions
from ecmahost_core.configuration.home import Home
from ecmahost_core.configuration.load import LoadedConnectors, load_connectors
from ecmahost_core.ecma.parameters import ConfigParameterDefinition, ConfigParameterType, Secret
from ecmahost_core.errors import EcmahostError

PROPERTIES = '[properties]\ninstance = "6e0c1f7e-3c1c-4b7e-9d52-2f1f6f5d9a10"\ntype = "demo"\n'
AUDIT = (
    ConfigParameterDefinition("file", "File", ConfigParameterType.FILE, required=True),
    ConfigParameterDefinition("token", "Token", ConfigParameterType.ENCRYPTED_STRING),
)


@pytest.fixture
def load(home: Home, definitions: Sequence[ConfigParameterDefinition]) -> Callable[[], LoadedConnectors]:
    """``audit``, ``mask`` (without settings) and ``crash`` (cannot be loaded) are installed."""

    def of_extension(name: str) -> Sequence[ConfigParameterDefinition]:
        if name == "crash":
            raise EcmahostError(CRASH)
        return AUDIT if name == "audit" else ()

    offered = OfferedExtensions(of_extension, ("audit", "crash", "mask"))
    return lambda: load_connectors(home, lambda _type: definitions, ("demo",), offered)


def with_extensions(names: str, tables: str = "") -> dict[str, str]:
    return {"properties": f"{PROPERTIES}extensions = {names}\n", "extensions": tables}


def test_extensions_come_in_the_order_of_the_file_each_with_its_own_settings(
    write: Callable[..., None], load: Callable[[], LoadedConnectors], home: Home, keys: secrets.Keys
) -> None:
    token = secrets.encrypt(keys, "canary-secret")
    write(**with_extensions('["mask", "audit"]', f'[extensions.audit]\nfile = "a.jsonl"\ntoken = "{token}"\n'))
    loaded = load()
    assert loaded.problems == ()
    mask, audit = loaded.configurations[0].extensions
    assert (mask.name, dict(mask.settings)) == ("mask", {})
    assert (audit.name, audit.settings["file"]) == ("audit", str(Path(home.path) / "a.jsonl"))
    assert isinstance(audit.settings["token"], Secret)
    assert audit.settings["token"].reveal() == "canary-secret"
    assert "password" not in audit.settings


def test_without_the_key_there_are_none(write: Callable[..., None], load: Callable[[], LoadedConnectors]) -> None:
    write()
    assert load().configurations[0].extensions == ()


CRASH = "extension 'crash': its module raises ZeroDivisionError"
INSTALLED = 'one of "audit", "crash", "mask"'
CASES = [
    ('["audot"]', "", 'properties.extensions: found "audot", expected an installed extension: "audit"'),
    ('["xyzzy"]', "", f'properties.extensions: found "xyzzy", expected an installed extension: {INSTALLED}'),
    ('["mask", "mask"]', "", 'properties.extensions: found "mask" twice, expected each extension once'),
    ('"mask"', "", "properties.extensions: found a text of 4 characters, expected a list"),
    ('["mask", 1]', "", "properties.extensions[2]: found the number 1, expected a text that is not empty"),
    (
        '["crash"]',
        "",
        f'properties.extensions: found "crash", expected an extension that can be loaded: {CRASH}',
    ),
    ('["audit"]', "", "extensions.audit.file: expected File, which is required"),
    ('["mask"]', "[extensions.mask]\nx = 1\n", "extensions.mask.x: found an unknown key, expected an empty table"),
    ('["mask"]', "[extensions]\nmask = 1\n", "extensions.mask: found the number 1, expected a table"),
    (
        "[]",
        "[extensions.audit]\n",
        'extensions.audit: found settings of an extension that is not used, expected "audit" in properties.extensions',
    ),
]


@pytest.mark.parametrize(("names", "tables", "told"), CASES, ids=[case[2][:70] for case in CASES])
def test_a_mistake_is_told_with_its_place_and_keeps_the_connector_from_being_used(
    names: str, tables: str, told: str, write: Callable[..., None], load: Callable[[], LoadedConnectors]
) -> None:
    write("hr", **with_extensions(names, tables))
    write("other", properties=PROPERTIES.replace("6e0c1f7e", "00000000"))
    loaded = load()
    assert [str(problem).partition("hr.toml: ")[2] for problem in loaded.problems] == [told]
    assert loaded.broken == ("hr",)
    assert [connector.name for connector in loaded.configurations] == ["other"]


def test_extensions_that_are_no_table_are_told(problems: Callable[..., list[str]]) -> None:
    assert problems(properties=f"extensions = 3\n{PROPERTIES}") == ["extensions: found the number 3, expected a table"]


def test_the_settings_of_extensions_are_not_judged_where_the_list_cannot_be_read(
    problems: Callable[..., list[str]],
) -> None:
    (line,) = problems(properties='[properties]\ntype = "demo"\n', extensions="[extensions.audit]\n")
    assert line.startswith("properties.instance: ")


def test_where_none_is_installed_the_message_says_so(
    write: Callable[..., None], home: Home, definitions: Sequence[ConfigParameterDefinition]
) -> None:
    write(**with_extensions('["audit"]'))
    (problem,) = load_connectors(home, lambda _type: definitions, ("demo",)).problems
    assert str(problem).endswith("expected an installed extension; none is installed: pip install one")
