"""Requests that somebody hostile, or a broken client, could send: valid ones at first, then bent.

Everything is decided by one ``Random``, so that a seed tells a whole run, and hypothesis can make a failure smaller.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from urllib.parse import quote

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ECMA = "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

COLLECTIONS = ("/Users", "/Groups", "/Devices")
ENDPOINTS = (
    *COLLECTIONS,
    *(f"{one}/.search" for one in COLLECTIONS),
    *(f"{one}/{{id}}" for one in COLLECTIONS),
    "",
    "/",
    "/.search",
    "/Bulk",
    "/Me",
    "/ServiceProviderConfig",
    "/ResourceTypes",
    "/ResourceTypes/User",
    "/Schemas",
    f"/Schemas/{USER}",
    "/Nobody",
)
"""Paths behind the connector's address; ``{id}`` stands for somebody who may be there."""

SOMEBODY = tuple(f"somebody-{number:02}" for number in range(20))
CURSORS = tuple(f"cursor-{number:02}" for number in range(5))
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get", "")
PATHS = (
    "userName", "USERNAME", "active", "name", "name.givenName", "emails", "emails.value", "roles", "groups", "id",
    "meta", "meta.lastModified", "schemas", "members", "members.value", "displayName", "manager", "unknown", "title",
    "password", USER, ENTERPRISE, f"{USER}:title", f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value",
    f"{ENTERPRISE}:department", f"{ECMA}:x", "urn:ietf:params:scim:schemas:extension:Custom:2.0:User:tag",
    'emails[type eq "work"].value', 'emails[type eq "work"]', 'emails[not (type eq "work")].display',
    'roles[primary eq "True"].value', 'addresses[type eq "home"].country', 'members[value eq "x"]',
    'phoneNumbers[value co "1" and type pr].type', 'emails[type eq "work"', "emails[", "]", "a.b.c", ":", "urn:",
    "$ref", "model.vendor", "owner", 'users[type eq "User"]', "tags", "urn:example:params:scim:schemas:Device:ports",
)  # fmt: skip
OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "pr", "like", "")
WORDS = (
    "", " ", "x", "work", "a@example.com", "True", "false", "null", "1", "-1", "1e999", "9" * 40,
    "2020-01-01T00:00:00Z", "2020-02-30", "%", "_", "*", "'", '"', "\\", "'; DROP TABLE Users; --", ")(uid=*", "\0",
    "\u0000x", "\ud800", "İ",
    "ß", "\u202e", "e\u0301", "A" * 300, "\U0001f4a9", "../../etc/passwd", "%00", "%2e%2e", "[]", "{}", "\n",
    "\r\nX: y", "🏴" * 50,
)  # fmt: skip
SCALARS: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**70), 0.0, -0.0, 1.5, 1e308, 1e-320, *WORDS, [], {}, [[]],
    [{}], [None], {"": None}, {"value": None}, {"$ref": None, "value": "x"}, [{"value": "x"}] * 3,
)  # fmt: skip
PARAMETERS = (
    "filter", "startIndex", "count", "sortBy", "sortOrder", "attributes", "excludedAttributes", "cursor",
    "aadOptscim062020", "nobody",
)  # fmt: skip
HEADERS: Mapping[str, Sequence[str]] = {
    "HTTP_IF_MATCH": ("*", 'W/"x"', '"a", W/"b"', "W/", "", '"' * 50, "\xff"),
    "HTTP_IF_NONE_MATCH": ("*", 'W/"x"', "x", ""),
    "HTTP_ACCEPT": ("application/scim+json", "text/html", "*/*;q=", "x" * 500, "application/xml"),
    "HTTP_AUTHORIZATION": ("", "Bearer", "Bearer x", "Basic eDp5", "Bearer \xff"),
    "HTTP_HOST": ("", "a..b", "[::1", "x" * 300, "e.com:99999", "a b"),
    "HTTP_X_REQUEST_ID": ("", "short", "x" * 1000, "a\tb", "../../../"),
    "HTTP_CONTENT_ENCODING": ("gzip", "identity", "x"),
    "HTTP_PREFER": ("return=minimal", "respond-async", "x"),
    "HTTP_X_HTTP_METHOD_OVERRIDE": ("DELETE",),
    "CONTENT_TYPE": (
        "", "text/xml", "application/json; charset=utf-16", "application/scim+json;;", "x" * 400, "multipart/form-data"
    ),
    "CONTENT_LENGTH": ("", "-1", "abc", "0", "99999999999999999999", "1"),
}  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """A request as WSGI has it.

    Attributes:
        method: of the request.
        path: behind the connector's address, decoded, each character a byte (PEP 3333).
        query: as it stands behind the question mark.
        body: of the request.
        headers: beside the usual ones, by their names in the environment.
    """

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Hostile:
    """Makes requests. ``SOMEBODY`` and ``CURSORS`` in them stand for what the answers to earlier ones have told."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def request(self) -> Sent:
        """A request: one in four as it should be, the others bent once or more."""
        sent = self._choose(self._valid)()
        for _ in range(self._choose((0, 1, 1, 2, 3))):
            sent = self._choose(self._bends)(sent)
        return sent

    def body(self) -> bytes:
        """The body of a PATCH, bent or not, for those who want no more."""
        return self._bent_body(self._patch()).body

    def filter(self, depth: int = 3) -> str:
        """A filter that may mean something."""
        kind = self._random.randrange(8) if depth else 0
        if kind == 1:
            return f"{self.filter(depth - 1)} {self._choose(('and', 'or', 'AND'))} {self.filter(depth - 1)}"
        if kind == 2:
            return f"not ({self.filter(depth - 1)})"
        if kind == 3:
            return f"({self.filter(depth - 1)})"
        if kind == 4:
            return f"{self._choose(('emails', 'members', 'addresses', 'name'))}[{self.filter(depth - 1)}]"
        literal = self._choose((json.dumps(self._word()), self._word(), "true", "null", "5"))
        return f"{self._path()} {self._choose(OPERATORS)} {literal}"

    @property
    def _valid(self) -> Sequence[Callable[[], Sent]]:
        return (
            self._create, self._create, self._group, self._patch, self._patch, self._put, self._delete, self._get,
            self._query, self._query, self._search, self._bulk, self._anything,
        )  # fmt: skip

    @property
    def _bends(self) -> Sequence[Callable[[Sent], Sent]]:
        return (
            self._bent_body, self._bent_body, self._bent_body, self._torn_body, self._bent_query, self._bent_path,
            self._bent_header, self._other_method,
        )  # fmt: skip

    # Valid ones.

    def _create(self) -> Sent:
        return Sent("POST", "/Users", body=_json(self._user()))

    def _group(self) -> Sent:
        members = [{"value": self._id()} for _ in range(self._random.randrange(4))]
        group = {"schemas": [GROUP], "displayName": self._name(), "externalId": self._word(), "members": members}
        return Sent("POST", "/Groups", body=_json(group))

    def _put(self) -> Sent:
        return Sent("PUT", self._one(), body=_json(self._user()))

    def _patch(self) -> Sent:
        operations = [self._operation() for _ in range(self._choose((1, 1, 2, 5, 0)))]
        return Sent("PATCH", self._one(), self._shown(), _json({"schemas": [PATCH_OP], "Operations": operations}))

    def _delete(self) -> Sent:
        return Sent("DELETE", self._one())

    def _get(self) -> Sent:
        return Sent(self._choose(("GET", "GET", "HEAD")), self._one(), self._shown())

    def _query(self) -> Sent:
        given = {"filter": self.filter()} if self._random.random() < 0.7 else {}
        if self._random.random() < 0.4:
            given |= {"startIndex": str(self._random.randrange(-1, 30)), "count": str(self._random.randrange(-1, 12))}
        elif self._random.random() < 0.4:
            given |= {"cursor": self._cursor(), "count": "2"}
        if self._random.random() < 0.3:
            given |= {"sortBy": self._path(), "sortOrder": self._choose(("ascending", "descending", "up"))}
        return Sent("GET", self._choose((*COLLECTIONS, "", "/Users")), _query_text(given))

    def _search(self) -> Sent:
        message: dict[str, Any] = {"schemas": [SEARCH], "filter": self.filter(), "startIndex": 1, "count": 3}
        if self._random.random() < 0.3:
            message |= {"attributes": [self._path()], "sortBy": self._path()}
        if self._random.random() < 0.2:
            message |= {"cursor": self._cursor()}
        return Sent("POST", f"{self._choose((*COLLECTIONS, ''))}/.search", body=_json(message))

    def _bulk(self) -> Sent:
        operations = []
        for number in range(self._random.randrange(5)):
            made = self._choose((self._create, self._group, self._patch, self._put, self._delete))()
            one: dict[str, Any] = {"method": made.method, "path": made.path, "bulkId": f"b{number % 3}"}
            if made.body:
                one["data"] = json.loads(made.body)
            operations.append(one)
        return Sent("POST", "/Bulk", body=_json({"schemas": [BULK], "failOnErrors": 2, "Operations": operations}))

    def _anything(self) -> Sent:
        path = self._choose(ENDPOINTS).replace("{id}", self._id())
        method = self._choose(METHODS)
        return Sent(method, path, body=_json(self._user()) if method in ("POST", "PUT", "PATCH") else b"")

    def _user(self) -> dict[str, Any]:
        user: dict[str, Any] = {"schemas": [USER, ENTERPRISE], "userName": self._name(), "active": True}
        parts: dict[str, Any] = {
            "externalId": self._word(),
            "name": {"givenName": self._word(), "familyName": self._word()},
            "emails": [{"type": self._choose(("work", "home", "other")), "value": self._word(), "primary": True}],
            "addresses": [{"type": "work", "country": self._word(), "formatted": self._word()}],
            "x509Certificates": [{"value": "AAEC"}],
            "roles": [{"value": self._word()}],
            "password": self._word(),
            ENTERPRISE: {"department": self._word(), "manager": {"value": self._id()}},
            "unknown": {"a": [1]},
        }
        return user | {key: parts[key] for key in parts if self._random.random() < 0.3}

    def _operation(self) -> dict[str, Any]:
        operation: dict[str, Any] = {"op": self._choose(("add", "replace", "remove", "Add", "Replace", "Remove"))}
        if self._random.random() < 0.85:
            operation["path"] = self._path()
        if self._random.random() < 0.85:
            operation["value"] = self._value()
        return operation

    def _value(self) -> Any:
        return self._choose(
            (
                self._word, self._word, lambda: self._choose(SCALARS), self._user, lambda: {self._path(): self._word()},
                lambda: [{"value": self._id()} for _ in range(self._random.randrange(20))],
                lambda: [{"type": "work", "value": self._word()}], lambda: {"value": self._id()},
            )
        )()  # fmt: skip

    # What bends them.

    def _bent_body(self, sent: Sent) -> Sent:
        """Puts something else in one place of the JSON."""
        try:
            tree = json.loads(sent.body)
        except (ValueError, RecursionError):
            return replace(sent, body=_json(self._choose(SCALARS)))
        places: list[tuple[Any, Any]] = []
        _places(tree, places)
        if not places:
            return replace(sent, body=_json(self._choose(SCALARS)))
        container, key = self._choose(places)
        match self._random.randrange(7):
            case 0 if isinstance(container, dict):
                container[self._path()] = container.pop(key)
            case 1:
                del container[key]
            case 2:
                container[key] = [container[key]] * self._choose((1, 2, 40))
            case 3:
                container[key] = {self._word(): container[key]}
            case 4:
                container[key] = self._deep()
            case _:
                container[key] = self._value()
        return replace(sent, body=_json(tree))

    def _deep(self) -> Any:
        made: Any = self._word()
        for _ in range(self._choose((3, 30, 300))):
            made = [made] if self._random.random() < 0.5 else {"value": made}
        return made

    def _torn_body(self, sent: Sent) -> Sent:
        """Changes the bytes, where a parser of JSON could stumble."""
        body = bytearray(sent.body or b"{}")
        place = self._random.randrange(len(body))
        match self._random.randrange(7):
            case 0:
                del body[place:]
            case 1:
                body[place] = self._random.randrange(256)
            case 2:
                body[place:place] = self._random.randbytes(3)
            case 3:
                body[place:place] = b"[" * self._choose((5, 5000)) if self._random.random() < 0.5 else b'{"a":' * 500
            case 4:
                body[:0] = self._choose((b"\xef\xbb\xbf", b"\xff\xfe", b" " * 50, b"//x\n", b" " * 250_000))
            case 5:
                body[place:place] = self._choose((b"NaN", b"Infinity", b"1e99999", b"-", b"\\ud800", b"9" * 5000))
            case _:
                body += bytes(body)
        return replace(sent, body=bytes(body))

    def _bent_query(self, sent: Sent) -> Sent:
        match self._random.randrange(5):
            case 0:
                more = f"{self._choose(PARAMETERS)}={quote(self._path(), safe='')}"
            case 1:
                more = f"{self._choose(PARAMETERS)}={quote(_utf8(self._word()))}"
            case 2:
                more = f"filter={quote(_utf8(self._torn_text(self.filter())))}"
            case 3:
                more = self._choose(
                    ("&&&=", "%", "%zz", "a" * 2000, "=x", "filter", "count=%ff", "filter[]=x", "x;y=1")
                )
            case _:
                more = f"{self._choose(PARAMETERS)}={self._random.randrange(-(10**20), 10**20)}"
        return replace(sent, query=f"{sent.query}&{more}" if sent.query else more)

    def _bent_path(self, sent: Sent) -> Sent:
        segments = sent.path.split("/")
        place = self._random.randrange(len(segments))
        match self._random.randrange(4):
            case 0:
                segments[place] = _wsgi(self._word())
            case 1:
                segments.insert(place, self._choose(("", ".", "..", "Users", "x" * 3000, "%00", "\xff\xfe", ".search")))
            case 2:
                segments[place] = segments[place].swapcase().encode("latin-1", "ignore").decode("latin-1")
            case _:
                segments[place] = _wsgi(self._torn_text(segments[place]))
        return replace(sent, path="/".join(segments))

    def _bent_header(self, sent: Sent) -> Sent:
        name = self._choose(tuple(HEADERS))
        return replace(sent, headers={**sent.headers, name: self._choose(HEADERS[name])})

    def _other_method(self, sent: Sent) -> Sent:
        return replace(sent, method=self._choose(METHODS))

    def _torn_text(self, text: str) -> str:
        place = self._random.randrange(len(text) + 1)
        return text[:place] + self._choose((*WORDS, *PATHS, "(" * 300, "not " * 200, "[" * 100)) + text[place:]

    # Parts.

    def _choose(self, among: Sequence[Any]) -> Any:
        return among[self._random.randrange(len(among))]

    def _word(self) -> str:
        return str(self._choose(WORDS))

    def _name(self) -> str:
        """A name, sometimes one that is there."""
        return f"n{self._random.randrange(60)}@example.com" if self._random.random() < 0.8 else self._word()

    def _path(self) -> str:
        return str(self._choose(PATHS))

    def _id(self) -> str:
        return str(self._choose(SOMEBODY if self._random.random() < 0.8 else ("x", "0", "bulkId:b1")))

    def _cursor(self) -> str:
        return str(self._choose(CURSORS if self._random.random() < 0.6 else ("", "x", "A" * 46, "A" * 45, "é", *WORDS)))

    def _one(self) -> str:
        return f"{self._choose(('/Users', '/Users', '/Groups'))}/{self._id()}"

    def _shown(self) -> str:
        if self._random.random() < 0.7:
            return ""
        return _query_text({self._choose(("attributes", "excludedAttributes")): self._path()})


def _places(tree: Any, found: list[tuple[Any, Any]]) -> None:
    """Every place of a tree of JSON: its container, and the key or index there."""
    if isinstance(tree, dict | list):
        for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
            found.append((tree, key))
            _places(value, found)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def _query_text(given: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(_utf8(text), safe='')}" for name, text in given.items())


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _wsgi(text: str) -> str:
    """The bytes of a text, each as a character (PEP 3333)."""
    return _utf8(text).decode("latin-1")
