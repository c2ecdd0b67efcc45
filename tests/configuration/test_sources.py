"""What the connectors' files say: read at one moment, published for all processes, and kept where it was good."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ecmahost_core.configuration.home import Home
from ecmahost_core.configuration.indirect import digest_of, environment_of
from ecmahost_core.configuration.last_good import LastGood
from ecmahost_core.configuration.load import LoadedConnectors
from ecmahost_core.configuration.sources import content_of, publish, published, read_sources

Write = Callable[..., None]


@pytest.fixture
def file(home: Home) -> Path:
    """Where it is published."""
    home.runtime.mkdir(exist_ok=True)
    return home.runtime / "connectors.json"


def test_what_was_published_is_what_the_files_said_then(home: Home, file: Path) -> None:
    good, odd = home.connectors / "hr.toml", home.connectors / "odd\udcff.TOML"
    good.write_bytes(b"\xef\xbb\xbf[properties]\r\n")
    odd.write_bytes(b"\xff\x00")
    (home.connectors / "dir.toml").mkdir()
    (home.connectors / ".hr.toml.swp").write_text("no")
    (home.connectors / "notes.txt").write_text("no")
    before = read_sources(home)
    publish(home, file)
    good.write_text("something else")
    odd.unlink()
    assert published(home, file) == before
    assert content_of(before, "hr") == b"\xef\xbb\xbf[properties]\r\n"
    assert content_of(before, "nobody") == b""
    assert [one.trouble for one in before if one.path.name == "dir.toml"] == ["it is not a regular file"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_directory_that_cannot_be_read_leaves_what_was_published(home: Home, file: Path) -> None:
    (home.connectors / "hr.toml").write_text("[properties]")
    publish(home, file)
    before = published(home, file)
    home.connectors.rename(home.path / "aside")
    with pytest.raises(FileNotFoundError):
        publish(home, file)
    assert published(home, file) == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"hr.toml": 1}', b'{"hr.toml": {"content": "%"}}'])
def test_a_published_file_that_is_damaged_is_refused(home: Home, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(OSError, match="damaged"):
        published(home, file)


def test_the_last_good_content_is_kept_until_the_file_is_removed(tmp_path: Path) -> None:
    kept = LastGood(tmp_path / "run" / "last_good")
    assert kept.content("hr") is None
    kept.keep_only(["hr"])
    kept.keep("hr", b"first")
    kept.keep("it", b"other")
    inode = (tmp_path / "run" / "last_good" / "hr.toml").stat().st_ino
    kept.keep("hr", b"first")
    assert (tmp_path / "run" / "last_good" / "hr.toml").stat().st_ino == inode
    kept.keep("hr", b"second")
    assert kept.content("hr") == b"second"
    assert stat.S_IMODE((tmp_path / "run" / "last_good" / "hr.toml").stat().st_mode) == 0o600
    kept.keep_only(["hr"])
    assert (kept.content("hr"), kept.content("it")) == (b"second", None)


def test_a_copy_that_cannot_be_kept_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "last_good").write_text("not a directory")
    kept = LastGood(tmp_path / "last_good")
    kept.keep("hr", b"first")
    kept.keep_only([])
    assert kept.content("hr") is None


def test_the_digest_changes_with_what_is_pointed_to_and_not_with_what_is_taken_alone(home: Home) -> None:
    (home.path / "password").write_text("one")
    document = {
        "properties": {"type": "sql", "secret_tokens": ["a"], "description": "x"},
        "connectivity": {"password": {"file": "password"}, "user": {"env": "USER"}, "url": "x"},
    }
    before = digest_of(document, home)
    assert environment_of(document) == ("USER",)
    extended = {**document, "extensions": {"audit": {"key": {"env": "AUDIT"}, "file": {"file": "password"}}}}
    assert environment_of(extended) == ("USER", "AUDIT")
    properties = {"type": "sql", "secret_tokens": ["b"], "freshness": "cache", "strict": True}
    assert digest_of({**document, "properties": properties}, home) == before
    assert digest_of({**document, "properties": {**properties, "type": "csv"}}, home) != before
    (home.path / "password").write_text("two")
    after = digest_of(document, home)
    assert after != before
    (home.path / "password").unlink()
    assert digest_of(document, home) not in (before, after)
    strange = {"connectivity": 5, "properties": 7, "extensions": {"a": 1}}
    for odd in ({}, strange, {"connectivity": {"a": {"file": 3}, "b": {}}}):
        assert len(digest_of(odd, home)) == 16


def test_the_tokens_of_a_broken_file_are_known_where_it_is_toml(
    write: Write, load: Callable[[], LoadedConnectors], home: Home
) -> None:
    digest = "hmac:" + "0" * 64
    (home.connectors / "half.toml").write_text(f'[properties]\nsecret_tokens = ["{digest}"]\ntpye = "x"\n')
    (home.connectors / "cut.toml").write_text(f'[properties]\nsecret_tokens = ["{digest}"\n')
    loaded = load()
    assert loaded.broken == ("cut", "half")
    assert {name: len(tokens) for name, tokens in loaded.broken_tokens.items()} == {"half": 1}
