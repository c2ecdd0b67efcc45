"""``ecmahost admin-token``."""

import stat

import pytest

from ecmahost_core.configuration.home import at
from ecmahost_core.configuration.load import load_host
from ecmahost_core.host import open_host


@pytest.fixture
def made(home, run):
    assert run("init").exit_code == 0
    home.host_file.write_text("# mine\n[host]\nport = 0 # any\n")
    home.host_file.chmod(0o640)
    return home


def test_the_token_is_printed_once_and_its_hmac_kept(made, run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = run("admin-token")
    assert done.exit_code == 0, done.output
    token = done.stdout.strip()
    text = made.host_file.read_text()
    assert token not in text
    assert text.startswith("# mine\n[host]\nport = 0 # any\n")
    assert stat.S_IMODE(made.host_file.stat().st_mode) == 0o640
    assert "enabled = true" in done.stderr
    assert len(load_host(made).admin_tokens) == 1
    assert not _accepts(made, token)  # it is not enabled
    made.host_file.write_text(text.replace("[admin]", "[admin]\nenabled = true"))
    assert _accepts(made, token)
    assert not _accepts(made, token[:-1])


def test_a_token_is_replaced_only_on_purpose(made, run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    made.host_file.write_text("[admin]\nenabled = true\n")
    first = run("admin-token").stdout.strip()
    refused = run("admin-token")
    assert refused.exit_code == 1
    assert "--rotate" in refused.stderr
    second = run("admin-token", "--rotate", "--keep-old").stdout.strip()
    assert [_accepts(made, one) for one in (first, second)] == [True, True]
    third = run("admin-token", "--rotate").stdout.strip()
    assert [_accepts(made, one) for one in (first, second, third)] == [False, False, True]
    assert run("admin-token", "--keep-old").exit_code == 2


def test_a_file_with_mistakes_is_left_alone(made, run):
    made.host_file.write_text('[admin]\ntokens = ["hmac:short"]\nenabled = "yes"\n')
    done = run("admin-token", "--rotate")
    assert done.exit_code == 3
    assert "ecmahost admin-token" in done.stderr
    assert "short" not in done.stderr
    assert made.host_file.read_text().endswith('enabled = "yes"\n')


def test_without_a_home_there_is_nothing_to_open(run):
    assert run("admin-token").exit_code == 3


def _accepts(home, token):
    host = open_host(at(home.path), writing=True)
    try:
        return host.accepts_admin(token)
    finally:
        host.close()
