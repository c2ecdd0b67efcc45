"""Links: references that are rows only, of which a group may have very many."""

from typing import Any

import pytest

from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.journal import ID, LockKey, Operation, WriteIntent
from ecmahost_core.space.objects import Link, LinkChange, SpaceObject, SpaceType, TargetObject
from ecmahost_core.space.sql import links

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


def test_a_group_goes_in_the_import_that_removes_its_members(desk: Any) -> None:
    desk.load(desk.user("a"), desk.user("b"))
    load(desk, group("kept", "a"), group("gone", "a", "b"))
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user("a")])
    run.compare(GROUPS, [group("kept", "a")])
    run.remove_missing(desk.users)
    run.remove_missing(GROUPS)
    run.complete(held=None)
    assert (run.counts.removed, run.counts.passed_over) == (2, 0)
    assert desk.store.by_anchor(GROUPS, ("gone",)) is None


@pytest.mark.parametrize("others", [0, 2 * links.ROWS])
def test_a_member_who_is_renamed_before_an_import_and_during_it_stays_a_member(desk: Any, others: int) -> None:
    rest = tuple(f"other{number}" for number in range(others))
    desk.load(desk.user("a"))
    load(desk, group("g", "a", *rest))
    person = desk.update(desk.named("a"), desk.user("b"))
    run = desk.store.begin_import("hr")
    desk.update(person, desk.user("c"))
    run.compare(GROUPS, [group("g", "b", *rest)])  # read between the two
    run.complete(held=None)
    assert [link.id for link in desk.store.links(GROUPS, found(desk, "g"), "members") if link.id] == [person.id]
    load(desk, group("g", "c", *rest))
    assert values(desk, "g") == {"c", *rest}
    assert [link.id for link in desk.store.links(GROUPS, found(desk, "g"), "members") if link.id] == [person.id]


def test_a_member_of_whom_an_import_has_read_both_names_is_removed_under_both(desk: Any) -> None:
    desk.load(desk.user("a"))
    load(desk, group("g", "a"))
    run = desk.store.begin_import("hr")
    run.compare(GROUPS, [group("g", "a", "b")])  # a target that is about to change the name
    person = desk.update(desk.named("a"), desk.user("b"))
    run.complete(held=None)
    assert {link.id for link in desk.store.links(GROUPS, found(desk, "g"), "members")} == {person.id}
    assert desk.store.linked(GROUPS, found(desk, "g"), "members", ["b"]) == {"b": "a"}
    change(desk, found(desk, "g"), members=LinkChange(removed=("b",)))
    assert desk.store.links(GROUPS, found(desk, "g"), "members") == []


@pytest.mark.parametrize("both", [True, False])
def test_who_is_removed_by_a_name_that_another_member_had_before_takes_nobody_along(desk: Any, both: bool) -> None:
    desk.load(desk.user("a"), desk.user("b"))
    load(desk, group("g", "a", "b", "c") if both else group("g", "a", "b"))
    first = desk.update(desk.named("a"), desk.user("c"))
    second = desk.update(desk.named("b"), desk.user("a"))
    one = found(desk, "g")
    assert desk.store.linked(GROUPS, one, "members", ["a"]) == {"a": "b"}
    change(desk, one, members=LinkChange(removed=("b", "a")))
    assert {link.id for link in desk.store.links(GROUPS, found(desk, "g"), "members")} == {first.id}
    load(desk, group("g", "c"))  # a reading of the whole set, since members were renamed
    assert load(desk, group("g", "c")).changed == 0
    desk.check()
    assert {link.id for link in desk.store.links(GROUPS, found(desk, "g"), "members")} == {first.id}
    change(desk, found(desk, "g"), members=LinkChange(added=("a",)))
    assert {link.id for link in desk.store.links(GROUPS, found(desk, "g"), "members")} == {first.id, second.id}


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


def test_what_a_link_attribute_was_read_as_is_the_whole_set_and_what_was_not_read_stays(desk: Any) -> None:
    load(desk, group("g", "a", "b", groups=("h",)))
    load(desk, TargetObject(("g",), None, {"Name": ("g",)}))
    assert (values(desk, "g"), values(desk, "g", "groups")) == ({"a", "b"}, {"h"})
    load(desk, group("g"))
    assert (values(desk, "g"), values(desk, "g", "groups")) == (set(), {"h"})


def test_what_is_linked_is_found_by_the_fold_and_told_as_the_target_spells_it(desk: Any) -> None:
    load(desk, group("g", "Bob ", "eve"))
    one = found(desk, "g")
    asked = ["BOB", "nobody", "half \ud800", *(f"u{number}" for number in range(1200)), "EVE"]
    assert desk.store.linked(GROUPS, one, "members", asked) == {"bob": "Bob ", "eve": "eve"}
    assert desk.store.linked(GROUPS, one, "groups", asked) == {}


