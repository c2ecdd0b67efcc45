"""Attributes that no reading of the target tells of."""

from typing import Any

import pytest

from ecmahost_core.space.objects import SpaceType


@pytest.fixture
def users(desk: Any) -> SpaceType:
    desk.users = SpaceType("hr", "User", desk.users.instance, indexed=("UserName", "Email"), export_only=("Pin",))
    return desk.users


def test_an_import_leaves_what_it_cannot_tell_of_and_finds_nothing_changed(desk: Any, users: SpaceType) -> None:
    found = desk.add(desk.user("bob", Pin="1234"))
    counts = desk.load(desk.user("bob"))
    assert (counts.unchanged, counts.changed) == (1, 0)
    assert desk.named("bob") == found
    counts = desk.load(desk.user("bob", Title="Dr"))
    assert counts.changed == 1
    assert desk.named("bob").attributes == {**desk.user("bob", Title="Dr").attributes, "Pin": ("1234",)}
    assert desk.load(desk.user("bob", Title="Dr")).unchanged == 1


def test_a_write_that_says_nothing_about_it_leaves_it_and_one_that_clears_it_clears_it(
    desk: Any, users: SpaceType
) -> None:
    found = desk.add(desk.user("bob", Pin="1234"))
    found = desk.update(found, desk.user("bob", Title="Dr"))
    assert found.attributes["Pin"] == ("1234",)
    assert desk.load(desk.user("bob", Title="Dr")).unchanged == 1
    found = desk.update(desk.named("bob"), desk.user("bob", Pin=()))
    assert found.attributes["Pin"] == ()


def test_somebody_who_was_just_read_keeps_it(desk: Any, users: SpaceType) -> None:
    desk.add(desk.user("bob", Pin="1234"))
    desk.store.adopt(users, [desk.user("bob", Title="Dr")], desk.store.change_seq())
    assert desk.named("bob").attributes["Pin"] == ("1234",)


def test_an_attribute_that_can_be_read_from_now_on_is_read(desk: Any, users: SpaceType) -> None:
    desk.add(desk.user("bob", Pin="1234"))
    desk.users = SpaceType("hr", "User", desk.users.instance, indexed=("UserName", "Email"))
    assert desk.load(desk.user("bob", Pin=())).changed == 1
    assert desk.named("bob").attributes["Pin"] == ()
