"""``ecmahost metrics-token``."""

import pytest

from ecmahost_core.configuration.home import at
from ecmahost_core.configuration.load import load_host
from ecmahost_core.host import open_host


@pytest.fixture
def made(home, run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run("init").exit_code == 0
    home.host_file.write_text("# mine\n[metrics]\nenabled = true\n")
    return home


def accepted(home, token):
    host = open_host(at(home.path), writing=True)
    try:
        return host.accepts_metrics(token), host.accepts_admin(token)
    finally:
        host.close()


def test_the_token_is_printed_once_opens_the_metrics_and_nothing_else(made, run):
    done = run("metrics-token")
    assert done.exit_code == 0, done.output
    token = done.stdout.strip()
    text = made.host_file.read_text()
    assert text.startswith("# mine\n[metrics]\nenabled = true\n")
    assert token not in text
    assert "[metrics] in" not in done.stderr
    assert accepted(made, token) == (True, False)
    admin = run("admin-token").stdout.strip()
    made.host_file.write_text(made.host_file.read_text().replace("[admin]", "[admin]\nenabled = true"))
    assert accepted(made, admin) == (False, True)
    assert accepted(made, token) == (True, False)


def test_it_is_replaced_only_on_purpose(made, run):
    first = run("metrics-token").stdout.strip()
    assert run("metrics-token").exit_code == 1
    second = run("metrics-token", "--rotate", "--keep-old").stdout.strip()
    assert [accepted(made, one)[0] for one in (first, second)] == [True, True]
    third = run("metrics-token", "--rotate").stdout.strip()
    assert [accepted(made, one)[0] for one in (first, second, third)] == [False, False, True]
    assert run("metrics-token", "--keep-old").exit_code == 2


def test_where_the_metrics_are_off_it_says_how_they_are_switched_on(made, run):
    made.host_file.write_text("[host]\nport = 0\n")
    done = run("metrics-token")
    assert "enabled = true under [metrics]" in done.stderr
    assert not accepted(made, done.stdout.strip())[0]
    assert len(load_host(made).metrics_tokens) == 1