def test_somebody_who_was_renamed_is_found_in_his_groups_under_the_new_name(desk: Any) -> None:
    bob = desk.add(desk.user("bob"))
    load(desk, group("g", "bob"))
    desk.update(bob, desk.user("robert"))
    one = found(desk, "g")
    assert desk.store.linked(GROUPS, one, "members", ["robert"]) == {"robert": "bob"}
    assert [link.id for link in desk.store.links(GROUPS, one, "members")] == [bob.id]


@pytest.mark.parametrize("cascaded", [True, False])
def test_after_a_rename_the_next_import_tells_whom_the_links_name(desk: Any, cascaded: bool) -> None:
    bob = desk.add(desk.user("bob"))
    load(desk, group("g", "bob"))
    desk.update(bob, desk.user("robert"))
    other = desk.add(desk.user("bob"))
    load(desk, group("g", "robert" if cascaded else "bob"))
    named = {link.id for link in desk.store.links(GROUPS, found(desk, "g"), "members")}
    assert named == {bob.id if cascaded else other.id}


def test_who_gets_the_name_of_somebody_deleted_is_in_none_of_his_groups(desk: Any) -> None:
    bob = desk.add(desk.user("bob"))
    load(desk, group("g", "bob", "eve"), group("h", "eve"))
    g, h = found(desk, "g"), found(desk, "h")
    desk.delete(bob)
    other = desk.add(desk.user("bob"))
    assert desk.store.owners(GROUPS, ["members"], other) == []
    assert values(desk, "g") == {"eve"}
    assert found(desk, "g").change_seq > g.change_seq
    assert found(desk, "h").change_seq == h.change_seq
    # A target that has kept the row says so in the next import.
    assert load(desk, group("g", "eve"), group("h", "eve")).unchanged == 2
    load(desk, group("g", "bob", "eve"), group("h", "eve"))
    assert [one.id for one in desk.store.owners(GROUPS, ["members"], other)] == [g.id]


def test_an_unlinked_object_keeps_its_links_and_is_not_shown(desk: Any) -> None:
    bob = desk.add(desk.user("bob"))
    load(desk, group("g", "bob"))
    desk.unlink(bob, desk.user("bob"))
    one = found(desk, "g")
    assert desk.store.links(GROUPS, one, "members") == [Link("members", "bob", None, None)]
    assert list(desk.store.targets(desk.users, GROUPS, one, "members")) == []
    desk.store.relink(desk.users, bob.id)
    assert [link.id for link in desk.store.links(GROUPS, one, "members")] == [bob.id]


def test_a_page_of_people_gets_managers_and_groups_in_one_look_each(desk: Any) -> None:
    desk.load(
        desk.user("boss"), *(desk.user(f"u{number}", Manager=Reference("boss")) for number in range(3)), desk.user("x")
    )
    load(desk, group("g", "u0", "u1"), group("h", "u1", "nobody"))
    people = [desk.named(name) for name in ("u0", "u1", "x")]
    boss = desk.named("boss")
    managers = desk.store.references(desk.users, people, ["Manager"])
    assert {key: [link.id for link in links] for key, links in managers.items()} == {
        people[0].key: [boss.id],
        people[1].key: [boss.id],
        people[2].key: [],
    }
    groups = desk.store.owners_of_all(GROUPS, ["members", "groups"], people)
    assert [[one.anchor[0] for one in groups[person.key]] for person in people] == [["g"], ["g", "h"], []]
    assert len(desk.store.owners(desk.users, ["Manager"], boss)) == 3


def test_a_reader_of_an_empty_space_finds_no_links(desk: Any) -> None:
    one = desk.add(desk.user("a"))
    reader = desk.open(writing=False)
    assert reader.links(GROUPS, one, "members") == []
    assert reader.linked(GROUPS, one, "members", ["a"]) == {}
    assert reader.owners(GROUPS, ["members"], one) == []
    assert reader.references(GROUPS, [one], ["members"]) == {one.key: []}
    assert list(reader.targets(desk.users, GROUPS, one, "members")) == []
    assert reader.by_ids(GROUPS, [one.id]) == {}
    assert reader.names(GROUPS, [one.id]) == {}
    assert reader.after(GROUPS, 0, 5) == []


def test_live_objects_are_found_by_any_number_of_ids_and_behind_a_key(desk: Any) -> None:
    desk.load(*(desk.user(f"u{number}") for number in range(1100)))
    everybody = list(desk.store.scan(desk.users))
    gone = desk.unlink(everybody[1], desk.user("u1"))
    ids = [one.id for one in everybody]
    live = desk.store.by_ids(desk.users, [*ids, *ids, "nobody", "half \ud800"])
    assert live.keys() == set(ids) - {gone.id}
    assert live[ids[5]] == everybody[5]
    names = desk.store.names(desk.users, [*ids, *ids, "nobody", "half \ud800"])
    assert {one: (named.key, named.id, named.anchor, named.dn) for one, named in names.items()} == {
        one: (found.key, found.id, found.anchor, found.dn) for one, found in live.items()
    }
    assert desk.store.after(desk.users, everybody[0].key, 2) == everybody[2:4]
    assert desk.store.after(desk.users, everybody[-1].key, 2) == []
    assert desk.store.after(desk.users, 0, 0) == []
    assert [one.key for one in desk.store.scan(desk.users, after=everybody[1097].key)] == [
        one.key for one in everybody[1098:]
    ]


