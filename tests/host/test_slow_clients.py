"""Hundreds of clients that never finish what they begin, of every kind at once, and Entra in between."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

EACH = 200


def test_800_half_open_clients_do_not_keep_a_match_waiting(estate: Any, person: dict[str, Any]) -> None:
    host = estate.host
    client = host.client("sql")
    object_id = client.created(person)
    head = f"POST {client.base}/Users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {client.token}\r\n".encode()
    slow_body = head + b"Content-Type: application/scim+json\r\nContent-Length: 1000\r\n\r\n{"
    # The first bytes of a TLS handshake: a record header that announces 512 bytes.
    half_handshake = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    with ExitStack() as stack:

        def half_open(begun: bytes, *, tls: bool) -> socket.socket:
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", host.port), timeout=30))
            connection = stack.enter_context(host.context.wrap_socket(raw)) if tls else raw
            connection.sendall(begun)
            return connection

        for begun, tls in ((b"", False), (half_handshake, False), (b"", True), (b"GET / HT", True), (slow_body, True)):
            with ThreadPoolExecutor(8) as threads:
                opened = [threads.submit(half_open, begun, tls=tls) for _ in range(EACH if begun or not tls else 20)]
                for one in opened:
                    one.result(60)
            begin = time.monotonic()
            fresh = host.client("sql")
            (found,) = fresh.matched(person["userName"])
            assert found["id"] == object_id
            assert time.monotonic() - begin < 1, begun
            begin = time.monotonic()
            assert client.matched(person["userName"]) == [found]
            assert time.monotonic() - begin < 1, begun
