"""The connectivity table, read by a plugin's declarations."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ecmahost_core.configuration import secrets
from ecmahost_core.configuration.home import Home, at
from ecmahost_core.configuration.load import LoadedConnectors
from ecmahost_core.ecma.parameters import ParameterValue, Secret
from ecmahost_core.errors import ConnectorError

CANARY = "canary-7f3a"
BASE = '[connectivity]\nserver = "dc1"\n'
HOW = '"enc:...", made with: ecmahost encrypt'


@pytest.fixture
def parameters(
    write: Callable[..., None], load: Callable[[], LoadedConnectors]
) -> Callable[[str], Mapping[str, ParameterValue]]:
    def read(table: str) -> Mapping[str, ParameterValue]:
        write(connectivity=table)
        loaded = load()
        assert loaded.problems == ()
        return loaded.configurations[0].connectivity

    return read


def test_defaults_stand_for_what_is_left_out(
    parameters: Callable[[str], Mapping[str, ParameterValue]], keys: secrets.Keys
) -> None:
    read = parameters(BASE + f'password = "{secrets.encrypt(keys, CANARY)}"\n')
    assert {name: value for name, value in read.items() if name != "password"} == {
        "server": "dc1",
        "timeout": "30",
        "binding": "basic",
        "tls": True,
    }


def test_the_parameters_cannot_be_changed(
    parameters: Callable[[str], Mapping[str, ParameterValue]],
) -> None:
    read = parameters(BASE + 'binding = "anonymous"\n')
    with pytest.raises(TypeError):
        read["server"] = "other"  # type: ignore[index]  # that is the point


def test_a_parameter_that_does_not_matter_is_not_required_and_not_read(
    parameters: Callable[[str], Mapping[str, ParameterValue]],
) -> None:
    read = parameters(BASE + 'binding = "anonymous"\npassword = { env = "NOT_SET_ANYWHERE" }\n')
    assert "password" not in read


def test_what_a_parameter_depends_on_may_come_from_the_environment(
    parameters: Callable[[str], Mapping[str, ParameterValue]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECMAHOST_TEST_BINDING", "anonymous")
    assert parameters(BASE + 'binding = { env = "ECMAHOST_TEST_BINDING" }\n')["binding"] == "anonymous"


def test_relative_files_start_at_the_home_directory(
    parameters: Callable[[str], Mapping[str, ParameterValue]], home: Home
) -> None:
    read = parameters(BASE + 'binding = "anonymous"\ntrust = "ca/root.pem"\n')
    assert read["trust"] == str(home.path / "ca" / "root.pem")
    assert parameters(BASE + 'binding = "anonymous"\ntrust = "/etc/ca.pem"\n')["trust"] == "/etc/ca.pem"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("server = 5", 'server: found the number 5, expected a text in quotes: server = "5"'),
        ("server = [1]", "server: found a list, expected a text in quotes"),
        ('server = ""', "server: found an empty text, expected Server, which is required"),
        ('server = "a\\u0000b"', "server: found a text of 3 characters, expected a text without NUL characters"),
        ("server = {}", 'server: found a table, expected { env = "NAME" } or { file = "path" }'),
        ('server = { env = "" }', 'server: expected the environment variable "" to be set for the host\'s process'),
        ('server = { envy = "X" }', "server.envy: found an unknown key, expected the key env"),
        ('server = { env = "A", file = "B" }', 'server: found a table, expected { env = "NAME" } or { file = "path" }'),
        (
            'server = { env = "ECMAHOST_UNSET" }',
            'server: expected the environment variable "ECMAHOST_UNSET" to be set for the host\'s process',
        ),
        ('timeout = "soon"', "timeout: found a text of 4 characters, expected a text that matches [0-9]{1,4}"),
        ('binding = "Basic"', 'binding: found "Basic", expected "basic"'),
        ("binding = true", "binding: found true, expected a text in quotes"),
        ('tls = "yes"', "tls: found a text of 3 characters, expected true or false"),
        ("tls = 1", "tls: found the number 1, expected true or false"),
        ('pasword = "x"', "pasword: found an unknown key, expected the key password"),
        (
            'password = ""',
            (
                f"password: found an empty text, expected an encrypted secret ({HOW}), "
                '{ env = "NAME" } or { file = "path" }'
            ),
        ),
        (
            f'password = "{CANARY}"',
            (
                f"password: found a text of 11 characters in the clear, expected an encrypted secret ({HOW}), "
                '{ env = "NAME" } or { file = "path" }'
            ),
        ),
        (
            'password = "enc:gAAAA"',
            (
                "password: found an encrypted secret, expected one that this host can read: a secret cannot be "
                "decrypted with this host's secret.key; encrypt it again: ecmahost encrypt"
            ),
        ),
        (
            'password = { env = "ECMAHOST_EMPTY" }',
            f"password: found an empty text, expected Password: an encrypted secret ({HOW})",
        ),
    ],
)
def test_a_wrong_parameter_is_told(
    lines: str, told: str, problems: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECMAHOST_EMPTY", "")
    base = {"server": 'server = "dc1"', "binding": 'binding = "anonymous"'}
    if lines.startswith(("password", "binding")):
        del base["binding"]
    base.pop(lines.split(" ", maxsplit=1)[0], None)
    found = problems(connectivity="[connectivity]\n" + "\n".join([*base.values(), lines]) + "\n")
    assert f"connectivity.{told}" in found
    assert CANARY not in "".join(found)


def test_required_parameters_that_are_missing_are_named_by_their_label(problems: Callable[..., list[str]]) -> None:
    assert problems(connectivity="") == [
        "connectivity.server: expected Server, which is required",
        f"connectivity.password: expected Password: an encrypted secret ({HOW})",
    ]


def test_a_connectivity_that_is_no_table_is_told(problems: Callable[..., list[str]], good: dict[str, str]) -> None:
    assert problems(properties=f'connectivity = "{CANARY}"\n{good["properties"]}', connectivity="") == [
        "connectivity: found a text of 11 characters, expected a table"
    ]


def test_a_secret_can_stand_in_three_places_and_is_never_shown(
    write: Callable[..., None],
    load: Callable[[], LoadedConnectors],
    home: Home,
    keys: secrets.Keys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ECMAHOST_TEST_SECRET", CANARY)
    (home.path / "hr.password").write_bytes(CANARY.encode() + b"\r\n")
    write("a", connectivity=BASE + f'password = "{secrets.encrypt(keys, CANARY)}"\n')
    write("b", connectivity=BASE + 'password = { env = "ECMAHOST_TEST_SECRET" }\n')
    write("c", connectivity=BASE + 'password = { file = "hr.password" }\n')
    for name in "abc":
        file = home.connector_file(name)
        file.write_text(file.read_text().replace("9a10", f"9a1{name}"))
    loaded = load()
    assert loaded.problems == ()
    for connector in loaded.configurations:
        password = connector.connectivity["password"]
        assert isinstance(password, Secret)
        assert password.reveal() == CANARY
    assert CANARY not in repr(loaded)
    assert CANARY not in f"{loaded}"


@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"x\n\n", "x\n"), (b" x ", " x "), (b"x\r", "x\r"), (b"x\r\n", "x"), ("pä".encode(), "pä")],
)
def test_one_line_end_at_the_end_of_a_secret_file_is_left_out(
    content: bytes, secret: str, parameters: Callable[[str], Mapping[str, ParameterValue]], home: Home
) -> None:
    (home.path / "s").write_bytes(content)
    password = parameters(BASE + 'password = { file = "s" }\n')["password"]
    assert isinstance(password, Secret)
    assert password.reveal() == secret


def test_a_secret_file_is_read_again_at_each_use(
    parameters: Callable[[str], Mapping[str, ParameterValue]], home: Home
) -> None:
    file = home.path / "s"
    file.write_text("first")
    password = parameters(BASE + 'password = { file = "s" }\n')["password"]
    assert isinstance(password, Secret)
    file.write_text("second")
    assert password.reveal() == "second"


def test_a_secret_file_that_goes_later_fails_the_connector_and_says_that_nothing_was_sent(
    parameters: Callable[[str], Mapping[str, ParameterValue]], home: Home
) -> None:
    file = home.path / "s"
    file.write_text(CANARY)
    password = parameters(BASE + 'password = { file = "s" }\n')["password"]
    assert isinstance(password, Secret)
    file.unlink()
    with pytest.raises(
        ConnectorError, match=r"connectivity\.password: expected the file .* it does not exist"
    ) as raised:
        password.reveal()
    assert raised.value.nothing_sent


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "but it does not exist"),
        (lambda path: path.mkdir(), "but it is not a regular file"),
        (os.mkfifo, "but it is not a regular file"),
        (lambda path: path.write_bytes(b"x" * 70_000), "but it is larger than 64 KiB"),
        (lambda path: path.write_bytes(b"\xff" + CANARY.encode()), "found bytes that are not UTF-8"),
    ],
)
def test_a_secret_file_that_cannot_be_used_is_told_and_never_waited_for(
    make: Callable[[Path], object], why: str, problems: Callable[..., list[str]], home: Home
) -> None:
    make(home.path / "s")
    (line,) = problems(connectivity=BASE + 'password = { file = "s" }\n')
    assert line.startswith("connectivity.password: ")
    assert why in line
    assert CANARY not in line


def test_the_secret_of_another_hosts_key_is_told_without_its_value(
    problems: Callable[..., list[str]], tmp_path: Path
) -> None:
    other = at(tmp_path / "other")
    other.path.mkdir()
    secrets.create_key_file(other)
    encrypted = secrets.encrypt(secrets.load_keys(other), CANARY)
    (line,) = problems(connectivity=BASE + f'password = "{encrypted}"\n')
    assert "found an encrypted secret, expected one that this host can read" in line
    assert encrypted not in line


def test_a_value_from_the_environment_is_never_echoed(
    problems: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECMAHOST_TEST_VALUE", CANARY)
    indirect = '{ env = "ECMAHOST_TEST_VALUE" }'
    found = problems(connectivity=BASE + f"binding = {indirect}\ntimeout = {indirect}\n")
    assert "connectivity.binding: found a text of 11 characters there, expected one of" in "\n".join(found)
    assert CANARY not in "\n".join(found)


def test_an_environment_value_that_is_not_utf_8_is_told(
    problems: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECMAHOST_TEST_VALUE", "\udcff")
    (line,) = problems(connectivity='[connectivity]\nserver = { env = "ECMAHOST_TEST_VALUE" }\nbinding = "anonymous"\n')
    assert "a value that is not UTF-8" in line