def test_a_value_that_stands_twice_in_a_reading_is_one_link_however_it_is_ordered(desk: Any) -> None:
    load(desk, group("g", "Bob", "bob", "BOB "))
    assert len(values(desk, "g")) == 1
    assert load(desk, group("g", "bob", "BOB ", "Bob")).unchanged == 1


def test_a_link_that_is_spelled_otherwise_is_a_change(desk: Any) -> None:
    load(desk, group("g", "bob"))
    assert load(desk, group("g", "Bob")).changed == 1
    assert values(desk, "g") == {"Bob"}


def test_who_vanishes_while_he_is_being_added_is_an_open_link_until_the_import_that_misses_it(desk: Any) -> None:
    bob = desk.add(desk.user("bob"))
    load(desk, group("g"))
    one = found(desk, "g")
    intent = WriteIntent(GROUPS, Operation.UPDATE, {}, (LockKey(ID, one.id),), object_id=one.id)
    entry = desk.store.open_entry(intent)
    desk.delete(bob)
    added = TargetObject(one.anchor, None, one.attributes, {"members": LinkChange(added=("bob",))})
    desk.store.complete(entry, added, desk.ok)
    assert desk.store.links(GROUPS, one, "members") == [Link("members", "bob", None, None)]
    load(desk, group("g"))
    assert desk.store.links(GROUPS, one, "members") == []


def test_a_change_of_a_group_that_an_import_has_removed_is_made_whole_by_the_next_import(desk: Any) -> None:
    load(desk, group("g", "a", "b"))
    one = found(desk, "g")
    intent = WriteIntent(GROUPS, Operation.UPDATE, {}, (LockKey("Name", "x"),), object_id=one.id)
    entry = desk.store.open_entry(intent)
    load(desk)
    added = TargetObject(one.anchor, None, one.attributes, {"members": LinkChange(added=("c",))})
    assert desk.store.complete(entry, added, desk.ok) is not None
    assert values(desk, "g") == {"c"}
    assert load(desk, group("g", "c", groups=())).changed == 1  # nobody knew that these are all
    assert load(desk, group("g", "c", groups=())).unchanged == 1


def test_who_names_whom_is_told_of_any_owners_and_targets(desk: Any) -> None:
    desk.load(*(desk.user(f"u{number}") for number in range(4)))
    load(desk, group("g", "u0", "u1"), group("h", "u1", "u9"), group("u1", "u0", groups=("g",)))
    users = [desk.named(f"u{number}") for number in range(4)]
    groups = [found(desk, name) for name in ("g", "h", "u1")]
    expected = {
        (groups[0].key, users[0].key),
        (groups[0].key, users[1].key),
        (groups[1].key, users[1].key),
        (groups[2].key, users[0].key),
    }
    assert desk.store.naming(["members"], groups, users) == expected
    for one in users:
        assert desk.store.naming(["members"], groups, [one]) == {pair for pair in expected if pair[1] == one.key}
    for one in groups:
        assert desk.store.naming(["members"], [one], users) == {pair for pair in expected if pair[0] == one.key}
    assert desk.store.naming(["groups"], groups, users) == set()
    assert desk.store.naming(["members", "groups"], groups, groups) == {(groups[2].key, groups[0].key)}
    assert desk.store.naming(["members"], [], users) == desk.store.naming(["members"], groups, []) == set()


def test_owners_are_yielded_as_they_are_returned_however_many_they_are(desk: Any) -> None:
    desk.load(desk.user("u"))
    load(desk, *(group(f"g{number:04}", "u", "other") for number in range(1200)))
    user = desk.named("u")
    yielded = [one.anchor for one in desk.store.each_owner(GROUPS, ["members", "groups"], user)]
    assert yielded == [one.anchor for one in desk.store.owners(GROUPS, ["members", "groups"], user)]
    assert len(yielded) == 1200
    assert list(desk.store.each_owner(desk.users, ["members"], user)) == []


def test_a_member_that_is_renamed_while_an_import_runs_stays_one_until_the_next(desk: Any) -> None:
    someone = desk.add(desk.user("a"))
    load(desk, group("g", "a"), group("h", "a", *map(str, range(5000))))
    run = desk.store.begin_import("hr")
    desk.update(someone, desk.user("b"))
    run.compare(GROUPS, [group("g", "a", "c"), group("h", "a", *map(str, range(3, 5000)))])  # read before that
    run.remove_missing(GROUPS)
    run.complete(held=None)
    for name in ("g", "h"):
        assert desk.store.linked(GROUPS, found(desk, name), "members", ["b"]) == {"b": "a"}
    desk.check()
    load(desk, group("g", "a", "c"), group("h", "b"))  # the target has followed in one of them alone
    assert desk.store.linked(GROUPS, found(desk, "g"), "members", ["b"]) == {}
    assert desk.store.linked(GROUPS, found(desk, "h"), "members", ["b"]) == {"b": "b"}
