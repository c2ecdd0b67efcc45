"""HTTP/1.1 on the wire: bodies, pipelining, refusals."""

import hashlib
import socket
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]


def digest(content: bytes) -> bytes:
    return f"{len(content)} {hashlib.sha256(content).hexdigest()}".encode()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("size", [0, 1, 100_000, 1_000_000])
def test_a_body_arrives_whole_with_a_length_and_in_chunks(host: Any, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert host.request("/body", "POST", content) == (200, digest(content))
    pieces = (content[at : at + 7777] for at in range(0, len(content), 7777))
    assert host.request("/body", "POST", pieces) == (200, digest(content))


def test_a_request_without_a_body_has_an_empty_one(host: Any) -> None:
    assert host.request("/body") == (200, digest(b""))


def test_an_answer_that_breaks_off_is_never_taken_for_the_whole(host: Any) -> None:
    answer = host.exchange(b"GET /break-off HTTP/1.1\r\nHost: a\r\n\r\nGET /pid HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"a part" in answer
    assert not answer.endswith(b"0\r\n\r\n")
    assert answer.count(b"HTTP/1.1") == 1
    assert host.request("/pid")[0] == 200


def test_a_body_above_the_limit_is_too_large_with_a_length_and_in_chunks(host: Any) -> None:
    content = b"x" * 1_000_001
    assert host.request("/body", "POST", content) == (413, b"too large")
    assert host.request("/body", "POST", iter([content])) == (413, b"too large")


def test_a_body_that_is_too_large_ends_its_connection(host: Any) -> None:
    answer = host.exchange(
        b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\nGET /pid HTTP/1.1\r\n\r\n"
    )
    assert status_of(answer) == 413
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("head", "sent"),
    [
        (b"Content-Length: 10", b"short"),
        (b"Transfer-Encoding: chunked", b"5\r\nhel"),
        (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n"),
    ],
)
def test_a_client_that_ends_its_body_early_is_answered_400(plain: Any, head: bytes, sent: bytes) -> None:
    with plain.connect() as connection:
        connection.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n" + sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while data := connection.recv(4096):
            answer += data
    assert status_of(answer) == 400
    assert b"BodyIncomplete" in answer


@pytest.mark.parametrize(
    "sent",
    [b"zz\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"0\r\nbad trailer\r\n\r\n"],
)
def test_chunks_that_are_not_well_formed_are_answered_400(host: Any, sent: bytes) -> None:
    answer = host.exchange(b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + sent)
    assert status_of(answer) == 400
    assert b"BodyMalformed" in answer
    assert b"Connection: close" in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n", 417),
        (b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: ten\r\n\r\n", 400),
        (b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: rot13\r\n\r\n", 501),
    ],
)
def test_a_request_that_is_not_http_is_refused_without_naming_versions_or_echoing_it(
    host: Any, sent: bytes, status: int
) -> None:
    answer = host.exchange(sent)
    assert status_of(answer) == status
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Server: ecmahost\r\n" in head
    assert b"Connection: close" in head
    assert body.rstrip().decode().replace(" ", "").isalpha() or status in {414, 431, 505}
    lowered = answer.lower()
    assert b"gunicorn" not in lowered
    assert b"python" not in lowered
    assert b"xxxx" not in lowered
    assert b"traceback" not in lowered


def test_clients_that_break_off_are_no_errors_in_the_log(start: Start) -> None:
    host = start(tls=False)
    for sent in (b"", b"GET /pi", b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", b"nonsense\r\n\r\n"):
        with host.connect() as connection:
            connection.sendall(sent)
    assert host.request("/pid")[0] == 200
    assert host.stop() == 0
    log = (host.directory / "log").read_text()
    assert '"level": "error"' not in log
    assert "Traceback" not in log


@pytest.mark.parametrize("padding", [0, 3000, 7000])
def test_pipelined_requests_are_all_answered_in_order(host: Any, padding: int) -> None:
    requests = [
        b"POST /body HTTP/1.1\r\nHost: a\r\nX-Padding: " + b"x" * padding + b"\r\nContent-Length: 1\r\n\r\n%d" % number
        for number in range(8)
    ]
    requests[-1] = requests[-1].replace(b"Host: a", b"Host: a\r\nConnection: close")
    answers = host.exchange(b"".join(requests))
    assert [answers.find(digest(b"%d" % number)) > 0 for number in range(8)] == [True] * 8
    assert [answers.find(digest(b"%d" % number)) for number in range(8)] == sorted(
        answers.find(digest(b"%d" % number)) for number in range(8)
    )


def test_a_pipelined_request_is_answered_when_the_one_before_it_ends_where_a_read_ends(host: Any) -> None:
    head = b"GET /pid HTTP/1.1\r\nHost: a\r\nX-One: " + b"x" * 4000 + b"\r\nX-Two: "
    first = head + b"x" * (8192 - len(head) - 4) + b"\r\n\r\n"  # gunicorn reads 8192 bytes at a time
    assert len(first) == 8192
    answer = host.exchange(first + b"GET /scheme HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 2


def test_expect_100_continue_is_answered_before_the_body_is_sent(host: Any) -> None:
    with host.connect_ready() as connection:
        connection.sendall(
            b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        answer = b""
        while data := connection.recv(4096):
            answer += data
    assert digest(b"hello") in answer


def test_the_scheme_is_what_the_host_saw_or_behind_a_proxy_on_this_machine_what_the_proxy_saw(host: Any) -> None:
    assert host.request("/scheme") == (200, b"https" if host.tls else b"http")
    for said in (b"http", b"https"):
        answer = host.exchange(
            b"GET /scheme HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: " + said + b"\r\nConnection: close\r\n\r\n"
        )
        assert answer.endswith(b"\r\n\r\nhttps" if host.tls else b"\r\n\r\n" + said)


def test_headers_cannot_move_the_application(host: Any) -> None:
    answer = host.exchange(b"GET /pid HTTP/1.1\r\nHost: a\r\nSCRIPT_NAME: /pid\r\nConnection: close\r\n\r\n")
    assert status_of(answer) == 200


def test_what_is_refused_is_answered_in_the_words_of_whoever_serves(start: Start) -> None:
    answer = start(options={"refusal": "own"}).exchange(b"nonsense\r\n\r\n")
    assert b"Content-Type: text/x-refusal\r\nContent-Length: 12\r\n" in answer
    assert answer.endswith(b"\r\n\r\nrefused, 400")


def test_a_refusal_is_not_logged_under_the_id_of_another_request(start: Start, eventually: Callable[..., bool]) -> None:
    host = start(workers=1, threads=1)
    assert host.request("/bind/somebody-elses") == (200, b"bound")
    assert status_of(host.exchange(b"nonsense\r\n\r\n")) == 400
    assert eventually(lambda: host.events("request_refused"))
    assert all("request_id" not in event for event in host.events("request_refused"))
