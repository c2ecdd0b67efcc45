"""What would be published: complete, nothing stray in it, and enough to run a host from."""

import email
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from email.message import Message
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
NAMES = ("ecmahost-core", "ecmahost-csv", "ecmahost-sql", "ecmahost-entra")

Sources = Mapping[str, tuple[str, Sequence[str]]]


def package_of(name: str) -> str:
    return name.replace("-", "_")


def modules(name: str, sources: Sources) -> set[str]:
    """The files of a package in the checkout, as a distribution names them."""
    place = CHECKOUT / sources[name][0]
    files = (place / package_of(name)).rglob("*")
    return {str(file.relative_to(place)) for file in files if file.is_file() and "__pycache__" not in file.parts}


def wheel_of(built: Path, name: str) -> Path:
    (wheel,) = built.glob(f"{package_of(name)}-*.whl")
    return wheel


def metadata(built: Path, name: str) -> Message:
    with zipfile.ZipFile(wheel_of(built, name)) as wheel:
        (path,) = (each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(wheel.read(path))


def test_every_plugin_of_the_checkout_is_a_distribution(sources: Sources) -> None:
    plugins = {path.parent.name for path in (CHECKOUT / "plugins").glob("*/pyproject.toml")}
    assert sources.keys() == {"ecmahost-core", *plugins} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_holds_its_package_and_nothing_else(name: str, built: Path, sources: Sources) -> None:
    with zipfile.ZipFile(wheel_of(built, name)) as wheel:
        names = {each for each in wheel.namelist() if not each.endswith("/")}
    information = {each for each in names if each.split("/")[0].endswith(".dist-info")}
    assert names - information == modules(name, sources)
    assert f"{package_of(name)}/py.typed" in names
    assert any(each.endswith("/licenses/LICENSE") for each in information)


def test_installing_from_a_checkout_puts_no_deleted_module_back(tmp_path: Path, sources: Sources) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for part in sources["ecmahost-core"][1]:
        copy = shutil.copytree if (CHECKOUT / part).is_dir() else shutil.copy2
        copy(CHECKOUT / part, checkout / part)
    stale = checkout / "build" / "lib" / "ecmahost_core" / "gone.py"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*pip, "-w", str(tmp_path), str(checkout)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(wheel_of(tmp_path, "ecmahost-core")) as wheel:
        names = wheel.namelist()
    assert "ecmahost_core/host.py" in names
    assert "ecmahost_core/gone.py" not in names


@pytest.mark.parametrize("name", NAMES)
def test_an_sdist_holds_what_it_takes_to_build_and_nothing_stray(name: str, built: Path, sources: Sources) -> None:
    (archive,) = built.glob(f"{package_of(name)}-*.tar.gz")
    with tarfile.open(archive) as sdist:
        names = {member.name.partition("/")[2] for member in sdist if member.isfile()}
    written = {each for each in names if f"{package_of(name)}.egg-info/" in each} | {"PKG-INFO", "setup.cfg"}
    build_files = {part for part in sources[name][1] if part != package_of(name)}
    assert names - written == modules(name, sources) | build_files
    assert {"LICENSE", "README.md", "pyproject.toml"} <= build_files


@pytest.mark.parametrize("name", NAMES)
def test_metadata_says_what_it_is_on_which_python_and_under_which_license(name: str, built: Path) -> None:
    said = metadata(built, name)
    assert said["Name"] == name
    assert said["Summary"]
    assert said["License-Expression"] == "Apache-2.0"
    assert said["Requires-Python"] == ">=3.11"
    assert said["Description-Content-Type"] == "text/markdown"
    assert len(said.get_payload()) > 500
    assert {"Operating System :: POSIX :: Linux", "Typing :: Typed"} <= set(said.get_all("Classifier", []))


@pytest.mark.parametrize("name", NAMES)
def test_every_dependency_has_a_lower_bound_or_is_pinned(name: str, built: Path) -> None:
    requirements = metadata(built, name).get_all("Requires-Dist", [])
    assert requirements
    assert [each for each in requirements if ">=" not in each and "==" not in each] == []


def test_all_distributions_have_one_version_and_one_license(built: Path, sources: Sources) -> None:
    assert len({metadata(built, name)["Version"] for name in NAMES}) == 1
    assert len({(CHECKOUT / place / "LICENSE").read_bytes() for place, _ in sources.values()}) == 1


def test_the_examples_ask_for_the_version_of_the_host_that_there_is(built: Path) -> None:
    for project in CHECKOUT.glob("examples/*/pyproject.toml"):
        needed = tomllib.loads(project.read_text())["project"]["dependencies"]
        (core,) = (each for each in needed if each.startswith("ecmahost-core"))
        assert metadata(built, "ecmahost-core")["Version"].startswith(core.partition(">=")[2])


# From wheels alone ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def environment(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the four wheels; of the one that runs the tests it sees third parties' packages only.

    Plain lines of a .pth file: what editable installations have put beside those packages is not followed.
    """
    place = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True, timeout=120)
    pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "--disable-pip-version-check"]
    wheels = [str(wheel_of(built, name)) for name in NAMES]
    done = subprocess.run(
        [*pip, "install", "--quiet", "--no-index", "--no-deps", *wheels], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)}))
    others = [path for path in sys.path if path.endswith("-packages")]
    (packages / "others.pth").write_text("\n".join(others) + "\n")
    return place


def run(environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        arguments, capture_output=True, text=True, timeout=120, cwd=environment, env=clean, stdin=subprocess.DEVNULL
    )


def test_a_host_runs_from_wheels_alone(environment: Path, tmp_path: Path) -> None:
    command, home = str(environment / "bin" / "ecmahost"), ("--home", str(tmp_path / "home"))
    where = "import ecmahost_core, ecmahost_sql, ecmahost_entra; print(ecmahost_core.__file__, ecmahost_sql.__file__)"
    origins = run(environment, str(environment / "bin" / "python"), "-P", "-c", where)
    assert [Path(each).is_relative_to(environment) for each in origins.stdout.split()] == [True, True], origins.stderr
    listed = run(environment, command, "connectors", "--json")
    states = {row["type"]: row["state"] for row in json.loads(listed.stdout)}
    assert (states["csv"], states["sql"]) == ("ok", "ok")
    made = run(environment, command, *home, "init", "--connector", "hr", "--type", "csv")
    assert made.returncode == 0, made.stderr
    (tmp_path / "people.csv").write_text("Login,Active\nann,true\n")
    file = tmp_path / "home" / "connectors.d" / "hr.toml"
    text = (
        file.read_text()
        .replace('file = ""', f'file = "{tmp_path}/people.csv"')
        .replace('target = ""', 'target = "User"')
    )
    text = text.replace('anchor = ""', 'anchor = "Login"').replace('[""]', '["Login"]')
    file.write_text(text.replace('userName = ""', 'userName = "Login"'))
    checked = run(environment, command, *home, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "can be reached, and its schema fits" in checked.stdout
    assert run(environment, command, "rehearse", "--help").returncode == 0
