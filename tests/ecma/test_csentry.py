import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    ImportFailure,
    MAImportError,
    ObjectModificationType,
    Reference,
)
from ecmahost_core.ecma.csentry import change_from_json, change_to_json, new_identifier

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.lists(
    TEXT
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.binary()
    | st.builds(Reference, TEXT.filter(bool))
    | st.datetimes(timezones=st.just(UTC)),
    max_size=3,
).map(tuple)
CHANGES = st.builds(
    CSEntryChange,
    TEXT,
    st.sampled_from(ObjectModificationType),
    anchor=VALUES,
    dn=st.none() | TEXT,
    attributes=st.dictionaries(TEXT, VALUES, max_size=3),
    attribute_changes=st.lists(
        st.builds(AttributeChange, TEXT, st.sampled_from(AttributeModificationType), VALUES, VALUES), max_size=3
    ).map(tuple),
    new_dn=st.none() | TEXT,
    identifier=TEXT,
    failure=st.none() | st.builds(ImportFailure, st.sampled_from(MAImportError), TEXT, TEXT),
)


def types_of(change):
    """Of every value: True equals 1, and would be something else in the target."""
    parts = [part.added + part.removed for part in change.attribute_changes]
    return [list(map(type, values)) for values in (change.anchor, *change.attributes.values(), *parts)]


@given(CHANGES)
def test_a_change_survives_the_journal_whole(change):
    read = change_from_json(json.loads(json.dumps(change_to_json(change))))
    assert read == change
    assert types_of(read) == types_of(change)


def test_no_name_and_an_empty_name_are_different():
    without = CSEntryChange("Person", ObjectModificationType.ADD)
    empty = CSEntryChange("Person", ObjectModificationType.ADD, dn="", new_dn="")
    assert "dn" not in change_to_json(without)
    assert change_from_json(change_to_json(empty)) == empty != without


@pytest.mark.parametrize("key", ["object_type", "modification_type", "anchor", "attributes", "identifier"])
def test_a_damaged_change_is_not_read_as_another(key):
    data = change_to_json(CSEntryChange("Person", ObjectModificationType.ADD, anchor=("bob",)))
    del data[key]
    with pytest.raises(KeyError):
        change_from_json(data)


def test_identifiers_are_fresh():
    found = {new_identifier() for _ in range(1000)}
    assert len(found) == 1000
    assert all(len(one) == 32 for one in found)
