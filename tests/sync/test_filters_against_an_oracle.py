"""Every answer of ``search`` against a second reading of RFC 7644 section 3.4.2, which looks at the JSON that clients get.

The oracle knows nothing of the host: no index, no target, no paths and nodes. It takes what a client sees of everybody,
and decides for each resource by itself. The resources come through an import and a real store.
"""

import base64
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from ecmahost_core import AttributeType, Schema, SchemaAttribute, SchemaType
from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.schema import ValueFormat
from ecmahost_core.scim.sorting import parse_sort
from ecmahost_core.sync import imports
from ecmahost_core.sync.presentation import presented
from ecmahost_core.sync.queries import search

CUSTOM = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
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
    ),
)
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
}

TEXTS = [
    *("z3", "z*", "z%", "z_", "Z3", "z", "bob", "BOB ", "bob  ", " bob", "bo-b", "b\tb", "b\nb", "7", "007", "7.0", "true"),
    *("(|(uid=*))", "*)(uid=*", "' OR 1=1 --", "%27", ".*", "[a-z]+", "\\", '"', "a\\b", "null", "and", "not (", "[", "x]"),
    *("é", "e\u0301", "E\u0301", "\u0301", "ß", "SS", "ss", "ẞ", "İ", "i\u0307", "I", "i", "ı", "ΑΣ", "ας", "ασ", "ﬁ", "fi"),
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
    *("2026-01-31T07:00:00Z", "2026-01-31T08:00:00+01:00", "2026-01-31T07:00:00.5Z", "2026-01-31", "2026-01-31T07:00:00"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z", "never", "", "2026-02-30T00:00:00Z"),
]
NUMBERS = [0, 1, 7, -7, 10, 2**53 + 1, 2**63 - 1, -(2**63)]
DECIMALS = ["10.50", "9.00", "0.00", "-1.25", "100.00"]
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
    Attribute((f"{_ENTERPRISE}:employeeNumber", "employeeNumber"), (_ENTERPRISE, "employeeNumber"), "number text"),
    *(_core(name, name) for name in ("title", "nickName", "externalId", "unknownToAnybody")),
    _core("name.middleName", "name", "middleName"),
    Attribute((f"{CUSTOM}:Gone", f"{_ENTERPRISE}:costCenter"), ("gone",)),
]


@dataclass(frozen=True)
class Compared:
    """``path op value``; ``literal`` is how the value is written."""

    attribute: Attribute
    spelling: str
    operator: str
    literal: str = ""

    def text(self) -> str:
        return " ".join(filter(None, (self.spelling, self.operator, self.literal)))

    def holds(self, scope: Any) -> bool:
        return compare(values_of(self.attribute, scope), self.attribute.type, self.operator, self.literal)


@dataclass(frozen=True)
class Brackets:
    """``emails[...]``: one element for which everything between the brackets holds."""

    spelling: str
    inner: Any

    def text(self) -> str:
        return f"{self.spelling}[{self.inner.text()}]"

    def holds(self, resource: Any) -> bool:
        return any(self.inner.holds(element) for element in resource.get("emails", []))


@dataclass(frozen=True)
class Logic:
    """``and``, ``or`` and ``not``."""

    word: str
    operands: tuple[Any, ...]

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
    if kind in ("decimal text", "number text") and operator == "eq":
        left, right = as_number(stored), as_number(said)
        return (left is not None and left == right) or fold(stored) == fold(said)
    if operator in ("co", "sw", "ew"):
        kept = (fold(stored + ".")[:-1], fold(said + ".")[:-1])
        same = fold(stored) == fold(said)
        return same or in_text(kept[0], operator, kept[1]) or (operator == "ew" and fold(stored).endswith(fold(said)))
    return ordered(fold(stored), operator, fold(said))


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
        }
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda row: fold(row["Login"][0]),
)
LITERALS = {
    "string": [*map(_quoted, TEXTS), *map(_quoted, TEXTS[:12]), "7", "7.0", "true", "null", '"work"', '"User"'],
    "boolean": ["true", "false", '"True"', '"FALSE"', '"perhaps"', "null"],
    "integer": [*map(str, NUMBERS), '"7"', '"007"', "7.0", "7.5", "7e0", '"7 "', '"abc"', "null", "99999999999999999999"],
    "number text": [*map(str, NUMBERS), *(_quoted(str(one)) for one in NUMBERS), '"007"', '"7 "', '"abc"', '""', "null"],
    "dateTime": [*map(_quoted, INSTANTS), "null"],
    "decimal text": ['"10.5"', '"10.50"', "10.5", '"9"', '"9.000"', '"0"', '"-1.25"', '"x"', '"10.505"', '""', "null"],
    "binary": [*(_quoted(base64.b64encode(one).decode()) for one in BYTES), '"aaec"', '"not base64"', "null"],
}
OPERATORS = {
    "string": ["eq", "eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"],
    "boolean": ["eq", "eq", "ne", "pr"],
    "integer": ["eq", "eq", "ne", "gt", "ge", "lt", "le", "pr"],
    "number text": ["eq", "eq", "ne", "co", "pr"],
    "dateTime": ["eq", "eq", "ne", "gt", "ge", "lt", "le", "sw", "pr"],
    "decimal text": ["eq", "eq", "ne", "sw", "pr"],
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
    return Compared(attribute, draw(st.sampled_from(attribute.spellings)), operator, literal)


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
        ]
    ),
    _logic,
    max_leaves=3,
)
filters = st.recursive(
    st.one_of(comparisons(SIMPLE), st.builds(Brackets, st.sampled_from(EMAILS.spellings), inside)), _logic, max_leaves=5
)
SORTED = [one for one in SIMPLE if one.type in ("string", "boolean", "integer", "dateTime") and one.keys != ("meta", "version")]
MAPPED = {"title", "nickName", "externalId", "unknownToAnybody", "name.middleName", f"{CUSTOM}:Gone"}
orders = st.tuples(st.sampled_from([one for one in SORTED if one.spellings[0] not in MAPPED]), st.booleans())


