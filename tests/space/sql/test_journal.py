from typing import Any

import pytest

from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import (
    ANCHOR,
    DN,
    EntryState,
    LockKey,
    Operation,
    WriteIntent,
)
from ecmahost_core.space.objects import ObjectState, TargetObject
from ecmahost_core.space.store import DuplicateValue, KeysTaken, ObjectChanged


def test_an_entry_is_written_with_everything_that_recovery_needs(desk: Any) -> None:
    bob = desk.user("bob")
    entry = desk.store.open_entry(desk.adding(bob, change={"dn": "x"}, kept={"active": True}, request_id="r1"))
    assert desk.store.entries() == [entry]
    assert desk.store.entries("hr") == [entry]
    assert desk.store.entries("other") == []
    assert entry.kept == {"active": True}
    assert entry.change == {"dn": "x"}
    assert entry.state is EntryState.OPEN
    assert entry.incarnation == desk.store.incarnation
    assert entry.keys == ("<anchor>=bob", "<dn>=cn=bob,object=user", "attribute:UserName=bob@example.com")


def test_an_add_gets_its_reserved_id_and_releases_its_keys(desk: Any) -> None:
    bob = desk.user("bob")
    entry = desk.store.open_entry(desk.adding(bob, kept={"active": False}))
    found = desk.store.complete(entry, bob, EventRecord("create", "ok", request_id="r1"))
    assert found is not None
    assert (found.id, found.state, found.anchor, found.dn) == (
        entry.reserved_id,
        ObjectState.LIVE,
        bob.anchor,
        bob.dn,
    )
    assert found.attributes == bob.attributes
    assert found.kept == {"active": False}
    assert desk.store.get(desk.users, found.id) == found
    assert desk.store.entries() == []
    assert desk.rows("SELECT * FROM journal_lock") == []
    (event,) = desk.store.events("hr", 10)
    assert (event.record.kind, event.record.object_id, event.record.request_id) == ("create", found.id, "r1")


def test_an_id_follows_from_an_immutable_anchor(desk: Any) -> None:
    badge = TargetObject(("B1",), None, {"UserName": ("bob",)})
    found = desk.add(badge, space_type=desk.badges)
    assert found.id == desk.badges.derived_id(("B1",))
    entry = desk.store.open_entry(
        WriteIntent(desk.badges, Operation.DELETE, {}, (LockKey(ANCHOR, "B1"),), object_id=found.id)
    )
    assert desk.store.complete(entry, None, desk.ok) is None
    again = desk.add(badge, space_type=desk.badges)
    assert again.id == found.id
    assert again.key > found.key


def test_a_derived_id_that_somebody_has_already_is_never_given_away(desk: Any) -> None:
    first = desk.add(TargetObject(("B1",), None, {"UserName": ("bob",)}), space_type=desk.badges)
    entry = desk.store.open_entry(
        WriteIntent(desk.badges, Operation.UPDATE, {}, (LockKey(ANCHOR, "B2"),), object_id=first.id)
    )
    desk.store.complete(entry, TargetObject(("B2",), None, {"UserName": ("bob",)}), desk.ok)
    second = desk.add(TargetObject(("B1",), None, {"UserName": ("eve",)}), space_type=desk.badges)
    assert second.id != first.id
    assert desk.store.get(desk.badges, first.id).anchor == ("B2",)


def test_a_held_key_refuses_the_second_write_and_leaves_nothing_of_it(desk: Any) -> None:
    first = desk.store.open_entry(desk.adding(desk.user("bob")))
    with pytest.raises(KeysTaken):
        desk.store.open_entry(desk.adding(desk.user("carol", UserName="BOB@example.com ")))
    assert desk.store.entries() == [first]
    assert desk.store.holder(desk.users, LockKey("UserName", "Bob@Example.com")) == first
    assert desk.store.holder(desk.users, LockKey(ANCHOR, "carol")) is None
    desk.store.open_entry(desk.adding(desk.user("carol")))


def test_the_same_name_in_another_type_or_kind_is_another_key(desk: Any) -> None:
    key = LockKey(ANCHOR, "bob")
    desk.store.open_entry(WriteIntent(desk.users, Operation.ADD, {}, (key,)))
    desk.store.open_entry(WriteIntent(desk.badges, Operation.ADD, {}, (key,)))
    desk.store.open_entry(WriteIntent(desk.users, Operation.ADD, {}, (LockKey("UserName", "bob"),)))
    assert len(desk.store.entries()) == 3


def test_a_key_named_twice_in_an_intent_is_one_key(desk: Any) -> None:
    entry = desk.store.open_entry(
        WriteIntent(desk.users, Operation.ADD, {}, (LockKey(ANCHOR, "Bob"), LockKey(ANCHOR, "bob ")))
    )
    assert entry.keys == ("<anchor>=bob",)


