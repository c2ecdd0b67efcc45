"""What crosses the wire: where to, a request, an answer, and what it is when there is no answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import orjson

from ecmahost_core.errors import EcmahostError


class NoAnswerKind(StrEnum):
    """Why a request got no answer that can be judged."""

    NAME_UNKNOWN = "name unknown"
    REFUSED = "connection refused"
    UNREACHABLE = "unreachable"
    TLS_NAME = "certificate name mismatch"
    TLS_EXPIRED = "certificate expired"
    TLS_UNTRUSTED = "certificate not trusted"
    TLS = "TLS failed"
    HANGING = "no complete answer in time"
    CLOSED = "connection closed before the answer was complete"
    NOT_HTTP = "not an HTTP answer"
    TOO_LONG = "answer too long"


class NoAnswer(EcmahostError):
    """A request was not answered, or not whole. Whether it had an effect is unknown.

    Attributes:
        kind: what went wrong.
        detail: what the system said; may be empty.
    """

    def __init__(self, kind: NoAnswerKind, detail: str = "") -> None:
        """Keeps kind and detail; the message is both."""
        super().__init__(f"{kind.value}: {detail}" if detail else kind.value)
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Address:
    """A connector's tenant URL in its parts.

    Attributes:
        host, port: where to connect.
        path: ``/ecma2host_hr/scim``: no trailing slash, no query.
    """

    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The tenant URL, without a flag."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}{self.path}"


def parse_address(url: str) -> Address:
    """Returns the parts of a tenant URL. A query (``?aadOptscim062020``) is dropped: the dialect adds it itself.

    Raises ValueError, with a sentence for the administrator, for anything but ``https://host[:port]/path``.
    """
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise ValueError("a tenant URL begins with https:// (the secret token must not travel in clear)")
    if not parts.hostname:
        raise ValueError("the tenant URL names no host: expected https://host:8585/ecma2host_<connector>/scim")
    if parts.username or parts.password:
        raise ValueError("the tenant URL must not hold a user name or password")
    return Address(parts.hostname, parts.port or 443, parts.path.rstrip("/"))


@dataclass(frozen=True, slots=True)
class Request:
    """One request as Entra sends it.

    Attributes:
        method: GET, POST, PATCH or DELETE.
        target: what follows the tenant URL, query included: ``/Users?filter=...``.
        body: the JSON body; None for none.
    """

    method: str
    target: str
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, whole.

    Attributes:
        status: the HTTP status.
        headers: names in lower case; the first value where a header is repeated.
        body: as received; may be empty.
        milliseconds: from the first byte sent to the last byte received.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    milliseconds: float = 0.0

    def json(self) -> Any:
        """Returns the body as JSON; None when it is empty or not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    def is_scim_error(self) -> bool:
        """Returns whether the host itself refuses, and not a proxy or a firewall in front of it."""
        return self.headers.get("content-type", "").startswith("application/scim+json")

    def text(self) -> str:
        """Returns the body as text, whatever its bytes."""
        return self.body.decode("utf-8", "replace")
