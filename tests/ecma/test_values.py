import json
from datetime import UTC, datetime
from types import MappingProxyType

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecmahost_core import Reference
from ecmahost_core.ecma.values import (
    INT64_MAX,
    INT64_MIN,
    anchor_text,
    attributes_from_json,
    attributes_to_json,
    text_of,
    value_from_json,
    value_to_json,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# Summer and winter time share one hour a year; there, equal instants of different zones are never "==" in Python.
MOMENTS = st.datetimes(timezones=st.timezones()).filter(lambda one: one == datetime.fromisoformat(one.isoformat()))
VALUES = (
    TEXT
    | st.integers(INT64_MIN, INT64_MAX)
    | st.booleans()
    | st.binary()
    | st.builds(Reference, TEXT.filter(bool))
    | MOMENTS
)
ATTRIBUTES = st.dictionaries(TEXT, st.lists(VALUES, max_size=3).map(tuple), max_size=5)


def same(left, right):
    """Equal and of one type: ``True == 1`` in Python."""
    return left == right and type(left) is type(right)


@given(VALUES)
def test_a_value_survives_json_with_its_type(value):
    data = json.loads(json.dumps(value_to_json(value)))
    assert same(value_from_json(data), value)
    assert same(value_from_json(orjson.loads(orjson.dumps(value_to_json(value)))), value)


@given(ATTRIBUTES)
def test_attributes_survive_json_and_no_value_is_not_absent(attributes):
    found = attributes_from_json(attributes_to_json(attributes))
    assert found == attributes
    for name, values in attributes.items():
        assert all(same(one, other) for one, other in zip(found[name], values, strict=True))


@given(ATTRIBUTES)
def test_equal_attributes_have_one_json_form_whatever_their_order(attributes):
    backwards = dict(reversed(attributes.items()))
    assert attributes_to_json(backwards) == attributes_to_json(attributes)
    assert attributes_to_json({**attributes, "added": ()}) != attributes_to_json(
        {name: values for name, values in attributes.items() if name != "added"}
    )


@pytest.mark.parametrize(
    "value",
    [INT64_MAX + 1, INT64_MIN - 1, 2**64, 1.5, float("nan"), None, ["x"], {"bytes": "AA=="}, Exception, "\ud800"],
)
def test_what_is_no_value_of_the_contract_has_no_json_form(value):
    with pytest.raises(TypeError):
        attributes_to_json({"name": ("x", value)})


def test_a_read_only_mapping_of_attributes_is_one_too():
    assert attributes_to_json(MappingProxyType({"name": ("x",)})) == attributes_to_json({"name": ("x",)})


@pytest.mark.parametrize(
    "data",
    [
        None,
        1.5,
        [],
        {},
        {"bytes": "?"},
        {"bytes": "AA==", "x": 1},
        {"date": "2026"},
        {"bytes": 7},
        {"datetime": 7},
        {"reference": None},
        {"datetime": "soon"},
        {"Bytes": ""},
    ],
)
def test_what_is_not_the_json_form_of_a_value_is_refused(data):
    with pytest.raises(ValueError):  # noqa: PT011 - base64 and datetime say it in words of their own
        value_from_json(data)


@given(st.lists(TEXT, min_size=1, max_size=4).map(tuple), st.lists(TEXT, min_size=1, max_size=4).map(tuple))
def test_two_anchors_of_one_size_have_one_text_only_when_they_are_equal(left, right):
    if len(left) == len(right):
        assert (anchor_text(left) == anchor_text(right)) == (left == right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("a,b", "c"), ("a", "b,c")),
        (('a","b', "c"), ("a", 'b","c')),
        (("a", ""), ("", "a")),
        (("a\\", "b"), ("a", "\\b")),
        ((1, 23), (12, 3)),
    ],
)
def test_no_separator_can_be_forged(left, right):
    assert anchor_text(left) != anchor_text(right)


def test_an_anchor_of_one_value_is_that_values_text():
    assert anchor_text(("bob",)) == "bob"
    assert anchor_text((7,)) == "7"
    assert anchor_text((b"\x01\xff",)) == "01ff"
    with pytest.raises(ValueError, match="at least one"):
        anchor_text(())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (7, "7"),
        (True, "True"),
        (False, "False"),
        (b"\xff", "ff"),
        (Reference("r"), "r"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
    ],
)
def test_the_text_of_a_value_is_what_an_index_holds(value, text):
    assert text_of(value) == text
