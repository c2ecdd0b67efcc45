from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecmahost_core import AttributeType, Reference, SchemaAttribute
from ecmahost_core.connectors.values import value_mistake
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.sync.mapping.values import same_values, scim_type_of, to_scim, to_target

MOMENT = datetime(2026, 1, 31, 8, 30, tzinfo=UTC)
VIENNA = timezone(timedelta(hours=1))
T = AttributeType
TEXT = SchemaAttribute("Column")


def attribute(kind, **more):
    return SchemaAttribute("Column", kind, **more)


def refused(data, kind, **more):
    with pytest.raises(ScimError) as caught:
        to_target(data, attribute(kind, **more), "userName")
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidValue")
    assert caught.value.detail.startswith("userName: the target attribute 'Column'")
    return caught.value.detail


@pytest.mark.parametrize(
    ("value", "scim_type", "shown"),
    [
        ("bob", "string", "bob"),
        (7, "string", "7"),
        (True, "string", "True"),
        (b"\x00\xff", "string", "AP8="),
        (b"\x00\xff", "binary", "AP8="),
        (Reference("ann"), "string", "ann"),
        (Reference("ann"), "reference", "ann"),
        (MOMENT, "dateTime", "2026-01-31T08:30:00Z"),
        (MOMENT.astimezone(VIENNA), "string", "2026-01-31T08:30:00Z"),
        (datetime(1, 1, 1, tzinfo=VIENNA), "dateTime", "0001-01-01T00:00:00+01:00"),
        (True, "boolean", True),
        (1, "boolean", True),
        (0, "boolean", False),
        ("TRUE ", "boolean", True),
        ("False", "boolean", False),
        ("Maybe", "boolean", "Maybe"),
        (2, "boolean", "2"),
        (7, "integer", 7),
        ("7", "integer", 7),
        ("007", "integer", 7),
        ("-7.5", "decimal", -7.5),
        (" 7 ", "integer", 7),
        ("1_000", "integer", "1_000"),
        ("nan", "decimal", "nan"),
        ("Infinity", "decimal", "Infinity"),
        ("9" * 40, "integer", "9" * 40),
        ("seven", "integer", "seven"),
        ("", "string", ""),
    ],
)
def test_a_value_of_the_target_is_shown_as_the_scim_attribute_has_it(value, scim_type, shown):
    found = to_scim(value, scim_type)
    assert (found, type(found)) == (shown, type(shown))


@pytest.mark.parametrize(
    ("data", "kind", "kept"),
    [
        ("bob", T.STRING, "bob"),
        (" bob ", T.STRING, " bob "),
        (True, T.STRING, "True"),
        (7, T.STRING, "7"),
        (7.5, T.STRING, "7.5"),
        (7, T.INTEGER, 7),
        ("7", T.INTEGER, 7),
        ("-007", T.INTEGER, -7),
        ("+7", T.INTEGER, 7),
        (7.0, T.INTEGER, 7),
        (True, T.INTEGER, 1),
        (False, T.INTEGER, 0),
        (2**63 - 1, T.INTEGER, 2**63 - 1),
        (str(-(2**63)), T.INTEGER, -(2**63)),
        (True, T.BOOLEAN, True),
        ("false", T.BOOLEAN, False),
        ("TRUE", T.BOOLEAN, True),
        (1, T.BOOLEAN, True),
        ("0", T.BOOLEAN, False),
        ("AP8=", T.BINARY, b"\x00\xff"),
        ("ann", T.REFERENCE, Reference("ann")),
        ("2026-01-31T08:30:00Z", T.DATE_TIME, MOMENT),
        ("2026-01-31T09:30:00+01:00", T.DATE_TIME, MOMENT),
        ("2026-01-31T08:30:00", T.DATE_TIME, MOMENT),
        ("2026-01-31", T.DATE_TIME, datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_a_value_that_was_sent_gets_the_type_of_the_target(data, kind, kept):
    found = to_target(data, attribute(kind), "userName")
    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("seven", T.INTEGER),
        ("1_000", T.INTEGER),
        ("\u0667", T.INTEGER),
        (" 7", T.INTEGER),
        (7.5, T.INTEGER),
        (float("nan"), T.INTEGER),
        (float("inf"), T.INTEGER),
        (2**63, T.INTEGER),
        ("9" * 5000, T.INTEGER),
        ("maybe", T.BOOLEAN),
        (2, T.BOOLEAN),
        (1.0, T.BOOLEAN),
        ("AP8", T.BINARY),
        ("ä", T.BINARY),
        (7, T.BINARY),
        ("yesterday", T.DATE_TIME),
        (7, T.DATE_TIME),
        ("9999-12-31T23:59:59-01:00", T.DATE_TIME),
        ("0001-01-01T00:00:00+01:00", T.DATE_TIME),
        ("a\x00b", T.STRING),
        ("\ud800", T.STRING),
        ("\ud800", T.REFERENCE),
        ("", T.REFERENCE),
        ({"value": "x"}, T.STRING),
        (["x"], T.STRING),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_names_and_not_repeated(data, kind):
    detail = refused(data, kind)
    assert not data or not isinstance(data, str) or data not in detail


def test_a_text_that_is_too_long_is_refused_before_the_target_cuts_it():
    assert "at most 3 characters, not 4" in refused("abcd", T.STRING, max_length=3)
    assert to_target("äöü", attribute(T.STRING, max_length=3), "x") == "äöü"


def values_of(kind):
    texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)
    return {
        T.STRING: texts,
        T.INTEGER: st.integers(-(2**63), 2**63 - 1),
        T.BOOLEAN: st.booleans(),
        T.BINARY: st.binary(min_size=1),
        T.REFERENCE: st.builds(Reference, texts),
        T.DATE_TIME: st.datetimes(timezones=st.timezones()).filter(lambda one: one == one.astimezone(UTC)),
    }[kind]


@given(data=st.data(), kind=st.sampled_from(list(T)), as_text=st.booleans())
def test_what_is_shown_and_sent_back_is_the_same_value(data, kind, as_text):
    value = data.draw(values_of(kind))
    column = attribute(kind)
    shown = orjson.loads(orjson.dumps(to_scim(value, "string" if as_text else scim_type_of(column))))
    assert same_values((value,), (to_target(shown, column, "x"),), column)


@given(
    st.sampled_from(list(T)),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3),
)
def test_whatever_is_sent_is_a_value_of_the_contract_or_refused(kind, data):
    try:
        value = to_target(data, attribute(kind), "x")
    except ScimError:
        return
    orjson.dumps(to_scim(value, "string"))
    assert value_mistake(value) == ""


def test_values_are_the_same_in_any_order_and_of_one_type():
    assert same_values(("a", "b"), ("b", "a"), TEXT)
    assert not same_values(("a", "a"), ("a", "b"), TEXT)
    assert not same_values(("a",), ("A",), TEXT)
    assert not same_values(("a",), (), TEXT)
    assert same_values((), (), TEXT)
    assert same_values((MOMENT, MOMENT), (MOMENT.astimezone(VIENNA), MOMENT), TEXT)
    assert same_values((MOMENT,), (MOMENT.astimezone(VIENNA),), TEXT)
    assert not same_values(("1", "2"), (1, 2), TEXT)
    assert not same_values((True,), (1,), TEXT)
    assert not same_values((True, False), (1, 0), TEXT)
    assert same_values((b"\x01", b"\x02"), (b"\x02", b"\x01"), TEXT)
    assert not same_values(("01",), (b"\x01",), TEXT)
