"""Texts that mean something: the form in which they are exported, and which of them are equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecmahost_core import AttributeType, SchemaAttribute, ValueFormat
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.sync.mapping.values import normal, same_values, to_target

F = ValueFormat
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def text(format_=None, **more):
    return SchemaAttribute("Column", format=format_, **more)


def refused(data, attribute):
    with pytest.raises(ScimError) as caught:
        to_target(data, attribute, "title")
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidValue")
    assert caught.value.detail.startswith("title: the target attribute 'Column' (")
    return caught.value.detail


@pytest.mark.parametrize(
    ("attribute", "sent", "exported"),
    [
        (text(F.DECIMAL), "1.50", "1.50"),
        (text(F.DECIMAL), "+007.50", "7.50"),
        (text(F.DECIMAL), "1e3", "1000"),
        (text(F.DECIMAL), ".5", "0.5"),
        (text(F.DECIMAL), 1.5, "1.5"),
        (text(F.DECIMAL), 7, "7"),
        (text(F.DECIMAL), True, "1"),
        (text(F.DECIMAL, precision=10, scale=2), "1.5000", "1.5"),
        (text(F.DECIMAL, precision=10, scale=2), "-12345678.99", "-12345678.99"),
        (text(F.DECIMAL, precision=2, scale=2), "0.25", "0.25"),
        (text(F.DECIMAL, precision=10, scale=0), "007", "7"),
        (text(F.DECIMAL, precision=6), "0.00123456", "0.00123456"),
        (text(F.DECIMAL, precision=6), "123456000", "123456000"),
        (text(F.DATE), "2026-01-31", "2026-01-31"),
        (text(F.DATE), "2026-01-31T00:00:00.0000000Z", "2026-01-31"),
        (text(F.DATE), "2024-02-29", "2024-02-29"),
        (text(F.TIMESTAMP), "2026-01-31", "2026-01-31T00:00:00Z"),
        (text(F.TIMESTAMP), "2026-01-31 08:00", "2026-01-31T08:00:00Z"),
        (text(F.TIMESTAMP), "2026-01-31T09:00:00+01:00", "2026-01-31T08:00:00Z"),
        (text(F.TIMESTAMP), "2026-01-31T08:00:00.1234567Z", "2026-01-31T08:00:00.123456Z"),
        (text(F.TIMESTAMP, scale=7), "2026-01-31T08:00:00.1234567Z", "2026-01-31T08:00:00.123456Z"),
        (text(F.TIMESTAMP, scale=3), "2026-01-31T08:00:00.9999Z", "2026-01-31T08:00:00.999000Z"),
        (text(F.TIMESTAMP, scale=0), "2026-01-31T08:00:00.9Z", "2026-01-31T08:00:00Z"),
        (text(F.TIME), "08:30", "08:30:00"),
        (text(F.TIME, scale=0), "08:30:00.9", "08:30:00"),
        (text(F.GUID), GUID, GUID),
        (text(F.GUID), f"{{{GUID.upper()}}}", GUID),
        (text(F.GUID), f"({GUID})", GUID),
        (text(F.GUID), GUID.replace("-", "").upper(), GUID),
        (text(F.PADDED, max_length=5), "ab   ", "ab"),
        (text(), "007", "007"),
        (text(), "1.50", "1.50"),
        (text(), "ab   ", "ab   "),
        (text(), "cafe\u0301", "cafe\u0301"),
        (text(max_length=1), True, "1"),
        (text(max_length=4), False, "0"),
        (text(max_length=5), False, "False"),
        (text(F.PADDED, max_length=1), True, "1"),
    ],
)
def test_a_text_is_exported_in_the_form_that_its_attribute_has(attribute, sent, exported):
    assert to_target(sent, attribute, "title") == exported


@pytest.mark.parametrize(
    ("attribute", "sent", "takes"),
    [
        (text(F.DECIMAL), "1,000", "(Decimal) takes a number such as 12.5."),
        (text(F.DECIMAL), "1 000", "a number such as 12.5"),
        (text(F.DECIMAL), "", "a number"),
        (text(F.DECIMAL), "NaN", "a number"),
        (text(F.DECIMAL), "Infinity", "a number"),
        (text(F.DECIMAL), "1e9999", "a number"),
        (text(F.DECIMAL), "\u0661", "a number"),
        (text(F.DECIMAL), "9" * 5000, "a number"),
        (text(F.DECIMAL), "0x10", "a number"),
        (text(F.DECIMAL, precision=10, scale=2), "1.505", "at most 2 digits behind the point"),
        (text(F.DECIMAL, precision=10, scale=2), "123456789", "at most 8 digits before the point"),
        (text(F.DECIMAL, precision=2, scale=2), "1", "at most 0 digits before the point"),
        (text(F.DECIMAL, precision=10, scale=0), "7.5", "a whole number"),
        (text(F.DECIMAL, precision=6), "1.234567", "at most 6 digits"),
        (text(F.DATE), "2026-02-29", "(Date) takes a date such as 2026-01-31"),
        (text(F.DATE), "2026-01-31T08:00:00Z", "without a time of day"),
        (text(F.DATE), "31.01.2026", "a date"),
        (text(F.TIMESTAMP), "2026-02-30T08:00:00Z", "a date-time"),
        (text(F.TIMESTAMP), "2026-01-31T24:00:01Z", "a date-time"),
        (text(F.TIMESTAMP), "0001-01-01T00:00:00+01:00", "a date-time"),
        (text(F.TIMESTAMP), True, "a date-time"),
        (text(F.TIMESTAMP), "2026-01-31\u200708:00", "a date-time"),
        (text(F.TIMESTAMP), f"2026-01-31T08:00:00.{'0' * 100}", "a date-time"),
        (SchemaAttribute("Column", AttributeType.DATE_TIME), "2026-01-31\ud80008:00", "a date-time"),
        (SchemaAttribute("Column", AttributeType.BOOLEAN), "True" + " " * 100, "true or false"),
        (text(F.TIME), f"08:00:00.{'0' * 100}", "a time of day"),
        (text(F.TIME), "25:00", "a time of day"),
        (text(F.TIME), "08", "a time of day"),
        (text(F.TIME), "08:00:00+01:00", "without a zone"),
        (text(F.GUID), GUID[:-1], "(Guid) takes a GUID"),
        (text(F.GUID), f"{{{GUID}", "a GUID"),
        (text(F.GUID), f"{{{GUID})", "a GUID"),
        (text(F.GUID), GUID.replace("-", "", 1), "a GUID"),
        (text(F.GUID), GUID.replace("f", "g"), "a GUID"),
        (text(F.GUID), "-" * 36, "a GUID"),
        (text(F.PADDED, max_length=2), "abc", "at most 2 characters, not 3"),
        (
            SchemaAttribute("Column", AttributeType.INTEGER, minimum=-32768, maximum=32767),
            40000,
            "from -32768 to 32767",
        ),
        (SchemaAttribute("Column", AttributeType.INTEGER, minimum=-32768, maximum=32767), "-32769", "from -32768"),
        (SchemaAttribute("Column", AttributeType.INTEGER, minimum=0), -1, "an integer from 0 to 9223372036854775807"),
    ],
)
def test_a_text_without_that_form_is_refused_with_what_the_target_takes(attribute, sent, takes):
    detail = refused(sent, attribute)
    assert takes in detail
    assert len(str(sent)) < 3 or str(sent) not in detail


@pytest.mark.parametrize(
    ("attribute", "left", "right"),
    [
        (text(F.DECIMAL), "1.50", "1.5"),
        (text(F.DECIMAL), "1000", "1e+3"),
        (text(F.DECIMAL), "-0.0", "0"),
        (text(F.DECIMAL), "1e20", "100000000000000000000"),
        (text(F.DECIMAL), "1e100", "1" + "0" * 100),
        (text(F.DATE), "2026-01-31T00:00:00Z", "2026-01-31"),
        (text(F.TIMESTAMP), "2026-01-31", "2026-01-31 00:00:00"),
        (text(F.TIMESTAMP), "2026-01-31T08:00:00Z", "2026-01-31 09:00:00+01"),
        (text(F.TIMESTAMP), "2026-01-31T08:00:00.500Z", "2026-01-31 08:00:00.5"),
        (text(F.TIMESTAMP, scale=0), "2026-01-31T08:00:00.5Z", "2026-01-31 08:00:00"),
        (text(F.TIMESTAMP), "2026-01-31T08:00:00Z", "2026-01-31 09:00:00.0000000 +01:00"),
        (text(F.TIME), "08:30", "08:30:00.000"),
        (text(F.GUID), GUID.upper(), f"{{{GUID}}}"),
        (text(F.PADDED), "ab", "ab   "),
        (text(), "cafe\u0301", "caf\u00e9"),
        (text(F.PADDED), "cafe\u0301  ", "caf\u00e9"),
        (text(F.DATE), "0000-00-00", "0000-00-00"),
        (text(F.DECIMAL), "NaN", "NaN"),
    ],
)
def test_texts_that_mean_the_same_to_their_attribute_are_equal(attribute, left, right):
    assert same_values((left,), (right,), attribute)


@pytest.mark.parametrize(
    ("attribute", "left", "right"),
    [
        (text(), "007", "7"),
        (text(), "1.50", "1.5"),
        (text(), "2026-01-31", "2026-01-31 00:00:00"),
        (text(), "True", "1"),
        (text(), "True", "true"),
        (text(), GUID, GUID.upper()),
        (text(), "ab", "ab "),
        (text(F.DECIMAL), "1.5", "1.51"),
        (text(F.DECIMAL), "NaN", "nan"),
        (text(F.DATE), "2026-01-31", "2026-02-01"),
        (text(F.DATE), "0000-00-00", ""),
        (text(F.TIMESTAMP), "2026-01-31T08:00:00Z", "2026-01-31T08:00:00.5Z"),
        (text(F.PADDED), "ab", " ab"),
        (text(F.PADDED), "ab", "ab\t"),
        (text(F.PADDED), "ab", "AB"),
    ],
)
def test_texts_that_mean_something_else_are_not_equal(attribute, left, right):
    assert not same_values((left,), (right,), attribute)


@given(st.sampled_from([None, *ValueFormat]), st.text(max_size=30), st.sampled_from([None, 0, 2, 7]))
def test_what_is_exported_means_what_was_sent_and_is_its_own_form(format_, data, scale):
    attribute = text(format_, scale=scale)
    try:
        exported = to_target(data, attribute, "x")
    except ScimError:
        return
    assert same_values((exported,), (data,), attribute)
    assert to_target(exported, attribute, "x") == exported


@given(
    st.sampled_from([0, 1, 2, 6]),
    st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, allow_infinity=False, places=6),
)
def test_no_digit_of_a_number_is_lost_without_a_word(scale, number):
    attribute = text(F.DECIMAL, scale=scale)
    try:
        exported = to_target(str(number), attribute, "x")
    except ScimError:
        assert number != number.quantize(type(number)(1).scaleb(-scale))
    else:
        assert type(number)(exported) == number


@given(st.sampled_from([None, *ValueFormat]), st.text(max_size=40))
def test_whatever_a_target_holds_has_one_normal_form(format_, stored):
    attribute = text(format_)
    once = normal(stored, attribute)
    assert normal(once, attribute) == once
