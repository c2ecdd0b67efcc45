"""A host in the tests' own process: the application, and imports as the worker process does them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
from ecmahost_host_kit.clients import Answer
from flask import Flask

from ecmahost_core.configuration import home as homes
from ecmahost_core.host import Host, open_host


class InsideClient:
    """Asks the application without a connection; used as ``Client`` is."""

    def __init__(self, app: Flask, name: str, token: str) -> None:
        self._client = app.test_client()
        self._base = f"/ecma2host_{name}/scim"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}

    def close(self) -> None:
        """Has nothing to close."""

    def request(self, method: str, path: str, body: Any = None) -> Answer:
        data = None if body is None else orjson.dumps(body)
        response = self._client.open(f"{self._base}{path}", method=method, data=data, headers=self._headers)
        assert response.status_code != 500, response.data
        return Answer(response.status_code, response.headers, response.data)

    def get(self, path: str) -> Answer:
        return self.request("GET", path)


@contextmanager
def opened(path: Path) -> Iterator[Host]:
    """Opens what one process needs of a home, for writing."""
    with closing(open_host(homes.at(path), writing=True)) as host:
        yield host
