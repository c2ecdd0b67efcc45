"""``ecmahost token``: making and rotating secret tokens."""

import stat
import threading
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import Result

from ecmahost_core.cli import exit_codes
from ecmahost_core.configuration import secrets, tokens
from ecmahost_core.configuration.files import editing
from ecmahost_core.configuration.home import Home
from ecmahost_core.configuration.token_rotation import usable_tokens

Run = Callable[..., Result]


@pytest.fixture
def first(run: Run) -> str:
    """The token that ``init`` printed for the connector ``hr``."""
    token: str = run("init", "--connector", "hr", "--type", "demo").stdout.strip()
    return token


def accepted(home: Home, token: str, now: datetime | None = None) -> bool:
    now = now or datetime.now(UTC)
    document = tomllib.loads(home.connector_file("hr").read_text(encoding="utf-8-sig"))
    return tokens.verify(secrets.load_keys(home).token, usable_tokens(document, now), token, now)


def without_tokens(home: Home) -> list[str]:
    return [line for line in home.connector_file("hr").read_text().splitlines() if not line.startswith("secret_tok")]


def test_a_connector_that_has_a_token_keeps_it_without_rotate(run: Run, home: Home, first: str) -> None:
    before = home.connector_file("hr").read_bytes()
    result = run("token", "hr")
    assert (result.exit_code, result.stdout) == (exit_codes.FAILED, "")
    assert "--rotate" in result.stderr
    assert home.connector_file("hr").read_bytes() == before


def test_rotating_replaces_the_token_and_nothing_else(run: Run, home: Home, first: str) -> None:
    file = home.connector_file("hr")
    file.chmod(0o640)
    before = without_tokens(home)
    result = run("token", "hr", "--rotate")
    new = result.stdout.strip()
    assert result.exit_code == exit_codes.OK
    assert len(new) >= 32
    assert new.isascii()
    assert (accepted(home, new), accepted(home, first)) == (True, False)
    assert without_tokens(home) == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert new not in file.read_text()
    assert "No host serves this home" in result.stderr
    assert new not in result.stderr


def test_the_old_token_can_stay_for_a_while(run: Run, home: Home, first: str) -> None:
    new = run("token", "hr", "--rotate", "--keep-old-for", "7d").stdout.strip()
    later = datetime.now(UTC) + timedelta(days=7)
    assert accepted(home, new)
    assert accepted(home, first, later - timedelta(minutes=1))
    assert not accepted(home, first, later)
    assert accepted(home, new, later)


def test_of_two_tokens_the_newest_stays(run: Run, home: Home, first: str) -> None:
    second = run("token", "hr", "--rotate", "--keep-old-for", "30m").stdout.strip()
    third = run("token", "hr", "--rotate", "--keep-old-for", "12h").stdout.strip()
    assert (accepted(home, first), accepted(home, second), accepted(home, third)) == (False, True, True)


def test_an_old_token_that_expires_sooner_keeps_its_expiry(run: Run, home: Home, first: str) -> None:
    file = home.connector_file("hr")
    soon = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    digest = tokens.hash_token(secrets.load_keys(home).token, first)
    file.write_text(
        file.read_text().replace(f'["{digest}"]', f'[{{ hash = "{digest}", expires = {soon.isoformat()} }}]')
    )
    run("token", "hr", "--rotate", "--keep-old-for", "7d")
    old = tomllib.loads(file.read_text())["properties"]["secret_tokens"][1]
    assert old == {"hash": digest, "expires": soon}


def test_a_connector_without_a_good_token_gets_one_without_rotate(run: Run, home: Home, first: str) -> None:
    file = home.connector_file("hr")
    text = file.read_text()
    line = next(line for line in text.splitlines() if line.startswith("secret_tokens"))
    for replacement in ("", "secret_tokens = []", 'secret_tokens = ["plain-text-token"]'):
        file.write_text(text.replace(line, replacement))
        assert accepted(home, run("token", "hr").stdout.strip())


def test_a_byte_order_mark_and_windows_line_ends_stay(run: Run, home: Home, first: str) -> None:
    file = home.connector_file("hr")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    lines = file.read_bytes().count(b"\n")
    assert accepted(home, run("token", "hr", "--rotate").stdout.strip())
    content = file.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf#")
    assert content.count(b"\r\n") == content.count(b"\n") == lines


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nobody"], exit_codes.FAILED, "init --connector nobody --type TYPE"),
        (["../hr"], exit_codes.USAGE, "ASCII letters and digits"),
        (["hr", "--keep-old-for", "7d"], exit_codes.USAGE, "--rotate"),
        (["hr", "--rotate", "--keep-old-for", "7"], exit_codes.USAGE, "7d"),
        (["hr", "--rotate", "--keep-old-for", "-1d"], exit_codes.USAGE, "7d"),
        (["hr", "--rotate", "--keep-old-for", "367d"], exit_codes.USAGE, "a year"),
        ([], exit_codes.USAGE, "NAME"),
    ],
)
def test_wrong_usage_changes_nothing(
    arguments: list[str], code: int, told: str, run: Run, home: Home, first: str
) -> None:
    before = home.connector_file("hr").read_bytes()
    result = run("token", *arguments)
    assert result.exit_code == code
    assert told in result.stderr
    assert home.connector_file("hr").read_bytes() == before


def test_a_file_that_is_no_toml_is_told_with_exit_code_3(run: Run, home: Home, first: str) -> None:
    home.connector_file("hr").write_text("[properties\n")
    result = run("token", "hr", "--rotate")
    assert result.exit_code == exit_codes.CONFIGURATION
    assert "TOML syntax error at line 1" in result.stderr


def test_without_a_home_it_says_how_to_make_one(run: Run, home: Home) -> None:
    result = run("token", "hr")
    assert result.exit_code == exit_codes.CONFIGURATION
    assert f"ecmahost --home {home.path} init" in result.stderr
    assert not home.path.exists()


def test_of_two_rotations_at_once_none_is_lost(run: Run, home: Home, first: str) -> None:
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(run("token", "hr", "--rotate").stdout.strip()))
    with editing(home):
        thread.start()
        thread.join(0.3)
        assert accepted(home, first)
    thread.join()
    assert accepted(home, results[0])
