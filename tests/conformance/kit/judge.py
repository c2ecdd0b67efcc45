"""Sends requests to the application as a WSGI server does, and finds what no answer may be."""

import io
import json
from collections import Counter
from collections.abc import Iterable, MutableMapping
from dataclasses import replace
from typing import Any

import structlog
from ecmahost_conformance_kit.hostile import CURSORS, SOMEBODY, Sent
from ecmahost_conformance_kit.served import PATH, Served

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
MOST_PEOPLE = 60
MOST_BYTES = 5_000_000
NAMED = (501, 503, 507)
"""What may be answered beyond 499: what is not offered, and a target or a store that is away or full."""


class Wrong(AssertionError):
    """An answer that nobody may get, or an event that may not be logged."""


class Client:
    """Asks the application, remembers who is there, and raises Wrong."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._headers = served.headers
        self.known: list[str] = []
        self.cursors: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.count = 0

    def send(self, sent: Sent) -> int:
        """Sends one request, looks at its answer, and keeps the number of people small; returns the status."""
        sent = self._meant(sent)
        self.count += 1
        if self.count % 5000 == 0:
            self._headers = self._served.headers  # the token is good for an hour
        status, headers, body = self._ask(sent)
        self.statuses[status] += 1
        self._learn(status, headers, body)
        wrong = _wrong(sent, status, headers, body) or self._leaked(body)
        if wrong:
            raise Wrong(f"{wrong}\n{sent}\n{status} {headers}\n{body[:2000]!r}")
        while len(self.known) > MOST_PEOPLE:
            self._ask(Sent("DELETE", self.known.pop(0)))
        return status

    def _meant(self, sent: Sent) -> Sent:
        """The request with the ids and cursors that its stand-ins mean."""
        path, query, body = sent.path, sent.query, sent.body
        ids = [one.rpartition("/")[2] for one in self.known]
        for names, found in ((SOMEBODY, ids), (CURSORS, self.cursors)):
            for number, name in enumerate(names):
                text = found[number % len(found)] if found else name
                path, query = path.replace(name, text), query.replace(name, text)
                body = body.replace(name.encode(), text.encode())
        return replace(sent, path=path, query=query, body=body)

    def _ask(self, sent: Sent) -> tuple[int, dict[str, str], bytes]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": sent.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": PATH + sent.path,
            "QUERY_STRING": sent.query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "HTTP_AUTHORIZATION": self._headers["Authorization"],
            "CONTENT_TYPE": "application/scim+json",
            "CONTENT_LENGTH": str(len(sent.body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(sent.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **sent.headers,
        }
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> Any:
            started[:] = [int(status.split(" ", 1)[0]), dict(headers)]

        answer: Iterable[bytes] = self._served.app(environ, start_response)
        try:
            body = b"".join(answer)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        said = environ["wsgi.errors"].getvalue()
        if said:
            raise Wrong(f"written to the server's log: {said}\n{sent}")
        return started[0], started[1], body

    def _learn(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Remembers who was created, and the cursors of next pages."""
        location = headers.get("Location", "")
        if status == 201 and "/scim/" in location:
            self.known.append(location.split("/scim", 1)[1])
        if status == 200 and b'"nextCursor"' in body:
            self.cursors[:] = [*self.cursors[-20:], json.loads(body)["nextCursor"]]
        if status == 200 and b"BulkResponse" in body:
            answers = json.loads(body).get("Operations", ())
            self.known += [one["location"].split("/scim", 1)[1] for one in answers if one.get("status") == "201"]

    def _leaked(self, body: bytes) -> str:
        token = self._headers["Authorization"].removeprefix("Bearer ").encode()
        return "the token was told" if token in body else ""


def _wrong(sent: Sent, status: int, headers: dict[str, str], body: bytes) -> str:
    if status >= 500 and status not in NAMED:
        return "an answer that says that the host failed"
    if b"Traceback" in body or b'File \\"' in body:
        return "a traceback"
    if len(body) > MOST_BYTES:
        return "an answer without bounds"
    if sent.method == "HEAD" or not body:
        return "" if status < 400 or sent.method == "HEAD" else "an error without a word"
    if headers.get("Content-Type", "").partition(";")[0] != "application/scim+json":
        return "an answer that is not SCIM's"
    document = json.loads(body)
    if status >= 400 and (
        document.get("schemas") != [ERROR] or document.get("status") != str(status) or not document.get("detail")
    ):
        return "an error that is not SCIM's"
    return ""


def raise_on_errors(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor for structlog: drops every event, and raises Wrong for one that a person would be woken up by."""
    if method in ("error", "critical", "exception") or "exc_info" in event or "Traceback" in str(event):
        raise Wrong(f"logged as {method}: {dict(event)}")
    raise structlog.DropEvent
