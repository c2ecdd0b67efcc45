"""``[store]`` of ``ecmahost.toml``."""

from pathlib import Path

import pytest

from ecmahost_core.configuration.home import Home, at
from ecmahost_core.configuration.load import load_host
from ecmahost_core.configuration.secrets import create_key_file, encrypt, load_keys
from ecmahost_core.errors import ConfigurationError

URL = "postgresql://ecmahost:Xyzzy@db.example/ecmahost"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = at(tmp_path)
    create_key_file(home)
    return home


def write(home: Home, store: str) -> None:
    home.host_file.write_text(f"[store]\n{store}\n")


def test_without_a_url_the_space_is_in_the_home(home: Home) -> None:
    home.host_file.write_text("")
    assert load_host(home).server is None
    write(home, "")
    assert load_host(home).server is None


def test_the_url_is_a_secret_from_a_variable_a_file_or_encrypted(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_URL", URL)
    (home.path / "store.url").write_text(f"{URL}\n")
    encrypted = encrypt(load_keys(home), URL)
    for source in ('{ env = "STORE_URL" }', '{ file = "store.url" }', f'"{encrypted}"'):
        write(home, f"url = {source}")
        configuration = load_host(home)
        assert configuration.server is not None
        assert (configuration.server.url.reveal(), configuration.server.schema) == (URL, "ecmahost")
        assert "Xyzzy" not in repr(configuration)
    write(home, 'url = { env = "STORE_URL" }\nschema = "hr_space"')
    configuration = load_host(home)
    assert configuration.server is not None
    assert configuration.server.schema == "hr_space"


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        (f'url = "{URL}"', "in the clear"),
        ('url = { env = "NOT_THERE" }', "NOT_THERE"),
        ('url = { file = "none" }', "readable"),
        ("url = 5", "an encrypted secret"),
        ('schema = "Robert; DROP"', "a-z"),
        ('schema = "ecmahost"\nuri = "x"', "url"),
    ],
)
def test_a_mistake_is_told_without_the_secret(home: Home, store: str, expected: str) -> None:
    write(home, store)
    with pytest.raises(ConfigurationError) as refused:
        load_host(home)
    told = "\n".join(map(str, refused.value.problems))
    assert expected in told
    assert "Xyzzy" not in told
