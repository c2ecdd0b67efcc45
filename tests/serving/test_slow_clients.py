"""Clients that keep the host waiting: two hundred at once, of each kind, on two web workers with TLS."""

import resource
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
Eventually = Callable[..., bool]
Open = Callable[[Any], socket.socket]

CLIENTS = 200


def silent(host: Any) -> socket.socket:
    """Connects and says nothing."""
    connection: socket.socket = host.connect()
    return connection


def half_handshake(host: Any) -> socket.socket:
    """Sends the first half of a TLS ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        host.context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    hello = outgoing.read()
    connection: socket.socket = host.connect()
    connection.sendall(hello[: len(hello) // 2])
    return connection


def slow_header(host: Any) -> socket.socket:
    connection: socket.socket = host.connect_ready()
    connection.sendall(b"GET /pid HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    return connection


def slow_body(host: Any) -> socket.socket:
    connection: socket.socket = host.connect_ready()
    connection.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
    return connection


KINDS = [silent, half_handshake, slow_header, slow_body]


@contextmanager
def held(host: Any, kind: Open) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(kind(host)) for _ in range(CLIENTS)]


def closed_by_host(connection: socket.socket) -> bool:
    """Reads until the host has closed the connection; False when it does not in time."""
    connection.settimeout(20)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:  # reset
        return True
    return True


def trickle(connection: socket.socket, piece: bytes) -> float:
    """Sends the piece every tenth of a second, for ten seconds or until the host has had enough; returns when."""
    began = time.monotonic()
    with suppress(OSError):
        while time.monotonic() - began < 10:
            connection.sendall(piece)
            time.sleep(0.1)
    return time.monotonic() - began


@pytest.mark.parametrize("kind", KINDS)
def test_a_get_is_answered_within_a_second_while_200_clients_of_a_kind_are_held(secure: Any, kind: Open) -> None:
    with held(secure, kind):
        for _ in range(4):  # each web worker gets some
            began = time.monotonic()
            assert secure.request("/pid")[0] == 200
            assert time.monotonic() - began < 1


@pytest.mark.parametrize("kind", KINDS)
def test_200_clients_of_a_kind_are_all_closed_after_their_deadline(hasty: Any, kind: Open) -> None:
    with held(hasty, kind) as connections:
        began = time.monotonic()
        assert all(closed_by_host(connection) for connection in connections)
        assert time.monotonic() - began < 8
    assert hasty.request("/pid")[0] == 200


def test_a_client_that_trickles_its_header_byte_by_byte_is_cut_off(strict: Any) -> None:
    with strict.connect() as connection:
        connection.sendall(b"GET /pid HTTP/1.1\r\nX-Slow: ")
        assert trickle(connection, b"x") < 5


@pytest.mark.parametrize("head", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
def test_a_client_that_trickles_its_body_is_cut_off_and_the_application_learns_it(
    strict: Any, eventually: Eventually, head: bytes
) -> None:
    learnt = len(strict.events("body_refused"))
    with strict.connect() as connection:
        connection.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n")
        assert trickle(connection, b"1\r\nx\r\n") < 5
    assert eventually(lambda: len(strict.events("body_refused")) > learnt)
    assert strict.events("body_refused")[-1]["error"] == "BodyIncomplete"
    assert not strict.events("request_failed")


def test_an_answer_that_takes_longer_than_every_deadline_is_not_cut_off(strict: Any) -> None:
    assert strict.request("/body-then-sleep/2.5", "POST", b"x" * 100_000)[0] == 200


def test_a_client_that_does_not_read_its_answer_is_cut_off(strict: Any, eventually: Eventually) -> None:
    before = len(strict.events("slow_clients_disconnected"))
    with strict.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /large/50000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert eventually(lambda: len(strict.events("slow_clients_disconnected")) > before)
    assert strict.request("/pid")[0] == 200


def test_clients_that_never_close_a_refused_connection_do_not_hold_up_the_others(start: Start) -> None:
    host = start(tls=False)
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(host.connect()).sendall(b"nonsense\r\n\r\n")
        for _ in range(4):
            began = time.monotonic()
            assert host.request("/pid")[0] == 200
            assert time.monotonic() - began < 1


def test_a_connection_idle_for_longer_than_the_header_deadline_is_reused(strict: Any) -> None:
    connection = strict.http()
    sockets = []
    for idle in (2.5, 0):  # idleness is what this is about
        connection.request("GET", "/pid")
        response = connection.getresponse()
        assert (response.status, response.getheader("Connection")) == (200, "keep-alive")
        response.read()
        sockets.append(connection.sock)
        time.sleep(idle)
    assert sockets[0] is sockets[1]
    connection.close()


def test_an_idle_connection_is_closed_after_the_keepalive_time(start: Start) -> None:
    host = start(keepalive_seconds=1)
    with host.connect_ready() as connection:
        connection.sendall(b"GET /pid HTTP/1.1\r\nHost: a\r\n\r\n")
        began = time.monotonic()
        assert closed_by_host(connection)
        assert 0.9 < time.monotonic() - began < 4


def test_two_hundred_requests_at_once_are_all_answered(start: Start) -> None:
    host = start()
    answers: list[int] = []
    asking = [threading.Thread(target=lambda: answers.append(host.request("/sleep/0.5")[0])) for _ in range(CLIENTS)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert answers == [200] * CLIENTS


def test_more_connections_than_a_worker_takes_wait_for_their_turn(start: Start) -> None:
    host = start(workers=1, threads=2, connections=10, header_seconds=1)
    with ExitStack() as stack:
        for _ in range(15):
            stack.enter_context(host.connect())
        assert host.request("/pid")[0] == 200


def test_the_limit_on_open_files_is_raised_for_the_connections(start: Start, tmp_path: Any) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Enough for this process, which other tests may have left with open files, and far too little for the host.
    little = len(list(Path("/proc/self/fd").iterdir())) + 64
    assert little < 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (little, hard))
    try:
        host = start(tls=False)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    web = min(host.pids("web"))
    assert resource.prlimit(web, resource.RLIMIT_NOFILE)[0] >= min(2048, hard)
