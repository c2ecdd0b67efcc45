"""Every answer of ``search`` against a second reading of RFC 7644 section 3.4.2, by the JSON that clients get.

The oracle knows nothing of the host: no index, no target, no paths and nodes. It takes what a client sees of everybody,
and decides for each resource by itself. The resources come through an import and a real store.
"""
# ruff: noqa: RUF001 - letters that look alike are what it is about

import base64
import json
import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ecmahost_core import AttributeType, Reference, Schema, SchemaAttribute, SchemaType
from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.schema import ValueFormat
from ecmahost_core.scim.sorting import parse_sort
from ecmahost_core.sync.importing import imports
from ecmahost_core.sync.reading.presentation import presented_page
from ecmahost_core.sync.reading.queries import search

CUSTOM = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
EXAMPLES = int(os.environ.get("ECMAHOST_FILTER_EXAMPLES", "40"))
"""How many populations are tried; a long run is for a night, not for every change."""

BASE = "https://host:8585/ecma2host_hr/scim"

EMPLOYEES = SchemaType(
    "Employees",
    (
        SchemaAttribute("Login"),
        SchemaAttribute("Mail"),
        SchemaAttribute("Home"),
        SchemaAttribute("First"),
        SchemaAttribute("Last"),
        SchemaAttribute("Enabled", AttributeType.BOOLEAN),
        SchemaAttribute("Level", AttributeType.INTEGER),
        SchemaAttribute("Rank", AttributeType.INTEGER),
        SchemaAttribute("Photo", AttributeType.BINARY),
        SchemaAttribute("Hired", AttributeType.DATE_TIME),
        SchemaAttribute("Salary", format=ValueFormat.DECIMAL, precision=10, scale=2),
        SchemaAttribute("Tags", multi_valued=True),
        SchemaAttribute("Roles", multi_valued=True),
        SchemaAttribute("Badge", format=ValueFormat.GUID),
        SchemaAttribute("Seen", format=ValueFormat.TIMESTAMP, scale=3),
        SchemaAttribute("Phone", format=ValueFormat.PADDED),
        SchemaAttribute("Boss", AttributeType.REFERENCE, references="Employees"),
    ),
)
GROUP_MAPPING = {"displayName": "Name", 'members[type eq "User"]': "Members", 'members[type eq "Group"]': "Parts"}
MAPPING = {
    "userName": "Login",
    'emails[type eq "work"].value': "Mail",
    'emails[type eq "home"].value': "Home",
    "name.givenName": "First",
    "name.familyName": "Last",
    "active": "Enabled",
    f"{CUSTOM}:Level": "Level",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "Rank",
    f"{CUSTOM}:Photo": "Photo",
    f"{CUSTOM}:Hired": "Hired",
    f"{CUSTOM}:Salary": "Salary",
    f"{CUSTOM}:Tags": "Tags",
    "roles": "Roles",
    f"{CUSTOM}:Badge": "Badge",
    f"{CUSTOM}:Seen": "Seen",
    f"{CUSTOM}:Phone": "Phone",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager": "Boss",
}

