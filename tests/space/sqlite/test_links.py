"""Links: references that are rows only, of which a group may have very many."""

from typing import Any

from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.journal import ID, LockKey, Operation, WriteIntent
from ecmahost_core.space.objects import Link, LinkChange, SpaceObject, SpaceType, TargetObject

GROUPS = SpaceType(
    "hr",
    "Group",
    "6e0cf1ba-53b5-4f0c-9d0c-0d6f6f1a2b3c",
    indexed=("Name",),
    links=("members", "groups"),
    scopes=(("members", "User"), ("groups", "Group")),
)


def group(name: str, *members: str, groups: tuple[str, ...] | None = None) -> TargetObject:
    attributes: dict[str, Any] = {"Name": (name,), "members": tuple(map(Reference, members))}
    if groups is not None:
        attributes["groups"] = tuple(map(Reference, groups))
    return TargetObject((name,), None, attributes)


def load(desk: Any, *groups: TargetObject) -> Any:
    run = desk.store.begin_import("hr")
    run.compare(GROUPS, groups)
    run.remove_missing(GROUPS)
    run.complete(held=None)
    return run.counts


def found(desk: Any, name: str) -> SpaceObject:
    one = desk.store.by_anchor(GROUPS, (name,))
    assert one is not None
    return one


def change(desk: Any, one: SpaceObject, **links: LinkChange) -> SpaceObject:
    intent = WriteIntent(
        GROUPS, Operation.UPDATE, {}, (LockKey(ID, one.id),), object_id=one.id, expected_seq=one.change_seq
    )
    entry = desk.store.open_entry(intent)
    result = desk.store.complete(entry, TargetObject(one.anchor, one.dn, one.attributes, links), desk.ok)
    assert result is not None
    return result


def values(desk: Any, name: str, attribute: str = "members") -> set[str]:
    return {link.value for link in desk.store.links(GROUPS, found(desk, name), attribute)}


def test_links_are_in_no_objects_attributes(desk: Any) -> None:
    load(desk, group("g", "a", "b"))
    one = found(desk, "g")
    assert dict(one.attributes) == {"Name": ("g",)}
    assert values(desk, "g") == {"a", "b"}


def test_a_link_names_the_object_of_its_own_type_where_others_have_the_same_anchor(desk: Any) -> None:
    load(desk, group("1"), group("2", "1", groups=("1",)))
    desk.load(desk.user("1"))
    user = desk.named("1")
    assert desk.store.links(GROUPS, found(desk, "2"), "members") == [Link("members", "1", user.id, "User")]
    assert desk.store.links(GROUPS, found(desk, "2"), "groups") == [Link("groups", "1", found(desk, "1").id, "Group")]
    assert [one.anchor for one in desk.store.owners(GROUPS, ["members"], user)] == [("2",)]
    assert desk.store.owners(GROUPS, ["members"], found(desk, "1")) == []


def test_a_change_adds_and_removes_and_the_next_import_of_the_same_changes_nothing(desk: Any) -> None:
    load(desk, group("g", "a", "b"))
    before = found(desk, "g")
    after = change(desk, before, members=LinkChange(added=("c", "A "), removed=("B", "x")))
    assert after.change_seq > before.change_seq
    assert values(desk, "g") == {"a", "c"}
    counts = load(desk, group("g", "a", "c"))
    assert (counts.unchanged, counts.changed) == (1, 0)
    assert load(desk, group("g", "a", "b")).changed == 1
    assert values(desk, "g") == {"a", "b"}
