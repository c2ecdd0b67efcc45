from typing import Any

import pytest

from ecmahost_core.space.objects import ObjectState, TargetObject


def test_an_object_that_was_just_read_enters_the_space(desk: Any) -> None:
    desk.store.adopt(desk.users, [desk.user("bob")], desk.store.change_seq())
    assert desk.named("bob").attributes == desk.user("bob").attributes
    desk.store.adopt(desk.users, [desk.user("bob", Title="Boss")], desk.store.change_seq())
    assert desk.named("bob").attributes["Title"] == ("Boss",)


def test_a_reading_loses_to_what_is_newer(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    began = desk.store.change_seq()
    newer = desk.update(found, desk.user("bob", Title="new"))
    desk.store.adopt(desk.users, [desk.user("bob")], began)
    assert desk.named("bob") == newer
    desk.delete(newer)
    desk.store.adopt(desk.users, [desk.user("bob")], began)
    assert desk.named("bob") is None


def test_a_reading_loses_to_a_write_under_way(desk: Any) -> None:
    entry = desk.store.open_entry(desk.adding(desk.user("bob")))
    desk.store.adopt(desk.users, [desk.user("bob")], desk.store.change_seq())
    assert desk.named("bob") is None
    desk.store.abandon(entry, desk.ok)
    desk.store.adopt(desk.users, [desk.user("bob")], desk.store.change_seq())
    assert desk.named("bob") is not None


@pytest.mark.parametrize("more", [{}, {"Title": "Boss"}])
def test_an_unlinked_object_becomes_live_only_when_that_is_asked_for(desk: Any, more: dict[str, str]) -> None:
    bob = desk.user("bob")
    found = desk.unlink(desk.add(bob), bob)
    target = desk.user("bob", **more)
    desk.store.adopt(desk.users, [target], desk.store.change_seq())
    assert desk.named("bob").state is ObjectState.UNLINKED
    linked = desk.store.relink(desk.users, found.id)
    assert (linked.id, linked.state, linked.attributes) == (found.id, ObjectState.LIVE, target.attributes)
    assert desk.names() == ["bob"]


def test_more_objects_than_one_transaction_takes_are_adopted(desk: Any) -> None:
    desk.store.adopt(desk.users, [desk.user(f"u{number}") for number in range(1100)], desk.store.change_seq())
    assert desk.store.count(desk.users) == 1100


def test_the_second_of_two_objects_with_one_name_is_left_out(desk: Any) -> None:
    desk.store.adopt(desk.users, [desk.user("bob"), desk.user("BOB", Title="x")], desk.store.change_seq())
    assert desk.named("bob").attributes == desk.user("bob").attributes


def test_an_object_that_cannot_be_stored_is_refused(desk: Any) -> None:
    with pytest.raises(ValueError, match="anchor"):
        desk.store.adopt(desk.users, [TargetObject((), None, {})], desk.store.change_seq())