TEXTS = [
    *(
        "z3",
        "z*",
        "z%",
        "z_",
        "Z3",
        "z",
        "bob",
        "BOB ",
        "bob  ",
        " bob",
        "bo-b",
        "b\tb",
        "b\nb",
        "7",
        "007",
        "7.0",
        "true",
    ),
    *(
        "(|(uid=*))",
        "*)(uid=*",
        "' OR 1=1 --",
        "%27",
        ".*",
        "[a-z]+",
        "\\",
        '"',
        "a\\b",
        "null",
        "and",
        "not (",
        "[",
        "x]",
    ),
    *(
        "é",
        "e\u0301",
        "E\u0301",
        "\u0301",
        "ß",
        "SS",
        "ss",
        "ẞ",
        "İ",
        "i\u0307",
        "I",
        "i",
        "ı",
        "ΑΣ",
        "ας",
        "ασ",
        "ﬁ",
        "fi",
    ),
    *("Å", "\u212b", "\u00a0", "a\u00a0", "\u3000", "\u0000", "a\u0000b", "\U0001f642", "\ufeff", "\u200b", "x" * 3000),
]
MOMENTS = [
    datetime(2026, 1, 31, 8, tzinfo=timezone(timedelta(hours=1))),
    datetime(2026, 1, 31, 7, tzinfo=UTC),
    datetime(2026, 1, 31, 7, 0, 0, 500000, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
]
INSTANTS = [
    *(
        "2026-01-31T07:00:00Z",
        "2026-01-31T08:00:00+01:00",
        "2026-01-31T07:00:00.5Z",
        "2026-01-31",
        "2026-01-31T07:00:00",
    ),
    *(
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "9999-12-31T23:59:59Z",
        "never",
        "",
        "2026-02-30T00:00:00Z",
    ),
]
NUMBERS = [0, 1, 7, -7, 10, 2**53 + 1, 2**63 - 1, -(2**63)]
DECIMALS = ["10.50", "9.00", "0.00", "-1.25", "100.00"]
GUIDS = ["6F9619FF-8B86-D011-B42D-00CF4FC964FF", "00000000-0000-0000-0000-000000000000"]
SEEN = ["2026-01-31 07:00:00.000", "2026-01-31 08:30:00.250 +01:00", "0001-01-01 00:00:00.000"]
BYTES = [b"\x00\x01\x02", b"\x68\x05\x9c", b"", b"i\xa6\x9c"]


# The oracle


def fold(text: str) -> str:
    """When two names are the same for this host: whatever case, composition and blanks at the end."""
    composed = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return composed.rstrip()


@dataclass(frozen=True)
class Attribute:
    """What the oracle knows of an attribute: where its values are in the JSON, and their type."""

    spellings: tuple[str, ...]
    keys: tuple[str, ...]
    type: str = "string"
    sub: str = ""


def _core(name: str, *keys: str, type: str = "string", sub: str = "") -> Attribute:  # noqa: A002 - as the RFC calls it
    return Attribute((name, name.upper(), f"{CORE}:{name}", f"{CORE.upper()}:{name.lower()}"), keys, type, sub)


def _custom(name: str, type: str = "string") -> Attribute:  # noqa: A002 - as the RFC calls it
    spellings = (name, f"{CUSTOM}:{name}", f"{CUSTOM.lower()}:{name.upper()}")
    return Attribute(spellings, (CUSTOM, name), type)


_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
EMAILS = _core("emails", "emails", sub="value")
MANAGERS = ("manager", "manager", "manager.value")
SIMPLE = [
    *(_core("userName", "userName") for _ in range(4)),
    *(_core("emails.value", "emails", sub="value") for _ in range(2)),
    _core("emails.type", "emails", sub="type"),
    EMAILS,
    _core("name.givenName", "name", "givenName"),
    _core("name.familyName", "name", "familyName"),
    _core("active", "active", type="boolean"),
    _core("id", "id"),
    _core("meta.resourceType", "meta", "resourceType"),
    _core("meta.created", "meta", "created", type="dateTime"),
    _core("meta.location", "meta", "location"),
    _core("meta.version", "meta", "version"),
    _core("schemas", "schemas"),
    *(_custom("Level", "integer") for _ in range(2)),
    _custom("Photo", "binary"),
    _custom("Hired", "dateTime"),
    _custom("Salary", "decimal text"),
    _custom("Tags"),
    *(_core(name, "roles", sub="value") for name in ("roles", "roles.value")),
    _core("roles.type", "roles", sub="type"),
    _custom("Badge", "guid text"),
    _custom("Seen", "moment text"),
    _custom("Phone"),
    Attribute((f"{_ENTERPRISE}:employeeNumber", "employeeNumber"), (_ENTERPRISE, "employeeNumber"), "number text"),
    *(_core(name, name) for name in ("title", "nickName", "externalId", "unknownToAnybody")),
    _core("name.middleName", "name", "middleName"),
    *(Attribute((f"{_ENTERPRISE}:{name}", name), (_ENTERPRISE, "manager", "value")) for name in MANAGERS),
    Attribute((f"{_ENTERPRISE}:manager.$ref",), (_ENTERPRISE, "manager", "$ref")),
    *(_core(name, "groups", sub="value") for name in ("groups", "groups", "groups.value")),
    *(_core(f"groups.{sub}", "groups", sub=sub) for sub in ("display", "type", "$ref")),
    Attribute((f"{CUSTOM}:Gone", f"{_ENTERPRISE}:costCenter"), ("gone",)),
]
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
OF_GROUPS = [
    *(Attribute((name, f"{GROUP}:{name}"), ("displayName",)) for name in ("displayName", "DISPLAYNAME")),
    *(Attribute((name, f"{GROUP}:{name}"), ("members",), sub="value") for name in ("members", "members.value") * 2),
    *(Attribute((f"members.{sub}",), ("members",), sub=sub) for sub in ("type", "$ref", "display")),
    Attribute(("id", f"{GROUP}:ID"), ("id",)),
    Attribute(("meta.resourceType", f"{GROUP}:meta.resourceType"), ("meta", "resourceType")),
    *(Attribute((name,), ("nothing",)) for name in ("externalId", "userName", f"{CORE}:id")),
]


@dataclass(frozen=True)
class Compared:
    """``path op value``; ``literal`` is how the value is written, ``pick`` says whose value it is instead."""

    attribute: Attribute
    spelling: str
    operator: str
    literal: str = ""
    pick: int = -1

    def resolved(self, scopes: Sequence[Any]) -> "Compared":
        known = [one for scope in scopes for one in values_of(self.attribute, scope)]
        if self.pick < 0 or self.operator == "pr" or not known:
            return self
        value = known[self.pick % len(known)]
        if isinstance(value, str) and self.attribute.type == "string" and self.pick % 3:
            value = value.swapcase() if self.pick % 3 == 1 else f"{value}  "
        return replace(self, literal=json.dumps(value, ensure_ascii=False), pick=-1)

    def text(self) -> str:
        return " ".join(filter(None, (self.spelling, self.operator, self.literal)))

    def holds(self, scope: Any) -> bool:
        return compare(values_of(self.attribute, scope), self.attribute.type, self.operator, self.literal)


@dataclass(frozen=True)
class Brackets:
    """``emails[...]``: one element for which everything between the brackets holds."""

    name: str
    inner: Any

    def resolved(self, scopes: Sequence[Any]) -> "Brackets":
        return replace(self, inner=self.inner.resolved([one for scope in scopes for one in scope.get(self.name, [])]))

    def text(self) -> str:
        return f"{self.name}[{self.inner.text()}]"

    def holds(self, resource: Any) -> bool:
        return any(self.inner.holds(element) for element in resource.get(self.name, []))


@dataclass(frozen=True)
class Logic:
    """``and``, ``or`` and ``not``."""

    word: str
    operands: tuple[Any, ...]

    def resolved(self, scopes: Sequence[Any]) -> "Logic":
        return replace(self, operands=tuple(one.resolved(scopes) for one in self.operands))

    def text(self) -> str:
        if self.word == "not":
            return f"not ({self.operands[0].text()})"
        return f" {self.word} ".join(f"({one.text()})" for one in self.operands)

    def holds(self, scope: Any) -> bool:
        found = [one.holds(scope) for one in self.operands]
        return not found[0] if self.word == "not" else all(found) if self.word == "and" else any(found)


def values_of(attribute: Attribute, scope: Mapping[str, Any]) -> list[Any]:
    """The values that an attribute has in some JSON; an absent one has none, and so has one that is null."""
    found: Any = scope
    for key in attribute.keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    values = found if isinstance(found, list) else [found]
    if attribute.sub:
        values = [one.get(attribute.sub) for one in values if isinstance(one, Mapping)]
    return [one for one in values if one is not None]


def compare(values: Sequence[Any], kind: str, operator: str, literal: str) -> bool:
    """RFC 7644 table 3. Of several values one has to match; ``ne`` is what ``eq`` is not."""
    if operator == "pr":
        return any(one != "" for one in values)
    if operator == "ne":
        return not compare(values, kind, "eq", literal)
    if literal == "null":
        return not values
    return any(compare_one(one, kind, operator, literal) for one in values)


def compare_one(stored: Any, kind: str, operator: str, literal: str) -> bool:
    said = json.loads(literal) if literal.startswith('"') else literal
    if kind == "boolean":
        return operator == "eq" and said.lower() in ("true", "false") and stored is (said.lower() == "true")
    if kind == "integer":
        number = as_number(said)
        return number is not None and ordered(Decimal(stored), operator, number)
    if kind == "dateTime" and operator not in ("co", "sw", "ew"):
        left, right = as_moment(stored), as_moment(said)
        return left is not None and right is not None and ordered(left, operator, right)
    if kind == "binary":
        return in_text(stored, operator, said) if operator in ("co", "sw", "ew") else as_bytes(said) == as_bytes(stored)
    if kind in MEANINGFUL and operator not in ("co", "sw", "ew"):
        return MEANINGFUL[kind](stored, operator, said)
    if operator in ("co", "sw", "ew"):
        kept = (fold(stored + ".")[:-1], fold(said + ".")[:-1])
        same = fold(stored) == fold(said)
        return same or in_text(kept[0], operator, kept[1]) or (operator == "ew" and fold(stored).endswith(fold(said)))
    return ordered(fold(stored), operator, fold(said))


def compare_numbers(stored: str, operator: str, said: str) -> bool:
    left, right = as_number(stored), as_number(said)
    if operator == "eq":
        return (left is not None and left == right) or fold(stored) == fold(said)
    return left is not None and right is not None and ordered(left, operator, right)


def compare_guids(stored: str, operator: str, said: str) -> bool:
    return ordered(as_guid(stored), operator, as_guid(said))


def compare_moments(stored: str, operator: str, said: str) -> bool:
    if operator == "eq":
        kept = as_text_moment(stored), as_text_moment(said)
        return kept[0] == kept[1] if None not in kept else fold(stored) == fold(said)
    left, right = as_exact_moment(stored), as_exact_moment(said)
    return left is not None and right is not None and ordered(left, operator, right)


MEANINGFUL = {
    "decimal text": compare_numbers,
    "number text": compare_numbers,
    "guid text": compare_guids,
    "moment text": compare_moments,
}
"""Texts that are compared by what they mean."""


def ordered(left: Any, operator: str, right: Any) -> bool:
    return {
        "eq": left == right,
        "gt": left > right,
        "ge": left >= right,
        "lt": left < right,
        "le": left <= right,
    }.get(operator, False)


def in_text(text: str, operator: str, part: str) -> bool:
    return part in text if operator == "co" else text.startswith(part) if operator == "sw" else text.endswith(part)


def as_number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.rstrip()) if text.isascii() and "_" not in text else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def as_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_guid(text: str) -> str:
    plain = text.rstrip().lower().strip("{}")
    return plain.replace("-", "") if len(plain) in (32, 36) else fold(text)


