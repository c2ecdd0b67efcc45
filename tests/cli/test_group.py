"""The group: lazy commands, commands of other packages, exit codes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ecmahost_core.cli import COMMANDS, cli, exit_codes
from ecmahost_core.cli.group import CommandGroup
from ecmahost_core.errors import BrokenContract, ConfigurationError, ConfigurationProblem


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a package: a module, and its entry points in ``ecmahost.commands``."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(package: str, source: str, **commands: str) -> None:
        (tmp_path / f"{package}.py").write_text(source)
        metadata = tmp_path / f"{package}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {target}" for name, target in commands.items()]
        (metadata / "entry_points.txt").write_text("[ecmahost.commands]\n" + "\n".join(lines) + "\n")

    return install


GOOD = """
import click

@click.command()
@click.pass_obj
def go(context):
    "Goes."
    click.echo(context.home.path)
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_a_command_of_another_package_runs_with_the_context(site: Callable[..., None], tmp_path: Path) -> None:
    site("plug_good", GOOD, wander="plug_good:go")
    assert run("--home", str(tmp_path / "h"), "wander").output == f"{tmp_path / 'h'}\n"
    assert "wander" in run("--help").output


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("raise RuntimeError('canary')", "plug_bad:go", "cannot be loaded: RuntimeError in the package plug_bad"),
        ("raise SystemExit(5)", "plug_bad:go", "cannot be loaded: SystemExit in the package plug_bad"),
        ("import no_such_module", "plug_bad:go", "cannot be loaded: ModuleNotFoundError in the package plug_bad"),
        ("", "plug_bad:go", "cannot be loaded: AttributeError in the package plug_bad"),
        ("go = 5", "plug_bad:go", "is no click command; the package plug_bad is at fault"),
    ],
)
def test_a_broken_command_is_named_and_the_others_work(
    source: str, target: str, told: str, site: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    site("plug_good", GOOD, wander="plug_good:go")
    site("plug_bad", source, broken=target)
    monkeypatch.delitem(sys.modules, "plug_bad", raising=False)
    listed = run("--help")
    assert listed.exit_code == exit_codes.OK
    assert "wander" in listed.output
    assert "broken" in listed.output
    used = run("broken", "--any", "option")
    assert used.exit_code == exit_codes.FAILED
    assert f"the command broken {told}" in used.output
    assert "canary" not in listed.output + used.output
    assert run("wander").exit_code == exit_codes.OK


def test_a_name_that_two_packages_offer_names_both(site: Callable[..., None]) -> None:
    site("plug_one", GOOD, go="plug_one:go")
    site("plug_two", GOOD, go="plug_two:go")
    assert "plug_one, plug_two; uninstall all but one" in run("go").output


def test_the_hosts_own_commands_cannot_be_replaced(site: Callable[..., None]) -> None:
    site("plug_good", GOOD, token="plug_good:go")
    assert "Make a secret token" in run("token", "--help").output


def test_a_package_with_unreadable_metadata_stops_nobody(site: Callable[..., None], tmp_path: Path) -> None:
    site("plug_good", GOOD, wander="plug_good:go")
    metadata = tmp_path / "odd-1.0.dist-info"
    metadata.mkdir()
    (metadata / "entry_points.txt").write_bytes(b"[ecmahost.commands]\n\xff\xfe = x\nno equals sign\n")
    assert run("wander").exit_code == exit_codes.OK


def test_every_command_of_the_table_can_be_loaded_and_says_what_it_does() -> None:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.help


def test_running_one_command_imports_no_other() -> None:
    source = (
        "import sys\nfrom ecmahost_core.cli import cli\n"
        "cli(['--version'], standalone_mode=False)\n"
        "slow = ('cryptography', 'marshmallow', 'tomlkit', 'flask', 'rich', 'gunicorn', 'structlog')\n"
        "print([name for name in slow if name in sys.modules])\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def failing(error: BaseException) -> Result:
    group = CommandGroup("ecmahost", table={})

    @group.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(group, ["fail"])


PROBLEMS = (
    ConfigurationProblem("a.toml", "t", "k", "x", "y"),
    ConfigurationProblem("b.toml", "t", "", "", "z\x1b[31m"),
)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (
            ConfigurationError(PROBLEMS),
            exit_codes.CONFIGURATION,
            "a.toml: t.k: found x, expected y\nb.toml: t: expected z?[31m\n",
        ),
        (BrokenContract("p", "h", "s"), exit_codes.FAILED, "Error: plugin 'p', hook 'h': s\n"),
        (OSError(13, "Permission denied", "/x"), exit_codes.FAILED, "Error: /x: Permission denied\n"),
        (click.UsageError("no"), exit_codes.USAGE, "no"),
        (KeyboardInterrupt(), exit_codes.FAILED, "Aborted"),
    ],
)
def test_a_failure_has_its_exit_code_and_its_message(error: BaseException, code: int, told: str) -> None:
    result = failing(error)
    assert result.exit_code == code
    assert told in result.stderr
    assert result.stdout == ""


def test_an_unexpected_exception_is_one_line_without_its_message() -> None:
    result = failing(KeyError("canary"))
    assert result.exit_code == exit_codes.INTERNAL
    assert result.stderr.startswith("internal error: KeyError at ")
    assert "test_group.py:" in result.stderr
    assert result.stderr.count("\n") == 1
    assert "canary" not in result.output


def test_the_help_lists_every_exit_code() -> None:
    lines = run("--help").output
    codes = (exit_codes.OK, exit_codes.FAILED, exit_codes.USAGE, exit_codes.CONFIGURATION, exit_codes.INTERNAL)
    assert all(f"\n    {code} " in lines for code in codes)


def test_the_home_comes_from_the_option_or_the_environment(
    site: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site("plug_good", GOOD, where="plug_good:go")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ECMAHOST_HOME", "relative")
    assert run("where").output == f"{tmp_path / 'relative'}\n"
    assert run("--home", "/other", "where").output == "/other\n"
