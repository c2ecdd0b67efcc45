"""Attributes that clients match on: noted, indexed, and given up again."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ecmahost_core.space.fingerprint import Fingerprint, MatchedIndex
from ecmahost_core.space.journal import LockKey
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.space.sql import lookups, matched

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


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has something done between the first two transactions that give an index up."""

    def do(what: Callable[[], None]) -> None:
        left = [what]

        def pause(_: float) -> None:
            if left:
                left.pop()()

        monkeypatch.setattr(matched, "time", SimpleNamespace(sleep=pause))

    return do


def configured(desk: Any) -> SpaceType:
    return replace(desk.users, indexed=(*desk.users.indexed, "Title"))


def test_whoever_wants_an_index_that_is_just_being_given_up_gets_a_whole_one(many: Any, between: Any) -> None:
    other = many.open()
    many.store.note_matched(many.users, "Title")
    many.store.prepare(learned(many))

    def meanwhile() -> None:
        many.update(many.named("p1199"), many.user("p1199", Title="t0"))
        assert names(other.find(configured(many), "Title", "t0")) == ["p0", "p1", "p1199"]

    between(meanwhile)
    many.store.forget_matched(many.users, "Title")
    assert names(other.find(configured(many), "Title", "t1")) == ["p2", "p3"]
    assert names(other.find(configured(many), "Title", "t599")) == ["p1198"]
    assert many.rows("SELECT count(*) FROM value_index WHERE attribute = 'Title'") == [(PEOPLE,)]
    assert standing(many) == {}


def test_whoever_still_takes_an_index_for_ready_does_not_make_it_anew(many: Any, between: Any) -> None:
    other = many.open()
    many.store.note_matched(many.users, "Title")
    many.store.prepare(learned(many))
    between(lambda: names(other.find(learned(many), "Title", "t7")) == ["p14", "p15"] or pytest.fail("wrong"))
    many.store.forget_matched(many.users, "Title")
    assert names(many.open().find(learned(many), "Title", "t7")) == ["p14", "p15"]
    assert many.rows("SELECT count(*) FROM value_index WHERE attribute = 'Title'") == [(0,)]
    assert many.rows("SELECT indexed, building FROM space_type") == [('["UserName","Email"]', "")]


def test_what_a_newer_configuration_has_as_a_query_attribute_nobody_with_an_older_one_gives_up(many: Any) -> None:
    other = many.open()
    many.store.note_matched(many.users, "Title")
    many.store.prepare(learned(many))
    assert names(other.find(configured(many), "Title", "t7")) == ["p14", "p15"]
    many.store.forget_matched(many.users, "Title")
    many.add(many.user("late", Title="t7"), keys=(LockKey("UserName", "late@example.com"),), unique=())
    assert names(other.find(configured(many), "Title", "t7")) == ["p14", "p15", "late"]


def test_an_index_that_becomes_ready_while_somebody_looks_is_not_taken_for_what_he_saw(
    many: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = many.open()
    many.store.note_matched(many.users, "Title")
    is_indexed = lookups.is_indexed

    def ready_by_then(*arguments: Any) -> bool:
        many.store.prepare(learned(many))
        return is_indexed(*arguments)

    monkeypatch.setattr(lookups, "is_indexed", ready_by_then)
    other._types._known[learned(many)] = other._types.require(many.users)
    assert names(other.find(learned(many), "Title", "t7")) == ["p14", "p15"]


def test_figures_are_those_of_the_connector_alone(desk: Any) -> None:
    desk.load(desk.user("a"), desk.user("b"))
    entry = desk.store.open_entry(desk.adding(desk.user("c")))
    figures = desk.store.figures("hr")
    assert (figures.live, figures.open_entries) == ({"User": 2}, 1)
    desk.store.abandon(entry, desk.ok)
    assert desk.store.figures("hr").open_entries == 0
    assert (desk.store.figures("other").live, desk.store.figures("other").open_entries) == ({}, 0)