def as_text_moment(text: str) -> datetime | None:
    """One that the target can keep: thousandths of a second, and a year that UTC has too."""
    in_utc = as_exact_moment(text)
    return None if in_utc is None else in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000)


def as_exact_moment(text: str) -> datetime | None:
    moment = as_moment(text.rstrip().replace(" +", "+"))
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def as_bytes(text: str) -> Any:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return text


def place_of(attribute: Attribute, resource: Mapping[str, Any]) -> Any:
    """RFC 7644 section 3.4.2.3: of several values the primary or the first; who has none comes last."""
    found = values_of(attribute, resource)
    value = found[0] if found and found[0] != "" else None
    if value is None:
        return (1, 0)
    if attribute.type == "dateTime":
        return (0, as_moment(value))
    if attribute.type in ("decimal text", "number text"):
        return (0, as_number(value))
    if attribute.type == "moment text":
        return (0, as_exact_moment(value))
    return (0, fold(value) if isinstance(value, str) and attribute.keys != ("id",) else value)


# Random people, filters and orders


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _some(*choices: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    """No value or one of these."""
    return st.sampled_from([(), *((one,) for one in choices)])


texts = st.one_of(st.sampled_from(TEXTS), st.sampled_from(TEXTS[:12]))
people = st.lists(
    st.fixed_dictionaries(
        {
            "Login": texts.map(lambda text: (text,)),
            "Mail": _some(*TEXTS),
            "Home": _some(*TEXTS),
            "First": _some(*TEXTS, *TEXTS[:8]),
            "Last": _some("", *TEXTS),
            "Enabled": _some(True, False),
            "Level": _some(*NUMBERS),
            "Rank": _some(*NUMBERS),
            "Photo": _some(*BYTES),
            "Hired": _some(*MOMENTS),
            "Salary": _some(*DECIMALS),
            "Tags": st.lists(texts, max_size=3, unique_by=fold).map(tuple),
            "Roles": st.lists(texts, max_size=3, unique_by=fold).map(tuple),
            "Badge": _some(*GUIDS),
            "Seen": _some(*SEEN),
            "Phone": _some("", "0123   ", "0123 45  ", "         ", "z3       "),
            "Boss": st.one_of(st.none(), st.integers(0, 8)),
        }
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda row: fold(row["Login"][0]),
)
LITERALS = {
    "string": [*map(_quoted, TEXTS), *map(_quoted, TEXTS[:12]), "7", "7.0", "true", "null", '"work"', '"User"'],
    "boolean": ["true", "false", '"True"', '"FALSE"', '"perhaps"', "null"],
    "integer": [
        *map(str, NUMBERS),
        '"7"',
        '"007"',
        "7.0",
        "7.5",
        "7e0",
        '"7 "',
        '"abc"',
        "null",
        "99999999999999999999",
    ],
    "number text": [
        *map(str, NUMBERS),
        *(_quoted(str(one)) for one in NUMBERS),
        '"007"',
        '"7 "',
        '"abc"',
        '""',
        "null",
    ],
    "dateTime": [*map(_quoted, INSTANTS), "null"],
    "decimal text": ['"10.5"', '"10.50"', "10.5", '"9"', '"9.000"', '"0"', '"-1.25"', '"x"', '"10.505"', '""', "null"],
    "guid text": [
        *(_quoted(form) for one in GUIDS for form in (one, one.lower(), f"{{{one}}}", one.replace("-", ""), f"{one} ")),
        *('"6F9619FF"', '""', "null"),
    ],
    "moment text": [
        *(_quoted(one) for one in (*SEEN, *INSTANTS, "2026-01-31T07:30:00.250Z", "2026-01-31T08:30:00.25+01:00")),
        "null",
    ],
    "binary": [*(_quoted(base64.b64encode(one).decode()) for one in BYTES), '"aaec"', '"not base64"', "null"],
}
OPERATORS = {
    "string": ["eq", "eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"],
    "boolean": ["eq", "eq", "ne", "pr"],
    "integer": ["eq", "eq", "ne", "gt", "ge", "lt", "le", "pr"],
    "number text": ["eq", "eq", "ne", "co", "gt", "ge", "lt", "le", "pr"],
    "dateTime": ["eq", "eq", "ne", "gt", "ge", "lt", "le", "sw", "pr"],
    "decimal text": ["eq", "eq", "ne", "sw", "gt", "ge", "lt", "le", "pr"],
    "guid text": ["eq", "eq", "ne", "sw", "pr"],
    "moment text": ["eq", "eq", "ne", "sw", "gt", "ge", "lt", "le", "pr"],
    "binary": ["eq", "ne", "co", "pr"],
}


@st.composite
def comparisons(draw: st.DrawFn, attributes: Sequence[Attribute]) -> Compared:
    attribute = draw(st.sampled_from(attributes))
    operator = draw(st.sampled_from(OPERATORS[attribute.type]))
    literals = LITERALS[attribute.type]
    if operator not in ("eq", "ne"):
        literals = [one for one in literals if one != "null"]
    literal = "" if operator == "pr" else draw(st.sampled_from(literals))
    pick = draw(st.sampled_from([-1, *range(9)]))
    return Compared(attribute, draw(st.sampled_from(attribute.spellings)), operator, literal, pick)


def _logic(operands: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(operands, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Logic, st.sampled_from(["and", "or"]), several),
        st.builds(Logic, st.just("not"), operands.map(lambda one: (one,))),
    )


inside = st.recursive(
    comparisons(
        [
            *(Attribute(("value", "VALUE"), ("value",)) for _ in range(2)),
            Attribute(("type",), ("type",)),
            Attribute(("primary",), ("primary",), "boolean"),
            Attribute(("colour",), ("colour",)),
            Attribute(("display",), ("display",)),
            Attribute(("$ref",), ("$ref",)),
        ]
    ),
    _logic,
    max_leaves=3,
)


def _filters(attributes: Sequence[Attribute], *names: str) -> st.SearchStrategy[Any]:
    leaves = st.one_of(comparisons(attributes), st.builds(Brackets, st.sampled_from(names), inside))
    return st.recursive(leaves, _logic, max_leaves=5)


of_people = _filters(SIMPLE, "emails", "groups", "roles")
of_groups = _filters(OF_GROUPS, "members")
SORTABLE = ("string", "boolean", "integer", "dateTime")
UNMAPPED = ("title", "nickName", "externalId", "unknownToAnybody", "name.middleName", "roles.type", f"{CUSTOM}:Gone")
OTHERS = (
    "meta.location",
    "meta.version",
    f"{_ENTERPRISE}:manager.$ref",
    "groups.$ref",
    "members.$ref",
    "members.display",
)
PLACES = [one for one in SIMPLE if one.type in SORTABLE and one.spellings[0] not in (*UNMAPPED, *OTHERS)]
GROUP_PLACES = [one for one in OF_GROUPS if one.keys != ("nothing",) and one.spellings[0] not in OTHERS]
people_asked = st.lists(st.tuples(of_people, st.integers(1, 4), st.integers(0, 4)), min_size=6, max_size=6)
groups_asked = st.lists(st.tuples(of_groups, st.integers(1, 4), st.integers(0, 4)), min_size=6, max_size=6)


def _orders(places: Sequence[Attribute], filters: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    one = st.tuples(st.sampled_from(places), st.booleans(), st.one_of(st.none(), filters), st.integers(1, 4))
    return st.lists(one, min_size=2, max_size=2)


teams = st.lists(
    st.fixed_dictionaries(
        {
            "Name": st.sampled_from(TEXTS[:16]).map(lambda text: (text,)),
            "Members": st.lists(st.integers(0, 8), max_size=4, unique=True),
            "Parts": st.lists(st.integers(0, 3), max_size=2, unique=True),
        }
    ),
    max_size=4,
    unique_by=lambda row: fold(row["Name"][0]),
)


# The host's answers


@dataclass
class Site:
    """One endpoint, and what a client sees of everybody and of every group."""

    desk: Any
    people: list[dict[str, Any]] = field(default_factory=list)
    teams: list[dict[str, Any]] = field(default_factory=list)

    def holds(self, rows: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]]) -> None:
        logins, names = [row["Login"][0] for row in rows], [group["Name"][0] for group in groups]
        self.desk.target.rows = {
            row["Login"]: {**row, "Boss": () if row["Boss"] is None else _named([row["Boss"]], logins)} for row in rows
        }
        self.desk.target.groups = {
            group["Name"]: {
                "Name": group["Name"],
                "Members": _named(group["Members"], logins),
                "Parts": _named(group["Parts"], names),
            }
            for group in groups
        }
        imports.full_import(self.desk.endpoint)
        self.people = self._shown(self.desk)
        self.teams = self._shown(self.desk.groups)

    def _shown(self, desk: Any) -> list[dict[str, Any]]:
        found = ask(desk, None, 1, 1000)[1]
        page = presented_page(desk.endpoint, desk.binding, found, lambda _path: True, BASE)
        return [json.loads(json.dumps(one)) for one in page]


def _named(places: Sequence[int], names: Sequence[str]) -> tuple[Reference, ...]:
    """References to these, and to nobody where there are not so many."""
    found = [names[place] if place < len(names) else "nobody at all" for place in places]
    return tuple(Reference(name) for name in dict.fromkeys(found))


def ask(desk: Any, text: str | None, start: int, count: int, by: str = "", order: str = "") -> tuple[int, list[Any]]:
    sort = parse_sort(by, order or None, desk.binding.resource_type)
    found = search(desk.endpoint, desk.binding, text, start, count, desk.call(60), sort=sort, base_url=BASE)
    return found.total, found.objects


@contextmanager
def _site(memory: Any, directory: Any, freshness: Freshness) -> Iterator[Site]:
    with memory.desk_in(directory) as desk:
        desk.target.schema = Schema((EMPLOYEES, memory.GROUPS))
        query = ("Login", ("Mail", False), ("Level", False), ("Salary", False), ("Photo", False), ("Tags", False))
        query = (*query, ("Roles", False), ("Badge", False), ("Seen", False), ("Phone", False))
        desk.ready(mapping=MAPPING, query=query, freshness=freshness, objects=1000, groups=GROUP_MAPPING)
        yield Site(desk)


@pytest.fixture(scope="module", params=[Freshness.CACHE, Freshness.VERIFY])
def site(request: Any, memory: Any, tmp_path_factory: Any) -> Iterator[Site]:
    with _site(memory, tmp_path_factory.mktemp("site"), request.param) as site:
        yield site


# Not shrunk: each step is an import, and the message has the filter.
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(
    rows=people,
    groups=teams,
    people_asked=people_asked,
    groups_asked=groups_asked,
    people_sorted=_orders(PLACES, of_people),
    groups_sorted=_orders(GROUP_PLACES, of_groups),
)
def test_every_answer_is_what_the_resources_themselves_say(
    site: Site, rows: Any, groups: Any, people_asked: Any, groups_asked: Any, people_sorted: Any, groups_sorted: Any
) -> None:
    site.holds(rows, groups)
    _compare(site.desk, site.people, people_asked, people_sorted)
    _compare(site.desk.groups, site.teams, groups_asked, groups_sorted)


def _compare(desk: Any, everybody: list[dict[str, Any]], asked: Any, orders: Any) -> None:
    for drawn, start, count in asked:
        node = drawn.resolved(everybody)
        expected = [one["id"] for one in everybody if node.holds(one)]
        total, page = ask(desk, node.text(), 1, 1000)
        assert (total, [one.id for one in page]) == (len(expected), expected), node.text()
        total, page = ask(desk, node.text(), start, count)
        assert (total, [one.id for one in page]) == (len(expected), expected[start - 1 : start - 1 + count])
    for attribute, descending, drawn, start in orders:
        node = None if drawn is None else drawn.resolved(everybody)
        left = [one for one in everybody if node is None or node.holds(one)]
        expected = [one["id"] for one in _ordered(attribute, left, descending=descending)]
        text = None if node is None else node.text()
        total, page = ask(desk, text, start, 3, attribute.spellings[0], "descending" if descending else "")
        found = [one.id for one in page]
        assert (total, found) == (len(left), expected[start - 1 : start + 2]), (
            attribute.spellings[0],
            descending,
            text,
        )


def _ordered(attribute: Attribute, resources: list[Any], *, descending: bool) -> list[Any]:
    """Equals stay in the order of the listing, whichever way the others are sorted."""
    places = {id(one): place_of(attribute, one) for one in resources}
    by_place = sorted(resources, key=lambda one: places[id(one)])
    if not descending:
        return by_place
    groups = [list(group) for _, group in groupby(by_place, key=lambda one: places[id(one)])]
    return [one for group in reversed(groups) for one in group]
