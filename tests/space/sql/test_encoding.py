"""What is encoded many at a time is what it would be one by one, or is left to that."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.objects import SpaceType, TargetObject
from ecmahost_core.space.sql.encoding import digests_of, encode_plain
from ecmahost_core.space.sql.rows import encode

USERS = SpaceType("hr", "User", "6e0c1f6e-0000-4000-8000-000000000000")
PLAIN = [
    TargetObject(("E1 ",), None, {"b": ("Zoë", "Straße"), "a": (True,), "c": ()}),
    TargetObject(("İx",), None, {}),
    TargetObject((7,), None, {"n": (-(2**63), 2**63 - 1)}),
]


def test_plain_objects_are_stored_as_if_they_came_one_by_one() -> None:
    one_by_one = [encode(target) for target in PLAIN]
    assert encode_plain(USERS, PLAIN) == one_by_one
    assert digests_of(USERS, PLAIN) == {new.anchor_key: new.digest for new in one_by_one}


@pytest.mark.parametrize("value", [Reference("x"), b"x", datetime(2026, 1, 1, tzinfo=UTC)])
def test_values_that_json_lacks_are_compared_together_and_stored_one_by_one(value: Any) -> None:
    objects = [*PLAIN, TargetObject(("r",), None, {"r": (value,)})]
    assert encode_plain(USERS, objects) is None
    assert digests_of(USERS, objects) == {new.anchor_key: new.digest for new in map(encode, objects)}


@pytest.mark.parametrize("value", [None, 1.5, 2**63, [1], UUID(int=7), object(), "\ud800"])
def test_what_is_no_value_of_the_contract_is_not_stored(value: Any) -> None:
    objects = [TargetObject(("E1",), None, {"a": (value,)})]
    assert encode_plain(USERS, objects) is None
    with pytest.raises((TypeError, ValueError)):
        encode(objects[0])


@pytest.mark.parametrize(
    "other",
    [
        TargetObject(("a", "b"), None, {}),
        TargetObject((), None, {}),
        TargetObject((True,), None, {}),
        TargetObject(("e9",), "CN=e9", {}),
        TargetObject(("\ud800",), None, {}),
    ],
)
def test_objects_that_are_not_plain_are_left_to_be_looked_at(other: TargetObject) -> None:
    assert encode_plain(USERS, [*PLAIN, other]) is None
    assert digests_of(USERS, [*PLAIN, other]) == {}


def test_objects_with_links_or_attributes_that_no_reading_tells_of_are_left_to_be_looked_at() -> None:
    for space_type in (
        SpaceType("hr", "Group", USERS.instance, links=("members",)),
        SpaceType("hr", "User", USERS.instance, export_only=("b",)),
    ):
        assert encode_plain(space_type, PLAIN) is None
        assert digests_of(space_type, PLAIN) == {}


def test_of_two_objects_with_the_same_name_each_is_looked_at() -> None:
    assert digests_of(USERS, [*PLAIN, TargetObject(("e1",), None, {})]) == {}
