"""What a strict connector refuses, and what is said of it."""

import pytest

from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.operations import Operation
from ecmahost_core.scim.unknown_names import refuse_unknown, refuse_without_room, shown_names


def test_names_are_shown_once_without_filters_and_cut() -> None:
    assert shown_names(['a[b eq "secret"].c', "a", "x" * 300]) == ["a", "x" * 100]
    assert len(shown_names([f"n{number}" for number in range(1000)])) == 20


@pytest.mark.parametrize(
    ("names", "operations", "scim_type"),
    [
        (["hair"], [], "invalidValue"),
        (["hair"], [Operation("add", "hair", "red")], "invalidPath"),
        (["hair"], [Operation("add", None, {"hair": "red"})], "invalidValue"),
        (["hair", "x"], [Operation("add", " hair ", "red"), Operation("add", None, {"x": 1})], "invalidPath"),
        (["emails.hair"], [Operation("remove", 'emails[hair eq "red"]')], "invalidPath"),
        (["emails.hair"], [Operation("add", "emails", [{"hair": "red"}])], "invalidValue"),
        (["h" * 200], [Operation("add", "h" * 300, "red")], "invalidPath"),
    ],
)
def test_an_unknown_attribute_is_refused_as_a_path_or_as_a_value(
    names: list[str], operations: list[Operation], scim_type: str
) -> None:
    with pytest.raises(ScimError) as caught:
        refuse_unknown(names, operations)
    assert (caught.value.status, caught.value.scim_type) == (400, scim_type)
    assert names[0][:100] in caught.value.detail


def test_many_unknown_attributes_are_counted() -> None:
    with pytest.raises(ScimError) as caught:
        refuse_unknown([f"n{number}" for number in range(25)])
    assert "n19 and 5 more;" in caught.value.detail


def test_what_only_the_server_sets_is_no_unknown_attribute() -> None:
    refuse_unknown(["groups", "Groups"])
    refuse_unknown([])
    refuse_without_room([])


def test_values_without_room_are_named_once() -> None:
    with pytest.raises(ScimError) as caught:
        refuse_without_room(["emails", "emails", "phoneNumbers"])
    assert caught.value.scim_type == "invalidValue"
    assert caught.value.detail.startswith("emails, phoneNumbers: ")
