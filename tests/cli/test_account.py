"""Root in a home that another account's host uses."""

import os
from collections.abc import Callable

import pytest
from click.testing import Result

from ecmahost_core.cli.account import other_account
from ecmahost_core.configuration.home import Home

SOMEBODY = os.getuid() or 65534


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    """This process is root, and the home is somebody else's."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    home.path.mkdir(parents=True)
    if os.getuid() == 0:
        os.chown(home.path, SOMEBODY, -1)


@pytest.mark.parametrize("arguments", [["serve"], ["import", "hr"]])
def test_what_root_would_make_in_somebody_elses_home_is_not_made(
    run: Callable[..., Result], home: Home, root: None, arguments: list[str]
) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"ecmahost --home {home.path} ..." in result.stderr
    assert f"chown -R root {home.path}" in result.stderr
    assert list(home.path.iterdir()) == []


def test_a_store_that_is_roots_own_is_not_somebody_elses(home: Home, root: None) -> None:
    assert other_account(home) is not None
    home.store.touch()
    os.chown(home.store, os.getuid(), -1)
    assert (other_account(home) is None) == (os.getuid() == 0)


def test_an_ordinary_account_is_never_asked(home: Home, root: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert other_account(home) is None


def test_an_account_without_a_name_is_told_as_sudo_takes_it(
    home: Home, monkeypatch: pytest.MonkeyPatch, root: None
) -> None:
    def unknown(_account: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert other_account(home) == f"#{SOMEBODY}"
