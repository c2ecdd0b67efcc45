"""References of objects that are there already, of which the configuration says something else than before."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.objects import Link, SpaceObject, SpaceType, TargetObject
from ecmahost_core.space.sql import links, types
from ecmahost_core.space.sqlite import open_store, schema
from ecmahost_core.space.store import StoreUnavailable

INSTANCE = "6e0cf1ba-53b5-4f0c-9d0c-0d6f6f1a2b3c"
BEFORE = SpaceType("hr", "Group", INSTANCE, references=("members", "Boss"))
GROUPS = SpaceType("hr", "Group", INSTANCE, references=("Boss",), links=("members",), scopes=(("members", "User"),))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "ROWS", 3)


def group(name: str, *members: str, boss: str = "1") -> TargetObject:
    return TargetObject((name,), None, {"members": tuple(map(Reference, members)), "Boss": (Reference(boss),)})


def load(desk: Any, space_type: SpaceType, *groups: TargetObject) -> Any:
    run = desk.store.begin_import("hr")
    run.compare(space_type, groups)
    run.complete(held=None)
    return run.counts


def found(desk: Any, name: str, space_type: SpaceType = GROUPS) -> SpaceObject:
    one = desk.store.by_anchor(space_type, (name,))
    assert one is not None
    return one


def named(desk: Any, space_type: SpaceType, name: str, attribute: str = "members") -> set[tuple[str, str | None]]:
    return {
        (one.value, one.resource_type) for one in desk.store.links(space_type, found(desk, name, space_type), attribute)
    }


MEMBERS = tuple(str(number) for number in range(8))


def test_what_becomes_a_link_attribute_goes_on_naming_whom_it_should_until_the_import_that_reads_it(desk: Any) -> None:
    load(desk, BEFORE, *(group(name, *MEMBERS) for name in MEMBERS))
    desk.load(*map(desk.user, MEMBERS))
    assert named(desk, BEFORE, "3") == {(name, "Group") for name in MEMBERS}
    assert named(desk, GROUPS, "3") == {(name, "User") for name in MEMBERS}
    assert named(desk, GROUPS, "3", "Boss") == {("1", "Group")}
    assert load(desk, GROUPS, *(group(name, "0") for name in MEMBERS)).changed == len(MEMBERS)
    assert named(desk, GROUPS, "3") == {("0", "User")}
    assert set(found(desk, "3").attributes) == {"Boss"}


@pytest.mark.parametrize("kind", ["links", "references"])
def test_another_scope_is_taken_over_by_what_is_there(desk: Any, kind: str) -> None:
    wide = replace(GROUPS, scopes=())
    load(desk, wide, *(group(name, *MEMBERS) for name in MEMBERS))
    desk.load(*map(desk.user, MEMBERS))
    narrow = replace(GROUPS, scopes=(("members", "User"), ("Boss", "User")))
    attribute = "members" if kind == "links" else "Boss"
    assert {each for _, each in named(desk, wide, "5", attribute)} == {"Group"}
    assert {each for _, each in named(desk, narrow, "5", attribute)} == {"User"}
    assert {each for _, each in named(desk, replace(wide), "5", attribute)} == {"User"}  # known to this process
    assert {each for _, each in _again(desk, wide, "5", attribute)} == {"Group"}
    assert load(desk, wide, *(group(name, *MEMBERS) for name in MEMBERS)).unchanged == len(MEMBERS)


def test_what_is_a_link_attribute_no_more_leaves_no_rows(desk: Any) -> None:
    desk.load(*map(desk.user, MEMBERS))
    load(desk, GROUPS, *(group(name, *MEMBERS) for name in MEMBERS))
    plain = replace(GROUPS, links=(), scopes=())
    assert _again(desk, plain, "3") == set()
    assert desk.rows("SELECT DISTINCT attribute FROM reference") == [("Boss",)]
    assert load(desk, plain, *(group(name, *MEMBERS) for name in MEMBERS)).changed == len(MEMBERS)
    assert len(found(desk, "3", plain).attributes["members"]) == len(MEMBERS)


def test_what_is_one_reference_now_and_was_many_has_the_rows_that_follow_from_its_attributes(desk: Any) -> None:
    desk.load(*map(desk.user, MEMBERS))
    load(desk, GROUPS, *(group(name, *MEMBERS) for name in MEMBERS))
    single = replace(GROUPS, references=("Boss", "members"), links=())
    assert _again(desk, single, "3") == set()
    load(desk, single, *(group(name, "1") for name in MEMBERS))
    assert named(desk, single, "3") == {("1", "User")}


def test_links_that_come_to_a_type_with_objects_need_nothing_but_an_import(desk: Any) -> None:
    none = SpaceType("hr", "Group", INSTANCE, references=("Boss",))
    without = [TargetObject((name,), None, {"Boss": ()}) for name in MEMBERS]
    load(desk, none, *without)
    assert named(desk, GROUPS, "3") == set()
    assert load(desk, GROUPS, *without).unchanged == len(MEMBERS)  # an import that does not read them yet
    whole = [TargetObject((name,), None, {"Boss": (), "members": (Reference("1"),)}) for name in MEMBERS]
    assert load(desk, GROUPS, *whole).changed == len(MEMBERS)
    assert load(desk, GROUPS, *whole).unchanged == len(MEMBERS)
    assert desk.store.links(GROUPS, found(desk, "3"), "members") == [Link("members", "1", None, None)]


def test_the_order_of_the_link_attributes_is_nobodys_concern(desk: Any) -> None:
    both = replace(GROUPS, links=("members", "owners"))
    targets = [TargetObject((name,), None, {"members": (Reference("1"),), "owners": ()}) for name in MEMBERS]
    load(desk, both, *targets)
    desk.store.close()
    desk.store = desk.open()
    turned = replace(both, links=("owners", "members"))
    nobody = [TargetObject((name,), None, {"members": (), "owners": ()}) for name in MEMBERS]
    load(desk, turned, *nobody)
    assert desk.rows("SELECT count(*) FROM reference") == [(0,)]


def test_a_file_of_the_version_before_links_keeps_its_references(tmp_path: Path) -> None:
    path = tmp_path / "space.db"
    with closing(sqlite3.connect(path)) as connection:
        for statements in schema.MIGRATIONS[:3]:
            for statement in statements:
                connection.execute(statement)
        connection.execute("INSERT INTO store VALUES (1, 'epoch', 9)")
        connection.execute("INSERT INTO connector (id, name, first_import_done) VALUES (1, 'hr', 1)")
        connection.execute(
            "INSERT INTO space_type (id, connector, resource_type, reference_attributes, live)"
            """ VALUES (1, 1, 'Group', '["Boss"]', 1)"""
        )
        connection.execute(
            "INSERT INTO object VALUES (1, 1, 0, 'id', 1, zeroblob(16), 1, 1, 'g', NULL, '[\"g\"]', NULL, '{}',"
            """ '{"Boss":[{"reference":"G"}]}')"""
        )
        connection.execute("INSERT INTO reference VALUES (1, 'Boss', 'g', 'G', 1, 1)")
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 3")
        connection.commit()
    with open_store(path, tmp_path / "run", writing=True) as store:
        one = store.by_anchor(GROUPS, ("g",))
        assert one is not None
        assert store.links(GROUPS, one, "Boss") == [Link("Boss", "G", "id", "Group")]
        assert store.owners(GROUPS, ["Boss"], one) == [one]


def _again(desk: Any, space_type: SpaceType, name: str, attribute: str = "members") -> set[tuple[str, str | None]]:
    """As a process says that is started with this configuration."""
    desk.store.close()
    desk.store = desk.open()
    return named(desk, space_type, name, attribute)


def test_it_is_done_in_portions_and_the_next_caller_goes_on(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types, "WAIT_SECONDS", 0.0)  # nobody waits: every call does one transaction's worth or two
    load(desk, replace(GROUPS, scopes=()), *(group(name, *MEMBERS) for name in MEMBERS))
    desk.store.close()
    desk.store = desk.open()
    places = set()
    while True:
        try:
            one = desk.store.by_anchor(GROUPS, ("3",))
        except StoreUnavailable:
            places.add(desk.rows("SELECT rescoping FROM space_type WHERE resource_type = 'Group'")[0][0])
            continue
        break
    assert one is not None
    assert len(places) > len(MEMBERS) * len(MEMBERS) // 3 - 2
    assert desk.rows("SELECT count(*) FROM reference WHERE attribute = 'members' AND scope IS NULL") == [(0,)]