@pytest.mark.parametrize(("stored", "asked"), [("Bob", "bob "), ("STRASSE", "straße"), ("Ünal", "u\u0308NAL")])
def test_uniqueness_knows_names_by_the_one_fold(desk: Any, stored: str, asked: str) -> None:
    found = desk.add(desk.user("1", UserName=stored))
    with pytest.raises(DuplicateValue) as refused:
        desk.store.open_entry(desk.adding(desk.user("2", UserName=asked)))
    assert refused.value.object_id == found.id
    assert refused.value.key.kind == "UserName"
    assert asked not in str(refused.value)
    assert desk.store.entries() == []


def test_anchor_and_dn_are_unique_and_unlinked_objects_count(desk: Any) -> None:
    bob = desk.user("bob")
    found = desk.unlink(desk.add(bob), bob)
    with pytest.raises(DuplicateValue) as refused:
        desk.store.open_entry(desk.adding(TargetObject(("BOB",), None, {})))
    assert (refused.value.key.kind, refused.value.object_id) == (ANCHOR, found.id)
    with pytest.raises(DuplicateValue) as refused:
        desk.store.open_entry(desk.adding(TargetObject(("x",), "cn=BOB,object=user", {})))
    assert (refused.value.key.kind, refused.value.object_id) == (DN, found.id)


def test_an_object_is_no_duplicate_of_itself(desk: Any) -> None:
    bob = desk.user("bob")
    found = desk.add(bob)
    assert desk.update(found, bob, unique=desk.keys(bob)).id == found.id


def test_a_held_key_is_reported_before_a_duplicate_value(desk: Any) -> None:
    bob = desk.user("bob")
    desk.add(bob)
    desk.store.open_entry(WriteIntent(desk.users, Operation.UPDATE, {}, (LockKey(ANCHOR, "bob"),)))
    with pytest.raises(KeysTaken):
        desk.store.open_entry(desk.adding(bob))


def test_a_unique_key_of_an_attribute_without_an_index_is_refused_as_a_mistake(desk: Any) -> None:
    with pytest.raises(ValueError, match="Phone cannot be unique"):
        desk.store.open_entry(WriteIntent(desk.users, Operation.ADD, {}, (), (LockKey("Phone", "1"),)))
    assert desk.store.entries() == []


