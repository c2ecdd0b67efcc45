"""The tests' own client: what it counts as a connection that was lost."""

import http.client
import io
import ssl
from types import SimpleNamespace
from typing import Any

import pytest
from ecmahost_host_kit.clients import Client


class Closing(io.BytesIO):
    """An answer while which is read somebody closes the connection, as whoever ends the host does."""

    connection: Any = None

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.connection.close()
        return found


def test_a_connection_that_is_closed_while_an_answer_is_read_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Closing(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    answer.connection = connection = http.client.HTTPSConnection("127.0.0.1", 1)
    connection.sock = SimpleNamespace(
        sendall=lambda _: None, makefile=lambda _: answer, close=lambda: None, setsockopt=lambda *_: None
    )
    client = Client(1, "hr", "token", ssl.create_default_context())
    monkeypatch.setattr(client, "connect", lambda: connection)
    with pytest.raises(http.client.HTTPException):
        client.send("GET", "/", None, {})


def test_a_mistake_in_what_is_sent_is_no_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(1, "hr", "token", ssl.create_default_context())
    connection = http.client.HTTPSConnection("127.0.0.1", 1)
    connection.sock = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(client, "connect", lambda: connection)
    with pytest.raises(AttributeError):
        client.send("GET", "/", None, {})
