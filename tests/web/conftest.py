"""The application over a target in memory and a real store, asked through Flask's test client."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ecmahost_core.configuration.certificates.condition import Condition
from ecmahost_core.configuration.model import HostConfiguration, Properties, TokenHash
from ecmahost_core.configuration.tokens import PREFIX, accepts, hash_token
from ecmahost_core.metrics.meter import Meter
from ecmahost_core.scim import urns
from ecmahost_core.space.steadiness import Clock
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.web.app import create_app

KEY = b"k" * 32
TOKENS = {"hr": "token-of-hr-000001", "it": "token-of-it-000002", "broken": "token-of-broken-03"}
BODY_LIMIT = 10_000


def _in_memory() -> ModuleType:
    name = "ecmahost_tests_in_memory"
    if name not in sys.modules:
        spec = spec_from_file_location(name, Path(__file__).parent.parent / "sync" / "in_memory.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def memory() -> ModuleType:
    return _in_memory()


@dataclass
class Site:
    """What a host offers the application."""

    configuration: HostConfiguration
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    store_trouble: str = ""
    certificate: Condition = field(default_factory=lambda: Condition("there is none", None))
    cursor_secret: bytes = b"c" * 32
    meter: Meter = field(default_factory=Meter)

    @property
    def epoch(self) -> str:
        return str(next(iter(self.endpoints.values())).store.epoch)

    def accepts(self, connector: str, token: str) -> bool:
        hashed = TokenHash(hash_token(KEY, TOKENS[connector]).removeprefix(PREFIX))
        return accepts(KEY, Properties(connector, "", "memory", tokens=(hashed,)), token, datetime.now(UTC))


class Client:
    """Asks as Entra does; ``answer.json`` of every answer with a body has been looked at."""

    def __init__(self, site: Site) -> None:
        self.app = create_app(site)
        self._client = self.app.test_client()

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = TOKENS["hr"], base: str = "", **more: Any
    ) -> Any:
        headers = {**more.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if isinstance(body, dict | list):
            more["json"] = body
            headers.setdefault("Content-Type", "application/scim+json; charset=utf-8")
        elif body is not None:
            more["data"] = body
        url = f"{base or '/ecma2host_hr/scim'}{path}"
        answer = self._client.open(url, method=method, headers=headers, **more)
        # RFC 9110 section 15.4.5: what is not sent again has no media type.
        assert answer.mimetype == (None if answer.status_code == 304 else "application/scim+json"), answer
        assert answer.headers["X-Request-Id"]
        if answer.status_code >= 400 and method != "HEAD":
            error = answer.get_json()
            assert error["schemas"] == [urns.ERROR]
            assert error["status"] == str(answer.status_code)
            assert error["detail"]
        return answer

    def get(self, path: str, **more: Any) -> Any:
        return self.ask("GET", path, **more)

    def post(self, path: str, body: Any, **more: Any) -> Any:
        return self.ask("POST", path, body, **more)

    def patch(self, path: str, *operations: Mapping[str, Any], **more: Any) -> Any:
        return self.ask("PATCH", path, {"schemas": [urns.PATCH_OP], "Operations": list(operations)}, **more)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Any]:
    with _in_memory().desk_in(tmp_path) as desk:
        yield desk


@pytest.fixture
def site(desk: Any, tmp_path: Path) -> Site:
    """A site with the connector ``hr``, which has been imported, and the connector ``broken``, which cannot be used."""
    desk.ready(disable="Enabled")
    configuration = HostConfiguration(
        tmp_path, "127.0.0.1", 0, tmp_path / "c", tmp_path / "k", 1, "info", request_budget=5.0, body_limit=BODY_LIMIT
    )
    return Site(
        configuration, {"hr": desk.endpoint}, {"broken": "a plugin that nobody can load"}, meter=desk.endpoint.meter
    )


@pytest.fixture
def client(site: Site) -> Client:
    return Client(site)
