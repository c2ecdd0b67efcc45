"""Attributes that clients match on: noted, indexed, and given up again."""

from dataclasses import replace
from typing import Any

import pytest

from ecmahost_core.space.fingerprint import Fingerprint, MatchedIndex
from ecmahost_core.space.journal import LockKey
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.space.sql import matched

PEOPLE = 1200
"""More than one transaction indexes."""


@pytest.fixture
def many(desk: Any) -> Any:
    desk.load(*(desk.user(f"p{number}", Title=f"t{number // 2}") for number in range(PEOPLE)))
    return desk


def standing(desk: Any) -> dict[str, MatchedIndex]:
    return dict(desk.store.agree("hr", Fingerprint({})).matched)


def learned(desk: Any) -> SpaceType:
    return replace(desk.users, matched=("Title",))


def names(found: list[Any]) -> list[str]:
    return [one.anchor[0] for one in found]


def test_a_note_is_kept_once_and_an_index_makes_it_ready(many: Any) -> None:
    for _ in range(2):
        many.store.note_matched(many.users, "Title")
    assert standing(many) == {"User.Title": MatchedIndex.WANTED}
    assert many.rows("SELECT attribute FROM matched") == [("Title",)]
    many.store.prepare(learned(many))
    assert standing(many) == {"User.Title": MatchedIndex.READY}
    assert names(many.store.find(learned(many), "Title", "T7")) == ["p14", "p15"]
    assert names(many.open().find(learned(many), "Title", "t599")) == ["p1198", "p1199"]


def test_no_more_attributes_of_a_type_are_noted_than_there_is_room_for(desk: Any) -> None:
    for number in range(matched.MOST + 3):
        desk.store.note_matched(desk.users, f"A{number}")
    desk.store.note_matched(desk.badges, "A0")
    noted = standing(desk)
    assert sum(name.startswith("User.") for name in noted) == matched.MOST
    assert noted["Badge.A0"] is MatchedIndex.WANTED


def test_an_index_that_is_given_up_leaves_nothing_and_whoever_has_not_noticed_finds_all_the_same(many: Any) -> None:
    other = many.open()
    many.store.note_matched(many.users, "Title")
    many.store.prepare(learned(many))
    assert names(other.find(learned(many), "Title", "t7")) == ["p14", "p15"]
    many.store.forget_matched(many.users, "Title")
    assert standing(many) == {}
    assert many.rows("SELECT count(*) FROM value_index WHERE attribute = 'Title'") == [(0,)]
    many.add(many.user("late", Title="t7"), keys=(LockKey("UserName", "late@example.com"),), unique=())
    assert names(other.find(learned(many), "Title", "t7")) == ["p14", "p15", "late"]
    many.store.note_matched(many.users, "Title")
    many.store.prepare(learned(many))
    assert standing(many) == {"User.Title": MatchedIndex.READY}
    assert names(many.store.find(learned(many), "Title", "t7")) == ["p14", "p15", "late"]


def test_the_index_stays_where_the_configuration_has_the_attribute_by_now(many: Any) -> None:
    many.store.note_matched(many.users, "Title")
    many.store.prepare(learned(many))
    many.store.forget_matched(many.users, "Title", keep_index=True)
    assert standing(many) == {}
    configured = replace(many.users, indexed=(*many.users.indexed, "Title"))
    assert names(many.store.find(configured, "Title", "t7")) == ["p14", "p15"]
    assert many.rows("SELECT count(*) FROM value_index WHERE attribute = 'Title'") == [(PEOPLE,)]


def test_figures_are_those_of_the_connector_alone(desk: Any) -> None:
    desk.load(desk.user("a"), desk.user("b"))
    entry = desk.store.open_entry(desk.adding(desk.user("c")))
    figures = desk.store.figures("hr")
    assert (figures.live, figures.open_entries) == ({"User": 2}, 1)
    desk.store.abandon(entry, desk.ok)
    assert desk.store.figures("hr").open_entries == 0
    assert (desk.store.figures("other").live, desk.store.figures("other").open_entries) == ({}, 0)