def test_a_change_computed_from_an_older_object_is_refused(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    desk.update(found, desk.user("bob", Title="Boss"))
    with pytest.raises(ObjectChanged, match="changed"):
        desk.store.open_entry(desk.changing(found))
    desk.delete(desk.store.get(desk.users, found.id))
    with pytest.raises(ObjectChanged, match="removed"):
        desk.store.open_entry(desk.changing(found))
    assert desk.store.entries() == []


def test_an_add_that_recovery_found_absent_leaves_no_object(desk: Any) -> None:
    entry = desk.store.open_entry(desk.adding(desk.user("bob")))
    assert desk.store.complete(entry, None, EventRecord("recover", "not_applied")) is None
    assert (desk.names(), desk.store.entries()) == ([], [])


def test_an_add_takes_over_the_row_that_a_reading_made_meanwhile_and_keeps_its_id(desk: Any) -> None:
    bob = desk.user("bob")
    entry = desk.store.open_entry(WriteIntent(desk.users, Operation.ADD, {}, (), kept={"active": True}))
    desk.store.adopt(desk.users, [desk.user("BOB")], desk.store.change_seq())
    adopted = desk.named("bob")
    found = desk.store.complete(entry, bob, desk.ok)
    assert found is not None
    assert (found.id, found.key, found.anchor) == (adopted.id, adopted.key, ("bob",))
    assert found.kept == {"active": True}
    assert desk.store.count(desk.users) == 1
    assert desk.store.complete(entry, bob, desk.ok) == found


def test_an_add_over_an_unlinked_object_makes_it_live(desk: Any) -> None:
    bob = desk.user("bob")
    unlinked = desk.unlink(desk.add(bob), bob)
    entry = desk.store.open_entry(WriteIntent(desk.users, Operation.ADD, {}, ()))
    found = desk.store.complete(entry, bob, desk.ok)
    assert found is not None
    assert (found.id, found.state, desk.store.count(desk.users)) == (unlinked.id, ObjectState.LIVE, 1)


def test_completing_twice_changes_nothing_and_returns_what_is_there(desk: Any) -> None:
    bob = desk.user("bob")
    entry = desk.store.open_entry(desk.adding(bob))
    found = desk.store.complete(entry, bob, desk.ok)
    assert desk.store.complete(entry, desk.user("bob", Title="Boss"), desk.ok) == found
    assert desk.store.complete(entry, None, desk.ok) == found
    desk.store.abandon(entry, desk.ok)
    desk.store.mark_uncertain(entry)
    assert len(desk.store.events("hr", 10)) == 1


def test_a_rename_keeps_the_id_and_frees_the_old_names(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    renamed = desk.update(found, desk.user("robert"))
    assert (renamed.id, renamed.key) == (found.id, found.key)
    assert desk.named("bob") is None
    assert desk.store.find(desk.users, "UserName", "bob@example.com") == []
    assert desk.store.find(desk.users, "UserName", "robert@example.com") == [renamed]
    assert desk.add(desk.user("bob")).id != found.id


def test_a_rename_swallows_the_row_that_a_reading_made_for_the_new_name(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    entry = desk.store.open_entry(desk.changing(found))
    desk.store.adopt(desk.users, [desk.user("robert")], desk.store.change_seq())
    renamed = desk.store.complete(entry, desk.user("robert"), desk.ok)
    assert renamed is not None
    assert renamed.id == found.id
    assert desk.names() == ["robert"]


def test_a_dn_belongs_to_the_object_that_the_target_confirmed_last(desk: Any) -> None:
    first = desk.add(desk.user("bob"))
    entry = desk.store.open_entry(WriteIntent(desk.users, Operation.ADD, {}, ()))
    second = desk.store.complete(entry, TargetObject(("eve",), first.dn, {}), desk.ok)
    assert second is not None
    assert second.dn == first.dn
    loser = desk.store.get(desk.users, first.id)
    assert (loser.dn, loser.change_seq > first.change_seq) == (None, True)


def test_a_delete_removes_the_object_and_its_data(desk: Any) -> None:
    found = desk.add(desk.user("bob", Email="bob@mail.example"))
    desk.delete(found)
    assert desk.store.get(desk.users, found.id) is None
    assert desk.named("bob") is None
    assert desk.store.find(desk.users, "Email", "bob@mail.example") == []
    assert list(desk.store.scan(desk.users)) == []
    assert (desk.names(), desk.store.count(desk.users)) == ([], 0)


def test_an_unlinked_object_is_found_but_not_listed_until_it_is_linked_again(desk: Any) -> None:
    bob = desk.user("bob")
    found = desk.unlink(desk.add(bob, kept={"active": True}), bob)
    assert (found.state, found.kept) == (ObjectState.UNLINKED, {"active": True})
    assert (desk.names(), desk.store.count(desk.users)) == ([], 0)
    assert desk.store.find(desk.users, "UserName", "bob@example.com") == [found]
    assert list(desk.store.scan(desk.users)) == [found]
    linked = desk.store.relink(desk.users, found.id)
    assert (linked.id, linked.state, linked.change_seq > found.change_seq) == (found.id, ObjectState.LIVE, True)
    assert desk.store.relink(desk.users, found.id) == linked
    assert (desk.names(), desk.store.count(desk.users)) == (["bob"], 1)
    assert desk.store.relink(desk.users, "nobody") is None


def test_a_delete_that_the_target_did_not_carry_out_leaves_the_object_live(desk: Any) -> None:
    bob = desk.user("bob")
    found = desk.add(bob, kept={"active": True})
    entry = desk.store.open_entry(desk.changing(found, operation=Operation.DELETE))
    result = desk.store.complete(entry, bob, EventRecord("recover", "not_applied"))
    assert result is not None
    assert (result.id, result.state, result.kept) == (found.id, ObjectState.LIVE, {"active": True})


def test_an_unlinking_of_an_object_that_the_target_has_lost_removes_it(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    entry = desk.store.open_entry(desk.changing(found, operation=Operation.DELETE, unlink=True))
    assert desk.store.complete(entry, None, desk.ok) is None
    assert desk.named("bob") is None


def test_an_abandoned_entry_changes_no_object_and_leaves_an_event(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    entry = desk.store.open_entry(desk.changing(found))
    desk.store.abandon(entry, EventRecord("update", "refused", error="PermissionIssue", milliseconds=7))
    assert desk.store.get(desk.users, found.id) == found
    assert desk.store.entries() == []
    event = desk.store.events("hr", 1)[0].record
    assert (event.object_id, event.outcome, event.error, event.milliseconds) == (
        found.id,
        "refused",
        "PermissionIssue",
        7,
    )


def test_an_outcome_that_cannot_be_stored_changes_nothing(desk: Any) -> None:
    entry = desk.store.open_entry(desk.adding(desk.user("bob")))
    with pytest.raises(ValueError, match="anchor"):
        desk.store.complete(entry, TargetObject((), None, {}), desk.ok)
    assert desk.store.entries() == [entry]


def test_every_change_takes_the_next_number(desk: Any) -> None:
    numbers = [desk.store.change_seq()]
    bob = desk.user("bob")
    found = desk.add(bob)
    numbers.append(found.change_seq)
    found = desk.update(found, bob)
    numbers.append(found.change_seq)
    found = desk.unlink(found, bob)
    numbers.append(found.change_seq)
    desk.delete(found)
    numbers.append(desk.store.change_seq())
    assert numbers == sorted(set(numbers))
