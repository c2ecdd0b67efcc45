"""A host as its users meet it: a home made by ``ecmahost init``, connector files, processes, and clients over TLS."""

import shutil
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _make_kit_importable() -> None:
    """The modules in ``kit`` import each other as a package; the tests folder itself is none."""
    package = ModuleType("ecmahost_host_kit")
    package.__path__ = [str(Path(__file__).with_name("kit"))]
    sys.modules.setdefault(package.__name__, package)


_make_kit_importable()
# They can only be imported now, hence E402.
from ecmahost_host_kit.homes import MAPPING, HomeDirectory, connect_gate  # noqa: E402 - see above
from ecmahost_host_kit.hosts import RunningHost, eventually, launch  # noqa: E402 - see above
from ecmahost_host_kit.targets import Gate, Target, named  # noqa: E402 - see above

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home as ``ecmahost init`` makes it."""
    path = tmp_path_factory.mktemp("template") / "home"
    done = HomeDirectory(path.parent).command("--home", str(path), "init")
    assert done.returncode == 0, done.stderr
    return path


MakeHome = Callable[[Path], HomeDirectory]


@pytest.fixture(scope="session")
def make_home(template: Path, server_of: Callable[[str], Any]) -> Iterator[MakeHome]:
    """Makes a home in a directory that does not exist."""
    made: list[HomeDirectory] = []

    def make(path: Path) -> HomeDirectory:
        shutil.copytree(template, path)
        home = HomeDirectory(path, server_of=server_of)
        home.settings()
        made.append(home)
        return home

    yield make
    for home in made:
        home.close()


@pytest.fixture
def home(make_home: MakeHome, tmp_path: Path) -> HomeDirectory:
    """A home without connectors."""
    return make_home(tmp_path / "home")


Start = Callable[..., RunningHost]


@pytest.fixture(scope="session")
def launch_host() -> Start:
    """Starts a host that the caller has to end."""
    return launch


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts hosts; ends what is left of them after the test."""
    with ExitStack() as stack:

        def started(home: HomeDirectory, **options: bool) -> RunningHost:
            host = launch(home, **options)
            stack.callback(host.kill)
            return host

        yield started


DISABLE_FLOWS = {"None": '"none"', "Set": '{ set = "IsActive" }', "Delete": '"delete"'}
DELETE_FLOWS = DISABLE_FLOWS | {"Set": '{ set = "Terminated", value = "yes" }'}


@dataclass(frozen=True)
class Estate:
    """A host with many connectors, each with a target of its own; shared by all tests that only use it."""

    host: RunningHost
    targets: Mapping[str, Target]


@pytest.fixture(scope="session")
def estate(make_home: MakeHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """Connectors ``csv`` and ``sql``; ``csvNoneSet`` and the like: disable flow, delete flow; ``csvMapped``."""
    home = make_home(tmp_path_factory.mktemp("estate") / "home")
    home.settings(body_limit=65536)
    targets: dict[str, Target] = {}
    for kind in ("csv", "sql"):
        targets[kind] = home.target(kind, kind)
        home.connect(kind, targets[kind])
        targets[f"{kind}Mapped"] = home.target(kind, f"{kind}Mapped")
        home.connect(
            f"{kind}Mapped", targets[f"{kind}Mapped"], disable='"none"', mapping={**MAPPING, "active": "IsActive"}
        )
        for disable, disabling in DISABLE_FLOWS.items():
            for delete, deleting in DELETE_FLOWS.items():
                name = f"{kind}{disable}{delete}"
                targets[name] = home.target(kind, name)
                home.connect(name, targets[name], disable=disabling, delete=deleting)
    host = launch(home)
    try:
        yield Estate(host, targets)
    finally:
        host.kill()


@pytest.fixture(name="named")
def named_fixture() -> Callable[[Target, str], list[dict[str, str]]]:
    """The rows of a person, whatever the case and the blanks behind the name."""
    return named


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., bool]:
    """Whether a condition becomes true within ten seconds, or the number given."""
    return eventually


@pytest.fixture
def gate(home: HomeDirectory) -> Gate:
    """A connector of the home, named ``gate``, whose target can be held up."""
    return connect_gate(home)


@pytest.fixture(name="connect_gate")
def connect_gate_fixture() -> Callable[..., Gate]:
    """Connects a target that can be held up, with more parameters."""
    return connect_gate


@pytest.fixture(params=["csv", "sql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Both targets, one after the other."""
    return str(request.param)


@pytest.fixture
def person() -> dict[str, Any]:
    """Somebody new, as Entra sends them."""
    name = f"p{uuid.uuid4().hex[:12]}@example.com"
    return {
        "schemas": [CORE, ENTERPRISE],
        "externalId": name.split("@", maxsplit=1)[0],
        "userName": name,
        "active": True,
        "displayName": "Ada Lovelace",
        "title": "Countess",
        "emails": [{"primary": True, "type": "work", "value": name}],
        "phoneNumbers": [{"type": "work", "value": "+44 20 7946 0000"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada"},
        ENTERPRISE: {"department": "Engines", "employeeNumber": "0042"},
        "roles": [],
    }
