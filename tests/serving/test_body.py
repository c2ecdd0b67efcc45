"""`read_body` on its own, as an application sees it under any WSGI server."""

import io
from typing import Any

import pytest
from gunicorn.http.errors import InvalidChunkSize, NoMoreData  # type: ignore[import-untyped]  # gunicorn has no type information

from ecmahost_core.serving.body import CLOSE_CONNECTION, BodyIncomplete, BodyMalformed, BodyTooLarge, read_body


class Failing:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, size: int) -> bytes:
        raise self._error


def environ(content: bytes | Failing, length: str | None = None, *, terminated: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {"wsgi.input": io.BytesIO(content) if isinstance(content, bytes) else content}
    if length is not None:
        made["CONTENT_LENGTH"] = length
    if terminated:
        made["wsgi.input_terminated"] = True
    return made


def test_a_declared_body_is_read_to_its_length_and_not_further() -> None:
    assert read_body(environ(b"hello, next request", "5"), 5) == b"hello"


def test_a_body_without_a_length_is_read_to_its_end_where_the_server_ends_it() -> None:
    assert read_body(environ(b"hello", terminated=True), 5) == b"hello"
    assert read_body(environ(b"hello"), 5) == b""
    assert read_body(environ(b"hello", ""), 5) == b""


def test_one_byte_above_the_limit_is_too_large() -> None:
    with pytest.raises(BodyTooLarge, match="at most 5"):
        read_body(environ(b"hello!", "6"), 5)
    with pytest.raises(BodyTooLarge, match="the 5 bytes"):
        read_body(environ(b"hello!", terminated=True), 5)


def test_a_declared_body_that_is_too_large_is_not_read_at_all() -> None:
    with pytest.raises(BodyTooLarge):
        read_body(environ(Failing(AssertionError("read")), "6"), 5)


def test_less_than_declared_is_incomplete() -> None:
    with pytest.raises(BodyIncomplete, match="4 of its 5 bytes"):
        read_body(environ(b"hell", "5"), 5)


@pytest.mark.parametrize("error", [NoMoreData(b"secret"), ConnectionResetError("secret"), TimeoutError("secret")])
def test_a_connection_that_breaks_is_incomplete_and_says_nothing_of_what_was_sent(error: Exception) -> None:
    with pytest.raises(BodyIncomplete) as caught:
        read_body(environ(Failing(error), terminated=True), 5)
    assert "secret" not in str(caught.value)


def test_malformed_chunks_are_malformed_and_not_echoed() -> None:
    with pytest.raises(BodyMalformed) as caught:
        read_body(environ(Failing(InvalidChunkSize(b"secret")), terminated=True), 5)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("length", ["-1", "ten", "1.5", "²", "0x5", " 5"])
def test_a_length_that_is_no_number_is_malformed(length: str) -> None:
    with pytest.raises(BodyMalformed, match="Content-Length"):
        read_body(environ(b"hello", length), 5)


def test_a_body_that_was_not_read_whole_closes_the_connection() -> None:
    closed: list[bool] = []
    made = environ(b"hello!", "6") | {CLOSE_CONNECTION: lambda: closed.append(True)}
    with pytest.raises(BodyTooLarge):
        read_body(made, 5)
    assert closed == [True]
    assert read_body(environ(b"hello", "5") | {CLOSE_CONNECTION: lambda: closed.append(True)}, 5) == b"hello"
    assert closed == [True]
