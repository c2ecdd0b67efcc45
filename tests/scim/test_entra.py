from typing import Any

import pytest

from ecmahost_core.scim import entra
from ecmahost_core.scim.literals import instant, number


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/scim/Users", "", ("/scim/Users", "")),
        ("/scim/Users", "filter=x", ("/scim/Users", "filter=x")),
        ("/scim", "aadOptscim062020/Users", ("/scim/Users", "")),
        ("/scim", "aadOptscim062020/Users?filter=a%20eq%20%22b%22", ("/scim/Users", "filter=a%20eq%20%22b%22")),
        ("/scim/", "aadOptscim062020/Users/2819", ("/scim/Users/2819", "")),
        ("/scim", "aadOptscim062020/Users/a%20b", ("/scim/Users/a b", "")),
        # A path in WSGI is its bytes, each as the character of that number.
        ("/scim", "aadOptscim062020/Users/%C3%A4%ff%zz", ("/scim/Users/\xc3\xa4\xff%zz", "")),
        (
            "/scim",
            "AzureAdScimPatch2017/Groups?excludedAttributes=members",
            ("/scim/Groups", "excludedAttributes=members"),
        ),
        ("/scim/Users", "aadOptscim062020", ("/scim/Users", "")),
        ("/scim/Users", "aadOptscim062020=", ("/scim/Users", "")),
        ("/scim/Users", "aadOptscim062020&filter=x", ("/scim/Users", "filter=x")),
        ("/scim/", "aadOptscim062020/", ("/scim/", "")),
        ("/scim/Users", "filter=x&aadOptscim062020", ("/scim/Users", "filter=x&aadOptscim062020")),
        ("/scim/Users", "aadOptscim062020x", ("/scim/Users", "aadOptscim062020x")),
    ],
)
def test_a_flag_in_the_tenant_url_is_taken_out_of_the_request(path: str, query: str, expected: tuple[str, str]) -> None:
    assert entra.request_target(path, query) == expected


@pytest.mark.parametrize(
    ("text", "value"), [("True", True), ("false", False), ("FALSE", False), ("yes", None), ("", None)]
)
def test_only_true_and_false_are_booleans(text: str, value: bool | None) -> None:
    assert entra.boolean(text) is value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", None),
        ("a", "a"),
        (0, 0),
        (False, False),
        ([""], [None]),
        ({"a": "", "b": [{"c": ""}]}, {"a": None, "b": [{"c": None}]}),
        ([[[[[""]]]]], [[[[[""]]]]]),
    ],
)
def test_blanks_become_null_as_deep_as_values_can_be(value: Any, expected: Any) -> None:
    assert entra.without_blanks(value) == expected


def test_a_value_of_any_depth_is_looked_at_without_exhausting_the_stack() -> None:
    value: Any = ""
    for _ in range(5000):
        value = [value]
    assert entra.without_blanks(value) is not None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"$ref": None, "value": "x"}], "x"),
        ({"value": "x"}, "x"),
        ("x", "x"),
        ([], []),
        (["x"], ["x"]),
        ([{"value": "x"}, {"value": "y"}], [{"value": "x"}, {"value": "y"}]),
        ({"value": "x", "type": "work"}, {"value": "x", "type": "work"}),
        ({"$ref": "x"}, {"$ref": "x"}),
    ],
)
def test_a_wrapped_value_is_unwrapped(value: Any, expected: Any) -> None:
    assert entra.unwrapped(value) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("1.5", 1.5),
        ("1e2", 100.0),
        ("+5", None),
        ("0x5", None),
        ("", None),
        ("1_0", None),
        ("1e999", None),
    ],
)
def test_numbers_are_those_of_json(text: str, value: float | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("2011-05-13T04:42:34Z", "2011-05-13T06:42:34+02:00"),
        ("2011-05-13T04:42:34", "2011-05-13T04:42:34.0000000Z"),
        ("2011-05-13", "2011-05-13T00:00:00Z"),
    ],
)
def test_instants_are_the_same_in_every_zone(left: str, right: str) -> None:
    assert instant(left) == instant(right)
    assert instant(left) is not None


@pytest.mark.parametrize("text", ["", "never", "2011-13-01", "04:42:34"])
def test_what_is_no_date_is_no_instant(text: str) -> None:
    assert instant(text) is None
