from datetime import UTC, datetime
from typing import Any

import pytest

from ecmahost_core.ecma.values import Reference, Values
from ecmahost_core.space.objects import SpaceType, TargetObject


@pytest.mark.parametrize(
    ("stored", "asked"),
    [("Bob", "bob "), ("bob  ", "BOB"), ("STRASSE", "straße"), ("İzmir", "i̇ZMIR"), ("a\x00b", "A\x00B")],
)
def test_names_are_found_by_the_one_fold(desk: Any, stored: str, asked: str) -> None:
    found = desk.add(TargetObject((stored,), None, {"UserName": (stored,)}))
    assert desk.store.find(desk.users, "UserName", asked) == [found]
    assert desk.store.by_anchor(desk.users, (asked,)) == found
    assert desk.store.find(desk.users, "UserName", asked + "x") == []


def test_every_kind_of_value_comes_back_as_it_was(desk: Any) -> None:
    attributes: dict[str, Values] = {
        "EmployeeId": ("7",),
        "Level": (2**63 - 1, -(2**63)),
        "Active": (True, False),
        "Photo": (b"\x00\xff",),
        "Hired": (datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC),),
        "Manager": (Reference("CN=x"),),
        "Empty": (),
        "Text": ("", " \n\x00 ", "日本"),
    }
    found = desk.add(TargetObject((7, b"\x01"), None, attributes))
    assert found.anchor == (7, b"\x01")
    assert found.attributes == attributes
    assert [type(value) for value in found.attributes["Active"]] == [bool, bool]
    assert found.created == found.modified
    assert found.created.tzinfo is UTC
    assert desk.store.get(desk.users, found.id) == found


def test_anchors_of_several_values_cannot_be_forged(desk: Any) -> None:
    first = desk.add(TargetObject(("a", "b"), None, {}))
    second = desk.add(TargetObject(('["a","b',), None, {}))
    assert desk.store.by_anchor(desk.users, ("a", "b")) == first
    assert desk.store.by_anchor(desk.users, ('["a","b',)) == second


def test_each_value_of_a_multivalued_attribute_is_found(desk: Any) -> None:
    found = desk.add(desk.user("bob", Email=("b@x.example", "bob@x.example", "B@x.example")))
    for value in ("b@x.example", "BOB@x.example"):
        assert desk.store.find(desk.users, "Email", value) == [found]


