import uuid
from datetime import date, datetime, time
from decimal import Decimal

import pytest
from ecmahost_entra.formats import formatted, integers, same_meaning

from ecmahost_core.ecma.schema import AttributeType, SchemaAttribute, ValueFormat

READERS = {
    ValueFormat.DATE: date.fromisoformat,
    ValueFormat.TIMESTAMP: datetime.fromisoformat,
    ValueFormat.TIME: time.fromisoformat,
    ValueFormat.GUID: uuid.UUID,
    ValueFormat.DECIMAL: Decimal,
}


@pytest.mark.parametrize("kind", READERS)
def test_texts_have_the_format_that_the_schema_names_and_still_change(kind: ValueFormat) -> None:
    found = formatted(SchemaAttribute("A", format=kind), 7, unique=False)
    assert found is not None
    before, after = map(READERS[kind], found)
    assert before != after


@pytest.mark.parametrize("kind", [None, ValueFormat.PADDED])
def test_text_like_any_other_is_not_made_here(kind: ValueFormat | None) -> None:
    assert formatted(SchemaAttribute("A", format=kind), 7, unique=False) is None


@pytest.mark.parametrize(
    ("precision", "scale"), [(9, 2), (1, 0), (1, 1), (2, 1), (38, 0), (5, 5), (None, None), (None, 2), (10, None)]
)
@pytest.mark.parametrize("number", [0, 1, 9, 2**32 - 1])
def test_a_decimal_has_no_more_digits_than_the_column(precision: int | None, scale: int | None, number: int) -> None:
    attribute = SchemaAttribute("A", format=ValueFormat.DECIMAL, precision=precision, scale=scale)
    found = formatted(attribute, number, unique=True)
    assert found is not None
    assert Decimal(found[0]) != Decimal(found[1])
    for text in found:
        whole, _, fraction = text.partition(".")
        assert len(fraction) <= (1 if scale is None else scale)
        if precision is not None and scale is not None:
            assert len(whole.lstrip("0")) + scale <= precision


@pytest.mark.parametrize(("least", "greatest"), [(-128, 127), (0, 255), (0, 1), (-32768, 32767), (None, None)])
@pytest.mark.parametrize("number", [0, 41, 127, 255, 2**31 - 1])
def test_an_integer_stays_within_the_range_of_its_column_and_still_changes(
    least: int | None, greatest: int | None, number: int
) -> None:
    attribute = SchemaAttribute("A", AttributeType.INTEGER, minimum=least, maximum=greatest)
    before, after = map(int, integers(attribute, number))
    assert before != after
    assert (least if least is not None else 0) <= min(before, after)
    assert max(before, after) <= (greatest if greatest is not None else 2**63 - 1)


@pytest.mark.parametrize(
    ("found", "wanted", "kind", "same"),
    [
        ("2.50", "2.5", ValueFormat.DECIMAL, True),
        ("2.50", "2.5", None, False),
        ("2.51", "2.5", ValueFormat.DECIMAL, False),
        ("none", "2.5", ValueFormat.DECIMAL, False),
        ("2031-12-31 23:59:59", "2031-12-31T23:59:59Z", ValueFormat.TIMESTAMP, True),
        ("2031-12-31T23:59:59+01:00", "2031-12-31T23:59:59Z", ValueFormat.TIMESTAMP, False),
        ("08:30:00.000", "08:30:00", ValueFormat.TIME, True),
        ("{0B5D3C1E-0000-4000-8000-000000000001}", "0b5d3c1e-0000-4000-8000-000000000001", ValueFormat.GUID, True),
        ("padded   ", "padded", ValueFormat.PADDED, True),
    ],
)
def test_texts_are_compared_by_what_they_mean(found: str, wanted: str, kind: ValueFormat | None, same: bool) -> None:
    assert same_meaning(found, wanted, kind) is same
