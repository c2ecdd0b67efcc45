"""Texts that a database may not like come back as they were, and are found."""

from typing import Any

import pytest

from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.journal import ANCHOR, LockKey
from ecmahost_core.space.keys import LONGEST
from ecmahost_core.space.objects import SpaceType, TargetObject
from ecmahost_core.space.store import KeysTaken

LINKED = SpaceType("hr", "Group", "x", indexed=("Name",), links=("Members",))


@pytest.mark.parametrize("name", ["nul\0l", "\0", "\1", "\1\2\0\1\1", "a\0", "a\1b", "\N{GRINNING FACE}\0\x7f"])
def test_control_characters_are_kept_and_found(desk: Any, name: str) -> None:
    target = TargetObject((name,), f"CN={name}", {"UserName": (name,), "Manager": (Reference(name),)})
    found = desk.add(target)
    assert (found.anchor, found.dn, found.attributes) == ((name,), f"CN={name}", target.attributes)
    assert desk.named(name) == found
    assert desk.store.by_dn(desk.users, f"CN={name}") == found
    assert desk.store.find(desk.users, "UserName", name) == [found]
    assert desk.load(target).unchanged == 1
    assert [link.value for link in desk.store.references(desk.users, [found], ["Manager"])[found.key]] == [name]
    assert desk.rows("SELECT target FROM reference") == [(found.key,)]


def test_texts_with_control_characters_are_different_and_in_order(desk: Any) -> None:
    names = ["a", "a\0", "a\0\0", "a\0b", "a\1", "a\1\0", "a\2", "ab"]
    desk.load(*(desk.user(name) for name in names))
    assert desk.load(*(desk.user(name) for name in reversed(names))).unchanged == len(names)
    keys = [key for (key,) in desk.rows("SELECT anchor_key FROM object ORDER BY anchor_key")]
    assert keys == sorted(keys)
    assert len(keys) == len(names)


@pytest.mark.parametrize("filling", ["x", "ß", "\N{GRINNING FACE}", "\0"])
def test_long_names_are_told_apart_by_their_ends(desk: Any, filling: str) -> None:
    names = [filling * 5000 + end for end in "abc"]
    targets = [desk.user(name, Manager=Reference(names[0])) for name in names]
    desk.load(*targets)
    assert desk.load(*reversed(targets)).unchanged == 3
    for name in names:
        found = desk.named(name)
        assert found.anchor == (name,)
        assert desk.store.by_dn(desk.users, found.dn.upper()) == found
        assert desk.store.find(desk.users, "UserName", f"{name}@EXAMPLE.com ") == [found]
    first = desk.named(names[0])
    assert {one.anchor for one in desk.store.owners(desk.users, ["Manager"], first)} == {(name,) for name in names}
    assert desk.named(filling * 5000) is None
    desk.delete(first)
    assert desk.names() == names[1:]


def test_a_long_name_is_locked_by_all_of_it(desk: Any) -> None:
    name = "x" * 5000
    desk.store.open_entry(desk.adding(desk.user(f"{name}a")))
    desk.store.open_entry(desk.adding(desk.user(f"{name}b")))
    with pytest.raises(KeysTaken):
        desk.store.open_entry(desk.adding(desk.user(f"{name}A ")))
    held = desk.store.holder(desk.users, LockKey(ANCHOR, f"{name}a"))
    assert held is not None
    for entry in desk.store.entries():
        desk.store.abandon(entry, desk.ok)


def test_what_looks_like_the_key_of_a_long_name_is_somebody_else(desk: Any) -> None:
    desk.load(desk.user("x" * 5000))
    ((key,),) = desk.rows("SELECT anchor_key FROM object")
    assert LONGEST < len(key) < 2 * LONGEST
    desk.load(desk.user("x" * 5000), desk.user(key))
    assert len(desk.rows("SELECT DISTINCT anchor_key FROM object")) == 2


def test_long_members_are_told_by_the_fold_that_clients_of_the_space_use(desk: Any) -> None:
    value = "M" * 5000
    desk.store.adopt(LINKED, [TargetObject(("g",), None, {"Members": (Reference(value),)})], desk.store.change_seq())
    group = desk.store.by_anchor(LINKED, ("g",))
    assert desk.store.linked(LINKED, group, "Members", [value.lower(), "n" * 5000]) == {value.lower(): value}
