"""Reading a request's body once, with a limit, whatever its framing.

A framework's own limit silently cuts a chunked body at the limit and lets the request succeed; here a body is whole or
an error.
"""

from wsgiref.types import WSGIEnvironment

from gunicorn.http.errors import (  # type: ignore[import-untyped]  # gunicorn has no type information
    NoMoreData,
    ParseException,
)

from ecmahost_core.errors import EcmahostError

CLOSE_CONNECTION = "ecmahost.close_connection"
"""Key in the WSGI environment of a function without arguments: answer with ``Connection: close``."""

END_AT_STOP = "ecmahost.end_at_stop"
"""Key in the WSGI environment of a function without arguments: this answer is cut when the host stops. It is long, and
a client sees that a part is not the whole."""


class BodyError(EcmahostError):
    """The body could not be read. The connection is closed after the answer; the message is fit for the client."""


class BodyTooLarge(BodyError):
    """The body is longer than the limit (413)."""


class BodyIncomplete(BodyError):
    """The client went away, sent less than it declared, or did not finish within the body deadline (400)."""


class BodyMalformed(BodyError):
    """The body's framing breaks RFC 9112 section 7.1 (400)."""


def read_body(environ: WSGIEnvironment, limit: int) -> bytes:
    """Reads and returns the whole body of the request, at most ``limit`` bytes; call it once per request.

    Returns ``b""`` where the request has no body. A body whose declared length is above the limit is refused without
    reading it. Waiting is bounded by the server's body deadline.

    Raises:
        BodyTooLarge: there is more than ``limit`` bytes.
        BodyIncomplete: it ended early.
        BodyMalformed: its length or chunks are not well formed.
    """
    try:
        return _whole_body(environ, limit)
    except BodyError:
        # What the client still sends would be taken for its next request.
        close = environ.get(CLOSE_CONNECTION)
        if close is not None:
            close()
        raise


def _whole_body(environ: WSGIEnvironment, limit: int) -> bytes:
    declared = _declared_length(environ)
    if declared is None and not environ.get("wsgi.input_terminated"):
        return b""  # PEP 3333: without a length there is no end to read to
    if declared is not None and declared > limit:
        raise BodyTooLarge(f"the request body is {declared} bytes long; at most {limit} are accepted")
    wanted = limit + 1 if declared is None else declared
    try:
        body: bytes = environ["wsgi.input"].read(wanted)
    except NoMoreData:
        raise BodyIncomplete("the request body ended before its last chunk") from None
    except ParseException:
        raise BodyMalformed("the request body is not well-formed chunked coding") from None
    except OSError:  # a reset, or TLS cut off
        raise BodyIncomplete("the connection broke while the request body was read") from None
    if declared is not None and len(body) < declared:
        raise BodyIncomplete(f"the request body ended after {len(body)} of its {declared} bytes")
    if len(body) > limit:
        raise BodyTooLarge(f"the request body is longer than the {limit} bytes that are accepted")
    return body


def _declared_length(environ: WSGIEnvironment) -> int | None:
    text = environ.get("CONTENT_LENGTH", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise BodyMalformed("Content-Length is not a number of bytes")
    return int(text)
