"""``ecmahost encrypt``."""

from collections.abc import Callable

import pytest
from click.testing import Result

from ecmahost_core.cli import exit_codes
from ecmahost_core.configuration import secrets
from ecmahost_core.configuration.home import Home

Run = Callable[..., Result]


@pytest.mark.parametrize(
    ("stdin", "secret"),
    [
        ("hunter2\n", "hunter2"),
        ("hunter2", "hunter2"),
        ("hunter2\r\n", "hunter2"),
        (" two lines\n\n", " two lines\n"),
        ("pä\n", "pä"),
    ],
)
def test_what_it_prints_can_be_decrypted_by_this_host(stdin: str, secret: str, run: Run, home: Home) -> None:
    run("init")
    result = run("encrypt", stdin=stdin)
    assert result.exit_code == exit_codes.OK
    assert result.output.startswith("enc:")
    assert secret not in result.output
    assert secrets.decrypt(secrets.load_keys(home), result.stdout.strip()) == secret


@pytest.mark.parametrize(
    ("stdin", "told"),
    [
        ("", "at least one character"),
        ("\n", "at least one character"),
        ("a\0canary", "no NUL"),
        (b"\xffcanary", "not UTF-8"),
        ("canary" * 20_000, "at most 64 KiB"),
    ],
)
def test_what_is_no_secret_is_refused_without_showing_it(stdin: str | bytes, told: str, run: Run) -> None:
    run("init")
    result = run("encrypt", stdin=stdin)
    assert (result.exit_code, result.stdout) == (exit_codes.FAILED, "")
    assert told in result.stderr
    assert "canary" not in result.stderr


def test_it_has_no_argument_that_would_stand_in_the_shells_history(run: Run) -> None:
    run("init")
    assert run("encrypt", "hunter2").exit_code == exit_codes.USAGE


def test_without_a_key_file_it_says_how_to_make_one(run: Run) -> None:
    result = run("encrypt", stdin="hunter2")
    assert result.exit_code == exit_codes.CONFIGURATION
    assert "init makes one" in result.stderr