# The host's answers


@dataclass
class Site:
    """One endpoint, and what a client sees of everybody."""

    desk: Any
    everybody: list[dict[str, Any]] = field(default_factory=list)

    def holds(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.desk.target.rows = {row["Login"]: dict(row) for row in rows}
        imports.full_import(self.desk.endpoint)
        self.everybody = [self._shown(one) for one in self.ask(None, 1, 1000)[1]]

    def _shown(self, one: Any) -> dict[str, Any]:
        return json.loads(json.dumps(presented(self.desk.binding, one, BASE, self.desk.store.epoch)))

    def ask(self, text: str | None, start: int, count: int, by: str = "", order: str = "") -> tuple[int, list[Any]]:
        sort = parse_sort(by, order or None, self.desk.binding.resource_type)
        call = self.desk.call(60)
        found = search(self.desk.endpoint, self.desk.binding, text, start, count, call, sort=sort, base_url=BASE)
        return found.total, found.objects


@contextmanager
def _site(memory: Any, directory: Any, freshness: Freshness) -> Iterator[Site]:
    with memory.desk_in(directory) as desk:
        desk.target.schema = Schema((EMPLOYEES,))
        query = ("Login", ("Mail", False), ("Level", False), ("Salary", False), ("Photo", False), ("Tags", False))
        desk.ready(mapping=MAPPING, query=query, freshness=freshness, objects=1000)
        yield Site(desk)


@pytest.fixture(scope="module", params=[Freshness.CACHE, Freshness.VERIFY])
def site(request: Any, memory: Any, tmp_path_factory: Any) -> Iterator[Site]:
    with _site(memory, tmp_path_factory.mktemp("site"), request.param) as site:
        yield site


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=people,
    wanted=st.lists(st.tuples(filters, st.integers(1, 4), st.integers(0, 4)), min_size=8, max_size=8),
    sorts=st.lists(st.tuples(orders, st.one_of(st.none(), filters), st.integers(1, 4)), min_size=3, max_size=3),
)
def test_every_answer_is_what_the_resources_themselves_say(
    site: Site, rows: Any, wanted: Any, sorts: Any
) -> None:
    site.holds(rows)
    for node, start, count in wanted:
        expected = [one["id"] for one in site.everybody if node.holds(one)]
        note(node.text())
        total, page = site.ask(node.text(), 1, 1000)
        assert [one.id for one in page] == expected, node.text()
        assert total == len(expected)
        total, page = site.ask(node.text(), start, count)
        assert (total, [one.id for one in page]) == (len(expected), expected[start - 1 : start - 1 + count])
    for (attribute, descending), node, start in sorts:
        left = [one for one in site.everybody if node is None or node.holds(one)]
        left.sort(key=lambda one: place_of(attribute, one), reverse=False)
        if descending:
            left = [one for _, group in sorted(_grouped(attribute, left), reverse=True) for one in group]
        order = "descending" if descending else ""
        text = None if node is None else node.text()
        note(f"{attribute.spellings[0]} {order} {text}")
        total, page = site.ask(text, start, 3, attribute.spellings[0], order)
        assert [one.id for one in page] == [one["id"] for one in left][start - 1 : start + 2]
        assert total == len(left)


def _grouped(attribute: Attribute, ordered_: list[Any]) -> list[tuple[Any, list[Any]]]:
    groups: dict[Any, list[Any]] = {}
    for one in ordered_:
        groups.setdefault(place_of(attribute, one), []).append(one)
    return list(groups.items())
