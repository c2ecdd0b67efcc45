from typing import Any

import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.resource import ResourceType
from ecmahost_core.scim.schemas import Attribute, Schema
from ecmahost_core.scim.sorting import Sort, parse_sort, sort_key

ECMA = urns.ECMA2HOST_USER


def _sort(text: str, resource_type: ResourceType, order: str | None = None) -> Sort:
    sort = parse_sort(text, order, resource_type)
    assert sort is not None
    return sort


@pytest.mark.parametrize(
    ("text", "resources"),
    [
        ("userName", [{"userName": "ann"}, {"userName": "BOB"}, {"userName": "bob2"}, {"userName": "\u00c7em"}, {}]),
        ("active", [{"active": False}, {"active": True}, {}]),
        ("NAME.familyName", [{"name": {"familyName": "a"}}, {"name": {"familyName": "B"}}, {"name": {}}]),
        ("name.familyName", [{"name": {"familyName": "z"}}, {"name": {"familyName": ""}}]),
        ("emails", [{"emails": [{"value": "z"}, {"value": "a", "primary": True}]}, {"emails": [{"value": "b"}]}, {}]),
        ("emails.value", [{"emails": [{"value": "b"}, {"value": "a"}]}, {"emails": [{"value": "c"}]}]),
        ("emails.type", [{"emails": [{"type": "home"}]}, {"emails": [{"type": "work"}, {"type": "a"}]}]),
        ('emails[type eq "work"].value', [{"emails": [{"value": "b", "type": "work"}]}, {"emails": [{"value": "a"}]}]),
        (f"{urns.ENTERPRISE_USER}:manager", [{urns.ENTERPRISE_USER: {"manager": {"value": "1"}}}, {}]),
        (f"{ECMA}:Gr\u00f6\u00dfe", [{ECMA: {"Gr\u00f6\u00dfe": 9}}, {ECMA: {"Gr\u00f6\u00dfe": 10.5}}, {}]),
        (f"{ECMA}:tags", [{ECMA: {"tags": ["a", "z"]}}, {ECMA: {"tags": ["b"]}}]),
        (
            "meta.created",
            [{"meta": {"created": "2026-01-01T00:30:00+01:00"}}, {"meta": {"created": "2026-01-01T00:00:00Z"}}],
        ),
    ],
)
def test_resources_are_in_the_order_of_the_values_and_those_without_one_last(
    ecma_type: ResourceType, text: str, resources: list[dict[str, Any]]
) -> None:
    sort, backwards = _sort(text, ecma_type), resources[::-1]
    assert sorted(backwards, key=lambda one: sort_key(sort, one)) == resources


def test_texts_that_eq_takes_for_the_same_have_the_same_place(user_type: ResourceType) -> None:
    sort = _sort("userName", user_type)
    places = {sort_key(sort, {"userName": name}) for name in ("Stra\u00dfe", "STRASSE ", "strasse")}
    assert len(places) == 1


def test_the_case_counts_where_the_schema_says_so() -> None:
    schema = Schema("urn:site", "Site", "", (Attribute("code", case_exact=True),))
    sort = _sort("code", ResourceType("Site", "/Sites", schema))
    assert sort_key(sort, {"code": "B"}) < sort_key(sort, {"code": "a"})


def test_values_of_different_kinds_still_have_an_order(ecma_type: ResourceType) -> None:
    sort = _sort(f"{ECMA}:HireDate", ecma_type)
    values = [False, 3, "2026-01-01T00:00:00Z", "never", None]
    places = [sort_key(sort, {ECMA: {"HireDate": value}}) for value in values]
    assert places == sorted(places)


@pytest.mark.parametrize("order", [None, "ascending", "ASCENDING", ""])
def test_the_order_is_ascending_unless_it_says_otherwise(user_type: ResourceType, order: str | None) -> None:
    assert _sort("userName", user_type, order).descending is False
    assert _sort("userName", user_type, "Descending").descending is True


def test_an_order_without_an_attribute_means_nothing(user_type: ResourceType) -> None:
    assert parse_sort(None, "descending", user_type) is None
    assert parse_sort("", "sideways", user_type) is None


@pytest.mark.parametrize(
    "text",
    ["unknown", "name", "meta", "name.nick", "userName eq", "emails[", f"{ECMA}:Photo", f"{ECMA}:Gone", urns.USER, "."],
)
def test_what_has_no_order_is_refused(ecma_type: ResourceType, text: str) -> None:
    with pytest.raises(ScimError) as caught:
        parse_sort(text, None, ecma_type)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidValue")
    assert "sortBy" in caught.value.detail


def test_so_is_any_other_order(user_type: ResourceType) -> None:
    with pytest.raises(ScimError) as caught:
        parse_sort("userName", "sideways", user_type)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidValue")
