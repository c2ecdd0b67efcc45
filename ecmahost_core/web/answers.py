"""Answers: SCIM JSON with its media type, whatever happened."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from ecmahost_core.scim.errors import error_body
from ecmahost_core.serving.body import BodyError, BodyTooLarge
from ecmahost_core.web.exchange import Reply
from ecmahost_core.web.failures import reply_to
from ecmahost_core.web.framework import Answer

SCIM_JSON = "application/scim+json"


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Returns a response with a JSON body as ``application/scim+json`` (RFC 7644 section 3.1)."""
    return Answer(orjson.dumps(body), status, headers, content_type=SCIM_JSON)


def nothing(status: int = 204) -> Response:
    """Returns a response without a body, still of SCIM's media type, which strict clients look for."""
    return Response(b"", status, mimetype=SCIM_JSON)


def sent(reply: Reply) -> Response:
    """Returns the response that a verb's reply is sent as."""
    if reply.body is None:
        empty = nothing(reply.status)
        empty.headers.update(reply.headers)
        return empty
    return answer(reply.body, reply.status, reply.headers)


def refusal(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Returns a SCIM error response (RFC 7644 section 3.12)."""
    return answer(error_body(status, detail), status, headers)


def unread_refusal(status: HTTPStatus) -> tuple[str, bytes]:
    """Returns media type and body of a SCIM error for what never reached the application (``serving`` asks for it)."""
    return SCIM_JSON, orjson.dumps(error_body(status, f"{status.phrase}: the host cannot read this request."))


_SAID = {
    404: "There is nothing at this path; resources are at /Users and /Users/{id} below the address of a connector.",
    405: "This path does not take this method; the header Allow lists those that it takes.",
}
"""What is said to a provisioning client in the place of words for somebody with a browser."""


def register_errors(app: Flask) -> None:
    """Makes every exception a SCIM error; what is not foreseen says nothing but the request's id."""
    app.register_error_handler(BodyError, _body_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _failed)


def _failed(error: Exception) -> Response:
    return sent(reply_to(error))


def _body_error(error: BodyError) -> Response:
    return refusal(413 if isinstance(error, BodyTooLarge) else 400, str(error))


def _http_error(error: HTTPException) -> Response:
    headers = {}
    if error.code == 405 and getattr(error, "valid_methods", None):
        headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]  # MethodNotAllowed only
    status = error.code or 500
    return refusal(status, _SAID.get(status) or error.description or error.name, headers)
