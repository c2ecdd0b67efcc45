"""SCIM errors: the exception that every part of the host raises towards a client, and its JSON (RFC 7644 section 3.12).

``detail`` goes to the client as it stands: it names the attribute or parameter and the way out, never a value that
could be a secret.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from ecmahost_core.scim import urns

SCIM_TYPES: Final[Mapping[str, tuple[int, str]]] = MappingProxyType(
    {
        "invalidFilter": (400, "The filter is not grammatical, or compares in a way that its attribute cannot."),
        "tooMany": (400, "The filter gives more results than this server calculates."),
        "uniqueness": (409, "A value that has to be unique is in use or reserved."),
        "mutability": (400, "The change goes against the mutability of its attribute or the attribute is required."),
        "invalidSyntax": (400, "The structure of the request body is not that of the message."),
        "invalidPath": (400, "The path of a PATCH operation is not grammatical or cannot be applied."),
        "noTarget": (400, "The path of a PATCH operation gives nothing that could be changed."),
        "invalidValue": (400, "A required value is missing, or a value does not fit its attribute."),
        "invalidVers": (400, "This version of the SCIM protocol is not supported."),
        "sensitive": (403, "The request carries personal data in its URI and is refused for that."),
        "invalidCursor": (400, "The cursor is none that this server gave for this query."),
        "expiredCursor": (400, "The cursor is too old, or what it points into is gone; begin anew."),
        "invalidCount": (400, "A page of a query with a cursor has at least one resource."),
    }
)
"""RFC 7644 table 9 and RFC 9865: each ``scimType`` with the HTTP status that it goes with and its meaning."""

_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class ScimError(Exception):
    """A request cannot be answered as asked; ``web`` turns it into an Error message.

    Args:
        status: the HTTP status, 400 to 599.
        detail: a plain sentence for the client: what is wrong, and what would be right.
        scim_type: one of ``SCIM_TYPES``, or None where table 9 has none that fits.
        headers: HTTP headers that go with the answer, such as ``Retry-After``.
    """

    def __init__(
        self, status: int, detail: str, scim_type: str | None = None, headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.scim_type = scim_type
        self.headers = headers

    def __repr__(self) -> str:
        return f"ScimError({self.status}, {self.detail!r}, {self.scim_type!r})"

    def body(self) -> dict[str, Any]:
        """The Error message of this error."""
        return error_body(self.status, self.detail, self.scim_type)


def error_body(status: int, detail: str, scim_type: str | None = None) -> dict[str, Any]:
    """An Error message (RFC 7644 section 3.12): ``status`` is a string there, an absent ``scimType`` is left out."""
    body: dict[str, Any] = {"schemas": [urns.ERROR], "status": str(status)}
    if scim_type is not None:
        body["scimType"] = scim_type
    body["detail"] = detail
    return body


def of_type(scim_type: str, detail: str) -> ScimError:
    """An error with the status that table 9 gives ``scim_type``; KeyError for a name that the table does not have."""
    return ScimError(SCIM_TYPES[scim_type][0], detail, scim_type)


def invalid_filter(detail: str) -> ScimError:
    """400 ``invalidFilter``."""
    return of_type("invalidFilter", detail)


def invalid_path(detail: str) -> ScimError:
    """400 ``invalidPath``."""
    return of_type("invalidPath", detail)


def invalid_value(detail: str) -> ScimError:
    """400 ``invalidValue``."""
    return of_type("invalidValue", detail)


def invalid_syntax(detail: str) -> ScimError:
    """400 ``invalidSyntax``."""
    return of_type("invalidSyntax", detail)


def no_target(detail: str) -> ScimError:
    """400 ``noTarget``."""
    return of_type("noTarget", detail)


def mutability(detail: str) -> ScimError:
    """400 ``mutability``."""
    return of_type("mutability", detail)


def uniqueness(detail: str) -> ScimError:
    """409 ``uniqueness``."""
    return of_type("uniqueness", detail)


def not_found(detail: str) -> ScimError:
    """404; table 9 has no ``scimType`` for it."""
    return ScimError(404, detail)


def unavailable(detail: str, retry_after_seconds: int) -> ScimError:
    """503 with ``Retry-After``: the answer is not known now, and asking again later is right."""
    return ScimError(503, detail, headers={"Retry-After": str(retry_after_seconds)})
