import itertools
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import (
    ID,
    LockKey,
    Operation,
    WriteIntent,
)
from ecmahost_core.space.objects import SpaceType, TargetObject
from ecmahost_core.space.sql import listing
from ecmahost_core.space.sql.pages import BOOKMARKS
from ecmahost_core.space.sqlite import open_store

_USERS = SpaceType("hr", "User", "x")
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 5)),
        st.tuples(st.sampled_from(["delete", "unlink", "relink", "update"]), st.integers(0, 30)),
        st.tuples(st.just("page"), st.tuples(st.integers(0, 40), st.integers(0, 12))),
    ),
    max_size=40,
)


@given(_STEPS)
@settings(max_examples=60, deadline=None)
def test_pages_are_those_of_a_plain_list_whatever_happens_between_them(steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path, runtime = Path(directory) / "space.db", Path(directory) / "run"
        with open_store(path, runtime, writing=True) as store, open_store(path, runtime, writing=False) as other:
            _play(store, other, steps)


def _play(store: Any, other: Any, steps: list[tuple[str, Any]]) -> None:
    ok = EventRecord("test", "ok")
    numbers = itertools.count()
    everybody: list[list[Any]] = []  # anchor, id, listed
    for step, argument in steps:
        if step == "add":
            for _ in range(argument):
                target = TargetObject((next(numbers),), None, {})
                store.adopt(_USERS, [target], store.change_seq())
                everybody.append([target.anchor, store.by_anchor(_USERS, target.anchor).id, True])
        elif step == "page":
            start, count = argument
            listed = [entry[0] for entry in everybody if entry[2]]
            for each in (store, other):
                page = each.page(_USERS, start, count)
                assert [found.anchor for found in page] == listed[start : start + count]
                assert each.count(_USERS) == len(listed)
        elif argument < len(everybody):
            entry = everybody[argument]
            if step == "relink":
                store.relink(_USERS, entry[1])
                entry[2] = True
                continue
            operation = Operation.UPDATE if step == "update" else Operation.DELETE
            keys = (LockKey(ID, entry[1]),)
            write = store.open_entry(
                WriteIntent(_USERS, operation, {}, keys, object_id=entry[1], unlink=step == "unlink")
            )
            outcome = None if step == "delete" else TargetObject(entry[0], None, {})
            store.complete(write, outcome, ok)
            if step == "delete":
                del everybody[argument]
            elif step == "unlink":
                entry[2] = False


def test_a_client_that_pages_to_the_end_meets_every_object_once(desk: Any) -> None:
    desk.load(*(desk.user(f"u{number:03}") for number in range(250)))
    met: list[Any] = []
    while page := desk.store.page(desk.users, len(met), 20):
        met += [found.anchor[0] for found in page]
    assert met == [f"u{number:03}" for number in range(250)]


def test_the_page_that_starts_where_the_last_one_ended_skips_nothing_on_its_way(desk: Any) -> None:
    desk.load(*(desk.user(f"u{number:03}") for number in range(250)))
    desk.store.page(desk.users, 100, 50)
    with desk.traced(*desk.store._database._readers._idle) as statements:
        assert desk.store.page(desk.users, 150, 50)[0].anchor == ("u150",)
        assert desk.store.page(desk.users, 100, 50)[0].anchor == ("u100",)
        assert not [statement for statement in statements if "OFFSET" in statement]
        assert desk.store.page(desk.users, 120, 50)[0].anchor == ("u120",)
        assert [statement for statement in statements if "OFFSET 119" in statement]
        statements.clear()
        desk.delete(desk.named("u000"))
        assert desk.store.page(desk.users, 150, 50)[0].anchor == ("u151",)
        assert [statement for statement in statements if "OFFSET 149" in statement]


def test_bookmarks_are_dropped_when_an_object_before_them_leaves_the_list_or_comes_back(desk: Any) -> None:
    desk.load(*(desk.user(f"u{number}") for number in range(10)))
    found = desk.store.page(desk.users, 0, 5)[0]
    desk.unlink(found, desk.user("u0"))
    assert desk.store.page(desk.users, 5, 1)[0].anchor == ("u6",)
    assert desk.store.page(desk.users, 0, 5)[0].anchor == ("u1",)
    desk.store.relink(desk.users, found.id)
    assert desk.store.page(desk.users, 5, 1)[0].anchor == ("u5",)


def test_bookmarks_stay_few(desk: Any) -> None:
    desk.load(*(desk.user(f"u{number:04}") for number in range(BOOKMARKS * 2)))
    for start in range(BOOKMARKS * 2):
        assert desk.store.page(desk.users, start, 1)[0].anchor == (f"u{start:04}",)
    (bookmarks,) = desk.store._pages._bookmarks.values()
    assert len(bookmarks._keys) == BOOKMARKS


def test_a_page_of_nothing_and_a_page_beyond_the_end_are_empty(desk: Any) -> None:
    desk.load(desk.user("a"))
    assert desk.store.page(desk.users, 0, 0) == []
    assert desk.store.page(desk.users, 1, 10) == []
    assert desk.store.page(desk.users, 10**12, 10) == []
    assert len(desk.store.page(desk.users, -5, 10**9)) == 1


def counted(desk: Any) -> list[tuple[int, ...]]:
    """What is counted of each stretch, and what there is."""
    live = "SELECT type, key / 4, count(*) FROM object WHERE state = 0 GROUP BY type, key / 4 ORDER BY 1, 2"
    assert desk.rows("SELECT type, stretch, live FROM listing ORDER BY 1, 2") == desk.rows(live)
    found: list[tuple[int, ...]] = desk.rows("SELECT sum(live) FROM listing")
    return found


def test_stretches_of_the_list_are_counted_whatever_happens_to_it(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "STRETCH", 4)
    people = [desk.user(f"u{number:02}") for number in range(30)]
    desk.load(*people)
    assert counted(desk) == [(30,)]
    desk.load(*people[:3], *people[8:29])
    assert counted(desk) == [(24,)]
    desk.load(*people)
    assert counted(desk) == [(30,)]
    whole = [one.id for one in desk.store.page(desk.users, 0, 100)]
    fresh = desk.open()
    for start in range(31):
        assert [one.id for one in fresh.page(desk.users, start, 3)] == whole[start : start + 3]