def test_an_object_is_found_by_its_dn_as_every_text_is_compared(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    assert desk.store.by_dn(desk.users, "cn=BOB,object=user ") == found
    assert desk.store.by_dn(desk.users, "CN=ann,OBJECT=User") is None
    assert desk.store.by_dn(desk.badges, "CN=bob,OBJECT=User") is None
    assert desk.store.by_dn(desk.users, "\ud800") is None


@pytest.mark.parametrize("writing", [True, False])
def test_those_who_share_a_value_are_found_a_few_at_a_time(desk: Any, writing: bool) -> None:
    shared = [desk.add(desk.user(f"u{number}", Email="x@x"), unique=()) for number in range(5)]
    store = desk.open(writing=writing)
    assert store.find(desk.users, "Email", "X@x") == shared
    assert store.find(desk.users, "Email", "x@x", 0, 2) == shared[:2]
    assert store.find(desk.users, "Email", "x@x", shared[1].key, 2) == shared[2:4]
    assert store.find(desk.users, "Email", "x@x", shared[3].key, 2) == shared[4:]
    assert store.find(desk.users, "Email", "x@x", shared[4].key, 2) == []


def test_nothing_is_found_in_another_connector_or_type(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    for other in (desk.badges, SpaceType("HR", "User", "x", indexed=("UserName",))):
        assert desk.store.get(other, found.id) is None
        assert desk.store.by_anchor(other, ("bob",)) is None
        assert desk.store.find(other, "UserName", "bob@example.com") == []
        assert (desk.store.count(other), desk.store.page(other, 0, 10), list(desk.store.scan(other))) == (0, [], [])


def test_a_text_that_no_store_can_hold_finds_nothing(desk: Any) -> None:
    desk.add(desk.user("bob"))
    assert desk.store.get(desk.users, "\ud800") is None
    assert desk.store.by_anchor(desk.users, ("\ud800",)) is None
    assert desk.store.find(desk.users, "UserName", "\udfff") == []


def test_an_attribute_that_is_not_indexed_is_refused_as_a_mistake(desk: Any) -> None:
    with pytest.raises(ValueError, match="Title is not an indexed attribute of User"):
        desk.store.find(desk.users, "Title", "Boss")


def test_a_scan_yields_live_and_unlinked_objects_in_the_order_of_keys(desk: Any) -> None:
    desk.load(*(desk.user(f"u{number:04}") for number in range(1300)))
    for number in (3, 700):
        name = f"u{number:04}"
        desk.unlink(desk.named(name), desk.user(name))
    scanned = list(desk.store.scan(desk.users))
    assert [found.anchor[0] for found in scanned] == [f"u{number:04}" for number in range(1300)]
    assert sum(found.state for found in scanned) == 2


def test_a_scan_goes_on_while_objects_come_and_go(desk: Any) -> None:
    desk.load(*(desk.user(f"u{number:04}") for number in range(600)))
    scan = desk.store.scan(desk.users)
    first = next(scan)
    desk.delete(desk.named("u0599"))
    desk.add(desk.user("late"))
    rest = [found.anchor[0] for found in scan]
    assert first.anchor == ("u0000",)
    assert "u0599" not in rest
    assert rest[-1] == "late"


def test_a_query_attribute_that_is_configured_later_is_indexed_from_what_is_stored(desk: Any) -> None:
    desk.load(*(desk.user(f"u{number}", Title=f"T{number % 3}", Boss=f"u{number % 2}") for number in range(700)))
    later = SpaceType("hr", "User", "x", indexed=("UserName", "Title"), references=("Boss",))
    assert len(desk.store.find(later, "Title", "t1")) == 233
    assert desk.rows("SELECT count(*) FROM reference WHERE target IS NOT NULL AND attribute = 'Boss'") == [(700,)]
    # The older configuration, in this process or another, goes on maintaining it.
    desk.add(desk.user("new", Title="T1"))
    desk.delete(desk.named("u1"))
    assert len(desk.store.find(later, "Title", "t1")) == 233
    assert desk.store.find(desk.users, "Email", "x") == []


def test_a_reader_with_a_newer_configuration_than_the_index_searches_without_it(desk: Any) -> None:
    desk.add(desk.user("bob", Title="Boss"))
    reader = desk.open(writing=False)
    later = SpaceType("hr", "User", "x", indexed=("Title",))
    assert [found.anchor for found in reader.find(later, "Title", "BOSS ")] == [("bob",)]
    assert reader.find(later, "Title", "nobody") == []


def test_no_reading_walks_through_a_whole_table(desk: Any) -> None:
    reader = desk.open(writing=False)
    desk.add(desk.user("bob"))
    reader.count(desk.users)
    (connection,) = reader._database._readers._idle
    with desk.traced(connection) as statements:
        reader.find(desk.users, "UserName", "bob@example.com")
        reader.get(desk.users, "x")
        reader.by_anchor(desk.users, ("bob",))
        reader.page(desk.users, 0, 10)
        reader.events("hr", 3)
        list(reader.scan(desk.users))
    seen = 0
    for statement in statements:
        if statement.startswith("SELECT"):
            explain = "EXPLAIN" if desk.location else "EXPLAIN QUERY PLAN"
            plan = [str(row[-1]) for row in connection.execute(f"{explain} {statement}").fetchall()]
            steps = [step for step in plan if step.startswith("SCAN") and "(subquery" not in step]
            steps += [step for step in plan if "Seq Scan" in step]
            assert not [step for step in steps if "object" in step or "event" in step or "value_index" in step], plan
            seen += 1
    assert seen >= 6
