"""A client of one connector, and what it is answered."""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def resources(self) -> list[dict[str, Any]]:
        assert self.status == 200, self
        found: list[dict[str, Any]] = self.json["Resources"]
        return found

    @property
    def version(self) -> str:
        return str(self.json["meta"]["version"])


class Client:
    """One keep-alive connection to one connector. A connection that breaks raises; nothing is sent twice by itself."""

    def __init__(self, port: int, connector: str, token: str, context: ssl.SSLContext, timeout: float = 60) -> None:
        self.port, self.connector, self.token = port, connector, token
        self.base = f"/ecma2host_{connector}/scim"
        self._context, self._timeout = context, timeout
        self._connection: http.client.HTTPSConnection | None = None

    def connect(self) -> http.client.HTTPSConnection:
        connection = self._connection
        if connection is None:
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=self._timeout, context=self._context
            )
            self._connection = connection
            connection.connect()
        return connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _forget(self, connection: http.client.HTTPSConnection) -> None:
        connection.close()  # somebody who ends the host may have forgotten it already
        self.close()

    def send(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Sends a request as it stands, to the root of the host."""
        connection = self.connect()
        try:
            connection.request(method, url, body, dict(headers))
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException):
            self._forget(connection)
            raise
        except AttributeError as error:
            # Whoever ends the host closes the connection, which takes its socket away in the middle of a request.
            if connection.sock is not None:
                raise
            self._forget(connection)
            raise http.client.NotConnected("the connection was closed in the middle of a request") from error
        if response.will_close:
            self.close()
        return answer

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, *, fault: bool = False
    ) -> Answer:
        """Sends a SCIM request; a body that is bytes goes as it is. 500 fails the test unless it was asked for."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/scim+json; charset=utf-8")
        answer = self.send(method, f"{self.base}{path}", content, sent)
        assert fault or answer.status != 500, answer
        assert answer.status == 304 or answer.headers["Content-Type"] == "application/scim+json", answer
        assert answer.headers["X-Request-Id"], answer
        if answer.status >= 400 and method != "HEAD":
            assert answer.json["status"] == str(answer.status), answer
            assert "Error" in answer.json["schemas"][0], answer
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) > 0, answer
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def search(self, text: str, **parameters: object) -> Answer:
        """Sends a filter, and what else the query takes."""
        more = "".join(f"&{name}={value}" for name, value in parameters.items())
        return self.get(f"/Users?filter={quote(text, safe='')}{more}")

    def match(self, value: str, attribute: str = "userName") -> Answer:
        """Looks for a user as Entra does before it creates one."""
        return self.search(f"{attribute} eq {json.dumps(value)}")

    def matched(self, value: str, attribute: str = "userName") -> list[dict[str, Any]]:
        return self.match(value, attribute).resources

    def create(self, user: Mapping[str, Any]) -> Answer:
        return self.request("POST", "/Users", user)

    def created(self, user: Mapping[str, Any]) -> str:
        """Creates a user and returns the id."""
        answer = self.create(user)
        assert answer.status == 201, answer
        return str(answer.json["id"])

    def user(self, object_id: str) -> Answer:
        return self.get(f"/Users/{object_id}")

    def patch(self, object_id: str, *operations: Mapping[str, Any]) -> Answer:
        return self.request("PATCH", f"/Users/{object_id}", {"schemas": [PATCH_OP], "Operations": list(operations)})

    def put(self, object_id: str, user: Mapping[str, Any]) -> Answer:
        return self.request("PUT", f"/Users/{object_id}", user)

    def delete(self, object_id: str) -> Answer:
        return self.request("DELETE", f"/Users/{object_id}")
