"""Cursors (RFC 9865): where the next page of a query begins, in the client's keeping.

A cursor says behind which key of the space the next page begins, so that nobody is shown twice or passed over because
others came or went between two pages, and any process can go on after a restart. It is signed together with the query
that it was given for: what a client makes up, or takes from another query, another type or another connector, fits
nothing.
"""

import base64
import hmac
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import orjson

from ecmahost_core.scim.errors import of_type

TIMEOUT_SECONDS = 24 * 3600
"""How long a client may wait between two pages."""

_FIELDS = struct.Struct(">4sIHQ")
_MARK_BYTES = 16
_TEXT = re.compile(r"[A-Za-z0-9_-]{46}")
_ANEW = "begin anew with an empty cursor."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins.

    Attributes:
        number: of the resource type among those of the query, from 0.
        key: of the last object before it in the space; 0 for the first page of the type.
    """

    number: int = 0
    key: int = 0


@dataclass(frozen=True, slots=True)
class CursorOffice:
    """Gives cursors for one query, and reads those that it gave.

    Attributes:
        secret: derived from the host's key file.
        query: everything that a cursor is bound to: connector, resource types, filter.
        space: what the keys belong to; of another one, after a reset, a cursor has expired.
    """

    secret: bytes
    query: Sequence[str | None]
    space: str

    def give(self, place: Place, now: float) -> str:
        """Returns the cursor of a place: unreserved characters only (RFC 9865 section 2). ``now`` is a time stamp."""
        payload = _FIELDS.pack(self._space_mark(), int(now), place.number, place.key)
        return base64.urlsafe_b64encode(payload + self._sign(payload)).decode("ascii").rstrip("=")

    def read(self, cursor: str, now: float) -> Place:
        """Returns the place of a cursor; the empty one begins.

        Raises ScimError: 400 ``invalidCursor``, ``expiredCursor``.
        """
        if not cursor:
            return Place()
        if not _TEXT.fullmatch(cursor):
            raise of_type("invalidCursor", f"This is no cursor of this server; {_ANEW}")
        signed = base64.urlsafe_b64decode(cursor + "==")
        payload, mark = signed[: _FIELDS.size], signed[_FIELDS.size :]
        if not hmac.compare_digest(mark, self._sign(payload)):
            raise of_type("invalidCursor", f"The cursor was not given for this query; {_ANEW}")
        space, given, number, key = _FIELDS.unpack(payload)
        if space != self._space_mark() or now - given > TIMEOUT_SECONDS:
            raise of_type("expiredCursor", f"The cursor is no longer good; {_ANEW}")
        return Place(number, key)

    def _sign(self, payload: bytes) -> bytes:
        message = payload + orjson.dumps(list(self.query))
        return hmac.new(self.secret, message, "sha256").digest()[:_MARK_BYTES]

    def _space_mark(self) -> bytes:
        return sha256(self.space.encode()).digest()[:4]
