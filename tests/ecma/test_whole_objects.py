"""Many whole objects at once are what they would be one by one."""

import dataclasses
from typing import Any

import pytest

from ecmahost_core import CSEntryChange, ObjectModificationType, whole_objects

ANCHORS = [("E1",), ("E2",)]
ATTRIBUTES = [{"UserName": ("ann",)}, {"UserName": ()}]


def test_whole_objects_are_what_they_would_be_one_by_one() -> None:
    made = whole_objects("User", ANCHORS, ATTRIBUTES, ["CN=ann", None])
    add = ObjectModificationType.ADD
    assert made == [
        CSEntryChange("User", add, ("E1",), "CN=ann", {"UserName": ("ann",)}),
        CSEntryChange("User", add, ("E2",), None, {"UserName": ()}),
    ]
    assert whole_objects("User", [("E1",)], [{}])[0].dn is None
    assert whole_objects("User", [], []) == []


def test_every_field_is_set_and_nobody_can_set_it_again() -> None:
    (made,) = whole_objects("User", ANCHORS[:1], ATTRIBUTES[:1])
    one = CSEntryChange("User", ObjectModificationType.ADD)
    left = {"anchor", "attributes"}
    for field in dataclasses.fields(CSEntryChange):
        assert field.name in left or getattr(made, field.name) == getattr(one, field.name)
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.object_type = "Group"  # type: ignore[misc] # that is what is tried


@pytest.mark.parametrize(("attributes", "dns"), [(ATTRIBUTES[:1], ()), (ATTRIBUTES, ["CN=ann"])])
def test_parts_that_are_not_equally_many_are_refused(attributes: Any, dns: list[str]) -> None:
    with pytest.raises(ValueError, match="one anchor"):
        whole_objects("User", ANCHORS, attributes, dns)
