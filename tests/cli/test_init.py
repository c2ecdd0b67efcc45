"""``ecmahost init``."""

import stat
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from ecmahost_core.cli import exit_codes
from ecmahost_core.configuration import secrets, tokens
from ecmahost_core.configuration.certificates.pair import certificate_problems
from ecmahost_core.configuration.home import Home
from ecmahost_core.configuration.load import load_connectors, load_host

Run = Callable[..., Result]


def snapshot(home: Home) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mode) for path in home.path.rglob("*") if path.is_file()}


def test_it_makes_a_home_that_loads(run: Run, home: Home) -> None:
    result = run("init")
    assert result.exit_code == exit_codes.OK
    assert result.stdout == ""
    host = load_host(home)
    assert certificate_problems(host.certificate, host.key) == ()
    assert load_connectors(home, lambda _type: (), ()).problems == ()


def test_what_is_secret_is_for_its_owner_only(run: Run, home: Home) -> None:
    run("init", "--connector", "hr", "--type", "demo")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home.path, *home.path.rglob("*"))}
    assert modes == {
        "home": 0o700,
        "connectors.d": 0o700,
        "run": 0o700,
        "configuration.lock": 0o600,
        "hr.toml": 0o600,
        "secret.key": 0o600,
        "certificate.key": 0o600,
        "certificate.pem": 0o644,
        "ecmahost.toml": 0o644,
    }


def test_a_second_run_changes_nothing_and_prints_no_token(run: Run, home: Home) -> None:
    run("init", "--connector", "hr", "--type", "demo")
    before = snapshot(home)
    result = run("init", "--connector", "hr", "--type", "demo")
    assert (result.exit_code, result.stdout) == (exit_codes.OK, "")
    assert snapshot(home) == before
    assert "made" not in result.stderr


def test_the_starter_holds_the_hash_of_the_token_that_is_printed_once(run: Run, home: Home) -> None:
    token = run("init", "--connector", "hr", "--type", "demo").stdout.strip()
    assert len(token) >= 32
    text = home.connector_file("hr").read_text()
    assert token not in text
    properties = tomllib.loads(text)["properties"]
    assert properties["secret_tokens"] == [tokens.hash_token(secrets.load_keys(home).token, token)]
    assert properties["type"] == "demo"
    assert tomllib.loads(text)["connectivity"] == {"url": ""}


def test_two_connectors_get_different_instances_and_tokens(run: Run, home: Home) -> None:
    first, second = (run("init", "--connector", name, "--type", "demo").stdout for name in ("a", "b"))
    assert first != second
    instances = {tomllib.loads(home.connector_file(name).read_text())["properties"]["instance"] for name in "ab"}
    assert len(instances) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--connector", "hr"], exit_codes.USAGE),
        (["--type", "demo"], exit_codes.USAGE),
        (["--connector", "../hr", "--type", "demo"], exit_codes.USAGE),
        (["--connector", "h-r", "--type", "demo"], exit_codes.USAGE),
        (["--connector", "hr", "--type", "dmo"], exit_codes.FAILED),
    ],
)
def test_a_wrong_connector_leaves_nothing_behind(arguments: list[str], code: int, run: Run, home: Home) -> None:
    result = run("init", *arguments)
    assert result.exit_code == code
    assert not home.path.exists()


def test_a_misspelt_type_is_told_with_the_nearest_one(run: Run) -> None:
    assert 'expected "demo"' in run("init", "--connector", "hr", "--type", "dmo").stderr


def test_a_run_that_died_in_the_middle_is_completed(run: Run, home: Home) -> None:
    run("init")
    before = snapshot(home)
    for path in (home.certificate, home.host_file):
        path.unlink()
    assert run("init").exit_code == exit_codes.OK
    after = snapshot(home)
    assert after.keys() == before.keys()
    assert after[home.secret_key] == before[home.secret_key]
    assert after[home.certificate_key] == before[home.certificate_key]
    assert certificate_problems(home.certificate, home.certificate_key) == ()


def test_a_new_key_beside_connectors_says_what_it_voids(run: Run, home: Home) -> None:
    assert "void" not in run("init", "--connector", "hr", "--type", "demo").stderr
    home.secret_key.unlink()
    result = run("init")
    assert result.exit_code == exit_codes.OK
    assert "secret tokens and encrypted secrets were made with another key and are void" in result.stderr
    assert f"ecmahost --home {home.path} token NAME --rotate" in result.stderr


def test_after_a_connectors_file_it_says_what_comes_next(run: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    told = run("init", "--connector", "hr", "--type", "demo").stderr
    assert f"Next: fill in {home.connector_file('hr')}, then: ecmahost --home {home.path} check hr" in told
    monkeypatch.setenv("ECMAHOST_HOME", str(home.path))
    assert "then: ecmahost check it" in run("init", "--connector", "it", "--type", "demo").stderr


def test_it_makes_no_certificate_where_the_settings_name_somebody_elses(run: Run, home: Home) -> None:
    home.path.mkdir()
    home.host_file.write_text('[tls]\ncertificate = "/nonexistent/c.pem"\nkey = "/nonexistent/k.pem"\n')
    assert run("init").exit_code == exit_codes.OK
    assert not home.certificate.exists()


def test_mistakes_in_the_settings_are_told_with_exit_code_3(run: Run, home: Home) -> None:
    home.path.mkdir()
    home.host_file.write_text("[host]\nport = 70000\nprot = 1\n")
    result = run("init")
    assert result.exit_code == exit_codes.CONFIGURATION
    assert result.stderr.count(str(home.host_file) + ": host.") == 2


def test_a_home_that_cannot_be_made_is_told_in_one_line(run: Run, home: Home) -> None:
    home.path.write_text("a file")
    result = run("init")
    assert result.exit_code in (exit_codes.FAILED, exit_codes.USAGE)
    assert str(home.path) in result.stderr
    assert "Traceback" not in result.output
