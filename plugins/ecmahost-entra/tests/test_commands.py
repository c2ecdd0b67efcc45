import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ecmahost_entra.commands import TOKEN_VARIABLE, signals_interrupt
from ecmahost_entra.demo_home import claimed, furnish
from ecmahost_entra.serving import run

from ecmahost_core.cli import cli
from ecmahost_core.configuration.home import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    with claimed(tmp_path_factory.mktemp("home")) as made:
        run(made, "init")
        furnish(made, 1)  # a port on which nobody listens
        return made


def rehearse(home: Home, *arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(cli, ["--home", str(home.path), "rehearse", *arguments])


def test_a_host_that_does_not_run_is_a_failed_step_with_the_way_out(home: Home) -> None:
    done = rehearse(home, "hrsql", "--dialect", "default")
    assert done.exit_code == 1
    assert "connection refused" in done.output
    assert "ecmahost serve" in done.output
    assert "41 skipped" in done.output


def test_a_connector_that_is_not_configured_is_a_mistake_that_names_those_that_are(home: Home) -> None:
    done = rehearse(home, "hrsqll")
    assert done.exit_code == 3
    assert "hrsqll.toml" in done.stderr
    assert "hrcsv, hrecma, hrsql" in done.stderr


def test_a_broken_connector_file_is_a_mistake_and_only_its_own_are_told(home: Home) -> None:
    for name in ("bad", "worse"):
        home.connector_file(name).write_text("[properties]\ntype = 7\n", encoding="utf-8")
    try:
        done = rehearse(home, "bad")
    finally:
        for name in ("bad", "worse"):
            home.connector_file(name).unlink()
    assert done.exit_code == 3
    assert "bad.toml" in done.stderr
    assert "worse.toml" not in done.stderr


def test_a_home_that_was_never_made_is_a_mistake(tmp_path: Path) -> None:
    assert rehearse(Home(tmp_path / "none"), "hrsql").exit_code == 3


def test_an_application_that_the_connector_does_not_speak_is_wrong_usage(home: Home) -> None:
    mapped, plain = rehearse(home, "hrcsv", "--app", "ecma"), rehearse(home, "hrecma", "--app", "nongallery")
    assert (mapped.exit_code, plain.exit_code) == (2, 2)
    assert "--app scim or --app nongallery" in mapped.stderr
    assert "--app ecma" in plain.stderr


def test_an_attribute_to_leave_out_that_the_connector_does_not_have_is_wrong_usage(home: Home) -> None:
    done = rehearse(home, "hrsql", "--without", "Titel")
    assert done.exit_code == 2
    assert "'Titel'" in done.stderr


def test_a_target_that_is_not_there_is_told(home: Home) -> None:
    database = home.path / "people.db"
    database.rename(home.path / "moved.db")
    try:
        done = rehearse(home, "hrsql")
    finally:
        (home.path / "moved.db").rename(database)
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert done.stderr


@pytest.mark.parametrize("url", ["http://localhost/scim", "localhost", "https://u:p@localhost/scim"])
def test_a_url_that_is_no_tenant_url_is_wrong_usage(home: Home, url: str) -> None:
    done = rehearse(home, "hrsql", "--url", url)
    assert done.exit_code == 2
    assert "--url" in done.stderr


@pytest.mark.parametrize("content", ["", "two words", "naïve-token-naïve", "a\nb"])
def test_a_file_without_a_token_is_wrong_usage_and_is_not_quoted(home: Home, tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content, encoding="utf-8")
    done = rehearse(home, "hrsql", "--token-file", str(file))
    assert done.exit_code == 2
    assert str(file) in done.stderr
    assert "naïve" not in done.stderr


def test_a_token_comes_from_the_environment(home: Home) -> None:
    done = rehearse(home, "hrsql", **{TOKEN_VARIABLE: "two words"})
    assert done.exit_code == 2
    assert TOKEN_VARIABLE in done.stderr


def test_sigterm_interrupts_only_within() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), signals_interrupt():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
