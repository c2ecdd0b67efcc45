"""Reading the body of a request: once, within the limit, as JSON."""

from typing import Any

import orjson
from flask import Request

from ecmahost_core.scim.errors import ScimError, invalid_syntax
from ecmahost_core.serving.body import read_body


def json_body(request: Request, limit: int) -> dict[str, Any]:
    """Returns the JSON object that a request carries; raises as ``any_json``, and 400 for any other JSON."""
    data = any_json(request, limit)
    if not isinstance(data, dict):
        raise invalid_syntax("The body must be one JSON object.")
    return data


def any_json(request: Request, limit: int) -> Any:
    """Returns the JSON that a request carries.

    Raises ScimError: 415 for another media type or a compressed body, 400 ``invalidSyntax`` for what is not JSON in
    UTF-8. Raises BodyError when the body is too long or does not arrive whole.
    """
    body = read_body(request.environ, limit)
    media_type = request.mimetype
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        accepted = {"Accept-Encoding": "identity"}  # RFC 9110 section 12.5.3
        raise ScimError(415, "Send the body as it is, without a Content-Encoding.", headers=accepted)
    if media_type and not media_type.endswith(("/json", "+json")):
        raise ScimError(415, f"Send application/scim+json, not {media_type[:80]}.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid_syntax(f"The body is not JSON: line {error.lineno}, column {error.colno}.") from None
