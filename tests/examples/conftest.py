"""The examples, installed by pip into a virtual environment of their own beside the packages under test."""

import os
import shutil
import signal
import site
import subprocess
import sys
import sysconfig
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and a host's home that is used with it."""

    python: Path
    home: Path

    def command(self, *arguments: str) -> list[str]:
        program = "from ecmahost_core.cli import main; main()"
        return [str(self.python), "-P", "-c", program, "--home", str(self.home), *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
        )

    def connector(self, name: str, text: str) -> None:
        """Writes a connector's file; ``{instance}`` is a new one."""
        file = self.home / "connectors.d" / f"{name}.toml"
        file.write_text(text.replace("{instance}", str(uuid.uuid4())), encoding="utf-8")

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Runs the host until the end of the block, from when its port is known."""
        port = self.home / "run" / "port"
        with (self.home / "log").open("wb") as log:
            host = subprocess.Popen(
                self.command("serve"), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            until = time.monotonic() + 60
            while not port.exists():
                assert host.poll() is None, self.log()
                assert time.monotonic() < until, self.log()
                time.sleep(0.05)
            yield
        finally:
            host.terminate()
            with suppress(subprocess.TimeoutExpired):
                host.wait(40)
            with suppress(ProcessLookupError):
                os.killpg(host.pid, signal.SIGKILL)
            host.wait()

    def log(self) -> str:
        return (self.home / "log").read_text(errors="replace")


@pytest.fixture(scope="session")
def make_python(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a virtual environment that also sees what this one has, with the given examples installed by pip."""

    def make(*names: str) -> Path:
        place = tmp_path_factory.mktemp("environment")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place / "venv")], check=True, timeout=120)
        python = place / "venv" / "bin" / "python"
        paths = {"base": str(place / "venv"), "platbase": str(place / "venv")}
        packages = Path(sysconfig.get_path("purelib", vars=paths))
        ours = [path for path in dict.fromkeys([*site.getsitepackages(), *sys.path]) if path.endswith("-packages")]
        # As .pth files: those of editable installations in these directories work too then.
        lines = [f"import site; site.addsitedir({path!r})" for path in ours]
        (packages / "checkout.pth").write_text("\n".join(lines) + "\n")
        for name in names:
            # pip builds in the folder of the source, which is not to be left full of that.
            source = shutil.copytree(
                EXAMPLES / name, place / name, ignore=shutil.ignore_patterns("build", "*.egg-info")
            )
            install(python, "--no-deps", str(source))
        return python

    return make


def install(python: Path, *arguments: str) -> None:
    """Installs offline, with the setuptools that are there."""
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install", "--quiet"]
    options = ["--no-index", "--no-build-isolation"]
    done = subprocess.run([*pip, *options, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def python(make_python: Callable[..., Path]) -> Path:
    """An environment with every example."""
    names: Sequence[str] = sorted(path.parent.name for path in EXAMPLES.glob("*/pyproject.toml"))
    return make_python(*names)


@pytest.fixture
def environment(python: Path, tmp_path: Path) -> Environment:
    """That environment, and a home that ``init`` has made, on any free port."""
    made = Environment(python, tmp_path / "home")
    done = made.run("init")
    assert done.returncode == 0, done.stderr
    (made.home / "ecmahost.toml").write_text("[host]\nport = 0\nworkers = 2\n")
    return made
